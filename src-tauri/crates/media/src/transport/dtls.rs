//! Keys by DTLS (RFC 5763, RFC 5764), behind the flight gate.

use std::collections::VecDeque;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error as RtcError;

use super::gate::FlightGate;
use super::identity::{self, Identity};
use super::srtp::{SrtpPair, SrtpSuite};
use crate::MediaError;
use crate::sdp::{DtlsRole, Fingerprint};

/// The far end, as far as the endpoint is told: it tells associations apart by address, and a path may change its own.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 1);
/// Waits before each sending of the same flight again. The endpoint ends the handshake at the eighth sending again, so
/// after these copies of the last one are sent.
const RESEND: [Duration; 7] = [
    Duration::from_millis(250),
    Duration::from_millis(300),
    Duration::from_millis(500),
    Duration::from_millis(800),
    Duration::from_millis(1200),
    Duration::from_millis(1800),
    Duration::from_millis(2500),
];
/// Wait before each copy. A copy is all that some far ends go on by: Asterisk can lose its timer (it then says "Unable to
/// cancel schedule ID"), and OpenSSL sends its flight again when its time is over and anything comes.
const COPY: Duration = Duration::from_millis(2500);
/// Waits before the server's last flight is sent again after the handshake, until a packet under its keys has come. A
/// client that did not get it would ask for it (RFC 6347 section 4.2.4), had it not lost its timer.
const CONFIRM: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
    Duration::from_millis(4000),
    Duration::from_millis(8000),
];
/// Time for the handshake. OpenSSL doubles its waits, so a lossy line needs many seconds.
const DEADLINE: Duration = Duration::from_secs(20);
/// Label of the key export (RFC 5764 section 4.2).
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";
/// Suites whose records have a known length: the gate must see whether a Finished is whole.
const CIPHERS: [CipherSuiteId; 4] = [
    CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
    CipherSuiteId::Tls_Ecdhe_Rsa_With_Aes_128_Gcm_Sha256,
    CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
    CipherSuiteId::Tls_Ecdhe_Rsa_With_ChaCha20_Poly1305_Sha256,
];
/// SRTP suites, in order of preference.
pub(crate) const SUITES: [SrtpSuite; 3] = [
    SrtpSuite::AeadAes256Gcm,
    SrtpSuite::AeadAes128Gcm,
    SrtpSuite::AesCm128Sha1_80,
];

/// One handshake.
pub(crate) struct DtlsLeg {
    endpoint: Endpoint,
    client: Option<Arc<HandshakeConfig>>,
    gate: FlightGate,
    role: DtlsRole,
    deadline: Option<Instant>,
    /// Which wait runs, of [`RESEND`] and then [`COPY`], or of [`CONFIRM`] when it is done; and until when.
    resend: Option<(usize, Instant)>,
    /// What was sent last.
    flight: Vec<BytesMut>,
    out: VecDeque<BytesMut>,
    mismatch: Arc<AtomicBool>,
    done: bool,
}

impl DtlsLeg {
    /// Prepares a handshake with a far end that must have one of these fingerprints.
    ///
    /// # Errors
    /// [`MediaError::Dtls`].
    pub(crate) fn new(
        identity: &Identity,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
        suites: &[SrtpSuite],
    ) -> Result<Self, MediaError> {
        let mismatch = Arc::new(AtomicBool::new(false));
        let config = config(identity, role, fingerprints, suites, Arc::clone(&mismatch))
            .map_err(|error| MediaError::Dtls(error.to_string()))?;
        let config = Arc::new(config);
        let (client, server) = match role {
            DtlsRole::Client => (Some(config), None),
            DtlsRole::Server => (None, Some(config)),
        };
        Ok(Self {
            endpoint: Endpoint::new(PEER, TransportProtocol::UDP, server),
            client,
            gate: FlightGate::new(role),
            role,
            deadline: None,
            resend: None,
            flight: Vec::new(),
            out: VecDeque::new(),
            mismatch,
            done: false,
        })
    }

    pub(crate) const fn role(&self) -> DtlsRole {
        self.role
    }

    /// There is a path: as client, begins the handshake. Once.
    ///
    /// # Errors
    /// [`MediaError::Dtls`].
    pub(crate) fn start(&mut self, now: Instant) -> Result<(), MediaError> {
        self.deadline.get_or_insert(now + DEADLINE);
        if let Some(config) = self.client.take() {
            self.endpoint
                .connect(now, PEER, config, None)
                .map_err(|error| MediaError::Dtls(error.to_string()))?;
            self.collect(now);
        }
        Ok(())
    }

