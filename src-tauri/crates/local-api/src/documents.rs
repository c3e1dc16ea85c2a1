//! What `/api/v2` answers and reads; `openapi.json` describes the same.

use serde::{Deserialize, Serialize};
use sidetone_engine::Snapshot;
use sidetone_engine::agent::{
    CallDirection, CallId, CallState, CallView, Phase, PresenceState, PresenceView, RecordingState,
    TransferState, View,
};
use sidetone_engine::words::sentence;

/// Everything that a program of this machine may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct State {
    /// Counts up with every change.
    pub(crate) revision: u64,
    /// Milliseconds since 1970: when the ages held.
    pub(crate) at_ms: u64,
    pub(crate) phase: Phase,
    pub(crate) agent: Option<Who>,
    /// The light is green: calls can come in.
    pub(crate) ready: bool,
    /// What the light says.
    pub(crate) light: String,
    pub(crate) presence: Presence,
    pub(crate) pause_reasons: Vec<String>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) calls: Vec<Call>,
    pub(crate) muted: bool,
    pub(crate) missed: u32,
    /// Names and numbers are masked.
    pub(crate) masked: bool,
    pub(crate) warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Who {
    name: String,
    extension: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Presence {
    state: PresenceState,
    reason: Option<String>,
    /// Asked for, not confirmed.
    pending: bool,
    /// The server cannot be asked now.
    stale: bool,
    online_for_ms: Option<u64>,
    paused_for_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Queue {
    name: String,
    waiting: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    direction: CallDirection,
    state: CallState,
    name: String,
    number: String,
    queue: Option<String>,
    age_ms: u64,
    talk_ms: Option<u64>,
    /// Milliseconds until it is answered by itself.
    auto_answer_in_ms: Option<u64>,
    interrupted: bool,
    held_by_remote: bool,
    recording: &'static str,
    transfer: Option<&'static str>,
    /// Why it ended.
    end: Option<String>,
    variables: Vec<Variable>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Variable {
    name: String,
    value: String,
}

/// A body that names a number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    pub(crate) number: String,
}

/// A body that names another call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherCall {
    pub(crate) call: u32,
}

/// A body of digits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digits {
    pub(crate) digits: String,
}

/// A body that turns something on or off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    pub(crate) on: bool,
}

/// A body that names a reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    pub(crate) reason: String,
}

impl From<&Snapshot> for State {
    fn from(snapshot: &Snapshot) -> Self {
        let view = &snapshot.view;
        Self {
            revision: snapshot.revision,
            at_ms: snapshot.at_ms,
            phase: view.phase,
            agent: view.agent.as_ref().map(|agent| Who {
                name: agent.full_name.clone(),
                extension: agent.internal.clone(),
            }),
            ready: view.light.green,
            light: sentence(&view.light.notice, "en"),
            presence: (&view.presence).into(),
            pause_reasons: names(view),
            queues: view
                .queues
                .iter()
                .map(|queue| Queue {
                    name: queue.name.clone(),
                    waiting: queue.waiting,
                })
                .collect(),
            calls: view.calls.iter().map(Call::from).collect(),
            muted: view.muted,
            missed: view.missed,
            masked: view.masked,
            warnings: view.warnings.iter().map(|n| sentence(n, "en")).collect(),
        }
    }
}

fn names(view: &View) -> Vec<String> {
    let reasons = view.pause_reasons.iter();
    reasons.map(|reason| reason.name.clone()).collect()
}

impl State {
    /// The same without what changes by itself: a running clock is no news.
    pub(crate) fn timeless(mut self) -> Self {
        self.revision = 0;
        self.at_ms = 0;
        let still = |time: &mut Option<u64>| *time = time.map(|_| 0);
        still(&mut self.presence.online_for_ms);
        still(&mut self.presence.paused_for_ms);
        for call in &mut self.calls {
            call.age_ms = 0;
            still(&mut call.talk_ms);
            still(&mut call.auto_answer_in_ms);
        }
        self
    }
}

impl From<&PresenceView> for Presence {
    fn from(presence: &PresenceView) -> Self {
        Self {
            state: presence.state,
            reason: presence.reason.clone(),
            pending: presence.pending,
            stale: presence.stale,
            online_for_ms: presence.online_for_ms,
            paused_for_ms: presence.paused_for_ms,
        }
    }
}

impl From<&CallView> for Call {
    fn from(call: &CallView) -> Self {
        Self {
            id: call.id,
            direction: call.direction,
            state: call.state,
            name: call.name.clone(),
            number: call.number.clone(),
            queue: call.queue.clone(),
            age_ms: call.age_ms,
            talk_ms: call.talk_ms,
            auto_answer_in_ms: call.auto_answer.map(|countdown| countdown.left_ms),
            interrupted: call.interrupted,
            held_by_remote: call.held_by_remote,
            recording: match call.recording {
                RecordingState::Off => "off",
                RecordingState::On => "on",
                RecordingState::Paused => "paused",
                RecordingState::Failed { .. } => "failed",
            },
            transfer: call.transfer.as_ref().map(|transfer| match transfer {
                TransferState::Asked => "asked",
                TransferState::Ringing => "ringing",
                TransferState::Done => "done",
                TransferState::Failed { .. } => "failed",
            }),
            end: call.end.as_ref().map(|notice| sentence(notice, "en")),
            variables: call
                .variables
                .iter()
                .map(|(name, value)| Variable {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
        }
    }
}
