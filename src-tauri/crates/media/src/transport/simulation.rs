//! Two transports joined by a lossy line under a virtual clock.

use std::net::IpAddr;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use sidetone_profile::Codec;

use super::*;
use crate::sdp::{LocalSide, OfferAnswer};
use crate::{Direction, KeyingPlan};

#[derive(Clone, Copy)]
struct Line {
    loss: f64,
    delay: Duration,
    jitter: Duration,
    seed: u64,
}

const CLEAN: Line = Line {
    loss: 0.0,
    delay: Duration::from_millis(30),
    jitter: Duration::ZERO,
    seed: 1,
};

struct Side {
    transport: MediaTransport,
    identity: Identity,
    negotiation: OfferAnswer,
    ready: Option<Duration>,
    failed: Option<MediaError>,
    packets: Vec<Vec<u8>>,
}

struct Flying {
    at: Instant,
    to_second: bool,
    transmit: Transmit,
}

struct Simulation {
    line: Line,
    random: SmallRng,
    began: Instant,
    now: Instant,
    sides: [Side; 2],
    flying: Vec<Flying>,
    /// Addresses of adapters that are up and lead nowhere.
    dead: Vec<IpAddr>,
    /// An address of the second side, and how the first sees it.
    nat: Option<(SocketAddr, SocketAddr)>,
    /// Number of the next packet of [`speak`].
    spoken: u16,
    /// Everything that was sent, for tests that send it again changed.
    tape: Vec<(bool, Transmit)>,
}

impl Simulation {
    /// Joined by offer and answer; `change` edits them on the way.
    fn new(line: Line, change: impl Fn(&str) -> String) -> Self {
        Self::between(line, [&["192.0.2.1:4000"], &["192.0.2.2:5000"]], change)
    }

    /// The same between sides with these sockets, the preferred one first.
    fn between(line: Line, sockets: [&[&str]; 2], change: impl Fn(&str) -> String) -> Self {
        let now = Instant::now();
        let [first, second] = sockets.map(|sockets| {
            let sockets = sockets.iter().map(|text| text.parse().expect("an address"));
            sockets.collect::<Vec<SocketAddr>>()
        });
        Self::joined(
            line,
            [side(now, &first, true), side(now, &second, false)],
            change,
        )
    }

    /// The same with sides that are there.
    fn joined(line: Line, mut sides: [Side; 2], change: impl Fn(&str) -> String) -> Self {
        let now = Instant::now();
        let offer = sides[0]
            .negotiation
            .offer(Direction::SendRecv)
            .expect("an offer");
        let offer = crate::sdp::Session::parse(&change(&offer)).expect("well-formed");
        let (answer, agreed) = sides[1]
            .negotiation
            .answer(&offer, false)
            .expect("an answer");
        sides[1].apply(now, &agreed);
        let agreed = sides[0].negotiation.answered(&change(&answer));
        let agreed = agreed.expect("accepted").expect("new");
        sides[0].apply(now, &agreed);
        Self {
            line,
            random: SmallRng::seed_from_u64(line.seed),
            began: now,
            now,
            sides,
            flying: Vec::new(),
            dead: Vec::new(),
            nat: None,
            spoken: 0,
            tape: Vec::new(),
        }
    }

    /// The first side offers anew.
    fn reinvite(&mut self, direction: Direction) {
        let now = self.now;
        let [near, far] = &mut self.sides;
        let offer = near.negotiation.offer(direction).expect("an offer");
        let offer = crate::sdp::Session::parse(&offer).expect("well-formed");
        let (answer, agreed) = far.negotiation.answer(&offer, false).expect("an answer");
        far.apply(now, &agreed);
        let agreed = near.negotiation.answered(&answer).expect("accepted");
        near.apply(now, &agreed.expect("new"));
    }