    /// Takes a datagram; gives the keys when the handshake ends with it.
    ///
    /// # Errors
    /// [`MediaError::Fingerprint`] or [`MediaError::Dtls`] when the handshake failed for good.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<Option<SrtpPair>, MediaError> {
        if self.role == DtlsRole::Client && self.client.is_some() {
            // Not begun: a client has nothing to read yet.
            return Ok(None);
        }
        let Some(flight) = self.gate.push(datagram, self.overhead()) else {
            return Ok(None);
        };
        let events = self.endpoint.read(now, PEER, None, flight);
        self.collect(now);
        let events = match events {
            Ok(events) => events,
            Err(_) if self.mismatch.load(Ordering::Relaxed) => {
                return Err(MediaError::Fingerprint);
            }
            Err(error) if !self.done && is_fatal(&error) => {
                return Err(MediaError::Dtls(error.to_string()));
            }
            Err(error) => {
                tracing::debug!(%error, "DTLS datagram not used");
                return Ok(None);
            }
        };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => {
                    self.done = true;
                    self.resend = match self.role {
                        DtlsRole::Server => Some((0, now + CONFIRM[0])),
                        DtlsRole::Client => None,
                    };
                    self.gate.complete();
                    return self.keys().map(Some);
                }
                EndpointEvent::PeerClosed if !self.done => {
                    return Err(MediaError::Dtls("the far end closed it".to_owned()));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// A packet under the keys came: the far end has them too.
    pub(crate) fn confirm(&mut self) {
        if self.done {
            self.resend = None;
            self.flight.clear();
        }
    }

    /// Runs the timers.
    ///
    /// # Errors
    /// [`MediaError::Dtls`] when the time is up.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), MediaError> {
        if !self.done && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.done = true;
            self.resend = None;
            return Err(MediaError::Dtls(format!(
                "no answer in {} seconds",
                DEADLINE.as_secs()
            )));
        }
        let Some((count, at)) = self.resend else {
            return Ok(());
        };
        if at > now {
            return Ok(());
        }
        self.resend = None;
        let next = count + 1;
        if self.done {
            self.out.extend(self.flight.iter().cloned());
            self.resend = CONFIRM.get(next).map(|wait| (next, now + *wait));
            return Ok(());
        }
        if count >= RESEND.len() {
            self.out.extend(self.flight.iter().cloned());
        } else {
            let Some(timer) = self.endpoint.poll_timeout(&PEER) else {
                return Ok(());
            };
            // The endpoint reads no clock: a time not before its own timer makes it send its flight again.
            self.endpoint
                .handle_timeout(PEER, now.max(timer))
                .map_err(|error| MediaError::Dtls(error.to_string()))?;
            self.collect(now);
        }
        let wait = RESEND.get(next).copied().unwrap_or(COPY);
        self.resend = Some((next, now + wait));
        Ok(())
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.deadline.filter(|_| !self.done);
        let resend = self.resend.map(|(_, at)| at);
        [deadline, resend].into_iter().flatten().min()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.out.pop_front()
    }

    /// Says goodbye (close_notify).
    pub(crate) fn close(&mut self, now: Instant) {
        self.resend = None;
        if self.done {
            let _ = self.endpoint.close(now);
            self.collect(now);
        }
    }

    /// Takes what the endpoint sends; a new flight starts the waits anew.
    fn collect(&mut self, now: Instant) {
        let mut flight = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            flight.push(transmit.message);
        }
        if flight.is_empty() {
            return;
        }
        self.out.extend(flight.iter().cloned());
        self.flight = flight;
        if !self.done {
            self.resend = Some((0, now + RESEND[0]));
        }
    }

    /// What encryption adds to a record.
    fn overhead(&self) -> Option<usize> {
        let state = self.endpoint.get_connection_state(PEER)?;
        match state.cipher_suite()?.id() {
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256
            | CipherSuiteId::Tls_Ecdhe_Rsa_With_Aes_128_Gcm_Sha256 => Some(24),
            _ => Some(16),
        }
    }

    fn keys(&self) -> Result<SrtpPair, MediaError> {
        let dtls = |fault: &dyn fmt::Display| MediaError::Dtls(fault.to_string());
        let state = self
            .endpoint
            .get_connection_state(PEER)
            .ok_or_else(|| dtls(&"the association is gone"))?;
        if state.peer_certificates.is_empty() {
            // Without a certificate nothing was compared with the session description.
            return Err(MediaError::Fingerprint);
        }
        let suite = SrtpSuite::by_dtls_profile(state.srtp_protection_profile())
            .ok_or_else(|| dtls(&"the far end agreed to no SRTP profile"))?;
        let (key, salt) = (suite.key(), suite.salt());
        let material = state
            .export_keying_material(EXPORTER, &[], 2 * (key + salt))
            .map_err(|error| dtls(&error))?;
        let material: &[u8] = material.as_ref();
        // Client key, server key, client salt, server salt.
        let (keys, salts) = material.split_at(2 * key);
        let client = [&keys[..key], &salts[..salt]].concat();
        let server = [&keys[key..], &salts[salt..]].concat();
        match self.role {
            DtlsRole::Client => SrtpPair::new(suite, &client, &server),
            DtlsRole::Server => SrtpPair::new(suite, &server, &client),
        }
    }
}

impl fmt::Debug for DtlsLeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DtlsLeg")
            .field("role", &self.role)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

