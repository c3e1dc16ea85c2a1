//! The local HTTP interface: other programs of this machine drive the phone.
//!
//! What belongs here: a small HTTP server on 127.0.0.1 that translates requests into [`sidetone_engine`] commands and
//! the snapshot into JSON, and that turns everybody away who should not ask. What must not enter: rules of the contact
//! centre, clear values of masked numbers (the snapshot has none), and anything a web page could use: no page of any
//! other origin gets an answer, and no answer ever carries a permission of CORS.
//!
//! Two faces:
//! - **The paths of the Windows client** ([`old`]), kept so that existing integrations go on working. Its maker's public
//!   page ("Phonebar API", xcally.atlassian.net, pages 1896315518 and 1762853161) gives the paths, that all of them are
//!   asked with GET, that answers are JSON, the numbers of the states, and that `/api/hangup` alone ends all active
//!   calls. Public client programs show the fields of a call, a bare array as the list of calls, and that `originate`
//!   answers an object with `sessionId`. Bodies of the other answers and the status of a refusal were found nowhere:
//!   here each action answers the call that it acted on, and a refusal is `application/problem+json`.
//! - **`/api/v2`**: POST for what acts, server-sent events for what changes, described by `openapi.json`.
//!
//! Who is turned away ([`gate`]): a `Host` that is not loopback with our port (DNS rebinding), any `Origin` but our own
//! (another program's page on another loopback port is foreign too, and so is `null`), a `Sec-Fetch-Site` of
//! `cross-site` or `same-site` and a foreign `Referer` (pictures, forms and links of web pages, which send no `Origin`),
//! preflights, and whoever does not know the token where IT's policy sets one. Where the policy cannot be read as it was
//! meant the interface stays shut.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod act;
mod connection;
mod desk;
mod documents;
mod events;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gate;
mod old;
mod problem;
mod route;
mod serve;
#[cfg(test)]
mod tests;

pub use serve::{Handle, Status, serve};