    fn run(&mut self, length: Duration, done: impl Fn(&[Side; 2]) -> bool) {
        let end = self.now + length;
        while self.now < end && !done(&self.sides) {
            self.collect();
            let arrival = self.flying.iter().map(|flying| flying.at).min();
            let timers = self.sides.each_mut();
            let timer = timers
                .into_iter()
                .filter_map(|side| side.transport.poll_timeout(self.now))
                .min();
            let next = [arrival, timer].into_iter().flatten().min();
            // At least a millisecond, so that a timer of the past does not stop the clock.
            let soonest = self.now + Duration::from_millis(1);
            self.now = next.map_or(end, |next| next.max(soonest)).min(end);
            self.deliver();
            for side in &mut self.sides {
                side.transport.handle_timeout(self.now);
            }
        }
        self.collect();
    }

    fn collect(&mut self) {
        for (index, side) in self.sides.iter_mut().enumerate() {
            while let Some(event) = side.transport.poll_event() {
                match event {
                    TransportEvent::Ready => side.ready = Some(self.now - self.began),
                    TransportEvent::Failed(error) => side.failed = Some(error),
                    TransportEvent::Rtp(packet) => side.packets.push(packet.to_vec()),
                    TransportEvent::Rtcp(_) => {}
                }
            }
            while let Some(mut transmit) = side.transport.poll_transmit() {
                if let Some((inside, outside)) = self.nat {
                    if transmit.to == inside {
                        continue;
                    }
                    if transmit.local == inside {
                        transmit.local = outside;
                    }
                    if transmit.to == outside {
                        transmit.to = inside;
                    }
                }
                let copy = Transmit {
                    bytes: transmit.bytes.clone(),
                    ..transmit
                };
                self.tape.push((index == 0, copy));
                let ends = [transmit.local.ip(), transmit.to.ip()];
                if self.random.random_bool(self.line.loss)
                    || ends.iter().any(|end| self.dead.contains(end))
                {
                    continue;
                }
                let jitter = self.line.jitter.mul_f64(self.random.random());
                self.flying.push(Flying {
                    at: self.now + self.line.delay + jitter,
                    to_second: index == 0,
                    transmit,
                });
            }
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let (mut due, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.flying)
            .into_iter()
            .partition(|flying| flying.at <= now);
        self.flying = rest;
        due.sort_by_key(|flying| flying.at);
        for Flying {
            to_second,
            transmit,
            ..
        } in due
        {
            let side = &mut self.sides[usize::from(to_second)];
            let (local, from) = (transmit.to, transmit.local);
            side.transport
                .handle_datagram(now, local, from, &transmit.bytes);
        }
    }
}

impl Side {
    fn apply(&mut self, now: Instant, agreed: &Negotiated) {
        self.transport
            .apply(now, &self.identity, agreed)
            .expect("applied");
    }
}

fn side(now: Instant, sockets: &[SocketAddr], offerer: bool) -> Side {
    let transport = MediaTransport::ice(now, sockets, Vec::new(), offerer).expect("a transport");
    let identity = Identity::generate().expect("a certificate");
    let (ice, candidates) = transport.local_ice().expect("ICE");
    let negotiation = OfferAnswer::new(LocalSide {
        plan: KeyingPlan::Webrtc,
        codecs: vec![Codec::Ulaw],
        rtp: sockets[0],
        rtcp: None,
        ice: Some(ice),
        candidates,
        fingerprint: Some(identity.fingerprint().clone()),
    });
    Side {
        transport,
        identity,
        negotiation,
        ready: None,
        failed: None,
        packets: Vec::new(),
    }
}

/// With keys in the session description, and without ICE.
fn sdes_side(rtp: SocketAddr) -> Side {
    let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
    let negotiation = OfferAnswer::new(LocalSide {
        plan: KeyingPlan::Sdes,
        codecs: vec![Codec::Ulaw],
        rtp,
        rtcp: Some(rtcp),
        ice: None,
        candidates: Vec::new(),
        fingerprint: None,
    });
    Side {
        transport: MediaTransport::symmetric(rtp, rtcp, false),
        identity: Identity::generate().expect("a certificate"),
        negotiation,
        ready: None,
        failed: None,
        packets: Vec::new(),
    }
}

fn both_ready(sides: &[Side; 2]) -> bool {
    sides.iter().all(|side| side.ready.is_some())
}

fn unchanged(text: &str) -> String {
    text.to_owned()
}

/// The offerer is the client, not the server.
fn other_roles(text: &str) -> String {
    text.replace("a=setup:actpass", "a=setup:active")
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 9]);
    packet.extend_from_slice(&[0x55; 160]);
    packet
}

