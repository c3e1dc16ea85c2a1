//! Client and server transactions with the timers of RFC 3261 table 4 and the Accepted states of RFC 6026.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::long::LONGEST_DATAGRAM;
use super::message::Message;
use crate::api::{DialogId, FlowId, SubscriptionId};

/// Round-trip estimate (RFC 3261 T1).
pub(crate) const T1: Duration = Duration::from_millis(500);
/// Longest retransmission interval (T2).
const T2: Duration = Duration::from_secs(4);
/// Longest life of a message in the network (T4).
const T4: Duration = Duration::from_secs(5);
/// 64·T1: timers B, F, H, J, L, M; timer D has the same length.
pub(crate) const PATIENCE: Duration = Duration::from_secs(32);

/// Names a transaction: branch, (server side) sent-by, and method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TxKey(Arc<str>);

/// On whose behalf a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Register,
    Unregister(FlowId),
    Invite(DialogId),
    Reinvite(DialogId),
    Update(DialogId),
    Prack(DialogId),
    Info(DialogId),
    Refer(DialogId),
    Notify(DialogId),
    Subscribe(SubscriptionId),
    Bye(DialogId),
    Cancel(DialogId),
    /// Nobody waits for the outcome.
    Nobody,
}

impl Owner {
    /// The dialog whose sequence numbers the request uses.
    pub(crate) const fn dialog(self) -> Option<DialogId> {
        match self {
            Self::Invite(dialog)
            | Self::Reinvite(dialog)
            | Self::Update(dialog)
            | Self::Prack(dialog)
            | Self::Info(dialog)
            | Self::Refer(dialog)
            | Self::Notify(dialog)
            | Self::Bye(dialog) => Some(dialog),
            Self::Register
            | Self::Unregister(_)
            | Self::Subscribe(_)
            | Self::Cancel(_)
            | Self::Nobody => None,
        }
    }
}

/// Every running transaction of an endpoint.
#[derive(Default)]
pub(crate) struct Transactions {
    clients: HashMap<TxKey, Client>,
    servers: HashMap<TxKey, Server>,
    /// When to look at which transaction; one that has changed meanwhile is looked at in vain.
    alarms: BTreeSet<(Instant, Role, TxKey)>,
    /// How many server transactions there are of a request.
    requests: HashMap<RequestId, usize>,
    sends: Vec<(FlowId, Vec<u8>)>,
    /// Requests that are too long for a datagram, and when they were made: the core finds them a way.
    long: Vec<(Instant, TxKey)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Client,
    Server,
}

/// Call-ID, From tag, CSeq, and whether it is an INVITE: the same for a request that came over two paths.
type RequestId = (String, String, u32, bool);

