//! The SIP user agent without sockets and without a clock.
//!
//! [`Core::handle`] takes what happened and when, [`Core::poll_output`] gives what to do, and
//! [`Core::poll_timeout`] says when [`Core::handle_timeout`] wants to run.

mod account;
mod address;
mod back_off;
mod call;
mod digest;
mod flow;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod in_dialog;
mod invitation;
mod invite_client;
mod invite_server;
mod long;
#[cfg(feature = "measuring")]
pub(crate) mod measuring;
mod message;
mod redact;
mod refer;
mod referred;
mod server_role;
mod session_timer;
mod subscription;
mod transaction;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use self::account::Registration;
pub(crate) use self::account::server_name;
use self::address::param;
use self::call::Call;
use self::digest::ServerDigest;
pub(crate) use self::flow::{Flow, TransportKind, UdpBind};
use self::long::Beside;
use self::message::{BadMessage, Message, Start};
pub(crate) use self::redact::{redacted, summary};
use self::subscription::Subscription;
use self::transaction::{Answer, Arrival, Expiry, Owner, Transactions, TxKey};
use crate::api::{
    Account, Authenticator, DialogEnd, DialogId, Event, FlowId, Load, RegistrationState,
    ServerAddress, SubscriptionId,
};

/// Flows that the core opens are numbered from here, accepted ones from 1.
const FIRST_OUTGOING: u64 = 1 << 32;
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, REFER";

/// Methods that exist but are nothing for a phone: they are refused with 405, unknown ones with 501.
const KNOWN: [&str; 4] = ["REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE"];

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// One whole message.
    Received(FlowId, Vec<u8>),
    /// A connection is up, ours or accepted.
    FlowUp(FlowId, Flow),
    /// A connection is gone or could not be made.
    FlowDown(FlowId, Fault),
    /// The account changed; `None` unregisters.
    Account(Option<Box<Account>>),
    /// The network changed or the machine woke up.
    NetworkChanged,
}

/// What to do.
// Outputs are handed over one at a time and kept nowhere.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum Output {
    Send(FlowId, Vec<u8>),
    /// The number counts the failures since the server was last reached.
    Connect(FlowId, ServerAddress, usize),
    Close(FlowId),
    Event(Event),
}

/// Why a connection failed, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) words: String,
}

/// What a failed connection says about the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// No way to the server: asking again costs nobody anything, and it may be back any moment.
    Path,
    /// The server was reached and is in trouble: it is spared.
    Server,
    /// The certificate is the reason: trying again soon will not help.
    Certificate,
}

impl Fault {
    pub(crate) fn network(words: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Path,
            words: words.into(),
        }
    }

    pub(crate) fn server(words: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Server,
            words: words.into(),
        }
    }
}

/// The state of a SIP element.
pub(crate) struct Core {
    user_agent: String,
    authenticator: Option<Arc<dyn Authenticator>>,
    rng: StdRng,
    tx: Transactions,
    flows: HashMap<FlowId, Flow>,
    /// TCP beside datagrams, by the flow of the datagrams.
    beside: HashMap<FlowId, Beside>,
    registration: Option<Registration>,
    /// Flows of former accounts, closed at their time at the latest.
    leaving: Vec<(FlowId, Instant)>,
    calls: BTreeMap<DialogId, Call>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    next_subscription: u64,
    server_digest: ServerDigest,
    outputs: VecDeque<Output>,
    next_dialog: u64,
    next_flow: u64,
    instance: String,
    /// Asked for in calls that we place.
    session_interval_s: u32,
    /// REFER and Replaces of the far end are taken up.
    transfers: bool,
}

impl Core {
    pub(crate) fn new(
        user_agent: String,
        authenticator: Option<Arc<dyn Authenticator>>,
        seed: u64,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let instance = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        Self {
            user_agent,
            authenticator,
            rng,
            tx: Transactions::default(),
            flows: HashMap::new(),
            beside: HashMap::new(),
            registration: None,
            leaving: Vec::new(),
            calls: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            next_subscription: 1,
            server_digest: ServerDigest::default(),
            outputs: VecDeque::new(),
            next_dialog: 1,
            next_flow: FIRST_OUTGOING,
            instance: instance.to_string(),
            session_interval_s: session_timer::WANTED,
            transfers: false,
        }
    }

    /// Keeps the identity of this installation (RFC 5626 §4.1); anything but a UUID is passed over.
    pub(crate) fn set_instance(&mut self, instance: &str) {
        if let Ok(instance) = uuid::Uuid::try_parse(instance) {
            self.instance = instance.to_string();
        }
    }

    /// Asks for this session interval in calls that we place, seconds; at least what RFC 4028 §5 allows.
    pub(crate) fn set_session_interval(&mut self, seconds: u32) {
        self.session_interval_s = seconds.max(session_timer::LEAST);
    }

