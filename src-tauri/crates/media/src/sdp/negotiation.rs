//! Offer and answer (RFC 3264) for one audio stream: what is offered, what comes out of it.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::Rng as _;
use sidetone_profile::{Codec, Secret};

use super::{
    AudioMedia, COMFORT_NOISE, CryptoLine, Fingerprint, Format, IceParams, Media, OtherMedia,
    Session, Setup,
};
use crate::codec::{self, CodecSpec};
use crate::transport::SrtpSuite;
use crate::{Direction, KeyingPlan, MediaError};

/// Packet length when the far end does not ask for another, ms.
const PTIME_MS: u32 = 20;
/// Packets are no longer than this, and no longer than the far end's `a=maxptime`, ms.
const LONGEST_MS: u32 = 60;
/// Suites that are offered in `a=crypto`, best understood first.
const OFFERED_SUITES: [SrtpSuite; 4] = [
    SrtpSuite::AesCm128Sha1_80,
    SrtpSuite::AesCm128Sha1_32,
    SrtpSuite::AesCm256Sha1_80,
    SrtpSuite::AeadAes256Gcm,
];

/// What a description says about our side; fixed for a session.
#[derive(Clone, Debug)]
pub(crate) struct LocalSide {
    /// How packets are keyed.
    pub(crate) plan: KeyingPlan,
    /// Codecs, in order of preference.
    pub(crate) codecs: Vec<Codec>,
    /// Default address of RTP: a real one, since some servers read another as hold.
    pub(crate) rtp: SocketAddr,
    /// Address of RTCP, when it has a socket of its own.
    pub(crate) rtcp: Option<SocketAddr>,
    /// ICE credentials, with WebRTC.
    pub(crate) ice: Option<IceParams>,
    /// ICE candidates without their `candidate:`.
    pub(crate) candidates: Vec<String>,
    /// Our certificate's fingerprint, with WebRTC.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// How we are reached with ICE.
#[derive(Clone, Debug)]
pub(crate) struct LocalWay {
    /// Default address.
    pub(crate) rtp: SocketAddr,
    /// Credentials.
    pub(crate) ice: Option<IceParams>,
    /// Candidates without their `candidate:`.
    pub(crate) candidates: Vec<String>,
}

/// Our role in the DTLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DtlsRole {
    /// `a=setup:active`.
    Client,
    /// `a=setup:passive`.
    Server,
}

/// How the stream is keyed and finds its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransportPlan {
    /// Plain RTP.
    Plain,
    /// SDES-SRTP: our line, by which we send, and the far end's.
    Sdes {
        /// By which we send.
        local: CryptoLine,
        /// By which we receive.
        remote: CryptoLine,
    },
    /// ICE and DTLS-SRTP.
    Dtls {
        /// The far end's ICE credentials.
        ice: IceParams,
        /// Its candidates.
        candidates: Vec<String>,
        /// Fingerprints of which its certificate must have one.
        fingerprints: Vec<Fingerprint>,
        /// Our role.
        role: DtlsRole,
    },
}

/// What was agreed.
#[derive(Clone, Debug)]
pub(crate) struct Negotiated {
    /// Codec that we send.
    pub(crate) codec: Codec,
    /// Its payload type, as the far end numbers it.
    pub(crate) payload_type: u8,
    /// What the far end asked of our encoder.
    pub(crate) remote_fmtp: String,
    /// Packet length, ms.
    pub(crate) ptime_ms: u32,
    /// The longest packet that the far end takes, ms.
    pub(crate) longest_ms: u32,
    /// Payload types that may come.
    pub(crate) receive: Vec<(u8, Codec)>,
    /// Payload type and clock of the digits that we send.
    pub(crate) dtmf_send: Option<(u8, u32)>,
    /// Payload types of digits that may come.
    pub(crate) dtmf_receive: Vec<u8>,
    /// Direction, from our side.
    pub(crate) direction: Direction,
    /// Where RTP goes, from `c=` and `m=`.
    pub(crate) remote_rtp: Option<SocketAddr>,
    /// Where RTCP goes.
    pub(crate) remote_rtcp: Option<SocketAddr>,
    /// Whether RTCP shares the port of RTP.
    pub(crate) rtcp_mux: bool,
    /// How it is keyed.
    pub(crate) transport: TransportPlan,
}

