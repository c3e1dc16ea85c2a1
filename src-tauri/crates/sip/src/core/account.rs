//! The registration of the account: connect, register, refresh, reconnect (RFC 3261 §10, RFC 5626).

use std::time::{Duration, Instant};

use rand::Rng;

use super::address::{encoded_user, param, uri_of, write_name_addr};
use super::back_off::BackOff;
use super::digest::ClientDigest;
use super::message::Message;
use super::transaction::{Answer, Owner, TxKey};
use super::{Core, Fault, FaultKind, FlowId, Output, branch, token};
use crate::api::{Account, RegistrationState, ServerAddress};

/// How long a REGISTER may stay unanswered before its connection counts as dead.
const REGISTER_PATIENCE: Duration = Duration::from_secs(8);
/// The same for the first REGISTER over UDP: a new attempt repeats itself sooner than an old one.
const DATAGRAM_PATIENCE: Duration = Duration::from_secs(3);
/// The same when the network is known to have changed.
const PROBE_PATIENCE: Duration = Duration::from_millis(1500);
/// A certificate is not repaired within seconds.
const CERTIFICATE_RETRY: Duration = Duration::from_secs(60);
/// How often a phone at a fallback looks whether its preferred server is back.
const HOME_AFTER: Duration = Duration::from_secs(60);
/// How long a farewell may take.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// The account and how far its registration is.
pub(crate) struct Registration {
    pub(crate) account: Account,
    pub(crate) digest: ClientDigest,
    pub(crate) service_route: Vec<String>,
    /// Via host over WebSocket, the same for every connection of this account.
    invalid_host: String,
    call_id: String,
    tag: String,
    seq: u32,
    expires_s: u32,
    /// The registrar wants no RFC 5626 parameters.
    plain: bool,
    back_off: BackOff,
    /// Attempts that failed since the last success; each one goes to the next server.
    failures: usize,
    /// Which of the servers it is, or is being tried; 0 is the preferred one.
    server: usize,
    /// The connection that subscriptions were made over.
    subscribed: Option<FlowId>,
    /// The network has changed: a connection that does not answer now is left at once.
    hurried: bool,
    /// When to look whether the preferred server is back.
    home_at: Option<Instant>,
    /// The connection that looks.
    probe: Option<FlowId>,
    phase: Phase,
}

enum Phase {
    Connecting(FlowId),
    Registering(FlowId, TxKey),
    Registered {
        flow: FlowId,
        refresh_at: Instant,
    },
    /// A refresh is on its way; the old binding still holds.
    Refreshing(FlowId, TxKey),
    /// Connected without registering.
    Connected(FlowId),
    Waiting(Instant),
    Refused(FlowId),
    Over,
}

impl Registration {
    pub(crate) fn timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Registered { refresh_at, .. } => {
                Some(self.home_at.map_or(refresh_at, |at| at.min(refresh_at)))
            }
            Phase::Waiting(at) => Some(at),
            _ => None,
        }
    }

    pub(crate) fn flow(&self) -> Option<FlowId> {
        match &self.phase {
            Phase::Connecting(_) | Phase::Waiting(_) | Phase::Over => None,
            Phase::Registering(flow, _)
            | Phase::Registered { flow, .. }
            | Phase::Refreshing(flow, _)
            | Phase::Connected(flow)
            | Phase::Refused(flow) => Some(*flow),
        }
    }

    /// The server that it is, or is being tried.
    pub(crate) fn current_server(&self) -> &ServerAddress {
        match self.server.checked_sub(1) {
            Some(place) => self
                .account
                .fallbacks
                .get(place)
                .unwrap_or(&self.account.server),
            None => &self.account.server,
        }
    }

    pub(crate) fn address(&self) -> String {
        let account = &self.account;
        format!("sip:{}@{}", encoded_user(&account.user), account.domain)
    }
}

/// `host:port` of a server, for sentences.
pub(crate) fn server_name(server: &ServerAddress) -> String {
    match server {
        ServerAddress::WebSocket(url) => format!(
            "{}:{}",
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or(443)
        ),
        ServerAddress::Udp(host, port)
        | ServerAddress::Tcp(host, port)
        | ServerAddress::Tls(host, port)
            if *port != 0 =>
        {
            format!("{host}:{port}")
        }
        ServerAddress::Udp(host, _)
        | ServerAddress::Tcp(host, _)
        | ServerAddress::Tls(host, _)
        | ServerAddress::Domain(host) => host.clone(),
    }
}

