use serde::Deserialize;
use sidetone_profile::Secret;

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
    /// Hang up politely, unregister, leave the queues, forget secrets.
    SignOut,
    /// Pause on every queue.
    Pause {
        /// Name of one of the server's reasons.
        reason: String,
    },
    /// Press Play: take calls again.
    Unpause,
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
    /// Remove a toast before its time.
    DismissToast {
        /// Which one.
        toast: u32,
    },
}
