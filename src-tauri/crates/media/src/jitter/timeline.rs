//! One line of order and media time, whatever the sender does: wraps, jumps, new sources, new clocks.

use super::PER_MS;
use crate::SAMPLE_RATE;
use crate::receive::RtpIn;

/// Sequence numbers further ahead than this are a jump, not loss (RFC 3550 appendix A.1).
const MAX_DROPOUT: i16 = 3_000;
/// Sequence numbers further back than this are a jump, not reordering.
const MAX_MISORDER: i16 = 100;
/// Media time that runs this far from arrival time is a jump of the timestamp.
const MAX_STRAY: i64 = 1_000 * PER_MS;
/// Packets of the source before this one are stragglers for this long.
const STRAGGLING: i64 = 500 * PER_MS;

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counts up by one from packet to packet as they were sent.
    pub(super) order: u64,
    /// Media time of its first sample, samples at 48 kHz.
    pub(super) at: i64,
}

/// Places packets.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    newest: Option<Newest>,
    /// The source before this one, and when it ended.
    previous: Option<(u32, i64)>,
    /// The sequence number that would confirm a jump.
    suspect: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    ssrc: u32,
    sequence: u16,
    order: u64,
    /// The last audio packet: its timestamp, clock and media time.
    timestamp: u32,
    clock: u32,
    at: i64,
    arrival: i64,
}

impl Timeline {
    /// Places a packet that arrives now; `clock` is 0 for one without audio, whose media time means nothing.
    /// `None` is a straggler of an earlier source, or a stray.
    pub(super) fn place(&mut self, now: i64, packet: &RtpIn<'_>, clock: u32) -> Option<Place> {
        let Some(newest) = self.newest else {
            // Room below for packets that overtook each other at the very start.
            let place = Place {
                order: 1 << 16,
                at: now,
            };
            self.accept(now, packet, clock, place);
            return Some(place);
        };
        if packet.ssrc != newest.ssrc {
            if let Some((ssrc, ended)) = self.previous
                && ssrc == packet.ssrc
                && now - ended < STRAGGLING
            {
                return None;
            }
            self.previous = Some((newest.ssrc, now));
            return Some(self.restart(now, packet, clock, newest));
        }
        let ahead = packet.sequence.wrapping_sub(newest.sequence) as i16;
        if !(-MAX_MISORDER..=MAX_DROPOUT).contains(&ahead) {
            if self.suspect != Some(packet.sequence) {
                self.suspect = Some(packet.sequence.wrapping_add(1));
                return None;
            }
            return Some(self.restart(now, packet, clock, newest));
        }
        let order = newest.order.checked_add_signed(i64::from(ahead))?;
        if clock == 0 {
            let place = Place {
                order,
                at: newest.at,
            };
            if ahead > 0 {
                self.newest = Some(Newest {
                    sequence: packet.sequence,
                    order,
                    ..newest
                });
            }
            return Some(place);
        }
        let ticks = i64::from(packet.timestamp.wrapping_sub(newest.timestamp) as i32);
        let moved = ticks * i64::from(SAMPLE_RATE) / i64::from(clock);
        let stray = (moved - (now - newest.arrival)).abs() > MAX_STRAY || clock != newest.clock;
        if ahead <= 0 {
            // An older packet is of use only where it fits.
            return (!stray).then_some(Place {
                order,
                at: newest.at + moved,
            });
        }
        let moved = if stray { now - newest.arrival } else { moved };
        let place = Place {
            order,
            at: newest.at + moved,
        };
        self.accept(now, packet, clock, place);
        Some(place)
    }

    /// Goes on in step with the arrival of packets, as if the sender had never changed.
    fn restart(&mut self, now: i64, packet: &RtpIn<'_>, clock: u32, newest: Newest) -> Place {
        let place = Place {
            order: newest.order + 1,
            at: newest.at + (now - newest.arrival),
        };
        self.accept(now, packet, clock, place);
        place
    }

    fn accept(&mut self, now: i64, packet: &RtpIn<'_>, clock: u32, place: Place) {
        self.suspect = None;
        self.newest = Some(Newest {
            ssrc: packet.ssrc,
            sequence: packet.sequence,
            order: place.order,
            timestamp: packet.timestamp,
            clock,
            at: place.at,
            arrival: now,
        });
    }
}