struct Client {
    flow: FlowId,
    /// The connection beside the flow that it went over, too long for a datagram.
    over: Option<FlowId>,
    reliable: bool,
    request: Message,
    owner: Owner,
    /// How often it was sent anew with credentials.
    attempt: u8,
    state: ClientState,
    resend: Option<Resend>,
    ends: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientState {
    /// Calling or Trying.
    Sent,
    Proceeding,
    Completed,
    /// An INVITE answered with 2xx (RFC 6026).
    Accepted,
}

struct Server {
    flow: FlowId,
    reliable: bool,
    invite: bool,
    dialog: Option<DialogId>,
    request_id: RequestId,
    state: ServerState,
    last: Option<Vec<u8>>,
    resend: Option<Resend>,
    ends: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerState {
    Proceeding,
    Completed,
    Confirmed,
    /// An INVITE answered with 2xx, waiting for its ACK (RFC 6026).
    Accepted,
}

#[derive(Clone, Copy)]
struct Resend {
    at: Instant,
    interval: Duration,
}

/// A response that the transaction passes up.
pub(crate) struct Answer {
    pub(crate) key: TxKey,
    pub(crate) owner: Owner,
    pub(crate) request: Message,
    pub(crate) attempt: u8,
    pub(crate) flow: FlowId,
}

/// How a request from the network relates to what is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    New(TxKey),
    /// Dealt with: a retransmission, or the ACK of a refusal.
    Absorbed,
    /// The same request over another path (RFC 3261 §8.2.2.2).
    Merged(TxKey),
}

/// A transaction that ended by itself.
pub(crate) enum Expiry {
    /// No final answer: timers B and F, or the flow was lost.
    Client(Answer),
    /// Our 2xx was never acknowledged.
    Unconfirmed(DialogId),
}

impl Transactions {
    pub(crate) fn send(
        &mut self,
        now: Instant,
        flow: FlowId,
        reliable: bool,
        request: Message,
        owner: Owner,
        attempt: u8,
    ) -> TxKey {
        let key = client_key(request.branch(), request.method());
        let bytes = request.to_bytes();
        let long = !reliable && bytes.len() > LONGEST_DATAGRAM;
        if long {
            self.long.push((now, key.clone()));
        } else {
            self.sends.push((flow, bytes));
        }
        let client = Client {
            flow,
            over: None,
            reliable,
            owner,
            attempt,
            state: ClientState::Sent,
            resend: (!reliable && !long).then(|| Resend::first(now)),
            ends: Some(now + PATIENCE),
            request,
        };
        self.clients.insert(key.clone(), client);
        self.watch(Role::Client, &key);
        key
    }

    /// Looks at a transaction again when its next timer fires.
    fn watch(&mut self, role: Role, key: &TxKey) {
        let due = match role {
            Role::Client => self.clients.get(key).and_then(Client::due),
            Role::Server => self.servers.get(key).and_then(Server::due),
        };
        if let Some(due) = due {
            self.alarms.insert((due, role, key.clone()));
        }
    }

    /// Sends outside any transaction: the ACK of a 2xx.
    pub(crate) fn send_raw(&mut self, flow: FlowId, bytes: Vec<u8>) {
        self.sends.push((flow, bytes));
    }

    pub(crate) fn take_sends(&mut self) -> Vec<(FlowId, Vec<u8>)> {
        std::mem::take(&mut self.sends)
    }

    pub(crate) fn take_long(&mut self) -> Vec<(Instant, TxKey)> {
        std::mem::take(&mut self.long)
    }

    /// Sends a long request over the connection beside its flow. Via names the datagrams' address all the same, so
    /// that it stays one request when it must be repeated as a datagram.
    pub(crate) fn by_stream(&mut self, key: &TxKey, tcp: FlowId) {
        if let Some(client) = self.clients.get_mut(key) {
            client.over = Some(tcp);
            client.reliable = true;
            client.request.rename_transport("UDP", "TCP");
            self.sends.push((tcp, client.request.to_bytes()));
        }
    }

    /// Sends a long request as a datagram: the server takes no TCP.
    pub(crate) fn by_datagram(&mut self, now: Instant, key: &TxKey) {
        if let Some(client) = self.clients.get_mut(key) {
            client.over = None;
            client.reliable = false;
            client.request.rename_transport("TCP", "UDP");
            client.resend = Some(Resend::first(now));
            self.sends.push((client.flow, client.request.to_bytes()));
        }
        self.watch(Role::Client, key);
    }

    /// The connection beside a flow is gone: what has no answer yet is repeated as a datagram.
    pub(crate) fn stream_lost(&mut self, now: Instant, tcp: FlowId) {
        let left: Vec<TxKey> = self
            .clients
            .iter_mut()
            .filter(|(_, client)| client.over == Some(tcp))
            .map(|(key, client)| {
                client.over = None;
                client.reliable = false;
                client.request.rename_transport("TCP", "UDP");
                (key, client.state)
            })
            .filter(|(_, state)| *state == ClientState::Sent)
            .map(|(key, _)| key.clone())
            .collect();
        for key in left {
            self.by_datagram(now, &key);
        }
    }

    /// The request of a client transaction that is still open, and where it went.
    pub(crate) fn request(&self, key: &TxKey) -> Option<(&Message, FlowId)> {
        self.clients.get(key).map(|c| (&c.request, c.wire()))
    }

