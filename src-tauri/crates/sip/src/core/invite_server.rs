//! Calls that come in: INVITE, its answers, CANCEL and ACK (RFC 3261 §13.3, RFC 3262).

use std::time::Instant;

use super::address::{name_addr, param, uri_of, user_of, without_params};
use super::call::{Call, Leg, Offer, Phase, Reliable, Unacked};
use super::invitation;
use super::invite_client::request_uri;
use super::message::Message;
use super::session_timer::{self, SessionTimer};
use super::transaction::{PATIENCE, T1, TxKey};
use super::{Core, token};
use crate::api::{AnswerMode, DialogEnd, DialogId, Event, FlowId, IncomingInvite, SipError};

impl Core {
    pub(super) fn invited(&mut self, now: Instant, flow_id: FlowId, key: &TxKey, request: Message) {
        let authenticated_user = match self.authenticated(now, flow_id, key, &request) {
            Ok(user) => user,
            Err(()) => return,
        };
        if self.refused_extensions(now, key, &request) {
            return;
        }
        if let Some(status) = unusable_body(&request) {
            let reply = request.reply(status).with("Accept", "application/sdp");
            self.reply(now, key, reply);
            return;
        }
        if let Some(least) = session_timer::too_small(&request) {
            let reply = request.reply(422).with("Min-SE", least.to_string());
            self.reply(now, key, reply);
            return;
        }
        // Our own INVITE, sent back to us.
        let tag = request.sender_tag().unwrap_or_default();
        let looped = self
            .calls
            .values()
            .any(|call| call.placed && call.call_id == request.call_id() && call.local_tag == tag);
        if looped {
            self.refuse(now, key, &request, 482);
            return;
        }
        let trusted = self.flows.get(&flow_id).is_some_and(|f| f.outgoing);
        let answer_mode = match invitation::answer_mode(&request) {
            mode if trusted => mode,
            // Who passes the call on does not answer it.
            AnswerMode::Auto { required: true, .. } if self.authenticator.is_none() => {
                let reply = request.reply(403).with_reason("Automatic Answer Forbidden");
                self.reply(now, key, reply);
                return;
            }
            _ => AnswerMode::Unsaid,
        };
        let replaces = match self.replaced(&request, flow_id) {
            Ok(replaces) => replaces,
            Err(status) => {
                self.refuse(now, key, &request, status);
                return;
            }
        };
        let Some(flow) = self.flows.get(&flow_id) else {
            return;
        };
        let request_user = user_of(request.uri());
        let contact_user = match &self.registration {
            Some(registration) if flow.outgoing => registration.account.user.clone(),
            _ => request_user.clone(),
        };
        let outgoing = flow.outgoing;
        let dialog = DialogId(self.next_dialog);
        self.next_dialog += 1;
        let from = invitation::caller(&request, trusted);
        let to = name_addr(request.get("To").unwrap_or_default());
        let headers = invitation::told(&request);
        let call = Call {
            account: outgoing,
            placed: false,
            flow: flow_id,
            orphaned: None,
            moved: false,
            call_id: request.call_id().to_owned(),
            local_tag: token(&mut self.rng),
            local: without_params(request.get("To").unwrap_or_default()),
            remote: without_params(request.get("From").unwrap_or_default()),
            contact_user,
            local_seq: 0,
            leg: Leg::of_request(&request),
            early: Vec::new(),
            offer: Offer::None,
            postponed: None,
            unacked: None,
            reliable: None,
            rseq: 0,
            last_ack: None,
            local_sdp: None,
            remote_sdp: request.sdp(),
            session: None,
            far_end_takes_update: request.has_token("Allow", "UPDATE"),
            least_session: 0,
            tried: Vec::new(),
            elsewhere: Vec::new(),
            early_agreed: false,
            told_leg: String::new(),
            refer: None,
            referred: None,
            report: None,
            replaces,
            rang: false,
            ended: false,
            phase: Phase::Ringing {
                key: key.clone(),
                request: Box::new(request.clone()),
            },
        };
        self.calls.insert(dialog, call);
        self.tx.set_dialog(key, dialog);
        self.tx.respond(now, key, &request.reply(100));
        self.event(Event::Incoming(IncomingInvite {
            dialog,
            flow: flow_id,
            from,
            trusted,
            call_id: request.call_id().to_owned(),
            to,
            request_user,
            authenticated_user,
            max_forwards: invitation::max_forwards(&request),
            sdp: request.sdp(),
            headers,
            diversions: invitation::diversions(&request),
            answer_mode,
            replaces,
        }));
    }