/// The state of offer and answer of one session.
#[derive(Debug)]
pub(crate) struct OfferAnswer {
    local: LocalSide,
    id: u64,
    version: u64,
    /// The m-lines of the session, ours by `None`.
    layout: Vec<Option<OtherMedia>>,
    mid: Option<String>,
    bundle: bool,
    /// Transport protocol written in `m=`.
    protocol: String,
    /// Payload types in use, so that none changes its meaning within a session (RFC 3264 section 8.3.2).
    assigned: Vec<Assigned>,
    role: Option<DtlsRole>,
    crypto: Vec<CryptoLine>,
    /// Our last offer.
    offer: Option<AudioMedia>,
    /// It waits for its answer.
    open: bool,
    last_answer: String,
}

#[derive(Clone, Debug)]
struct Assigned {
    payload_type: u8,
    name: String,
    clock: u32,
}

impl OfferAnswer {
    pub(crate) fn new(local: LocalSide) -> Self {
        let protocol = match local.plan {
            KeyingPlan::Webrtc => "UDP/TLS/RTP/SAVPF",
            KeyingPlan::Plain => "RTP/AVP",
            KeyingPlan::Sdes => "RTP/SAVP",
        };
        let webrtc = local.plan == KeyingPlan::Webrtc;
        Self {
            local,
            id: rand::rng().random_range(1..i64::MAX as u64),
            version: 0,
            layout: vec![None],
            mid: webrtc.then(|| "0".to_owned()),
            bundle: webrtc,
            protocol: protocol.to_owned(),
            assigned: Vec::new(),
            role: None,
            crypto: Vec::new(),
            offer: None,
            open: false,
            last_answer: String::new(),
        }
    }

    /// Makes an offer.
    ///
    /// # Errors
    /// [`MediaError::OfferAnswer`] while one is open.
    pub(crate) fn offer(&mut self, direction: Direction) -> Result<String, MediaError> {
        if self.open {
            return Err(MediaError::OfferAnswer("an offer is already open"));
        }
        let mut formats = Vec::new();
        let specs: Vec<_> = self.specs().collect();
        for spec in &specs {
            formats.push(self.offered_format(spec));
        }
        for clock in dtmf_clocks(&specs) {
            formats.push(self.offered_dtmf(clock));
        }
        formats.extend(takes_comfort_noise(&specs).then(comfort_noise));
        if self.local.plan == KeyingPlan::Sdes && self.crypto.is_empty() {
            self.crypto = OFFERED_SUITES
                .into_iter()
                .zip(1..)
                .map(|(suite, tag)| new_crypto(tag, suite))
                .collect();
        }
        let setup = (self.local.plan == KeyingPlan::Webrtc).then_some(Setup::ActPass);
        let mut audio = self.audio(formats, direction, setup);
        audio.rtcp_mux = true;
        audio.ptime = Some(PTIME_MS);
        self.open = true;
        self.offer = Some(audio.clone());
        Ok(self.describe(audio))
    }

    /// Takes a new way to us into what is written next; gives the one before.
    pub(crate) fn set_way(&mut self, way: LocalWay) -> LocalWay {
        let before = LocalWay {
            rtp: self.local.rtp,
            ice: self.local.ice.take(),
            candidates: std::mem::take(&mut self.local.candidates),
        };
        self.local.rtp = way.rtp;
        self.local.ice = way.ice;
        self.local.candidates = way.candidates;
        before
    }

    /// Takes new ICE credentials into what is written next.
    pub(crate) fn set_ice(&mut self, ice: IceParams) {
        self.local.ice = Some(ice);
    }

    /// Forgets an open offer.
    pub(crate) fn roll_back(&mut self) {
        self.open = false;
    }

