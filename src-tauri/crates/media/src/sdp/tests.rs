use sidetone_profile::Codec;

use super::*;
use crate::{KeyingPlan, MediaError};

/// As Asterisk 22 offers to a WebRTC endpoint (`webrtc=yes`, opus and ulaw).
const ASTERISK: &str = "v=0\r\n\
    o=- 1811094564 1811094564 IN IP4 192.0.2.10\r\n\
    s=Asterisk\r\n\
    c=IN IP4 192.0.2.10\r\n\
    t=0 0\r\n\
    a=msid-semantic:WMS *\r\n\
    a=group:BUNDLE audio-0\r\n\
    m=audio 11460 UDP/TLS/RTP/SAVPF 107 0 101 102\r\n\
    a=connection:new\r\n\
    a=setup:actpass\r\n\
    a=fingerprint:SHA-256 0A:1B:2C:3D\r\n\
    a=ice-ufrag:6f2a1bc2\r\n\
    a=ice-pwd:4f5e6d7c8b9a0f1e2d3c4b5a\r\n\
    a=candidate:Hc0a80001 1 UDP 2130706431 192.0.2.10 11460 typ host\r\n\
    a=rtpmap:107 opus/48000/2\r\n\
    a=fmtp:107 useinbandfec=1\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/48000\r\n\
    a=fmtp:101 0-16\r\n\
    a=rtpmap:102 telephone-event/8000\r\n\
    a=fmtp:102 0-16\r\n\
    a=ptime:20\r\n\
    a=maxptime:60\r\n\
    a=sendrecv\r\n\
    a=rtcp-mux\r\n\
    a=mid:audio-0\r\n";

/// As Chromium offers audio, video and a data channel; shortened.
const CHROMIUM: &str = "v=0\r\n\
    o=- 4215775240449105457 2 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0 1 2\r\n\
    a=extmap-allow-mixed\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=mid:0\r\n\
    a=rtpmap:96 VP8/90000\r\n\
    m=audio 54400 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n\
    c=IN IP4 198.51.100.4\r\n\
    a=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=candidate:1467250027 1 udp 2122260223 5f0b.local 46243 typ host generation 0\r\n\
    a=candidate:842163049 1 udp 1677729535 198.51.100.4 54400 typ srflx raddr 0.0.0.0 rport 0\r\n\
    a=ice-ufrag:EsAw\r\n\
    a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
    a=ice-options:trickle\r\n\
    a=fingerprint:sha-256 0F:74:31\r\n\
    a=setup:actpass\r\n\
    a=mid:1\r\n\
    a=sendrecv\r\n\
    a=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\n\
    a=rtpmap:110 telephone-event/48000\r\n\
    a=rtpmap:126 telephone-event/8000\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=mid:2\r\n\
    a=sctp-port:5000\r\n";

/// As rtpengine answers: `RTP/SAVPF`, credentials at the session level, no BUNDLE.
const RTPENGINE_ANSWER: &str = "v=0\r\n\
    o=- 77 78 IN IP4 203.0.113.5\r\n\
    s=-\r\n\
    c=IN IP4 203.0.113.5\r\n\
    t=0 0\r\n\
    a=ice-lite\r\n\
    m=audio 30022 RTP/SAVPF 8 101\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=sendrecv\r\n\
    a=rtcp:30022\r\n\
    a=rtcp-mux\r\n\
    a=setup:passive\r\n\
    a=fingerprint:sha-1 AA:BB\r\n\
    a=ice-ufrag:4m7s\r\n\
    a=ice-pwd:J2kDp9qMZrVb7xHtWc5nYs\r\n\
    a=candidate:UWkWo 1 UDP 2130706431 203.0.113.5 30022 typ host\r\n\
    a=end-of-candidates\r\n";

/// An old phone's offer of plain RTP, put on hold as RFC 2543 did.
const OLD_HOLD: &str = "v=0\n\
    o=phone 1 2 IN IP4 192.0.2.9\n\
    s=call\n\
    c=IN IP4 0.0.0.0\n\
    t=0 0\n\
    m=audio 16384 RTP/AVP 0\n";

fn side(plan: KeyingPlan, codecs: &[Codec]) -> OfferAnswer {
    let webrtc = plan == KeyingPlan::Webrtc;
    OfferAnswer::new(LocalSide {
        plan,
        codecs: codecs.to_vec(),
        rtp: "192.0.2.77:40000".parse().expect("an address"),
        rtcp: (!webrtc).then(|| "192.0.2.77:40001".parse().expect("an address")),
        ice: webrtc.then(|| IceParams {
            ufrag: "ourfrag".to_owned(),
            pwd: Secret::new("ourpassword-ourpassword"),
            lite: false,
        }),
        candidates: if webrtc {
            vec!["1 1 udp 2130706431 192.0.2.77 40000 typ host".to_owned()]
        } else {
            Vec::new()
        },
        fingerprint: webrtc.then(|| Fingerprint {
            hash: "sha-256".to_owned(),
            value: vec![0xab, 0x01],
        }),
    })
}

