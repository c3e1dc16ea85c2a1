//! Streams through made-up networks in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sidetone_profile::Codec;

use crate::codec::{EncoderSetup, FarReport, OpusTuning};
use crate::level::{dbov, tone_level};
use crate::receive::{AudioReceiver, ReceiveStats, RtpIn};
use crate::send::AudioSender;
use crate::{BLOCK, Block, SAMPLE_RATE};

const TONE: f64 = 400.0;
const AMPLITUDE: f32 = 0.25;

/// What happens to a stream on its way.
struct Network {
    codec: Codec,
    ptime: u32,
    /// Most that a packet is delayed by chance, ms.
    jitter: u64,
    /// Share of packets lost.
    loss: f64,
    /// Share of packets that come twice.
    twice: f64,
    /// The sender's clock, parts per million.
    ppm: f64,
    seconds: u64,
    seed: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            codec: Codec::Opus,
            ptime: 20,
            jitter: 0,
            loss: 0.0,
            twice: 0.0,
            ppm: 0.0,
            seconds: 20,
            seed: 7,
        }
    }
}

/// One packet on its way.
#[derive(Clone, Debug)]
struct Sent {
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload_type: u8,
    marker: bool,
    payload: Vec<u8>,
}

/// What came out.
struct Heard {
    pcm: Vec<f32>,
    stats: Vec<ReceiveStats>,
}

impl Heard {
    fn from(&self, second: usize) -> &[f32] {
        &self.pcm[second * SAMPLE_RATE as usize..]
    }

    /// Blocks much quieter than the tone.
    fn holes(&self, second: usize) -> usize {
        let level = 20.0 * (AMPLITUDE / 2.0_f32.sqrt()).log10();
        let blocks = self.from(second).chunks(BLOCK);
        blocks.filter(|block| dbov(block) < level - 10.0).count()
    }

    fn mean_delay(&self, second: usize) -> f32 {
        let stats = &self.stats[second * 100..];
        stats.iter().map(|stats| stats.buffer_ms).sum::<f32>() / stats.len() as f32
    }

    fn largest_delay(&self, second: usize) -> f32 {
        let stats = &self.stats[second * 100..];
        stats
            .iter()
            .map(|stats| stats.buffer_ms)
            .fold(0.0, f32::max)
    }

    fn concealed(&self, second: usize) -> f32 {
        let stats = &self.stats[second * 100..];
        stats.iter().map(|stats| stats.concealed_share).sum::<f32>() / stats.len() as f32
    }
}

fn tone(at: usize) -> Block {
    std::array::from_fn(|n| {
        let turns = TONE * (at + n) as f64 / f64::from(SAMPLE_RATE);
        (turns * std::f64::consts::TAU).sin() as f32 * AMPLITUDE
    })
}

/// Payload types of the tests.
const TYPES: [(u8, Codec); 5] = [
    (0, Codec::Ulaw),
    (3, Codec::Gsm),
    (8, Codec::Alaw),
    (9, Codec::G722),
    (107, Codec::Opus),
];

fn payload_type(codec: Codec) -> u8 {
    TYPES
        .iter()
        .find(|(_, other)| *other == codec)
        .map(|(payload_type, _)| *payload_type)
        .expect("a codec of the table")
}

/// Words with pauses: harmonics of a gliding pitch under a syllable's envelope, and hiss between.
fn speech(at: usize) -> Block {
    std::array::from_fn(|n| {
        let time = (at + n) as f64 / f64::from(SAMPLE_RATE);
        let phase = 130.0 * time - 4.0 * (time * 2.5).cos();
        let syllable = (time * 4.0 * std::f64::consts::TAU).sin().max(0.0);
        let word = f64::from((time % 1.7) < 1.3);
        let voice: f64 = (1..=12)
            .map(|h| (phase * f64::from(h) * std::f64::consts::TAU).sin() / f64::from(h))
            .sum();
        let hiss = ((at + n).wrapping_mul(2_654_435_761) % 65_536) as f64 / 65_536.0 - 0.5;
        (voice * 0.12 * syllable * word + hiss * 0.004) as f32
    })
}

