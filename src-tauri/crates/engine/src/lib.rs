//! The one place where agent, SIP, media and server meet: tokio tasks, timers, supervision.
//!
//! Commands and events go to `agent`, which decides; its effects are carried out here with `sip`, `media` and
//! `motion`; what came of it goes back as events. The result is published as one [`Snapshot`]. No rule of the
//! contact centre is written here, and nothing that needs a window: the phone goes on without one.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod account;
mod api;
mod avatar;
mod call;
mod checks;
mod clock;
mod devices;
mod engine;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod history;
pub mod logging;
mod network;
mod phone;
mod policy;
mod private;
mod recordings;
mod screen_pop;
mod secrets;
mod server;
mod settings;
mod standalone;
mod timers;
mod trace;
pub mod words;

pub use api::{
    ChecksView, Command, DeviceCommand, DeviceView, DevicesView, EchoCanceller, EchoCheckView,
    EngineConfig, EngineError, EngineEvent, LocalAccess, MediaView, MicrophoneCheckState,
    MicrophoneCheckView, NetworkCheckView, Role, SecretStore, ServerCheckView, Snapshot, VoiceView,
};
pub use avatar::Avatar;
pub use engine::Engine;
pub use secrets::{Keychain, MemorySecrets, sign_in_account};
pub use sidetone_agent as agent;
pub use sidetone_media::{AudioSetup, DeviceSelection};
pub use trace::{TraceForm, TraceLine};
