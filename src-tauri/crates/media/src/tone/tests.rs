use super::{Keypad, Tones};
use crate::level::{dbov, tone_level};
use crate::{BLOCK, ToneKind};

fn play(kind: ToneKind, seconds: usize) -> Vec<f32> {
    play_in("", kind, seconds)
}

fn play_in(country: &str, kind: ToneKind, seconds: usize) -> Vec<f32> {
    let mut tone = Tones::of(country).start(kind);
    let mut heard = Vec::new();
    for _ in 0..seconds * 100 {
        let mut block = [0.0; BLOCK];
        tone.add(&mut block);
        heard.extend(block);
    }
    heard
}

/// Lengths of sound and silence in turn, in blocks of 10 ms.
fn cadence(pcm: &[f32]) -> Vec<(bool, usize)> {
    let mut runs: Vec<(bool, usize)> = Vec::new();
    for block in pcm.chunks(BLOCK) {
        let sounds = dbov(block) > -60.0;
        match runs.last_mut() {
            Some((state, length)) if *state == sounds => *length += 1,
            _ => runs.push((sounds, 1)),
        }
    }
    runs
}

#[test]
fn call_progress_tones_have_the_european_cadence_and_425_hz() {
    let table: [(ToneKind, &[usize]); 4] = [
        (ToneKind::Ringback, &[100, 400, 100, 400]),
        (ToneKind::Busy, &[50, 50, 50, 50]),
        (ToneKind::Congestion, &[25, 25, 25, 25]),
        (ToneKind::CallWaiting, &[20, 20, 20, 900]),
    ];
    for (kind, expected) in table {
        let pcm = play(kind, 11);
        let runs = cadence(&pcm);
        for (index, length) in expected.iter().enumerate() {
            assert_eq!(
                runs[index],
                (index % 2 == 0, *length),
                "{kind:?} part {index}"
            );
        }
        let first = &pcm[..expected[0] * BLOCK];
        let level = dbov(first);
        assert!((-26.0..-20.0).contains(&level), "{kind:?}: {level} dBov");
        assert!(
            (tone_level(first, 48_000, 425.0) - level).abs() < 1.5,
            "{kind:?}"
        );
        assert!(tone_level(first, 48_000, 850.0) < level - 40.0, "{kind:?}");
    }
}

#[test]
fn tones_begin_and_end_without_a_click() {
    for kind in [ToneKind::Ring, ToneKind::Busy, ToneKind::CallWaiting] {
        let pcm = play(kind, 10);
        let step = pcm
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        // The steepest slope of a full 1760 Hz octave at this level is 0.05 a sample.
        assert!(step < 0.06, "{kind:?} jumps by {step}");
    }
}

#[test]
fn the_ringtone_is_two_notes_and_a_pause_below_full_scale() {
    let pcm = play(ToneKind::Ring, 6);
    assert!(pcm.iter().all(|sample| sample.abs() < 0.5));
    let first = &pcm[..160 * 48];
    let second = &pcm[160 * 48..400 * 48];
    assert!(tone_level(first, 48_000, 659.26) > tone_level(first, 48_000, 880.0) + 20.0);
    assert!(tone_level(second, 48_000, 880.0) > tone_level(second, 48_000, 659.26) + 20.0);
    let pause = &pcm[1_200 * 48..2_900 * 48];
    assert!(dbov(pause) < -100.0, "a pause to speak in");
    // It comes again.
    assert!(dbov(&pcm[3_000 * 48..3_400 * 48]) > -30.0);
}

#[test]
fn the_test_tone_is_steady_440_hz() {
    let pcm = play(ToneKind::Test, 3);
    let level = dbov(&pcm);
    assert!((level + 23.0).abs() < 0.2, "{level}");
    assert!((tone_level(&pcm, 48_000, 440.0) - level).abs() < 0.1);
}

#[test]
fn keys_sound_with_their_two_frequencies_one_after_the_other() {
    let mut keypad = Keypad::default();
    keypad.press("5x#");
    let mut pcm = Vec::new();
    for _ in 0..40 {
        let mut block = [0.0; BLOCK];
        keypad.add(&mut block);
        pcm.extend(block);
    }
    assert!(keypad.is_quiet());
    let five = &pcm[..4_800];
    let hash = &pcm[7_200..12_000];
    for (piece, pair, other) in [
        (five, [770.0, 1_336.0], [941.0, 1_477.0]),
        (hash, [941.0, 1_477.0], [770.0, 1_336.0]),
    ] {
        for (present, absent) in pair.into_iter().zip(other) {
            assert!(tone_level(piece, 48_000, present) > -27.0);
            assert!(tone_level(piece, 48_000, absent) < -50.0);
        }
    }
    assert!(
        dbov(&pcm[14_400..]) < -100.0,
        "silence when all keys are played"
    );
}

#[test]
fn each_country_sounds_as_its_people_know_it() {
    type Row = (&'static str, ToneKind, &'static [usize], &'static [f64]);
    let table: [Row; 10] = [
        ("US", ToneKind::Ringback, &[200, 400], &[440.0, 480.0]),
        ("ca", ToneKind::Busy, &[50, 50], &[480.0, 620.0]),
        ("us", ToneKind::Congestion, &[25, 25], &[480.0, 620.0]),
        ("US", ToneKind::CallWaiting, &[30, 1_000], &[440.0]),
        (
            "GB",
            ToneKind::Ringback,
            &[40, 20, 40, 200],
            &[400.0, 450.0],
        ),
        ("FR", ToneKind::Ringback, &[150, 350], &[440.0]),
        ("DE", ToneKind::Busy, &[48, 48], &[425.0]),
        ("ES", ToneKind::Busy, &[20, 20], &[425.0]),
        ("CN", ToneKind::Congestion, &[70, 70], &[450.0]),
        // A country without a row has Europe's.
        ("XX", ToneKind::Ringback, &[100, 400], &[425.0]),
    ];
    for (country, kind, expected, frequencies) in table {
        let pcm = play_in(country, kind, 12);
        let runs = cadence(&pcm);
        for (index, length) in expected.iter().enumerate() {
            let part = (index % 2 == 0, *length);
            assert_eq!(runs[index], part, "{country} {kind:?} part {index}");
        }
        let first = &pcm[..expected[0] * BLOCK];
        let level = dbov(first);
        assert!(
            (-26.0..-20.0).contains(&level),
            "{country} {kind:?}: {level} dBov"
        );
        for &frequency in frequencies {
            let tone = tone_level(first, 48_000, frequency);
            assert!(
                tone > level - 5.0,
                "{country} {kind:?}: {frequency} Hz at {tone}"
            );
        }
    }
}