#[test]
fn either_role_of_dtls_connects_and_carries_packets() {
    for change in [unchanged, other_roles] {
        let mut call = Simulation::new(CLEAN, change);
        call.run(Duration::from_secs(5), both_ready);
        assert!(both_ready(&call.sides), "{:?}", call.sides[0].failed);
        call.sides[0].transport.send_rtp(&rtp(1));
        call.sides[1].transport.send_rtp(&rtp(2));
        call.run(Duration::from_secs(1), |_| false);
        assert_eq!(call.sides[1].packets, [rtp(1)]);
        assert_eq!(call.sides[0].packets, [rtp(2)]);
    }
}

#[test]
fn the_handshake_survives_a_line_that_loses_every_fifth_datagram() {
    for (change, base) in [(unchanged as fn(&str) -> String, 0), (other_roles, 1000)] {
        let mut times = Vec::new();
        for seed in 0..20 {
            let line = Line {
                loss: 0.2,
                jitter: Duration::from_millis(20),
                seed: base + seed,
                ..CLEAN
            };
            let mut call = Simulation::new(line, change);
            call.run(Duration::from_secs(30), both_ready);
            let slower = call.sides.iter().map(|side| side.ready).max().flatten();
            times.push(slower.unwrap_or_else(|| {
                panic!("seed {}: {:?}", line.seed, call.sides.map(|s| s.failed))
            }));
        }
        times.sort();
        // Without the gate a third of these never ends.
        assert!(times[10] < Duration::from_secs(3), "{times:?}");
    }
}

#[test]
fn a_certificate_that_the_description_does_not_name_is_refused_in_both_roles() {
    for roles in [unchanged as fn(&str) -> String, other_roles] {
        // 0 forges the offer, so that the answerer has to refuse; 1 the answer.
        for forged in 0..2 {
            let texts = std::cell::Cell::new(0);
            let mut call = Simulation::new(CLEAN, |text| {
                let text = roles(text);
                let at = text.find("sha-256 ").expect("a fingerprint") + 8;
                let other = if &text[at..=at] == "0" { "1" } else { "0" };
                if texts.replace(texts.get() + 1) == forged {
                    format!("{}{other}{}", &text[..at], &text[at + 1..])
                } else {
                    text
                }
            });
            call.run(Duration::from_secs(25), |sides| {
                sides.iter().all(|side| side.failed.is_some())
            });
            let deceived = &call.sides[1 - forged];
            assert_eq!(deceived.failed, Some(MediaError::Fingerprint));
            assert_eq!(deceived.ready, None);
        }
    }
}

#[test]
fn an_ice_restart_keeps_the_keys_and_the_sound() {
    let mut call = Simulation::new(CLEAN, unchanged);
    call.run(Duration::from_secs(5), both_ready);
    let now = call.now;
    let [near, far] = &mut call.sides;
    let ice = near.transport.prepare_restart(now).expect("credentials");
    near.negotiation.set_ice(ice);
    let offer = near
        .negotiation
        .offer(Direction::SendRecv)
        .expect("an offer");
    let offer = crate::sdp::Session::parse(&offer).expect("well-formed");
    let remote = offer.audio().and_then(|audio| audio.ice.clone());
    assert!(far.transport.is_restart(&remote.expect("ICE")));
    let ice = far.transport.prepare_restart(now).expect("credentials");
    far.negotiation.set_ice(ice);
    let (answer, agreed) = far.negotiation.answer(&offer, false).expect("an answer");
    far.apply(now, &agreed);
    let agreed = near.negotiation.answered(&answer).expect("accepted");
    near.apply(now, &agreed.expect("new"));
    // Before, during and long after: the old agent alone would fail after 30 s.
    for sequence in 0..50 {
        call.sides[0].transport.send_rtp(&rtp(sequence));
        call.sides[1].transport.send_rtp(&rtp(sequence));
        call.run(Duration::from_secs(1), |_| false);
    }
    for side in &call.sides {
        assert_eq!(side.failed, None);
        assert_eq!(side.packets.len(), 50);
        let Path::Ice(path) = &side.transport.path else {
            panic!("no ICE");
        };
        assert!(path.next.is_none(), "the new path is in use");
    }
}

