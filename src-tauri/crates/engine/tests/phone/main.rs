//! Whole calls between the engine and a far end made of the project's own `sip` and `media`, over UDP on loopback.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod calls;
mod checks;
mod conference;
mod far_end;
mod feature_codes;
mod recordings;
mod settings;
mod transfers;
