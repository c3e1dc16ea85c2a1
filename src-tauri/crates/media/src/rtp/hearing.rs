//! Whether each side hears the other, judged once a second.

use std::time::Duration;

use crate::OneWay;

/// The microphone gives nothing at all below this level, dBov: every real one hisses.
const DIGITAL_SILENCE: f32 = -100.0;
/// Seconds of it before it is said.
const SILENT_SECONDS: u32 = 5;
/// Time without packets before it is said.
const DEAF: Duration = Duration::from_secs(3);
/// Time without a report of the far end, after it had sent some, before it is said.
const UNREPORTED: Duration = Duration::from_secs(20);
/// Packets that must have left between two reports for their count to mean something.
const ENOUGH: u64 = 50;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) now: Duration,
    pub(super) sends: bool,
    pub(super) receives: bool,
    /// Level of what was sent in the last second, dBov.
    pub(super) level_out: f32,
    /// When the last packet came; `None` before the first, also after a change of the call.
    pub(super) heard: Option<Duration>,
    pub(super) packets_sent: u64,
}

/// Remembers what speaks for one-way sound.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    silent_seconds: u32,
    /// The last report of the far end: when, the highest number it got, and what we had sent by then.
    report: Option<(Duration, u32, u64)>,
    stuck: bool,
    /// Since when a first packet is waited for.
    unheard: Option<Duration>,
    verdict: Option<OneWay>,
}

impl Hearing {
    /// The far end reports the highest sequence number that it got of ours.
    pub(super) fn reported(&mut self, now: Duration, highest: u32, packets_sent: u64) {
        if let Some((_, before, sent)) = self.report {
            if packets_sent.saturating_sub(sent) < ENOUGH {
                self.report = Some((now, before, sent));
                return;
            }
            self.stuck = highest == before;
        }
        self.report = Some((now, highest, packets_sent));
    }

    /// Looks once a second; nothing is judged before the path is ready.
    pub(super) fn look(&mut self, ready: bool, signs: &Signs) {
        if !ready {
            self.unheard = None;
            self.verdict = None;
            return;
        }
        let since = match signs.heard {
            Some(heard) => {
                self.unheard = None;
                heard
            }
            None => *self.unheard.get_or_insert(signs.now),
        };
        let waited = |since: Duration| signs.now.saturating_sub(since);
        self.silent_seconds = match signs.sends && signs.level_out < DIGITAL_SILENCE {
            true => self.silent_seconds + 1,
            false => 0,
        };
        let unreported = self.report.is_some_and(|(at, ..)| waited(at) > UNREPORTED);
        let deaf = waited(since) >= DEAF;
        self.verdict = if signs.receives && deaf {
            Some(OneWay::NothingReceived)
        } else if signs.sends && signs.packets_sent > 0 && (self.stuck || unreported) {
            Some(OneWay::NotArriving)
        } else if self.silent_seconds >= SILENT_SECONDS {
            Some(OneWay::MicrophoneSilent)
        } else {
            None
        };
    }

    pub(super) const fn verdict(&self) -> Option<OneWay> {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Signs {
        Signs {
            now: Duration::from_secs(second),
            sends: true,
            receives: true,
            level_out: -40.0,
            heard: Some(Duration::from_secs(second)),
            packets_sent: second * 50,
        }
    }

    #[test]
    fn a_good_call_is_not_doubted() {
        let mut hearing = Hearing::default();
        for second in 0..60 {
            if second % 5 == 0 {
                hearing.reported(Duration::from_secs(second), second as u32 * 50, second * 50);
            }
            hearing.look(true, &at(second));
            assert_eq!(hearing.verdict(), None, "second {second}");
        }
    }

    #[test]
    fn a_dead_microphone_is_said_after_five_seconds_and_taken_back() {
        let mut hearing = Hearing::default();
        let silent = |second| Signs {
            level_out: -127.0,
            ..at(second)
        };
        for second in 0..4 {
            hearing.look(true, &silent(second));
            assert_eq!(hearing.verdict(), None);
        }
        hearing.look(true, &silent(4));
        assert_eq!(hearing.verdict(), Some(OneWay::MicrophoneSilent));
        hearing.look(true, &at(5));
        assert_eq!(hearing.verdict(), None);
        // On hold nothing is sent, which is nobody's fault.
        for second in 6..20 {
            let held = Signs {
                sends: false,
                ..silent(second)
            };
            hearing.look(true, &held);
            assert_eq!(hearing.verdict(), None);
        }
    }

    #[test]
    fn a_far_end_that_sends_nothing_is_noticed() {
        let mut hearing = Hearing::default();
        let mute = |second| Signs {
            heard: None,
            ..at(second)
        };
        hearing.look(false, &mute(0));
        hearing.look(true, &mute(9));
        assert_eq!(hearing.verdict(), None, "the path has just become ready");
        hearing.look(true, &mute(12));
        assert_eq!(hearing.verdict(), Some(OneWay::NothingReceived));
    }

    #[test]
    fn a_call_that_changes_has_its_time_to_be_heard_again() {
        let mut hearing = Hearing::default();
        hearing.look(true, &at(60));
        // A hold has just ended: the next packet is on its way.
        let mute = |second| Signs {
            heard: None,
            ..at(second)
        };
        hearing.look(true, &mute(61));
        assert_eq!(hearing.verdict(), None);
        hearing.look(true, &mute(64));
        assert_eq!(hearing.verdict(), Some(OneWay::NothingReceived));
    }

    #[test]
    fn packets_that_do_not_arrive_are_noticed_by_reports_that_stand_still() {
        let mut hearing = Hearing::default();
        hearing.reported(Duration::from_secs(5), 250, 250);
        hearing.reported(Duration::from_secs(6), 250, 270);
        hearing.look(true, &at(6));
        assert_eq!(hearing.verdict(), None, "too few were sent to tell");
        hearing.reported(Duration::from_secs(10), 250, 500);
        hearing.look(true, &at(10));
        assert_eq!(hearing.verdict(), Some(OneWay::NotArriving));
        hearing.reported(Duration::from_secs(15), 600, 750);
        hearing.look(true, &at(15));
        assert_eq!(hearing.verdict(), None);
        hearing.look(true, &at(36));
        assert_eq!(
            hearing.verdict(),
            Some(OneWay::NotArriving),
            "nothing is said any more"
        );
    }
}