    /// The call of ours that an INVITE wants to take the place of, or the status to refuse it with (RFC 3891 §3).
    fn replaced(&self, request: &Message, flow: FlowId) -> Result<Option<DialogId>, u16> {
        let outgoing = self.flows.get(&flow).is_some_and(|flow| flow.outgoing);
        let trusted = outgoing || self.authenticator.is_some();
        let Some(value) = request
            .get("Replaces")
            .filter(|_| self.transfers && trusted)
        else {
            return Ok(None);
        };
        if param(value, "to-tag").is_none() || param(value, "from-tag").is_none() {
            return Err(400);
        }
        let dialog = self.named_by_replaces(value).ok_or(481_u16)?;
        let call = self.calls.get(&dialog).ok_or(481_u16)?;
        match call.phase {
            _ if call.ended => Err(603),
            Phase::Up if param(value, "early-only").is_some() => Err(486),
            Phase::Up | Phase::Inviting { .. } => Ok(Some(dialog)),
            // Nobody takes over a call that still rings here by naming it.
            Phase::Ringing { .. } | Phase::Closing => Err(481),
        }
    }

    /// The call that a Replaces value means.
    pub(super) fn named_by_replaces(&self, value: &str) -> Option<DialogId> {
        let call_id = value.split(';').next().unwrap_or_default().trim();
        self.find_call(call_id, param(value, "to-tag")?, param(value, "from-tag")?)
    }

    /// RFC 3261 §8.2.2.3. `true`: answered with 420.
    pub(super) fn refused_extensions(
        &mut self,
        now: Instant,
        key: &TxKey,
        request: &Message,
    ) -> bool {
        let unknown: Vec<String> = request
            .list("Require")
            .into_iter()
            .filter(|tag| !self.understands(tag))
            .collect();
        if unknown.is_empty() {
            return false;
        }
        let reply = request.reply(420).with("Unsupported", unknown.join(", "));
        self.reply(now, key, reply);
        true
    }

    fn understands(&self, tag: &str) -> bool {
        self.supported()
            .split(", ")
            .any(|known| known.eq_ignore_ascii_case(tag))
    }

    pub(crate) fn ringing(
        &mut self,
        now: Instant,
        dialog: DialogId,
        early_sdp: Option<String>,
    ) -> Result<(), SipError> {
        let (key, request) = self.unanswered(dialog)?;
        let status = if early_sdp.is_some() { 183 } else { 180 };
        let mut reply = self.call_reply(dialog, &request, status);
        if let Some(sdp) = &early_sdp {
            reply = reply.with_sdp(sdp);
        }
        let Some(call) = self.calls.get_mut(&dialog) else {
            return Err(SipError::NoSuchDialog);
        };
        call.rang = true;
        if early_sdp.is_some() {
            call.local_sdp = early_sdp;
        }
        if request.has_token("Require", "100rel") && call.reliable.is_none() {
            call.rseq += 1;
            reply.push("Require", "100rel");
            reply.push("RSeq", call.rseq.to_string());
            call.reliable = Some(Reliable {
                rseq: call.rseq,
                response: reply.clone(),
                at: now + T1,
                interval: T1,
                ends: now + PATIENCE,
                accept: None,
            });
        }
        self.reply(now, &key, reply);
        Ok(())
    }

