//! What a session may use.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use sidetone_profile::{Codec, Secret};

/// What a session may use.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Codecs to offer and accept, in order of preference.
    pub codecs: Vec<Codec>,
    /// How packets are keyed and find their way.
    pub plan: KeyingPlan,
    /// STUN servers, and TURN servers over UDP, TCP and TLS.
    pub ice_servers: Vec<IceServer>,
    /// Verifies TURN servers over TLS, by the name that is configured; without it they are left out.
    pub tls: Option<Arc<ClientConfig>>,
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
    /// For example `stun:stun.example.com:3478`, `turn:turn.example.com?transport=tcp` or `turns:turn.example.com:443`
    /// (RFC 7064, RFC 7065).
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

impl Direction {
    /// Whether sound leaves us.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether sound comes to us.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from the far end.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What both sides allow; both seen from here.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::of(
            self.sends() && other.sends(),
            self.receives() && other.receives(),
        )
    }

    const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }
}
