use serde::{Deserialize, Serialize};
use serde_json::Value;
use sidetone_profile::{Channel, PopTarget, Profile, RecordingFormat, Secret};

use crate::{CallId, HistoryEntry, Time};

/// What `engine` must do next; carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask a server how its agents sign in; answered by [`crate::Input::SignInWays`].
    AskSignInWays {
        /// Base address, as typed.
        server: String,
    },
    /// Sign in to the server; answered by [`crate::Input::SignIn`].
    SignIn {
        /// Base address.
        server: String,
        /// Sign-in name.
        name: String,
        /// Password.
        password: Secret,
        /// One-time code.
        code: Option<Secret>,
    },
    /// Sign in through the system's browser; answered by [`crate::Input::SignIn`].
    SignInWithBrowser {
        /// Base address.
        server: String,
    },
    /// Set a new password; answered by [`crate::Input::SignIn`] when it was part of a sign-in, otherwise by
    /// [`crate::Input::PasswordChanged`].
    ChangePassword {
        /// The one that holds; `None` is that of the sign-in under way.
        current: Option<Secret>,
        /// The new one.
        new: Secret,
    },
    /// End the agent's other session and finish the sign-in under way; answered by [`crate::Input::SignIn`].
    TakeOver,
    /// Leave the queues on the server and forget token and secrets.
    SignOut,
    /// Make the SIP account of this profile the registered one.
    Register(Box<Profile>),
    /// Unregister and close.
    Unregister,
    /// Ask the server to pause the agent with this reason; answered by `Presence` or `PresenceFailed`.
    Pause {
        /// Name of the reason.
        reason: String,
    },
    /// Ask the server to unpause the agent; answered by `Presence` or `PresenceFailed`.
    Unpause,
    /// Ask the server to pause one channel; answered by `Presence` or `PresenceFailed`.
    PauseChannel {
        /// Which channel.
        channel: Channel,
        /// Name of the reason.
        reason: String,
    },
    /// Ask the server to unpause one channel; answered by `Presence` or `PresenceFailed`.
    UnpauseChannel {
        /// Which channel.
        channel: Channel,
    },
    /// Place a call.
    Dial {
        /// Which call.
        call: CallId,
        /// What was typed, cleaned of blanks and punctuation.
        number: String,
    },
    /// Tell the caller that it rings (180).
    Ringing {
        /// Which call.
        call: CallId,
    },
    /// Answer with 200.
    Answer {
        /// Which call.
        call: CallId,
    },
    /// Refuse with this SIP status.
    Reject {
        /// Which call.
        call: CallId,
        /// For example 486.
        status: u16,
    },
    /// Refuse with 302 and this number.
    Forward {
        /// Which call.
        call: CallId,
        /// Where the caller shall go.
        number: String,
    },
    /// Hand over to a number (REFER); answered by [`crate::Input::Transfer`].
    Transfer {
        /// Which call.
        call: CallId,
        /// Cleaned of blanks and punctuation.
        number: String,
    },
    /// Connect two calls with each other (REFER with Replaces); answered by [`crate::Input::Transfer`].
    TransferTo {
        /// The customer's call.
        call: CallId,
        /// The call of who takes over.
        other: CallId,
    },
    /// Record both sides of a call; answered by [`crate::Input::Recording`].
    Record {
        /// Which call.
        call: CallId,
        /// In which format; never [`RecordingFormat::Inactive`].
        format: RecordingFormat,
        /// What the file name may say of the call, already masked: caller or called, and queue.
        label: String,
    },
    /// Pause or go on with a recording.
    PauseRecording {
        /// Which call.
        call: CallId,
        /// Whether it pauses.
        on: bool,
    },
    /// End a recording.
    StopRecording {
        /// Which call.
        call: CallId,
    },
    /// End: CANCEL, BYE or the final response, whichever fits.
    HangUp {
        /// Which call.
        call: CallId,
    },
    /// Hold or resume; answered by `HoldConfirmed`.
    Hold {
        /// Which call.
        call: CallId,
        /// Whether to hold.
        on: bool,
    },
    /// Of the calls that are heard, these hear each other and the agent from now on; empty: none does any more. A call
    /// that is being resumed joins when the far end has agreed.
    Conference {
        /// Which calls; never one alone.
        calls: Vec<CallId>,
    },
    /// Gate the microphone.
    Mute {
        /// Whether it is off.
        on: bool,
    },
    /// Send digits in a call.
    Dtmf {
        /// Which call.
        call: CallId,
        /// Of `0-9 * # A-D`.
        digits: String,
        /// Whether the agent hears them.
        audible: bool,
    },
    /// Play this tone until the next `Tone`; `None` is silence.
    Tone(Option<Tone>),
    /// Show the ringing window and, when `notify` says so, a desktop notification; replaces the one before.
    ShowRinging {
        /// Which call.
        call: CallId,
        /// Also a desktop notification, with the seconds left.
        notify: bool,
    },
    /// Take the ringing window and its notification away, in the same frame as the call.
    HideRinging {
        /// Which call.
        call: CallId,
    },
    /// Keep the agent's own choice of a setting (`null` forgets it), and give the profile anew.
    KeepSetting {
        /// The server's field name.
        field: String,
        /// The choice.
        value: Value,
    },
    /// Take an interaction.
    AcceptInteraction {
        /// The server's identifier.
        interaction: String,
    },
    /// Leave an interaction to others.
    DeclineInteraction {
        /// The server's identifier.
        interaction: String,
    },
    /// Announce an offered interaction outside the bar.
    ShowOffer {
        /// The server's identifier.
        interaction: String,
    },
    /// Take that announcement away.
    HideOffer {
        /// The server's identifier.
        interaction: String,
    },
    /// Open this page of the web desktop.
    OpenPage {
        /// Path or address; relative to the server.
        address: String,
    },
    /// Tell the server that a preview call was started.
    StartPreview {
        /// The server's identifier.
        preview: String,
    },
    /// Tell the server that a callback was called.
    StartCallback {
        /// The server's identifier.
        callback: String,
    },
    /// Tell the server that a callback is done, or given back.
    FinishCallback {
        /// The server's identifier.
        callback: String,
        /// Done.
        done: bool,
    },
    /// Tell the server what a call was about; answered by [`crate::Input::Disposed`].
    Dispose {
        /// The server's name of the call: its `X-Interaction-Id`, otherwise the SIP Call-ID.
        reference: String,
        /// Identifiers from the first level down.
        path: Vec<i64>,
        /// A note.
        note: String,
    },
    /// Open what the screen pop says, when IT's policy allows it.
    ScreenPop(PopTarget),
    /// Keep an entry of the history; everything in it is masked already.
    Remember(HistoryEntry),
    /// Keep that all missed calls were seen.
    MissedSeen,
    /// Forget the history.
    ClearHistory,
    /// Ask for `Input::Timer(timer)` at this time; replaces an earlier one of the same name.
    StartTimer {
        /// Which timer.
        timer: TimerId,
        /// When.
        at: Time,
    },
    /// Forget a timer.
    StopTimer(TimerId),
}

/// A tone that goes on until it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// The ringtone, on the ring device.
    Ring,
    /// A second call while one is up: in the ear.
    CallWaiting,
    /// Ringback of an outgoing call: in the ear.
    Ringback,
    /// Busy, for a few seconds after a refused call: in the ear.
    Busy,
    /// Congestion, for a few seconds after a failed call: in the ear.
    Congestion,
}

/// Names a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimerId {
    /// Automatic answer of a call.
    AutoAnswer(CallId),
    /// End of a busy or congestion tone.
    ToneEnd,
    /// End of a call's card after the call.
    CardEnd(CallId),
    /// An answer or a hang-up of ours that the far end did not confirm: no call may hang for ever.
    Overdue(CallId),
    /// A ringing call is forwarded because nobody answers.
    NoAnswer(CallId),
    /// Automatic acceptance of an interaction; numbered as they come.
    AutoAccept(u32),
    /// End of the wrap-up time.
    WrapUpEnd,
    /// A transfer whose end the far end never told.
    TransferOverdue(CallId),
    /// The next day of the password's age.
    PasswordAge,
    /// End of a toast.
    ToastEnd(u32),
}