#[test]
fn another_far_end_takes_over_with_its_own_certificate() {
    let mut call = Simulation::new(CLEAN, unchanged);
    call.run(Duration::from_secs(5), both_ready);
    let now = call.now;
    // As after a transfer: the same call, but a new machine behind it.
    let address = "192.0.2.1:4000".parse().expect("an address");
    call.sides[0] = side(now, &[address], true);
    let [near, far] = &mut call.sides;
    let offer = near
        .negotiation
        .offer(Direction::SendRecv)
        .expect("an offer");
    let offer = crate::sdp::Session::parse(&offer).expect("well-formed");
    let ice = far.transport.prepare_restart(now).expect("credentials");
    far.negotiation.set_ice(ice);
    let (answer, agreed) = far.negotiation.answer(&offer, false).expect("an answer");
    far.apply(now, &agreed);
    let agreed = near.negotiation.answered(&answer).expect("accepted");
    near.apply(now, &agreed.expect("new"));
    call.run(Duration::from_secs(5), both_ready);
    assert!(both_ready(&call.sides), "{:?}", call.sides[0].failed);
    call.sides[0].transport.send_rtp(&rtp(1));
    call.sides[1].transport.send_rtp(&rtp(2));
    call.run(Duration::from_secs(1), |_| false);
    assert_eq!(call.sides[1].packets, [rtp(1)]);
    assert_eq!(call.sides[0].packets, [rtp(2)]);
}

#[test]
fn a_far_end_behind_a_nat_does_not_delay_the_first_word() {
    let (inside, outside) = ("10.9.0.2:5000", "203.0.113.5:6000");
    for roles in [unchanged as fn(&str) -> String, other_roles] {
        let mut call = Simulation::between(CLEAN, [&["192.0.2.1:4000"], &[inside]], roles);
        let address = |text: &str| text.parse().expect("an address");
        call.nat = Some((address(inside), address(outside)));
        call.run(Duration::from_secs(10), both_ready);
        for side in &call.sides {
            let ready = side.ready.expect("ready");
            println!("ready after {ready:?}");
            // 60 ms there and back; ICE by itself would wait for a second for a better way.
            assert!(ready < Duration::from_millis(700), "{ready:?}");
        }
    }
}

#[test]
fn a_reinvite_keeps_the_rollover_counter_and_the_memory_of_packets() {
    let address = |text: &str| text.parse().expect("an address");
    let sdes = [
        sdes_side(address("192.0.2.1:4000")),
        sdes_side(address("192.0.2.2:5000")),
    ];
    for mut call in [
        Simulation::new(CLEAN, unchanged),
        Simulation::joined(CLEAN, sdes, unchanged),
    ] {
        call.run(Duration::from_secs(5), both_ready);
        assert!(both_ready(&call.sides), "{:?}", call.sides[0].failed);
        let suite = call.sides[0].transport.keying_name();
        // Numbers run over twice; hold and resume come before, between and after.
        let mut sequence = 65_400_u16;
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut old = Vec::new();
        for part in 0..6 {
            for count in 0..if part == 3 { 65_300 } else { 100 } {
                let packet = rtp(sequence);
                call.sides[0].transport.send_rtp(&packet);
                sequence = sequence.wrapping_add(1);
                if count % 50 == 0 {
                    call.run(Duration::from_millis(100), |_| false);
                }
                sent.push(packet);
            }
            call.run(Duration::from_millis(100), |_| false);
            assert_eq!(
                call.sides[1].packets.len(),
                sent.len(),
                "{suite} part {part}"
            );
            assert!(call.sides[1].packets == sent, "{suite} part {part}: others");
            let newest =
                call.tape.iter().rev().find(|(of_first, transmit)| {
                    *of_first && transmit.bytes.first() == Some(&0x80)
                });
            old.push(newest.expect("a packet").1.bytes.clone());
            let direction = match part % 2 {
                0 => Direction::SendOnly,
                _ => Direction::SendRecv,
            };
            call.reinvite(direction);
            // Sent once more by somebody else, the same is not heard again.
            let (now, [near, far]) = (call.now, &mut call.sides);
            let (to, _) = far.transport.destination().expect("a path");
            let (from, _) = near.transport.destination().expect("a path");
            for packet in &old {
                far.transport.handle_datagram(now, to, from, packet);
            }
            call.run(Duration::from_millis(100), |_| false);
            assert_eq!(call.sides[1].packets.len(), sent.len(), "{suite}: repeats");
            call.tape.clear();
        }
    }
}