/// Everything that a sender of a tone sends, with the time in microseconds.
fn stream(network: &Network) -> Vec<(u64, Sent)> {
    stream_of(network, tone)
}

fn stream_of(network: &Network, sound: fn(usize) -> Block) -> Vec<(u64, Sent)> {
    let mut sender = sender(network.codec, network.ptime, "useinbandfec=1");
    // Close to the wraps of both counters.
    let (mut sequence, mut timestamp) = (65_400_u16, u32::MAX - 100_000);
    let mut sent = Vec::new();
    for block in 0..network.seconds * 100 {
        if let Some(frame) = sender.push(&sound(block as usize * BLOCK)) {
            let at = (block as f64 * 10_000.0 / (1.0 + network.ppm * 1e-6)) as u64;
            sent.push((
                at,
                Sent {
                    sequence,
                    timestamp,
                    ssrc: 1,
                    payload_type: payload_type(network.codec),
                    marker: frame.marker,
                    payload: frame.payload.to_vec(),
                },
            ));
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(frame.ticks);
        }
    }
    sent
}

/// Delays, loses and repeats packets: arrival in microseconds, in order of arrival.
fn carry(network: &Network, sent: Vec<(u64, Sent)>) -> Vec<(u64, Sent)> {
    let mut rng = StdRng::seed_from_u64(network.seed);
    let mut arrivals = BTreeMap::new();
    for (index, (at, packet)) in sent.into_iter().enumerate() {
        if rng.random_bool(network.loss) {
            continue;
        }
        let delay = 20_000 + rng.random_range(0..=network.jitter * 1_000);
        if rng.random_bool(network.twice) {
            arrivals.insert((at + delay + 3_000, index, true), packet.clone());
        }
        arrivals.insert((at + delay, index, false), packet);
    }
    arrivals
        .into_iter()
        .map(|((at, ..), packet)| (at, packet))
        .collect()
}

/// Plays what arrives, as long as something does: a sender whose clock is fast has said all before `seconds` are over.
fn listen(arrivals: &[(u64, Sent)], seconds: u64) -> Heard {
    let mut receiver = AudioReceiver::new();
    receiver.set_payload_types(&TYPES);
    let mut waiting = arrivals.iter().peekable();
    let last = arrivals.last().map_or(0, |(at, _)| *at);
    let mut heard = Heard {
        pcm: Vec::new(),
        stats: Vec::new(),
    };
    for tick in 0..seconds * 100 {
        // Pulled in the middle between two packets that come on the dot.
        let now = tick * 10_000 + 5_000;
        if now > last && last > (seconds - 1) * 1_000_000 {
            break;
        }
        while let Some((at, packet)) = waiting.next_if(|(at, _)| *at <= now) {
            receiver.insert(
                Duration::from_micros(*at),
                &RtpIn {
                    payload_type: packet.payload_type,
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    marker: packet.marker,
                    payload: &packet.payload,
                    ssrc: packet.ssrc,
                },
            );
        }
        let mut block = [0.0; BLOCK];
        receiver.pull(Duration::from_micros(now), &mut block);
        heard.pcm.extend(block);
        heard.stats.push(receiver.stats());
    }
    heard
}

fn run(network: &Network) -> Heard {
    listen(&carry(network, stream(network)), network.seconds)
}

fn largest_step(pcm: &[f32]) -> f32 {
    pcm.windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max)
}