impl Core {
    pub(super) fn set_account(&mut self, now: Instant, account: Option<Account>) {
        if let (Some(current), Some(new)) = (&self.registration, &account)
            && current.account == *new
            && !matches!(current.phase, Phase::Refused(_) | Phase::Over)
        {
            return;
        }
        if account.is_none() {
            let calls: Vec<_> = self
                .calls
                .iter()
                .filter(|(_, call)| call.account && !call.ended)
                .map(|(id, _)| *id)
                .collect();
            for dialog in calls {
                // A call that is over meanwhile needs nothing.
                let _ = self.hang_up(now, dialog, None);
            }
        }
        let had_one = self.registration.is_some();
        self.leave(now);
        match account {
            Some(account) => {
                let id = token(&mut self.rng);
                self.registration = Some(Registration {
                    expires_s: account.expires_s.max(1),
                    account,
                    digest: ClientDigest::default(),
                    service_route: Vec::new(),
                    invalid_host: format!("{}.invalid", &id[..12]),
                    call_id: token(&mut self.rng),
                    tag: token(&mut self.rng),
                    seq: 0,
                    plain: false,
                    back_off: BackOff::default(),
                    failures: 0,
                    server: 0,
                    subscribed: None,
                    hurried: false,
                    home_at: None,
                    probe: None,
                    phase: Phase::Over,
                });
                self.connect();
            }
            None if had_one => self.registration_event(RegistrationState::Unregistered),
            None => {}
        }
    }

    /// Unregisters and gives up the current account's connection.
    fn leave(&mut self, now: Instant) {
        let Some(registration) = &self.registration else {
            return;
        };
        let connecting = match registration.phase {
            Phase::Connecting(flow) => Some(flow),
            _ => None,
        };
        let bound = matches!(
            registration.phase,
            Phase::Registered { .. } | Phase::Refreshing(..)
        );
        let flow = registration.flow();
        if let Some(flow) = connecting {
            self.close_flow(flow);
        }
        if let Some(flow) = flow {
            if bound {
                self.send_register(now, flow, 0, Owner::Unregister(flow));
            }
            let busy = bound || self.tx.busy();
            let patience = if busy { LEAVE_PATIENCE } else { Duration::ZERO };
            self.leaving.push((flow, now + patience));
        }
        if let Some(registration) = &mut self.registration
            && !bound
        {
            registration.phase = Phase::Over;
        }
        if !bound {
            self.registration = None;
        } else if let Some(registration) = &mut self.registration {
            // Kept for the credentials that the farewell may be asked for.
            registration.phase = Phase::Over;
        }
    }

    fn connect(&mut self) {
        let flow = FlowId(self.next_flow);
        self.next_flow += 1;
        let Some(registration) = &mut self.registration else {
            return;
        };
        registration.phase = Phase::Connecting(flow);
        let servers = 1 + registration.account.fallbacks.len();
        registration.server = registration.failures % servers;
        let attempt = registration.failures / servers;
        let server = registration.current_server().clone();
        self.registration_event(RegistrationState::Trying);
        self.outputs
            .push_back(Output::Connect(flow, server, attempt));
    }

    pub(super) fn account_flow_up(&mut self, now: Instant, id: FlowId) {
        let Some(registration) = &mut self.registration else {
            self.close_flow(id);
            return;
        };
        if registration.probe == Some(id) {
            self.go_home(now, id);
            return;
        }
        if !matches!(registration.phase, Phase::Connecting(flow) if flow == id) {
            self.close_flow(id);
            return;
        }
        if let Some(flow) = self.flows.get_mut(&id)
            && matches!(registration.current_server(), ServerAddress::WebSocket(_))
        {
            flow.invalid_host = Some(registration.invalid_host.clone());
        }
        if registration.account.register {
            let expires = registration.expires_s;
            let key = self.send_register(now, id, expires, Owner::Register);
            if let (Some(registration), Some(key)) = (&mut self.registration, key) {
                registration.phase = Phase::Registering(id, key);
            }
        } else {
            registration.phase = Phase::Connected(id);
            registration.back_off.reset();
            self.registration_event(RegistrationState::Registered { expires_s: 0 });
            self.calls_find_flow(now, id);
            self.renew_subscriptions(now);
        }
    }

