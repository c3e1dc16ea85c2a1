//! The call object of the Windows client, and the numbers of its states.

use serde::Serialize;
use sidetone_engine::agent::{CallDirection, CallState, CallView, TransferState};

/// A call, as existing integrations read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OldCall {
    /// Names the call in the other paths.
    session_id: String,
    /// Number of the other party, whoever called; masked where the view is.
    calling_number: String,
    /// Seconds since the answer.
    duration: u64,
    /// One of the numbers of [`state`].
    state_id: u8,
    /// They called.
    incoming: bool,
}

impl From<&CallView> for OldCall {
    fn from(call: &CallView) -> Self {
        Self {
            session_id: call.id.0.to_string(),
            calling_number: call.number.clone(),
            duration: call.talk_ms.unwrap_or_default() / 1000,
            state_id: state(call),
            incoming: call.direction == CallDirection::Incoming,
        }
    }
}

// 0 (null) and 1 (idle) are numbers of the old client too: no call of ours is ever in such a state.
const CONNECTING: u8 = 2;
const ALERTING: u8 = 4;
const ACTIVE: u8 = 8;
const RELEASED: u8 = 16;
const INCOMING: u8 = 32;
const HOLDING: u8 = 64;
const TERMINATED: u8 = 128;

fn state(call: &CallView) -> u8 {
    match call.state {
        CallState::Ringing | CallState::Answering => INCOMING,
        CallState::Dialling => CONNECTING,
        CallState::RemoteRinging => ALERTING,
        // Until the far end has agreed, the customer hears the agent, or does not yet.
        CallState::Up | CallState::Holding => ACTIVE,
        CallState::Held | CallState::Resuming => HOLDING,
        CallState::Ending => RELEASED,
        CallState::Ended if call.transfer == Some(TransferState::Done) => RELEASED,
        CallState::Ended => TERMINATED,
    }
}

#[cfg(test)]
mod tests {
    use sidetone_engine::agent::{CallId, RecordingState};

    use super::*;

    fn call(state: CallState) -> CallView {
        CallView {
            id: CallId(7),
            direction: CallDirection::Incoming,
            state,
            name: "Maria".to_owned(),
            number: "5550100".to_owned(),
            queue: None,
            age_ms: 9000,
            talk_ms: Some(3999),
            auto_answer: None,
            interrupted: false,
            held_by_remote: false,
            in_conference: false,
            sound_fault: None,
            end: None,
            recording: RecordingState::Off,
            recording_fixed: false,
            transfer: None,
            variables: Vec::new(),
        }
    }

    #[test]
    fn a_call_reads_as_it_did() {
        let document = serde_json::to_value(OldCall::from(&call(CallState::Up))).unwrap();
        let expected = serde_json::json!({
            "sessionId": "7", "callingNumber": "5550100", "duration": 3, "stateId": 8, "incoming": true,
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn states_have_their_old_numbers() {
        for (now, number) in [
            (CallState::Dialling, 2),
            (CallState::RemoteRinging, 4),
            (CallState::Up, 8),
            (CallState::Holding, 8),
            (CallState::Ending, 16),
            (CallState::Ringing, 32),
            (CallState::Answering, 32),
            (CallState::Held, 64),
            (CallState::Resuming, 64),
            (CallState::Ended, 128),
        ] {
            assert_eq!(state(&call(now)), number, "{now:?}");
        }
        let mut transferred = call(CallState::Ended);
        transferred.transfer = Some(TransferState::Done);
        assert_eq!(state(&transferred), 16);
    }
}
