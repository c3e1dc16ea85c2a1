use super::call::Call;
use super::calls::Calls;
use super::number;
use super::party::Party;
use super::turn::Turn;
use crate::{CallDirection, CallId, Effect, Notice};

/// Places a call to what the agent typed, when the line is free and it can be dialled.
pub(super) fn typed(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, typed: &str) {
    if !line_free(calls, turn) {
        return;
    }
    match number::clean(typed) {
        Some(number) => place(calls, turn, id, Party::typed(number.clone()), number),
        None => turn.toast(number::refused(typed)),
    }
}

/// Places a call to somebody the server told of; says whether it did.
pub(super) fn told(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, party: Party) -> bool {
    if !line_free(calls, turn) {
        return false;
    }
    let Some(number) = party.to_dial() else {
        turn.toast(number::refused(&party.number));
        return false;
    };
    place(calls, turn, id, party, number);
    true
}

/// Nobody is heard, and nothing rings: a call on hold is no hindrance to asking somebody else.
fn line_free(calls: &Calls, turn: &mut Turn<'_>) -> bool {
    let free = calls.line_free();
    if !free {
        turn.toast(Notice::AlreadyInCall);
    }
    free
}

fn place(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, party: Party, number: String) {
    calls.silence_failure(turn);
    calls.add(Call::new(id, CallDirection::Outgoing, party, turn.now));
    turn.act(Effect::Dial { call: id, number });
}
