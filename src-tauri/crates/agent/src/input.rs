use std::time::Duration;

use serde::{Deserialize, Serialize};
use sidetone_profile::{
    Callback, Disposition, Interaction, PasswordRules, PauseReason, PresenceReport, PreviewCall,
    Profile, QueueMembership, ServerSettings, SignInWays,
};

use crate::{CallId, Command, TimerId};

/// Everything that can happen to an agent's session.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The agent asks for something.
    Command(Command),
    /// How the agents of a server sign in.
    SignInWays {
        /// Its address, as it was asked for.
        server: String,
        /// The ways.
        ways: SignInWays,
    },
    /// The server's answer to [`crate::Effect::SignIn`].
    SignIn(SignIn),
    /// The server changed the agent's profile.
    Profile(Box<Profile>),
    /// Fields of the profile that could not be used, each as one sentence; comes with every `Profile`.
    ProfileFaults(Vec<String>),
    /// What the server sets for all agents; with every sign-in, and when it changes.
    ServerSettings(Box<ServerSettings>),
    /// The tree of dispositions; with every sign-in, and when it changes.
    Dispositions(Vec<Disposition>),
    /// The server's clock now, in milliseconds since 1970.
    ServerClock {
        /// Milliseconds since 1970.
        unix_ms: u64,
    },
    /// A password change that was not part of a sign-in is done, or was refused in the server's words.
    PasswordChanged(Result<(), String>),
    /// Offered and open interactions of the other channels: the whole list, by the server's word.
    Interactions(Vec<Interaction>),
    /// Preview calls that wait for the agent: the whole list.
    Previews(Vec<PreviewCall>),
    /// Callbacks that wait for the agent: the whole list.
    Callbacks(Vec<Callback>),
    /// What was kept of earlier calls, newest first; once, at the start.
    History(Vec<HistoryEntry>),
    /// How a transfer goes.
    Transfer {
        /// Which call.
        call: CallId,
        /// How far it is.
        state: TransferState,
    },
    /// How a recording goes.
    Recording {
        /// Which call.
        call: CallId,
        /// Where it is.
        state: RecordingState,
    },
    /// A disposition was kept by the server, or refused in its words.
    Disposed(Result<(), String>),
    /// Something that was asked of the server or of this machine did not work; the words say what and why.
    Failed(String),
    /// IT's policy does not allow what should be opened; the words say what.
    NotAllowed(String),
    /// Why the local HTTP interface cannot be opened, or that nothing is wrong with it any more.
    LocalInterface(Option<String>),
    /// The server changed what the profile does not say about the SIP account (secret, user, addresses).
    SipAccountChanged,
    /// The server changed the list of pause reasons.
    PauseReasons(Vec<PauseReason>),
    /// The server changed the agent's queues.
    Queues(Vec<QueueMembership>),
    /// The server's word on whether the agent is paused: the only source of what the bar shows.
    Presence(PresenceReport),
    /// The server refused or did not answer a pause or unpause.
    PresenceFailed {
        /// Why, as the server said it; empty when it did not answer.
        detail: String,
    },
    /// The connection to the contact-centre server changed.
    Link(LinkState),
    /// The server had logged the agent out of the queues while it could not be reached, and has taken it in again.
    LoggedInAgain,
    /// The SIP registration changed.
    Registration(Registration),
    /// An INVITE arrived.
    Incoming(IncomingCall),
    /// An outgoing call moved on before its answer.
    Progress {
        /// Which call.
        call: CallId,
        /// How far it is.
        progress: CallProgress,
    },
    /// The far end answered our call, or our answer was acknowledged.
    Answered {
        /// Which call.
        call: CallId,
    },
    /// A call is over, whoever ended it.
    Ended {
        /// Which call.
        call: CallId,
        /// Why.
        end: CallEnd,
    },
    /// Sound path of a call.
    Media {
        /// Which call.
        call: CallId,
        /// What became of it.
        state: MediaState,
    },
    /// One side of a call seems not to hear the other, or both do again.
    OneWay {
        /// Which call.
        call: CallId,
        /// Which side, and why.
        fault: Option<OneWay>,
    },
    /// The far end agreed to hold or resume.
    HoldConfirmed {
        /// Which call.
        call: CallId,
        /// Whether it is held now.
        held: bool,
    },
    /// The far end put us on hold or took us off.
    RemoteHold {
        /// Which call.
        call: CallId,
        /// Whether it is held now.
        held: bool,
    },
    /// No microphone, or no speaker, can be used; `None` is a device that works again.
    DeviceFault(Option<String>),
    /// A timer asked for by [`crate::Effect::StartTimer`] ran out.
    Timer(TimerId),
}

/// The server's answer to a sign-in.
#[derive(Clone, Debug, PartialEq)]
pub enum SignIn {
    /// Signed in; all that the server said about the agent.
    Accepted {
        /// The profile.
        profile: Box<Profile>,
        /// Names of the fields that could not be used, each as one sentence.
        profile_faults: Vec<String>,
        /// Reasons to pause for.
        reasons: Vec<PauseReason>,
        /// Queues of the agent.
        queues: Vec<QueueMembership>,
        /// Whether the agent is paused now.
        presence: PresenceReport,
    },
    /// Not signed in.
    Refused(SignInRefusal),
}

