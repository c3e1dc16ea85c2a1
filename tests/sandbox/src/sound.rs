//! The customers' voices, WAV, levels and likeness of two recordings.

use std::io::Cursor;
use std::sync::LazyLock;

use serde::Serialize;

/// Sample rate of everything inside, Hz.
pub(crate) const RATE: u32 = 48_000;
/// Level of silence.
pub(crate) const SILENCE_DBOV: f32 = -127.0;

const CLIPS: [(&str, &[u8]); 4] = [
    ("en-male", include_bytes!("../speech/en-male.wav")),
    ("en-female", include_bytes!("../speech/en-female.wav")),
    ("it-male", include_bytes!("../speech/it-male.wav")),
    ("it-female", include_bytes!("../speech/it-female.wav")),
];

/// Frame of the envelope, 10 ms.
const FRAME: usize = RATE as usize / 100;

/// How alike two recordings are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Likeness {
    /// Correlation of the loudness curves at the best shift, -1 to 1. Above 0.8: the same speech.
    pub correlation: f32,
    /// How much later the speech begins in the recording than in the original, in milliseconds.
    pub shift_ms: i64,
    /// Mean level of the recording where it is not silent, minus the original's, in dB.
    pub level_difference_db: f32,
}

/// Names of the recorded voices.
pub fn speech_names() -> impl Iterator<Item = &'static str> {
    CLIPS.iter().map(|(name, _)| *name)
}

/// A recorded voice as the WAV file it is kept in (16 kHz, mono, 16 bit).
#[must_use]
pub fn speech_wav(name: &str) -> Option<&'static [u8]> {
    CLIPS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| *bytes)
}

/// A recorded voice at 48 kHz.
#[must_use]
pub fn speech(name: &str) -> Option<Vec<f32>> {
    // Bringing a voice to 48 kHz takes long enough to be heard in a call, so it is done once.
    static READY: LazyLock<Vec<(&str, Vec<f32>)>> = LazyLock::new(|| {
        CLIPS
            .iter()
            .filter_map(|(name, bytes)| Some((*name, read_wav(bytes)?)))
            .collect()
    });
    READY
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, samples)| samples.clone())
}

/// Reads a WAV file, mixes it to mono and brings it to 48 kHz. `None`: it is no WAV file, or one of another rate than
/// 8, 16, 24 or 48 kHz.
#[must_use]
pub fn read_wav(bytes: &[u8]) -> Option<Vec<f32>> {
    let mut reader = hound::WavReader::new(Cursor::new(bytes)).ok()?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>().ok()?,
        hound::SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            reader
                .samples::<i32>()
                .map(|s| s.map(|s| s as f32 * scale))
                .collect::<Result<_, _>>()
                .ok()?
        }
    };
    let channels = usize::from(spec.channels.max(1));
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() / channels as f32)
        .collect();
    match spec.sample_rate {
        RATE => Some(mono),
        rate @ (8_000 | 16_000 | 24_000) => Some(upsample(&mono, (RATE / rate) as usize)),
        _ => None,
    }
}

/// Writes 48 kHz mono 16-bit WAV.
#[must_use]
pub fn write_wav(samples: &[f32]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::with_capacity(44 + samples.len() * 2));
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let written = hound::WavWriter::new(&mut bytes, spec).and_then(|mut writer| {
        for sample in samples {
            writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16)?;
        }
        writer.finalize()
    });
    if let Err(error) = written {
        // Only a recording of more than 4 GB does not fit a WAV file.
        tracing::error!(%error, "WAV not written");
    }
    bytes.into_inner()
}

/// Mean level, dBov: a full-scale square wave is 0, silence is [`SILENCE_DBOV`].
#[must_use]
pub fn level_dbov(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBOV;
    }
    let power = samples.iter().map(|s| f64::from(s * s)).sum::<f64>() / samples.len() as f64;
    (10.0 * power.max(1e-13).log10()).max(f64::from(SILENCE_DBOV)) as f32
}

/// Level of the parts that are not silent, dBov.
#[must_use]
pub fn active_level_dbov(samples: &[f32]) -> f32 {
    let active: Vec<f32> = samples
        .chunks(FRAME)
        .filter(|frame| level_dbov(frame) > -50.0)
        .flatten()
        .copied()
        .collect();
    level_dbov(&active)
}

