//! How much Opus sends and how often, by what the far end reports: little where the way is narrow, much where it is
//! wide, and no less for losses that come by chance, which sending less does not mend.

use std::collections::VecDeque;
use std::time::Duration;

use super::{LEAST, MOST};
use crate::codec::FarReport;

/// Full-band speech with room for the redundancy, where a call begins, bit/s.
const BEGIN: i32 = 32_000;
/// From one rung to the next, bit/s.
const STEP: i32 = 4_000;
/// What is tried to tell a narrow way from chance: half of what the packets of [`BEGIN`] weigh with all headers, bit/s.
const TRIAL: i32 = 16_000;
/// From here on packets are of the agreed length again, bit/s. Below it headers weigh more than sound: 50 packets a
/// second take 22 kbit/s for IP, UDP, RTP and the tag of SRTP, 25 take 11.
const SHORT_FROM: i32 = 20_000;
/// The most that is sent in longer packets, bit/s.
const LONG_TO: i32 = 24_000;
/// Loss above this asks whether the way is too narrow, percent.
const MUCH: u8 = 10;
/// Loss below this is no longer much, percent.
const NOT_MUCH: u8 = 5;
/// Loss up to this leaves room for more, percent.
const FREE: u8 = 2;
/// Chance: reports cover about 250 packets, so that a loss of 5 % is seen as 3 to 8.
const SCATTER: u8 = 4;
/// Loss by chance that grew by this may be a narrow way all the same, percent.
const GROWN_LOSS: u8 = 10;
/// Packets wait somewhere when the round trip is longer than the shortest lately by this.
const WAITING: Duration = Duration::from_millis(150);
/// Reports over which the shortest round trip is looked for, about a minute: the way may change for good.
const MEMORY: usize = 12;
/// Reports without trouble before more is sent on a way that was narrow, at first and at most.
const PATIENCE: (u32, u32) = (2, 12);

/// What is sent: bits a second, and the length of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    /// Bit/s.
    pub(super) bitrate: i32,
    /// Length of a packet, ms.
    pub(super) packet_ms: u32,
}

/// Follows the far end's reports up and down a ladder of rungs.
#[derive(Debug)]
pub(super) struct Pace {
    /// From what weighs least on the way to what weighs most.
    ladder: Vec<Rung>,
    rung: usize,
    /// Where a call begins; a way that carries it counts as wide.
    begin: usize,
    trial: usize,
    view: View,
    /// Clean reports asked for before the next step up.
    patience: u32,
    trips: VecDeque<Duration>,
    /// Reports in a row with a round trip that grew.
    waiting: u32,
}

/// What the losses are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// There are none to speak of.
    Wide,
    /// It is being tried whether sending less helps; `loss` and `rung` are those before.
    Trying { loss: u8, rung: usize },
    /// Sending less did not help against this loss.
    Chance { loss: u8 },
    /// Sending less helped. `usual` is what goes missing all the same.
    Narrow { usual: u8, clean: u32 },
}

impl Pace {
    /// Packets are `agreed_ms` long, `longest_ms` where that helps.
    pub(super) fn new(agreed_ms: u32, longest_ms: u32) -> Self {
        let ladder = ladder(agreed_ms, longest_ms);
        let at = |bitrate, packet_ms: Option<u32>| {
            ladder
                .iter()
                .position(|rung| {
                    rung.bitrate >= bitrate && packet_ms.is_none_or(|ms| rung.packet_ms == ms)
                })
                .unwrap_or_default()
        };
        Self {
            begin: at(BEGIN, Some(agreed_ms)),
            rung: at(BEGIN, Some(agreed_ms)),
            trial: at(TRIAL, None),
            ladder,
            view: View::Wide,
            patience: PATIENCE.0,
            trips: VecDeque::new(),
            waiting: 0,
        }
    }

    /// What to send now.
    pub(super) fn now(&self) -> Rung {
        self.ladder[self.rung]
    }

