//! What the contact-centre server says about an agent.
//!
//! This room holds the agent's profile as typed values, the one place where the server's field names
//! are written down ([`wire`]), and the rules that follow from a single value (is a number masked, which
//! codecs may be offered). It is pure: no clock, no I/O, no network, no knowledge of SIP dialogs, of
//! sound or of a window.

mod affiliation;
mod agent_profile;
mod avatar;
mod changes;
mod codec;
mod layers;
mod masking;
mod moment;
mod password_rules;
mod policy;
mod pop_allow_list;
mod presence;
mod queues;
mod screen_pop;
mod secret;
mod server_settings;
mod sign_in_ways;
pub mod wire;
mod work;

pub use affiliation::{Affiliation, QueueName};
pub use agent_profile::{
    Account, AutoAnswer, CallerId, Channel, ChannelSettings, Encryption, Forwarding, Host, Nat,
    PeerType, Profile, RecordingFormat, Security, ToastPosition, Typology, VideoSupport, Voice,
    WebRtc,
};
pub use avatar::{AVATAR_LIMIT, AvatarError, AvatarKind};
pub use codec::Codec;
pub use layers::{CHANGEABLE, Layer, Layers, Sources};
pub use masking::{MaskLevel, Masking};
pub use moment::unix_ms;
pub use password_rules::{
    PASSWORD_LIFE_DAYS, PASSWORD_WARNING_DAYS, PasswordAge, PasswordFault, PasswordRules,
};
pub use policy::{Policy, PolicyError};
pub use pop_allow_list::{PopAllowList, PopRefusal};
pub use presence::{ChannelPresence, PresenceReport};
pub use queues::{PauseReason, QueueMembership};
pub use screen_pop::{PopDirection, PopMoment, PopTarget, ScreenPop};
pub use secret::Secret;
pub use server_settings::{Disposition, ServerSettings};
pub use sign_in_ways::SignInWays;
pub use work::{Callback, Interaction, PreviewCall};
