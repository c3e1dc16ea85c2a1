use super::Calls;
use crate::session::turn::Turn;
use crate::{CallId, CallState, Effect, Notice};

impl Calls {
    pub(in crate::session) fn hold(&mut self, turn: &mut Turn<'_>, id: CallId) {
        if let Some(call) = self.get_mut(id).filter(|call| call.state == CallState::Up) {
            call.state = CallState::Holding;
            turn.act(Effect::Hold { call: id, on: true });
        }
    }

    pub(in crate::session) fn resume(&mut self, turn: &mut Turn<'_>, id: CallId) {
        if self.other_audible(id) {
            turn.toast(Notice::AlreadyInCall);
            return;
        }
        // Not while hold is still being agreed: its late answer would be taken for the one to this.
        if let Some(call) = self
            .get_mut(id)
            .filter(|call| call.state == CallState::Held)
        {
            call.state = CallState::Resuming;
            turn.act(Effect::Hold {
                call: id,
                on: false,
            });
        }
    }

    /// What the far end agreed to; the only source of what the bar shows.
    pub(in crate::session) fn hold_confirmed(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        held: bool,
    ) {
        let other_audible = self.other_audible(id);
        let Some(call) = self.get_mut(id) else {
            return;
        };
        let mut joined = None;
        match (call.established(), held) {
            (false, _) => {}
            (true, true) => call.state = CallState::Held,
            // Two customers must never hear the agent at once.
            (true, false) if other_audible => turn.act(Effect::Hold { call: id, on: true }),
            (true, false) => {
                if call.in_conference && call.state == CallState::Resuming {
                    joined = call.party.shown();
                }
                call.state = CallState::Up;
            }
        }
        if let Some(name) = joined {
            turn.toast(Notice::ConferenceJoined { name });
        }
    }

    pub(in crate::session) fn remote_hold(&mut self, id: CallId, held: bool) {
        if let Some(call) = self.get_mut(id).filter(|call| call.engaged()) {
            call.held_by_remote = held;
        }
    }
}