    /// Gives a client transaction another deadline.
    pub(crate) fn hurry(&mut self, key: &TxKey, ends: Instant) {
        if let Some(client) = self.clients.get_mut(key) {
            client.ends = Some(ends);
        }
        self.watch(Role::Client, key);
    }

    /// Whether any request still waits for its final answer.
    pub(crate) fn busy(&self) -> bool {
        self.clients
            .values()
            .any(|c| matches!(c.state, ClientState::Sent | ClientState::Proceeding))
    }

    /// How many there are, lingering ones too.
    pub(crate) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty() && self.requests.is_empty()
    }

    pub(crate) fn response(&mut self, now: Instant, response: &Message) -> Option<Answer> {
        let (_, method) = response.cseq()?;
        let key = client_key(response.branch(), method);
        let answer = self.answered(now, &key, method, response);
        self.watch(Role::Client, &key);
        answer
    }

    fn answered(
        &mut self,
        now: Instant,
        key: &TxKey,
        method: &str,
        response: &Message,
    ) -> Option<Answer> {
        let client = self.clients.get_mut(key)?;
        let status = response.status();
        let answer = Answer {
            key: key.clone(),
            owner: client.owner,
            request: client.request.clone(),
            attempt: client.attempt,
            flow: client.flow,
        };
        let waiting = matches!(client.state, ClientState::Sent | ClientState::Proceeding);
        if method == "INVITE" {
            match (status, client.state) {
                (100..=199, _) if waiting => {
                    client.state = ClientState::Proceeding;
                    client.resend = None;
                    client.ends = None;
                    Some(answer)
                }
                (200..=299, ClientState::Completed) => None,
                (200..=299, state) => {
                    client.resend = None;
                    if state != ClientState::Accepted {
                        client.state = ClientState::Accepted;
                        client.ends = Some(now + PATIENCE);
                    }
                    Some(answer)
                }
                (300.., _) if client.state != ClientState::Accepted => {
                    let ack = ack_of_refusal(&client.request, response);
                    self.sends.push((client.wire(), ack.to_bytes()));
                    client.resend = None;
                    client.state = ClientState::Completed;
                    if waiting {
                        client.ends = Some(now + PATIENCE);
                        if client.reliable {
                            self.clients.remove(key);
                        }
                        return Some(answer);
                    }
                    None
                }
                _ => None,
            }
        } else if !waiting {
            None
        } else if status < 200 {
            client.state = ClientState::Proceeding;
            if let Some(resend) = &mut client.resend {
                resend.interval = T2;
            }
            Some(answer)
        } else {
            client.state = ClientState::Completed;
            client.resend = None;
            client.ends = Some(now + T4);
            if client.reliable {
                self.clients.remove(key);
            }
            Some(answer)
        }
    }

    pub(crate) fn request_arrived(
        &mut self,
        now: Instant,
        flow: FlowId,
        reliable: bool,
        request: &Message,
    ) -> Arrival {
        let method = request.method();
        let key = server_key(request, if method == "ACK" { "INVITE" } else { method });
        if let Some(server) = self.servers.get_mut(&key) {
            if method == "ACK" {
                if server.state == ServerState::Completed {
                    server.state = ServerState::Confirmed;
                    server.resend = None;
                    server.ends = Some(now + if server.reliable { Duration::ZERO } else { T4 });
                    self.alarms
                        .extend(server.due().map(|due| (due, Role::Server, key.clone())));
                }
                // The ACK of a 2xx has a branch of its own; some elements reuse the INVITE's.
                if server.state != ServerState::Accepted {
                    return Arrival::Absorbed;
                }
                return Arrival::New(key);
            }
            if let Some(last) = &server.last
                && server.state != ServerState::Confirmed
            {
                self.sends.push((flow, last.clone()));
            }
            return Arrival::Absorbed;
        }
        if method == "ACK" {
            return Arrival::New(key);
        }
        let request_id = (
            request.call_id().to_owned(),
            request.sender_tag().unwrap_or_default().to_owned(),
            request.seq(),
            method == "INVITE",
        );
        let merged = request.to_tag().is_none()
            && method != "CANCEL"
            && self.requests.contains_key(&request_id);
        *self.requests.entry(request_id.clone()).or_default() += 1;
        let server = Server {
            flow,
            reliable,
            invite: method == "INVITE",
            dialog: None,
            request_id,
            state: ServerState::Proceeding,
            last: None,
            resend: None,
            ends: None,
        };
        self.servers.insert(key.clone(), server);
        if merged {
            Arrival::Merged(key)
        } else {
            Arrival::New(key)
        }
    }

