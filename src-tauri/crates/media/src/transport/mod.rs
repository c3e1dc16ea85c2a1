//! The way of packets to the far end: path (ICE or one address) and keys (DTLS-SRTP, SDES-SRTP or none). Without
//! sockets and without a clock of its own.

pub(crate) mod check;
pub(crate) mod driver;
mod dtls;
mod gate;
pub(crate) mod gather;
mod ice;
mod identity;
#[cfg(test)]
mod latching;
pub(crate) mod relay;
pub(crate) mod server_url;
#[cfg(test)]
mod simulation;
mod socket;
mod srtp;
pub(crate) mod stream;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;

#[cfg(not(feature = "fuzzing"))]
use dtls::DtlsLeg;
#[cfg(feature = "fuzzing")]
pub(crate) use dtls::{DtlsLeg, SUITES};
#[cfg(feature = "fuzzing")]
pub(crate) use gate::FlightGate;
use ice::{IceEvent, IceLeg};
pub(crate) use identity::Identity;
use relay::{RelayLeg, RelayPlace};
use srtp::SrtpPair;
pub(crate) use srtp::SrtpSuite;

use crate::MediaError;
use crate::sdp::{DtlsRole, Fingerprint, IceParams, Negotiated, TransportPlan};

/// Datagrams of DTLS that wait for a path.
const MOST_WAITING: usize = 32;
/// Silence after which RTP may come from another place.
const LATCH_HOLD: Duration = Duration::from_secs(1);

/// A datagram to send.
#[derive(Debug)]
pub(crate) struct Transmit {
    /// From which of our sockets.
    pub(crate) local: SocketAddr,
    /// To where.
    pub(crate) to: SocketAddr,
    /// What.
    pub(crate) bytes: BytesMut,
}

/// What comes out of the transport.
#[derive(Debug)]
pub(crate) enum TransportEvent {
    /// Packets can be sent.
    Ready,
    /// It failed for good.
    Failed(MediaError),
    /// An RTP packet in clear.
    Rtp(BytesMut),
    /// An RTCP packet in clear.
    Rtcp(BytesMut),
}

/// Path and keys of one session.
#[derive(Debug)]
pub(crate) struct MediaTransport {
    path: Path,
    keying: Keying,
    ready: bool,
    failed: bool,
    transmits: VecDeque<Transmit>,
    events: VecDeque<TransportEvent>,
    relays: Vec<RelayLeg>,
    /// The time as last told.
    clock: Instant,
}

#[derive(Debug)]
enum Path {
    Symmetric(Box<SymmetricPath>),
    Ice(Box<IcePath>),
}

#[derive(Debug)]
struct SymmetricPath {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    /// What the far end's description names.
    named: (Option<SocketAddr>, Option<SocketAddr>),
    remote_rtp: Option<SocketAddr>,
    remote_rtcp: Option<SocketAddr>,
    /// Follow the source of what comes.
    latch: bool,
    /// Whom RTP follows, and when it last came from there.
    latched: Option<(SocketAddr, Instant)>,
    mux: bool,
}

#[derive(Debug)]
struct IcePath {
    leg: IceLeg,
    /// The agent of a restart, until it has found its path: meanwhile the old one serves.
    next: Option<IceLeg>,
    sockets: Vec<SocketAddr>,
    relays: Vec<RelayPlace>,
    controlling: bool,
    /// From where DTLS came before a pair was selected: its answer may go there.
    early: Option<(SocketAddr, SocketAddr)>,
}

#[derive(Debug)]
enum Keying {
    Plain,
    Srtp {
        pair: Box<SrtpPair>,
        plan: TransportPlan,
    },
    Dtls(Box<DtlsKeying>),
    /// Not known until the answer comes.
    Open,
}

#[derive(Debug)]
struct DtlsKeying {
    leg: DtlsLeg,
    fingerprints: Vec<Fingerprint>,
    srtp: Option<SrtpPair>,
}

