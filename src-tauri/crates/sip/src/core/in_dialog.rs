//! Requests within an established dialog, theirs and ours: BYE, re-INVITE, UPDATE, INFO, PRACK (RFC 3261 §14, RFC 3311).

use std::time::{Duration, Instant};

use rand::Rng;

use super::Core;
use super::call::{Offer, Phase, Postponed, Unacked};
use super::message::Message;
use super::session_timer::{self, SessionTimer};
use super::transaction::{Answer, Owner, TxKey};
use crate::api::{DialogEnd, DialogId, Event, FlowId, SipError};

impl Core {
    pub(super) fn in_dialog(&mut self, now: Instant, flow: FlowId, key: &TxKey, request: Message) {
        let local = request.to_tag().unwrap_or_default();
        let remote = request.sender_tag().unwrap_or_default();
        let Some(dialog) = self.find_call(request.call_id(), local, remote) else {
            self.refuse(now, key, &request, 481);
            return;
        };
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let leg = call.leg_mut(request.sender_tag().unwrap_or_default());
        if leg.seq.is_some_and(|last| request.seq() < last) {
            // Out of order (RFC 3261 §12.2.2).
            self.refuse(now, key, &request, 500);
            return;
        }
        leg.seq = Some(request.seq());
        // The far end may have come back over another connection.
        call.flow = flow;
        call.orphaned = None;
        match request.method() {
            "BYE" => self.remote_bye(now, dialog, key, &request),
            "INVITE" | "UPDATE" => self.far_offer(now, dialog, key, request),
            "PRACK" => self.pracked(now, dialog, key, &request),
            "INFO" => {
                self.refuse(now, key, &request, 200);
                let content_type = request.get("Content-Type").unwrap_or_default().to_owned();
                self.event(Event::Info {
                    dialog,
                    content_type,
                    body: request.body,
                });
            }
            "OPTIONS" => {
                let reply = self.call_reply(dialog, &request, 200);
                self.reply(now, key, reply);
            }
            "REFER" => self.referred(now, dialog, key, request),
            "NOTIFY" if is_refer(&request) => self.refer_notified(now, dialog, key, &request),
            "NOTIFY" => self.refuse(now, key, &request, 489),
            _ => self.refuse(now, key, &request, 501),
        }
    }

    fn remote_bye(&mut self, now: Instant, dialog: DialogId, key: &TxKey, request: &Message) {
        self.refuse(now, key, request, 200);
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let open = match (&call.phase, std::mem::replace(&mut call.offer, Offer::None)) {
            (Phase::Ringing { key, request }, _) => Some((key.clone(), request.clone())),
            (_, Offer::Received { key, request }) => Some((key, request)),
            _ => None,
        };
        let mut closing = matches!(call.phase, Phase::Closing);
        if let Some(unacked) = call.unacked.take() {
            // Its ACK will not come any more, and a BYE of ours that waited for it need not go.
            self.tx.confirmed(now, &unacked.key);
            closing &= unacked.bye.is_none();
        }
        if let Some((key, request)) = open {
            self.refuse(now, &key, &request, 487);
        }
        self.end(dialog, DialogEnd::RemoteBye);
        // Where our own BYE is on its way, its answer removes the call.
        if !closing {
            self.forget(dialog);
        }
    }

