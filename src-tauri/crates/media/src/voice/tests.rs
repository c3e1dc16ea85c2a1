use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::party::Line;
use super::{AudioSetup, ToneKind, Voice};
use crate::level::{dbov, tone_level};
use crate::wav::WavWriter;
use crate::{BLOCK, Block, MediaError, SAMPLE_RATE};

/// Sends 440 Hz to the ear and keeps what it is sent.
struct FarEnd {
    sent: Arc<Mutex<Vec<f32>>>,
    at: usize,
}

impl FarEnd {
    fn new() -> (Self, Arc<Mutex<Vec<f32>>>) {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let far = Self {
            sent: Arc::clone(&sent),
            at: 0,
        };
        (far, sent)
    }
}

impl Line for FarEnd {
    fn exchange(&mut self, send: &Block, received: &mut Block) {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(send);
        for sample in received {
            let turns = 440.0 * self.at as f64 / f64::from(SAMPLE_RATE);
            *sample = ((turns * std::f64::consts::TAU).sin() * 0.25) as f32;
            self.at += 1;
        }
    }
}

fn scratch(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("sidetone-voice-{}-{name}", std::process::id()))
}

/// Waits until a condition holds; a machine under load may take its time.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn count(sent: &Mutex<Vec<f32>>) -> usize {
    sent.lock().unwrap_or_else(PoisonError::into_inner).len()
}

fn taken(sent: &Mutex<Vec<f32>>) -> Vec<f32> {
    std::mem::take(&mut *sent.lock().unwrap_or_else(PoisonError::into_inner))
}

#[test]
fn a_file_is_sent_from_its_start_and_what_is_heard_is_in_a_file() {
    let (input, output) = (scratch("in.wav"), scratch("out.wav"));
    let mut writer = WavWriter::create(&input).expect("input");
    // Each block has a level of its own, so that a sample tells its place.
    for n in 0..200 {
        writer.write(&[n as f32 / 256.0; BLOCK]).expect("write");
    }
    drop(writer);
    let voice = Voice::start(AudioSetup::Files {
        input: input.clone(),
        output: output.clone(),
    })
    .expect("start");
    for round in 0..2 {
        let (far, sent) = FarEnd::new();
        voice.attach_line(Some(Box::new(far)));
        eventually("a second is sent", || count(&sent) >= 48_000);
        voice.attach_line(None);
        let sent = taken(&sent);
        for (n, block) in sent.chunks(BLOCK).enumerate() {
            let expected = (n % 200) as f32 / 256.0;
            assert!(
                (block[0] - expected).abs() < 1e-3,
                "round {round}, block {n}: {} for {expected}",
                block[0]
            );
        }
    }
    eventually("the output is written", || {
        hound::WavReader::open(&output).is_ok_and(|reader| reader.len() >= 96_000)
    });
    let mut reader = hound::WavReader::open(&output).expect("output");
    let heard: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("sample")) / 32_768.0)
        .collect();
    let level = tone_level(&heard[..48_000], SAMPLE_RATE, 440.0);
    assert!((level + 15.05).abs() < 0.2, "{level} dBov");
    drop(voice);
    for path in [input, output] {
        std::fs::remove_file(path).expect("remove");
    }
}

#[test]
fn the_clock_neither_drifts_nor_bursts() {
    let voice = Voice::start(AudioSetup::Null).expect("start");
    let (far, sent) = FarEnd::new();
    voice.attach_line(Some(Box::new(far)));
    eventually("it runs", || count(&sent) > 0);
    let (start, before) = (Instant::now(), count(&sent));
    std::thread::sleep(Duration::from_secs(2));
    let (took, after) = (start.elapsed(), count(&sent));
    let played = (after - before) as f64 / f64::from(SAMPLE_RATE);
    assert!(
        (played - took.as_secs_f64()).abs() < 0.25,
        "{played} s of sound in {took:?}"
    );
}

#[test]
fn mute_sends_silence_and_its_meter_still_moves() {
    let (input, output) = (scratch("mute-in.wav"), scratch("mute-out.wav"));
    let mut writer = WavWriter::create(&input).expect("input");
    for _ in 0..100 {
        writer.write(&[0.5; BLOCK]).expect("write");
    }
    drop(writer);
    let voice = Voice::start(AudioSetup::Files {
        input: input.clone(),
        output: output.clone(),
    })
    .expect("start");
    let levels = voice.levels();
    assert!(
        levels.borrow().microphone < -120.0,
        "silent before the call"
    );
    let (far, sent) = FarEnd::new();
    voice.attach_line(Some(Box::new(far)));
    eventually("it is loud", || dbov(&taken(&sent)) > -7.0);
    voice.mute(true);
    eventually("it is silent", || {
        std::thread::sleep(Duration::from_millis(50));
        let piece = taken(&sent);
        !piece.is_empty() && piece.iter().all(|&sample| sample == 0.0)
    });
    eventually("the meter shows the microphone before mute", || {
        levels.borrow().microphone > -7.0
    });
    eventually("the meter shows what is heard", || {
        (levels.borrow().speaker + 15.05).abs() < 0.5
    });
    voice.mute(false);
    eventually("it is loud again", || dbov(&taken(&sent)) > -7.0);
    voice.attach_line(None);
    eventually("the meter rests after the call", || {
        levels.borrow().microphone < -120.0
    });
    drop(voice);
    for path in [input, output] {
        std::fs::remove_file(path).expect("remove");
    }
}

#[test]
fn tones_for_the_ear_are_heard_and_stop() {
    let (input, output) = (scratch("tone-in.wav"), scratch("tone-out.wav"));
    let mut writer = WavWriter::create(&input).expect("input");
    writer.write(&[0.0; BLOCK]).expect("write");
    drop(writer);
    let voice = Voice::start(AudioSetup::Files {
        input: input.clone(),
        output: output.clone(),
    })
    .expect("start");
    voice.tone(Some(ToneKind::Busy));
    let length = || hound::WavReader::open(&output).map_or(0, |reader| reader.len());
    eventually("half a second is played", || length() >= 24_000);
    voice.tone(None);
    eventually("it rests", || {
        let before = length();
        std::thread::sleep(Duration::from_millis(400));
        length() == before
    });
    let mut reader = hound::WavReader::open(&output).expect("output");
    let heard: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("sample")) / 32_768.0)
        .collect();
    assert!((tone_level(&heard[..24_000], SAMPLE_RATE, 425.0) + 23.0).abs() < 1.0);
    drop(voice);
    for path in [input, output] {
        std::fs::remove_file(path).expect("remove");
    }
}

#[test]
fn a_missing_input_file_is_said_at_once() {
    let error = Voice::start(AudioSetup::Files {
        input: scratch("none.wav"),
        output: scratch("none-out.wav"),
    })
    .expect_err("refused");
    assert!(matches!(error, MediaError::File { .. }), "{error}");
}
