//! Two sessions of our own on this machine, joined by their descriptions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use sidetone_profile::Codec;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, interval, timeout};

use super::*;
use crate::{BLOCK, level};

mod turn;

/// Generous: a loaded machine is not a fault.
const PATIENCE: Duration = Duration::from_secs(30);

struct Side {
    session: Session,
    events: UnboundedReceiver<SessionEvent>,
    heard: Vec<f32>,
    digits: String,
}

impl Side {
    fn new((session, _, events): (Session, String, UnboundedReceiver<SessionEvent>)) -> Self {
        Self {
            session,
            events,
            heard: Vec::new(),
            digits: String::new(),
        }
    }

    /// Waits for an event that fits; digits are noted on the way.
    async fn expect(&mut self, what: &str, fits: impl Fn(&SessionEvent) -> bool) {
        let found = async {
            while let Some(event) = self.events.recv().await {
                if let SessionEvent::Dtmf(digit) = &event {
                    self.digits.push(*digit);
                }
                if fits(&event) {
                    return true;
                }
            }
            false
        };
        let found = timeout(PATIENCE, found).await;
        assert_eq!(found, Ok(true), "{what}");
    }

    fn drain(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            if let SessionEvent::Dtmf(digit) = event {
                self.digits.push(digit);
            }
        }
    }
}

fn config(plan: KeyingPlan, codecs: &[Codec]) -> MediaConfig {
    MediaConfig {
        codecs: codecs.to_vec(),
        plan,
        ice_servers: Vec::new(),
        tls: None,
        bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        latch: false,
    }
}

async fn joined(offering: MediaConfig, answering: MediaConfig) -> (Side, Side) {
    let offered = Session::offer(offering).await.expect("an offer");
    let answered = Session::answer(answering, &offered.1)
        .await
        .expect("an answer");
    offered
        .0
        .apply_answer(&answered.1)
        .expect("the answer is accepted");
    let (mut a, mut b) = (Side::new(offered), Side::new(answered));
    a.expect("a connects", |event| *event == SessionEvent::Connected)
        .await;
    b.expect("b connects", |event| *event == SessionEvent::Connected)
        .await;
    (a, b)
}

/// Speaks a tone from each side until `done`, one block every 10 ms.
async fn speak(a: &mut Side, b: &mut Side, mut done: impl FnMut(&Side, &Side) -> bool) {
    let mut clock = interval(Duration::from_millis(10));
    let began = Instant::now();
    let mut phase = 0;
    while !done(a, b) {
        assert!(began.elapsed() < PATIENCE, "nothing came of it");
        clock.tick().await;
        let block: Block = std::array::from_fn(|n| {
            let at = (phase + n) as f32 / 48_000.0;
            0.3 * (at * 440.0 * std::f32::consts::TAU).sin()
        });
        phase += BLOCK;
        for side in [&mut *a, &mut *b] {
            let mut received = [0.0; BLOCK];
            side.session.exchange(&block, &mut received);
            side.heard.extend_from_slice(&received);
            side.drain();
        }
    }
}

/// 10 ms of 400 Hz, which follow on each other.
fn tone() -> Block {
    std::array::from_fn(|n| 0.3 * (n as f32 / 120.0 * std::f32::consts::TAU).sin())
}

/// Level of the last half second.
fn loudness(side: &Side) -> f32 {
    let from = side.heard.len().saturating_sub(24_000);
    level::dbov(&side.heard[from..])
}

fn hears(side: &Side) -> bool {
    side.heard.len() >= 24_000 && loudness(side) > -20.0
}

async fn converse(plan: KeyingPlan, codec: Codec) -> SessionStats {
    let (mut a, mut b) = joined(config(plan, &[codec]), config(plan, &[codec])).await;
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
    let stats = a.session.stats();
    assert!(stats.packets_sent > 5 && stats.packets_received > 5);
    stats
}

#[tokio::test]
async fn webrtc_carries_opus_both_ways() {
    let stats = converse(KeyingPlan::Webrtc, Codec::Opus).await;
    assert_eq!(stats.codec, "opus");
    assert_eq!(stats.keying, "AEAD_AES_256_GCM");
}

#[tokio::test]
async fn webrtc_carries_g711_both_ways() {
    let stats = converse(KeyingPlan::Webrtc, Codec::Ulaw).await;
    assert_eq!(stats.codec, "PCMU");
}