    /// Key of the INVITE that a CANCEL means.
    pub(crate) fn cancelled(&self, cancel: &Message) -> Option<(TxKey, Option<DialogId>)> {
        let key = server_key(cancel, "INVITE");
        self.servers.get(&key).map(|s| (key.clone(), s.dialog))
    }

    pub(crate) fn set_dialog(&mut self, key: &TxKey, dialog: DialogId) {
        if let Some(server) = self.servers.get_mut(key) {
            server.dialog = Some(dialog);
        }
    }

    pub(crate) fn respond(&mut self, now: Instant, key: &TxKey, response: &Message) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        if server.state != ServerState::Proceeding {
            return;
        }
        let bytes = response.to_bytes();
        self.sends.push((server.flow, bytes.clone()));
        server.last = Some(bytes);
        let first = Resend::first(now);
        match (response.status(), server.invite) {
            (..=199, _) => {}
            (200..=299, true) => {
                server.state = ServerState::Accepted;
                // Also over reliable transports: a later hop may be UDP (RFC 3261 §13.3.1.4).
                server.resend = Some(first);
                server.ends = Some(now + PATIENCE);
            }
            (_, true) => {
                server.state = ServerState::Completed;
                server.resend = (!server.reliable).then_some(first);
                server.ends = Some(now + PATIENCE);
            }
            (_, false) => {
                server.state = ServerState::Completed;
                let linger = if server.reliable {
                    Duration::ZERO
                } else {
                    PATIENCE
                };
                server.ends = Some(now + linger);
            }
        }
        self.watch(Role::Server, key);
    }

    /// The ACK of our 2xx arrived: no more retransmissions.
    pub(crate) fn confirmed(&mut self, now: Instant, key: &TxKey) {
        if let Some(server) = self.servers.get_mut(key)
            && server.state == ServerState::Accepted
        {
            server.resend = None;
            server.dialog = None;
            server.state = ServerState::Confirmed;
            server.ends = Some(now + if server.reliable { Duration::ZERO } else { T4 });
        }
        self.watch(Role::Server, key);
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, ..)| *at)
    }

    pub(crate) fn timeout(&mut self, now: Instant) -> Vec<Expiry> {
        let mut expiries = Vec::new();
        while self.next_timeout().is_some_and(|at| at <= now) {
            let Some((_, role, key)) = self.alarms.pop_first() else {
                break;
            };
            match role {
                Role::Client => expiries.extend(self.client_timeout(now, &key)),
                Role::Server => expiries.extend(self.server_timeout(now, &key)),
            }
            self.watch(role, &key);
        }
        expiries
    }

    fn client_timeout(&mut self, now: Instant, key: &TxKey) -> Option<Expiry> {
        let client = self.clients.get_mut(key)?;
        if client.ends.is_some_and(|at| at <= now) {
            let open = matches!(client.state, ClientState::Sent | ClientState::Proceeding);
            let expiry = open.then(|| Expiry::Client(client.answer(key)));
            self.clients.remove(key);
            return expiry;
        }
        let most = if client.request.method() == "INVITE" {
            PATIENCE
        } else {
            T2
        };
        if let Some(resend) = client.resend.as_mut().filter(|r| r.at <= now) {
            resend.double(now, most);
            self.sends.push((client.wire(), client.request.to_bytes()));
        }
        None
    }

    fn server_timeout(&mut self, now: Instant, key: &TxKey) -> Option<Expiry> {
        let server = self.servers.get_mut(key)?;
        if server.ends.is_some_and(|at| at <= now) {
            let expiry = match (server.state, server.dialog) {
                (ServerState::Accepted, Some(dialog)) => Some(Expiry::Unconfirmed(dialog)),
                _ => None,
            };
            if let Some(server) = self.servers.remove(key) {
                self.forget_request(&server.request_id);
            }
            return expiry;
        }
        if let Some(resend) = server.resend.as_mut().filter(|r| r.at <= now) {
            resend.double(now, T2);
            let last = server.last.clone();
            self.sends.extend(last.map(|last| (server.flow, last)));
        }
        None
    }

    fn forget_request(&mut self, id: &RequestId) {
        if let Some(count) = self.requests.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.requests.remove(id);
            }
        }
    }

    /// The flow is gone: its requests will not be answered.
    pub(crate) fn flow_lost(&mut self, flow: FlowId) -> Vec<Expiry> {
        let mut expiries = Vec::new();
        self.clients.retain(|key, client| {
            if client.flow != flow {
                return true;
            }
            if matches!(client.state, ClientState::Sent | ClientState::Proceeding) {
                expiries.push(Expiry::Client(client.answer(key)));
            }
            false
        });
        let mut gone = Vec::new();
        self.servers.retain(|_, server| {
            if server.flow == flow {
                gone.push(server.request_id.clone());
            }
            server.flow != flow
        });
        for id in gone {
            self.forget_request(&id);
        }
        expiries
    }
}