    /// Takes the answer to our last offer; `None` when it is the one that is in force.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted.
    pub(crate) fn answered(&mut self, text: &str) -> Result<Option<Negotiated>, MediaError> {
        let Some(offer) = self.offer.clone() else {
            return Err(MediaError::OfferAnswer("there was no offer to answer"));
        };
        if !self.open && text == self.last_answer {
            return Ok(None);
        }
        let answer = Session::parse(text)?;
        let Some(remote) = answer.audio() else {
            return Err(MediaError::NoCommonCodec(
                "no audio stream (it refused ours)".to_owned(),
            ));
        };
        let transport = self.transport_by_answer(remote)?;
        let direction = offer
            .direction
            .and(self.remote_direction(remote).reversed());
        let negotiated = self.agree(remote, &offer.formats, direction, transport)?;
        self.open = false;
        text.clone_into(&mut self.last_answer);
        Ok(Some(negotiated))
    }

    /// Answers an offer. With `hold` the far end stays held.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted; what was in force stays.
    pub(crate) fn answer(
        &mut self,
        offer: &Session,
        hold: bool,
    ) -> Result<(String, Negotiated), MediaError> {
        if self.open {
            return Err(MediaError::OfferAnswer("an offer of ours is open"));
        }
        let Some(remote) = offer.audio() else {
            return Err(MediaError::NoCommonCodec("no audio stream".to_owned()));
        };
        let formats = self.common_formats(remote)?;
        let wanted = if hold {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        };
        let direction = wanted.and(self.remote_direction(remote).reversed());
        let (transport, crypto) = self.transport_by_offer(remote)?;
        let negotiated = self.agree(remote, &formats, direction, transport)?;

        // Accepted: only from here on is anything changed.
        self.layout = offer
            .media
            .iter()
            .map(|media| keep(media, remote))
            .collect();
        self.mid.clone_from(&remote.mid);
        self.bundle = remote
            .mid
            .as_ref()
            .is_some_and(|mid| offer.bundle.contains(mid));
        self.protocol.clone_from(&remote.protocol);
        self.crypto = crypto;
        self.offer = None;
        for format in &formats {
            self.assign(format.payload_type, &format.name, format.clock);
        }
        if let TransportPlan::Dtls { role, .. } = &negotiated.transport {
            self.role = Some(*role);
        }
        let setup = self.role.map(|role| match role {
            DtlsRole::Client => Setup::Active,
            DtlsRole::Server => Setup::Passive,
        });
        let mut audio = self.audio(formats, direction, setup);
        audio.rtcp_mux = remote.rtcp_mux;
        audio.ptime = Some(negotiated.ptime_ms);
        Ok((self.describe(audio), negotiated))
    }

    fn audio(
        &self,
        formats: Vec<Format>,
        direction: Direction,
        setup: Option<Setup>,
    ) -> AudioMedia {
        AudioMedia {
            line: 0,
            port: self.local.rtp.port(),
            address: Some(self.local.rtp.ip()),
            protocol: self.protocol.clone(),
            formats,
            direction,
            ptime: None,
            max_ptime: None,
            mid: self.mid.clone(),
            rtcp_mux: true,
            rtcp: self.local.rtcp,
            ice: self.local.ice.clone(),
            candidates: self.local.candidates.clone(),
            fingerprints: self.local.fingerprint.iter().cloned().collect(),
            setup,
            crypto: self.crypto.clone(),
            bundle_only: false,
        }
    }

    fn describe(&mut self, audio: AudioMedia) -> String {
        self.version += 1;
        let bundle = match &self.mid {
            Some(mid) if self.bundle => vec![mid.clone()],
            _ => Vec::new(),
        };
        let mut audio = Some(Box::new(audio));
        let media = self
            .layout
            .iter()
            .filter_map(|slot| match slot {
                Some(other) => Some(Media::Other(other.clone())),
                None => audio.take().map(Media::Audio),
            })
            .collect();
        Session {
            id: self.id,
            version: self.version,
            address: self.local.rtp.ip(),
            media,
            bundle,
        }
        .to_string()
    }