#[tokio::test]
async fn plain_rtp_carries_g711_both_ways() {
    let stats = converse(KeyingPlan::Plain, Codec::Alaw).await;
    assert_eq!((&*stats.codec, &*stats.keying), ("PCMA", "none"));
}

#[tokio::test]
async fn sdes_carries_g722_both_ways() {
    let stats = converse(KeyingPlan::Sdes, Codec::G722).await;
    assert_eq!(stats.keying, "AES_CM_128_HMAC_SHA1_80");
}

#[tokio::test]
async fn every_kind_of_call_is_carried_over_ipv6() {
    let localhost = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if std::net::UdpSocket::bind((localhost, 0)).is_err() {
        println!("left out: this machine has no IPv6");
        return;
    }
    for plan in [KeyingPlan::Webrtc, KeyingPlan::Sdes, KeyingPlan::Plain] {
        let config = MediaConfig {
            bind: vec![localhost],
            ..config(plan, &[Codec::Ulaw])
        };
        let (session, offer, _) = Session::offer(config.clone()).await.expect("an offer");
        assert!(offer.contains("c=IN IP6 ::1\r\n"), "{offer}");
        session.close();
        let (mut a, mut b) = joined(config.clone(), config).await;
        speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
        let stats = a.session.stats();
        assert!(stats.packets_lost < 5, "{plan:?}: {stats:?}");
    }
}