#[test]
fn a_clean_stream_is_played_whole_with_little_delay_by_every_codec() {
    for codec in [Codec::Opus, Codec::G722, Codec::Ulaw, Codec::Gsm] {
        for ptime in [10, 20, 40, 60] {
            let heard = run(&Network {
                codec,
                ptime,
                ..Network::default()
            });
            let settled = heard.from(3);
            let level = tone_level(&settled[..96_000], SAMPLE_RATE, TONE);
            assert!(
                (level + 15.05).abs() < 1.0,
                "{codec:?} {ptime} ms: {level} dBov"
            );
            assert_eq!(heard.holes(3), 0, "{codec:?} {ptime} ms");
            assert!(largest_step(settled) < 0.03, "{codec:?} {ptime} ms clicks");
            let delay = heard.mean_delay(3);
            println!("clean {codec:?} {ptime} ms: {delay:.1} ms of delay");
            // The aim for packets of 20 ms is 40 ms.
            let bound = if ptime <= 20 { 40.0 } else { 50.0 };
            assert!(delay < bound, "{codec:?} {ptime} ms: {delay} ms");
            assert!(heard.concealed(3) < 0.001, "{codec:?} {ptime} ms");
        }
    }
}

#[test]
fn jitter_is_absorbed_with_bounded_delay() {
    for (jitter, bound) in [(20, 60.0), (40, 80.0), (80, 110.0)] {
        for seed in 0..3 {
            let heard = run(&Network {
                jitter,
                seed,
                ..Network::default()
            });
            let (delay, concealed) = (heard.mean_delay(4), heard.concealed(4));
            println!("{jitter} ms of jitter: {delay:.1} ms, {concealed:.4} concealed");
            assert!(
                delay < bound,
                "{jitter} ms, seed {seed}: {delay} ms of delay"
            );
            assert!(
                concealed < 0.01,
                "{jitter} ms, seed {seed}: {concealed} concealed"
            );
        }
    }
}

#[test]
fn loss_leaves_no_hole_and_no_click() {
    for codec in [Codec::Opus, Codec::G722, Codec::Ulaw] {
        let heard = run(&Network {
            codec,
            loss: 0.05,
            jitter: 10,
            ..Network::default()
        });
        let blocks = heard.from(3).len() / BLOCK;
        let holes = heard.holes(3);
        assert!(
            holes * 100 < blocks,
            "{codec:?}: {holes} of {blocks} blocks silent"
        );
        assert!(largest_step(heard.from(3)) < 0.08, "{codec:?} clicks");
        let concealed = heard.concealed(3);
        assert!((0.03..0.09).contains(&concealed), "{codec:?}: {concealed}");
    }
}

#[test]
fn duplicates_and_reordering_are_not_heard() {
    let network = Network {
        jitter: 30,
        twice: 0.2,
        ..Network::default()
    };
    let heard = run(&network);
    let last = heard.stats.last().expect("stats");
    assert!(last.duplicate > 100, "{last:?}");
    assert_eq!(heard.holes(4), 0);
    assert!(largest_step(heard.from(4)) < 0.03);
}

#[test]
fn a_sender_whose_clock_is_off_neither_starves_nor_piles_up() {
    for codec in [Codec::Opus, Codec::Ulaw] {
        for ppm in [-500.0, 500.0] {
            let heard = run(&Network {
                codec,
                ppm,
                jitter: 5,
                seconds: 180,
                ..Network::default()
            });
            assert_eq!(heard.holes(5), 0, "{codec:?} {ppm} ppm");
            assert!(heard.largest_delay(5) < 90.0, "{codec:?} {ppm} ppm");
            let concealed = heard.concealed(5);
            let delay = heard.largest_delay(5);
            println!("{codec:?} {ppm} ppm: at most {delay:.1} ms, {concealed:.4} concealed");
            assert!(concealed < 0.003, "{codec:?} {ppm} ppm: {concealed}");
            assert!(
                largest_step(heard.from(5)) < 0.03,
                "{codec:?} {ppm} ppm clicks"
            );
        }
    }
}

