//! A session without sockets and without a clock of its own, for measurements in virtual time.
//!
//! The same offer and answer, path, keys, RTP session, codecs and jitter buffer as [`Session`](crate::Session) has;
//! only the task that waits for sockets is left out. Whoever drives it says what time it is and carries the datagrams.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sidetone_profile::Codec;

pub use crate::quality::{Conditions, Rating, rate};
use crate::resample::Resampler;
use crate::rtp::{Outgoing, RtpSession};
use crate::sdp::{self, LocalSide, Negotiated, OfferAnswer};
use crate::transport::{Identity, MediaTransport, TransportEvent};
use crate::{Block, Direction, KeyingPlan, MediaError, OpusTuning, SessionEvent, SessionStats};

/// What an offline session is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineConfig {
    /// Codecs to offer and accept, in order of preference.
    pub codecs: Vec<Codec>,
    /// How packets are keyed and find their way.
    pub plan: KeyingPlan,
    /// Our address; RTP and RTCP share it.
    pub address: SocketAddr,
    /// Where the session's chances come from: SSRC, first sequence number and timestamp, times of reports. Keys do not.
    pub seed: u64,
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Whose it is.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Numbers of the jitter buffer now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BufferStats {
    /// Delay that it adds, ms.
    pub delay_ms: f32,
    /// Delay that it aims at, ms.
    pub target_ms: f32,
    /// Samples made up, as a share of the last 100 blocks; changes with every hundredth.
    pub concealed: f32,
    /// Packets that came too late to be played, since the start.
    pub late: u64,
}

/// Converts sound from one sample rate, Hz, to another, as the phone does it.
#[must_use]
pub fn resampled(sound: &[f32], from: u32, to: u32) -> Vec<f32> {
    let mut output = Vec::new();
    Resampler::new(from, to).run(sound, &mut output);
    output
}

/// One side of a call in virtual time.
#[derive(Debug)]
pub struct OfflineSession {
    negotiation: OfferAnswer,
    transport: MediaTransport,
    rtp: RtpSession,
    identity: &'static Identity,
    /// What the transport calls the beginning; only differences to it count.
    began: Instant,
    /// When [`OfflineSession::exchange`] was first called: there the sound begins.
    sounding: Option<Duration>,
    events: VecDeque<SessionEvent>,
}

impl OfflineSession {
    /// Makes a session that offers.
    ///
    /// # Errors
    /// [`MediaError`] when path or keys cannot be made.
    pub fn offer(config: &OfflineConfig) -> Result<(Self, String), MediaError> {
        let mut session = Self::new(config, true)?;
        let offer = session.negotiation.offer(Direction::SendRecv)?;
        Ok((session, offer))
    }

    /// Makes a session that answers this offer.
    ///
    /// # Errors
    /// [`MediaError`] when the offer cannot be accepted.
    pub fn answer(config: &OfflineConfig, offer: &str) -> Result<(Self, String), MediaError> {
        let offer = sdp::Session::parse(offer)?;
        let mut session = Self::new(config, false)?;
        let (answer, negotiated) = session.negotiation.answer(&offer, false)?;
        session.apply(&negotiated)?;
        Ok((session, answer))
    }

    /// Applies the far end's answer.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted.
    pub fn apply_answer(&mut self, answer: &str) -> Result<(), MediaError> {
        match self.negotiation.answered(answer)? {
            Some(negotiated) => self.apply(&negotiated),
            None => Ok(()),
        }
    }

    /// Says what Opus may spend on a bad line; call it before the sound begins.
    ///
    /// # Errors
    /// [`MediaError::Codec`] when the codec cannot be started again.
    pub fn tune(&mut self, tuning: OpusTuning) -> Result<(), MediaError> {
        self.rtp.tune(tuning)
    }

    /// Sends one block and takes one: call it every 10 ms of the session's own clock. The sound begins with the first
    /// call.
    pub fn exchange(&mut self, now: Duration, send: &Block, received: &mut Block) {
        let began = *self.sounding.get_or_insert(now);
        let ready = self.transport.is_ready();
        let mut out = Outgoing::default();
        self.rtp
            .exchange(now.saturating_sub(began), ready, send, received, &mut out);
        self.send(out);
    }

