//! Client of the contact-centre server: sign-in, profile, presence, realtime.
//!
//! Routes and field names of the server stand here and in `profile::wire`, nowhere else. This room decides
//! nothing about calls and knows nothing of SIP or sound.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod address;
mod browser;
mod client;
mod fault;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod polling;
mod realtime;
mod routes;
mod session;
mod sign_on;
pub mod trust;
mod ways;
mod wire;

pub use address::ServerUrl;
pub use browser::BrowserSignIn;
pub use client::{Client, SignInError};
pub use fault::{CertificateFault, Fault, Unreachable};
pub use realtime::{Listed, Realtime, RealtimeEvent};
pub use routes::{ROUTES, Route, RouteError, Routes};
pub use session::{AgentDocument, Session};
pub use sidetone_profile::{
    ChannelPresence, PauseReason, PresenceReport, QueueMembership, SignInWays,
};
pub use wire::{
    BadField, IceServer, Presence, SettingsDocument, SipCredentials, SipTransport, channel_name,
};