impl Server {
    fn due(&self) -> Option<Instant> {
        earlier(self.resend, self.ends)
    }
}

/// The first of the two timers of a transaction.
fn earlier(resend: Option<Resend>, ends: Option<Instant>) -> Option<Instant> {
    resend.map(|r| r.at).into_iter().chain(ends).min()
}

impl Client {
    fn wire(&self) -> FlowId {
        self.over.unwrap_or(self.flow)
    }

    fn due(&self) -> Option<Instant> {
        earlier(self.resend, self.ends)
    }

    fn answer(&self, key: &TxKey) -> Answer {
        Answer {
            key: key.clone(),
            owner: self.owner,
            request: self.request.clone(),
            attempt: self.attempt,
            flow: self.flow,
        }
    }
}

impl Resend {
    fn first(now: Instant) -> Self {
        Self {
            at: now + T1,
            interval: T1,
        }
    }

    fn double(&mut self, now: Instant, most: Duration) {
        self.interval = (self.interval * 2).min(most);
        self.at = now + self.interval;
    }
}

fn client_key(branch: &str, method: &str) -> TxKey {
    TxKey(format!("{branch}|{method}").into())
}

fn server_key(request: &Message, method: &str) -> TxKey {
    let (branch, host) = (request.branch(), request.sent_by());
    if branch.starts_with("z9hG4bK") {
        return TxKey(format!("{branch}|{host}|{method}").into());
    }
    // RFC 2543 knows no branch of this meaning (RFC 3261 §17.2.3).
    let key = format!(
        "{branch}|{host}|{}|{}|{}|{}|{method}",
        request.call_id(),
        request.sender_tag().unwrap_or_default(),
        request.seq(),
        request.uri()
    );
    TxKey(key.into())
}

/// RFC 3261 §17.1.1.3.
fn ack_of_refusal(invite: &Message, response: &Message) -> Message {
    let mut ack = Message::request("ACK", invite.uri());
    ack.push("Via", invite.get("Via").unwrap_or_default());
    for route in invite.all("Route") {
        ack.push("Route", route);
    }
    ack.push("From", invite.get("From").unwrap_or_default());
    ack.push("To", response.get("To").unwrap_or_default());
    ack.push("Call-ID", invite.call_id());
    ack.push("CSeq", format!("{} ACK", invite.seq()));
    ack.push("Max-Forwards", "70");
    ack
}