#[test]
fn changes_of_source_timestamp_and_codec_are_passed_over() {
    let network = Network {
        seconds: 10,
        ..Network::default()
    };
    let opus = stream(&network);
    let ulaw = stream(&Network {
        codec: Codec::Ulaw,
        ..network
    });
    type Change = fn(&mut Sent);
    let changes: [(&str, Change, bool); 5] = [
        (
            "another source",
            |sent| {
                sent.ssrc = 2;
                sent.sequence = sent.sequence.wrapping_add(30_000);
                sent.timestamp = sent.timestamp.wrapping_add(0x5000_0000);
            },
            false,
        ),
        (
            "a jump of the timestamp",
            |sent| {
                sent.timestamp = sent.timestamp.wrapping_sub(0x1234_5678);
            },
            false,
        ),
        (
            "a jump of the sequence number",
            |sent| {
                sent.sequence = sent.sequence.wrapping_add(20_000);
            },
            false,
        ),
        ("another codec", |_| {}, true),
        ("another codec and source", |sent| sent.ssrc = 3, true),
    ];
    for (what, change, other_codec) in changes {
        let mut sent: Vec<(u64, Sent)> = opus[..250].to_vec();
        let rest = if other_codec { &ulaw } else { &opus };
        sent.extend(rest[250..].iter().cloned().map(|(at, mut packet)| {
            change(&mut packet);
            (at, packet)
        }));
        let heard = listen(&carry(&network, sent), network.seconds);
        let silent = heard.holes(3);
        assert!(silent <= 4, "{what}: {silent} blocks of silence");
        let level = tone_level(&heard.from(7)[..96_000], SAMPLE_RATE, TONE);
        assert!((level + 15.05).abs() < 1.0, "{what}: {level} dBov");
        assert!(
            heard.mean_delay(7) < 60.0,
            "{what}: {} ms",
            heard.mean_delay(7)
        );
    }
}

#[test]
fn a_pause_of_the_sender_is_no_loss_and_the_next_word_is_whole() {
    let network = Network {
        seconds: 10,
        ..Network::default()
    };
    let sent = stream(&network);
    // Two seconds of discontinuous transmission: the sequence goes on, the timestamp jumps.
    let mut arrivals: Vec<(u64, Sent)> = sent[..200].to_vec();
    arrivals.extend(sent[300..].iter().cloned().map(|(at, mut packet)| {
        packet.sequence = packet.sequence.wrapping_sub(100);
        (at, packet)
    }));
    if let Some((_, first)) = arrivals.get_mut(200) {
        first.marker = true;
    }
    let heard = listen(&carry(&network, arrivals), network.seconds);
    let pause = &heard.pcm[48_000 * 5..48_000 * 11 / 2];
    assert!(dbov(pause) < -40.0, "it fades away: {}", dbov(pause));
    assert_eq!(heard.holes(7), 0);
    let last = heard.stats.last().expect("stats");
    assert_eq!(last.late, 0);
    let word: Vec<f32> = heard.pcm[48_000 * 6..].to_vec();
    let starts = word
        .chunks(BLOCK)
        .position(|block| dbov(block) > -20.0)
        .expect("the word");
    assert!(starts <= 12, "it starts {starts} blocks late");
}

/// Holds packets back: nothing comes within these times (microseconds), then all of it at once.
fn stall(arrivals: Vec<(u64, Sent)>, stalls: &[(u64, u64)]) -> Vec<(u64, Sent)> {
    let held = |at: u64| {
        stalls
            .iter()
            .find(|(from, to)| (*from..*to).contains(&at))
            .map_or(at, |(_, to)| *to)
    };
    arrivals
        .into_iter()
        .map(|(at, packet)| (held(at), packet))
        .collect()
}

#[test]
fn two_seconds_after_a_stall_the_delay_is_as_before() {
    for codec in [Codec::Opus, Codec::Ulaw] {
        let network = Network {
            codec,
            ..Network::default()
        };
        let sent = carry(&network, stream_of(&network, speech));
        let heard = listen(&stall(sent, &[(8_000_000, 8_300_000)]), network.seconds);
        assert!(heard.largest_delay(0) > 200.0, "the stall was there");
        let before = heard.stats[799].buffer_ms;
        let after: Vec<f32> = heard.stats[1_030..].iter().map(|s| s.buffer_ms).collect();
        let most = after.iter().copied().fold(0.0, f32::max);
        println!("{codec:?}: {before:.1} ms before, at most {most:.1} ms from two seconds after");
        assert!(
            most < before + 15.0,
            "{codec:?}: {most} ms, {before} before"
        );
    }
}

