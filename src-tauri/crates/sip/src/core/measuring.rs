use std::sync::Arc;
use std::time::{Duration, Instant};

use sidetone_profile::Secret;

use super::message::Message;
use super::{Core, Flow, Input, Output, TransportKind};
use crate::api::{Account, Authenticator, CallTarget, Event, FlowId, ServerAddress};

/// The server's end of the connection.
const TO_PHONE: FlowId = FlowId(1);

/// Reads an INVITE as it comes from the wire, with every check of RFC 3261 that a phone makes; the bytes of its body.
///
/// # Panics
/// When it is not a request that can be acted upon.
#[must_use]
pub fn parse(bytes: &[u8]) -> usize {
    let message = Message::parse(bytes).expect("a valid request");
    message.body.len()
}

/// A message that has been read, to be written.
pub struct Written(Message);

impl Written {
    /// Reads it.
    ///
    /// # Panics
    /// When it is not a request that can be acted upon.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Message::parse(bytes).expect("a valid request"))
    }

    /// Writes it field by field, as a call of ours is written.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut message = Message::request(self.0.method(), self.0.uri());
        for (name, value) in self.0.fields() {
            message.push(name, value);
        }
        message.body.clone_from(&self.0.body);
        message.to_bytes()
    }
}

/// A phone and its server without sockets, joined by a connection that takes no time.
pub struct Pair {
    phone: Core,
    server: Core,
    line: FlowId,
    now: Instant,
    ended: u64,
    registered: u64,
}

impl Default for Pair {
    fn default() -> Self {
        let mut pair = Self {
            phone: Core::new("phone".to_owned(), None, 1),
            server: Core::new("server".to_owned(), Some(Arc::new(Users)), 2),
            line: FlowId(0),
            now: Instant::now(),
            ended: 0,
            registered: 0,
        };
        pair.register();
        pair
    }
}

impl Pair {
    /// Signs the phone in on a new connection: REGISTER, 401, REGISTER with digest SHA-256, 200; then out again,
    /// unless it is the first time.
    ///
    /// # Panics
    /// When that did not come about.
    pub fn register(&mut self) {
        let before = self.registered;
        self.phone.handle(self.now, Input::Account(None));
        self.settle();
        let server = ServerAddress::Tcp("192.0.2.1".to_owned(), 5060);
        let account = Account::new("1001", "sandbox.invalid", Secret::new("secret"), server);
        self.phone
            .handle(self.now, Input::Account(Some(Box::new(account))));
        self.settle();
        assert!(self.registered > before, "registered");
        self.pass();
    }

    /// One call from INVITE with digest over 180 and 200 to BYE, as both sides see it.
    ///
    /// # Panics
    /// When it did not come to its end on both sides.
    pub fn call(&mut self, offer: &str) {
        let before = self.ended;
        let target = CallTarget::Account("600".to_owned());
        self.phone
            .invite(self.now, target, offer.to_owned(), Vec::new())
            .expect("a call");
        self.settle();
        assert_eq!(self.ended, before + 2, "over on both sides");
        self.pass();
    }

    /// Time for what lingers to end.
    fn pass(&mut self) {
        self.now += Duration::from_millis(100);
        for core in [&mut self.phone, &mut self.server] {
            if core.poll_timeout().is_some_and(|at| at <= self.now) {
                core.handle_timeout(self.now);
            }
        }
        self.settle();
    }

    /// Carries everything over until nothing is left to do.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.phone.poll_output() {
                self.phone_does(output);
            } else if let Some(output) = self.server.poll_output() {
                self.server_does(output);
            } else {
                return;
            }
        }
    }

    fn phone_does(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Send(_, bytes) => {
                self.server.handle(now, Input::Received(TO_PHONE, bytes));
            }
            Output::Connect(id, ..) => {
                self.line = id;
                self.server
                    .handle(now, Input::FlowUp(TO_PHONE, flow(false)));
                self.phone.handle(now, Input::FlowUp(id, flow(true)));
            }
            Output::Event(Event::Answered { dialog, .. }) => {
                self.phone.hang_up(now, dialog, None).expect("it is up");
            }
            Output::Event(Event::Ended { .. }) => self.ended += 1,
            Output::Close(_) | Output::Event(_) => {}
        }
    }

    fn server_does(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Send(_, bytes) => {
                self.phone.handle(now, Input::Received(self.line, bytes));
            }
            Output::Event(Event::Incoming(call)) => {
                let answer = call.sdp.unwrap_or_default();
                self.server
                    .ringing(now, call.dialog, None)
                    .and_then(|()| self.server.accept(now, call.dialog, answer))
                    .expect("it rings");
            }
            Output::Event(Event::Registered(request)) if request.expires_s > 0 => {
                self.registered += 1;
            }
            Output::Event(Event::Ended { .. }) => self.ended += 1,
            Output::Connect(..) | Output::Close(_) | Output::Event(_) => {}
        }
    }
}

fn flow(outgoing: bool) -> Flow {
    let (phone, server) = (
        ([192, 0, 2, 2], 40_000).into(),
        ([192, 0, 2, 1], 5060).into(),
    );
    Flow {
        kind: TransportKind::Tcp,
        local: if outgoing { phone } else { server },
        remote: if outgoing { server } else { phone },
        outgoing,
        invalid_host: None,
        gruu: None,
        rport: true,
    }
}

struct Users;

impl Authenticator for Users {
    fn realm(&self) -> String {
        "sandbox".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("secret"))
    }

    fn algorithms(&self) -> &[&'static str] {
        &["SHA-256"]
    }
}
