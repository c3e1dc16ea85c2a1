//! The parsers of outside bytes, as the targets in `tests/fuzz` call them: text in, nothing out but a panic.

use serde::de::DeserializeOwned;

use crate::ServerUrl;
use crate::realtime::Link;
use crate::wire::{List, PauseReason, PresenceDocument, Problem, Queue, SipCredentials, Token};

/// Reads the text as every JSON document that the server answers with.
pub fn documents(text: &str) {
    if let Ok(document) = serde_json::from_str::<PresenceDocument>(text) {
        let _ = document.into_presence();
    }
    if let Ok(problem) = serde_json::from_str::<Problem>(text) {
        let _ = problem.sentence();
    }
    read::<SipCredentials>(text);
    read::<Token>(text);
    list::<PauseReason>(text);
    list::<Queue>(text);
}

/// Takes the lines of the text as frames of the realtime socket.
pub fn frames(text: &str) {
    let mut since = None;
    for frame in text.lines() {
        if let Err(fault) = Link::take(&mut since, frame) {
            let _ = fault.to_string();
        }
    }
}

/// Reads a server address as a person types it; what is accepted must be accepted again.
///
/// # Panics
/// When it is not.
pub fn address(text: &str) {
    if let Ok(url) = ServerUrl::parse(text) {
        let shown = url.to_string();
        assert!(
            ServerUrl::parse(&shown).is_ok(),
            "not accepted again: {shown}"
        );
    }
}

fn read<T: DeserializeOwned>(text: &str) {
    let _ = serde_json::from_str::<T>(text);
}

fn list<T: DeserializeOwned>(text: &str) {
    let _ = serde_json::from_str::<List<T>>(text).map(List::into_rows);
}
