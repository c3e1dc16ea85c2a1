//! The path with ICE (RFC 8445): which pair of addresses carries the media.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_ice::Event;
use rtc_ice::agent::Agent;
use rtc_ice::agent::agent_config::AgentConfig;
use rtc_ice::candidate::candidate_host::CandidateHostConfig;
use rtc_ice::candidate::candidate_relay::CandidateRelayConfig;
use rtc_ice::candidate::{CandidateConfig, unmarshal_candidate};
use rtc_ice::mdns::MulticastDnsMode;
use rtc_ice::state::ConnectionState;
use rtc_shared::{TransportContext, TransportMessage, TransportProtocol};
use sansio::Protocol as _;
use sidetone_profile::Secret;

use super::Transmit;
use super::relay::RelayPlace;
use crate::MediaError;
use crate::sdp::IceParams;

/// Time between two checks of a pair, and so the longest that a pair which works waits to be chosen while a better
/// one has not been given up: the default of 200 ms is heard at the beginning of a call.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Checks of a pair before it counts as failed, half a minute: the default of 7 gives up before many answers come.
const CHECKS: u16 = 300;
/// Head start of direct ways before one is chosen whose far address a server told, came with its packets, or is a
/// relay's. The defaults are half a second, one and two seconds, in which nothing would be heard.
const REFLEXIVE_WAIT: Duration = Duration::from_millis(50);
const PEER_REFLEXIVE_WAIT: Duration = Duration::from_millis(100);
const RELAY_WAIT: Duration = Duration::from_millis(300);

/// One ICE agent.
pub(crate) struct IceLeg {
    agent: Agent,
    started: bool,
    connected: bool,
    remote: Option<IceParams>,
}

impl IceLeg {
    /// Makes an agent with one host candidate for each socket and one relayed candidate for each relay, with these credentials or new ones.
    ///
    /// # Errors
    /// [`MediaError::NoPath`].
    pub(crate) fn new(
        now: Instant,
        sockets: &[SocketAddr],
        relays: &[RelayPlace],
        controlling: bool,
        credentials: Option<IceParams>,
    ) -> Result<Self, MediaError> {
        let (local_ufrag, local_pwd) = credentials
            .map(|known| (known.ufrag, known.pwd.reveal().to_owned()))
            .unwrap_or_default();
        let no_path = |error: &dyn fmt::Display| MediaError::NoPath(error.to_string());
        let provider = rtc_ice::crypto::default_provider().map_err(|error| no_path(&error))?;
        let config = AgentConfig {
            local_ufrag,
            local_pwd,
            multicast_dns_mode: MulticastDnsMode::Disabled,
            check_interval: CHECK_INTERVAL,
            max_binding_requests: Some(CHECKS),
            srflx_acceptance_min_wait: Some(REFLEXIVE_WAIT),
            prflx_acceptance_min_wait: Some(PEER_REFLEXIVE_WAIT),
            relay_acceptance_min_wait: Some(RELAY_WAIT),
            is_controlling: controlling,
            ..AgentConfig::default()
        };
        let mut agent =
            Agent::new(now, Arc::new(config), provider).map_err(|error| no_path(&error))?;
        for (index, socket) in sockets.iter().enumerate() {
            let config = CandidateHostConfig {
                base_config: CandidateConfig {
                    network: "udp".to_owned(),
                    address: socket.ip().to_string(),
                    port: socket.port(),
                    component: 1,
                    priority: host_priority(index),
                    ..CandidateConfig::default()
                },
                ..CandidateHostConfig::default()
            };
            let candidate = config
                .new_candidate_host()
                .map_err(|error| no_path(&error))?;
            agent
                .add_local_candidate(candidate)
                .map_err(|error| no_path(&error))?;
        }
        for (index, place) in relays.iter().enumerate() {
            let config = CandidateRelayConfig {
                base_config: CandidateConfig {
                    network: "udp".to_owned(),
                    address: place.relayed.ip().to_string(),
                    port: place.relayed.port(),
                    component: 1,
                    priority: relay_priority(index),
                    ..CandidateConfig::default()
                },
                rel_addr: place.base.ip().to_string(),
                rel_port: place.base.port(),
                url: None,
            };
            let candidate = config
                .new_candidate_relay()
                .map_err(|error| no_path(&error))?;
            agent
                .add_local_candidate(candidate)
                .map_err(|error| no_path(&error))?;
        }
        Ok(Self {
            agent,
            started: false,
            connected: false,
            remote: None,
        })
    }

