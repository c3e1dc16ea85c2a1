//! The agent's session as a state machine: [`Input`] in, [`Effect`]s out.
//!
//! Every rule of the contact centre lives here (when a call rings, when it is answered by itself, when it is
//! refused as busy, what pause means, what the light says), so that it can be tested by tables with a
//! virtual clock. No I/O, no clock of its own, no thread, no SIP message, no SDP, no sound, no window: time
//! comes in as [`Time`], and what must be done goes out as a value that `engine` carries out.

mod command;
mod effect;
mod input;
mod notice;
mod session;
mod time;
mod view;

pub use command::Command;
pub use effect::{Effect, TimerId, Tone};
pub use input::{
    AnswerWish, CallEnd, CallProgress, HistoryEntry, IncomingCall, Input, LinkState, MediaState,
    OneWay, RecordingState, Registration, SignIn, SignInRefusal, TransferState,
};
pub use notice::Notice;
pub use session::Agent;
pub use sidetone_profile::{
    Callback, ChannelPresence, Interaction, PauseReason, PresenceReport, PreviewCall,
    QueueMembership,
};
pub use time::Time;
pub use view::{
    AgentCard, CallDirection, CallState, CallView, CallbackView, ChannelPresenceView, Countdown,
    InteractionView, Light, LinkView, LinkWord, Permissions, Phase, PresenceState, PresenceView,
    PreviewView, SettingGroup, SettingRow, SettingValue, SignInOffer, Toast, View, WrapUpView,
};

use serde::{Deserialize, Serialize};

/// Identifies one call for the life of the process; made by [`Agent::new_call`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Default, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CallId(pub u32);
