//! The parsers of outside bytes, as the targets in `tests/fuzz` call them: bytes in, nothing out but a panic.

use std::io::Cursor;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_shared::turn_framing::TurnStreamDecoder;
use sidetone_profile::{Codec, Secret};

use crate::codec;
use crate::rtp::{Outgoing, RtpSession};
use crate::sdp::{DtlsRole, Fingerprint, IceParams, LocalSide, OfferAnswer, Session};
use crate::transport::gather::mapped_address;
use crate::transport::relay::{self, Account};
use crate::transport::server_url::ServerUrl;
use crate::transport::{DtlsLeg, FlightGate, Identity, MediaTransport, SUITES};
use crate::wav::LoopedWav;
use crate::{BLOCK, Direction, KeyingPlan};

const CODECS: [Codec; 4] = [Codec::Opus, Codec::Ulaw, Codec::Alaw, Codec::G722];
const PLANS: [KeyingPlan; 3] = [KeyingPlan::Webrtc, KeyingPlan::Sdes, KeyingPlan::Plain];
/// Of a far end that sends Opus, G.711 and digits without keys.
const PLAIN_OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
    m=audio 16384 RTP/AVP 107 0 8 9 101 102\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\n\
    a=rtpmap:102 telephone-event/8000\r\n";
/// Of a far end with ICE and DTLS.
const WEBRTC_OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
    m=audio 16384 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:fuzz\r\n\
    a=ice-pwd:fuzzfuzzfuzzfuzzfuzzfuzz\r\na=fingerprint:sha-256 0A:1B\r\n\
    a=candidate:1 1 UDP 2130706431 192.0.2.9 16384 typ host\r\n";

/// Reads a session description (RFC 8866), answers it as an offer and takes it as an answer (RFC 3264), with every
/// kind of keying; an answer of ours must be readable.
///
/// # Panics
/// When it is not.
pub fn description(text: &str) {
    let Ok(offer) = Session::parse(text) else {
        return;
    };
    let _ = crate::sdp::names_loopback(&offer);
    for plan in PLANS {
        let mut answering = OfferAnswer::new(side(plan));
        if let Ok((answer, _)) = answering.answer(&offer, false) {
            assert!(Session::parse(&answer).is_ok(), "not readable: {answer}");
            // As a re-INVITE has it.
            let _ = answering.answer(&offer, true);
            let _ = answering.offer(Direction::SendRecv);
            let _ = answering.answered(text);
        }
        let mut offering = OfferAnswer::new(side(plan));
        if offering.offer(Direction::SendRecv).is_ok() {
            let _ = offering.answered(text);
        }
    }
}

/// Datagrams that come to a WebRTC call in the middle of its set-up: STUN (RFC 8489) to the ICE agent, DTLS (RFC
/// 6347) to the flight gate and to the handshake behind it. `server`: our role in the handshake.
pub fn datagrams<'a>(server: bool, datagrams: impl Iterator<Item = &'a [u8]>) {
    let role = if server {
        DtlsRole::Server
    } else {
        DtlsRole::Client
    };
    let now = Instant::now();
    let (local, from) = (address(40_000), address(16_384));
    let mut gate = FlightGate::new(role);
    let (Ok(identity), Ok(mut transport)) = (
        Identity::of_process(),
        MediaTransport::ice(now, &[local], Vec::new(), !server),
    ) else {
        return;
    };
    let mut side = side(KeyingPlan::Webrtc);
    side.ice = transport.local_ice().map(|(ice, _)| ice);
    let negotiated =
        Session::parse(WEBRTC_OFFER).and_then(|offer| OfferAnswer::new(side).answer(&offer, false));
    if let Ok((_, negotiated)) = negotiated {
        let _ = transport.apply(now, identity, &negotiated);
    }
    let mut handshake = DtlsLeg::new(identity, role, vec![fingerprint()], &SUITES).ok();
    if let Some(leg) = &mut handshake {
        let _ = leg.start(now);
    }
    for (index, datagram) in datagrams.enumerate() {
        let now = now + Duration::from_millis(50 * index as u64);
        let _ = gate.push(datagram, (index % 2 == 1).then_some(24));
        transport.handle_datagram(now, local, from, datagram);
        transport.handle_timeout(now);
        while transport.poll_transmit().is_some() {}
        while transport.poll_event().is_some() {}
        if let Some(leg) = &mut handshake {
            // An error ends the handshake of a real call; nothing may follow it.
            if leg.handle(now, datagram).is_err() || leg.handle_timeout(now).is_err() {
                handshake = None;
            } else {
                while leg.poll_transmit().is_some() {}
            }
        }
    }
}

