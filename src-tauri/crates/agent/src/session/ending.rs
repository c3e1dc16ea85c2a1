use super::clause::clause;
use crate::{CallDirection, CallEnd, Notice, Tone};

/// What the agent is told about the end of a call, and the tone that says it to the ear.
///
/// `answered` tells a call that was talked in from one that never got so far.
pub(super) fn of(end: CallEnd, direction: CallDirection, answered: bool) -> (Notice, Option<Tone>) {
    let notice = match end {
        CallEnd::Local => Notice::CallEnded,
        CallEnd::Remote | CallEnd::CallerGaveUp
            if direction == CallDirection::Incoming && !answered =>
        {
            Notice::CallMissed
        }
        CallEnd::Remote | CallEnd::CallerGaveUp => Notice::CallEnded,
        CallEnd::AnsweredElsewhere => Notice::CallAnsweredElsewhere,
        CallEnd::Refused { status, reason } => refused(status, reason),
        CallEnd::Unreachable(fault) => Notice::CallUnreachable {
            fault: clause(&fault),
        },
        CallEnd::MediaFailed(fault) => Notice::CallNoSound {
            fault: clause(&fault),
        },
    };
    let tone = match &notice {
        _ if direction == CallDirection::Incoming || answered => None,
        Notice::CallBusy => Some(Tone::Busy),
        Notice::CallEnded | Notice::CallAnsweredElsewhere => None,
        _ => Some(Tone::Congestion),
    };
    (notice, tone)
}

/// The meaning of a final answer to our INVITE (RFC 3261 section 21).
fn refused(status: u16, reason: String) -> Notice {
    match status {
        486 | 600 => Notice::CallBusy,
        408 | 480 => Notice::CallNoAnswer,
        // 607 and 608: RFC 8197 and RFC 8688, rejected as unwanted.
        603 | 607 | 608 => Notice::CallDeclined,
        404 | 410 | 484 | 485 | 604 => Notice::CallUnknownNumber,
        401 | 403 | 407 => Notice::CallForbidden,
        406 | 415 | 488 | 606 => Notice::CallIncompatible,
        487 => Notice::CallEnded,
        502..=504 => Notice::CallUnavailable,
        _ => Notice::CallFailed { status, reason },
    }
}