/// How alike a recording is to what was played, whatever codec and delay lie between; both at 48 kHz. `None`: one of
/// them is too short or silent.
#[must_use]
pub fn likeness(recording: &[f32], original: &[f32]) -> Option<Likeness> {
    let (heard, played) = (envelope(recording), envelope(original));
    let (heard_len, played_len) = (heard.len() as i64, played.len() as i64);
    // Two seconds together are enough to tell, and less is too easy to match by chance.
    let least = 200.min(played_len * 3 / 4);
    if least < 50 {
        return None;
    }
    let best = (least - played_len..=heard_len - least)
        .filter_map(|shift| {
            let from = shift.max(0);
            let to = heard_len.min(shift + played_len);
            let h = heard.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
            let p = played
                .get(usize::try_from(from - shift).ok()?..usize::try_from(to - shift).ok()?)?;
            Some((pearson(h, p)?, shift))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Likeness {
        correlation: best.0,
        shift_ms: best.1 * 10,
        level_difference_db: active_level_dbov(recording) - active_level_dbov(original),
    })
}

/// Loudness in frames of 10 ms, smoothed over 50 ms, in dB above -60 dBov.
fn envelope(samples: &[f32]) -> Vec<f32> {
    let frames: Vec<f32> = samples
        .chunks_exact(FRAME)
        .map(|frame| (level_dbov(frame) + 60.0).max(0.0))
        .collect();
    (0..frames.len())
        .map(|at| {
            let window = &frames[at.saturating_sub(2)..(at + 3).min(frames.len())];
            window.iter().sum::<f32>() / window.len() as f32
        })
        .collect()
}

fn pearson(a: &[f32], b: &[f32]) -> Option<f32> {
    let count = a.len() as f64;
    let mean = |x: &[f32]| x.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (f64::from(*x) - mean_a, f64::from(*y) - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    (aa > 1.0 && bb > 1.0).then(|| (ab / (aa * bb).sqrt()) as f32)
}

/// Raises the rate by a whole factor with a windowed sinc.
fn upsample(samples: &[f32], factor: usize) -> Vec<f32> {
    const HALF: i64 = 16;
    let taps: Vec<Vec<f32>> = (0..factor)
        .map(|phase| {
            let offset = phase as f32 / factor as f32;
            (1 - HALF..=HALF)
                .map(|tap| {
                    let x = (tap as f32 - offset) * std::f32::consts::PI;
                    let window = 0.5
                        + 0.5
                            * (x / HALF as f32)
                                .clamp(-std::f32::consts::PI, std::f32::consts::PI)
                                .cos();
                    let sinc = if x.abs() < 1e-6 { 1.0 } else { x.sin() / x };
                    sinc * window
                })
                .collect()
        })
        .collect();
    let mut out = Vec::with_capacity(samples.len() * factor);
    for at in 0..samples.len() as i64 {
        for phase in &taps {
            let sum = (1 - HALF..=HALF)
                .zip(phase)
                .filter_map(|(tap, weight)| {
                    let at = usize::try_from(at + tap).ok()?;
                    Some(samples.get(at)? * weight)
                })
                .sum::<f32>();
            out.push(sum);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voices_are_speech_of_eight_seconds_or_so() {
        for name in speech_names() {
            let samples = speech(name).expect("a WAV file");
            let seconds = samples.len() as f32 / RATE as f32;
            assert!((7.0..13.0).contains(&seconds), "{name}: {seconds} s");
            let level = active_level_dbov(&samples);
            assert!((-35.0..-10.0).contains(&level), "{name}: {level} dBov");
        }
    }

    #[test]
    fn likeness_finds_the_same_speech_late_and_quiet_and_tells_another_apart() {
        let original = speech("en-male").expect("a voice");
        let mut late = vec![0.0; RATE as usize / 2];
        late.extend(original.iter().map(|s| s * 0.5));
        let same = likeness(&late, &original).expect("both have sound");
        assert!(same.correlation > 0.95, "{same:?}");
        assert_eq!(same.shift_ms, 500, "{same:?}");
        assert!((-8.0..-4.0).contains(&same.level_difference_db), "{same:?}");

        let other = speech("it-female").expect("a voice");
        let other = likeness(&late, &other).expect("both have sound");
        assert!(other.correlation < 0.7, "{other:?}");

        assert_eq!(
            likeness(&vec![0.0; RATE as usize * 5], &original),
            None,
            "silence"
        );
    }

    #[test]
    fn upsampling_keeps_a_tone_and_adds_no_other() {
        let tone = |rate: f32, len: usize| -> Vec<f32> {
            (0..len)
                .map(|n| (n as f32 / rate * 1000.0 * std::f32::consts::TAU).sin() * 0.5)
                .collect()
        };
        let up = upsample(&tone(16_000.0, 1600), 3);
        let wanted = tone(48_000.0, 4800);
        let error: Vec<f32> = up.iter().zip(&wanted).map(|(a, b)| a - b).collect();
        let error = level_dbov(&error[480..4320]);
        assert!(error < -50.0, "error {error} dBov");
    }

    #[test]
    fn wav_survives_writing_and_reading() {
        let samples = [0.0, 0.5, -0.5, 1.5];
        let read = read_wav(&write_wav(&samples)).expect("WAV");
        for (a, b) in read.iter().zip([0.0, 0.5, -0.5, 1.0]) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
        assert_eq!(read_wav(b"RIFFnonsense"), None);
    }
}