impl MediaTransport {
    /// A transport over ICE on these sockets and relays.
    ///
    /// # Errors
    /// [`MediaError::NoPath`].
    pub(crate) fn ice(
        now: Instant,
        sockets: &[SocketAddr],
        relays: Vec<RelayLeg>,
        controlling: bool,
    ) -> Result<Self, MediaError> {
        let places: Vec<_> = relays.iter().map(RelayLeg::place).collect();
        let path = IcePath {
            leg: IceLeg::new(now, sockets, &places, controlling, None)?,
            next: None,
            sockets: sockets.to_vec(),
            relays: places,
            controlling,
            early: None,
        };
        let mut transport = Self::new(Path::Ice(Box::new(path)));
        transport.relays = relays;
        Ok(transport)
    }

    /// A transport to one address; with `latch` it follows the source of what comes.
    pub(crate) fn symmetric(rtp: SocketAddr, rtcp: SocketAddr, latch: bool) -> Self {
        Self::new(Path::Symmetric(Box::new(SymmetricPath {
            rtp,
            rtcp,
            named: (None, None),
            remote_rtp: None,
            remote_rtcp: None,
            latch,
            latched: None,
            mux: false,
        })))
    }

    fn new(path: Path) -> Self {
        Self {
            path,
            keying: Keying::Open,
            ready: false,
            failed: false,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            relays: Vec::new(),
            clock: Instant::now(),
        }
    }

    /// Our ICE credentials and candidates.
    pub(crate) fn local_ice(&self) -> Option<(IceParams, Vec<String>)> {
        match &self.path {
            Path::Ice(path) => Some((path.leg.local(), path.leg.candidates())),
            Path::Symmetric(_) => None,
        }
    }

    /// Whether the far end's credentials begin an ICE restart, or it is another far end.
    pub(crate) fn is_restart(&self, remote: &IceParams) -> bool {
        match &self.path {
            Path::Ice(path) => path.newest().is_restart(remote),
            Path::Symmetric(_) => false,
        }
    }

    /// Makes new credentials for an ICE restart. The path in use stays until the new one is found.
    ///
    /// # Errors
    /// [`MediaError::NoPath`].
    pub(crate) fn prepare_restart(&mut self, now: Instant) -> Result<IceParams, MediaError> {
        match &mut self.path {
            Path::Ice(path) => {
                let next = IceLeg::new(now, &path.sockets, &path.relays, path.controlling, None)?;
                Ok(path.next.insert(next).local())
            }
            Path::Symmetric(_) => Err(MediaError::NoPath("there is no ICE".to_owned())),
        }
    }

    /// Makes an ICE restart on other sockets of ours; gives its credentials and candidates. The path in use stays
    /// until the new one is found.
    ///
    /// # Errors
    /// [`MediaError::NoPath`].
    pub(crate) fn prepare_move(
        &mut self,
        now: Instant,
        sockets: &[SocketAddr],
        relays: Vec<RelayLeg>,
    ) -> Result<(IceParams, Vec<String>), MediaError> {
        let in_use = self.destination().map(|(local, _)| local);
        match &mut self.path {
            Path::Ice(path) => {
                let places: Vec<_> = relays.iter().map(RelayLeg::place).collect();
                let next = IceLeg::new(now, sockets, &places, path.controlling, None)?;
                path.sockets = sockets.to_vec();
                path.relays = places;
                self.relays
                    .retain(|relay| Some(relay.place().relayed) == in_use);
                self.relays.extend(relays);
                let next = path.next.insert(next);
                Ok((next.local(), next.candidates()))
            }
            Path::Symmetric(_) => Err(MediaError::NoPath("there is no ICE".to_owned())),
        }
    }