    fn specs(&self) -> impl Iterator<Item = &'static CodecSpec> {
        self.local
            .codecs
            .iter()
            .filter_map(|codec| codec::spec(*codec))
    }

    fn offered_format(&mut self, spec: &CodecSpec) -> Format {
        let preferred = match (spec.static_pt, spec.codec) {
            (Some(payload_type), _) => payload_type,
            (None, Codec::Opus) => 111,
            (None, _) => 96,
        };
        Format {
            payload_type: self.payload_type(spec.name, spec.rtp_clock, preferred),
            name: spec.name.to_owned(),
            clock: spec.rtp_clock,
            channels: spec.channels_in_sdp,
            parameters: spec.offer_fmtp.to_owned(),
        }
    }

    fn offered_dtmf(&mut self, clock: u32) -> Format {
        let preferred = if clock == 8000 { 101 } else { 110 };
        Format {
            payload_type: self.payload_type("telephone-event", clock, preferred),
            name: "telephone-event".to_owned(),
            clock,
            channels: 1,
            parameters: "0-16".to_owned(),
        }
    }

    /// The payload type that this encoding has in this session, or a free one.
    fn payload_type(&mut self, name: &str, clock: u32, preferred: u8) -> u8 {
        let known = self
            .assigned
            .iter()
            .find(|known| known.clock == clock && known.name.eq_ignore_ascii_case(name));
        if let Some(known) = known {
            return known.payload_type;
        }
        let taken = |number: u8| self.assigned.iter().any(|a| a.payload_type == number);
        let payload_type = std::iter::once(preferred)
            .chain(96..=127)
            .find(|number| !taken(*number))
            .unwrap_or(preferred);
        self.assign(payload_type, name, clock);
        payload_type
    }

    fn assign(&mut self, payload_type: u8, name: &str, clock: u32) {
        self.assigned.retain(|known| {
            known.payload_type != payload_type
                && (known.clock != clock || !known.name.eq_ignore_ascii_case(name))
        });
        self.assigned.push(Assigned {
            payload_type,
            name: name.to_owned(),
            clock,
        });
    }

    /// The far end's direction; an address of zeros is the hold of RFC 2543.
    fn remote_direction(&self, remote: &AudioMedia) -> Direction {
        let old_hold = self.local.plan != KeyingPlan::Webrtc
            && remote
                .address
                .is_some_and(|address| address.is_unspecified());
        if old_hold {
            remote.direction.and(Direction::SendOnly)
        } else {
            remote.direction
        }
    }

    /// The formats of an offer that we can do, in its order and with its numbers.
    fn common_formats(&self, remote: &AudioMedia) -> Result<Vec<Format>, MediaError> {
        let mut formats = Vec::new();
        let mut specs = Vec::new();
        for format in &remote.formats {
            if let Some(spec) = self.spec_of(format) {
                formats.push(Format {
                    parameters: spec.offer_fmtp.to_owned(),
                    ..format.clone()
                });
                specs.push(spec);
            }
        }
        if formats.is_empty() {
            return Err(MediaError::NoCommonCodec(names(remote)));
        }
        let clocks = dtmf_clocks(&specs);
        for format in &remote.formats {
            if format.is_dtmf() && (clocks.contains(&format.clock) || format.clock == 8000) {
                formats.push(Format {
                    parameters: "0-16".to_owned(),
                    ..format.clone()
                });
            } else if format.is_comfort_noise() && takes_comfort_noise(&specs) {
                formats.push(comfort_noise());
            }
        }
        Ok(formats)
    }

    fn spec_of(&self, format: &Format) -> Option<&'static CodecSpec> {
        self.specs().find(|spec| {
            spec.name.eq_ignore_ascii_case(&format.name) && spec.rtp_clock == format.clock
        })
    }

    /// What holds once `local` (what we wrote or will write) has met the far end's description.
    fn agree(
        &self,
        remote: &AudioMedia,
        local: &[Format],
        direction: Direction,
        transport: TransportPlan,
    ) -> Result<Negotiated, MediaError> {
        let chosen = remote
            .formats
            .iter()
            .find_map(|format| Some((format, self.spec_of(format)?)));
        let Some((format, spec)) = chosen else {
            return Err(MediaError::NoCommonCodec(names(remote)));
        };
        let mut receive: Vec<(u8, Codec)> = Vec::new();
        // Ours first; the far end's numbers too, since some send by their own.
        for format in local.iter().chain(&remote.formats) {
            let known = receive
                .iter()
                .any(|(number, _)| *number == format.payload_type);
            if let (false, Some(spec)) = (known, self.spec_of(format)) {
                receive.push((format.payload_type, spec.codec));
            }
        }
        let digits = |formats: &[Format]| -> Vec<u8> {
            formats
                .iter()
                .filter(|format| format.is_dtmf())
                .map(|format| format.payload_type)
                .collect()
        };
        let mut dtmf_receive = digits(local);
        dtmf_receive.extend(digits(&remote.formats));
        dtmf_receive.retain(|number| !receive.iter().any(|(audio, _)| audio == number));
        let dtmf_send = remote
            .formats
            .iter()
            .filter(|format| format.is_dtmf())
            .min_by_key(|format| format.clock != spec.rtp_clock)
            .map(|format| (format.payload_type, format.clock));
        let longest_ms = remote.max_ptime.unwrap_or(LONGEST_MS).clamp(10, LONGEST_MS);
        Ok(Negotiated {
            codec: spec.codec,
            payload_type: format.payload_type,
            remote_fmtp: format.parameters.clone(),
            ptime_ms: remote.ptime.unwrap_or(PTIME_MS).clamp(10, longest_ms),
            longest_ms,
            receive,
            dtmf_send,
            dtmf_receive,
            direction,
            remote_rtp: remote.rtp_address(),
            remote_rtcp: remote.rtcp_address(),
            rtcp_mux: remote.rtcp_mux || self.local.plan == KeyingPlan::Webrtc,
            transport,
        })
    }

    fn transport_by_answer(&mut self, remote: &AudioMedia) -> Result<TransportPlan, MediaError> {
        match self.local.plan {
            KeyingPlan::Webrtc => {
                let role = self.role.unwrap_or(match remote.setup {
                    Some(Setup::Passive) => DtlsRole::Client,
                    _ => DtlsRole::Server,
                });
                let plan = dtls_plan(remote, role)?;
                self.role = Some(role);
                Ok(plan)
            }
            KeyingPlan::Sdes => {
                let chosen = remote.crypto.iter().find_map(|remote| {
                    let local = self
                        .crypto
                        .iter()
                        .find(|local| local.tag == remote.tag && local.suite == remote.suite)?;
                    Some((local.clone(), remote.clone()))
                });
                let (local, remote) = chosen.ok_or_else(|| {
                    MediaError::Keying(
                        "it answered encryption with none of the keys offered".to_owned(),
                    )
                })?;
                SrtpSuite::check(&remote)?;
                Ok(TransportPlan::Sdes { local, remote })
            }
            KeyingPlan::Plain => {
                if is_secure(remote) {
                    return Err(MediaError::Keying(format!(
                        "it answered plain RTP with {}",
                        remote.protocol
                    )));
                }
                Ok(TransportPlan::Plain)
            }
        }
    }

    fn transport_by_offer(
        &self,
        remote: &AudioMedia,
    ) -> Result<(TransportPlan, Vec<CryptoLine>), MediaError> {
        if self.local.plan == KeyingPlan::Webrtc {
            let role = self.role.unwrap_or(match remote.setup {
                Some(Setup::Active) => DtlsRole::Server,
                _ => DtlsRole::Client,
            });
            return Ok((dtls_plan(remote, role)?, Vec::new()));
        }
        if !is_secure(remote) {
            if self.local.plan == KeyingPlan::Sdes {
                return Err(MediaError::Keying(
                    "it offers unencrypted sound, and encryption is required".to_owned(),
                ));
            }
            return Ok((TransportPlan::Plain, Vec::new()));
        }
        let chosen = remote
            .crypto
            .iter()
            .find_map(|line| Some((line, SrtpSuite::by_sdes_name(&line.suite)?)));
        let Some((line, suite)) = chosen else {
            return Err(MediaError::Keying(format!(
                "{} without an a=crypto line that is supported",
                remote.protocol
            )));
        };
        SrtpSuite::check(line)?;
        let known = self.crypto.iter().find(|known| known.suite == line.suite);
        let local = match known {
            // The key in force stays over a re-INVITE.
            Some(known) => CryptoLine {
                tag: line.tag,
                ..known.clone()
            },
            None => new_crypto(line.tag, suite),
        };
        let plan = TransportPlan::Sdes {
            local: local.clone(),
            remote: line.clone(),
        };
        Ok((plan, vec![local]))
    }
}

