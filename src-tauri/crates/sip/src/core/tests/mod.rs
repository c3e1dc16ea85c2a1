//! Tests of the core in virtual time.

mod auth;
mod calls;
mod garbage;
mod long;
mod loss;
mod offers;
mod registration;
mod rfc4475;
mod rfc4475_valid;
mod rfc5118;
mod soak;
mod solo;
mod subscriptions;
mod timers;
mod transactions;
mod transfers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sidetone_profile::Secret;

use super::{Core, Fault, Flow, Input, Message, Output, TransportKind};
use crate::api::{Account, Authenticator, Event, FlowId, ServerAddress};

/// One way through the simulated network.
const DELAY: Duration = Duration::from_millis(10);
/// The server's flow to the phone.
const TO_PHONE: FlowId = FlowId(1);
/// The server's end of the TCP connection beside the phone's datagrams.
const BESIDE: FlowId = FlowId(2);
/// The flow between the server and the colleague, at both of its ends.
const WITHIN: FlowId = FlowId(3);
/// Whoever is called by this number is the colleague.
const COLLEAGUE: &str = "sip:700@";

struct Users;

impl Authenticator for Users {
    fn realm(&self) -> String {
        "sandbox".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("right"))
    }

    fn algorithms(&self) -> &[&'static str] {
        &["SHA-256", "MD5"]
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn account(secret: &str) -> Account {
    let server = ServerAddress::Udp("192.0.2.1".to_owned(), 5060);
    Account::new("1001", "sandbox.invalid", Secret::new(secret), server)
}

fn flow(kind: TransportKind, outgoing: bool) -> Flow {
    let (phone, server) = (address("192.0.2.2:40000"), address("192.0.2.1:5060"));
    Flow {
        kind,
        local: if outgoing { phone } else { server },
        remote: if outgoing { server } else { phone },
        outgoing,
        invalid_host: None,
        gruu: None,
        rport: true,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Phone,
    Server,
    /// Another phone, whom the phone can call beside the server.
    Colleague,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Line,
    /// Over the connection beside the phone's datagrams.
    Beside,
    /// Between the server and the colleague.
    Within,
}

/// What the server makes of TCP beside datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tcp {
    Taken,
    Refused,
    Silent,
}

/// A phone and a server joined by a network that the test controls.
struct Sim {
    now: Instant,
    phone: Core,
    server: Core,
    colleague: Core,
    /// Call-IDs of the phone's calls to the colleague.
    to_colleague: Vec<String>,
    kind: TransportKind,
    line: Option<FlowId>,
    up: bool,
    tcp: Tcp,
    /// How often TCP was asked for.
    asked: usize,
    /// The phone's end of the connection beside its datagrams.
    beside: Option<FlowId>,
    /// What went over that.
    streamed: Vec<(Side, String)>,
    /// Messages on their way, by arrival.
    way: BTreeMap<(Instant, u64), (Side, Path, Vec<u8>)>,
    count: u64,
    /// Messages that are lost, by the number of their sending.
    lost: Vec<u64>,
    /// Share of the messages that is lost by chance.
    loss: f64,
    chance: StdRng,
    log: Vec<(Side, String)>,
    events: Vec<(Side, Event)>,
}

impl Sim {
    fn new(kind: TransportKind) -> Self {
        Self {
            now: Instant::now(),
            phone: Core::new("phone".to_owned(), None, 1),
            server: Core::new("server".to_owned(), Some(Arc::new(Users)), 2),
            colleague: Core::new("colleague".to_owned(), Some(Arc::new(Users)), 3),
            to_colleague: Vec::new(),
            kind,
            line: None,
            up: true,
            tcp: Tcp::Taken,
            asked: 0,
            beside: None,
            streamed: Vec::new(),
            way: BTreeMap::new(),
            count: 0,
            lost: Vec::new(),
            loss: 0.0,
            chance: StdRng::seed_from_u64(5),
            log: Vec::new(),
            events: Vec::new(),
        }
    }

    fn registered(kind: TransportKind) -> Self {
        let mut sim = Self::new(kind);
        sim.set_account("right");
        sim.run(Duration::from_secs(1), |_, _, _| {});
        sim.events.clear();
        sim.log.clear();
        sim
    }

    /// Lets phone and server reach the colleague, who trusts both.
    fn with_colleague(&mut self) {
        let line = || flow(TransportKind::Udp, true);
        self.server.handle(self.now, Input::FlowUp(WITHIN, line()));
        for id in [TO_PHONE, WITHIN] {
            self.colleague.handle(self.now, Input::FlowUp(id, line()));
        }
    }

    fn set_account(&mut self, secret: &str) {
        let account = Input::Account(Some(Box::new(account(secret))));
        self.phone.handle(self.now, account);
    }

    fn core(&mut self, side: Side) -> &mut Core {
        match side {
            Side::Phone => &mut self.phone,
            Side::Server => &mut self.server,
            Side::Colleague => &mut self.colleague,
        }
    }

    /// Lets time pass; `react` sees each event when it happens.
    fn run(&mut self, time: Duration, mut react: impl FnMut(&mut Self, Side, &Event)) {
        let end = self.now + time;
        loop {
            self.drain(&mut react);
            let arrival = self.way.keys().next().map(|(at, _)| *at);
            let timers = [
                self.phone.poll_timeout(),
                self.server.poll_timeout(),
                self.colleague.poll_timeout(),
            ];
            let next = timers.into_iter().flatten().chain(arrival).min();
            let Some(next) = next.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            let now = self.now;
            if let Some(key) = self.way.keys().next().copied().filter(|(at, _)| *at <= now) {
                let (to, path, bytes) = self.way.remove(&key).expect("just seen");
                let flow = match (to, path) {
                    (_, Path::Within) => Some(WITHIN),
                    (Side::Phone, Path::Line) => self.line,
                    (Side::Phone, Path::Beside) => self.beside,
                    (Side::Server | Side::Colleague, Path::Line) => Some(TO_PHONE),
                    (Side::Server | Side::Colleague, Path::Beside) => Some(BESIDE),
                };
                if let Some(flow) = flow.filter(|_| self.up) {
                    self.core(to).handle(now, Input::Received(flow, bytes));
                }
            }
            self.phone.handle_timeout(now);
            self.server.handle_timeout(now);
            self.colleague.handle_timeout(now);
        }
    }

    fn drain(&mut self, react: &mut impl FnMut(&mut Self, Side, &Event)) {
        loop {
            let (side, output) = if let Some(output) = self.phone.poll_output() {
                (Side::Phone, output)
            } else if let Some(output) = self.server.poll_output() {
                (Side::Server, output)
            } else if let Some(output) = self.colleague.poll_output() {
                (Side::Colleague, output)
            } else {
                return;
            };
            match output {
                Output::Send(flow, bytes) => {
                    let path = match (side, flow) {
                        (Side::Server | Side::Colleague, WITHIN) => Path::Within,
                        (Side::Server, BESIDE) => Path::Beside,
                        (Side::Phone, flow) if Some(flow) == self.beside => Path::Beside,
                        _ => Path::Line,
                    };
                    self.send(side, path, bytes);
                }
                Output::Connect(id, ServerAddress::Tcp(..), _) => self.connect_beside(id),
                Output::Connect(id, ..) => {
                    if self.up {
                        self.line = Some(id);
                        let (ours, theirs) = (flow(self.kind, true), flow(self.kind, false));
                        self.phone.handle(self.now, Input::FlowUp(id, ours));
                        self.server
                            .handle(self.now, Input::FlowUp(TO_PHONE, theirs));
                    }
                }
                Output::Close(id) => {
                    if self.line == Some(id) {
                        self.line = None;
                    }
                }
                Output::Event(event) => {
                    react(self, side, &event);
                    self.events.push((side, event));
                }
            }
        }
    }

    fn connect_beside(&mut self, id: FlowId) {
        self.asked += 1;
        match self.tcp {
            Tcp::Taken => {
                self.beside = Some(id);
                let (ours, theirs) = (
                    flow(TransportKind::Tcp, true),
                    flow(TransportKind::Tcp, false),
                );
                self.phone.handle(self.now, Input::FlowUp(id, ours));
                self.server.handle(self.now, Input::FlowUp(BESIDE, theirs));
            }
            Tcp::Refused => {
                let fault = Fault::network("refused");
                self.phone.handle(self.now, Input::FlowDown(id, fault));
            }
            Tcp::Silent => {}
        }
    }

    fn send(&mut self, from: Side, path: Path, bytes: Vec<u8>) {
        let message = Message::parse(&bytes).expect("we write what we can read");
        let line = message.start.to_string();
        if path == Path::Beside {
            self.streamed.push((from, line.clone()));
        }
        self.log.push((from, line));
        let number = self.count;
        self.count += 1;
        let lost = self.lost.contains(&number) || self.chance.random_bool(self.loss);
        if lost && path != Path::Beside {
            return;
        }
        if message.uri().starts_with(COLLEAGUE) {
            self.to_colleague.push(message.call_id().to_owned());
        }
        let to = match (from, path) {
            (Side::Server, Path::Within) => Side::Colleague,
            (Side::Colleague, Path::Within) => Side::Server,
            (Side::Server | Side::Colleague, _) => Side::Phone,
            (Side::Phone, _) if self.to_colleague.iter().any(|id| id == message.call_id()) => {
                Side::Colleague
            }
            (Side::Phone, _) => Side::Server,
        };
        self.way
            .insert((self.now + DELAY, number), (to, path, bytes));
    }

    /// How often a start line with this beginning was sent.
    fn sent(&self, from: Side, start: &str) -> usize {
        self.log
            .iter()
            .filter(|(side, line)| *side == from && line.starts_with(start))
            .count()
    }

    /// Events of one side, written shortly.
    fn told(&self, of: Side) -> Vec<String> {
        self.events
            .iter()
            .filter(|(side, _)| *side == of)
            .map(|(_, event)| short(event))
            .collect()
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::Registration(state) => format!("{state:?}"),
        Event::Incoming(invite) => format!("Incoming {}", invite.request_user),
        Event::Provisional { status, sdp, .. } => format!("Provisional {status} {sdp:?}"),
        Event::Answered { sdp, .. } => format!("Answered {sdp:?}"),
        Event::Confirmed { .. } => "Confirmed".to_owned(),
        Event::Reoffer { sdp, .. } => format!("Reoffer {sdp:?}"),
        Event::ReofferAnswered { sdp, .. } => format!("ReofferAnswered {sdp}"),
        Event::ReofferRefused { status, .. } => format!("ReofferRefused {status}"),
        Event::ReofferOvertaken { .. } => "ReofferOvertaken".to_owned(),
        Event::Info { .. } => "Info".to_owned(),
        Event::ReferProgress { status, done, .. } => {
            format!("ReferProgress {status}{}", if *done { " done" } else { "" })
        }
        Event::Redirected { targets, .. } => format!("Redirected {targets:?}"),
        Event::Referred(wish) => format!("Referred {}", wish.target),
        Event::MessagesWaiting { new, old, .. } => format!("MessagesWaiting {new}/{old}"),
        Event::LineState { state, .. } => format!("LineState {state:?}"),
        Event::SubscriptionRefused { status, .. } => format!("SubscriptionRefused {status}"),
        Event::Ended { end, .. } => format!("Ended {end:?}"),
        Event::Registered(request) => format!("Registered {}", request.expires_s),
        Event::FlowClosed(_) => "FlowClosed".to_owned(),
    }
}