#[test]
fn stalls_that_come_again_and_again_are_bridged() {
    let network = Network {
        jitter: 5,
        seconds: 40,
        ..Network::default()
    };
    let sent = carry(&network, stream_of(&network, speech));
    // A VPN that hiccups for 120 ms three times in two seconds.
    let hiccups: Vec<_> = (0..60)
        .map(|n| {
            let at = 3_000_000 + n * 630_000;
            (at, at + 120_000)
        })
        .collect();
    let heard = listen(&stall(sent, &hiccups), network.seconds);
    let (delay, concealed) = (heard.mean_delay(10), heard.concealed(10));
    println!("hiccups: {delay:.1} ms, {concealed:.4} concealed");
    assert!(concealed < 0.01, "{concealed} concealed");
    assert!(delay < 180.0, "{delay} ms");
}

#[test]
fn minutes_with_clocks_that_disagree_have_no_underrun() {
    drift(300);
}

/// The same for an hour of a tone of whole packets, which is quickly made and looked at as it comes.
#[test]
fn an_hour_with_clocks_that_disagree_has_no_underrun() {
    let mut sender = sender(Codec::Ulaw, 20, "");
    let frames = (0..20).filter_map(|n| Some(sender.push(&tone(n * BLOCK))?.payload.to_vec()));
    // 20 ms are eight turns of the tone: each packet is like the last.
    let payload = frames.last().expect("a packet");
    for ppm in [-500_i64, 500] {
        let mut receiver = AudioReceiver::new();
        receiver.set_payload_types(&TYPES);
        let mut rng = StdRng::seed_from_u64(5);
        let (mut sent, mut holes, mut concealed, mut delay) = (0_u32, 0, 0.0_f32, 0.0_f32);
        let quiet = 20.0 * (AMPLITUDE / 2.0_f32.sqrt()).log10() - 10.0;
        for tick in 0..360_000_u64 {
            let now = tick * 10_000 + 5_000;
            loop {
                // Sent every 20 ms by a clock that is off.
                let at =
                    (i64::from(sent) * 20_000 - i64::from(sent) * 20_000 * ppm / 1_000_000) as u64;
                let at = at + rng.clone().random_range(0..3_000);
                if at > now {
                    break;
                }
                let _: u32 = rng.random();
                receiver.insert(
                    Duration::from_micros(at),
                    &RtpIn {
                        payload_type: 0,
                        sequence: sent as u16,
                        timestamp: sent.wrapping_mul(160),
                        marker: false,
                        payload: &payload,
                        ssrc: 1,
                    },
                );
                sent += 1;
            }
            let mut block = [0.0; BLOCK];
            receiver.pull(Duration::from_micros(now), &mut block);
            if tick >= 500 {
                holes += usize::from(dbov(&block) < quiet);
                let stats = receiver.stats();
                concealed = concealed.max(stats.concealed_share);
                delay = delay.max(stats.buffer_ms);
            }
        }
        println!("{ppm} ppm for an hour: at most {delay:.1} ms, {concealed} concealed");
        assert_eq!((holes, concealed), (0, 0.0), "{ppm} ppm");
        assert!(delay < 60.0, "{ppm} ppm: {delay} ms");
    }
}

#[test]
fn the_first_seconds_wait_no_longer_than_the_network_calls_for() {
    for (jitter, after, most) in [(0, 3, 36.0), (10, 3, 45.0)] {
        let heard = run(&Network {
            jitter,
            seconds: 8,
            ..Network::default()
        });
        let targets = heard.stats.iter().map(|stats| stats.target_ms);
        let targets: Vec<f32> = targets.step_by(100).collect();
        println!("{jitter} ms of jitter: aims at {targets:?} ms, second by second");
        assert!(targets[after] <= most, "{jitter} ms: {targets:?}");
    }
    // From the very first packet on.
    let clean = run(&Network::default());
    let delay = clean.mean_delay(0);
    assert!(delay <= 40.0, "{delay} ms");
    // A network that is bad from the start is known as such before two seconds are over.
    let bad = run(&Network {
        jitter: 80,
        seconds: 8,
        ..Network::default()
    });
    assert!(bad.stats[200].target_ms > 60.0, "{:?}", bad.stats[200]);
    let concealed = bad.concealed(2);
    assert!(concealed < 0.01, "{concealed}");
}