    /// Takes a report.
    pub(super) fn follow(&mut self, report: &FarReport) {
        let loss = report.loss_percent;
        let waits = self.waits(report.round_trip);
        // A round trip that grew once may be one late packet.
        let jammed = (waits && loss > FREE) || self.waiting >= 2;
        self.view = match self.view {
            View::Wide if jammed => self.narrow(loss),
            View::Wide if loss > MUCH => {
                let rung = self.rung;
                self.rung = self.trial;
                View::Trying { loss, rung }
            }
            View::Wide => {
                if loss <= FREE && !waits {
                    self.up();
                }
                View::Wide
            }
            View::Trying { loss: before, .. }
                if jammed || u32::from(loss) * 10 <= u32::from(before) * 7 =>
            {
                self.narrow(loss)
            }
            View::Trying { loss: before, rung } => {
                self.rung = rung;
                View::Chance {
                    loss: loss.max(before),
                }
            }
            View::Chance { .. } if jammed => self.narrow(loss),
            View::Chance { loss: known } if loss > known.saturating_add(GROWN_LOSS) => {
                let rung = self.rung;
                self.rung = self.trial;
                View::Trying { loss, rung }
            }
            View::Chance { .. } if loss <= NOT_MUCH => View::Wide,
            View::Chance { loss } => View::Chance { loss },
            View::Narrow { usual, clean } => self.narrowly(loss, waits, usual, clean),
        };
    }

    /// Whether packets wait somewhere on the way.
    fn waits(&mut self, round_trip: Option<Duration>) -> bool {
        let Some(trip) = round_trip else {
            return false;
        };
        if self.trips.len() == MEMORY {
            self.trips.pop_front();
        }
        self.trips.push_back(trip);
        let shortest = self.trips.iter().min().copied().unwrap_or(trip);
        let waits = trip > shortest + WAITING;
        self.waiting = if waits { self.waiting + 1 } else { 0 };
        waits
    }

    fn narrow(&mut self, loss: u8) -> View {
        self.rung = self.rung.min(self.trial);
        if loss > MUCH {
            self.rung = self.rung.saturating_sub(1);
        }
        View::Narrow {
            usual: if loss > MUCH { FREE } else { loss.max(FREE) },
            clean: 0,
        }
    }

    fn narrowly(&mut self, loss: u8, waits: bool, usual: u8, clean: u32) -> View {
        if waits || loss > usual + SCATTER {
            self.rung = self.rung.saturating_sub(1);
            self.patience = (self.patience * 2).min(PATIENCE.1);
            return View::Narrow { usual, clean: 0 };
        }
        let usual = usual.min(loss.max(FREE));
        let clean = clean + 1;
        if clean < self.patience {
            return View::Narrow { usual, clean };
        }
        self.up();
        if self.rung >= self.begin {
            self.patience = PATIENCE.0;
            return View::Wide;
        }
        View::Narrow { usual, clean: 0 }
    }

    fn up(&mut self) {
        self.rung = (self.rung + 1).min(self.ladder.len() - 1);
    }
}

