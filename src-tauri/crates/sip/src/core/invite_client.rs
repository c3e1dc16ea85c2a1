//! Calls that we place: INVITE, its provisional answers, CANCEL and forks (RFC 3261 §13.2, RFC 3262).

use std::time::Instant;

use rsipstack::sip::parse_uri;

use super::address::{encoded_user, param, uri_of, write_name_addr};
use super::call::{Call, Leg, Offer, Phase};
use super::message::{Message, Start};
use super::session_timer::SessionTimer;
use super::transaction::{Answer, Owner, PATIENCE};
use super::{Core, branch, token};
use crate::api::{CallTarget, DialogEnd, DialogId, Event, FlowId, SipError};

/// Early dialogs of one INVITE that are told apart; more than that is nobody's hunt group.
const FORKS: usize = 32;
/// Redirections that one call follows (RFC 3261 §8.1.3.4).
const REDIRECTIONS: usize = 5;

impl Core {
    pub(crate) fn invite(
        &mut self,
        now: Instant,
        target: CallTarget,
        sdp: String,
        headers: Vec<(String, String)>,
    ) -> Result<DialogId, SipError> {
        let (uri, flow, local, account) = match target {
            CallTarget::Account(number) => {
                let registration = self.registration.as_ref().ok_or(SipError::NoAccount)?;
                let uri = request_uri(&number, &registration.account.domain)?;
                let name = &registration.account.display_name;
                let local = write_name_addr(name, &registration.address());
                (uri, registration.flow(), local, true)
            }
            CallTarget::Contact { uri, flow, from } => {
                parse_uri(&uri).map_err(|_| SipError::BadAddress(uri.clone()))?;
                let known = self.flows.get(&flow);
                let from_uri = match (from.uri.is_empty(), known) {
                    (true, Some(flow)) => {
                        format!("sip:{}@{}", encoded_user(&from.user), flow.local.ip())
                    }
                    _ => from.uri.clone(),
                };
                let local = write_name_addr(&from.display_name, &from_uri);
                (uri, Some(flow), local, false)
            }
        };
        let dialog = DialogId(self.next_dialog);
        self.next_dialog += 1;
        let found = flow.and_then(|id| self.flows.get(&id).map(|flow| (id, flow.clone())));
        let Some((flow_id, flow)) = found else {
            let words = "there is no connection to the server".to_owned();
            self.event(Event::Ended {
                dialog,
                end: DialogEnd::Unreachable(words),
            });
            return Ok(dialog);
        };
        let mut call = Call {
            account,
            placed: true,
            flow: flow_id,
            orphaned: None,
            moved: false,
            call_id: token(&mut self.rng),
            local_tag: token(&mut self.rng),
            contact_user: super::address::user_of(uri_of(&local)),
            local,
            remote: format!("<{uri}>"),
            local_seq: 1,
            phase: Phase::Closing,
            leg: Leg {
                target: uri,
                routes: match &self.registration {
                    Some(registration) if account => registration.service_route.clone(),
                    _ => Vec::new(),
                },
                ..Leg::default()
            },
            early: Vec::new(),
            offer: Offer::None,
            postponed: None,
            unacked: None,
            reliable: None,
            rseq: 0,
            last_ack: None,
            local_sdp: Some(sdp.clone()),
            remote_sdp: None,
            session: None,
            far_end_takes_update: false,
            least_session: 0,
            tried: Vec::new(),
            elsewhere: Vec::new(),
            early_agreed: false,
            told_leg: String::new(),
            refer: None,
            referred: None,
            report: None,
            replaces: None,
            rang: false,
            ended: false,
        };
        let mut request = call.request(&call.leg, "INVITE", call.local_seq);
        request.push_front("Via", flow.via(&branch(&mut self.rng)));
        request.push("Contact", flow.contact(&call.contact_user));
        request.push("Allow", super::ALLOW);
        request.push("Supported", self.supported());
        if !self.user_agent.is_empty() {
            request.push("User-Agent", self.user_agent.clone());
        }
        request.push("Session-Expires", self.session_interval_s.to_string());
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("Max-Forwards") {
                request.set(&name, value);
            } else {
                request.push(&name, value);
            }
        }
        let request = request.with_sdp(&sdp);
        let reliable = flow.kind.reliable();
        let key = self
            .tx
            .send(now, flow_id, reliable, request, Owner::Invite(dialog), 0);
        call.phase = Phase::Inviting {
            key,
            proceeding: false,
            cancel: None,
        };
        self.calls.insert(dialog, call);
        Ok(dialog)
    }

    pub(super) fn invite_answered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: Answer,
        response: &Message,
    ) {
        match response.status() {
            100..=199 => self.invite_progress(now, dialog, response),
            200..=299 => self.invite_accepted(now, dialog, &answer, response),
            status => {
                let Some(call) = self.calls.get_mut(&dialog) else {
                    return;
                };
                let Phase::Inviting { cancel, .. } = &call.phase else {
                    // A fork that lost, after another had won.
                    return;
                };
                let cancelled = cancel.is_some();
                if !cancelled
                    && matches!(status, 401 | 407)
                    && let Some(new) = self.send_authorized(now, &answer, response)
                {
                    if let Some(call) = self.calls.get_mut(&dialog) {
                        call.early.clear();
                        call.phase = Phase::Inviting {
                            key: new,
                            proceeding: false,
                            cancel: None,
                        };
                    }
                    return;
                }
                if !cancelled && self.invite_again(now, dialog, &answer, response) {
                    return;
                }
                let reason = response.reason();
                self.report_call(now, dialog, status);
                self.end(dialog, DialogEnd::Refused { status, reason });
                self.forget(dialog);
            }
        }
    }

    /// Follows a redirection, or asks for a longer session. `false`: the refusal stands.
    fn invite_again(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        response: &Message,
    ) -> bool {
        let status = response.status();
        let longer = status == 422 && self.wants_longer_session(dialog, response);
        let Some(call) = self.calls.get_mut(&dialog) else {
            return false;
        };
        if (300..400).contains(&status) && !call.account {
            // The phone's own connection leads to nobody else: those above decide.
            let mut targets = by_preference(response);
            targets.reverse();
            self.event(Event::Redirected { dialog, targets });
            return false;
        }
        if call.tried.is_empty() {
            call.tried.push(answer.request.uri().to_owned());
        }
        let mut request = answer.request.clone();
        if longer {
            request.set(
                "Session-Expires",
                call.least_session.max(self.session_interval_s).to_string(),
            );
            request.set("Min-SE", call.least_session.to_string());
        } else {
            if (300..400).contains(&status) {
                let mut found = by_preference(response);
                found.append(&mut call.elsewhere);
                call.elsewhere = found;
            }
            // The next of several contacts, also when the one before it was refused.
            let next = loop {
                match call.elsewhere.pop() {
                    Some(uri) if call.tried.contains(&uri) => {}
                    next => break next,
                }
            };
            let Some(next) = next.filter(|_| call.tried.len() <= REDIRECTIONS) else {
                return false;
            };
            if let Start::Request { uri, .. } = &mut request.start {
                uri.clone_from(&next);
            }
            call.leg.target.clone_from(&next);
            call.tried.push(next);
        }
        let Some(flow) = self.flows.get(&answer.flow) else {
            return false;
        };
        call.local_seq += 1;
        call.early.clear();
        request.set("CSeq", format!("{} INVITE", call.local_seq));
        request.set_first("Via", &flow.via(&branch(&mut self.rng)));
        if let Some(registration) = &mut self.registration
            && call.account
        {
            let credentials = &registration.account.credentials;
            registration.digest.authorize(&mut request, credentials);
        }
        let reliable = flow.kind.reliable();
        let owner = Owner::Invite(dialog);
        let key = self.tx.send(now, answer.flow, reliable, request, owner, 0);
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.phase = Phase::Inviting {
                key,
                proceeding: false,
                cancel: None,
            };
        }
        true
    }

    fn invite_progress(&mut self, now: Instant, dialog: DialogId, response: &Message) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Phase::Inviting {
            proceeding, cancel, ..
        } = &mut call.phase
        else {
            return;
        };
        let first = !std::mem::replace(proceeding, true);
        if let Some(reason) = cancel.clone() {
            if first {
                self.send_cancel(now, dialog, reason);
            }
            return;
        }
        let status = response.status();
        if status == 100 {
            return;
        }
        if let Some(tag) = response.to_tag() {
            let place = call.early.iter().position(|leg| leg.tag == tag);
            if place.is_none() && call.early.len() >= FORKS {
                return;
            }
            let place = place.unwrap_or_else(|| {
                call.early.push(Leg::of_response(response));
                call.early.len() - 1
            });
            if response.has_token("Require", "100rel")
                && let Some(rseq) = response.number("RSeq")
            {
                let leg = &mut call.early[place];
                if leg.rseq != 0 && rseq != leg.rseq + 1 {
                    // A repetition, or one too far ahead (RFC 3262 §4).
                    return;
                }
                leg.rseq = rseq;
                let leg = leg.clone();
                if response.sdp().is_some() {
                    call.early_agreed = true;
                }
                self.send_prack(now, dialog, &leg, rseq, response.seq());
            }
        }
        if let (Some(sdp), Some(call)) = (response.sdp(), self.calls.get_mut(&dialog)) {
            let tag = response.to_tag().unwrap_or_default().to_owned();
            call.leg_mut(&tag).answer = Some(sdp);
            call.told_leg = tag;
        }
        self.report_call(now, dialog, status);
        self.event(Event::Provisional {
            dialog,
            status,
            sdp: response.sdp(),
        });
    }

    fn send_prack(&mut self, now: Instant, dialog: DialogId, leg: &Leg, rseq: u32, seq: u32) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        // A provisional answer without Contact keeps the INVITE's target.
        let mut leg = leg.clone();
        if leg.target.is_empty() {
            leg.target.clone_from(&call.leg.target);
        }
        let settled = std::mem::replace(&mut call.leg, leg);
        self.send_in_dialog(now, dialog, "PRACK", Owner::Prack(dialog), |prack| {
            prack.push("RAck", format!("{rseq} {seq} INVITE"));
        });
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.leg = settled;
        }
    }

    fn invite_accepted(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        response: &Message,
    ) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let mut leg = Leg::of_response(response);
        if leg.target.is_empty() {
            leg.target.clone_from(&call.leg.target);
        }
        let (cancelled, inviting) = match &call.phase {
            Phase::Inviting { cancel, .. } => (cancel.clone(), true),
            _ => (None, false),
        };
        if !inviting {
            if call.leg.tag == leg.tag {
                self.repeat_ack(dialog, response.seq());
            } else {
                self.end_fork(now, dialog, leg, &answer.request);
            }
            return;
        }
        // What this fork answered early counts, also when another one was told after it.
        let early = call.leg_mut(&leg.tag).answer.take();
        let untold = early.filter(|_| call.told_leg != leg.tag);
        let answer_sdp = response.sdp().or(untold);
        leg.seq = call.leg_mut(&leg.tag).seq;
        call.leg = leg.clone();
        call.early.clear();
        call.phase = Phase::Up;
        call.far_end_takes_update = response.has_token("Allow", "UPDATE");
        call.session = SessionTimer::of_response(now, response);
        call.remote_sdp = answer_sdp.clone().or(call.remote_sdp.take());
        self.ack(dialog, &leg, &answer.request);
        match cancelled {
            // CANCEL and 200 crossed: the call is up only to be ended.
            Some(reason) => self.bye(now, dialog, reason.as_deref()),
            None => {
                self.report_call(now, dialog, 200);
                self.event(Event::Answered {
                    dialog,
                    sdp: answer_sdp,
                });
            }
        }
    }

    fn repeat_ack(&mut self, dialog: DialogId, seq: u32) {
        if let Some(call) = self.calls.get(&dialog)
            && let Some((acked, ack)) = &call.last_ack
            && *acked == seq
        {
            let (flow, ack) = (call.flow, ack.clone());
            self.send_ack(flow, ack);
        }
    }

    /// A second fork answered: it is acknowledged and ended (RFC 3261 §13.2.2.4).
    fn end_fork(&mut self, now: Instant, dialog: DialogId, leg: Leg, invite: &Message) {
        self.ack(dialog, &leg, invite);
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let won = std::mem::replace(&mut call.leg, leg);
        self.send_in_dialog(now, dialog, "BYE", Owner::Nobody, |bye| {
            bye.push("Reason", "SIP;cause=200;text=\"Call completed elsewhere\"");
        });
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.leg = won;
        }
    }

    /// A 2xx whose transaction is gone, repeated because our ACK was lost.
    pub(super) fn stray_success(&mut self, flow: FlowId, response: &Message) {
        let Some((seq, "INVITE")) = response.cseq() else {
            return;
        };
        tracing::debug!(flow = flow.0, seq, "repeated 2xx");
        let local = response.sender_tag().unwrap_or_default();
        let remote = response.to_tag().unwrap_or_default();
        if let Some(dialog) = self.find_call(response.call_id(), local, remote) {
            self.repeat_ack(dialog, seq);
        }
    }

    pub(super) fn invite_expired(&mut self, now: Instant, dialog: DialogId, flow_lost: bool) {
        let Some(call) = self.calls.get(&dialog) else {
            return;
        };
        if !matches!(call.phase, Phase::Inviting { .. }) {
            return;
        }
        let words = if flow_lost {
            "the connection to the server was lost"
        } else {
            "the far end does not answer"
        };
        self.report_call(now, dialog, if flow_lost { 503 } else { 408 });
        self.end(dialog, DialogEnd::Unreachable(words.to_owned()));
        self.forget(dialog);
    }

    /// Wants the unanswered INVITE gone; CANCEL waits for a provisional answer (RFC 3261 §9.1).
    pub(super) fn cancel(&mut self, now: Instant, dialog: DialogId, reason: Option<String>) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        if let Phase::Inviting {
            proceeding, cancel, ..
        } = &mut call.phase
        {
            let may_send = *proceeding;
            *cancel = Some(reason.clone());
            self.report_call(now, dialog, 487);
            self.end(dialog, DialogEnd::Local);
            if may_send {
                self.send_cancel(now, dialog, reason);
            }
        }
    }

    fn send_cancel(&mut self, now: Instant, dialog: DialogId, reason: Option<String>) {
        let Some(Call {
            phase: Phase::Inviting { key, .. },
            ..
        }) = self.calls.get(&dialog)
        else {
            return;
        };
        let key = key.clone();
        let Some((invite, flow)) = self.tx.request(&key) else {
            return;
        };
        let mut cancel = Message::request("CANCEL", invite.uri())
            .with("Via", invite.get("Via").unwrap_or_default())
            .with("Max-Forwards", "70");
        for name in ["Route", "From", "To", "Call-ID"] {
            for value in invite.all(name) {
                cancel.push(name, value);
            }
        }
        cancel.push("CSeq", format!("{} CANCEL", invite.seq()));
        if let Some(reason) = reason {
            cancel.push("Reason", reason);
        }
        let reliable = self.flows.get(&flow).is_some_and(|f| f.kind.reliable());
        self.tx
            .send(now, flow, reliable, cancel, Owner::Cancel(dialog), 0);
        self.tx.hurry(&key, now + PATIENCE);
    }
}

