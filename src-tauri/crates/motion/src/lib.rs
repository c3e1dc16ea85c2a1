//! Client of the contact-centre server: sign-in, profile, presence, realtime.
//!
//! Routes and field names of the server stand here and in `profile::wire`, nowhere else. This room decides
//! nothing about calls and knows nothing of SIP or sound.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod address;
mod client;
mod fault;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod realtime;
mod routes;
mod session;
mod sign_on;
pub mod trust;
mod wire;

pub use address::ServerUrl;
pub use client::{Client, SignInError};
pub use fault::{CertificateFault, Fault, Unreachable};
pub use realtime::{Realtime, RealtimeEvent};
pub use routes::ROUTES;
pub use session::{AgentDocument, Session};
pub use wire::{IceServer, PauseReason, Presence, Queue, SipCredentials, SipTransport};
