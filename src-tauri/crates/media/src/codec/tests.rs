use std::time::Duration;

use sidetone_profile::Codec;

use super::{CodecSpec, EncoderSetup, Enhancer, FarReport, OpusTuning, fmtp_value, libopus, spec};
use crate::level::dbov;

const SETUP: EncoderSetup<'static> = EncoderSetup {
    ptime_ms: 20,
    longest_ms: 60,
    remote_fmtp: "useinbandfec=1",
    tuning: OpusTuning {
        neural_concealment: true,
        deep_redundancy: true,
        enhancer: Enhancer::ByNeed,
        encoding: 5,
        transform: true,
    },
};

const BUILT: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Ulaw, Codec::Alaw];

/// A voice-like sound: a gliding pitch with formant-weighted harmonics.
fn voice(rate: u32, seconds: f64) -> Vec<f32> {
    let mut phase = 0.0_f64;
    (0..(f64::from(rate) * seconds) as usize)
        .map(|n| {
            let time = n as f64 / f64::from(rate);
            let pitch = 140.0 + 30.0 * (time * 3.0).sin();
            phase += pitch / f64::from(rate);
            let mut sum = 0.0;
            for harmonic in 1..=20 {
                let frequency = pitch * f64::from(harmonic);
                if frequency > 3_400.0 {
                    break;
                }
                let near = |formant: f64| (-((frequency - formant) / 250.0).powi(2)).exp();
                let weight = near(500.0) + 0.6 * near(1_500.0) + 0.3 * near(2_500.0) + 0.03;
                sum += weight * (phase * f64::from(harmonic) * std::f64::consts::TAU).sin();
            }
            (sum * 0.12) as f32
        })
        .collect()
}

/// Encodes and decodes; the packets named by `lost` are concealed.
fn round_trip(spec: &CodecSpec, pcm: &[f32], lost: impl Fn(usize) -> bool) -> Vec<f32> {
    let mut encoder = spec.encoder(&SETUP).expect("encoder");
    let mut decoder = spec.decoder(OpusTuning::default()).expect("decoder");
    let mut out = Vec::new();
    for (index, frame) in pcm.chunks_exact(encoder.frame()).enumerate() {
        let mut payload = Vec::new();
        assert!(encoder.encode(frame, &mut payload));
        assert_eq!(decoder.samples(&payload), Some(frame.len()));
        if lost(index) {
            decoder.conceal(frame.len(), &mut out);
        } else {
            decoder.decode(&payload, &mut out);
        }
    }
    out
}

/// Signal to noise, dB, at the delay and gain that fit best.
fn snr(original: &[f32], decoded: &[f32], longest_delay: usize) -> f32 {
    let length = original.len().min(decoded.len()) - longest_delay;
    let from = length / 4;
    let mut best = f32::MIN;
    for delay in 0..longest_delay {
        let (mut signal, mut cross, mut other) = (0.0_f64, 0.0_f64, 1e-12_f64);
        for n in from..length {
            let (a, b) = (f64::from(original[n]), f64::from(decoded[n + delay]));
            signal += a * a;
            cross += a * b;
            other += b * b;
        }
        let noise = signal - cross * cross / other;
        best = best.max((10.0 * (signal / noise.max(1e-12)).log10()) as f32);
    }
    best
}

#[test]
fn a_round_trip_keeps_the_signal() {
    for (codec, delay, least) in [
        (Codec::Ulaw, 1, 34.0),
        (Codec::Alaw, 1, 34.0),
        (Codec::G722, 40, 18.0),
        (Codec::Opus, 400, 5.0),
    ] {
        let spec = spec(codec).expect("built");
        let pcm = voice(spec.sample_rate, 1.0);
        let ratio = snr(&pcm, &round_trip(spec, &pcm, |_| false), delay);
        println!("{}: {ratio:.1} dB", spec.name);
        assert!(ratio > least, "{}: {ratio} dB", spec.name);
    }
}

