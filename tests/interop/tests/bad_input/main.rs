//! `sidetone-headless` on its bad days, against `sidetone-sandbox` and worse: each fault has a sentence, and a
//! call that is up goes on. Needs neither root nor a sound device.

mod accounts;
mod centre;
mod certificates;
mod desk;
mod false_server;
mod forwarder;
#[cfg(target_os = "linux")]
mod keychain;
mod lost;
mod one_time_code;
mod settings;
mod sign_in;