fn ladder(agreed_ms: u32, longest_ms: u32) -> Vec<Rung> {
    let may = |ms: &u32| *ms > agreed_ms && *ms <= longest_ms;
    let rung = |bitrate, packet_ms| Rung { bitrate, packet_ms };
    let steps = |from: i32, to: i32| (from..=to).step_by(STEP as usize);
    let mut ladder = Vec::new();
    let mut from = LEAST;
    if may(&60) {
        ladder.push(rung(LEAST, 60));
    }
    if may(&40) {
        ladder.extend(steps(LEAST, LONG_TO).map(|bitrate| rung(bitrate, 40)));
        from = SHORT_FROM;
    }
    ladder.extend(steps(from, MOST).map(|bitrate| rung(bitrate, agreed_ms)));
    ladder
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way and what it does to packets.
    struct Way {
        /// What it carries, with all headers, bit/s.
        capacity: i32,
        /// What goes missing by chance, percent.
        chance: i32,
        /// How long packets wait where more is sent, ms.
        queue_ms: u64,
    }

    const OPEN: Way = Way {
        capacity: i32::MAX,
        chance: 0,
        queue_ms: 0,
    };

    impl Way {
        /// IP, UDP, RTP and the tag of SRTP on each packet.
        fn weight(rung: Rung) -> i32 {
            rung.bitrate + 56 * 8 * 1_000 / rung.packet_ms as i32
        }

        fn report(&self, rung: Rung, number: usize) -> FarReport {
            let weight = Self::weight(rung);
            let through = f64::from(self.capacity.min(weight)) / f64::from(weight);
            // Chance scatters.
            let chance = match self.chance {
                0 => 0,
                chance => chance + [0, 2, -2, 1, -1][number % 5],
            };
            let lost = 100.0 - through * f64::from(100 - chance);
            let queue = if weight > self.capacity {
                self.queue_ms
            } else {
                0
            };
            FarReport {
                loss_percent: lost as u8,
                round_trip: Some(Duration::from_millis(60 + queue)),
            }
        }

        /// What is sent at each of so many reports.
        fn rungs(&self, pace: &mut Pace, reports: usize) -> Vec<Rung> {
            (0..reports)
                .map(|number| {
                    pace.follow(&self.report(pace.now(), number));
                    pace.now()
                })
                .collect()
        }
    }

    #[test]
    fn a_narrow_way_is_filled_and_not_flooded() {
        for capacity in [20_000, 24_000, 30_000, 36_000, 45_000] {
            for queue_ms in [0, 100, 600, 3_000] {
                let way = Way {
                    capacity,
                    chance: 0,
                    queue_ms,
                };
                let rungs = way.rungs(&mut Pace::new(20, 60), 60);
                // Redundancy mends the loss of one packet in twenty.
                let fits = |rung: &Rung| Way::weight(*rung) * 20 <= capacity * 21;
                // Within three reports, a quarter of a minute.
                assert!(fits(&rungs[2]), "{capacity}, {queue_ms}: {rungs:?}");
                let over = rungs[3..].iter().filter(|rung| !fits(rung)).count();
                assert!(over <= 8, "{capacity}, {queue_ms}: {over} too much");
                // A way that carries the least but one is used better than that.
                let best = rungs[30..].iter().filter(|rung| fits(rung));
                let best = best.map(|rung| Way::weight(*rung)).max().expect("fits");
                assert!(best * 10 >= capacity * 7, "{capacity}, {queue_ms}: {best}");
            }
        }
    }

    #[test]
    fn losses_by_chance_are_not_met_with_less_sound() {
        for chance in [3, 5, 8, 15, 20, 30] {
            let way = Way { chance, ..OPEN };
            let rungs = way.rungs(&mut Pace::new(20, 60), 40);
            let low = rungs.iter().filter(|rung| rung.bitrate < BEGIN).count();
            assert!(low <= 1, "{chance} %: {rungs:?}");
        }
    }

    #[test]
    fn a_way_that_becomes_narrow_and_wide_again_is_followed() {
        let mut pace = Pace::new(20, 60);
        assert_eq!(OPEN.rungs(&mut pace, 4)[3].bitrate, MOST);
        let narrow = Way {
            capacity: 24_000,
            queue_ms: 600,
            ..OPEN
        };
        let last = narrow.rungs(&mut pace, 10)[9];
        assert_eq!(last, rung(12_000, 40));
        let rungs = OPEN.rungs(&mut pace, 100);
        assert_eq!(rungs[99], rung(MOST, 20), "{rungs:?}");
        // Not at once: it may be narrow still.
        assert!(rungs[3].bitrate < BEGIN, "{rungs:?}");
    }

    #[test]
    fn one_late_report_is_no_jam() {
        let mut pace = Pace::new(20, 60);
        let report = |ms| FarReport {
            loss_percent: 0,
            round_trip: Some(Duration::from_millis(ms)),
        };
        for ms in [60, 60, 400, 60, 70, 380, 60] {
            pace.follow(&report(ms));
            assert!(pace.now().bitrate >= BEGIN, "{ms}");
        }
        // A queue without an end loses nothing.
        for _ in 0..2 {
            pace.follow(&report(2_000));
        }
        assert!(pace.now().bitrate < BEGIN);
    }

    #[test]
    fn packets_are_no_longer_than_the_far_end_takes() {
        for (agreed, longest, least) in [
            (20, 60, (12_000, 60)),
            (20, 40, (12_000, 40)),
            (20, 20, (12_000, 20)),
            (10, 30, (12_000, 10)),
            (40, 60, (12_000, 60)),
            (60, 60, (12_000, 60)),
        ] {
            let ladder = ladder(agreed, longest);
            assert_eq!(ladder[0], rung(least.0, least.1), "{agreed} {longest}");
            assert_eq!(ladder.last(), Some(&rung(MOST, agreed)));
            assert!(
                ladder.is_sorted_by_key(|rung| Way::weight(*rung)),
                "{ladder:?}"
            );
            assert_eq!(Pace::new(agreed, longest).now(), rung(BEGIN, agreed));
        }
    }

    fn rung(bitrate: i32, packet_ms: u32) -> Rung {
        Rung { bitrate, packet_ms }
    }
}