#[test]
fn g711_codes_are_the_standard_ones() {
    // ITU-T G.711: silence, full scale both ways, and every code comes back as itself.
    for (codec, silence, top, bottom) in [
        (Codec::Ulaw, 0xff, 0x80, 0x00),
        (Codec::Alaw, 0xd5, 0xaa, 0x2a),
    ] {
        let spec = spec(codec).expect("built");
        let mut encoder = spec.encoder(&SETUP).expect("encoder");
        let mut payload = Vec::new();
        encoder.encode(&[1e-5, 0.999_9, -1.0], &mut payload);
        assert_eq!(payload, [silence, top, bottom], "{}", spec.name);
        let mut decoder = spec.decoder(OpusTuning::default()).expect("decoder");
        let mut again = Vec::new();
        let mut pcm = Vec::new();
        let codes: Vec<u8> = (0..=255).collect();
        decoder.decode(&codes, &mut pcm);
        encoder.encode(&pcm, &mut again);
        // µ-law has two zeros.
        let changed = codes.iter().zip(&again).filter(|(a, b)| a != b).count();
        assert!(changed <= 1, "{}: {changed} codes changed", spec.name);
    }
}

#[test]
fn a_lost_packet_is_filled_without_a_click_and_a_long_loss_fades() {
    for codec in BUILT {
        let spec = spec(codec).expect("built");
        let pcm = voice(spec.sample_rate, 1.0);
        let frame = spec.sample_rate as usize / 50;
        let whole = round_trip(spec, &pcm, |_| false);
        let patched = round_trip(spec, &pcm, |index| index == 25);
        let step = |pcm: &[f32]| {
            pcm.windows(2)
                .map(|pair| (pair[1] - pair[0]).abs())
                .fold(0.0, f32::max)
        };
        let around = 24 * frame..28 * frame;
        let (natural, made_up) = (step(&whole), step(&patched[around.clone()]));
        assert!(
            made_up < natural * 1.3,
            "{}: {made_up} for {natural}",
            spec.name
        );
        let (before, during) = (
            dbov(&whole[25 * frame..26 * frame]),
            dbov(&patched[25 * frame..26 * frame]),
        );
        // libopus's network was taught with voices of people, and is careful with what is none.
        let most = if codec == Codec::Opus { 10.0 } else { 6.0 };
        assert!(
            (before - during).abs() < most,
            "{}: {during} for {before}",
            spec.name
        );
        if codec == Codec::Opus {
            // libopus goes on longer; the jitter buffer fades it.
            continue;
        }
        let gone = round_trip(spec, &pcm, |index| index >= 25);
        let last = dbov(&gone[45 * frame..46 * frame]);
        assert!(last < before - 25.0, "{}: {last} after 400 ms", spec.name);
    }
}

#[test]
fn opus_redundancy_brings_a_lost_packet_back() {
    let spec = spec(Codec::Opus).expect("built");
    let mut encoder = spec
        .encoder(&EncoderSetup {
            ptime_ms: 20,
            longest_ms: 60,
            remote_fmtp: "useinbandfec=1;maxaveragebitrate=24000",
            tuning: OpusTuning::default(),
        })
        .expect("encoder");
    // The first report asks whether the way is narrow, the second says that it is chance.
    for _ in 0..2 {
        encoder.follow(&FarReport {
            loss_percent: 20,
            round_trip: None,
        });
    }
    let pcm = voice(48_000, 1.0);
    let packets: Vec<Vec<u8>> = pcm
        .chunks_exact(960)
        .map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            payload
        })
        .collect();
    let listen = |redundancy: bool| {
        let mut decoder = spec.decoder(OpusTuning::default()).expect("decoder");
        let mut out = Vec::new();
        let mut recovered = 0;
        for (index, payload) in packets.iter().enumerate() {
            let next = packets.get(index + 1).filter(|_| redundancy);
            match (index % 5, next) {
                (4, Some(next)) if decoder.recover(next, 960, &mut out) => recovered += 1,
                (4, _) => decoder.conceal(960, &mut out),
                _ => decoder.decode(payload, &mut out),
            }
        }
        println!("{recovered} of 9 packets recovered");
        snr(&pcm, &out, 400)
    };
    let (with, without) = (listen(true), listen(false));
    assert!(
        with > without + 1.0,
        "{with} dB with it, {without} dB without"
    );
}