/// Nothing but these three settings together makes `rtc-dtls` compare the fingerprint in both roles: no check of a
/// chain, a certificate from every client, and the callback.
fn config(
    identity: &Identity,
    role: DtlsRole,
    fingerprints: Vec<Fingerprint>,
    suites: &[SrtpSuite],
    mismatch: Arc<AtomicBool>,
) -> Result<HandshakeConfig, RtcError> {
    let provider = rtc_srtp::crypto::default_provider()
        .map_err(|error| RtcError::Crypto(error.to_string()))?;
    ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![identity.certificate()])
        .with_cipher_suites(CIPHERS.to_vec())
        .with_srtp_protection_profiles(
            suites
                .iter()
                .filter_map(|suite| suite.dtls_profile())
                .collect(),
        )
        .with_extended_master_secret(ExtendedMasterSecretType::Request)
        .with_insecure_skip_verify(true)
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_verify_peer_certificate(Some(Arc::new(move |chain: &[Vec<u8>], _: &[_]| {
            let own = chain.first().map_or(&[][..], Vec::as_slice);
            if identity::matches(own, &fingerprints) {
                return Ok(());
            }
            mismatch.store(true, Ordering::Relaxed);
            Err(RtcError::Other("fingerprint mismatch".to_owned()))
        })))
        .build(role == DtlsRole::Client, Some(PEER))
}

/// Whether an error ends the handshake; others are of one datagram, which anyone may have sent.
fn is_fatal(error: &RtcError) -> bool {
    matches!(
        error,
        RtcError::ErrAlertFatalOrClose | RtcError::ErrInvalidFsmTransition
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that is never told the time, as a far end that has lost its timer, and a server of ours.
    struct Pair {
        client: DtlsLeg,
        server: DtlsLeg,
        now: Instant,
        ready: [bool; 2],
    }

    impl Pair {
        fn new() -> Self {
            let [near, far] = [(), ()].map(|()| Identity::generate().expect("a certificate"));
            let leg = |own: &Identity, other: &Identity, role| {
                DtlsLeg::new(own, role, vec![other.fingerprint().clone()], &SUITES).expect("a leg")
            };
            let now = Instant::now();
            let mut client = leg(&far, &near, DtlsRole::Client);
            let mut server = leg(&near, &far, DtlsRole::Server);
            client.start(now).expect("begun");
            server.start(now).expect("begun");
            Self {
                client,
                server,
                now,
                ready: [false; 2],
            }
        }

        /// Carries datagrams until there are none; `lost` says which of the server's never arrive.
        fn carry(&mut self, lost: impl Fn(&Self) -> bool) {
            loop {
                if let Some(datagram) = self.client.poll_transmit() {
                    let keys = self.server.handle(self.now, &datagram).expect("no fault");
                    self.ready[0] |= keys.is_some();
                } else if let Some(datagram) = self.server.poll_transmit() {
                    if !lost(self) {
                        let keys = self.client.handle(self.now, &datagram).expect("no fault");
                        self.ready[1] |= keys.is_some();
                    }
                } else {
                    return;
                }
            }
        }

        /// Lets the server's next timer run.
        fn wait(&mut self) {
            self.now = self.server.poll_timeout().expect("a timer runs");
            self.server.handle_timeout(self.now).expect("time is left");
        }
    }

    #[test]
    fn the_last_flight_comes_again_to_a_client_that_did_not_get_it_and_does_not_ask() {
        let mut pair = Pair::new();
        pair.carry(|pair| pair.ready[0]);
        assert_eq!(pair.ready, [true, false]);
        pair.wait();
        pair.carry(|_| false);
        assert_eq!(pair.ready, [true, true]);
        // A packet under the keys says that it is enough.
        assert!(pair.server.poll_timeout().is_some());
        pair.server.confirm();
        assert_eq!(pair.server.poll_timeout(), None);
    }

    #[test]
    fn a_far_end_that_never_speaks_gets_the_last_flight_a_few_times_only() {
        let mut pair = Pair::new();
        pair.carry(|pair| pair.ready[0]);
        for _ in CONFIRM {
            pair.wait();
            pair.carry(|_| true);
        }
        assert_eq!(pair.server.poll_timeout(), None);
    }

    #[test]
    fn a_flight_is_sent_again_until_the_time_is_up() {
        let mut pair = Pair::new();
        let began = pair.now;
        // The client's second greeting arrives, the answer to it does not.
        let asked = std::cell::Cell::new(0);
        pair.carry(|_| asked.replace(asked.get() + 1) > 0);
        while pair.now < began + Duration::from_secs(14) {
            pair.wait();
            pair.carry(|_| true);
        }
        pair.wait();
        pair.carry(|_| false);
        assert_eq!(pair.ready, [true, true]);

        let mut silent = Pair::new();
        silent.carry(|_| true);
        let fault = loop {
            silent.now = silent.server.poll_timeout().expect("a timer runs");
            if let Err(fault) = silent.server.handle_timeout(silent.now) {
                break fault;
            }
        };
        assert!(matches!(fault, MediaError::Dtls(_)), "{fault}");
    }
}