    /// Our socket that packets leave from now.
    pub(crate) fn in_use(&self) -> Option<SocketAddr> {
        let (local, _) = self.destination()?;
        let relay = self
            .relays
            .iter()
            .map(RelayLeg::place)
            .find(|place| place.relayed == local);
        Some(relay.map_or(local, |place| place.base))
    }

    /// Leaves nothing but the relays.
    #[cfg(test)]
    pub(crate) fn only_relays(&mut self, now: Instant) {
        if let Path::Ice(path) = &mut self.path {
            let local = path.leg.local();
            path.sockets.clear();
            path.leg = IceLeg::new(now, &[], &path.relays, path.controlling, Some(local))
                .expect("an agent");
        }
    }

    /// Forgets a restart that was not agreed.
    pub(crate) fn cancel_restart(&mut self) {
        if let Path::Ice(path) = &mut self.path {
            path.next = None;
        }
    }

    /// Brings into force what was agreed. What has not changed goes on undisturbed.
    ///
    /// # Errors
    /// [`MediaError`] when keys or path cannot be set up.
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        identity: &Identity,
        negotiated: &Negotiated,
    ) -> Result<(), MediaError> {
        match (&mut self.path, &negotiated.transport) {
            (
                Path::Ice(path),
                TransportPlan::Dtls {
                    ice,
                    candidates,
                    fingerprints,
                    role,
                },
            ) => {
                path.set_remote(now, ice, candidates)?;
                if let Keying::Dtls(known) = &self.keying
                    && known.fingerprints != *fingerprints
                    && let Some(next) = path.next.take()
                {
                    // Another far end, not another way to the same one.
                    path.leg = next;
                    path.early = None;
                }
                self.apply_dtls(now, identity, fingerprints, *role)?;
            }
            (Path::Symmetric(path), plan) => {
                path.apply(negotiated);
                self.apply_keys(plan)?;
            }
            (Path::Ice(_), _) => {
                return Err(MediaError::Keying("WebRTC needs DTLS".to_owned()));
            }
        }
        self.pump(now);
        Ok(())
    }

    fn apply_dtls(
        &mut self,
        now: Instant,
        identity: &Identity,
        fingerprints: &[Fingerprint],
        role: DtlsRole,
    ) -> Result<(), MediaError> {
        if let Keying::Dtls(known) = &self.keying
            && known.fingerprints == fingerprints
            && known.leg.role() == role
        {
            return Ok(());
        }
        let leg = DtlsLeg::new(identity, role, fingerprints.to_vec(), &dtls::SUITES)?;
        self.keying = Keying::Dtls(Box::new(DtlsKeying {
            leg,
            fingerprints: fingerprints.to_vec(),
            srtp: None,
        }));
        if self.destination().is_some() {
            self.start_dtls(now);
        }
        Ok(())
    }

    fn apply_keys(&mut self, plan: &TransportPlan) -> Result<(), MediaError> {
        match plan {
            TransportPlan::Plain => self.keying = Keying::Plain,
            TransportPlan::Sdes { local, remote } => {
                // New contexts would begin their rollover counters anew: keep them while the keys stay.
                if !matches!(&self.keying, Keying::Srtp { plan: known, .. } if known == plan) {
                    self.keying = Keying::Srtp {
                        pair: Box::new(SrtpPair::from_sdes(local, remote)?),
                        plan: plan.clone(),
                    };
                }
            }
            TransportPlan::Dtls { .. } => {
                return Err(MediaError::Keying("DTLS needs ICE here".to_owned()));
            }
        }
        self.set_ready();
        Ok(())
    }

    fn set_ready(&mut self) {
        if !self.ready {
            self.ready = true;
            self.events.push_back(TransportEvent::Ready);
        }
    }

    fn fail(&mut self, error: MediaError) {
        if !self.failed {
            self.failed = true;
            self.ready = false;
            self.events.push_back(TransportEvent::Failed(error));
        }
    }

    /// Whether packets can be sent.
    pub(crate) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// SRTP suite in use, or `none`.
    pub(crate) fn keying_name(&self) -> &'static str {
        self.pair().map_or("none", |pair| pair.suite().sdes_name())
    }

    fn pair(&self) -> Option<&SrtpPair> {
        match &self.keying {
            Keying::Srtp { pair, .. } => Some(pair),
            Keying::Dtls(keying) => keying.srtp.as_ref(),
            Keying::Plain | Keying::Open => None,
        }
    }

    /// Takes a datagram that came to one of our sockets.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        if self.failed {
            return;
        }
        self.clock = now;
        let relay = self
            .relays
            .iter_mut()
            .find(|relay| relay.is_of_server(local, from));
        if let Some(relay) = relay {
            let through = relay.place().relayed;
            for (peer, bytes) in relay.handle(now, datagram) {
                self.handle_direct(now, through, peer, &bytes);
            }
        } else {
            self.handle_direct(now, local, from, datagram);
        }
        self.pump(now);
    }

    /// Takes a datagram as its peer sent it.
    fn handle_direct(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        // RFC 7983: the first byte tells the protocols apart.
        match datagram.first() {
            Some(0..=3) => {
                if let Path::Ice(path) = &mut self.path {
                    path.leg.handle(now, local, from, datagram);
                    if let Some(next) = &mut path.next {
                        next.handle(now, local, from, datagram);
                    }
                }
            }
            Some(20..=63) => self.handle_dtls(now, local, from, datagram),
            Some(128..=191) => self.handle_packet(now, local, from, datagram),
            _ => {}
        }
    }

    fn handle_dtls(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, datagram: &[u8]) {
        let (Path::Ice(path), Keying::Dtls(keying)) = (&mut self.path, &mut self.keying) else {
            return;
        };
        if !path.accepts(now, local, from) {
            return;
        }
        path.early = Some((local, from));
        match keying.leg.handle(now, datagram) {
            Ok(Some(pair)) => {
                tracing::debug!(suite = pair.suite().sdes_name(), "media keys agreed");
                keying.srtp = Some(pair);
                self.set_ready();
            }
            Ok(None) => {}
            Err(error) => {
                // The alert has to go out before everything stops.
                self.send_dtls();
                self.fail(error);
            }
        }
    }

    fn handle_packet(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let accepted = match &mut self.path {
            Path::Ice(path) => path.accepts(now, local, from),
            Path::Symmetric(path) => path.accepts(now, local, from),
        };
        let (Some(second), true) = (datagram.get(1), accepted) else {
            return;
        };
        // RFC 5761 section 4: packet types of RTCP.
        let rtcp = (192..=223).contains(second);
        let pair = match &mut self.keying {
            Keying::Plain => None,
            Keying::Srtp { pair, .. } => Some(&mut **pair),
            Keying::Dtls(keying) => match &mut keying.srtp {
                Some(pair) => Some(pair),
                None => return,
            },
            Keying::Open => return,
        };
        let packet = match pair {
            None => Some(BytesMut::from(datagram)),
            Some(pair) if rtcp => pair.unprotect_rtcp(datagram),
            Some(pair) => pair.unprotect_rtp(datagram),
        };
        let Some(packet) = packet else { return };
        if let Keying::Dtls(keying) = &mut self.keying {
            keying.leg.confirm();
        }
        if let Path::Symmetric(path) = &mut self.path {
            path.follow(now, rtcp, from);
        }
        self.events.push_back(if rtcp {
            TransportEvent::Rtcp(packet)
        } else {
            TransportEvent::Rtp(packet)
        });
    }

    /// Sends an RTP packet; dropped while the transport is not ready.
    pub(crate) fn send_rtp(&mut self, packet: &[u8]) {
        self.send(packet, false);
    }

    /// Sends an RTCP packet; dropped while the transport is not ready.
    pub(crate) fn send_rtcp(&mut self, packet: &[u8]) {
        self.send(packet, true);
    }

    fn send(&mut self, packet: &[u8], rtcp: bool) {
        if !self.ready {
            return;
        }
        let destination = match &self.path {
            Path::Symmetric(path) => path.destination(rtcp),
            Path::Ice(_) => self.destination(),
        };
        let Some((local, to)) = destination else {
            return;
        };
        let pair = match &mut self.keying {
            Keying::Plain => None,
            Keying::Srtp { pair, .. } => Some(&mut **pair),
            Keying::Dtls(keying) => match &mut keying.srtp {
                Some(pair) => Some(pair),
                None => return,
            },
            Keying::Open => return,
        };
        let bytes = match pair {
            None => Some(BytesMut::from(packet)),
            Some(pair) if rtcp => pair.protect_rtcp(packet),
            Some(pair) => pair.protect_rtp(packet),
        };
        if let Some(bytes) = bytes {
            self.transmits.push_back(Transmit { local, to, bytes });
        }
    }

    /// Our address and theirs, for what is not RTCP on a port of its own.
    fn destination(&self) -> Option<(SocketAddr, SocketAddr)> {
        match &self.path {
            Path::Symmetric(path) => path.destination(false),
            Path::Ice(path) => path.leg.pair().or(path.early),
        }
    }

    /// Runs the timers.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.failed {
            return;
        }
        self.clock = now;
        for relay in &mut self.relays {
            relay.handle_timeout(now);
        }
        if let Path::Ice(path) = &mut self.path {
            path.leg.handle_timeout(now);
            if let Some(next) = &mut path.next {
                next.handle_timeout(now);
            }
        }
        if let Keying::Dtls(keying) = &mut self.keying
            && let Err(error) = keying.leg.handle_timeout(now)
        {
            self.fail(error);
        }
        self.pump(now);
    }

    /// When the timers want to run next, never before `now`.
    pub(crate) fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        if self.failed {
            return None;
        }
        let path = match &mut self.path {
            Path::Ice(path) => path.poll_timeout(),
            Path::Symmetric(_) => None,
        };
        let keying = match &self.keying {
            Keying::Dtls(keying) => keying.leg.poll_timeout(),
            _ => None,
        };
        let relays = self.relays.iter_mut().filter_map(RelayLeg::poll_timeout);
        let next = [path, keying].into_iter().flatten().chain(relays).min()?;
        Some(next.max(now))
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(transmit) = self.transmits.pop_front() {
            let relay = self
                .relays
                .iter_mut()
                .find(|relay| relay.place().relayed == transmit.local);
            let Some(relay) = relay else {
                return Some(transmit);
            };
            relay.send(self.clock, transmit.to, transmit.bytes);
        }
        self.relays.iter_mut().find_map(RelayLeg::poll_transmit)
    }

    pub(crate) fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        if let Keying::Dtls(keying) = &mut self.keying {
            keying.leg.close(now);
        }
        self.send_dtls();
        for relay in &mut self.relays {
            relay.close(now);
        }
        self.failed = true;
        self.ready = false;
    }

    /// Moves what the parts produced to where it belongs.
    fn pump(&mut self, now: Instant) {
        while let Path::Ice(path) = &mut self.path
            && let Some(event) = path.poll_event()
        {
            match event {
                IceEvent::Connected => self.start_dtls(now),
                IceEvent::Failed => self.fail(MediaError::NoPath(
                    "the far end's addresses did not answer".to_owned(),
                )),
            }
        }
        if let Path::Ice(path) = &mut self.path {
            for leg in [Some(&mut path.leg), path.next.as_mut()]
                .into_iter()
                .flatten()
            {
                while let Some(transmit) = leg.poll_transmit() {
                    self.transmits.push_back(transmit);
                }
            }
        }
        self.send_dtls();
    }

    fn start_dtls(&mut self, now: Instant) {
        if let Keying::Dtls(keying) = &mut self.keying
            && let Err(error) = keying.leg.start(now)
        {
            self.fail(error);
        }
    }

    fn send_dtls(&mut self) {
        let Some((local, to)) = self.destination() else {
            return;
        };
        if let Keying::Dtls(keying) = &mut self.keying {
            while let Some(bytes) = keying.leg.poll_transmit() {
                if self.transmits.len() < MOST_WAITING {
                    self.transmits.push_back(Transmit { local, to, bytes });
                }
            }
        }
    }
}