#[tokio::test]
async fn sdes_carries_every_suite_that_the_far_end_chooses() {
    for suite in [
        "AES_CM_128_HMAC_SHA1_32",
        "AES_256_CM_HMAC_SHA1_80",
        "AEAD_AES_256_GCM",
    ] {
        let sdes = config(KeyingPlan::Sdes, &[Codec::Ulaw]);
        let offered = Session::offer(sdes.clone()).await.expect("an offer");
        // A far end that takes only this one.
        let only: String = offered
            .1
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with("a=crypto") || line.contains(suite))
            .collect();
        let answered = Session::answer(sdes, &only).await.expect("an answer");
        offered.0.apply_answer(&answered.1).expect("accepted");
        let (mut a, mut b) = (Side::new(offered), Side::new(answered));
        speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
        assert_eq!(a.session.stats().keying, suite);
        assert!(a.session.stats().mos.is_some_and(|mos| mos > 4.0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_phone_on_every_interface_meets_a_server_on_loopback_and_speaks_from_its_own_threads() {
    let server = config(KeyingPlan::Webrtc, &[Codec::Opus]);
    let phone = MediaConfig {
        bind: Vec::new(),
        ..server.clone()
    };
    // Both directions of the call.
    for (offering, answering) in [(phone.clone(), server.clone()), (server, phone)] {
        let (a, b) = joined(offering, answering).await;
        let voices = [a.session.clone(), b.session.clone()].map(|session| {
            std::thread::spawn(move || {
                let began = std::time::Instant::now();
                let mut heard = [0.0; BLOCK];
                while level::dbov(&heard) < -20.0 && began.elapsed() < PATIENCE {
                    session.exchange(&tone(), &mut heard);
                    std::thread::sleep(Duration::from_millis(10));
                }
                // The other side has to hear us, too.
                for _ in 0..50 {
                    session.exchange(&tone(), &mut [0.0; BLOCK]);
                    std::thread::sleep(Duration::from_millis(10));
                }
                level::dbov(&heard)
            })
        });
        for voice in voices {
            let heard = tokio::task::spawn_blocking(move || voice.join());
            let heard = heard.await.expect("waited").expect("no panic");
            assert!(heard >= -20.0, "{heard}");
        }
    }
}

#[tokio::test]
async fn digits_arrive_once_each_with_opus_and_with_g711() {
    for codec in [Codec::Opus, Codec::Ulaw] {
        let webrtc = config(KeyingPlan::Webrtc, &[codec]);
        let (mut a, mut b) = joined(webrtc.clone(), webrtc).await;
        assert!(a.session.send_dtmf("19*0D7#"));
        speak(&mut a, &mut b, |_, b| b.digits.len() >= 7).await;
        // Nothing more comes of the repeats.
        let until = b.heard.len() + 12_000;
        speak(&mut a, &mut b, |_, b| b.heard.len() > until).await;
        assert_eq!(b.digits, "19*0D7#");
    }
}

#[tokio::test]
async fn hold_stops_the_sound_both_ways_and_resume_brings_it_back() {
    let webrtc = config(KeyingPlan::Webrtc, &[Codec::Opus]);
    let (mut a, mut b) = joined(webrtc.clone(), webrtc).await;
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;

    let offer = a.session.reoffer(Direction::Inactive).expect("an offer");
    assert!(offer.contains("a=inactive"));
    assert!(a.session.reoffer(Direction::SendRecv).is_err(), "glare");
    let answer = b.session.answer_reoffer(&offer, false).expect("an answer");
    a.session.apply_answer(&answer).expect("accepted");
    assert_eq!(a.session.direction(), Direction::Inactive);
    let (sent, heard) = (a.session.stats().packets_sent, a.heard.len());
    speak(&mut a, &mut b, |a, _| a.heard.len() > heard + 48_000).await;
    assert_eq!(a.session.stats().packets_sent, sent);
    assert!(loudness(&a) < -100.0 && loudness(&b) < -60.0);

    let offer = a.session.reoffer(Direction::SendRecv).expect("an offer");
    let answer = b.session.answer_reoffer(&offer, false).expect("an answer");
    a.session.apply_answer(&answer).expect("accepted");
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
}

#[tokio::test]
async fn the_one_who_holds_stays_in_charge_of_the_hold() {
    let plain = config(KeyingPlan::Plain, &[Codec::Ulaw]);
    let (a, b) = joined(plain.clone(), plain).await;
    let offer = a.session.reoffer(Direction::SendOnly).expect("an offer");
    let answer = b.session.answer_reoffer(&offer, false).expect("an answer");
    a.session.apply_answer(&answer).expect("accepted");
    assert_eq!(a.session.direction(), Direction::SendOnly);
    assert_eq!(b.session.direction(), Direction::RecvOnly);
    // A refresh from the far end does not end our hold.
    let offer = b.session.reoffer(Direction::SendRecv).expect("an offer");
    let answer = a.session.answer_reoffer(&offer, true).expect("an answer");
    assert!(answer.contains("a=sendonly"), "{answer}");
    b.session.apply_answer(&answer).expect("accepted");
    assert_eq!(b.session.direction(), Direction::RecvOnly);
}

#[tokio::test]
async fn the_same_answer_twice_changes_nothing() {
    let webrtc = config(KeyingPlan::Webrtc, &[Codec::Opus]);
    let offered = Session::offer(webrtc.clone()).await.expect("an offer");
    let answered = Session::answer(webrtc, &offered.1)
        .await
        .expect("an answer");
    // As in a 183 and then in the 200.
    offered.0.apply_answer(&answered.1).expect("early");
    offered.0.apply_answer(&answered.1).expect("final");
    let mut a = Side::new(offered);
    a.expect("connects", |event| *event == SessionEvent::Connected)
        .await;
    let answer = answered.1.clone();
    a.session.apply_answer(&answer).expect("once more");
    assert_eq!(a.session.direction(), Direction::SendRecv);
}

#[tokio::test]
async fn a_wrong_fingerprint_ends_it_with_that_reason() {
    let webrtc = config(KeyingPlan::Webrtc, &[Codec::Opus]);
    let offered = Session::offer(webrtc.clone()).await.expect("an offer");
    let answered = Session::answer(webrtc, &offered.1)
        .await
        .expect("an answer");
    let at = answered.1.find("sha-256 ").expect("a fingerprint") + 8;
    let mut forged = answered.1.clone();
    let other = if &forged[at..=at] == "0" { "1" } else { "0" };
    forged.replace_range(at..=at, other);
    offered.0.apply_answer(&forged).expect("well-formed");
    let mut a = Side::new(offered);
    a.expect("fails", |event| {
        *event == SessionEvent::Failed(MediaError::Fingerprint)
    })
    .await;
    let mut received = [0.0; BLOCK];
    a.session.exchange(&[0.5; BLOCK], &mut received);
    assert_eq!(a.session.stats().packets_sent, 0);
}

#[tokio::test]
async fn silence_of_the_far_end_is_told_and_so_is_its_return() {
    let plain = config(KeyingPlan::Plain, &[Codec::Ulaw]);
    let (mut a, mut b) = joined(plain.clone(), plain).await;
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
    // The far end's sound card stops.
    a.expect("interrupted", |event| *event == SessionEvent::Interrupted)
        .await;
    let until = a.heard.len() + 9_600;
    speak(&mut a, &mut b, |a, _| a.heard.len() > until).await;
    let stats = b.session.stats();
    assert!(stats.packets_sent > 0);
}

#[tokio::test]
async fn plain_rtp_is_refused_where_encryption_is_required() {
    let plain = Session::offer(config(KeyingPlan::Plain, &[Codec::Ulaw]))
        .await
        .expect("an offer");
    for plan in [KeyingPlan::Sdes, KeyingPlan::Webrtc] {
        let refused = Session::answer(config(plan, &[Codec::Ulaw]), &plain.1).await;
        assert!(
            matches!(refused, Err(MediaError::Keying(_))),
            "{refused:?} with {plan:?}"
        );
    }
    // The other way round an encrypted offer is welcome.
    let sdes = Session::offer(config(KeyingPlan::Sdes, &[Codec::Ulaw]))
        .await
        .expect("an offer");
    let answer = Session::answer(config(KeyingPlan::Plain, &[Codec::Ulaw]), &sdes.1)
        .await
        .expect("an answer");
    assert!(answer.1.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80"));
}

#[tokio::test]
async fn rubbish_from_the_network_does_no_harm_to_a_call() {
    let webrtc = config(KeyingPlan::Webrtc, &[Codec::Ulaw]);
    let (mut a, mut b) = joined(webrtc.clone(), webrtc).await;
    let target = a.session.inner().lock().sockets.as_ref().map(|s| s.first());
    let target = target.expect("a socket");
    let source = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    for seed in 0..2000_u32 {
        let length = (seed as usize * 7) % 300;
        let datagram: Vec<u8> = (0..length)
            .map(|n| (seed.wrapping_mul(2_654_435_761) >> (n % 24)) as u8 ^ n as u8)
            .collect();
        source.send_to(&datagram, target).expect("sent");
    }
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
}

#[tokio::test]
async fn a_session_closes_with_its_last_clone() {
    let plain = config(KeyingPlan::Plain, &[Codec::Ulaw]);
    let (a, b) = joined(plain.clone(), plain).await;
    let address = a.session.inner().lock().sockets.as_ref().map(|s| s.first());
    let address = address.expect("a socket");
    let clone = a.session.clone();
    let Side {
        session,
        mut events,
        ..
    } = a;
    drop(session);
    assert!(std::net::UdpSocket::bind(address).is_err(), "still in use");
    drop(clone);
    // The driver has gone when nobody can tell events any more.
    let gone = async { while events.recv().await.is_some() {} };
    timeout(PATIENCE, gone).await.expect("the driver ends");
    std::net::UdpSocket::bind(address).expect("the port is free");
    drop(b);
}

#[tokio::test]
async fn a_call_moves_to_new_sockets_and_is_heard_throughout() {
    let webrtc = config(KeyingPlan::Webrtc, &[Codec::Ulaw]);
    let (mut a, mut b) = joined(webrtc.clone(), webrtc).await;
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
    let way = |side: &Side| {
        side.session
            .inner()
            .lock()
            .transport
            .in_use()
            .expect("a way")
    };
    let before = way(&a);
    // Refused at first: everything stays.
    let offer = a
        .session
        .restart(Direction::SendRecv)
        .await
        .expect("an offer");
    assert!(
        a.session.reoffer(Direction::SendRecv).is_err(),
        "one at a time"
    );
    a.session.roll_back();
    drop(offer);
    a.heard.clear();
    b.heard.clear();
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
    assert_eq!(way(&a), before);
    // Agreed: the sound takes the new way.
    let offer = a
        .session
        .restart(Direction::SendRecv)
        .await
        .expect("an offer");
    let answer = b.session.answer_reoffer(&offer, false).expect("an answer");
    a.session.apply_answer(&answer).expect("accepted");
    let (sent, lost) = (
        b.session.stats().packets_received,
        b.session.stats().packets_lost,
    );
    speak(&mut a, &mut b, |a, _| way(a) != before).await;
    a.heard.clear();
    b.heard.clear();
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
    let stats = b.session.stats();
    assert!(stats.packets_received > sent + 20);
    assert_eq!(stats.packets_lost, lost, "nothing was lost on the way");
    assert_eq!(stats.keying, "AEAD_AES_256_GCM");
    // And an ordinary offer afterwards.
    let offer = a.session.reoffer(Direction::SendOnly).expect("an offer");
    let answer = b.session.answer_reoffer(&offer, false).expect("an answer");
    a.session.apply_answer(&answer).expect("accepted");
    assert_eq!(b.session.direction(), Direction::RecvOnly);
}

#[tokio::test]
async fn plain_calls_do_not_move() {
    let plain = config(KeyingPlan::Plain, &[Codec::Ulaw]);
    let (a, _b) = joined(plain.clone(), plain).await;
    let refused = a.session.restart(Direction::SendRecv).await;
    assert!(matches!(refused, Err(MediaError::NoPath(_))), "{refused:?}");
}

#[tokio::test]
async fn a_call_is_recorded_with_both_sides() {
    let plain = config(KeyingPlan::Plain, &[Codec::Ulaw]);
    let (mut a, mut b) = joined(plain.clone(), plain).await;
    let path = std::env::temp_dir().join(format!("sidetone-call-{}.wav", std::process::id()));
    let _ = std::fs::remove_file(&path);
    assert_eq!(a.session.stop_recording(), None);
    let recording = Recording {
        path: path.clone(),
        format: crate::RecordingFormat::Wav,
        channels: crate::RecordingChannels::AgentLeftCustomerRight,
    };
    a.session.record(recording.clone()).expect("recording");
    assert!(a.session.record(recording).is_err(), "one at a time");
    // However long this machine takes to bring half a second of it through without a gap.
    speak(&mut a, &mut b, |a, _| a.heard.len() >= 96_000 && hears(a)).await;
    let recorded = a.session.stop_recording().expect("a recording");
    assert!(recorded.duration_ms >= 1_900, "{recorded:?}");
    let mut reader = hound::WavReader::open(&path).expect("a WAV file");
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("a sample")) / 32_768.0)
        .collect();
    for channel in 0..2 {
        let pcm: Vec<f32> = samples.iter().skip(channel).step_by(2).copied().collect();
        let pieces = pcm.chunks_exact(800);
        let whole = pieces
            .map(|piece| level::tone_level(piece, 16_000, 440.0))
            .filter(|level| (level + 13.5).abs() < 1.0)
            .count();
        assert!(whole >= 8, "channel {channel}: {whole} pieces of 50 ms");
    }
    std::fs::remove_file(path).expect("removed");
}

/// In virtual time: nobody's machine is too slow for it.
#[tokio::test(start_paused = true)]
async fn servers_that_do_not_answer_cost_half_a_second_at_most() {
    // They take what comes, and are silent.
    let silent = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let port = silent.local_addr().expect("its address").port();
    let deaf = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let tcp_port = deaf.local_addr().expect("its address").port();
    let server = |url: String, account: bool| IceServer {
        urls: vec![url],
        username: account.then(|| "agent".to_owned()),
        credential: account.then(|| sidetone_profile::Secret::new("secret".to_owned())),
    };
    let webrtc = MediaConfig {
        // On every interface, so that STUN is asked too.
        bind: Vec::new(),
        ice_servers: vec![
            server(format!("stun:127.0.0.1:{port}"), false),
            server(format!("turn:127.0.0.1:{port}"), true),
            server(format!("turn:127.0.0.1:{port}?transport=udp"), true),
            server(format!("turn:127.0.0.1:{tcp_port}?transport=tcp"), true),
            server(format!("turn:127.0.0.1:{tcp_port}?transport=tcp"), true),
        ],
        ..config(KeyingPlan::Webrtc, &[Codec::Ulaw])
    };
    for server in [0, 3] {
        let reports = crate::check_servers(&webrtc.ice_servers[server..=server], None).await;
        let fault = reports[0].fault.as_deref().unwrap_or_default();
        assert!(fault.contains("does not answer"), "{fault}");
    }
    let began = Instant::now();
    let (_session, offer, _) = Session::offer(webrtc).await.expect("an offer");
    let took = began.elapsed();
    println!("an offer after {took:?}");
    // The clock of tokio counts whole milliseconds.
    assert!(took <= Duration::from_millis(502), "{took:?}");
    assert!(offer.contains("typ host"));
}
