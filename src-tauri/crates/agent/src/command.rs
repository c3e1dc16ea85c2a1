use serde::Deserialize;
use serde_json::Value;
use sidetone_profile::{Channel, Secret};

use crate::CallId;

/// What the agent asks for, from the bar, a shortcut, standard input or the local interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, rename = "AgentCommand"))]
#[serde(
    tag = "command",
    rename_all = "snake_case",
    rename_all_fields = "snake_case"
)]
pub enum Command {
    /// Ask a contact-centre server how its agents sign in, for the sign-in screen to offer that.
    AskSignInWays {
        /// Base address, as typed.
        server: String,
    },
    /// Sign in to a contact-centre server.
    SignIn {
        /// Base address, for example `https://motion.example.com`.
        server: String,
        /// Sign-in name.
        name: String,
        /// Password.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        password: Secret,
        /// One-time code, when the server asked for one.
        #[serde(default)]
        #[cfg_attr(feature = "ts", ts(as = "Option<String>", optional))]
        code: Option<Secret>,
    },
    /// Sign in through the system's browser (single sign-on).
    SignInWithBrowser {
        /// Base address, for example `https://motion.example.com`.
        server: String,
    },
    /// Set a new password: asked for by the server at sign-in, or wished by the agent.
    ChangePassword {
        /// The password that holds; not needed when the sign-in that asked for a new one has just given it.
        #[serde(default)]
        #[cfg_attr(feature = "ts", ts(as = "Option<String>", optional))]
        current: Option<Secret>,
        /// The new one.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        new: Secret,
    },
    /// The agent is signed in elsewhere: end that session and go on here.
    TakeOver,
    /// Hang up politely, unregister, leave the queues, forget secrets.
    SignOut,
    /// Pause on every queue.
    Pause {
        /// Name of one of the server's reasons.
        reason: String,
    },
    /// Press Play: take calls again.
    Unpause,
    /// Pause on one channel only.
    PauseChannel {
        /// Which channel.
        channel: Channel,
        /// Name of one of the server's reasons.
        reason: String,
    },
    /// Take work of one channel again.
    UnpauseChannel {
        /// Which channel.
        channel: Channel,
    },
    /// Place a call.
    Dial {
        /// A number, an extension or a SIP URI, as typed.
        number: String,
    },
    /// Answer a ringing call.
    Answer {
        /// Which call.
        call: CallId,
    },
    /// Refuse a ringing call.
    Decline {
        /// Which call.
        call: CallId,
    },
    /// End a call in any state.
    HangUp {
        /// Which call.
        call: CallId,
    },
    /// Put a call on hold.
    Hold {
        /// Which call.
        call: CallId,
    },
    /// Take a call off hold.
    Resume {
        /// Which call.
        call: CallId,
    },
    /// Mute or unmute the microphone.
    Mute {
        /// Whether the microphone is off.
        on: bool,
    },
    /// Send digits in a call.
    Dtmf {
        /// Which call.
        call: CallId,
        /// Of `0-9 * # A-D`.
        digits: String,
    },
    /// Hand a call over to a number, without asking there first (blind transfer).
    Transfer {
        /// Which call.
        call: CallId,
        /// A number, an extension or a SIP URI, as typed.
        number: String,
    },
    /// Connect two calls with each other and leave both (attended transfer).
    TransferTo {
        /// The customer's call.
        call: CallId,
        /// The call of who takes over.
        other: CallId,
    },
    /// Join two calls: both customers hear each other and the agent, until one is hung up or held. A call that is
    /// held is resumed for it; a call joined with one that is joined already makes the conference larger.
    Conference {
        /// One call.
        call: CallId,
        /// The other.
        other: CallId,
    },
    /// Pick up a call that rings at a colleague of one's pickup group.
    Pickup,
    /// Start or stop recording a call.
    Record {
        /// Which call.
        call: CallId,
        /// Whether to record.
        on: bool,
    },
    /// Keep something out of a recording, for example a card number.
    PauseRecording {
        /// Which call.
        call: CallId,
        /// Whether the recording pauses.
        on: bool,
    },
    /// Change one setting of the profile, where the agent may.
    ChangeSetting {
        /// The server's field name.
        field: String,
        /// The new value; `null` goes back to the server's.
        #[cfg_attr(feature = "ts", ts(type = "string | number | boolean | null"))]
        value: Value,
    },
    /// Take an interaction of another channel.
    AcceptInteraction {
        /// The server's identifier.
        interaction: String,
    },
    /// Leave an interaction to others.
    DeclineInteraction {
        /// The server's identifier.
        interaction: String,
    },
    /// Open an accepted interaction in the web desktop.
    OpenInteraction {
        /// The server's identifier.
        interaction: String,
    },
    /// Call the contact of a preview call.
    StartPreview {
        /// The server's identifier.
        preview: String,
    },
    /// Call who asked for a callback.
    StartCallback {
        /// The server's identifier.
        callback: String,
    },
    /// A callback is done, or given back.
    FinishCallback {
        /// The server's identifier.
        callback: String,
        /// Done; otherwise it stays for later.
        done: bool,
    },
    /// Call the number of an entry of the history.
    CallAgain {
        /// [`crate::HistoryEntry::id`].
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        entry: u64,
    },
    /// The missed calls were seen.
    MissedSeen,
    /// Forget the history.
    ClearHistory,
    /// Say what the call in wrap-up was about.
    Dispose {
        /// Identifiers of the disposition, from the first level down.
        #[cfg_attr(feature = "ts", ts(type = "number[]"))]
        path: Vec<i64>,
        /// A note; may be empty.
        #[serde(default)]
        note: String,
    },
    /// End the wrap-up time before its time.
    FinishWrapUp,
    /// Remove a toast before its time.
    DismissToast {
        /// Which one.
        toast: u32,
    },
}