    /// Extensions of calls that we understand.
    fn supported(&self) -> &'static str {
        // Who passes calls on has nobody who could be asked to answer.
        match (self.transfers, self.authenticator.is_some()) {
            (true, true) => "100rel, timer, norefersub, replaces",
            (false, true) => "100rel, timer, norefersub",
            (true, false) => "100rel, timer, norefersub, replaces, answermode, privanswermode",
            (false, false) => "100rel, timer, norefersub, answermode, privanswermode",
        }
    }

    pub(crate) fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Received(flow, bytes) => self.received(now, flow, &bytes),
            Input::FlowUp(id, flow) => self.flow_up(now, id, flow),
            Input::FlowDown(flow, fault) => self.flow_down(now, flow, &fault),
            Input::Account(account) => self.set_account(now, account.map(|a| *a)),
            Input::NetworkChanged => self.network_changed(now),
        }
        self.flush();
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.flush();
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let registration = self.registration.as_ref().and_then(Registration::timeout);
        let calls = self.calls.values().filter_map(Call::timeout).min();
        let leaving = self.leaving.iter().map(|(_, at)| *at).min();
        let subscriptions = self.next_subscription_timeout();
        [
            self.tx.next_timeout(),
            registration,
            calls,
            leaving,
            subscriptions,
            self.beside_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for expiry in self.tx.timeout(now) {
            self.expired(now, expiry, false);
        }
        self.registration_timeout(now);
        self.call_timeouts(now);
        self.subscription_timeouts(now);
        self.beside_timeouts(now);
        let due: Vec<FlowId> = self
            .leaving
            .iter()
            .filter(|(_, at)| *at <= now)
            .map(|(flow, _)| *flow)
            .collect();
        for flow in due {
            self.close_flow(flow);
        }
        self.flush();
    }

    /// Nothing is on its way any more: no unanswered request, no call.
    pub(crate) fn idle(&self) -> bool {
        !self.tx.busy() && self.calls.values().all(|call| call.ended)
    }

    pub(crate) fn load(&self) -> Load {
        Load {
            dialogs: self.calls.len(),
            transactions: self.tx.len(),
        }
    }

    /// Ends everything; what must be said is said once more.
    pub(crate) fn shut_down(&mut self, now: Instant) {
        let open: Vec<DialogId> = self.calls.keys().copied().collect();
        for dialog in open {
            // A call that is over meanwhile needs nothing.
            let _ = self.hang_up(now, dialog, None);
        }
        self.set_account(now, None);
        self.flush();
    }

    /// Which UDP port the account asks for.
    pub(crate) fn udp_bind(&self) -> UdpBind {
        self.registration
            .as_ref()
            .map_or_else(UdpBind::default, |registration| UdpBind {
                address: None,
                port: registration.account.local_port,
                fixed: !registration.account.register,
            })
    }

    pub(crate) fn account_flow(&self) -> Option<&Flow> {
        self.registration
            .as_ref()
            .and_then(Registration::flow)
            .and_then(|flow| self.flows.get(&flow))
    }

    fn flush(&mut self) {
        for (now, key) in self.tx.take_long() {
            self.send_long(now, key);
        }
        for (flow, bytes) in self.tx.take_sends() {
            self.outputs.push_back(Output::Send(flow, bytes));
        }
    }

    fn event(&mut self, event: Event) {
        // What was sent before the event must leave before it.
        self.flush();
        self.outputs.push_back(Output::Event(event));
    }

    fn close_flow(&mut self, flow: FlowId) {
        self.flush();
        self.leaving.retain(|(leaving, _)| *leaving != flow);
        self.flows.remove(&flow);
        self.leave_beside(flow);
        self.outputs.push_back(Output::Close(flow));
    }

    fn flow_up(&mut self, now: Instant, id: FlowId, mut flow: Flow) {
        if let Some(registration) = self.registration.as_ref().filter(|_| flow.outgoing) {
            flow.rport = registration.account.rport;
        }
        self.flows.insert(id, flow);
        if id.0 >= FIRST_OUTGOING && !self.beside_up(id) {
            self.account_flow_up(now, id);
        }
    }

    fn flow_down(&mut self, now: Instant, flow: FlowId, fault: &Fault) {
        let known = self.flows.remove(&flow).is_some();
        self.leave_beside(flow);
        let beside = self.beside_down(now, flow);
        self.leaving.retain(|(leaving, _)| *leaving != flow);
        self.calls_lose_flow(now, flow);
        for expiry in self.tx.flow_lost(flow) {
            self.expired(now, expiry, true);
        }
        if flow.0 >= FIRST_OUTGOING {
            if !beside {
                self.account_flow_down(now, flow, fault);
            }
        } else if known {
            self.event(Event::FlowClosed(flow));
        }
    }

    fn received(&mut self, now: Instant, flow: FlowId, bytes: &[u8]) {
        if !self.flows.contains_key(&flow) {
            return;
        }
        match Message::parse(bytes) {
            Ok(message) if message.status() == 0 => self.request(now, flow, message),
            Ok(message) => self.response(now, flow, &message),
            Err(BadMessage::Noise) => {
                tracing::debug!(flow = flow.0, bytes = bytes.len(), "not a SIP message");
            }
            Err(BadMessage::Request(request, status, fault)) => {
                tracing::debug!(flow = flow.0, status, fault, "bad request");
                if request.method() != "ACK" && request.get("Via").is_some() {
                    let words = match status {
                        400 => format!("Bad Request: {fault}"),
                        _ => fault.to_owned(),
                    };
                    let reply = request.reply(status).with_reason(&words);
                    self.tx.send_raw(flow, reply.to_bytes());
                }
            }
        }
    }

    fn request(&mut self, now: Instant, flow: FlowId, mut request: Message) {
        let Some(at) = self.flows.get(&flow) else {
            return;
        };
        let reliable = at.kind.reliable();
        note_source(&mut request, at);
        let key = match self.tx.request_arrived(now, flow, reliable, &request) {
            Arrival::Absorbed => return,
            Arrival::New(key) => key,
            Arrival::Merged(key) => {
                self.refuse(now, &key, &request, 482);
                return;
            }
        };
        let flow = self.lasting_flow(flow);
        match (request.method(), request.to_tag().is_some()) {
            ("ACK", _) => self.acked(now, &request),
            ("CANCEL", _) => self.cancelled(now, &key, &request),
            ("NOTIFY", _) if !self.in_call(&request) => {
                let trusted = self.flows.get(&flow).is_some_and(|flow| flow.outgoing);
                self.notified(now, trusted, &key, &request);
            }
            ("REGISTER", _) => self.registered(now, flow, &key, &request),
            (_, true) => self.in_dialog(now, flow, &key, request),
            ("INVITE", false) => self.invited(now, flow, &key, request),
            ("OPTIONS", false) if self.refused_extensions(now, &key, &request) => {}
            ("OPTIONS", false) => {
                let reply = request
                    .reply(200)
                    .with("Allow", ALLOW)
                    .with("Supported", self.supported())
                    .with("Accept", "application/sdp");
                self.reply(now, &key, reply);
            }
            ("BYE" | "UPDATE" | "PRACK" | "INFO", false) => self.refuse(now, &key, &request, 481),
            // Transfers on request of the far end are not taken up.
            ("REFER", false) => self.refuse(now, &key, &request, 603),
            (method, false) if KNOWN.contains(&method) => self.refuse(now, &key, &request, 405),
            _ => self.refuse(now, &key, &request, 501),
        }
    }

    fn response(&mut self, now: Instant, flow: FlowId, response: &Message) {
        let Some(answer) = self.tx.response(now, response) else {
            if (200..300).contains(&response.status()) {
                self.stray_success(flow, response);
            }
            return;
        };
        let status = response.status();
        match answer.owner {
            Owner::Register => self.register_answered(now, &answer, response),
            Owner::Unregister(flow) if status >= 200 => {
                self.unregister_answered(now, flow, &answer, response);
            }
            Owner::Invite(dialog) => self.invite_answered(now, dialog, answer, response),
            Owner::Reinvite(dialog) => self.reinvite_answered(now, dialog, &answer, response),
            Owner::Update(dialog) => self.update_answered(now, dialog, &answer, response),
            Owner::Bye(dialog) => self.bye_answered(now, dialog, &answer, response),
            Owner::Refer(dialog) => self.refer_answered(now, dialog, &answer, response),
            Owner::Subscribe(id) => self.subscribe_answered(now, id, &answer, response),
            Owner::Prack(_) | Owner::Info(_) | Owner::Notify(_) if status >= 200 => {
                self.notify_answered(now, &answer, response);
            }
            _ => {}
        }
    }

    fn expired(&mut self, now: Instant, expiry: Expiry, flow_lost: bool) {
        let answer = match expiry {
            Expiry::Client(answer) => answer,
            Expiry::Unconfirmed(dialog) => {
                self.unconfirmed(now, dialog);
                return;
            }
        };
        match answer.owner {
            Owner::Register if !flow_lost => self.register_expired(now, &answer),
            Owner::Unregister(flow) => self.close_flow(flow),
            Owner::Invite(dialog) => self.invite_expired(now, dialog, flow_lost),
            Owner::Reinvite(dialog) | Owner::Update(dialog) => {
                self.reoffer_expired(now, dialog, &answer, flow_lost);
            }
            Owner::Bye(dialog) => self.forget(dialog),
            Owner::Refer(dialog) => self.refer_expired(now, dialog, flow_lost),
            Owner::Subscribe(id) => self.subscribe_expired(now, id, &answer),
            _ => {}
        }
    }

    /// Sends a request again with the credentials that its 401 or 407 asked for. `None`: it is no use.
    fn send_authorized(
        &mut self,
        now: Instant,
        answer: &Answer,
        response: &Message,
    ) -> Option<TxKey> {
        let registration = self.registration.as_mut()?;
        // A second challenge means that the secret is wrong, unless only the nonce was too old.
        if answer.attempt >= 3 || (answer.attempt >= 1 && !digest::ClientDigest::is_stale(response))
        {
            return None;
        }
        if !registration.digest.learn(response) {
            return None;
        }
        let flow = self.flows.get(&answer.flow)?;
        let mut request = answer.request.clone();
        let method = request.method().to_owned();
        let seq = match answer.owner.dialog().and_then(|d| self.calls.get_mut(&d)) {
            // Other requests of the dialog may have been sent meanwhile.
            Some(call) => {
                call.local_seq += 1;
                call.local_seq
            }
            None => request.seq() + 1,
        };
        request.set("CSeq", format!("{seq} {method}"));
        let branch = branch(&mut self.rng);
        request.set_first("Via", &flow.via(&branch));
        registration
            .digest
            .authorize(&mut request, &registration.account.credentials);
        let reliable = flow.kind.reliable();
        Some(self.tx.send(
            now,
            answer.flow,
            reliable,
            request,
            answer.owner,
            answer.attempt + 1,
        ))
    }

    fn reply(&mut self, now: Instant, key: &TxKey, mut response: Message) {
        if response.status() > 100 && response.to_tag().is_none() {
            let tag = token(&mut self.rng);
            response = response.with_tag(&tag);
        }
        if !self.user_agent.is_empty() && response.get("Server").is_none() {
            response.push("Server", self.user_agent.clone());
        }
        self.tx.respond(now, key, &response);
    }

    fn refuse(&mut self, now: Instant, key: &TxKey, request: &Message, status: u16) {
        let mut reply = request.reply(status);
        if status == 405 {
            reply.push("Allow", ALLOW);
        }
        if status == 489 {
            reply.push("Allow-Events", "message-summary");
        }
        self.reply(now, key, reply);
    }

    /// Marks the end of a call, once.
    fn end(&mut self, dialog: DialogId, end: DialogEnd) {
        if let Some(call) = self.calls.get_mut(&dialog)
            && !call.ended
        {
            call.ended = true;
            self.event(Event::Ended { dialog, end });
        }
    }

    fn forget(&mut self, dialog: DialogId) {
        self.calls.remove(&dialog);
    }

    fn find_call(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> Option<DialogId> {
        self.calls
            .iter()
            .find(|(_, call)| call.matches(call_id, local_tag, remote_tag))
            .map(|(id, _)| *id)
    }

    /// Whether a request belongs to a call.
    fn in_call(&self, request: &Message) -> bool {
        let remote = request.sender_tag().unwrap_or_default();
        request
            .to_tag()
            .is_some_and(|local| self.find_call(request.call_id(), local, remote).is_some())
    }

    fn registration_event(&mut self, state: RegistrationState) {
        self.event(Event::Registration(state));
    }
}