#[test]
fn deep_redundancy_is_played_in_place_of_what_was_lost() {
    let onset = |deep_redundancy| {
        let tuning = crate::OpusTuning {
            deep_redundancy,
            ..crate::OpusTuning::default()
        };
        let fmtp = "useinbandfec=1;x-dred=12";
        let mut sender = tuned(Codec::Opus, 20, fmtp, tuning);
        // The first report asks whether the way is narrow, the second says that it is chance.
        for _ in 0..2 {
            sender.follow(&FarReport {
                loss_percent: 20,
                round_trip: None,
            });
        }
        let mut arrivals = Vec::new();
        // Silence, then a tone; the packets of its first 80 ms are lost. Every third is late, so that the buffer has
        // something in hand.
        for tick in 0..600_usize {
            let said = match tick {
                0..400 => [0.0; BLOCK],
                _ => tone(tick * BLOCK),
            };
            let Some(frame) = sender.push(&said) else {
                continue;
            };
            let sequence = (tick / 2) as u16;
            let late = if sequence.is_multiple_of(3) {
                70_000
            } else {
                0
            };
            if !(400..408).contains(&tick) {
                arrivals.push((
                    tick as u64 * 10_000 + late,
                    Sent {
                        sequence,
                        timestamp: u32::from(sequence) * 960,
                        ssrc: 5,
                        payload_type: 107,
                        marker: false,
                        payload: frame.payload.to_vec(),
                    },
                ));
            }
        }
        arrivals.sort_by_key(|(at, _)| *at);
        let heard = listen(&arrivals, 6);
        let mut blocks = heard.pcm.chunks(BLOCK).skip(350);
        blocks
            .position(|block| dbov(block) > -30.0)
            .expect("a tone")
    };
    let (with, without) = (onset(true), onset(false));
    println!("the tone is heard in block {with} with it, {without} without");
    assert!(with + 4 <= without, "{with} and {without}");
}

fn drift(seconds: u64) {
    for ppm in [-500.0, 500.0] {
        let network = Network {
            codec: Codec::Ulaw,
            ppm,
            jitter: 3,
            seconds,
            ..Network::default()
        };
        // A fast sender is through before we are.
        let heard = listen(&carry(&network, stream(&network)), seconds - 3);
        let concealed = heard.stats[500..]
            .iter()
            .map(|stats| stats.concealed_share)
            .fold(0.0, f32::max);
        let delay = heard.largest_delay(5);
        println!("{ppm} ppm for {seconds} s: at most {delay:.1} ms, {concealed} concealed");
        assert_eq!(concealed, 0.0, "{ppm} ppm");
        assert_eq!(heard.holes(5), 0, "{ppm} ppm");
        assert!(delay < 60.0, "{ppm} ppm: {delay} ms");
    }
}

#[test]
fn digits_between_the_words_are_not_concealed_as_loss() {
    let network = Network {
        seconds: 8,
        ..Network::default()
    };
    let mut sent = stream(&network);
    for (_, packet) in &mut sent[200..210] {
        packet.payload_type = 101;
        packet.payload = vec![5, 10, 3, 192];
    }
    let heard = listen(&carry(&network, sent), network.seconds);
    assert!(heard.concealed(3) < 0.02, "{}", heard.concealed(3));
    assert_eq!(heard.holes(5), 0);
}

