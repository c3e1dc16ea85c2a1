use serde::{Deserialize, Serialize};
use sidetone_profile::{Profile, Secret};

use crate::{CallId, Time};

/// What `engine` must do next; carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
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
    /// End of a toast.
    ToastEnd(u32),
}
