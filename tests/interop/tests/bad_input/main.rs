//! `sidetone-headless` on its bad days, against `sidetone-sandbox` and worse: each fault has a sentence, and a
//! call that is up goes on. Needs neither root nor a sound device.

mod accounts;
mod certificates;
mod false_server;
#[cfg(target_os = "linux")]
mod keychain;
mod lost;
mod settings;
mod sign_in;

use sidetone_interop::{centre, desk, forwarder, one_time_code};