#[test]
fn deep_redundancy_brings_back_a_word_that_began_among_lost_packets() {
    let spec = spec(Codec::Opus).expect("built");
    let packets = |remote_fmtp, deep_redundancy| -> Vec<Vec<u8>> {
        let setup = EncoderSetup {
            remote_fmtp,
            tuning: OpusTuning {
                deep_redundancy,
                ..OpusTuning::default()
            },
            ..SETUP
        };
        let mut encoder = spec.encoder(&setup).expect("encoder");
        // The first report asks whether the way is narrow, the second says that it is chance.
        for _ in 0..2 {
            encoder.follow(&FarReport {
                loss_percent: 20,
                round_trip: None,
            });
        }
        let mut sound = vec![0.0; 48_000];
        sound.extend(voice(48_000, 1.0));
        let frames = sound.chunks_exact(960);
        frames
            .map(|frame| {
                let mut payload = Vec::new();
                encoder.encode(frame, &mut payload);
                payload
            })
            .collect()
    };
    // Packets 50 to 53 are lost; what is heard in their place, taken from packet 54.
    let heard = |packets: &[Vec<u8>]| {
        let mut decoder = spec.decoder(OpusTuning::default()).expect("decoder");
        let mut out = Vec::new();
        for packet in &packets[..50] {
            decoder.decode(packet, &mut out);
        }
        let start = out.len();
        let rebuilt = (0..8)
            .filter(|piece| decoder.rebuild(&packets[54], 3_840 - piece * 480, 480, &mut out))
            .count();
        (rebuilt, dbov(&out[start.min(out.len() - 1)..]))
    };
    let ours = "useinbandfec=1;x-dred=12";
    let (rebuilt, level) = heard(&packets(ours, true));
    println!("{rebuilt} of 8 pieces, {level:.1} dBov");
    assert_eq!(rebuilt, 8);
    assert!(level > -35.0, "{level} dBov");
    // Others get none, and neither does our own kind when it is switched off.
    for (fmtp, on) in [
        ("useinbandfec=1", true),
        ("useinbandfec=1;x-dred=11", true),
        (ours, false),
    ] {
        assert_eq!(heard(&packets(fmtp, on)).0, 0, "{fmtp} {on}");
    }
    // Without loss nothing is spent on it.
    let setup = EncoderSetup {
        remote_fmtp: ours,
        ..SETUP
    };
    let mut encoder = spec.encoder(&setup).expect("encoder");
    let mut decoder = spec.decoder(OpusTuning::default()).expect("decoder");
    let mut payload = Vec::new();
    for frame in voice(48_000, 1.0).chunks_exact(960) {
        payload.clear();
        encoder.encode(frame, &mut payload);
    }
    assert!(!decoder.rebuild(&payload, 480, 480, &mut Vec::new()));
}

#[test]
fn every_way_of_spending_decodes_and_conceals() {
    let spec = spec(Codec::Opus).expect("built");
    let pcm = voice(48_000, 1.0);
    for neural_concealment in [false, true] {
        for enhancer in [Enhancer::Off, Enhancer::Light, Enhancer::Full] {
            let tuning = OpusTuning {
                neural_concealment,
                enhancer,
                ..OpusTuning::default()
            };
            let setup = EncoderSetup {
                remote_fmtp: "maxaveragebitrate=12000",
                ..SETUP
            };
            let mut encoder = spec.encoder(&setup).expect("encoder");
            let mut decoder = spec.decoder(tuning).expect("decoder");
            let mut out = Vec::new();
            for (index, frame) in pcm.chunks_exact(960).enumerate() {
                let mut payload = Vec::new();
                assert!(encoder.encode(frame, &mut payload));
                match index % 10 {
                    7 | 8 => decoder.conceal(960, &mut out),
                    _ => decoder.decode(&payload, &mut out),
                }
            }
            assert_eq!(out.len(), pcm.len(), "{tuning:?}");
            let (said, heard) = (dbov(&pcm), dbov(&out));
            assert!((said - heard).abs() < 3.0, "{tuning:?}: {heard} for {said}");
        }
    }
}