/// Clocks of telephone-event that go with these codecs: each codec's own (RFC 4733 section 2.2).
fn dtmf_clocks(specs: &[&CodecSpec]) -> Vec<u32> {
    let mut clocks: Vec<u32> = Vec::new();
    for spec in specs {
        if !clocks.contains(&spec.rtp_clock) {
            clocks.push(spec.rtp_clock);
        }
    }
    clocks
}

/// Comfort noise goes with the codecs whose clock it shares (RFC 3389 section 5.1); Opus has its own.
fn takes_comfort_noise(specs: &[&CodecSpec]) -> bool {
    specs.iter().any(|spec| spec.rtp_clock == 8000)
}

/// Offered so that a far end that pauses can say how its silence sounds. We send sound without pauses ourselves: a
/// detector of speech that errs costs the beginning of a word.
fn comfort_noise() -> Format {
    Format {
        payload_type: COMFORT_NOISE,
        name: "CN".to_owned(),
        clock: 8000,
        channels: 1,
        parameters: String::new(),
    }
}

fn dtls_plan(remote: &AudioMedia, role: DtlsRole) -> Result<TransportPlan, MediaError> {
    if remote.fingerprints.is_empty() {
        return Err(MediaError::Keying(
            "there is no a=fingerprint, so no DTLS".to_owned(),
        ));
    }
    let Some(ice) = &remote.ice else {
        return Err(MediaError::Keying(
            "there is no a=ice-ufrag and a=ice-pwd".to_owned(),
        ));
    };
    Ok(TransportPlan::Dtls {
        ice: ice.clone(),
        candidates: candidates(remote),
        fingerprints: remote.fingerprints.clone(),
        role,
    })
}