fn parse(text: &str) -> Session {
    Session::parse(text).expect("well-formed")
}

#[test]
fn asterisks_offer_is_answered_with_its_own_numbers() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus, Codec::Ulaw]);
    let (answer, agreed) = negotiation
        .answer(&parse(ASTERISK), false)
        .expect("accepted");
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Opus, 107));
    assert_eq!(agreed.dtmf_send, Some((101, 48_000)));
    assert_eq!(agreed.receive, [(107, Codec::Opus), (0, Codec::Ulaw)]);
    assert!(agreed.dtmf_receive.contains(&101) && agreed.dtmf_receive.contains(&102));
    let TransportPlan::Dtls {
        role, fingerprints, ..
    } = &agreed.transport
    else {
        panic!("not DTLS");
    };
    assert_eq!(*role, DtlsRole::Client);
    // The name of the hash is compared without case.
    assert_eq!(fingerprints[0].hash, "sha-256");
    for line in [
        "m=audio 40000 UDP/TLS/RTP/SAVPF 107 0 101 102\r\n",
        "c=IN IP4 192.0.2.77\r\n",
        "a=group:BUNDLE audio-0\r\n",
        "a=mid:audio-0\r\n",
        "a=setup:active\r\n",
        "a=fingerprint:sha-256 AB:01\r\n",
        "a=rtcp-mux\r\n",
        "a=sendrecv\r\n",
    ] {
        assert!(answer.contains(line), "{line} in\n{answer}");
    }
}

#[test]
fn packets_are_as_long_as_the_far_end_wishes_and_no_longer_than_it_takes() {
    for (wish, ptime_ms, longest_ms) in [
        ("a=ptime:20\r\na=maxptime:60\r\n", 20, 60),
        ("a=ptime:40\r\n", 40, 60),
        ("a=ptime:60\r\na=maxptime:20\r\n", 20, 20),
        ("a=maxptime:10\r\n", 10, 10),
        ("a=ptime:120\r\na=maxptime:150\r\n", 60, 60),
        ("a=ptime:2\r\na=maxptime:5\r\n", 10, 10),
        // Nothing that can be meant: as if it were not there.
        ("a=ptime:0\r\na=maxptime:soon\r\n", 20, 60),
        ("", 20, 60),
    ] {
        let offer = ASTERISK.replace("a=ptime:20\r\na=maxptime:60\r\n", wish);
        let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus]);
        let (answer, agreed) = negotiation.answer(&parse(&offer), false).expect(wish);
        assert_eq!(
            (agreed.ptime_ms, agreed.longest_ms),
            (ptime_ms, longest_ms),
            "{wish}"
        );
        assert!(
            answer.contains(&format!("a=ptime:{ptime_ms}\r\n")),
            "{answer}"
        );
    }
}

#[test]
fn video_and_data_are_refused_in_their_places() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Alaw, Codec::Opus]);
    let (answer, agreed) = negotiation
        .answer(&parse(CHROMIUM), false)
        .expect("accepted");
    // The order of the offer counts (RFC 3264 section 6.1).
    assert_eq!(agreed.codec, Codec::Opus);
    let media: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert_eq!(
        media,
        [
            "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
            "m=audio 40000 UDP/TLS/RTP/SAVPF 111 8 13 110 126",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        ]
    );
    assert!(answer.contains("a=group:BUNDLE 1\r\n"), "{answer}");
    // Our next offer keeps the places.
    let offer = negotiation.offer(Direction::SendOnly).expect("an offer");
    let again: Vec<&str> = offer
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert_eq!(again[0], media[0]);
    assert!(again[1].starts_with("m=audio 40000"), "{again:?}");
    assert_eq!(again[2], media[2]);
    assert!(offer.contains("a=sendonly\r\n"));
}

#[test]
fn rtpengines_answer_without_bundle_is_accepted() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus, Codec::Alaw]);
    negotiation.offer(Direction::SendRecv).expect("an offer");
    let agreed = negotiation.answered(RTPENGINE_ANSWER).expect("accepted");
    let agreed = agreed.expect("new");
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Alaw, 8));
    assert_eq!(agreed.dtmf_send, Some((101, 8000)));
    let TransportPlan::Dtls { ice, role, .. } = &agreed.transport else {
        panic!("not DTLS");
    };
    assert!(ice.lite);
    assert_eq!(*role, DtlsRole::Client);
    assert!(
        negotiation
            .answered(RTPENGINE_ANSWER)
            .expect("again")
            .is_none()
    );
}