impl IcePath {
    fn newest(&self) -> &IceLeg {
        self.next.as_ref().unwrap_or(&self.leg)
    }

    fn set_remote(
        &mut self,
        now: Instant,
        remote: &IceParams,
        candidates: &[String],
    ) -> Result<(), MediaError> {
        if self.newest().is_restart(remote) {
            // Credentials changed in an answer: a second far end answered the same offer.
            let local = self.newest().local();
            self.next = Some(IceLeg::new(
                now,
                &self.sockets,
                &self.relays,
                self.controlling,
                Some(local),
            )?);
        }
        let leg = self.next.as_mut().unwrap_or(&mut self.leg);
        leg.set_remote(now, remote, candidates, self.controlling)
    }

    fn accepts(&mut self, now: Instant, local: SocketAddr, from: SocketAddr) -> bool {
        let next = self
            .next
            .as_mut()
            .is_some_and(|next| next.accepts(now, local, from));
        self.leg.accepts(now, local, from) || next
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let next = self.next.as_mut().and_then(IceLeg::poll_timeout);
        [self.leg.poll_timeout(), next].into_iter().flatten().min()
    }

    /// What matters of both agents: a new path replaces the old one, and a restart that finds none leaves it.
    fn poll_event(&mut self) -> Option<IceEvent> {
        match self.next.as_mut().and_then(IceLeg::poll_event) {
            Some(IceEvent::Connected) => {
                self.leg = self.next.take()?;
                self.early = None;
                return Some(IceEvent::Connected);
            }
            Some(IceEvent::Failed) => self.next = None,
            None => {}
        }
        let event = self.leg.poll_event();
        event.filter(|event| *event != IceEvent::Failed || self.next.is_none())
    }
}

