//! Session descriptions (RFC 8866) of one audio stream: read and written, no policy. The policy is in
//! `negotiation`.

mod negotiation;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use sidetone_profile::Secret;

pub(crate) use negotiation::{
    DtlsRole, LocalSide, LocalWay, Negotiated, OfferAnswer, TransportPlan, names_loopback,
};

use crate::Direction;

/// Payload type of comfort noise at 8 kHz (RFC 3551 section 6).
pub(crate) const COMFORT_NOISE: u8 = 13;

/// A session description.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Session id of `o=`.
    pub(crate) id: u64,
    /// Version of `o=`.
    pub(crate) version: u64,
    /// Address of `o=`, and of `c=` when we write it.
    pub(crate) address: IpAddr,
    /// The m-lines in their order.
    pub(crate) media: Vec<Media>,
    /// Media ids of `a=group:BUNDLE`.
    pub(crate) bundle: Vec<String>,
}

impl Session {
    /// The audio stream that is used: the first that is not refused.
    pub(crate) fn audio(&self) -> Option<&AudioMedia> {
        self.media.iter().find_map(|media| match media {
            Media::Audio(audio) if audio.in_use() => Some(&**audio),
            _ => None,
        })
    }
}

/// One m-line.
#[derive(Clone, Debug)]
pub(crate) enum Media {
    /// Audio that is read or written in full.
    Audio(Box<AudioMedia>),
    /// Any other medium, or a refused one: kept for its place in the answer.
    Other(OtherMedia),
}

/// An m-line that is not used.
#[derive(Clone, Debug)]
pub(crate) struct OtherMedia {
    /// `video`, `application`, …
    pub(crate) kind: String,
    /// Transport protocol.
    pub(crate) protocol: String,
    /// Formats as written.
    pub(crate) formats: String,
    /// `a=mid`.
    pub(crate) mid: Option<String>,
}

/// The audio m-line with its attributes; attributes of the session level are filled in.
#[derive(Clone, Debug)]
pub(crate) struct AudioMedia {
    /// Line of the description, from 1; 0 in one of our own.
    pub(crate) line: usize,
    /// Port of RTP.
    pub(crate) port: u16,
    /// Address of RTP, when it is an address.
    pub(crate) address: Option<IpAddr>,
    /// Transport protocol, for example `RTP/AVP`.
    pub(crate) protocol: String,
    /// Formats, in order of preference.
    pub(crate) formats: Vec<Format>,
    /// Direction, seen from the writer.
    pub(crate) direction: Direction,
    /// `a=ptime`, ms.
    pub(crate) ptime: Option<u32>,
    /// `a=maxptime`, ms.
    pub(crate) max_ptime: Option<u32>,
    /// `a=mid`.
    pub(crate) mid: Option<String>,
    /// `a=rtcp-mux`.
    pub(crate) rtcp_mux: bool,
    /// `a=rtcp`: where RTCP goes when it is not on the next port.
    pub(crate) rtcp: Option<SocketAddr>,
    /// ICE user name and password.
    pub(crate) ice: Option<IceParams>,
    /// ICE candidates without their `candidate:`.
    pub(crate) candidates: Vec<String>,
    /// `a=fingerprint` lines.
    pub(crate) fingerprints: Vec<Fingerprint>,
    /// `a=setup`.
    pub(crate) setup: Option<Setup>,
    /// `a=crypto` lines.
    pub(crate) crypto: Vec<CryptoLine>,
    /// `a=bundle-only`: port 0 does not mean refused.
    pub(crate) bundle_only: bool,
}

impl AudioMedia {
    fn in_use(&self) -> bool {
        self.port != 0 || self.bundle_only
    }

    /// Where RTP is received, when it is known.
    pub(crate) fn rtp_address(&self) -> Option<SocketAddr> {
        let address = self.address.filter(|address| !address.is_unspecified())?;
        (self.port != 0).then(|| SocketAddr::new(address, self.port))
    }

    /// Where RTCP is received, when it is known.
    pub(crate) fn rtcp_address(&self) -> Option<SocketAddr> {
        if self.rtcp_mux {
            return self.rtp_address();
        }
        self.rtcp.or_else(|| {
            let rtp = self.rtp_address()?;
            Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?))
        })
    }
}

/// One payload type with its `a=rtpmap` and `a=fmtp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// RTP payload type.
    pub(crate) payload_type: u8,
    /// Encoding name; empty when unknown.
    pub(crate) name: String,
    /// RTP clock, Hz.
    pub(crate) clock: u32,
    /// Channels as written.
    pub(crate) channels: u8,
    /// Parameters of `a=fmtp`; empty for none.
    pub(crate) parameters: String,
}

impl Format {
    pub(crate) fn is_dtmf(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }

    /// Comfort noise (RFC 3389). Other clocks than 8 kHz have no number of their own and are not read here.
    pub(crate) fn is_comfort_noise(&self) -> bool {
        self.payload_type == COMFORT_NOISE
            && self.clock == 8000
            && self.name.eq_ignore_ascii_case("CN")
    }
}

/// ICE credentials of one side (RFC 8839).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IceParams {
    /// `a=ice-ufrag`.
    pub(crate) ufrag: String,
    /// `a=ice-pwd`.
    pub(crate) pwd: Secret,
    /// `a=ice-lite`: the far end checks nothing by itself.
    pub(crate) lite: bool,
}

impl fmt::Debug for IceParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceParams")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// A certificate's fingerprint (RFC 8122).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Hash name in lower case, for example `sha-256`.
    pub(crate) hash: String,
    /// The hash.
    pub(crate) value: Vec<u8>,
}

/// `a=setup` (RFC 4145, RFC 5763).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// DTLS client.
    Active,
    /// DTLS server.
    Passive,
    /// Either, as the answerer likes.
    ActPass,
}

/// One `a=crypto` line (RFC 4568).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CryptoLine {
    /// Tag, which the answer repeats.
    pub(crate) tag: u32,
    /// Suite, for example `AES_CM_128_HMAC_SHA1_80`.
    pub(crate) suite: String,
    /// Master key and salt.
    pub(crate) key: Secret,
}

impl fmt::Debug for CryptoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoLine")
            .field("tag", &self.tag)
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}
