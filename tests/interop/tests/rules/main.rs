//! The agent's rules end to end: `sidetone-sandbox` with its administration on one side, `sidetone-headless` on the
//! other. A setting is changed while the agent is signed in, and the next call behaves so. Needs neither root nor a
//! sound device.

mod answering;
mod dialling;
mod digits;
mod handing_over;
mod local;
mod masking;
mod network;
mod picture;
mod recording;
mod refusing;
mod screen_pop;
mod signing_in;
mod standalone;
mod work;