impl SymmetricPath {
    fn apply(&mut self, negotiated: &Negotiated) {
        self.mux = negotiated.rtcp_mux;
        let named = (negotiated.remote_rtp, negotiated.remote_rtcp);
        // What was learnt from packets stays while the far end names the same: behind a NAT it names a wrong address.
        if named != self.named {
            self.named = named;
            self.remote_rtp = named.0.or(self.remote_rtp);
            self.remote_rtcp = named.1.or(self.remote_rtcp);
            self.latched = None;
        }
    }

    /// Only from the machine that was named; with latching from anywhere, but not from a second place while the first
    /// goes on.
    fn accepts(&self, now: Instant, local: SocketAddr, from: SocketAddr) -> bool {
        if self.latch {
            return local != self.rtp
                || self.latched.is_none_or(|(known, at)| {
                    known == from || now.saturating_duration_since(at) > LATCH_HOLD
                });
        }
        let named = if local == self.rtp {
            self.remote_rtp
        } else {
            self.remote_rtcp
        };
        named.is_some_and(|named| named.ip() == from.ip())
    }

    fn follow(&mut self, now: Instant, rtcp: bool, from: SocketAddr) {
        if !self.latch {
            return;
        }
        if rtcp && !self.mux {
            self.remote_rtcp = Some(from);
        } else if !rtcp {
            self.remote_rtp = Some(from);
            self.latched = Some((from, now));
        }
    }

    fn destination(&self, rtcp: bool) -> Option<(SocketAddr, SocketAddr)> {
        if rtcp && !self.mux {
            Some((self.rtcp, self.remote_rtcp?))
        } else {
            Some((self.rtp, self.remote_rtp?))
        }
    }
}
