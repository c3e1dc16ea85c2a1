use super::{LoopedWav, WavWriter};
use crate::level::{dbov, tone_level};
use crate::{BLOCK, MediaError};

fn scratch(name: &str) -> std::path::PathBuf {
    let file = format!("sidetone-wav-{}-{name}", std::process::id());
    std::env::temp_dir().join(file)
}

#[test]
fn a_file_is_readable_while_it_grows_and_whole_when_closed() {
    let path = scratch("grows.wav");
    let mut writer = WavWriter::create(&path).expect("create");
    assert_eq!(hound::WavReader::open(&path).expect("empty").len(), 0);
    for _ in 0..130 {
        writer.write(&[0.25; BLOCK]).expect("write");
    }
    let mut reader = hound::WavReader::open(&path).expect("mid-write");
    assert_eq!(reader.spec().sample_rate, 48_000);
    assert_eq!(reader.spec().channels, 1);
    let seen = reader.len();
    assert!(seen >= 48_000, "a second must be there, {seen} samples are");
    let samples: Vec<i16> = reader
        .samples::<i16>()
        .collect::<Result<_, _>>()
        .expect("every counted sample is in the file");
    assert!(samples.iter().all(|&sample| sample == 8_192));
    drop(writer);
    assert_eq!(
        hound::WavReader::open(&path).expect("closed").len(),
        130 * BLOCK as u32
    );
    std::fs::remove_file(path).expect("remove");
}

#[test]
fn any_rate_and_channel_count_is_played_round_at_48_khz() {
    let path = scratch("stereo.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 22_050,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).expect("create");
    for n in 0..22_050 {
        let angle = std::f64::consts::TAU * 1_000.0 * f64::from(n) / 22_050.0;
        let sample = (angle.sin() * 0.5 * f64::from(1 << 23)) as i32;
        writer.write_sample(sample).expect("left");
        writer.write_sample(sample).expect("right");
    }
    writer.finalize().expect("finalize");
    let mut wav = LoopedWav::open(&path).expect("open");
    let mut heard = Vec::new();
    // Longer than the file: it must go round.
    for _ in 0..250 {
        let mut block = [0.0; BLOCK];
        wav.fill(&mut block);
        heard.extend(block);
    }
    let second = &heard[48_000..96_000];
    assert!((dbov(second) + 9.03).abs() < 0.5, "{}", dbov(second));
    assert!((tone_level(&heard[4_800..43_200], 48_000, 1_000.0) + 9.03).abs() < 0.3);
    std::fs::remove_file(path).expect("remove");
}

#[test]
fn what_is_no_wav_file_is_refused_in_words() {
    let path = scratch("text.wav");
    std::fs::write(&path, "this is a shopping list").expect("write");
    let error = LoopedWav::open(&path).expect_err("refused");
    assert!(
        matches!(&error, MediaError::File { fault, .. } if fault.contains("not a WAV file")),
        "{error}"
    );
    let missing = LoopedWav::open(&scratch("missing.wav")).expect_err("refused");
    assert!(missing.to_string().contains("cannot be read"), "{missing}");
    std::fs::remove_file(path).expect("remove");
}
