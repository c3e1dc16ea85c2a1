//! One call leg: its dialogs, its offers, and the requests that it sends (RFC 3261 §12).

use std::time::{Duration, Instant};

use super::address::{uri_of, uri_param};
use super::message::Message;
use super::refer::Refer;
use super::referred::{Referred, Report};
use super::session_timer::SessionTimer;
use super::transaction::{Owner, TxKey};
use super::{Core, branch};
use crate::api::{DialogEnd, DialogId, FlowId};

/// How long a server-role call waits for its phone to come back over another connection.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(35);

/// A call leg.
pub(crate) struct Call {
    /// It belongs to the account and follows it to a new connection.
    pub(super) account: bool,
    /// We sent the INVITE.
    pub(super) placed: bool,
    pub(super) flow: FlowId,
    /// Since when its connection is gone.
    pub(super) orphaned: Option<Instant>,
    /// The far end must learn our new address.
    pub(super) moved: bool,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    /// From of our requests, without tag.
    pub(super) local: String,
    /// To of our requests, without tag.
    pub(super) remote: String,
    /// User part of our Contact.
    pub(super) contact_user: String,
    pub(super) local_seq: u32,
    pub(super) phase: Phase,
    pub(super) leg: Leg,
    /// Early dialogs of a forked INVITE.
    pub(super) early: Vec<Leg>,
    pub(super) offer: Offer,
    pub(super) postponed: Option<Postponed>,
    /// Our 2xx that waits for its ACK.
    pub(super) unacked: Option<Unacked>,
    /// A reliable provisional response that waits for its PRACK.
    pub(super) reliable: Option<Reliable>,
    pub(super) rseq: u32,
    /// What was sent last as ACK of a 2xx, to be repeated when the 2xx is.
    pub(super) last_ack: Option<(u32, Message)>,
    pub(super) local_sdp: Option<String>,
    pub(super) remote_sdp: Option<String>,
    pub(super) session: Option<SessionTimer>,
    pub(super) far_end_takes_update: bool,
    /// Shortest session interval that the far end takes, in seconds (RFC 4028 §5).
    pub(super) least_session: u32,
    /// Where redirections have led so far, the first target included.
    pub(super) tried: Vec<String>,
    /// Where else a redirection points to, the best one last.
    pub(super) elsewhere: Vec<String>,
    /// The offer and answer of the INVITE are both known to both sides before the call is answered.
    pub(super) early_agreed: bool,
    /// The leg whose early answer was told last.
    pub(super) told_leg: String,
    /// A transfer that we asked for.
    pub(super) refer: Option<Refer>,
    /// A transfer that the far end asks for.
    pub(super) referred: Option<Box<Referred>>,
    /// Whom to tell how this call goes.
    pub(super) report: Option<Report>,
    /// The call that this one takes the place of when it is accepted.
    pub(super) replaces: Option<DialogId>,
    /// It has been let ring.
    pub(super) rang: bool,
    /// `Event::Ended` was given.
    pub(super) ended: bool,
}

/// The far side of a dialog.
#[derive(Clone, Default)]
pub(crate) struct Leg {
    pub(super) tag: String,
    pub(super) target: String,
    pub(super) routes: Vec<String>,
    pub(super) seq: Option<u32>,
    pub(super) rseq: u32,
    /// The answer that came in a provisional response of this leg.
    pub(super) answer: Option<String>,
}

pub(crate) enum Phase {
    /// Our INVITE is unanswered.
    Inviting {
        key: TxKey,
        /// Any provisional answer came, so CANCEL may be sent.
        proceeding: bool,
        /// Cancelled by us, with this Reason.
        cancel: Option<Option<String>>,
    },
    /// Their INVITE is unanswered.
    Ringing {
        key: TxKey,
        request: Box<Message>,
    },
    Up,
    /// Over for those above; the last messages are on their way.
    Closing,
}

/// The offer/answer exchange that is open in an established dialog.
pub(crate) enum Offer {
    None,
    /// Ours is on its way.
    Sent {
        sdp: String,
        refresh: bool,
    },
    /// Theirs waits for `answer_reoffer`.
    Received {
        key: TxKey,
        request: Box<Message>,
    },
}

/// Our offer collided with theirs and is repeated then (RFC 3261 §14.1).
pub(crate) struct Postponed {
    pub(super) sdp: String,
    pub(super) refresh: bool,
    pub(super) at: Instant,
}

