//! Which call is meant when a command names none.

use sidetone_engine::agent::{CallDirection, CallId, CallState, CallView};

/// The oldest call that rings.
pub(crate) fn ringing(calls: &[CallView]) -> Option<CallId> {
    first(calls, |c| c.state == CallState::Ringing)
}

/// The call that is up.
pub(crate) fn up(calls: &[CallView]) -> Option<CallId> {
    first(calls, |c| c.state == CallState::Up)
}

/// The oldest call on hold.
pub(crate) fn held(calls: &[CallView]) -> Option<CallId> {
    first(calls, |c| c.state == CallState::Held)
}

/// The call that is up, else the oldest on hold.
pub(crate) fn in_hand(calls: &[CallView]) -> Option<CallId> {
    up(calls).or_else(|| held(calls))
}

/// The call in the ear, else one that we placed, else the oldest that is not over.
pub(crate) fn to_hang_up(calls: &[CallView]) -> Option<CallId> {
    let live = |c: &CallView| !matches!(c.state, CallState::Ended | CallState::Ending);
    first(calls, |c| {
        matches!(c.state, CallState::Up | CallState::Answering)
    })
    .or_else(|| first(calls, |c| live(c) && c.direction == CallDirection::Outgoing))
    .or_else(|| first(calls, live))
}

/// The call that digits go to: the one that is up, else one that we placed.
pub(crate) fn for_digits(calls: &[CallView]) -> Option<CallId> {
    up(calls).or_else(|| first(calls, |c| c.state == CallState::RemoteRinging))
}

/// The call that is up, joined already or not, and the next that may come to it.
pub(crate) fn to_join(calls: &[CallView]) -> Option<(CallId, CallId)> {
    let waits =
        |c: &CallView| matches!(c.state, CallState::Up | CallState::Held) && !c.in_conference;
    let one = up(calls).or_else(|| first(calls, waits))?;
    let other = first(calls, |c| waits(c) && c.id != one)?;
    Some((one, other))
}

fn first(calls: &[CallView], wanted: impl Fn(&CallView) -> bool) -> Option<CallId> {
    calls.iter().find(|c| wanted(c)).map(|c| c.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u32, direction: CallDirection, state: CallState) -> CallView {
        CallView {
            id: CallId(id),
            direction,
            state,
            name: String::new(),
            number: String::new(),
            queue: None,
            age_ms: 0,
            talk_ms: None,
            auto_answer: None,
            interrupted: false,
            held_by_remote: false,
            in_conference: false,
            sound_fault: None,
            end: None,
            recording: sidetone_engine::agent::RecordingState::Off,
            recording_fixed: false,
            transfer: None,
            variables: Vec::new(),
        }
    }

    #[test]
    fn the_call_that_is_meant() {
        use CallDirection::{Incoming, Outgoing};
        use CallState::{Ended, Held, Ringing, Up};
        let calls = [
            call(1, Incoming, Ended),
            call(2, Incoming, Held),
            call(3, Incoming, Ringing),
            call(4, Incoming, Ringing),
            call(5, Outgoing, Up),
        ];
        assert_eq!(ringing(&calls), Some(CallId(3)));
        assert_eq!(up(&calls), Some(CallId(5)));
        assert_eq!(held(&calls), Some(CallId(2)));
        assert_eq!(in_hand(&calls), Some(CallId(5)));
        assert_eq!(in_hand(&calls[..4]), Some(CallId(2)));
        assert_eq!(to_hang_up(&calls), Some(CallId(5)));
        assert_eq!(to_hang_up(&calls[..4]), Some(CallId(2)));
        assert_eq!(to_hang_up(&calls[..1]), None);
        assert_eq!(for_digits(&calls), Some(CallId(5)));
    }
}
