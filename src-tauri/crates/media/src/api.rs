use std::net::IpAddr;

use sidetone_profile::{Codec, Secret};
use tokio::sync::mpsc;

/// Sample rate of every block, in Hz.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in a block: 10 ms.
pub const BLOCK: usize = 480;
/// 10 ms of mono sound at 48 kHz, full scale ±1.0.
pub type Block = [f32; BLOCK];

/// What a session may use.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Codecs to offer and accept, in order of preference.
    pub codecs: Vec<Codec>,
    /// How packets are keyed and find their way.
    pub plan: KeyingPlan,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Addresses to gather host candidates from, or to bind plain RTP to; empty takes every usable interface
    /// (loopback only when there is no other).
    pub bind: Vec<IpAddr>,
    /// Symmetric RTP: send to where packets come from (comedia). Always on for WebRTC.
    pub latch: bool,
}

/// How packets are keyed and find their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyingPlan {
    /// ICE and DTLS-SRTP (UDP/TLS/RTP/SAVPF).
    Webrtc,
    /// RTP/AVP; SDES offers are accepted too.
    Plain,
    /// RTP/SAVP with SDES keys (RFC 4568); plain RTP is refused.
    Sdes,
}

/// A STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// For example `stun:stun.example.com:3478` or `turn:turn.example.com?transport=tcp`.
    pub urls: Vec<String>,
    /// TURN user.
    pub username: Option<String>,
    /// TURN secret.
    pub credential: Option<Secret>,
}

/// Direction of the audio stream (RFC 3264).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// We send only: we hold the far end.
    SendOnly,
    /// We receive only: the far end holds us.
    RecvOnly,
    /// Neither.
    Inactive,
}

/// Why a session could not be made or went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The SDP is malformed.
    #[error("the far end's session description is malformed at line {line}: {fault}")]
    BadSdp {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// No audio stream, or none of our codecs.
    #[error("no codec in common: the far end offers {0}")]
    NoCommonCodec(String),
    /// Keying that we do not accept here, for example plain RTP where encryption is required.
    #[error("the far end's media security is not accepted: {0}")]
    Keying(String),
    /// The certificate of the DTLS handshake is not the one that the SDP named.
    #[error(
        "the far end's media certificate does not match its session description; the call was not connected"
    )]
    Fingerprint,
    /// DTLS did not complete.
    #[error("the media encryption could not be set up: {0}")]
    Dtls(String),
    /// No path to the far end.
    #[error("no network path for sound was found: {0}")]
    NoPath(String),
    /// A socket could not be opened.
    #[error("cannot open a media socket: {0}")]
    Socket(String),
    /// A device could not be used.
    #[error("{device} cannot be used: {fault}")]
    Device {
        /// Its name.
        device: String,
        /// What happened and what to do.
        fault: String,
    },
    /// A WAV file could not be used.
    #[error("{path}: {fault}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A codec could not be started.
    #[error("the codec {codec} cannot be used: {fault}")]
    Codec {
        /// Its name.
        codec: &'static str,
        /// What its library said.
        fault: String,
    },
    /// Offer and answer out of order.
    #[error("offer and answer are out of order: {0}")]
    OfferAnswer(&'static str),
}

/// One call's sound: an RTP session with its codecs; cheap to clone, closes when the last clone is dropped.
///
/// Its sockets run on tokio. Its sound runs on whoever calls [`Session::exchange`] every 10 ms: the
/// [`Voice`] thread of a phone, or a test's loop.
#[derive(Clone, Debug)]
pub struct Session {}

/// What a session says about itself.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// Path and keys are ready.
    Connected,
    /// Nothing has come in for three seconds although it should.
    Interrupted,
    /// Packets come in again.
    Resumed,
    /// The path or the keys failed for good.
    Failed(MediaError),
    /// The far end pressed a key (RFC 4733), once a press.
    Dtmf(char),
    /// Once a second.
    Stats(SessionStats),
}

/// Numbers of one session, since its start unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionStats {
    /// Codec we send, by its SDP name.
    pub codec: String,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets missing.
    pub packets_lost: u64,
    /// Packets that came too late to be played.
    pub packets_late: u64,
    /// Interarrival jitter (RFC 3550 section 6.4.1), ms.
    pub jitter_ms: f32,
    /// Delay of the jitter buffer now, ms.
    pub buffer_ms: f32,
    /// Round trip from RTCP, ms, when known.
    pub round_trip_ms: Option<f32>,
    /// Samples made up by concealment, as a share of the last second.
    pub concealed: f32,
    /// SRTP profile or `none`.
    pub keying: String,
    /// Level of what was heard in the last second, dBov.
    pub level_in_dbov: f32,
    /// Level of what was sent in the last second, dBov.
    pub level_out_dbov: f32,
}

impl Session {
    /// Makes a session that offers.
    ///
    /// # Errors
    /// [`MediaError::Socket`] when no address can be used.
    pub async fn offer(
        config: MediaConfig,
    ) -> Result<(Self, String, mpsc::UnboundedReceiver<SessionEvent>), MediaError> {
        let _ = config;
        unimplemented!()
    }

    /// Makes a session that answers this offer.
    ///
    /// # Errors
    /// [`MediaError`] when the offer cannot be accepted.
    pub async fn answer(
        config: MediaConfig,
        offer: &str,
    ) -> Result<(Self, String, mpsc::UnboundedReceiver<SessionEvent>), MediaError> {
        let _ = (config, offer);
        unimplemented!()
    }

    /// Applies the far end's answer to our last offer, early or final; the same answer twice is not an error.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted.
    pub fn apply_answer(&self, answer: &str) -> Result<(), MediaError> {
        let _ = answer;
        unimplemented!()
    }

    /// Makes a new offer, for hold (`SendOnly`), resume (`SendRecv`) or a refresh. The sound changes when the answer comes.
    ///
    /// # Errors
    /// [`MediaError::OfferAnswer`] while an offer is open.
    pub fn reoffer(&self, direction: Direction) -> Result<String, MediaError> {
        let _ = direction;
        unimplemented!()
    }

    /// Forgets an offer that was refused.
    pub fn roll_back(&self) {
        unimplemented!()
    }

    /// Answers a new offer of the far end, keeping `hold` when we hold it.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted; the session goes on as it was.
    pub fn answer_reoffer(&self, offer: &str, hold: bool) -> Result<String, MediaError> {
        let _ = (offer, hold);
        unimplemented!()
    }

    /// The negotiated direction, from our side.
    #[must_use]
    pub fn direction(&self) -> Direction {
        unimplemented!()
    }

    /// Sends digits by RFC 4733, 100 ms each with 100 ms between; `false` when it is not negotiated (use INFO).
    #[must_use]
    pub fn send_dtmf(&self, digits: &str) -> bool {
        let _ = digits;
        unimplemented!()
    }

    /// Sends one block and takes one: call every 10 ms. Never blocks for long.
    pub fn exchange(&self, send: &Block, received: &mut Block) {
        let _ = (send, received);
        unimplemented!()
    }

    /// Numbers now.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        unimplemented!()
    }

    /// Sends RTCP BYE and closes the sockets.
    pub fn close(&self) {
        unimplemented!()
    }
}