    /// Looks whether the preferred server is back, on a connection of its own.
    fn look_home(&mut self) {
        let flow = FlowId(self.next_flow);
        self.next_flow += 1;
        let Some(registration) = &mut self.registration else {
            return;
        };
        registration.home_at = None;
        registration.probe = Some(flow);
        let server = registration.account.server.clone();
        self.outputs.push_back(Output::Connect(flow, server, 0));
    }

    /// The preferred server answers again: the registration moves there, unless somebody is talking.
    fn go_home(&mut self, now: Instant, id: FlowId) {
        let talking = self.calls.values().any(|call| call.account && !call.ended);
        let Some(registration) = &mut self.registration else {
            return;
        };
        registration.probe = None;
        let old = match registration.phase {
            Phase::Registered { flow, .. } if !talking => flow,
            _ => {
                registration.home_at = Some(now + HOME_AFTER);
                self.close_flow(id);
                return;
            }
        };
        registration.failures = 0;
        registration.server = 0;
        registration.phase = Phase::Connecting(id);
        self.leaving.push((old, now));
        self.account_flow_up(now, id);
    }

    pub(super) fn account_flow_down(&mut self, now: Instant, flow: FlowId, fault: &Fault) {
        let Some(registration) = &mut self.registration else {
            return;
        };
        if registration.probe == Some(flow) {
            registration.probe = None;
            registration.home_at = Some(now + HOME_AFTER);
            return;
        }
        let ours = match registration.phase {
            Phase::Connecting(connecting) => connecting == flow,
            Phase::Refused(_) => false,
            _ => registration.flow() == Some(flow),
        };
        if ours {
            self.wait(now, fault, None);
        }
    }

    /// Waits for the next attempt and says why.
    fn wait(&mut self, now: Instant, fault: &Fault, retry_after: Option<Duration>) {
        let Some(registration) = &mut self.registration else {
            return;
        };
        let mut wait = match fault.kind {
            FaultKind::Path => registration.back_off.path(now, &mut self.rng),
            FaultKind::Server => registration.back_off.server(&mut self.rng),
            FaultKind::Certificate => CERTIFICATE_RETRY,
        };
        if let Some(asked) = retry_after {
            wait = wait.max(asked);
        }
        if std::mem::take(&mut registration.hurried) {
            wait = Duration::from_millis(self.rng.random_range(0..=100));
        }
        registration.failures += 1;
        let probe = registration.probe.take();
        registration.home_at = None;
        if registration.failures % (1 + registration.account.fallbacks.len()) != 0 {
            // Another server has not been asked yet.
            wait = Duration::from_millis(self.rng.random_range(50..=300));
        }
        registration.phase = Phase::Waiting(now + wait);
        if let Some(probe) = probe {
            self.close_flow(probe);
        }
        let words = fault.words.clone();
        tracing::info!(fault = %words, retry_in_ms = wait.as_millis(), "no registration");
        self.registration_event(if fault.kind == FaultKind::Certificate {
            RegistrationState::Certificate { fault: words }
        } else {
            RegistrationState::Unreachable {
                fault: words,
                retry_in_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            }
        });
    }

    /// Gives up the connection and waits for the next attempt.
    fn abandon(&mut self, now: Instant, flow: FlowId, fault: &Fault, retry: Option<Duration>) {
        self.close_flow(flow);
        self.calls_lose_flow(now, flow);
        for expiry in self.tx.flow_lost(flow) {
            self.expired(now, expiry, true);
        }
        self.wait(now, fault, retry);
    }

    pub(super) fn registration_timeout(&mut self, now: Instant) {
        let Some(registration) = &self.registration else {
            return;
        };
        match registration.phase {
            Phase::Waiting(at) if at <= now => self.connect(),
            Phase::Registered { refresh_at, .. }
                if refresh_at > now && registration.home_at.is_some_and(|at| at <= now) =>
            {
                self.look_home();
            }
            Phase::Registered { flow, refresh_at } if refresh_at <= now => {
                self.refresh_registration(now, flow);
            }
            _ => {}
        }
    }

    fn refresh_registration(&mut self, now: Instant, flow: FlowId) -> Option<TxKey> {
        let expires = self.registration.as_ref()?.expires_s;
        let key = self.send_register(now, flow, expires, Owner::Register)?;
        self.registration.as_mut()?.phase = Phase::Refreshing(flow, key.clone());
        Some(key)
    }

