//! What a receiver counts of one stream (RFC 3550 appendix A).

use std::time::Duration;

/// A jump further than this in sequence is a restart of the sender, not loss.
const LARGEST_JUMP: u16 = 3000;

/// Counters of the stream that comes in, over all its sources.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    received: u64,
    source: Option<Source>,
    /// Lost packets of sources that went before.
    lost_before: u64,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    first: u32,
    /// Highest sequence number, extended by the number of wraps.
    highest: u32,
    /// Which of the last 64 up to `highest` have come.
    seen: u64,
    received: u32,
    /// Interarrival jitter, ticks.
    jitter: f64,
    transit: Option<f64>,
    clock: u32,
    /// Expected and received at the last report.
    reported: (u32, u32),
}

/// What a receiver report says of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) ssrc: u32,
    pub(crate) fraction_lost: u8,
    pub(crate) lost: u32,
    pub(crate) highest: u32,
    pub(crate) jitter: u32,
}

impl Reception {
    /// Counts a packet; `false` when it is a repeat. Packets that are not `timed` (digits, whose timestamp stands still)
    /// leave the jitter alone.
    pub(crate) fn count(
        &mut self,
        now: Duration,
        ssrc: u32,
        sequence: u16,
        timestamp: u32,
        clock: u32,
        timed: bool,
    ) -> bool {
        let restart = self
            .source
            .as_ref()
            .is_none_or(|source| source.ssrc != ssrc || source.jumps(sequence));
        if restart {
            self.lost_before = self.lost();
            self.source = Some(Source::new(ssrc, sequence, clock));
        }
        let Some(source) = &mut self.source else {
            return false;
        };
        if !restart && !source.advance(sequence) {
            return false;
        }
        source.received += 1;
        if timed {
            source.measure(now, timestamp, clock);
        }
        self.received += 1;
        true
    }

    /// A source said goodbye: what does not come of it any more is not lost. `true` when it was the one that is heard.
    pub(crate) fn end(&mut self, ssrc: u32) -> bool {
        let ended = self
            .source
            .as_ref()
            .is_some_and(|source| source.ssrc == ssrc);
        if ended {
            self.lost_before = self.lost();
            self.source = None;
        }
        ended
    }

    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn lost(&self) -> u64 {
        let now = self.source.as_ref().map_or(0, Source::lost);
        self.lost_before + u64::from(now)
    }

    /// Interarrival jitter, ms.
    pub(crate) fn jitter_ms(&self) -> f32 {
        self.source.as_ref().map_or(0.0, |source| {
            (source.jitter * 1000.0 / f64::from(source.clock)) as f32
        })
    }

    /// What to report since the last report.
    pub(crate) fn report(&mut self) -> Option<Report> {
        let source = self.source.as_mut()?;
        let (expected, received) = (source.expected(), source.received);
        let (expected_then, received_then) = source.reported;
        let expected_since = expected.saturating_sub(expected_then);
        let received_since = received.saturating_sub(received_then);
        source.reported = (expected, received);
        let lost_since = expected_since.saturating_sub(received_since);
        let fraction = (u64::from(lost_since) << 8)
            .checked_div(u64::from(expected_since))
            .unwrap_or(0);
        Some(Report {
            ssrc: source.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: source.lost().min(0x7f_ffff),
            highest: source.highest,
            jitter: source.jitter as u32,
        })
    }
}

impl Source {
    fn new(ssrc: u32, sequence: u16, clock: u32) -> Self {
        // One wrap ahead, so that a packet older than the first does not go below zero.
        let first = 0x1_0000 + u32::from(sequence);
        Self {
            ssrc,
            first,
            highest: first,
            seen: 1,
            received: 0,
            jitter: 0.0,
            transit: None,
            clock,
            reported: (0, 0),
        }
    }

    fn jumps(&self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        let behind = (self.highest as u16).wrapping_sub(sequence);
        ahead.min(behind) > LARGEST_JUMP
    }

    /// Notes a sequence number; `false` when it was there already or is too old to tell.
    fn advance(&mut self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead != 0 && ahead <= LARGEST_JUMP {
            self.highest = self.highest.wrapping_add(u32::from(ahead));
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            return true;
        }
        let behind = (self.highest as u16).wrapping_sub(sequence);
        if behind >= 64 {
            return false;
        }
        let bit = 1 << behind;
        let new = self.seen & bit == 0;
        self.seen |= bit;
        self.first = self.first.min(self.highest - u32::from(behind));
        new
    }

    fn measure(&mut self, now: Duration, timestamp: u32, clock: u32) {
        if clock != self.clock {
            self.clock = clock;
            self.transit = None;
            self.jitter = 0.0;
        }
        // Only differences count, modulo the timestamp's 32 bits.
        let ticks = now.as_secs_f64() * f64::from(clock);
        let arrival = (ticks % 4_294_967_296.0) as u32;
        let transit = f64::from(arrival.wrapping_sub(timestamp) as i32);
        if let Some(before) = self.transit {
            let difference = (transit - before).abs();
            // A wrap or a jump of the sender's clock is not jitter.
            if difference < f64::from(clock) {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
        self.transit = Some(transit);
    }

    const fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }

    const fn lost(&self) -> u32 {
        self.expected().saturating_sub(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn gaps_are_lost_until_they_come_late_and_repeats_do_not_count() {
        let mut reception = Reception::default();
        for sequence in [65_534_u16, 65_535, 1, 2] {
            assert!(reception.count(ms(0), 1, sequence, 0, 8000, true));
        }
        assert_eq!((reception.received(), reception.lost()), (4, 1));
        assert!(!reception.count(ms(0), 1, 2, 0, 8000, true));
        assert!(reception.count(ms(0), 1, 0, 0, 8000, true));
        assert_eq!((reception.received(), reception.lost()), (5, 0));
    }

    #[test]
    fn the_fraction_is_of_the_time_since_the_last_report() {
        let mut reception = Reception::default();
        reception.count(ms(0), 9, 10, 0, 8000, true);
        reception.report();
        for sequence in [11, 13] {
            reception.count(ms(0), 9, sequence, 0, 8000, true);
        }
        let report = reception.report().expect("a report");
        assert_eq!((report.fraction_lost, report.lost), (85, 1));
        assert_eq!(reception.report().expect("a report").fraction_lost, 0);
    }

    #[test]
    fn a_new_source_keeps_the_sum() {
        let mut reception = Reception::default();
        reception.count(ms(0), 1, 1, 0, 8000, true);
        reception.count(ms(0), 1, 3, 0, 8000, true);
        reception.count(ms(0), 2, 40_000, 0, 8000, true);
        assert_eq!((reception.received(), reception.lost()), (3, 1));
        assert_eq!(reception.report().map(|report| report.ssrc), Some(2));
    }

    #[test]
    fn jitter_is_zero_on_an_even_stream_and_grows_with_unevenness() {
        let mut even = Reception::default();
        let mut uneven = Reception::default();
        for n in 0..200_u16 {
            let at = u64::from(n) * 20;
            even.count(ms(at), 1, n, u32::from(n) * 160, 8000, true);
            let shift = if n % 2 == 0 { 0 } else { 10 };
            uneven.count(ms(at + shift), 1, n, u32::from(n) * 160, 8000, true);
        }
        assert!(even.jitter_ms() < 0.01, "{}", even.jitter_ms());
        assert!(
            (uneven.jitter_ms() - 10.0).abs() < 0.5,
            "{}",
            uneven.jitter_ms()
        );
    }
}