    fn far_offer(&mut self, now: Instant, dialog: DialogId, key: &TxKey, request: Message) {
        let invite = request.method() == "INVITE";
        if self.refused_extensions(now, key, &request) {
            return;
        }
        if let Some(least) = session_timer::too_small(&request) {
            let reply = request.reply(422).with("Min-SE", least.to_string());
            self.reply(now, key, reply);
            return;
        }
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let offers = invite || request.sdp().is_some();
        match (&call.phase, &call.offer) {
            (Phase::Closing, _) => {
                self.refuse(now, key, &request, 481);
                return;
            }
            (_, Offer::Sent { .. }) if offers => {
                self.refuse(now, key, &request, 491);
                return;
            }
            (_, Offer::Received { .. }) if offers => {
                let reply = request.reply(500).with("Retry-After", "3");
                self.reply(now, key, reply);
                return;
            }
            // Before the answer only UPDATE may offer, and only once the first offer is answered (RFC 3311 §5.1).
            (Phase::Inviting { .. } | Phase::Ringing { .. }, _) if invite => {
                self.refuse(now, key, &request, 491);
                return;
            }
            (Phase::Inviting { .. }, _) if offers && !call.early_agreed => {
                self.refuse(now, key, &request, 491);
                return;
            }
            (Phase::Ringing { .. }, _) if offers && !call.early_agreed => {
                let reply = request.reply(500).with("Retry-After", "3");
                self.reply(now, key, reply);
                return;
            }
            _ => {}
        }
        if invite && call.unacked.is_some() {
            // Its ACK was lost or is behind it; the new request proves that our 200 arrived.
            let ack = call.unacked.take();
            if let Some(ack) = ack {
                self.tx.confirmed(now, &ack.key);
                if ack.initial {
                    self.event(Event::Confirmed { dialog });
                }
            }
        }
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        call.leg_mut(request.sender_tag().unwrap_or_default())
            .refresh(&request);
        if request.get("Allow").is_some() {
            call.far_end_takes_update = request.has_token("Allow", "UPDATE");
        }
        if !offers {
            // UPDATE without SDP: a session refresh.
            let mut reply = self.call_reply(dialog, &request, 200);
            self.agree_session(now, dialog, &request, &mut reply);
            self.reply(now, key, reply);
            return;
        }
        let sdp = request.sdp();
        let unchanged = sdp.is_some() && sdp == call.remote_sdp;
        let answer = call.local_sdp.clone().filter(|_| unchanged);
        if sdp.is_some() {
            call.remote_sdp.clone_from(&sdp);
        }
        call.offer = Offer::Received {
            key: key.clone(),
            request: Box::new(request.clone()),
        };
        if call.postponed.take_if(|p| !p.refresh).is_some() {
            // It was made for the session as it was before this offer.
            self.event(Event::ReofferOvertaken { dialog });
        }
        if invite {
            self.tx.set_dialog(key, dialog);
            self.tx.respond(now, key, &request.reply(100));
        }
        if answer.is_some() {
            // The very same offer again is a session refresh: nothing to decide. It cannot fail, as it is open.
            let _ = self.answer_reoffer(now, dialog, answer);
        } else {
            self.event(Event::Reoffer { dialog, sdp });
        }
    }

    fn agree_session(
        &mut self,
        now: Instant,
        dialog: DialogId,
        request: &Message,
        reply: &mut Message,
    ) {
        let session = SessionTimer::of_request(now, request, reply);
        if let Some(call) = self.calls.get_mut(&dialog)
            && (session.is_some() || call.session.as_ref().is_some_and(|s| !s.we_refresh))
        {
            call.session = session;
        }
    }

