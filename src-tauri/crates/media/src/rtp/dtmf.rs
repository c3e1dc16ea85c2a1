//! Digits as telephone events (RFC 4733), sent and received.

use std::collections::VecDeque;

/// Length of a digit, and of the gap after it, in blocks of 10 ms.
const PRESS: u32 = 10;
/// Blocks between two packets of a digit.
const STEP: u32 = 2;
/// Times that the end of a digit is sent.
const ENDS: u32 = 3;
/// Level of a digit, -dBm0.
const VOLUME: u8 = 10;
/// Most digits that wait.
const MOST: usize = 256;
const DIGITS: &str = "0123456789*#ABCD";

/// Digits to send.
#[derive(Debug, Default)]
pub(crate) struct DigitsOut {
    waiting: VecDeque<u8>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    event: u8,
    /// Timestamp of the beginning, in the clock of the codec.
    began: u32,
    blocks: u32,
}

/// One packet of a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventPacket {
    pub(crate) payload: [u8; 4],
    /// Timestamp of the beginning, in the clock of the codec.
    pub(crate) began: u32,
    /// The first packet of the digit.
    pub(crate) marker: bool,
    /// Times that it is sent.
    pub(crate) times: u32,
}

impl DigitsOut {
    /// Takes digits; `false` when one of them is none, and then sends nothing.
    pub(crate) fn push(&mut self, digits: &str) -> bool {
        let mut events = Vec::new();
        for digit in digits.chars() {
            match DIGITS.find(digit.to_ascii_uppercase()) {
                // The place in the list is the number of the event.
                Some(event) => events.push(event as u8),
                None => return false,
            }
        }
        if self.waiting.len() + events.len() > MOST {
            return false;
        }
        self.waiting.extend(events);
        true
    }

    /// Whether a digit sounds now, in place of the voice.
    pub(crate) fn is_sounding(&self) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.blocks < PRESS)
    }

    /// Lets 10 ms pass; `timestamp` is that of the sound now, `clock` that of the events.
    pub(crate) fn tick(&mut self, timestamp: u32, clock: u32) -> Option<EventPacket> {
        if self.current.is_none() {
            let event = self.waiting.pop_front()?;
            self.current = Some(Current {
                event,
                began: timestamp,
                blocks: 0,
            });
        }
        let current = self.current.as_mut()?;
        current.blocks += 1;
        let blocks = current.blocks;
        if blocks > PRESS {
            if blocks >= 2 * PRESS {
                self.current = None;
            }
            return None;
        }
        if blocks % STEP != 0 {
            return None;
        }
        let end = blocks == PRESS;
        let duration = u16::try_from(blocks * clock / 100).unwrap_or(u16::MAX);
        let [high, low] = duration.to_be_bytes();
        Some(EventPacket {
            payload: [current.event, u8::from(end) << 7 | VOLUME, high, low],
            began: current.began,
            marker: blocks == STEP,
            times: if end { ENDS } else { 1 },
        })
    }
}

/// Digits that come in.
#[derive(Debug, Default)]
pub(crate) struct DigitsIn {
    /// Source and timestamp of the last digit.
    last: Option<(u32, u32)>,
}

impl DigitsIn {
    /// Takes the payload of an event; gives its digit once, at the first packet that comes of it.
    pub(crate) fn take(&mut self, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<char> {
        let event = usize::from(*payload.first_chunk::<4>()?.first()?);
        let digit = char::from(*DIGITS.as_bytes().get(event)?);
        if let Some((source, last)) = self.last
            && source == ssrc
            && timestamp.wrapping_sub(last) as i32 <= 0
        {
            return None;
        }
        self.last = Some((ssrc, timestamp));
        Some(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(digits: &str, clock: u32) -> Vec<(u32, EventPacket)> {
        let mut out = DigitsOut::default();
        assert!(out.push(digits));
        let per_block = clock / 100;
        (0..60)
            .filter_map(|block| {
                let packet = out.tick(1000 + block * per_block, clock)?;
                Some((block, packet))
            })
            .collect()
    }

    #[test]
    fn a_digit_lasts_100_ms_and_its_end_is_sent_three_times() {
        let sent = packets("5", 8000);
        let durations: Vec<u16> = sent
            .iter()
            .map(|(_, packet)| u16::from_be_bytes([packet.payload[2], packet.payload[3]]))
            .collect();
        assert_eq!(durations, [160, 320, 480, 640, 800]);
        assert!(sent.iter().all(|(_, packet)| packet.began == 1000));
        let markers: Vec<bool> = sent.iter().map(|(_, packet)| packet.marker).collect();
        assert_eq!(markers, [true, false, false, false, false]);
        let (_, last) = sent.last().expect("packets");
        assert_eq!((last.payload[1] & 0x80, last.times), (0x80, 3));
        assert_eq!(last.payload[0], 5);
    }

    #[test]
    fn the_next_digit_comes_after_100_ms_of_gap() {
        let sent = packets("1#", 48_000);
        let beginnings: Vec<u32> = sent
            .iter()
            .filter(|(_, packet)| packet.marker)
            .map(|(_, packet)| packet.began)
            .collect();
        assert_eq!(beginnings, [1000, 1000 + 20 * 480]);
    }

    #[test]
    fn every_digit_arrives_once_whatever_is_repeated_or_lost() {
        let mut input = DigitsIn::default();
        let mut heard = String::new();
        for (n, (_, packet)) in packets("19*0D7#", 8000).iter().enumerate() {
            // Loses every third.
            if n % 3 == 2 {
                continue;
            }
            for _ in 0..packet.times {
                heard.extend(input.take(7, packet.began, &packet.payload));
            }
        }
        assert!("19*0D7#".starts_with(&heard) && heard.len() >= 3, "{heard}");
    }

    #[test]
    fn what_is_no_digit_is_refused() {
        let mut out = DigitsOut::default();
        assert!(!out.push("12x"));
        assert_eq!(out.tick(0, 8000), None);
        let mut input = DigitsIn::default();
        assert_eq!(input.take(1, 1, &[16, 0, 0, 0]), None);
        assert_eq!(input.take(1, 1, &[1]), None);
    }
}