pub(crate) struct Unacked {
    pub(super) key: TxKey,
    pub(super) seq: u32,
    /// Our 2xx carried the offer, so the ACK carries the answer.
    pub(super) late: bool,
    pub(super) initial: bool,
    /// Hung up meanwhile: BYE follows the ACK (RFC 3261 §15).
    pub(super) bye: Option<Option<String>>,
}

pub(crate) struct Reliable {
    pub(super) rseq: u32,
    pub(super) response: Message,
    pub(super) at: Instant,
    pub(super) interval: Duration,
    pub(super) ends: Instant,
    /// The final answer waits for the PRACK (RFC 3262 §3).
    pub(super) accept: Option<String>,
}

impl Leg {
    /// The far side as a response to our INVITE describes it.
    pub(super) fn of_response(response: &Message) -> Self {
        let mut routes = response.list("Record-Route");
        routes.reverse();
        Self {
            tag: response.to_tag().unwrap_or_default().to_owned(),
            target: contact_of(response).unwrap_or_default(),
            routes,
            seq: None,
            rseq: 0,
            answer: None,
        }
    }

    /// The far side as its INVITE describes it.
    pub(super) fn of_request(request: &Message) -> Self {
        Self {
            tag: request.sender_tag().unwrap_or_default().to_owned(),
            target: contact_of(request)
                .unwrap_or_else(|| uri_of(request.get("From").unwrap_or_default()).to_owned()),
            routes: request.list("Record-Route"),
            seq: Some(request.seq()),
            rseq: 0,
            answer: None,
        }
    }

    /// Target refresh (RFC 3261 §12.2).
    pub(super) fn refresh(&mut self, message: &Message) {
        if let Some(target) = contact_of(message) {
            self.target = target;
        }
    }
}

pub(super) fn contact_of(message: &Message) -> Option<String> {
    let contact = message.list("Contact").into_iter().next()?;
    Some(uri_of(&contact).to_owned()).filter(|uri| !uri.is_empty())
}

impl Call {
    pub(super) fn matches(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id
            && self.local_tag == local_tag
            && (self.leg.tag == remote_tag || self.early.iter().any(|leg| leg.tag == remote_tag))
    }

    /// The leg with this remote tag: the dialog's own, or an early one.
    pub(super) fn leg_mut(&mut self, remote_tag: &str) -> &mut Leg {
        match self.early.iter().position(|leg| leg.tag == remote_tag) {
            Some(place) if self.leg.tag != remote_tag => &mut self.early[place],
            _ => &mut self.leg,
        }
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        let offer = self.postponed.as_ref().map(|p| p.at);
        let session = self.session.as_ref().map(|s| s.at);
        let orphan = self
            .orphaned
            .filter(|_| !self.account)
            .map(|at| at + ORPHAN_PATIENCE);
        let reliable = self.reliable.as_ref().map(|r| r.at.min(r.ends));
        let alive = matches!(self.phase, Phase::Up);
        let refer = self.refer.as_ref().map(|r| r.at);
        [
            refer.filter(|_| alive),
            offer.filter(|_| alive && self.orphaned.is_none()),
            session.filter(|_| alive && self.orphaned.is_none()),
            orphan,
            reliable,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A request within the dialog, along its route set (RFC 3261 §12.2.1.1).
    pub(super) fn request(&self, leg: &Leg, method: &str, seq: u32) -> Message {
        let strict = leg
            .routes
            .first()
            .filter(|route| uri_param(uri_of(route), "lr").is_none());
        let mut request = match strict {
            Some(first) => {
                let mut request = Message::request(method, uri_of(first));
                for route in &leg.routes[1..] {
                    request.push("Route", route.clone());
                }
                request.push("Route", format!("<{}>", leg.target));
                request
            }
            None => {
                let mut request = Message::request(method, &leg.target);
                for route in &leg.routes {
                    request.push("Route", route.clone());
                }
                request
            }
        };
        request.push("Max-Forwards", "70");
        request.push("From", format!("{};tag={}", self.local, self.local_tag));
        let to = if leg.tag.is_empty() {
            self.remote.clone()
        } else {
            format!("{};tag={}", self.remote, leg.tag)
        };
        request.push("To", to);
        request.push("Call-ID", self.call_id.clone());
        request.push("CSeq", format!("{seq} {method}"));
        request
    }
}

impl Core {
    /// Sends a request in the dialog with the next sequence number.
    pub(super) fn send_in_dialog(
        &mut self,
        now: Instant,
        dialog: DialogId,
        method: &str,
        owner: Owner,
        fill: impl FnOnce(&mut Message),
    ) -> Option<TxKey> {
        let supported = self.supported();
        let call = self.calls.get_mut(&dialog)?;
        let flow = self.flows.get(&call.flow)?;
        call.local_seq += 1;
        let mut request = call.request(&call.leg, method, call.local_seq);
        request.push_front("Via", flow.via(&branch(&mut self.rng)));
        if matches!(method, "INVITE" | "UPDATE" | "REFER" | "NOTIFY") {
            request.push("Contact", flow.contact(&call.contact_user));
            request.push("Allow", super::ALLOW);
            request.push("Supported", supported);
        }
        if !self.user_agent.is_empty() {
            request.push("User-Agent", self.user_agent.clone());
        }
        fill(&mut request);
        let (reliable, flow) = (flow.kind.reliable(), call.flow);
        Some(self.tx.send(now, flow, reliable, request, owner, 0))
    }

    /// Acknowledges a 2xx to an INVITE and remembers how.
    pub(super) fn ack(&mut self, dialog: DialogId, leg: &Leg, invite: &Message) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Some(flow) = self.flows.get(&call.flow) else {
            return;
        };
        let mut ack = call.request(leg, "ACK", invite.seq());
        ack.push_front("Via", flow.via(&branch(&mut self.rng)));
        for name in ["Authorization", "Proxy-Authorization"] {
            for value in invite.all(name) {
                ack.push(name, value);
            }
        }
        let flow = call.flow;
        if call.leg.tag == leg.tag {
            call.last_ack = Some((invite.seq(), ack.clone()));
        }
        self.send_ack(flow, ack);
    }

    /// Says BYE; the call stays until that is answered.
    pub(super) fn bye(&mut self, now: Instant, dialog: DialogId, reason: Option<&str>) {
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.phase = Phase::Closing;
        }
        let sent = self.send_in_dialog(now, dialog, "BYE", Owner::Bye(dialog), |bye| {
            if let Some(reason) = reason {
                bye.push("Reason", reason);
            }
        });
        if sent.is_none() {
            self.forget(dialog);
        }
    }