#[test]
fn three_adapters_that_lead_nowhere_do_not_delay_the_first_word() {
    const DEAD: [&str; 3] = ["10.1.0.7:4001", "10.2.0.7:4002", "10.3.0.7:4003"];
    const ALIVE: &str = "192.0.2.1:4000";
    const SERVER: &str = "192.0.2.2:5000";
    // A server in the same country.
    let line = Line {
        delay: Duration::from_millis(10),
        ..CLEAN
    };
    // The live adapter is the last, and the phone calls or is called, with either role of DTLS.
    let phone = [DEAD[0], DEAD[1], DEAD[2], ALIVE];
    for sockets in [[&phone[..], &[SERVER]], [&[SERVER], &phone[..]]] {
        for change in [unchanged as fn(&str) -> String, other_roles] {
            let mut call = Simulation::between(line, sockets, change);
            call.dead = DEAD
                .iter()
                .map(|dead| dead.parse::<SocketAddr>().expect("an address").ip())
                .collect();
            // Each speaks from the answer on, 20 ms at a time; what cannot be sent yet is lost.
            let mut first = [None; 2];
            for sequence in 0..100 {
                for side in &mut call.sides {
                    side.transport.send_rtp(&rtp(sequence));
                }
                call.run(Duration::from_millis(20), |_| false);
                for (first, side) in first.iter_mut().zip(&call.sides) {
                    if !side.packets.is_empty() {
                        first.get_or_insert(call.now - call.began);
                    }
                }
            }
            for first in first {
                let first = first.expect("they hear each other");
                println!("first sound after {first:?}");
                assert!(first < Duration::from_millis(300), "{first:?}");
            }
        }
    }
}

#[test]
fn nobody_there_is_told_in_the_end() {
    let deaf = Line { loss: 1.0, ..CLEAN };
    let mut call = Simulation::new(deaf, unchanged);
    call.run(Duration::from_secs(60), |sides| {
        sides.iter().all(|side| side.failed.is_some())
    });
    for side in &call.sides {
        assert!(
            matches!(side.failed, Some(MediaError::NoPath(_))),
            "{:?}",
            side.failed
        );
    }
}

/// Speaks from both sides, ten packets a second; gives how many each of them got.
fn speak(call: &mut Simulation, seconds: u16) -> [usize; 2] {
    let before = call.sides.each_ref().map(|side| side.packets.len());
    for sequence in 0..seconds * 10 {
        for side in &mut call.sides {
            side.transport.send_rtp(&rtp(call.spoken + sequence));
        }
        call.run(Duration::from_millis(100), |_| false);
    }
    call.spoken += seconds * 10;
    [0, 1].map(|index| call.sides[index].packets.len() - before[index])
}