    pub(crate) fn answer_reoffer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        sdp: Option<String>,
    ) -> Result<(), SipError> {
        let call = self
            .calls
            .get_mut(&dialog)
            .filter(|call| !call.ended)
            .ok_or(SipError::NoSuchDialog)?;
        let (key, request) = match std::mem::replace(&mut call.offer, Offer::None) {
            Offer::Received { key, request } => (key, request),
            other => {
                call.offer = other;
                return Err(SipError::WrongState("no offer is open"));
            }
        };
        let Some(sdp) = sdp else {
            self.refuse(now, &key, &request, 488);
            return Ok(());
        };
        call.local_sdp = Some(sdp.clone());
        if request.method() == "INVITE" {
            call.unacked = Some(Unacked {
                key: key.clone(),
                seq: request.seq(),
                late: request.sdp().is_none(),
                initial: false,
                bye: None,
            });
        }
        let mut reply = self.call_reply(dialog, &request, 200).with_sdp(&sdp);
        self.agree_session(now, dialog, &request, &mut reply);
        self.reply(now, &key, reply);
        Ok(())
    }

    fn pracked(&mut self, now: Instant, dialog: DialogId, key: &TxKey, request: &Message) {
        let acknowledged = request.number("RAck");
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Some(reliable) = call.reliable.take_if(|r| acknowledged == Some(r.rseq)) else {
            self.refuse(now, key, request, 481);
            return;
        };
        let offered =
            matches!(&call.phase, Phase::Ringing { request, .. } if request.sdp().is_some());
        call.early_agreed |= offered && reliable.response.sdp().is_some();
        self.refuse(now, key, request, 200);
        if let Some(sdp) = reliable.accept {
            // The caller may have hung up meanwhile; then there is nothing to accept.
            let _ = self.accept(now, dialog, sdp);
        }
    }

    pub(crate) fn reoffer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        sdp: String,
    ) -> Result<(), SipError> {
        let call = self
            .calls
            .get(&dialog)
            .filter(|call| !call.ended)
            .ok_or(SipError::NoSuchDialog)?;
        if !matches!(call.phase, Phase::Up) {
            return Err(SipError::WrongState("the call is not answered"));
        }
        if call.orphaned.is_some() {
            return Err(SipError::WrongState("the connection is lost"));
        }
        if !matches!(call.offer, Offer::None)
            || call.postponed.as_ref().is_some_and(|p| !p.refresh)
            || call.unacked.is_some()
        {
            return Err(SipError::WrongState("another offer is open"));
        }
        self.send_offer(now, dialog, sdp, false);
        Ok(())
    }

    pub(super) fn send_offer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        sdp: String,
        refresh: bool,
    ) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let busy = !matches!(call.offer, Offer::None) || call.unacked.is_some();
        if busy || call.orphaned.is_some() {
            let at = now + Duration::from_secs(1);
            call.postponed = Some(Postponed { sdp, refresh, at });
            return;
        }
        let header = call.session.as_ref().map(SessionTimer::header);
        let body = sdp.clone();
        call.offer = Offer::Sent { sdp, refresh };
        let sent = self.send_in_dialog(now, dialog, "INVITE", Owner::Reinvite(dialog), |invite| {
            if let Some(header) = header {
                invite.push("Session-Expires", header);
            }
            *invite = std::mem::replace(invite, Message::request("", "")).with_sdp(&body);
        });
        if sent.is_none() {
            if let Some(call) = self.calls.get_mut(&dialog) {
                call.offer = Offer::None;
            }
            if !refresh {
                self.event(Event::ReofferRefused {
                    dialog,
                    status: 503,
                });
            }
        }
    }

    pub(super) fn reinvite_answered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        response: &Message,
    ) {
        let status = response.status();
        if status < 200 {
            return;
        }
        let success = (200..300).contains(&status);
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        if success {
            call.leg.refresh(response);
            let leg = call.leg.clone();
            self.ack(dialog, &leg, &answer.request);
        }
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let (sdp, refresh) = match std::mem::replace(&mut call.offer, Offer::None) {
            Offer::Sent { sdp, refresh } => (sdp, refresh),
            other => {
                // A repeated 2xx: the ACK was what it wanted.
                call.offer = other;
                return;
            }
        };
        if success {
            call.session = SessionTimer::of_response(now, response).or(call.session.take());
            if let Some(session) = &mut call.session {
                session.refreshed(now);
            }
            call.local_sdp = Some(sdp);
            call.moved = false;
            let answered = response.sdp();
            let changed = answered != call.remote_sdp;
            if answered.is_some() {
                call.remote_sdp.clone_from(&answered);
            }
            match answered {
                Some(sdp) if !refresh || changed => {
                    self.event(Event::ReofferAnswered { dialog, sdp });
                }
                None if !refresh => self.event(Event::ReofferRefused {
                    dialog,
                    status: 488,
                }),
                _ => {}
            }
            return;
        }
        match status {
            401 | 407 => {
                if self.send_authorized(now, answer, response).is_some() {
                    if let Some(call) = self.calls.get_mut(&dialog) {
                        call.offer = Offer::Sent { sdp, refresh };
                    }
                } else if !refresh {
                    self.event(Event::ReofferRefused { dialog, status });
                }
            }
            491 => {
                // The owner of the Call-ID waits longer (RFC 3261 §14.1).
                let placed = self.calls.get(&dialog).is_some_and(|call| call.placed);
                let wait = if placed {
                    self.rng.random_range(2100..=4000)
                } else {
                    self.rng.random_range(10..=2000)
                };
                let at = now + Duration::from_millis(wait);
                if let Some(call) = self.calls.get_mut(&dialog) {
                    call.postponed = Some(Postponed { sdp, refresh, at });
                }
            }
            422 if self.wants_longer_session(dialog, response) => {
                self.send_offer(now, dialog, sdp, refresh);
            }
            408 | 481 => self.dialog_lost(now, dialog, status),
            _ if !refresh => self.event(Event::ReofferRefused { dialog, status }),
            _ => {}
        }
    }

    pub(super) fn update_answered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        response: &Message,
    ) {
        let status = response.status();
        if status == 422 && self.wants_longer_session(dialog, response) {
            self.refresh_session(now, dialog);
            return;
        }
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        match status {
            ..=199 => {}
            200..=299 => {
                call.leg.refresh(response);
                call.moved = false;
                call.session = SessionTimer::of_response(now, response).or(call.session.take());
                if let Some(session) = &mut call.session {
                    session.refreshed(now);
                }
            }
            401 | 407 => {
                // Refused again, the session goes on unrefreshed until its timer says more.
                let _ = self.send_authorized(now, answer, response);
            }
            405 | 501 => {
                call.far_end_takes_update = false;
                self.refresh_session(now, dialog);
            }
            408 | 481 => self.dialog_lost(now, dialog, status),
            _ => {}
        }
    }

    /// A re-INVITE or UPDATE found no answer.
    pub(super) fn reoffer_expired(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        flow_lost: bool,
    ) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        if !flow_lost {
            self.dialog_lost(now, dialog, 408);
            return;
        }
        // The call goes on; whoever asked may ask again over the next connection.
        if let Owner::Reinvite(_) = answer.owner
            && let Offer::Sent { refresh, .. } = std::mem::replace(&mut call.offer, Offer::None)
            && !refresh
        {
            self.event(Event::ReofferRefused {
                dialog,
                status: 503,
            });
        }
    }

    /// The far end knows the dialog no more (481) or is silent (408).
    pub(super) fn dialog_lost(&mut self, now: Instant, dialog: DialogId, status: u16) {
        let words = if status == 481 {
            "the far end knows nothing of this call any more"
        } else {
            "the far end does not answer any more"
        };
        self.end(dialog, DialogEnd::Unreachable(words.to_owned()));
        if status == 481 {
            self.forget(dialog);
        } else {
            self.bye(now, dialog, None);
        }
    }

    pub(super) fn bye_answered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        response: &Message,
    ) {
        let status = response.status();
        if status < 200 {
            return;
        }
        let again =
            matches!(status, 401 | 407) && self.send_authorized(now, answer, response).is_some();
        if !again {
            self.forget(dialog);
        }
    }

    pub(crate) fn info(
        &mut self,
        now: Instant,
        dialog: DialogId,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), SipError> {
        let call = self
            .calls
            .get(&dialog)
            .filter(|call| !call.ended)
            .ok_or(SipError::NoSuchDialog)?;
        if !matches!(call.phase, Phase::Up) {
            return Err(SipError::WrongState("the call is not answered"));
        }
        self.send_in_dialog(now, dialog, "INFO", Owner::Info(dialog), |info| {
            info.push("Content-Type", content_type);
            info.body = body;
        });
        Ok(())
    }

    pub(crate) fn hang_up(
        &mut self,
        now: Instant,
        dialog: DialogId,
        reason: Option<String>,
    ) -> Result<(), SipError> {
        let call = self
            .calls
            .get_mut(&dialog)
            .filter(|call| !call.ended)
            .ok_or(SipError::NoSuchDialog)?;
        match &call.phase {
            Phase::Inviting { .. } => self.cancel(now, dialog, reason),
            Phase::Ringing { .. } => self.reject(now, dialog, 480, reason.as_deref())?,
            Phase::Up => {
                let open = match std::mem::replace(&mut call.offer, Offer::None) {
                    Offer::Received { key, request } => Some((key, request)),
                    _ => None,
                };
                if let Some(unacked) = &mut call.unacked {
                    unacked.bye = Some(reason);
                    call.phase = Phase::Closing;
                    self.end(dialog, DialogEnd::Local);
                    return Ok(());
                }
                let lost = call.orphaned.is_some();
                if let Some((key, request)) = open {
                    self.refuse(now, &key, &request, 487);
                }
                self.end(dialog, DialogEnd::Local);
                if lost {
                    self.forget(dialog);
                } else {
                    self.bye(now, dialog, reason.as_deref());
                }
            }
            Phase::Closing => {}
        }
        Ok(())
    }
}

/// NOTIFY of a transfer, also with an `id` (RFC 3515 §2.4.6).
fn is_refer(notify: &Message) -> bool {
    let event = notify.get("Event").unwrap_or_default();
    let package = event.split(';').next().unwrap_or_default().trim();
    package.eq_ignore_ascii_case("refer")
}