    /// Our credentials.
    pub(crate) fn local(&self) -> IceParams {
        let credentials = self.agent.get_local_credentials();
        IceParams {
            ufrag: credentials.ufrag.clone(),
            pwd: Secret::new(credentials.pwd.clone()),
            lite: false,
        }
    }

    /// Our candidates, as they stand in SDP after `candidate:`.
    pub(crate) fn candidates(&self) -> Vec<String> {
        let candidates = self.agent.get_local_candidates().iter();
        candidates.map(|candidate| candidate.marshal()).collect()
    }

    /// Takes the far end's side; begins the checks. The same again changes nothing but new candidates.
    ///
    /// # Errors
    /// [`MediaError::NoPath`].
    pub(crate) fn set_remote(
        &mut self,
        now: Instant,
        remote: &IceParams,
        candidates: &[String],
        controlling: bool,
    ) -> Result<(), MediaError> {
        for text in candidates {
            let Ok(candidate) = unmarshal_candidate(text) else {
                tracing::debug!(candidate = %text, "candidate not understood");
                continue;
            };
            if candidate.component() != 1 || candidate.network_type().is_tcp() {
                continue;
            }
            if let Err(error) = self.agent.add_remote_candidate(candidate) {
                tracing::debug!(candidate = %text, %error, "candidate not usable");
            }
        }
        if !self.started {
            // An ICE-lite far end never controls (RFC 8445 section 6.1.1).
            self.agent
                .start_connectivity_checks(
                    now,
                    controlling || remote.lite,
                    remote.ufrag.clone(),
                    remote.pwd.reveal().to_owned(),
                )
                .map_err(|error| MediaError::NoPath(error.to_string()))?;
            self.started = true;
            self.remote = Some(remote.clone());
        }
        Ok(())
    }

    /// Whether these are other credentials than those in use: the far end restarts ICE.
    pub(crate) fn is_restart(&self, remote: &IceParams) -> bool {
        self.remote
            .as_ref()
            .is_some_and(|known| known.ufrag != remote.ufrag || known.pwd != remote.pwd)
    }

    /// Takes a STUN datagram. Faults are of the datagram alone: checks that come before the answer are repeated.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let message = TransportMessage {
            now,
            transport: context(local, from),
            message: BytesMut::from(datagram),
        };
        if let Err(error) = self.agent.handle_read(message) {
            tracing::trace!(%from, %error, "STUN datagram not used");
        }
    }

    /// Whether DTLS and SRTP may come from there; also keeps the path alive.
    pub(crate) fn accepts(&mut self, now: Instant, local: SocketAddr, from: SocketAddr) -> bool {
        self.agent
            .is_valid_non_stun_traffic(now, context(local, from))
    }

    /// Our and their address of the pair in use.
    pub(crate) fn pair(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (local, remote) = self.agent.get_selected_candidate_pair()?;
        Some((local.base_addr(), remote.addr()))
    }

    /// Runs the timers; tells what changed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Err(error) = self.agent.handle_timeout(now) {
            tracing::debug!(%error, "ICE timer");
        }
    }

    /// When the timers want to run; may lie in the past.
    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        let message = self.agent.poll_write()?;
        Some(Transmit {
            local: message.transport.local_addr,
            to: message.transport.peer_addr,
            bytes: message.message,
        })
    }

    pub(crate) fn poll_event(&mut self) -> Option<IceEvent> {
        while let Some(event) = self.agent.poll_event() {
            let Event::ConnectionStateChange(state) = event.event else {
                continue;
            };
            tracing::debug!(%state, "ICE");
            match state {
                ConnectionState::Connected if !self.connected => {
                    self.connected = true;
                    return Some(IceEvent::Connected);
                }
                ConnectionState::Failed => return Some(IceEvent::Failed),
                _ => {}
            }
        }
        None
    }
}

impl fmt::Debug for IceLeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceLeg")
            .field("started", &self.started)
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}

/// What ICE found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IceEvent {
    /// A path, for the first time.
    Connected,
    /// None, for good.
    Failed,
}

/// Priority of the host candidate of the socket with this place in our order (RFC 8445 section 5.1.2.1).
fn host_priority(index: usize) -> u32 {
    let preference = 65_535 - u32::try_from(index).unwrap_or(0).min(1000);
    (126 << 24) | (preference << 8) | 255
}

/// Relays last of all: they cost the server and time.
fn relay_priority(index: usize) -> u32 {
    let preference = 65_535 - u32::try_from(index).unwrap_or(0).min(1000);
    (preference << 8) | 255
}

fn context(local: SocketAddr, from: SocketAddr) -> TransportContext {
    TransportContext {
        local_addr: local,
        peer_addr: from,
        ecn: None,
        transport_protocol: TransportProtocol::UDP,
    }
}
