use sidetone_profile::PopMoment;

use super::{Desk, disposition_required};
use crate::CallDirection;
use crate::session::turn::Turn;
use crate::session::{Outside, recording, screen_pops};

impl Desk {
    /// What follows from what happened to calls: recordings, screen pops, history, wrap-up time.
    pub(super) fn follow_calls(&mut self, turn: &mut Turn<'_>, outside: &mut Outside) {
        for (id, moment) in self.calls.take_happened() {
            if let (Some(call), PopMoment::Answered) = (self.calls.get_mut(id), moment) {
                recording::answered(call, turn, &self.profile);
            }
            let Some(call) = self.calls.get(id) else {
                continue;
            };
            screen_pops::open(turn, &outside.settings().screen_pops, call, moment);
            if moment != PopMoment::Ended {
                continue;
            }
            let at_ms = outside.unix_ms(call.began);
            outside.history.remember(turn, call, at_ms);
            let from_queue = call.direction == CallDirection::Incoming && call.queue.is_some();
            if from_queue && call.answered.is_some() {
                let required = disposition_required(outside);
                self.wrap_up.begin(turn, outside.settings(), required, call);
            }
        }
    }
}