#[test]
fn the_offer_names_a_real_address_and_both_clocks_of_digits() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus, Codec::Ulaw]);
    let offer = negotiation.offer(Direction::SendRecv).expect("an offer");
    for line in [
        "m=audio 40000 UDP/TLS/RTP/SAVPF 111 0 110 101 13\r\n",
        "c=IN IP4 192.0.2.77\r\n",
        "a=rtpmap:111 opus/48000/2\r\n",
        "a=rtpmap:110 telephone-event/48000\r\n",
        "a=rtpmap:101 telephone-event/8000\r\n",
        "a=setup:actpass\r\n",
    ] {
        assert!(offer.contains(line), "{line} in\n{offer}");
    }
}

#[test]
fn comfort_noise_goes_with_the_codecs_of_its_clock() {
    let mut narrow = side(KeyingPlan::Plain, &[Codec::Alaw]);
    let offer = narrow.offer(Direction::SendRecv).expect("an offer");
    assert!(offer.contains("a=rtpmap:13 CN/8000\r\n"), "{offer}");
    let mut wide = side(KeyingPlan::Plain, &[Codec::Opus]);
    let offer = wide.offer(Direction::SendRecv).expect("an offer");
    assert!(!offer.contains("CN/8000"), "{offer}");

    let chromium = parse(CHROMIUM);
    let mut narrow = side(KeyingPlan::Webrtc, &[Codec::Ulaw]);
    let (answer, agreed) = narrow.answer(&chromium, false).expect("accepted");
    assert!(answer.contains("a=rtpmap:13 CN/8000\r\n"), "{answer}");
    // It is no codec to be sent, and no sound to be decoded as one.
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Ulaw, 0));
    assert!(agreed.receive.iter().all(|(number, _)| *number != 13));
    let mut wide = side(KeyingPlan::Webrtc, &[Codec::Opus]);
    let (answer, _) = wide.answer(&chromium, false).expect("accepted");
    assert!(!answer.contains("CN/8000"), "{answer}");
    // An offer of nothing else is none.
    let alone = OLD_HOLD.replace("RTP/AVP 0", "RTP/AVP 13");
    let refused = side(KeyingPlan::Plain, &[Codec::Ulaw]).answer(&parse(&alone), false);
    assert!(
        matches!(refused, Err(MediaError::NoCommonCodec(_))),
        "{refused:?}"
    );
}

#[test]
fn our_own_kind_is_told_that_deep_redundancy_is_read_here() {
    let codecs = [Codec::Opus];
    let offer = side(KeyingPlan::Plain, &codecs)
        .offer(Direction::SendRecv)
        .expect("an offer");
    let (answer, agreed) = side(KeyingPlan::Plain, &codecs)
        .answer(&parse(&offer), false)
        .expect("accepted");
    for text in [&offer, &answer] {
        assert!(text.contains(";x-dred="), "{text}");
    }
    assert!(agreed.remote_fmtp.contains(";x-dred="), "{agreed:?}");
}

#[test]
fn a_number_never_changes_its_meaning_within_a_session() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus, Codec::Ulaw]);
    negotiation
        .answer(&parse(ASTERISK), false)
        .expect("accepted");
    let offer = negotiation.offer(Direction::SendRecv).expect("an offer");
    assert!(offer.contains("a=rtpmap:107 opus/48000/2\r\n"), "{offer}");
    assert!(offer.contains("a=rtpmap:101 telephone-event/48000\r\n"));
    assert!(offer.contains("a=rtpmap:102 telephone-event/8000\r\n"));
    negotiation.roll_back();
    // A re-INVITE that moves them is followed.
    let moved = ASTERISK
        .replace("107", "96")
        .replace(" 101 102", " 106")
        .replace("a=rtpmap:101 telephone-event/48000\r\n", "")
        .replace("a=rtpmap:102", "a=rtpmap:106");
    let (answer, agreed) = negotiation.answer(&parse(&moved), false).expect("accepted");
    assert_eq!(
        (agreed.payload_type, agreed.dtmf_send),
        (96, Some((106, 8000)))
    );
    assert!(answer.contains(" 96 0 106\r\n"), "{answer}");
}

#[test]
fn a_new_offer_is_answered_with_the_role_in_force() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus]);
    let first = ASTERISK.replace("setup:actpass", "setup:active");
    let (answer, _) = negotiation.answer(&parse(&first), false).expect("accepted");
    assert!(answer.contains("a=setup:passive"));
    let (answer, _) = negotiation
        .answer(&parse(ASTERISK), true)
        .expect("accepted");
    assert!(answer.contains("a=setup:passive"), "{answer}");
    assert!(answer.contains("a=sendonly"), "{answer}");
}

