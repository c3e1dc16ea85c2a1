use std::collections::{BTreeSet, HashMap};

use sidetone_agent::{Time, TimerId};

/// The timers that `agent` asked for, in the order in which they run out.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(Time, TimerId)>,
    at: HashMap<TimerId, Time>,
}

impl Timers {
    /// Starts a timer; replaces an earlier one of the same name.
    pub(crate) fn start(&mut self, timer: TimerId, at: Time) {
        self.stop(timer);
        self.due.insert((at, timer));
        self.at.insert(timer, at);
    }

    pub(crate) fn stop(&mut self, timer: TimerId) {
        if let Some(at) = self.at.remove(&timer) {
            self.due.remove(&(at, timer));
        }
    }

    /// When the next one runs out.
    pub(crate) fn next(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes one that has run out.
    pub(crate) fn pop(&mut self, now: Time) -> Option<TimerId> {
        let (at, timer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use sidetone_agent::CallId;

    use super::*;

    #[test]
    fn timers_run_out_in_order_and_only_once() {
        let mut timers = Timers::default();
        timers.start(TimerId::ToneEnd, Time(300));
        timers.start(TimerId::AutoAnswer(CallId(1)), Time(100));
        timers.start(TimerId::ToastEnd(1), Time(200));
        timers.stop(TimerId::ToastEnd(1));
        timers.start(TimerId::AutoAnswer(CallId(1)), Time(400));
        assert_eq!(timers.next(), Some(Time(300)));
        assert_eq!(timers.pop(Time(299)), None);
        assert_eq!(timers.pop(Time(1000)), Some(TimerId::ToneEnd));
        assert_eq!(timers.pop(Time(1000)), Some(TimerId::AutoAnswer(CallId(1))));
        assert_eq!(timers.pop(Time(1000)), None);
        assert_eq!(timers.next(), None);
    }
}
