use std::time::Duration;

use super::calls::{self, Calls};
use super::number;
use super::turn::Turn;
use crate::{CallId, Effect, Notice, TimerId, TransferState};

/// A transfer of which nothing is heard for this long has failed; the call is still here.
const OVERDUE_AFTER: Duration = Duration::from_secs(60);
/// 408: nothing came in time (RFC 3261 section 21.4.9).
const TIMEOUT: u16 = 408;

/// Hands a call over to a number.
pub(super) fn to_number(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, typed: &str) {
    let ready = calls
        .get_mut(id)
        .filter(|call| call.established() && !call.transferring());
    let Some(call) = ready else {
        return;
    };
    let Some(number) = number::clean(typed) else {
        turn.toast(number::refused(typed));
        return;
    };
    call.transfer = Some(TransferState::Asked);
    turn.act(Effect::Transfer { call: id, number });
    watch(turn, id);
}

/// Connects two calls with each other.
pub(super) fn to_call(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, other: CallId) {
    let ready = |id| {
        calls
            .get(id)
            .is_some_and(|call| call.established() && !call.transferring())
    };
    if id == other || !ready(id) || !ready(other) {
        return;
    }
    if let Some(call) = calls.get_mut(id) {
        call.transfer = Some(TransferState::Asked);
        call.transfer_to = Some(other);
        turn.act(Effect::TransferTo { call: id, other });
        watch(turn, id);
    }
}

/// The far end's word.
pub(super) fn told(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, state: TransferState) {
    let asked = calls
        .get_mut(id)
        .filter(|call| call.established() && call.transfer.is_some());
    let Some(call) = asked else {
        return;
    };
    match state {
        TransferState::Asked | TransferState::Ringing => {
            if call.transferring() {
                call.transfer = Some(state);
            }
        }
        TransferState::Done => {
            let other = call.transfer_to.take();
            turn.act(Effect::StopTimer(TimerId::TransferOverdue(id)));
            turn.toast(Notice::TransferDone);
            call.transfer = Some(TransferState::Done);
            calls::hang_up_with(call, turn, Notice::CallTransferred);
            let other = other.and_then(|other| calls.get_mut(other));
            if let Some(other) = other.filter(|other| other.engaged()) {
                calls::hang_up_with(other, turn, Notice::CallTransferred);
            }
        }
        TransferState::Failed { status, reason } => {
            if !call.transferring() {
                return;
            }
            call.transfer_to = None;
            call.transfer = Some(TransferState::Failed {
                status,
                reason: reason.clone(),
            });
            turn.act(Effect::StopTimer(TimerId::TransferOverdue(id)));
            turn.toast(Notice::TransferFailed { status, reason });
        }
    }
}

/// Nothing was heard of it.
pub(super) fn overdue(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId) {
    let state = TransferState::Failed {
        status: TIMEOUT,
        reason: "Request Timeout".to_owned(),
    };
    told(calls, turn, id, state);
}

fn watch(turn: &mut Turn<'_>, id: CallId) {
    turn.act(Effect::StartTimer {
        timer: TimerId::TransferOverdue(id),
        at: turn.now + OVERDUE_AFTER,
    });
}
