use serde::Serialize;
use sidetone_profile::{AutoAnswer, ToastPosition, Typology};

use crate::{CallId, Notice, PauseReason, QueueMembership, Time};

/// All that a screen may show about the session; a pure function of the state.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct View {
    /// Where the session is.
    pub phase: Phase,
    /// Why the sign-in screen is shown, when it is not simply the first time.
    pub sign_in_notice: Option<Notice>,
    /// The registration light.
    pub light: Light,
    /// Who is signed in.
    pub agent: Option<AgentCard>,
    /// Ready or paused, by the server's word.
    pub presence: PresenceView,
    /// Reasons to pause for.
    pub pause_reasons: Vec<PauseReason>,
    /// Queues of the agent.
    pub queues: Vec<QueueMembership>,
    /// Calls, oldest first; a call that just ended stays for a few seconds in state `ended`.
    pub calls: Vec<CallView>,
    /// The microphone is off.
    pub muted: bool,
    /// What the agent may do.
    pub permissions: Permissions,
    /// Things worth knowing that are true now (a device fault, the server link down, left-out codecs).
    pub warnings: Vec<Notice>,
    /// Short-lived notices, oldest first.
    pub toasts: Vec<Toast>,
    /// Where toasts appear.
    pub toast_position: ToastPosition,
    /// Terse announcements and no animation.
    pub screen_reader_mode: bool,
}

/// Where the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The sign-in screen.
    SignedOut,
    /// Waiting for the server.
    SigningIn,
    /// The sign-in screen, asking for a one-time code.
    CodeRequired,
    /// The bar.
    SignedIn,
}

/// The registration light.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Light {
    /// Green: registered on a live connection and able to make sound.
    pub green: bool,
    /// Why, in words.
    pub notice: Notice,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AgentCard {
    /// Full name.
    pub full_name: String,
    /// Extension.
    pub internal: String,
    /// Kind of phone.
    pub typology: Typology,
    /// Automatic answer, as the server set it.
    pub auto_answer: AutoAnswer,
}

/// Ready or paused, by the server's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PresenceView {
    /// What the server last confirmed.
    pub state: PresenceState,
    /// Reason of the pause.
    pub reason: Option<String>,
    /// A pause or unpause was asked for and is not confirmed.
    pub pending: bool,
    /// The server cannot be asked now, so `state` may be out of date.
    pub stale: bool,
    /// Milliseconds since sign-in, at the time the view was made; `None` when signed out.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub online_for_ms: Option<u64>,
    /// Milliseconds since the pause began, at the time the view was made; `None` when not paused.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub paused_for_ms: Option<u64>,
}

/// What the server last confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Nothing yet.
    Unknown,
    /// Takes calls.
    Ready,
    /// Paused on every queue.
    Paused,
}

/// One call, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CallView {
    /// Which call.
    pub id: CallId,
    /// Who called whom.
    pub direction: CallDirection,
    /// Where it is.
    pub state: CallState,
    /// Name of the other party; may be empty.
    pub name: String,
    /// Number of the other party; may be empty.
    pub number: String,
    /// Queue that sent it.
    pub queue: Option<String>,
    /// Milliseconds since it began to ring or was dialled, at the time the view was made.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub age_ms: u64,
    /// Milliseconds since it was answered; `None` before, frozen after the end.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub talk_ms: Option<u64>,
    /// Automatic answer on its way.
    pub auto_answer: Option<Countdown>,
    /// No packets come in at the moment.
    pub interrupted: bool,
    /// The far end holds us.
    pub held_by_remote: bool,
    /// Why it ended.
    pub end: Option<Notice>,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// They called.
    Incoming,
    /// The agent called.
    Outgoing,
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Incoming, rings.
    Ringing,
    /// Incoming, answered by us, the sound path is being made.
    Answering,
    /// Outgoing, nothing heard yet.
    Dialling,
    /// Outgoing, the far end rings.
    RemoteRinging,
    /// Talking.
    Up,
    /// Hold was asked for.
    Holding,
    /// On hold, agreed by the far end.
    Held,
    /// Resume was asked for.
    Resuming,
    /// Hanging up, waiting for the far end's word.
    Ending,
    /// Over; shown for a few seconds.
    Ended,
}

/// An automatic answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Countdown {
    /// Milliseconds left, at the time the view was made.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub left_ms: u64,
    /// Milliseconds in all.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub total_ms: u64,
}

/// What the agent may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Permissions {
    /// Place calls (`type` is user or friend, registered, signed in).
    pub dial: bool,
    /// Change the phone's settings (Enable Settings).
    pub settings: bool,
    /// Record a call.
    pub recording: bool,
    /// Hear the digits pressed.
    pub dtmf_tones: bool,
}

/// A short-lived notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Toast {
    /// Names it for [`crate::Command::DismissToast`].
    pub id: u32,
    /// What it says.
    pub notice: Notice,
}

/// Milliseconds from `earlier` to `now`.
pub(crate) fn elapsed_ms(now: Time, earlier: Time) -> u64 {
    now.0.saturating_sub(earlier.0)
}