#[test]
fn a_path_that_comes_back_carries_on_and_a_dead_one_is_given_up_with_its_consent() {
    let mut call = Simulation::new(CLEAN, unchanged);
    call.run(Duration::from_secs(5), both_ready);
    assert_eq!(speak(&mut call, 5), [50, 50]);
    // Less than the 30 s that consent lasts without an answer (RFC 7675 section 5.1).
    call.line.loss = 1.0;
    assert_eq!(speak(&mut call, 20), [0, 0]);
    for side in &call.sides {
        assert_eq!(side.failed, None);
    }
    call.line.loss = 0.0;
    let heard = speak(&mut call, 5);
    assert_eq!(heard, [50, 50], "the path is back");
    call.line.loss = 1.0;
    speak(&mut call, 40);
    call.tape.clear();
    call.line.loss = 0.0;
    assert_eq!(speak(&mut call, 2), [0, 0]);
    for side in &call.sides {
        let failed = matches!(side.failed, Some(MediaError::NoPath(_)));
        assert!(failed, "{:?}", side.failed);
    }
    assert!(call.tape.is_empty(), "nothing is sent without consent");
}

#[test]
fn keys_are_agreed_with_every_srtp_suite() {
    for suite in dtls::SUITES {
        let now = Instant::now();
        let identities = [(); 2].map(|()| Identity::generate().expect("a certificate"));
        let mut client = DtlsLeg::new(
            &identities[0],
            DtlsRole::Client,
            vec![identities[1].fingerprint().clone()],
            &[suite],
        )
        .expect("a client");
        let mut server = DtlsLeg::new(
            &identities[1],
            DtlsRole::Server,
            vec![identities[0].fingerprint().clone()],
            &dtls::SUITES,
        )
        .expect("a server");
        client.start(now).expect("started");
        server.start(now).expect("started");
        let (mut of_client, mut of_server) = (None, None);
        for _ in 0..10 {
            while let Some(datagram) = client.poll_transmit() {
                of_server = server.handle(now, &datagram).expect("fine").or(of_server);
            }
            while let Some(datagram) = server.poll_transmit() {
                of_client = client.handle(now, &datagram).expect("fine").or(of_client);
            }
        }
        let mut sender: SrtpPair = of_client.expect("keys");
        let mut receiver: SrtpPair = of_server.expect("keys");
        assert_eq!((sender.suite(), receiver.suite()), (suite, suite));
        let packet = sender.protect_rtp(&rtp(1)).expect("encrypted");
        assert_ne!(packet[12..24], rtp(1)[12..24]);
        let clear = receiver.unprotect_rtp(&packet).expect("decrypted");
        assert_eq!(clear, rtp(1));
        assert!(receiver.unprotect_rtp(&packet).is_none(), "a repeat");
        let packet = receiver.protect_rtp(&rtp(7)).expect("encrypted");
        assert_eq!(sender.unprotect_rtp(&packet).expect("decrypted"), rtp(7));
    }
}

#[test]
fn changed_datagrams_do_no_harm() {
    let mut call = Simulation::new(CLEAN, unchanged);
    call.run(Duration::from_secs(5), both_ready);
    for sequence in 0..20 {
        call.sides[0].transport.send_rtp(&rtp(sequence));
        call.sides[1].transport.send_rtp(&rtp(sequence));
    }
    call.run(Duration::from_secs(1), |_| false);
    let tape = std::mem::take(&mut call.tape);
    assert!(tape.len() > 40);
    let mut random = SmallRng::seed_from_u64(7);
    let mut fresh = Simulation::new(CLEAN, unchanged);
    for round in 0..100_000 {
        let (to_second, transmit) = &tape[random.random_range(0..tape.len())];
        let mut bytes = transmit.bytes.to_vec();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        if random.random_bool(0.1) {
            bytes.truncate(random.random_range(0..bytes.len()));
        }
        // Into a call that is up, and into one that is being set up.
        let target = if round % 2 == 0 {
            &mut call
        } else {
            &mut fresh
        };
        let now = target.now;
        target.sides[usize::from(*to_second)]
            .transport
            .handle_datagram(now, transmit.to, transmit.local, &bytes);
        target.collect();
        target.flying.clear();
        target.tape.clear();
    }
    for side in &mut call.sides {
        assert_eq!(side.failed, None);
        side.packets.clear();
    }
    call.sides[0].transport.send_rtp(&rtp(100));
    call.run(Duration::from_secs(1), |_| false);
    assert_eq!(call.sides[1].packets, [rtp(100)]);
}