#[test]
fn directions_meet_as_in_rfc_3264() {
    for (theirs, hold, ours) in [
        ("sendrecv", false, Direction::SendRecv),
        ("sendonly", false, Direction::RecvOnly),
        ("recvonly", false, Direction::SendOnly),
        ("inactive", false, Direction::Inactive),
        ("sendrecv", true, Direction::SendOnly),
        ("sendonly", true, Direction::Inactive),
    ] {
        let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::Opus]);
        let offer = ASTERISK.replace("a=sendrecv", &format!("a={theirs}"));
        let (_, agreed) = negotiation.answer(&parse(&offer), hold).expect("accepted");
        assert_eq!(agreed.direction, ours, "{theirs}, hold {hold}");
    }
}

#[test]
fn an_address_of_zeros_is_a_hold() {
    let mut negotiation = side(KeyingPlan::Plain, &[Codec::Ulaw]);
    let (answer, agreed) = negotiation
        .answer(&parse(OLD_HOLD), false)
        .expect("accepted");
    assert!(!agreed.direction.sends(), "{answer}");
    assert_eq!(agreed.remote_rtp, None);
}

#[test]
fn sdes_keys_are_answered_by_tag_and_suite() {
    let mut offering = side(KeyingPlan::Sdes, &[Codec::Ulaw]);
    let mut answering = side(KeyingPlan::Plain, &[Codec::Ulaw]);
    let offer = offering.offer(Direction::SendRecv).expect("an offer");
    assert!(
        offer.contains("m=audio 40000 RTP/SAVP 0 101 13\r\n"),
        "{offer}"
    );
    let (answer, at_answerer) = answering.answer(&parse(&offer), false).expect("accepted");
    let at_offerer = offering.answered(&answer).expect("accepted").expect("new");
    let (
        TransportPlan::Sdes { local, remote },
        TransportPlan::Sdes {
            local: local2,
            remote: remote2,
        },
    ) = (&at_offerer.transport, &at_answerer.transport)
    else {
        panic!("not SDES");
    };
    assert!(local == remote2 && remote == local2);
    // Debug output is for logs: no key in it.
    let key = local.key.reveal();
    assert!(!format!("{at_offerer:?}").contains(key));

    // A new offer in the same session keeps the key.
    let again = offering.offer(Direction::SendOnly).expect("an offer");
    let (_, after) = answering.answer(&parse(&again), false).expect("accepted");
    assert_eq!(after.transport, at_answerer.transport);

    let wrong = answer.replace("AES_CM_128_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80");
    assert!(matches!(
        offering.answered(&wrong),
        Err(MediaError::Keying(_))
    ));
}

#[test]
fn faults_name_their_line() {
    let parse = |text: &str| Session::parse(text).expect_err("malformed");
    for (text, line, word) in [
        ("", 1, "empty"),
        ("o=- 1 1 IN IP4 192.0.2.1", 1, "v=0"),
        ("v=0\r\no=- x 1 IN IP4 192.0.2.1", 2, "session id"),
        ("v=0\r\ns=-\r\n", 2, "no o="),
        ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nnonsense", 3, "x=value"),
        (
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 99999 RTP/AVP 0",
            3,
            "port",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 200",
            3,
            "payload type",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU",
            4,
            "clock",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\na=fingerprint:sha-256 zz",
            4,
            "hexadecimal",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\nc=192.0.2.1",
            4,
            "c=",
        ),
    ] {
        let error = parse(text);
        let MediaError::BadSdp { line: at, fault } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*at, line, "{text:?}: {fault}");
        assert!(fault.contains(word), "{text:?}: {fault}");
    }
}

#[test]
fn without_a_common_codec_the_offered_ones_are_named() {
    let mut negotiation = side(KeyingPlan::Webrtc, &[Codec::G722]);
    let error = negotiation
        .answer(&parse(ASTERISK), false)
        .expect_err("nothing in common");
    assert_eq!(
        error,
        MediaError::NoCommonCodec("opus, PCMU".to_owned()),
        "{error}"
    );
}

#[test]
fn mangled_descriptions_do_no_harm() {
    use rand::{Rng as _, SeedableRng as _};
    let mut random = rand::rngs::SmallRng::seed_from_u64(3);
    for text in [ASTERISK, CHROMIUM, RTPENGINE_ANSWER, OLD_HOLD] {
        for _ in 0..2000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..random.random_range(1..8) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..3) {
                    0 => bytes[at] = random.random_range(9..127),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at.max(16)),
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let Ok(session) = Session::parse(&text) else {
                continue;
            };
            for plan in [KeyingPlan::Webrtc, KeyingPlan::Plain, KeyingPlan::Sdes] {
                let mut negotiation = side(plan, &[Codec::Opus, Codec::Ulaw]);
                if let Ok((answer, _)) = negotiation.answer(&session, false) {
                    Session::parse(&answer).expect("our own answer is well-formed");
                }
            }
        }
    }
}
