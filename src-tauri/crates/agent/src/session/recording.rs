use sidetone_profile::{Profile, RecordingFormat};

use super::call::Call;
use super::calls::Calls;
use super::clause::clause;
use super::turn::Turn;
use crate::{CallId, Effect, Notice, RecordingState};

/// The recording of one call.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// The recorder's word.
    pub(super) state: RecordingState,
    /// The server has it recorded.
    pub(super) fixed: bool,
    /// It was asked for, and the recorder has not said a word yet.
    asked: bool,
}

/// A call was answered: the server may want it recorded.
pub(super) fn answered(call: &mut Call, turn: &mut Turn<'_>, profile: &Profile) {
    if profile.voice.recording != RecordingFormat::Inactive {
        call.recording.fixed = true;
        begin(call, turn, profile.voice.recording);
    }
}

/// The agent starts or stops a recording.
pub(super) fn set(calls: &mut Calls, turn: &mut Turn<'_>, profile: &Profile, id: CallId, on: bool) {
    let Some(call) = calls.get_mut(id).filter(|call| call.established()) else {
        return;
    };
    let runs = call.recording.asked || is_running(&call.recording.state);
    // Whoever may not record any more may still stop what they began.
    if on && !profile.webrtc.enable_recording || !on && runs && call.recording.fixed {
        turn.toast(Notice::RecordingNotAllowed);
    } else if on && !runs {
        let format = match profile.voice.recording {
            RecordingFormat::Inactive => RecordingFormat::Wav,
            format => format,
        };
        begin(call, turn, format);
    } else if !on && runs {
        call.recording.asked = false;
        turn.act(Effect::StopRecording { call: id });
    }
}

/// The agent keeps something out of a recording.
pub(super) fn pause(
    calls: &mut Calls,
    turn: &mut Turn<'_>,
    profile: &Profile,
    id: CallId,
    on: bool,
) {
    let Some(call) = calls.get_mut(id).filter(|call| call.established()) else {
        return;
    };
    let wanted = if on {
        RecordingState::On
    } else {
        RecordingState::Paused
    };
    if call.recording.state != wanted {
        return;
    }
    if on && !profile.webrtc.enable_recording {
        turn.toast(Notice::RecordingNotAllowed);
    } else {
        turn.act(Effect::PauseRecording { call: id, on });
    }
}

/// The recorder's word.
pub(super) fn told(calls: &mut Calls, turn: &mut Turn<'_>, id: CallId, state: RecordingState) {
    let Some(call) = calls.get_mut(id) else {
        return;
    };
    if let RecordingState::Failed { fault } = &state {
        turn.toast(Notice::RecordingFailed {
            fault: clause(fault),
        });
    }
    call.recording.asked = false;
    call.recording.state = state;
}

fn begin(call: &mut Call, turn: &mut Turn<'_>, format: RecordingFormat) {
    call.recording.asked = true;
    let who = [&call.party.number, &call.party.name]
        .into_iter()
        .find(|who| !who.is_empty())
        .map(String::as_str);
    let label: Vec<_> = who.into_iter().chain(call.queue.as_deref()).collect();
    turn.act(Effect::Record {
        call: call.id,
        format,
        label: label.join(" "),
    });
}

fn is_running(state: &RecordingState) -> bool {
    matches!(state, RecordingState::On | RecordingState::Paused)
}
