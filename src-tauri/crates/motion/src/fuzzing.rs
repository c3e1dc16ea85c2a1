//! The parsers of outside bytes, as the targets in `tests/fuzz` call them: text in, nothing out but a panic.

use serde::de::DeserializeOwned;
use serde_json::Value;
use sidetone_profile::{
    Callback, Disposition, Interaction, PauseReason, PreviewCall, QueueMembership,
};

use crate::ServerUrl;
use crate::browser::Redirect;
use crate::realtime::Link;
use crate::wire::{
    Methods, PresenceDocument, Problem, Row, SettingsDocument, SipCredentials, Token,
    read_password_rules, rows,
};

/// Reads the text as every JSON document that the server answers with.
pub fn documents(text: &str) {
    if let Ok(document) = serde_json::from_str::<PresenceDocument>(text) {
        let _ = document.into_presence();
    }
    if let Ok(problem) = serde_json::from_str::<Problem>(text) {
        let _ = problem.password_rules();
        let _ = problem.sentence();
    }
    read::<SipCredentials>(text);
    read::<Token>(text);
    read::<Methods>(text);
    let Ok(document) = serde_json::from_str(text) else {
        return;
    };
    let _ = read_password_rules(&document);
    let _ = SettingsDocument::read(&document);
    list::<PauseReason>(&document);
    list::<QueueMembership>(&document);
    list::<Disposition>(&document);
    list::<Callback>(&document);
    list::<PreviewCall>(&document);
    list::<Interaction>(&document);
}

/// Reads a request that reached the port of a sign-in through the browser.
///
/// # Panics
/// When one without the state of the sign-in counts.
pub fn redirect(head: &[u8]) {
    const STATE: &str = "a-state";
    let carries = head
        .windows(STATE.len())
        .any(|part| part == STATE.as_bytes());
    let counts = !matches!(Redirect::read(head, STATE), Redirect::Other(_));
    // The state may come percent-encoded, too.
    assert!(!counts || carries || head.contains(&b'%'), "not ours");
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

fn list<T: Row>(document: &Value) {
    let _ = rows::<T>("the list", document);
}