    pub(super) fn network_changed(&mut self, now: Instant) {
        let Some(registration) = &mut self.registration else {
            return;
        };
        registration.back_off.reset();
        registration.hurried = true;
        match &registration.phase {
            Phase::Waiting(_) => self.connect(),
            Phase::Connecting(flow) => {
                // It may hang on a path that is gone.
                let flow = *flow;
                self.close_flow(flow);
                self.connect();
            }
            Phase::Registered { flow, .. } => {
                let flow = *flow;
                if let Some(key) = self.refresh_registration(now, flow) {
                    self.tx.hurry(&key, now + PROBE_PATIENCE);
                }
            }
            Phase::Registering(_, key) | Phase::Refreshing(_, key) => {
                let key = key.clone();
                self.tx.hurry(&key, now + PROBE_PATIENCE);
            }
            Phase::Connected(_) | Phase::Refused(_) | Phase::Over => {}
        }
    }

    fn send_register(
        &mut self,
        now: Instant,
        flow_id: FlowId,
        expires: u32,
        owner: Owner,
    ) -> Option<TxKey> {
        let flow = self.flows.get(&flow_id)?;
        let registration = self.registration.as_mut()?;
        registration.seq += 1;
        let account = &registration.account;
        let aor = write_name_addr(&account.display_name, &registration.address());
        let mut contact = flow.plain_contact(&account.user);
        if !registration.plain {
            contact.push_str(&format!(
                ";+sip.instance=\"<urn:uuid:{}>\";reg-id=1",
                self.instance
            ));
        }
        let supported = if registration.plain {
            "path, gruu"
        } else {
            "path, outbound, gruu"
        };
        let mut request = Message::request("REGISTER", &format!("sip:{}", account.domain))
            .with("Via", flow.via(&branch(&mut self.rng)))
            .with("Max-Forwards", "70")
            .with("From", format!("{aor};tag={}", registration.tag))
            .with("To", aor)
            .with("Call-ID", registration.call_id.clone())
            .with("CSeq", format!("{} REGISTER", registration.seq))
            .with("Contact", format!("{contact};expires={expires}"))
            .with("Expires", expires.to_string())
            .with("Allow", super::ALLOW)
            .with("Supported", supported);
        if !self.user_agent.is_empty() {
            request.push("User-Agent", self.user_agent.clone());
        }
        registration
            .digest
            .authorize(&mut request, &registration.account.credentials);
        let reliable = flow.kind.reliable();
        let bound = matches!(registration.phase, Phase::Registered { .. });
        let patience = if reliable || bound {
            REGISTER_PATIENCE
        } else {
            DATAGRAM_PATIENCE
        };
        let key = self.tx.send(now, flow_id, reliable, request, owner, 0);
        self.tx.hurry(&key, now + patience);
        Some(key)
    }

    pub(super) fn register_answered(&mut self, now: Instant, answer: &Answer, response: &Message) {
        let Some(registration) = &mut self.registration else {
            return;
        };
        let flow = match &registration.phase {
            Phase::Registering(flow, key) | Phase::Refreshing(flow, key) if *key == answer.key => {
                *flow
            }
            _ => return,
        };
        let status = response.status();
        match status {
            100..=199 => {}
            200..=299 => self.register_granted(now, flow, response),
            401 | 407 => match self.send_authorized(now, answer, response) {
                Some(key) => self.register_again(now, flow, key),
                None => self.register_refused(flow, response),
            },
            423 if answer.attempt < 3 => {
                let least = response.number("Min-Expires").unwrap_or(0);
                if least <= registration.expires_s {
                    self.register_refused(flow, response);
                    return;
                }
                registration.expires_s = least;
                if let Some(key) = self.send_register(now, flow, least, Owner::Register) {
                    self.register_again(now, flow, key);
                }
            }
            420 | 439 if !registration.plain => {
                registration.plain = true;
                let expires = registration.expires_s;
                if let Some(key) = self.send_register(now, flow, expires, Owner::Register) {
                    self.register_again(now, flow, key);
                }
            }
            408 | 480 | 500..=599 => {
                let name = server_name(registration.current_server());
                let words = format!(
                    "the server at {name} does not register phones now ({status} {})",
                    response.reason()
                );
                let asked = response.number("Retry-After");
                let asked = asked.map(|s| Duration::from_secs(u64::from(s.min(300))));
                self.abandon(now, flow, &Fault::server(words), asked);
            }
            _ => self.register_refused(flow, response),
        }
    }

