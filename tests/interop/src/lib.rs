//! Tests against real counterparts: a real Asterisk, Kamailio with rtpengine and baresip in network namespaces of their
//! own, and the drivers that start the project's own programs (`sidetone-sandbox`, `sidetone-headless`) and judge what they did.
//!
//! What belongs here: starting and stopping counterparts, driving programs from outside as a user would,
//! comparing sound. What must not enter: code of the phone itself. Nothing here links against `engine`,
//! `sip` or `media`, so that no test can pass by sharing a mistake with them.

pub mod asterisk;
pub mod baresip;
pub mod browser;
pub mod centre;
pub mod certificates;
pub mod compare;
mod counterpart;
pub mod desk;
pub mod forwarder;
pub mod kamailio;
pub mod keys;
pub mod local;
pub mod namespace;
pub mod one_time_code;
pub mod phone;
pub mod program;
pub mod sandbox;
pub mod speech;
mod workdir;

pub use workdir::{WorkDir, cache_dir, workspace_root};
