//! The one place where agent, SIP, media and server meet: tokio tasks, timers, supervision.
//!
//! Commands and events go to `agent`, which decides; its effects are carried out here with `sip`, `media` and
//! `motion`; what came of it goes back as events. The result is published as one [`Snapshot`]. No rule of the
//! contact centre is written here, and nothing that needs a window: the phone goes on without one.

mod api;

pub use api::{
    Command, DeviceCommand, DeviceView, DevicesView, Engine, EngineConfig, EngineError,
    EngineEvent, MediaView, Role, SecretStore, Snapshot,
};
pub use sidetone_agent as agent;
pub use sidetone_media::AudioSetup;
