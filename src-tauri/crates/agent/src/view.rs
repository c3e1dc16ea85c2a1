use serde::Serialize;
use sidetone_profile::{
    AutoAnswer, Channel, Disposition, Layer, PasswordRules, SignInWays, ToastPosition, Typology,
};

use crate::{
    CallId, HistoryEntry, Notice, PauseReason, QueueMembership, RecordingState, Time, TransferState,
};

/// All that a screen may show about the session; a pure function of the state.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct View {
    /// Where the session is.
    pub phase: Phase,
    /// Why the sign-in screen is shown, when it is not simply the first time.
    pub sign_in_notice: Option<Notice>,
    /// What the sign-in screen offers; `None` until the server whose address is known has said so.
    pub sign_in_offer: Option<SignInOffer>,
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
    /// What a new password needs, while one is asked for or may be set.
    pub password_rules: PasswordRules,
    /// Days until the password has to be changed, when that is near.
    pub password_days_left: Option<u32>,
    /// The whole profile, for the settings and profile pages, in the seed's groups.
    pub settings: Vec<SettingGroup>,
    /// Interactions of other channels that are offered or open, oldest first.
    pub interactions: Vec<InteractionView>,
    /// Preview calls that wait.
    pub previews: Vec<PreviewView>,
    /// Callbacks that wait.
    pub callbacks: Vec<CallbackView>,
    /// Calls of the past, newest first.
    pub history: Vec<HistoryEntry>,
    /// Missed calls that were not seen; 0 when the server does not want them counted.
    pub missed: u32,
    /// The time after a call, with what is to be said about it.
    pub wrap_up: Option<WrapUpView>,
    /// What a call can have been about.
    pub dispositions: Vec<Disposition>,
    /// Port of the local HTTP interface; `None` is off.
    pub remote_control_port: Option<u16>,
    /// Customers' data is masked.
    pub masked: bool,
    /// How the contact-centre server's word comes to the phone.
    pub link: LinkView,
}

/// How the agents of a server sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SignInOffer {
    /// Its address, as it was typed: what is offered holds for no other.
    pub server: String,
    /// The ways.
    pub ways: SignInWays,
}

/// How the contact-centre server's word comes to the phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct LinkView {
    /// In one word.
    pub state: LinkWord,
    /// What that means, where it needs words.
    pub notice: Option<Notice>,
}

/// How the contact-centre server's word comes to the phone, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum LinkWord {
    /// Nobody is signed in, or there is no such server.
    None,
    /// As it happens.
    Live,
    /// The server is asked every few seconds.
    Polling,
    /// Not at all now.
    Down,
    /// Not since before the sign-in.
    Offline,
}

/// One group of settings; the keys of groups and rows name their words in the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SettingGroup {
    /// `account`, `security`, `authentication`, `notifications`, `voice`, `channels`, `auto_answer` or `webrtc`.
    pub key: String,
    /// Its settings.
    pub rows: Vec<SettingRow>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SettingRow {
    /// The server's field name.
    pub field: String,
    /// What holds.
    pub value: SettingValue,
    /// Who set it.
    pub layer: Layer,
    /// The agent may change it now.
    pub changeable: bool,
}

/// The value of a setting, ready to be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum SettingValue {
    /// Text; may be empty.
    Text(String),
    /// On or off.
    Flag(bool),
    /// A whole number.
    Number(#[cfg_attr(feature = "ts", ts(type = "number"))] u64),
    /// Seconds.
    Seconds(#[cfg_attr(feature = "ts", ts(type = "number"))] u64),
    /// One of a few: the server's word for it.
    Choice {
        /// What holds.
        chosen: String,
        /// All there are.
        among: Vec<String>,
    },
    /// Several, in order.
    List(Vec<String>),
    /// A moment, RFC 3339.
    Moment(String),
}

/// An interaction of another channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct InteractionView {
    /// The server's identifier.
    pub id: String,
    /// Which channel.
    pub channel: Channel,
    /// Offered, not yet taken; otherwise open.
    pub offered: bool,
    /// Who writes.
    pub from: String,
    /// Queue that sent it.
    pub queue: Option<String>,
    /// Automatic acceptance on its way.
    pub auto_answer: Option<Countdown>,
}

/// A preview call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PreviewView {
    /// The server's identifier.
    pub id: String,
    /// Name of the contact.
    pub name: String,
    /// Its number.
    pub number: String,
    /// The campaign.
    pub campaign: Option<String>,
    /// It may be started now.
    pub allowed: bool,
}

/// A callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CallbackView {
    /// The server's identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// Number.
    pub number: String,
    /// Queue.
    pub queue: Option<String>,
    /// Due at, in milliseconds since 1970.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub due_ms: Option<u64>,
    /// A note.
    pub note: String,
}

/// The time after a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct WrapUpView {
    /// Who the call was with.
    pub name: String,
    /// Its queue.
    pub queue: Option<String>,
    /// Time left; `None` when it lasts until a disposition is chosen.
    pub left: Option<Countdown>,
    /// A disposition has to be chosen.
    pub disposition_required: bool,
    /// A disposition was sent and is not confirmed.
    pub pending: bool,
    /// A disposition was kept by the server.
    pub disposed: bool,
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
    /// The system's browser is open for the sign-in.
    InBrowser,
    /// The sign-in screen, asking for a new password.
    PasswordRequired,
    /// Signed in elsewhere: here or there.
    Elsewhere,
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
    /// The channels that can be paused one by one; empty where the server does not allow it.
    pub channels: Vec<ChannelPresenceView>,
}

/// One channel, by the server's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChannelPresenceView {
    /// Which channel.
    pub channel: Channel,
    /// Paused on it.
    pub paused: bool,
    /// Reason of that pause.
    pub reason: Option<String>,
    /// A change was asked for and is not confirmed.
    pub pending: bool,
    /// Milliseconds since that pause began, at the time the view was made.
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
    /// It is joined with others: they hear each other and the agent.
    pub in_conference: bool,
    /// Why one side seems not to hear the other, in words.
    pub sound_fault: Option<Notice>,
    /// Why it ended.
    pub end: Option<Notice>,
    /// Its recording.
    pub recording: RecordingState,
    /// The server has it recorded: the agent cannot stop that.
    pub recording_fixed: bool,
    /// A transfer under way, or what became of it.
    pub transfer: Option<TransferState>,
    /// Call variables for the details, masked.
    pub variables: Vec<(String, String)>,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
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
    /// Pick up a call of the group.
    pub pickup: bool,
    /// Pause single channels.
    pub partial_pause: bool,
    /// Change the password (signed in with one).
    pub password: bool,
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