    pub(super) fn calls_lose_flow(&mut self, now: Instant, flow: FlowId) {
        let mut over = Vec::new();
        for (id, call) in &mut self.calls {
            if call.flow != flow || call.orphaned.is_some() {
                continue;
            }
            match call.phase {
                Phase::Up => {
                    call.orphaned = Some(now);
                    // What was asked over the lost connection is asked anew, if still wanted.
                    if matches!(call.offer, Offer::Received { .. }) {
                        call.offer = Offer::None;
                    }
                    call.unacked = None;
                }
                Phase::Ringing { .. } => over.push(*id),
                // Ended by the expiry of its INVITE.
                Phase::Inviting { .. } => {}
                Phase::Closing => over.push(*id),
            }
        }
        for dialog in over {
            let words = "the connection to the server was lost".to_owned();
            self.end(dialog, DialogEnd::Unreachable(words));
            self.forget(dialog);
        }
    }

    /// The account is back: its calls go on over the new connection.
    pub(super) fn calls_find_flow(&mut self, now: Instant, flow: FlowId) {
        let mut moved = Vec::new();
        for (id, call) in &mut self.calls {
            if !call.account || !matches!(call.phase, Phase::Up) {
                continue;
            }
            if call.flow != flow {
                call.flow = flow;
                call.orphaned = None;
                call.moved = true;
                moved.push(*id);
            }
        }
        for dialog in moved {
            self.refresh_session(now, dialog);
        }
    }

    pub(super) fn call_timeouts(&mut self, now: Instant) {
        let due: Vec<DialogId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.timeout().is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for dialog in due {
            self.call_timeout(now, dialog);
        }
    }

    fn call_timeout(&mut self, now: Instant, dialog: DialogId) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        if let Some(orphaned) = call.orphaned
            && !call.account
            && orphaned + ORPHAN_PATIENCE <= now
        {
            let words = "its connection did not come back".to_owned();
            self.end(dialog, DialogEnd::Unreachable(words));
            self.forget(dialog);
            return;
        }
        if call
            .reliable
            .as_ref()
            .is_some_and(|r| r.at.min(r.ends) <= now)
        {
            self.repeat_reliable(now, dialog);
            return;
        }
        if matches!(call.phase, Phase::Up) && call.refer.as_ref().is_some_and(|r| r.at <= now) {
            self.refer_timeout(now, dialog);
            return;
        }
        if let Some(postponed) = call.postponed.take_if(|p| p.at <= now) {
            self.send_offer(now, dialog, postponed.sdp, postponed.refresh);
            return;
        }
        self.session_timeout(now, dialog);
    }
}
