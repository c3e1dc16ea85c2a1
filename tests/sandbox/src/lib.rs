//! The embedded contact centre: server contract, administration, small telephone system, simulated customers.
//!
//! One process (or one call of [`Sandbox::start`] inside a test) is everything that the phone talks to. It is made
//! for development, demonstrations and tests: it holds made-up people only and is bound to loopback unless told
//! otherwise. What belongs to the phone must not enter: only `sip`, `media` and `profile` are shared with it, as the
//! far end of its calls.

pub mod admin;
mod calls;
mod centre;
mod clock;
pub mod contract;
mod dispositions;
mod hub;
mod listener;
mod password;
mod pbx;
mod presence;
mod problem;
mod sandbox;
mod seed;
mod sessions;
mod settings;
mod sign_on;
mod sound;
mod store;
mod tls;
mod work;

pub use calls::{CallId, CallKind, CallState};
pub use password::one_time_code;
pub use pbx::{AsteriskConfig, CustomerCall, SmallConfig};
pub use sandbox::{Config, DEMO_PASSWORD, Handle, PbxConfig, Sandbox, SandboxError};
pub use sound::{
    Likeness, active_level_dbov, level_dbov, likeness, read_wav, speech, speech_names, speech_wav,
    write_wav,
};
pub use store::Strategy;