/// RTP, RTCP (RFC 3550) and telephone events (RFC 4733) in clear, taken by a session that is heard all the while.
pub fn packets<'a>(packets: impl Iterator<Item = &'a [u8]>) {
    let negotiated = Session::parse(PLAIN_OFFER)
        .and_then(|offer| OfferAnswer::new(side(KeyingPlan::Plain)).answer(&offer, false));
    let Ok((_, negotiated)) = negotiated else {
        return;
    };
    let mut session = RtpSession::new();
    if session.apply(&negotiated).is_err() {
        return;
    }
    let (silence, mut heard) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut now = Duration::ZERO;
    for packet in packets {
        // RFC 5761 section 4: packet types of RTCP.
        if packet
            .get(1)
            .is_some_and(|second| (192..=223).contains(second))
        {
            session.handle_rtcp(now, BytesMut::from(packet));
        } else {
            session.handle_rtp(now, packet);
        }
        let mut out = Outgoing::default();
        session.exchange(now, true, &silence, &mut heard, &mut out);
        assert!(heard.iter().all(|sample| sample.is_finite()), "not sound");
        session.handle_timeout(now, true, "none", &mut out);
        let _ = session.take_events();
        now += Duration::from_millis(10);
    }
    let _ = session.goodbye(now);
}

/// RTCP alone (RFC 3550, RFC 3611): whatever comes is made a packet of a known type, so that much of it is looked into.
pub fn reports<'a>(reports: impl Iterator<Item = &'a [u8]>) {
    let shaped: Vec<Vec<u8>> = reports
        .filter(|report| report.len() >= 4)
        .map(|report| {
            let mut shaped = report.to_vec();
            shaped[0] = 0x80 | shaped[0] & 0x3f;
            // SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR.
            shaped[1] = 200 + shaped[1] % 8;
            shaped
        })
        .collect();
    packets(shaped.iter().map(Vec::as_slice));
}

/// What a STUN or TURN server answers (RFC 8489, RFC 8656), as datagrams and as a stream, and the address by which such
/// a server is configured.
pub fn relay(stream: &[u8]) {
    let _ = mapped_address(stream, &[0; 12]);
    if let Some(id) = stream.get(8..20).and_then(|id| id.first_chunk::<12>()) {
        let _ = mapped_address(stream, id);
    }
    if let Ok(url) = ServerUrl::parse(&String::from_utf8_lossy(stream)) {
        assert!(!url.host.is_empty(), "a server without a name");
    }
    let mut decoder = TurnStreamDecoder::new();
    let mut messages = Vec::new();
    for part in stream.chunks(100) {
        decoder.extend_from_slice(part);
        // What is no TURN ends the connection.
        while let Ok(Some(message)) = decoder.next_message() {
            messages.push(message);
        }
    }
    let account = Account {
        server: address(3478),
        username: "agent".to_owned(),
        credential: Secret::new("secret"),
    };
    relay::answered(
        Instant::now(),
        address(40_000),
        &account,
        messages.into_iter().take(64),
    );
}

/// Payloads of one codec; `which` chooses it. What it says of a payload's length must be so, and all of it sound.
///
/// # Panics
/// When it is not.
pub fn payloads<'a>(which: u8, payloads: impl Iterator<Item = &'a [u8]>) {
    const ALL: [Codec; 5] = [
        Codec::Gsm,
        Codec::Opus,
        Codec::Ulaw,
        Codec::Alaw,
        Codec::G722,
    ];
    let codec = ALL[usize::from(which) % ALL.len()];
    let Some(Ok(mut decoder)) =
        codec::spec(codec).map(|spec| spec.decoder(codec::OpusTuning::default()))
    else {
        return;
    };
    let mut pcm = Vec::new();
    for payload in payloads {
        pcm.clear();
        let samples = decoder.samples(payload);
        if let Some(samples) = samples {
            let _ = decoder.recover(payload, samples, &mut pcm);
            pcm.clear();
            decoder.decode(payload, &mut pcm);
            assert_eq!(pcm.len(), samples, "{codec:?}");
        } else {
            decoder.conceal(160, &mut pcm);
            assert_eq!(pcm.len(), 160, "{codec:?}");
        }
        assert!(pcm.iter().all(|sample| sample.is_finite()), "not sound");
    }
}

/// Reads a WAV file.
pub fn wav(bytes: &[u8]) {
    let _ = LoopedWav::read(Cursor::new(bytes));
}

fn side(plan: KeyingPlan) -> LocalSide {
    let webrtc = plan == KeyingPlan::Webrtc;
    LocalSide {
        plan,
        codecs: CODECS.to_vec(),
        rtp: address(40_000),
        rtcp: (!webrtc).then(|| address(40_001)),
        ice: webrtc.then(|| IceParams {
            ufrag: "ourfrag".to_owned(),
            pwd: Secret::new("ourpassword-ourpassword"),
            lite: false,
        }),
        candidates: Vec::new(),
        fingerprint: webrtc.then(fingerprint),
    }
}

fn fingerprint() -> Fingerprint {
    Fingerprint {
        hash: "sha-256".to_owned(),
        value: vec![0xab, 0x01],
    }
}

fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 77], port).into()
}