#[test]
fn opus_honours_what_the_far_end_asks_for() {
    let spec = spec(Codec::Opus).expect("built");
    let pcm = voice(48_000, 2.0);
    let rate = |fmtp: &str| {
        let mut encoder = spec
            .encoder(&EncoderSetup {
                ptime_ms: 20,
                longest_ms: 60,
                remote_fmtp: fmtp,
                tuning: OpusTuning::default(),
            })
            .expect("encoder");
        let mut bytes = 0;
        for frame in pcm.chunks_exact(960) {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            bytes += payload.len();
        }
        bytes * 8 / 2
    };
    let limited = rate("maxaveragebitrate=12000;useinbandfec=0");
    assert!(limited < 16_000, "{limited} bit/s for at most 12000");
    let free = rate("useinbandfec=1");
    assert!((18_000..45_000).contains(&free), "{free} bit/s");
    for (ptime_ms, samples) in [
        (10, 480),
        (20, 960),
        (30, 960),
        (40, 1_920),
        (60, 2_880),
        (120, 2_880),
    ] {
        let setup = EncoderSetup {
            ptime_ms,
            longest_ms: 60,
            remote_fmtp: "",
            tuning: OpusTuning::default(),
        };
        assert_eq!(spec.encoder(&setup).expect("encoder").frame(), samples);
    }
}

#[test]
fn opus_sends_less_where_the_way_is_narrow_and_more_where_nothing_is_lost() {
    let spec = spec(Codec::Opus).expect("built");
    let pcm = voice(48_000, 2.0);
    // Bit rate and length of packets after so many reports of this loss, with packets waiting so long on the way.
    let sent = |fmtp: &str, reports: usize, percent: u8, waiting_ms: u64| {
        let setup = EncoderSetup {
            ptime_ms: 20,
            longest_ms: 60,
            remote_fmtp: fmtp,
            tuning: OpusTuning::default(),
        };
        let mut encoder = spec.encoder(&setup).expect("encoder");
        for number in 0..reports {
            let waiting = if number == 0 { 0 } else { waiting_ms };
            encoder.follow(&FarReport {
                loss_percent: percent,
                round_trip: Some(Duration::from_millis(60 + waiting)),
            });
        }
        let (mut bytes, mut rest) = (0, &pcm[..]);
        while rest.len() >= encoder.frame() {
            let (frame, behind) = rest.split_at(encoder.frame());
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            bytes += payload.len();
            rest = behind;
        }
        (bytes * 8 / 2, encoder.frame() / 48)
    };
    let fmtp = "useinbandfec=1";
    let (narrow, narrow_ms) = sent(fmtp, 10, 30, 600);
    let (chance, chance_ms) = sent(fmtp, 10, 30, 0);
    let ((start, start_ms), (free, free_ms)) = (sent(fmtp, 0, 0, 0), sent(fmtp, 10, 0, 0));
    println!(
        "{narrow} where narrow, {chance} by chance, {start} at first, {free} without loss, bit/s"
    );
    assert!(narrow < 16_000, "{narrow}");
    assert!(narrow < start && start < free, "{narrow} {start} {free}");
    // Chance is met with redundancy, not with less sound.
    assert!(chance > 2 * narrow && chance > 20_000, "{chance} {start}");
    assert_eq!((narrow_ms, chance_ms, start_ms, free_ms), (60, 20, 20, 20));
    assert!(free < 48_000, "{free}");
    let (limited, _) = sent("maxaveragebitrate=16000", 10, 0, 0);
    assert!(limited < 20_000, "{limited} where the far end allows 16000");
}

