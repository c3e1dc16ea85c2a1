use std::sync::Arc;
use std::time::{Duration, Instant};

use sidetone_profile::Secret;

use super::digest::{ClientDigest, ServerDigest};
use super::message::Message;
use super::{Core, Flow, Input, Output, TransportKind};
use crate::api::{Account, Authenticator, CallTarget, Credentials, FlowId, ServerAddress};

/// Reads a SIP message (RFC 3261 section 7), looks at every part of it and writes it; what is written must be readable.
///
/// # Panics
/// When it is not: that is the finding.
pub fn message(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    for (name, _) in message.fields() {
        let _ = (message.list(name), message.number(name));
    }
    let _ = (message.sent_by(), message.sdp(), message.reason());
    for name in ["From", "To", "Contact", "Refer-To", "P-Asserted-Identity"] {
        for value in message.list(name) {
            let _ = super::address::name_addr(&value);
        }
    }
    let written = message.to_bytes();
    assert!(
        Message::parse(&written).is_ok(),
        "not readable: {}",
        String::from_utf8_lossy(&written)
    );
    let reply = message.reply(200).with_tag("fuzz").to_bytes();
    assert!(Message::read(&reply).is_ok());
}

/// Answers a digest challenge and checks a digest answer (RFC 3261 section 22); `text` is the value of both fields.
pub fn challenge(text: &str) {
    let mut request = Message::request("REGISTER", "sip:sandbox.invalid");
    let mut refusal = request.reply(401);
    refusal.push("WWW-Authenticate", text);
    refusal.push("Proxy-Authenticate", text);
    let credentials = credentials();
    let mut client = ClientDigest::default();
    if client.learn(&refusal) {
        let _ = ClientDigest::is_stale(&refusal);
        client.authorize(&mut request, &credentials);
        client.authorize(&mut request, &credentials);
    }
    let now = Instant::now();
    let mut server = ServerDigest::default();
    server.challenge(now, "nonce".to_owned(), &Realm, false, &mut refusal);
    request.push("Authorization", text);
    let _ = server.check(now, &request, &Realm);
}

/// Reads the report of a transfer, a `message/sipfrag` (RFC 3420); its status must be one that SIP knows.
///
/// # Panics
/// When it is not: that is the finding.
pub fn sipfrag(bytes: &[u8]) {
    let notify = notify("message/sipfrag;version=2.0", bytes);
    if let Some((status, _)) = super::refer::sipfrag(&notify) {
        assert!((100..700).contains(&status), "{status}");
    }
}

/// Reads what another phone does, an `application/dialog-info+xml` (RFC 4235 section 4).
pub fn dialog_info(text: &str) {
    let _ = super::subscription::line_state(text);
    let _ = super::subscription::attribute(text, "version");
}

/// Reads how many messages wait, an `application/simple-message-summary` (RFC 3842 section 5).
pub fn message_summary(bytes: &[u8]) {
    let notify = notify("application/simple-message-summary", bytes);
    let _ = super::subscription::message_summary(None, &notify);
}

/// Reads what an INVITE says of its way and of how it wants to be met: `text` is the value of Diversion (RFC 5806),
/// History-Info (RFC 7044), Reason (RFC 3326), Call-Info, Alert-Info, Answer-Mode (RFC 5373) and of the identities.
pub fn origin(text: &str) {
    let fields = [
        "History-Info",
        "Reason",
        "Call-Info",
        "Alert-Info",
        "Answer-Mode",
        "Priv-Answer-Mode",
        "From",
        "P-Asserted-Identity",
        "Remote-Party-ID",
    ];
    let mut invite = Message::request("INVITE", "sip:1001@sandbox.invalid");
    for field in fields {
        invite.push(field, text);
    }
    let _ = super::invitation::diversions(&invite);
    invite.push("Diversion", text);
    let _ = super::invitation::diversions(&invite);
    let _ = super::invitation::answer_mode(&invite);
    let _ = super::invitation::caller(&invite, true);
    let _ = super::invitation::told(&invite);
}

fn notify(content_type: &str, body: &[u8]) -> Message {
    let mut notify = Message::request("NOTIFY", "sip:1001@sandbox.invalid");
    notify.push("Content-Type", content_type);
    notify.body = body.to_vec();
    notify
}

/// A phone that registers and calls, and gets these messages from its registrar. What stands for its own branch
/// (`BRANCH`), tag (`TAG`) and call (`CALL`) is filled in from what it last sent.
///
/// # Panics
/// When the phone sends what cannot be read.
pub fn core<'a>(messages: impl Iterator<Item = &'a [u8]>) {
    let mut phone = Phone::new();
    for bytes in messages {
        phone.take(bytes);
    }
    phone.wait(Duration::from_secs(40));
}

struct Phone {
    core: Core,
    now: Instant,
    line: FlowId,
    last: Option<Message>,
}

impl Phone {
    fn new() -> Self {
        let now = Instant::now();
        let mut phone = Self {
            core: Core::new(String::new(), Some(Arc::new(Realm)), 7),
            now,
            line: FlowId(0),
            last: None,
        };
        let server = ServerAddress::Udp("192.0.2.1".to_owned(), 5060);
        let secret = credentials().secret;
        let account = Account::new("1001", "sandbox.invalid", secret, server);
        phone
            .core
            .handle(now, Input::Account(Some(Box::new(account))));
        phone.drain();
        let flow = Flow {
            kind: TransportKind::Udp,
            local: ([192, 0, 2, 2], 40_000).into(),
            remote: ([192, 0, 2, 1], 5060).into(),
            outgoing: true,
            invalid_host: None,
            gruu: None,
            rport: true,
        };
        phone.core.handle(now, Input::FlowUp(phone.line, flow));
        phone.drain();
        phone
    }

    fn take(&mut self, bytes: &[u8]) {
        // A step of its own, so that calls are there to be answered.
        if bytes == b"call" {
            let target = CallTarget::Account("600".to_owned());
            let _ = self
                .core
                .invite(self.now, target, "v=0\r\n".to_owned(), Vec::new());
        } else {
            let bytes = self.filled(bytes);
            self.core
                .handle(self.now, Input::Received(self.line, bytes));
        }
        self.drain();
        self.wait(Duration::from_millis(600));
    }

    fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let (Some(last), Ok(text)) = (&self.last, std::str::from_utf8(bytes)) else {
            return bytes.to_vec();
        };
        text.replace("BRANCH", last.branch())
            .replace("TAG", last.sender_tag().unwrap_or_default())
            .replace("CALL", last.call_id())
            .into_bytes()
    }

    fn drain(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Send(_, bytes) => {
                    let read = Message::read(&bytes);
                    let Ok(message) = read else {
                        panic!("sent but not readable: {}", String::from_utf8_lossy(&bytes));
                    };
                    if !message.method().is_empty() {
                        self.last = Some(message);
                    }
                }
                Output::Connect(line, ..) => self.line = line,
                Output::Close(_) | Output::Event(_) => {}
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.core.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.core.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }
}

fn credentials() -> Credentials {
    Credentials {
        user: "1001".to_owned(),
        secret: Secret::new("secret"),
    }
}

struct Realm;

impl Authenticator for Realm {
    fn realm(&self) -> String {
        "realm".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("secret"))
    }
}