/// SIP contacts of a redirection by their q value, the best one last.
fn by_preference(response: &Message) -> Vec<String> {
    let mut found: Vec<(f32, String)> = response
        .list("Contact")
        .iter()
        .map(|contact| {
            let q = param(contact, "q").and_then(|q| q.parse().ok());
            let uri = uri_of(contact);
            let uri = uri.split('?').next().unwrap_or_default();
            (q.unwrap_or(1.0), uri.to_owned())
        })
        .filter(|(_, uri)| {
            let lower = uri.to_ascii_lowercase();
            lower.starts_with("sip:") || lower.starts_with("sips:") || lower.starts_with("tel:")
        })
        .collect();
    found.reverse();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.into_iter().map(|(_, uri)| uri).collect()
}

/// What was dialled as a Request-URI.
pub(super) fn request_uri(dialled: &str, domain: &str) -> Result<String, SipError> {
    let bad = || SipError::BadAddress(dialled.to_owned());
    let dialled_text = dialled.trim();
    let lower = dialled_text.to_ascii_lowercase();
    if dialled_text.is_empty() || dialled_text.chars().any(char::is_control) {
        return Err(bad());
    }
    if lower.starts_with("tel:") {
        return Ok(dialled_text.to_owned());
    }
    let uri = if lower.starts_with("sip:") || lower.starts_with("sips:") {
        dialled_text.to_owned()
    } else if let Some((user, host)) = dialled_text.rsplit_once('@') {
        format!("sip:{}@{host}", encoded_user(user))
    } else {
        format!("sip:{}@{domain}", encoded_user(dialled_text))
    };
    let fits = !uri.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'));
    (fits && parse_uri(&uri).is_ok())
        .then_some(uri)
        .ok_or_else(bad)
}