/// The far end's candidates; its default address when it lists none.
fn candidates(remote: &AudioMedia) -> Vec<String> {
    if !remote.candidates.is_empty() {
        return remote.candidates.clone();
    }
    remote
        .rtp_address()
        .map(|address| {
            format!(
                "default 1 udp 2130706431 {} {} typ host",
                address.ip(),
                address.port()
            )
        })
        .into_iter()
        .collect()
}

fn is_secure(remote: &AudioMedia) -> bool {
    remote.protocol.contains("SAVP")
}

fn new_crypto(tag: u32, suite: SrtpSuite) -> CryptoLine {
    let mut key = vec![0; suite.key_and_salt()];
    rand::rng().fill(key.as_mut_slice());
    CryptoLine {
        tag,
        suite: suite.sdes_name().to_owned(),
        key: Secret::new(BASE64.encode(&key)),
    }
}

/// What stands in our answer for an m-line of an offer; `None` for the audio that is used.
fn keep(media: &Media, used: &AudioMedia) -> Option<OtherMedia> {
    match media {
        Media::Other(other) => Some(other.clone()),
        Media::Audio(audio) if audio.line == used.line => None,
        Media::Audio(audio) => Some(OtherMedia {
            kind: "audio".to_owned(),
            protocol: audio.protocol.clone(),
            formats: audio
                .formats
                .iter()
                .map(|format| format.payload_type.to_string())
                .collect::<Vec<_>>()
                .join(" "),
            mid: audio.mid.clone(),
        }),
    }
}

fn names(remote: &AudioMedia) -> String {
    let names: Vec<&str> = remote
        .formats
        .iter()
        .filter(|format| !format.name.is_empty() && !format.is_dtmf() && !format.is_comfort_noise())
        .map(|format| format.name.as_str())
        .collect();
    if names.is_empty() {
        "none that has a name".to_owned()
    } else {
        names.join(", ")
    }
}

/// Whether an address that the far end names is on this very machine.
pub(crate) fn names_loopback(session: &Session) -> bool {
    let Some(audio) = session.audio() else {
        return false;
    };
    let loopback = |address: IpAddr| address.is_loopback();
    audio.address.is_some_and(loopback)
        || audio.candidates.iter().any(|candidate| {
            candidate
                .split_ascii_whitespace()
                .nth(4)
                .and_then(|address| address.parse().ok())
                .is_some_and(loopback)
        })
}