#[test]
fn garbage_is_survived() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut receiver = AudioReceiver::new();
    receiver.set_payload_types(&TYPES);
    let mut block = [0.0; BLOCK];
    for tick in 0..20_000_u64 {
        let now = Duration::from_millis(tick * 5);
        let payload: Vec<u8> = (0..rng.random_range(0..200))
            .map(|_| rng.random())
            .collect();
        receiver.insert(
            now,
            &RtpIn {
                payload_type: [0, 8, 9, 107, 13][rng.random_range(0..5)],
                sequence: rng.random(),
                timestamp: rng.random(),
                marker: rng.random(),
                payload: &payload,
                ssrc: rng.random_range(0..3),
            },
        );
        if tick % 2 == 0 {
            receiver.pull(now, &mut block);
            assert!(block.iter().all(|sample| sample.is_finite()));
        }
    }
}

#[test]
fn a_stream_that_waited_for_a_listener_is_heard_at_once_and_now() {
    let network = Network {
        seconds: 10,
        ..Network::default()
    };
    let arrivals = carry(&network, stream(&network));
    let mut receiver = AudioReceiver::new();
    receiver.set_payload_types(&TYPES);
    let mut block = [0.0; BLOCK];
    let mut last = 0;
    for (at, packet) in &arrivals {
        receiver.insert(
            Duration::from_micros(*at),
            &RtpIn {
                payload_type: packet.payload_type,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload: &packet.payload,
                ssrc: packet.ssrc,
            },
        );
        // Nobody listens for four seconds.
        if *at > 4_000_000 {
            for _ in 0..2 {
                receiver.pull(Duration::from_micros(*at), &mut block);
            }
            last += 1;
        }
        if last == 5 {
            let stats = receiver.stats();
            assert!(stats.buffer_ms < 200.0, "{stats:?}");
            assert_eq!(stats.late, 0);
            assert!(dbov(&block) > -20.0);
            return;
        }
    }
}

fn sender(codec: Codec, ptime_ms: u32, remote_fmtp: &str) -> AudioSender {
    tuned(codec, ptime_ms, remote_fmtp, OpusTuning::default())
}

fn tuned(codec: Codec, ptime_ms: u32, remote_fmtp: &str, tuning: OpusTuning) -> AudioSender {
    let setup = EncoderSetup {
        ptime_ms,
        longest_ms: 60,
        remote_fmtp,
        tuning,
    };
    AudioSender::new(codec, &setup).expect("codec")
}

#[test]
fn a_pause_sounds_as_the_sender_says_and_counts_as_no_loss() {
    let mut sender = sender(Codec::Ulaw, 20, "");
    let mut receiver = AudioReceiver::new();
    receiver.set_payload_types(&TYPES);
    let (mut sequence, mut heard) = (100_u16, Vec::new());
    let mut most: f32 = 0.0;
    for tick in 0..700_usize {
        // Two seconds of a tone, three of pause, two of a tone; the pause is told anew each 200 ms.
        let pauses = (200..500).contains(&tick);
        let frame = sender.push(&tone(tick * BLOCK));
        let payload = match frame {
            Some(frame) if !pauses => Some((0, frame.payload.to_vec())),
            Some(_) if (tick - 1) % 20 == 0 => Some((13, vec![45])),
            _ => None,
        };
        if let Some((payload_type, payload)) = payload {
            receiver.insert(
                Duration::from_millis(tick as u64 * 10),
                &RtpIn {
                    payload_type,
                    sequence,
                    timestamp: (tick as u32 - 1) * 80,
                    marker: tick == 501,
                    payload: &payload,
                    ssrc: 5,
                },
            );
            sequence += 1;
        }
        let mut block = [0.0; BLOCK];
        receiver.pull(Duration::from_millis(tick as u64 * 10 + 5), &mut block);
        heard.extend(block);
        most = most.max(receiver.stats().concealed_share);
    }
    let level = |from: usize, to: usize| dbov(&heard[from * BLOCK..to * BLOCK]);
    println!(
        "tone {:.1}, pause {:.1}, tone {:.1} dBov, {most} concealed",
        level(100, 190),
        level(240, 480),
        level(540, 690)
    );
    assert!(level(100, 190) > -16.0);
    assert!((level(240, 480) + 45.0).abs() < 3.0);
    assert!(level(540, 690) > -16.0);
    assert!(most < 0.05, "{most}");
    assert_eq!(receiver.stats().late, 0);
}
