//! The server role: challenges and the registrar's answers (RFC 3261 §10.3, §22).

use std::time::Instant;

use super::address::{name_addr, param, uri_of};
use super::digest::Verdict;
use super::message::Message;
use super::transaction::TxKey;
use super::{Core, token};
use crate::api::{Event, FlowId, RegisterRequest};

/// Longest and shortest registration that the server role grants, in seconds.
const MOST: u32 = 3600;
const LEAST: u32 = 10;

impl Core {
    /// Who sent this request, when the server role asks for that. `Err`: answered with a challenge or refusal.
    pub(super) fn authenticated(
        &mut self,
        now: Instant,
        flow: FlowId,
        key: &TxKey,
        request: &Message,
    ) -> Result<Option<String>, ()> {
        let outgoing = self.flows.get(&flow).is_some_and(|f| f.outgoing);
        let Some(authenticator) = self.authenticator.clone().filter(|_| !outgoing) else {
            return Ok(None);
        };
        match self.server_digest.check(now, request, &*authenticator) {
            Verdict::User(user) => Ok(Some(user)),
            Verdict::Wrong => {
                self.refuse(now, key, request, 403);
                Err(())
            }
            Verdict::Challenge { stale } => {
                let nonce = token(&mut self.rng);
                let mut reply = request.reply(401);
                self.server_digest
                    .challenge(now, nonce, &*authenticator, stale, &mut reply);
                self.reply(now, key, reply);
                Err(())
            }
        }
    }

    pub(super) fn registered(
        &mut self,
        now: Instant,
        flow: FlowId,
        key: &TxKey,
        request: &Message,
    ) {
        let outgoing = self.flows.get(&flow).is_some_and(|f| f.outgoing);
        if self.authenticator.is_none() || outgoing {
            self.refuse(now, key, request, 405);
            return;
        }
        if let Some(fault) = unregistrable(request) {
            let reply = request
                .reply(400)
                .with_reason(&format!("Bad Request: {fault}"));
            self.reply(now, key, reply);
            return;
        }
        let Ok(user) = self.authenticated(now, flow, key, request) else {
            return;
        };
        let to = name_addr(request.get("To").unwrap_or_default()).user;
        if user.as_deref() != Some(to.as_str()) {
            // Nobody registers another one's address.
            self.refuse(now, key, request, 403);
            return;
        }
        let mut unknown = request.list("Require");
        unknown.retain(|tag| !tag.eq_ignore_ascii_case("path"));
        if !unknown.is_empty() {
            let reply = request.reply(420).with("Unsupported", unknown.join(", "));
            self.reply(now, key, reply);
            return;
        }
        let asked = request.number("Expires").unwrap_or(MOST);
        let mut reply = request.reply(200);
        // The phone may look whether a proxy was put between that it does not know (RFC 3327 §5.3).
        let path = request.list("Path");
        for hop in &path {
            reply.push("Path", hop.as_str());
        }
        let mut events = Vec::new();
        for contact in request.list("Contact") {
            if contact == "*" {
                events.push((String::new(), 0));
                continue;
            }
            let own = param(&contact, "expires").and_then(|e| e.parse().ok());
            let mut granted = own.unwrap_or(asked).min(MOST);
            if (1..LEAST).contains(&granted) {
                granted = LEAST;
            }
            let uri = uri_of(&contact).to_owned();
            if granted > 0 {
                let instance = param(&contact, "+sip.instance");
                let instance = instance.map_or(String::new(), |i| format!(";+sip.instance={i}"));
                reply.push("Contact", format!("<{uri}>{instance};expires={granted}"));
            }
            events.push((uri, granted));
        }
        self.reply(now, key, reply);
        for (contact, expires_s) in events {
            self.event(Event::Registered(RegisterRequest {
                user: to.clone(),
                contact,
                flow,
                expires_s,
                path: path.clone(),
            }));
        }
    }
}

/// What makes a REGISTER useless whoever sent it (RFC 3261 §10.3, §20.10).
fn unregistrable(request: &Message) -> Option<&'static str> {
    let to = uri_of(request.get("To").unwrap_or_default()).to_ascii_lowercase();
    if !to.starts_with("sip:") && !to.starts_with("sips:") {
        return Some("To is no SIP URI");
    }
    // Outside brackets nobody could tell whose the question mark is.
    let bare = |contact: &String| !contact.contains('<') && contact.contains('?');
    (request.list("Contact").iter().any(bare)).then_some("Contact needs angle brackets")
}
