//! How late packets come, and how long it pays to wait for them.

use std::collections::VecDeque;

use super::PER_MS;
use super::timeline::Place;

/// The quickest packet of the last seconds is the base that lateness is counted from; a short memory follows the
/// drift of the sender's clock.
const MEMORY: usize = 8;
const SECOND: i64 = 1_000 * PER_MS;
/// Width of a bar of the histogram.
const BAR: i64 = 5 * PER_MS;
const BARS: usize = 60;
/// Weight that a bar keeps at each packet: half is forgotten after five seconds of 20 ms packets.
const KEEP: f32 = 0.997;
/// Share of the packets that should come in time.
const SHARE: f32 = 0.98;
/// The sound is fetched every 10 ms, not when it is due.
const PULL: i64 = 10 * PER_MS;
const SMALLEST: i64 = 20 * PER_MS;
const LARGEST: i64 = 200 * PER_MS;
/// After a copy of the packet before it came with a packet, it pays for this long to wait for the next copy: a sender
/// that spends bits on copies knows of losses, and speaks with pauses.
const REDUNDANT: i64 = 10 * SECOND;
/// What is expected before the first packets: 25 ms of jitter, with the weight of this many packets.
const PRIOR_BAR: usize = 5;
const PRIOR: f32 = 3.0;
/// A packet that is later than the one before it by this much ends a stall.
const STALL: i64 = 60 * PER_MS;
/// Once a stall is no stall: from the second within this time on, it pays to wait for the next.
const REPEATED: i64 = 10 * SECOND;
/// Stalls remembered.
const STALLS: usize = 8;

/// Measures lateness.
#[derive(Debug)]
pub(super) struct DelayMeter {
    /// Smallest arrival minus media time of each second, newest last.
    fastest: Vec<(i64, i64)>,
    bars: [f32; BARS],
    target: i64,
    /// The last packet: its arrival and its lateness.
    last: Option<(i64, i64)>,
    /// Packets come one on the heels of the other, held up together.
    catching_up: bool,
    /// When a packet brought a copy of the one before it, and how long that was.
    redundancy: Option<(i64, i64)>,
    /// When stalls ended, and how late their first packet was.
    stalls: VecDeque<(i64, i64)>,
}

impl Default for DelayMeter {
    fn default() -> Self {
        let mut bars = [0.0; BARS];
        bars[PRIOR_BAR] = PRIOR;
        Self {
            fastest: Vec::with_capacity(MEMORY + 1),
            bars,
            target: (PRIOR_BAR as i64 + 1) * BAR + PULL,
            last: None,
            catching_up: false,
            redundancy: None,
            stalls: VecDeque::with_capacity(STALLS),
        }
    }
}

impl DelayMeter {
    /// Takes the arrival of a packet.
    pub(super) fn note(&mut self, now: i64, place: Place) {
        let transit = now - place.at;
        let second = now.div_euclid(SECOND);
        match self.fastest.last_mut() {
            Some((time, fastest)) if *time == second => *fastest = transit.min(*fastest),
            _ => self.fastest.push((second, transit)),
        }
        self.fastest
            .retain(|(time, _)| second - time < MEMORY as i64);
        let late = transit - self.base().unwrap_or(transit);
        if !self.is_of_stall(now, late) {
            let bar = ((late / BAR) as usize).min(BARS - 1);
            for weight in &mut self.bars {
                *weight *= KEEP;
            }
            self.bars[bar] += 1.0;
        }
        self.aim(now);
    }

    /// Takes that a packet of this length brought a copy of the one before it.
    pub(super) fn note_redundancy(&mut self, now: i64, length: i64) {
        self.redundancy = Some((now, length));
    }

    /// The wait that lets a copy come before the sound that it stands in for is due.
    fn copied(&self, now: i64) -> i64 {
        let lately = self.redundancy.filter(|(at, _)| now - at <= REDUNDANT);
        lately.map_or(0, |(_, length)| length)
    }

    /// Packets that a stall held up together say nothing about the packets to come.
    fn is_of_stall(&mut self, now: i64, late: i64) -> bool {
        let Some((arrival, before)) = self.last.replace((now, late)) else {
            return false;
        };
        if late - before >= STALL {
            if self.stalls.len() >= STALLS {
                self.stalls.pop_front();
            }
            self.stalls.push_back((now, late));
            self.catching_up = true;
        } else if late < STALL / 2 || late > before - (now - arrival) {
            self.catching_up = false;
        }
        self.catching_up
    }

    /// The wait that the stalls of the last seconds call for: all but the worst would have been bridged.
    fn bridge(&self, now: i64) -> i64 {
        let (mut worst, mut next) = (0, 0);
        for &(at, late) in &self.stalls {
            if now - at > REPEATED {
                continue;
            }
            next = next.max(late.min(worst));
            worst = worst.max(late);
        }
        next
    }

    fn aim(&mut self, now: i64) {
        let total: f32 = self.bars.iter().sum();
        let mut sum = 0.0;
        let bar = self.bars.iter().position(|weight| {
            sum += weight;
            sum >= total * SHARE
        });
        let wait = (bar.unwrap_or(BARS - 1) as i64 + 1) * BAR;
        let wait = wait.max(self.bridge(now)).max(self.copied(now));
        self.target = (wait + PULL).clamp(SMALLEST, LARGEST);
    }

    /// Arrival minus media time of the quickest packets.
    pub(super) fn base(&self) -> Option<i64> {
        self.fastest.iter().map(|(_, transit)| *transit).min()
    }

    /// How long the quickest packet waits before it is played.
    pub(super) fn target(&self) -> i64 {
        self.target
    }

    /// When the sound of this media time is to be played.
    pub(super) fn due(&self, at: i64) -> i64 {
        at + self.base().unwrap_or(0) + self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_waited_for_as_long_as_some_come() {
        let length = 20 * PER_MS;
        let mut meter = DelayMeter::default();
        let mut aims = [0; 3_000];
        for (order, aim) in (0_i64..).zip(&mut aims) {
            let at = order * length;
            // Ten seconds without, ten with a copy in every fifth packet, and forty without.
            if (500..1_000).contains(&order) && order % 5 == 0 {
                meter.note_redundancy(at, length);
            }
            meter.note(
                at,
                Place {
                    order: order as u64,
                    at,
                },
            );
            *aim = meter.target();
        }
        assert_eq!(
            [aims[499], aims[500], aims[999], aims[2_999]],
            [SMALLEST, length + PULL, length + PULL, SMALLEST]
        );
    }
}
