//! What the contact-centre server says about an agent.
//!
//! This room holds the agent's profile as typed values, the one place where the server's field names
//! are written down ([`wire`]), and the rules that follow from a single value (is a number masked, which
//! codecs may be offered). It is pure: no clock, no I/O, no network, no knowledge of SIP dialogs, of
//! sound or of a window.

mod agent_profile;
mod codec;
mod secret;
pub mod wire;

pub use agent_profile::{
    Account, AutoAnswer, CallerId, Channel, ChannelSettings, Encryption, Forwarding, Host, Nat,
    PeerType, Profile, RecordingFormat, Security, ToastPosition, Typology, VideoSupport, Voice,
    WebRtc,
};
pub use codec::Codec;
pub use secret::Secret;
