//! The engine with a whole contact centre: ways to sign in, two sessions, and a server that comes and goes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod centre;
mod offline;
mod sign_in;
mod work;