#[test]
fn opus_leaves_the_model_of_speech_where_nothing_is_lost_and_takes_it_up_for_its_redundancy() {
    let spec = spec(Codec::Opus).expect("built");
    let pcm = voice(48_000, 0.4);
    // Whether the transform codes alone (RFC 6716 section 3.1: from configuration 16 on) and whether there is in-band
    // redundancy, at first and after each report; libopus takes a frame or two from one to the other.
    let ways = |remote_fmtp, reports: &[u8]| -> Vec<(bool, bool)> {
        let tuning = OpusTuning::default();
        let setup = EncoderSetup {
            remote_fmtp,
            tuning,
            ..SETUP
        };
        let mut encoder = spec.encoder(&setup).expect("encoder");
        let first = std::iter::once(None);
        let reports = first.chain(reports.iter().copied().map(Some));
        let way = reports.map(|report| {
            if let Some(loss_percent) = report {
                encoder.follow(&FarReport {
                    loss_percent,
                    round_trip: None,
                });
            }
            let mut payload = Vec::new();
            let mut redundancy = false;
            for frame in pcm.chunks_exact(960) {
                payload.clear();
                encoder.encode(frame, &mut payload);
                redundancy |= libopus::has_fec(&payload);
            }
            (payload[0] >> 3 >= 16, redundancy)
        });
        way.collect()
    };
    let (transform, speech, redundancy) = ((true, false), (false, false), (false, true));
    assert_eq!(
        ways("useinbandfec=1", &[0, 3, 0]),
        [transform, transform, redundancy, redundancy]
    );
    assert_eq!(ways("", &[0, 0]), [transform; 3]);
    let mended = ways("useinbandfec=1", &[3, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(mended.last(), Some(&transform), "{mended:?}");
    // Few bits, and pauses that are left out, are for the model of speech.
    assert_eq!(ways("maxaveragebitrate=20000", &[0, 0]), [speech; 3]);
    assert_eq!(ways("usedtx=1", &[0, 0]), [speech; 3]);
}

#[test]
fn opus_spends_nothing_on_the_silence_of_the_muted_and_speaks_again_at_once() {
    let spec = spec(Codec::Opus).expect("built");
    let mut encoder = spec.encoder(&SETUP).expect("encoder");
    encoder.follow(&FarReport {
        loss_percent: 8,
        round_trip: None,
    });
    let mut decoder = spec.decoder(OpusTuning::default()).expect("decoder");
    let (word, silence) = (voice(48_000, 0.6), vec![0.0; 48_000]);
    let sound = [&word[..], &silence, &word].concat();
    let mut heard = Vec::new();
    let mut by_transform = Vec::new();
    for frame in sound.chunks_exact(960) {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload);
        by_transform.push(payload[0] >> 3 >= 16);
        decoder.decode(&payload, &mut heard);
    }
    // Speech of a line with losses, the end of a second of silence, and speech again.
    assert_eq!(
        [by_transform[29], by_transform[79], by_transform[109]],
        [false, true, false]
    );
    let [first, second] = [&heard[4_800..24_000], &heard[81_600..100_800]].map(dbov);
    assert!((first - second).abs() < 1.0, "{first} and {second} dBov");
    assert!(
        dbov(&heard[48_000..72_000]) < -80.0,
        "the silence is silent"
    );
    let onset = dbov(&heard[76_800 + 960..76_800 + 2_880]);
    assert!(
        onset > first - 6.0,
        "the first 40 ms: {onset}, later {first} dBov"
    );
}

#[test]
fn opus_pauses_only_when_the_far_end_asks() {
    let spec = spec(Codec::Opus).expect("built");
    let skipped = |fmtp| {
        let mut encoder = spec
            .encoder(&EncoderSetup {
                ptime_ms: 20,
                longest_ms: 60,
                remote_fmtp: fmtp,
                tuning: OpusTuning::default(),
            })
            .expect("encoder");
        let mut payload = Vec::new();
        (0..100)
            .filter(|_| {
                payload.clear();
                !encoder.encode(&[0.0; 960], &mut payload)
            })
            .count()
    };
    assert_eq!(skipped("useinbandfec=1"), 0);
    assert!(skipped("usedtx=1") > 50);
}

#[test]
fn a_stereo_packet_is_heard_in_mono() {
    let mut encoder = libopus::Encoder::new(48_000, 2).expect("opus");
    let mut decoder = spec(Codec::Opus)
        .expect("built")
        .decoder(OpusTuning::default())
        .expect("decoder");
    let mut out = Vec::new();
    for frame in voice(48_000, 0.5).chunks_exact(960) {
        // The voice is on the left only.
        let stereo: Vec<f32> = frame.iter().flat_map(|&sample| [sample, 0.0]).collect();
        let mut packet = [0; 1_000];
        let length = encoder.encode(&stereo, &mut packet).expect("packet");
        decoder.decode(&packet[..length], &mut out);
    }
    assert!(dbov(&out[9_600..]) > -35.0, "{}", dbov(&out[9_600..]));
}

#[test]
fn parameters_are_found_whatever_their_spelling() {
    let fmtp = "minptime=10; UseInbandFec=1 ;maxaveragebitrate=20000";
    assert_eq!(fmtp_value(fmtp, "useinbandfec"), Some("1"));
    assert_eq!(fmtp_value(fmtp, "maxaveragebitrate"), Some("20000"));
    assert_eq!(fmtp_value(fmtp, "stereo"), None);
    assert_eq!(fmtp_value("", "stereo"), None);
}