    pub(super) fn repeat_reliable(&mut self, now: Instant, dialog: DialogId) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Phase::Ringing { key, request } = &call.phase else {
            call.reliable = None;
            return;
        };
        let Some(reliable) = &mut call.reliable else {
            return;
        };
        let (key, request) = (key.clone(), request.clone());
        if reliable.ends <= now {
            // RFC 3262 §3: never acknowledged.
            call.reliable = None;
            let reply = self.call_reply(dialog, &request, 500);
            self.reply(now, &key, reply);
            let words = "the far end does not acknowledge".to_owned();
            self.end(dialog, DialogEnd::Unreachable(words));
            self.forget(dialog);
            return;
        }
        reliable.interval *= 2;
        reliable.at = now + reliable.interval;
        let response = reliable.response.clone();
        self.reply(now, &key, response);
    }

    pub(crate) fn accept(
        &mut self,
        now: Instant,
        dialog: DialogId,
        sdp: String,
    ) -> Result<(), SipError> {
        let (key, request) = self.unanswered(dialog)?;
        let call = self.calls.get_mut(&dialog).ok_or(SipError::NoSuchDialog)?;
        if let Some(reliable) = &mut call.reliable {
            reliable.accept = Some(sdp);
            return Ok(());
        }
        call.local_sdp = Some(sdp.clone());
        call.phase = Phase::Up;
        call.unacked = Some(Unacked {
            key: key.clone(),
            seq: request.seq(),
            late: request.sdp().is_none(),
            initial: true,
            bye: None,
        });
        let mut reply = self.call_reply(dialog, &request, 200).with_sdp(&sdp);
        let session = SessionTimer::of_request(now, &request, &mut reply);
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.session = session;
        }
        self.reply(now, &key, reply);
        if let Some(replaced) = self.calls.get_mut(&dialog).and_then(|c| c.replaces.take()) {
            // It may be over meanwhile.
            let _ = self.hang_up(now, replaced, None);
        }
        Ok(())
    }

    pub(crate) fn redirect(
        &mut self,
        now: Instant,
        dialog: DialogId,
        target: &str,
    ) -> Result<(), SipError> {
        let (key, request) = self.unanswered(dialog)?;
        let uri = request_uri(target, &self.domain_of(dialog))?;
        let Some(call) = self.calls.get(&dialog) else {
            return Err(SipError::NoSuchDialog);
        };
        let talking = self
            .calls
            .values()
            .any(|other| !other.ended && matches!(other.phase, Phase::Up));
        let why = if call.rang {
            "no-answer"
        } else if talking {
            "user-busy"
        } else {
            "unconditional"
        };
        let us = match &self.registration {
            Some(registration) if call.account => registration.address(),
            _ => uri_of(&call.local).to_owned(),
        };
        let mut reply = self.call_reply(dialog, &request, 302);
        reply.set("Contact", format!("<{uri}>"));
        reply.push("Diversion", format!("<{us}>;reason={why}"));
        self.reply(now, &key, reply);
        self.end(dialog, DialogEnd::Local);
        self.forget(dialog);
        Ok(())
    }

    pub(crate) fn reject(
        &mut self,
        now: Instant,
        dialog: DialogId,
        status: u16,
        reason: Option<&str>,
    ) -> Result<(), SipError> {
        let (key, request) = self.unanswered(dialog)?;
        let status = if (300..700).contains(&status) {
            status
        } else {
            480
        };
        let mut reply = self.call_reply(dialog, &request, status);
        reply.remove("Contact");
        if let Some(reason) = reason {
            reply.push("Reason", reason);
        }
        self.reply(now, &key, reply);
        self.end(dialog, DialogEnd::Local);
        self.forget(dialog);
        Ok(())
    }

    /// The unanswered INVITE of a ringing call.
    fn unanswered(&self, dialog: DialogId) -> Result<(TxKey, Message), SipError> {
        let call = self.calls.get(&dialog).filter(|call| !call.ended);
        match call.ok_or(SipError::NoSuchDialog)?.phase {
            Phase::Ringing {
                ref key,
                ref request,
            } => Ok((key.clone(), (**request).clone())),
            _ => Err(SipError::WrongState("the call is already answered")),
        }
    }

    /// A response within a call: our tag, Contact and abilities.
    pub(super) fn call_reply(&self, dialog: DialogId, request: &Message, status: u16) -> Message {
        let reply = request.reply(status);
        let Some(call) = self.calls.get(&dialog) else {
            return reply;
        };
        let mut reply = reply.with_tag(&call.local_tag);
        if let Some(flow) = self.flows.get(&call.flow) {
            reply.push("Contact", flow.contact(&call.contact_user));
        }
        reply.push("Allow", super::ALLOW);
        reply.push("Supported", self.supported());
        reply
    }

    pub(super) fn cancelled(&mut self, now: Instant, key: &TxKey, cancel: &Message) {
        let Some((invite, dialog)) = self.tx.cancelled(cancel) else {
            self.refuse(now, key, cancel, 481);
            return;
        };
        self.refuse(now, key, cancel, 200);
        let Some(dialog) = dialog else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&dialog)
            && let Offer::Received { key, request } = &call.offer
            && *key == invite
        {
            let request = request.clone();
            call.offer = Offer::None;
            self.refuse(now, &invite, &request, 487);
            return;
        }
        let Ok((waiting, request)) = self.unanswered(dialog) else {
            // Answered already: CANCEL has no effect (RFC 3261 §9.2).
            return;
        };
        if waiting != invite {
            return;
        }
        let mut reply = self.call_reply(dialog, &request, 487);
        reply.remove("Contact");
        self.reply(now, &waiting, reply);
        let reasons: Vec<&str> = cancel.all("Reason").collect();
        let reason = (!reasons.is_empty()).then(|| reasons.join(", "));
        self.end(dialog, DialogEnd::Cancelled(reason));
        self.forget(dialog);
    }

    pub(super) fn acked(&mut self, now: Instant, ack: &Message) {
        let local = ack.to_tag().unwrap_or_default();
        let remote = ack.sender_tag().unwrap_or_default();
        let Some(dialog) = self.find_call(ack.call_id(), local, remote) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Some(unacked) = call.unacked.take_if(|unacked| unacked.seq == ack.seq()) else {
            return;
        };
        self.tx.confirmed(now, &unacked.key);
        if let Some(reason) = unacked.bye {
            self.bye(now, dialog, reason.as_deref());
            return;
        }
        if unacked.late
            && let Some(sdp) = ack.sdp()
        {
            call.remote_sdp = Some(sdp.clone());
            self.event(Event::ReofferAnswered { dialog, sdp });
        }
        if unacked.initial {
            self.event(Event::Confirmed { dialog });
        }
    }

    /// Our 2xx was never acknowledged (RFC 3261 §13.3.1.4).
    pub(super) fn unconfirmed(&mut self, now: Instant, dialog: DialogId) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Some(unacked) = call.unacked.take() else {
            return;
        };
        let reason = unacked.bye.flatten();
        let words = "the far end did not confirm the answer".to_owned();
        self.end(dialog, DialogEnd::Unreachable(words));
        self.bye(now, dialog, reason.as_deref());
    }
}

/// The status for a body that is neither SDP nor may hold any, or for an answer that must not be SDP (RFC 3261
/// §8.2.3, §21.4.7).
fn unusable_body(request: &Message) -> Option<u16> {
    let kind = request
        .get("Content-Type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let known = kind.starts_with("application/sdp") || kind.starts_with("multipart/");
    if !request.body.is_empty() && !known {
        return Some(415);
    }
    let accepted = request.list("Accept");
    let fits = accepted.is_empty()
        || accepted.iter().any(|entry| {
            let kind = entry.split(';').next().unwrap_or_default().trim();
            ["application/sdp", "application/*", "*/*"]
                .iter()
                .any(|wanted| kind.eq_ignore_ascii_case(wanted))
        });
    (!fits).then_some(406)
}