/// RFC 3261 §18.2.1 and RFC 3581: tells the sender how we see it.
fn note_source(request: &mut Message, flow: &Flow) {
    let Some(via) = request.get("Via").map(str::to_owned) else {
        return;
    };
    let (first, rest) = match via.split_once(',') {
        Some((first, rest)) => (first.to_owned(), format!(",{rest}")),
        None => (via, String::new()),
    };
    if param(&first, "rport").is_none() {
        return;
    }
    let kept: Vec<&str> = first
        .split(';')
        .filter(|p| {
            let name = p.split('=').next().unwrap_or_default().trim();
            !name.eq_ignore_ascii_case("rport") && !name.eq_ignore_ascii_case("received")
        })
        .collect();
    let noted = format!(
        "{};received={};rport={}{rest}",
        kept.join(";"),
        flow.remote.ip(),
        flow.remote.port()
    );
    request.set_first("Via", &noted);
}

/// A branch with the magic cookie of RFC 3261 §8.1.1.7.
fn branch(rng: &mut StdRng) -> String {
    format!("z9hG4bK{}", token(rng))
}

/// 80 random bits as a token for tags, Call-IDs and nonces.
fn token(rng: &mut StdRng) -> String {
    let bits: u128 = rng.random();
    format!("{:020x}", bits >> 48)
}

/// Start lines only, for the log.
impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request { method, uri, .. } => write!(f, "{method} {uri}"),
            Self::Response { status, reason } => write!(f, "{status} {reason}"),
        }
    }
}