/// Why a sign-in failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// Name or password wrong.
    WrongPassword,
    /// A one-time code is needed.
    CodeRequired,
    /// The one-time code is wrong or used up.
    WrongCode,
    /// The account is locked.
    Locked,
    /// The account is disabled.
    Disabled,
    /// The server's certificate cannot be trusted; the words name the fault.
    Certificate(String),
    /// The server could not be reached; the words name the fault.
    Unreachable(String),
    /// What answered is not such a server, or broke the contract; the words name the fault.
    BadAnswer(String),
    /// The password is too old or was set by somebody else: a new one is needed.
    PasswordExpired(PasswordRules),
    /// The new password was refused; the words say why.
    PasswordRefused(String),
    /// The agent is signed in elsewhere; the words say where.
    Elsewhere(String),
    /// The browser's sign-in failed; the words name the fault.
    Browser(String),
    /// This server has no sign-in through the browser.
    NoBrowserSignIn,
    /// The server address that was typed is not one.
    BadAddress(String),
    /// The server could not be reached for as long as IT lets the phone work without it.
    OfflineTooLong {
        /// How long that is; 0 is not at all.
        hours: u32,
    },
    /// The session was ended by the server (expired, disabled, signed in elsewhere); the words say why.
    SessionEnded(String),
}

/// One call of the past, masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct HistoryEntry {
    /// Names it; counts up.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub id: u64,
    /// Who called whom.
    pub direction: crate::CallDirection,
    /// Name of the other party.
    pub name: String,
    /// Number of the other party; masked when it must be, and then it can be called again only in this run.
    pub number: String,
    /// Queue.
    pub queue: Option<String>,
    /// When it began, in milliseconds since 1970.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at_ms: u64,
    /// How long it was talked, in milliseconds; `None` when it was not answered.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub talk_ms: Option<u64>,
    /// An incoming call that nobody here answered.
    pub missed: bool,
    /// A missed call that the agent has seen.
    pub seen: bool,
    /// It can be called again.
    pub callable: bool,
}

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TransferState {
    /// Asked for.
    Asked,
    /// The new party rings.
    Ringing,
    /// The new party has answered: the call here is over for the agent.
    Done,
    /// It did not work: the call is still here.
    Failed {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
}

/// Where a recording is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RecordingState {
    /// Not recorded.
    #[default]
    Off,
    /// Recorded.
    On,
    /// Paused.
    Paused,
    /// It could not be written; the words say why.
    Failed {
        /// What happened.
        fault: String,
    },
}

/// Connection to the contact-centre server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Requests and the realtime socket work.
    Up,
    /// Requests work, the realtime socket does not: the server is asked every few seconds. The words name the fault.
    Polling(String),
    /// Not reachable; the words name the fault. The engine goes on trying.
    Down(String),
    /// Not reachable since before the sign-in, which was answered with what the server last said; the words name the
    /// fault. The engine goes on trying.
    Away(String),
}

/// SIP registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Nothing was tried yet, or the phone has unregistered.
    None,
    /// On the way.
    Trying,
    /// Registered: calls can come in.
    Registered,
    /// The registrar refused name or password (401, 403, 407 after credentials).
    Refused {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
    /// The registrar does not know the user (404).
    UnknownUser,
    /// The connection is gone or could not be made; tried again by itself.
    Unreachable(String),
    /// The registrar's certificate cannot be trusted.
    Certificate(String),
    /// No address to register at, or another fault in the configuration.
    Misconfigured(String),
}

/// A call that wants in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingCall {
    /// From [`crate::Agent::new_call`].
    pub call: CallId,
    /// Display name of the caller; may be empty.
    pub caller_name: String,
    /// Number of the caller; may be empty when withheld.
    pub caller_number: String,
    /// Queue that sent it, when the server says so.
    pub queue: Option<String>,
    /// SIP Call-ID: the name of the call where the server gave none.
    pub reference: String,
    /// Call variables: the `X-` headers of the INVITE, names without the `X-`, in order.
    pub variables: Vec<(String, String)>,
    /// How whoever sent it wants it answered.
    pub answer: AnswerWish,
}

/// How whoever sent a call wants it answered. It holds only where the settings let calls be answered by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerWish {
    /// As the settings say.
    #[default]
    Any,
    /// By the agent, never by itself.
    ByHand,
    /// By itself.
    ByItself {
        /// How long it rings before, in place of what the settings say.
        after: Option<Duration>,
        /// The call is refused where it would only ring.
        required: bool,
    },
}

/// How far an outgoing call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallProgress {
    /// The far end rings (180): play ringback.
    Ringing,
    /// The far end sends sound before its answer (183 with SDP): no ringback of our own.
    EarlyMedia,
}

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// Ended by us.
    Local,
    /// Ended by the far end after its answer.
    Remote,
    /// The caller gave up while it rang.
    CallerGaveUp,
    /// Answered by somebody else of the queue (Reason: SIP ;cause=200).
    AnsweredElsewhere,
    /// Refused with a SIP status before the answer.
    Refused {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
    /// No answer came, from a network that does not answer.
    Unreachable(String),
    /// The sound path could not be made or was lost; the words name the fault.
    MediaFailed(String),
}

/// Sound path of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaState {
    /// Sound flows both ways.
    Connected,
    /// No packets for a while; the call goes on.
    Interrupted,
    /// The path cannot be made (no common codec, wrong fingerprint, no path); the words name the fault.
    Failed(String),
}

/// Sound that seems to go one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum OneWay {
    /// The microphone gives silence: the customer cannot hear the agent.
    MicrophoneSilent,
    /// What is sent does not arrive.
    NotArriving,
    /// Nothing comes in: the agent cannot hear the customer.
    NothingReceived,
}
