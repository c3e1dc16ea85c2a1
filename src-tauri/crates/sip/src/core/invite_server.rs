//! Calls that come in: INVITE, its answers, CANCEL and ACK (RFC 3261 §13.3, RFC 3262).

use std::time::Instant;

use super::address::{name_addr, user_of, without_params};
use super::call::{Call, Leg, Offer, Phase, Reliable, Unacked};
use super::message::Message;
use super::session_timer::{self, SessionTimer};
use super::transaction::{PATIENCE, T1, TxKey};
use super::{Core, token};
use crate::api::{DialogEnd, DialogId, Event, FlowId, IncomingInvite, NameAddr, SipError};

/// Header fields that tell whoever decides about the call where it comes from.
const TOLD: [&str; 12] = [
    "Diversion",
    "History-Info",
    "Reason",
    "Call-Info",
    "Alert-Info",
    "Answer-Mode",
    "Priority",
    "Subject",
    "Referred-By",
    "User-to-User",
    "P-Called-Party-ID",
    "Priv-Answer-Mode",
];

impl Core {
    pub(super) fn invited(&mut self, now: Instant, flow_id: FlowId, key: &TxKey, request: Message) {
        let authenticated_user = match self.authenticated(now, flow_id, key, &request) {
            Ok(user) => user,
            Err(()) => return,
        };
        if self.refused_extensions(now, key, &request) {
            return;
        }
        if let Some(least) = session_timer::too_small(&request) {
            let reply = request.reply(422).with("Min-SE", least.to_string());
            self.reply(now, key, reply);
            return;
        }
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
        let from = caller(&request);
        let to = name_addr(request.get("To").unwrap_or_default());
        let headers = request
            .fields()
            .filter(|(name, _)| {
                let x = name.get(..2).is_some_and(|p| p.eq_ignore_ascii_case("x-"));
                x || TOLD.iter().any(|told| told.eq_ignore_ascii_case(name))
            })
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
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
            to,
            request_user,
            authenticated_user,
            sdp: request.sdp(),
            headers,
        }));
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
            .filter(|tag| !matches!(tag.to_ascii_lowercase().as_str(), "100rel" | "timer"))
            .collect();
        if unknown.is_empty() {
            return false;
        }
        let reply = request.reply(420).with("Unsupported", unknown.join(", "));
        self.reply(now, key, reply);
        true
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
        reply.push("Supported", super::SUPPORTED);
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

/// P-Asserted-Identity, Remote-Party-ID or From, in that order.
fn caller(request: &Message) -> NameAddr {
    let asserted = request.list("P-Asserted-Identity").into_iter().next();
    let party = request.list("Remote-Party-ID").into_iter().next();
    let from = name_addr(request.get("From").unwrap_or_default());
    let mut best = asserted
        .or(party)
        .map_or_else(|| from.clone(), |v| name_addr(&v));
    if best.user.is_empty() && best.uri.is_empty() {
        return from;
    }
    if best.display_name.is_empty() && best.user == from.user {
        best.display_name = from.display_name;
    }
    best
}
