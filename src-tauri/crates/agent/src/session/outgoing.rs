use super::call::Call;
use super::calls::Calls;
use super::number;
use super::turn::Turn;
use crate::{CallDirection, CallId, Effect, Notice};

/// Places a call, when the line is free and what was typed can be dialled.
pub(super) fn dial(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, typed: String) {
    if calls.engaged() {
        turn.toast(Notice::AlreadyInCall);
        return;
    }
    let Some(number) = number::clean(&typed) else {
        // It goes on a toast: a pasted page would not fit there.
        let number = typed.chars().filter(|c| !c.is_control()).take(40).collect();
        turn.toast(Notice::BadNumber { number });
        return;
    };
    calls.silence_failure(turn);
    let mut call = Call::new(id, CallDirection::Outgoing, turn.now);
    call.number.clone_from(&number);
    calls.add(call);
    turn.act(Effect::Dial { call: id, number });
}