    fn register_again(&mut self, now: Instant, flow: FlowId, key: TxKey) {
        self.tx.hurry(&key, now + REGISTER_PATIENCE);
        if let Some(registration) = &mut self.registration {
            if let Some((request, _)) = self.tx.request(&key) {
                registration.seq = request.seq();
            }
            registration.phase = Phase::Registering(flow, key);
        }
    }

    fn register_refused(&mut self, flow: FlowId, response: &Message) {
        if let Some(registration) = &mut self.registration {
            registration.phase = Phase::Refused(flow);
        }
        self.registration_event(RegistrationState::Refused {
            status: response.status(),
            reason: response.reason(),
        });
    }

    fn register_granted(&mut self, now: Instant, flow: FlowId, response: &Message) {
        let Some(registration) = &mut self.registration else {
            return;
        };
        let contact = self
            .flows
            .get(&flow)
            .map(|f| f.plain_contact(&registration.account.user));
        let ours = contact.as_deref().map(uri_of).unwrap_or_default();
        let contacts = response.list("Contact");
        let granted = contacts
            .iter()
            .find(|c| same_contact(uri_of(c), ours))
            .or_else(|| contacts.first().filter(|_| contacts.len() == 1))
            .and_then(|c| param(c, "expires"))
            .and_then(|e| e.parse().ok())
            .or_else(|| response.number("Expires"))
            .unwrap_or(registration.expires_s);
        registration.service_route = response.list("Service-Route");
        registration.back_off.reset();
        registration.failures = registration.server;
        if registration.server == 0 {
            registration.home_at = None;
        } else if registration.probe.is_none() && registration.home_at.is_none() {
            registration.home_at = Some(now + HOME_AFTER);
        }
        // Half of the time leaves room for a lost answer and a new connection.
        let refresh = Duration::from_secs(u64::from(granted.max(2))) / 2;
        registration.phase = Phase::Registered {
            flow,
            refresh_at: now + refresh,
        };
        registration.hurried = false;
        let moved = registration.subscribed.replace(flow) != Some(flow);
        // A public GRUU reaches this very phone through every proxy (RFC 5627 §4.3).
        let gruu = contacts
            .iter()
            .find(|c| c.contains(&self.instance))
            .and_then(|c| param(c, "pub-gruu"))
            .map(|g| g.trim_matches('"').to_owned());
        if let Some(at) = self.flows.get_mut(&flow) {
            at.gruu = gruu;
        }
        self.registration_event(RegistrationState::Registered { expires_s: granted });
        self.calls_find_flow(now, flow);
        if moved {
            self.renew_subscriptions(now);
        }
    }

    pub(super) fn register_expired(&mut self, now: Instant, answer: &Answer) {
        let Some(registration) = &self.registration else {
            return;
        };
        match &registration.phase {
            Phase::Registering(flow, key) | Phase::Refreshing(flow, key) if *key == answer.key => {
                let name = server_name(registration.current_server());
                let flow = *flow;
                let words = format!("the server at {name} does not answer");
                // Over a stream the way is open and the server silent; datagrams tell nothing of the way.
                let open = self.flows.get(&flow).is_some_and(|f| f.kind.reliable());
                let fault = if open {
                    Fault::server(words)
                } else {
                    Fault::network(words)
                };
                self.abandon(now, flow, &fault, None);
            }
            _ => {}
        }
    }

    pub(super) fn unregister_answered(
        &mut self,
        now: Instant,
        flow: FlowId,
        answer: &Answer,
        response: &Message,
    ) {
        if matches!(response.status(), 401 | 407)
            && self.send_authorized(now, answer, response).is_some()
        {
            return;
        }
        // The answers to other farewells on this flow may still be on their way.
        for (leaving, at) in &mut self.leaving {
            if *leaving == flow {
                *at = now;
            }
        }
        if let Some(registration) = &self.registration
            && matches!(registration.phase, Phase::Over)
        {
            self.registration = None;
        }
    }
}

/// Registrars may reorder or drop parameters of the contact that they echo.
fn same_contact(a: &str, b: &str) -> bool {
    let base = |uri: &str| {
        uri.split(';')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    base(a) == base(b)
}
