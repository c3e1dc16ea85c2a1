use super::Calls;
use crate::session::call::Call;
use crate::session::turn::Turn;
use crate::{CallId, CallState, Effect, Notice};

impl Calls {
    /// Joins two calls, with all that either is joined with already; what is held is resumed for it.
    pub(in crate::session) fn join(&mut self, turn: &mut Turn<'_>, one: CallId, other: CallId) {
        let ready = |id| self.get(id).is_some_and(can_join);
        if one == other || !ready(one) || !ready(other) {
            return;
        }
        let joins = |call: &Call| call.in_conference || call.id == one || call.id == other;
        // A third customer must not hear what was not meant for them.
        if self.list.iter().any(|call| call.audible() && !joins(call)) {
            turn.toast(Notice::AlreadyInCall);
            return;
        }
        for call in self.list.iter_mut().filter(|call| call.live()) {
            if !joins(call) {
                continue;
            }
            call.in_conference = true;
            if call.state == CallState::Held {
                call.state = CallState::Resuming;
                turn.act(Effect::Hold {
                    call: call.id,
                    on: false,
                });
            }
        }
        // Who mixes must know of it before the far end has agreed to be resumed.
        self.settle_conference(turn);
    }

    /// Whoever is held or gone is out of it, and one alone is no conference.
    pub(super) fn settle_conference(&mut self, turn: &mut Turn<'_>) {
        let stays =
            |call: &Call| call.in_conference && call.established() && call.state != CallState::Held;
        let mut members: Vec<CallId> = self
            .list
            .iter()
            .filter(|call| stays(call))
            .map(|call| call.id)
            .collect();
        if members.len() < 2 {
            members.clear();
        }
        for call in &mut self.list {
            call.in_conference = members.contains(&call.id);
        }
        if members != self.conference {
            turn.act(Effect::Conference {
                calls: members.clone(),
            });
            self.conference = members;
        }
    }
}

/// A call whose hold is being agreed may not: the late answer would be taken for the one to this.
fn can_join(call: &Call) -> bool {
    let settled = call.in_conference || matches!(call.state, CallState::Up | CallState::Held);
    call.established() && settled && !call.transferring()
}