    /// Takes a datagram that came.
    pub fn handle_datagram(&mut self, now: Duration, datagram: &Datagram) {
        self.transport.handle_datagram(
            self.began + now,
            datagram.to,
            datagram.from,
            &datagram.bytes,
        );
        self.settle(now);
    }

    /// Runs the timers; call it at [`OfflineSession::poll_timeout`], and every 100 ms for the reports.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.transport.handle_timeout(self.began + now);
        if let Some(began) = self.sounding {
            let mut out = Outgoing::default();
            self.rtp.handle_timeout(
                now.saturating_sub(began),
                self.transport.is_ready(),
                self.transport.keying_name(),
                &mut out,
            );
            self.send(out);
        }
        self.settle(now);
    }

    /// When the timers of path and keys want to run next.
    pub fn poll_timeout(&mut self, now: Duration) -> Option<Duration> {
        let next = self.transport.poll_timeout(self.began + now)?;
        Some(next.saturating_duration_since(self.began))
    }

    /// The next datagram to carry.
    pub fn poll_datagram(&mut self) -> Option<Datagram> {
        let transmit = self.transport.poll_transmit()?;
        Some(Datagram {
            from: transmit.local,
            to: transmit.to,
            bytes: transmit.bytes.into(),
        })
    }

    /// What the session has to say.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Whether path and keys are ready.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.transport.is_ready()
    }

    /// Numbers now.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        self.rtp.stats(self.transport.keying_name())
    }

    /// Numbers of the jitter buffer now.
    #[must_use]
    pub fn buffer(&self) -> BufferStats {
        let stats = self.rtp.receiving();
        BufferStats {
            delay_ms: stats.buffer_ms,
            target_ms: stats.target_ms,
            concealed: stats.concealed_share,
            late: stats.late,
        }
    }

    fn new(config: &OfflineConfig, offerer: bool) -> Result<Self, MediaError> {
        let began = Instant::now();
        let identity = Identity::of_process()?;
        let webrtc = config.plan == KeyingPlan::Webrtc;
        let transport = if webrtc {
            MediaTransport::ice(began, &[config.address], Vec::new(), offerer)?
        } else {
            MediaTransport::symmetric(config.address, config.address, false)
        };
        let (ice, candidates) = transport.local_ice().unzip();
        let negotiation = OfferAnswer::new(LocalSide {
            plan: config.plan,
            codecs: config.codecs.clone(),
            rtp: config.address,
            rtcp: (!webrtc).then_some(config.address),
            ice,
            candidates: candidates.unwrap_or_default(),
            fingerprint: webrtc.then(|| identity.fingerprint().clone()),
        });
        Ok(Self {
            negotiation,
            transport,
            rtp: RtpSession::with_random(StdRng::seed_from_u64(config.seed)),
            identity,
            began,
            sounding: None,
            events: VecDeque::new(),
        })
    }

    fn apply(&mut self, negotiated: &Negotiated) -> Result<(), MediaError> {
        self.rtp.apply(negotiated)?;
        self.transport.apply(self.began, self.identity, negotiated)
    }

    fn send(&mut self, out: Outgoing) {
        for packet in out.rtp {
            self.transport.send_rtp(&packet);
        }
        for packet in out.rtcp {
            self.transport.send_rtcp(&packet);
        }
    }

    fn settle(&mut self, now: Duration) {
        let now = now.saturating_sub(self.sounding.unwrap_or(now));
        while let Some(event) = self.transport.poll_event() {
            match event {
                TransportEvent::Ready => self.events.push_back(SessionEvent::Connected),
                TransportEvent::Failed(error) => {
                    self.events.push_back(SessionEvent::Failed(error));
                }
                TransportEvent::Rtp(packet) => self.rtp.handle_rtp(now, &packet),
                TransportEvent::Rtcp(packet) => self.rtp.handle_rtcp(now, packet),
            }
        }
        self.events.extend(self.rtp.take_events());
    }
}
