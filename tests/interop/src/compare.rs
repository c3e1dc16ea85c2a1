//! Says whether what was heard is what was said: sound against sound, not packet counts.
//!
//! Both are cut into 20 ms frames and 16 bands of speech (100 Hz to 3.6 kHz). The correlation is taken over
//! frames and bands at the delay where it is highest, each band freed of its mean: it ignores level, tone colour
//! and phase (a codec may change those) and drops when a word is missing, doubled or replaced by noise. Each second
//! may lie up to 80 ms off the whole: a jitter buffer may change its delay, as long as the speech stays the speech.

use std::path::Path;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

const HOP_S: f32 = 0.01;
const FRAME_S: f32 = 0.02;
const EDGES_HZ: [f32; 17] = [
    100.0, 200.0, 300.0, 400.0, 510.0, 630.0, 770.0, 920.0, 1080.0, 1270.0, 1480.0, 1720.0, 2000.0,
    2320.0, 2700.0, 3150.0, 3600.0,
];
const BANDS: usize = EDGES_HZ.len() - 1;
/// Below this a band counts as silent, dBov: noise of codecs and dither must not decide.
const FLOOR_DBOV: f32 = -65.0;
/// A frame above this carries speech, dBov.
const ACTIVE_DBOV: f32 = -45.0;

/// Sound, mono.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// From -1 to 1.
    pub samples: Vec<f32>,
}

impl Sound {
    /// Reads a WAV file; of several channels the first.
    ///
    /// # Errors
    /// When it is not a WAV file of 16-bit or float samples.
    pub fn read(file: &Path) -> Result<Self, hound::Error> {
        let mut reader = hound::WavReader::open(file)?;
        let spec = reader.spec();
        let step = usize::from(spec.channels.max(1));
        let samples = match spec.sample_format {
            hound::SampleFormat::Float => reader
                .samples::<f32>()
                .step_by(step)
                .collect::<Result<_, _>>()?,
            hound::SampleFormat::Int => {
                let scale = 1.0 / (1_i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
                reader
                    .samples::<i32>()
                    .step_by(step)
                    .map(|s| s.map(|s| s as f32 * scale))
                    .collect::<Result<_, _>>()?
            }
        };
        Ok(Self {
            rate: spec.sample_rate,
            samples,
        })
    }

    /// The part from `from` seconds on.
    #[must_use]
    pub fn from_second(&self, from: f32) -> Self {
        let start = ((from.max(0.0) * self.rate as f32) as usize).min(self.samples.len());
        Self {
            rate: self.rate,
            samples: self.samples[start..].to_vec(),
        }
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f32 {
        self.samples.len() as f32 / self.rate as f32
    }
}

/// How what was heard compares with what was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// 1 is the same speech; unrelated speech stays below about 0.4.
    pub correlation: f32,
    /// Heard against said, dB, in the frames that carry speech.
    pub level_db: f32,
    /// Where in the speech the heard part starts, seconds.
    pub offset_s: f32,
    /// Share of the speech frames, from the first heard one to the last, that are missing (20 dB down).
    pub missing: f32,
    /// Seconds from the first heard sound to the last: what the figures are about.
    pub compared_s: f32,
}

impl Comparison {
    /// Whether a listener would say that the speech came through, for at least `seconds`.
    #[must_use]
    pub fn is_good(&self, seconds: f32) -> bool {
        self.correlation >= 0.85
            && self.level_db.abs() <= 6.0
            && self.missing <= 0.05
            && self.compared_s >= seconds
    }
}

/// Compares; `said` counts as repeated for as long as `heard` lasts. `None` when nothing was heard, or nothing said.
#[must_use]
pub fn compare(heard: &Sound, said: &Sound) -> Option<Comparison> {
    let heard = Frames::of(heard).trimmed()?;
    let said = Frames::of(said);
    said.clone().trimmed()?;
    let whole = 0..heard.len();
    let (offset, _) = (0..said.len())
        .map(|offset| {
            (
                offset,
                correlation(&heard, &said, &[(whole.clone(), offset)]),
            )
        })
        .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let pieces = aligned(&heard, &said, offset);
    let correlation = correlation(&heard, &said, &pieces);
    let offset_at = |index: usize| {
        pieces
            .iter()
            .find(|(piece, _)| piece.contains(&index))
            .map_or(offset, |(_, offset)| *offset)
    };
    let mut heard_power = 0.0;
    let mut said_power = 0.0;
    let mut pairs = Vec::new();
    for (index, level) in heard.levels.iter().enumerate() {
        let reference = said.levels[(index + offset_at(index)) % said.len()];
        if reference > ACTIVE_DBOV {
            heard_power += power(*level);
            said_power += power(reference);
            pairs.push((*level, reference));
        }
    }
    let level_db = 10.0
        * (heard_power / f32::max(said_power, f32::MIN_POSITIVE))
            .max(1e-12)
            .log10();
    let missing = pairs
        .iter()
        .filter(|(level, reference)| level - level_db < reference - 20.0)
        .count();
    Some(Comparison {
        correlation,
        level_db,
        offset_s: offset as f32 * HOP_S,
        missing: missing as f32 / pairs.len().max(1) as f32,
        compared_s: heard.len() as f32 * HOP_S,
    })
}

/// The share of the power of `sound` that lies within 3 % of `hertz`: about 1 for a pure tone.
#[must_use]
pub fn tone_share(sound: &Sound, hertz: f32) -> f32 {
    let spectrum = spectrum(&sound.samples);
    let width = sound.rate as f32 / sound.samples.len().max(1) as f32;
    let near = |index: usize| (index as f32 * width - hertz).abs() <= (hertz * 0.03).max(width);
    let all: f32 = spectrum.iter().sum();
    let tone: f32 = spectrum
        .iter()
        .enumerate()
        .filter(|(index, _)| near(*index))
        .map(|(_, power)| power)
        .sum();
    if all > 0.0 { tone / all } else { 0.0 }
}

/// Level of the whole, dBov.
#[must_use]
pub fn level_dbov(sound: &Sound) -> f32 {
    dbov(sound.samples.iter().map(|s| s * s).sum::<f32>() / sound.samples.len().max(1) as f32)
}

#[derive(Clone)]
struct Frames {
    /// dBov, at least [`FLOOR_DBOV`].
    bands: Vec<[f32; BANDS]>,
    /// Of all bands together, dBov.
    levels: Vec<f32>,
}

impl Frames {
    fn of(sound: &Sound) -> Self {
        let length = (sound.rate as f32 * FRAME_S) as usize;
        let hop = (sound.rate as f32 * HOP_S) as usize;
        let width = sound.rate as f32 / length as f32;
        let window: Vec<f32> = (0..length)
            .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / length as f32).cos())
            .collect();
        // A Hann window leaves 3/8 of the power.
        let scale = 8.0 / 3.0;
        let mut frames = Self {
            bands: Vec::new(),
            levels: Vec::new(),
        };
        let mut planner = FftPlanner::new();
        let fft = planner.plan_fft_forward(length);
        let mut buffer = vec![Complex::default(); length];
        let mut start = 0;
        while start + length <= sound.samples.len() {
            for (slot, (sample, weight)) in buffer
                .iter_mut()
                .zip(sound.samples[start..].iter().zip(&window))
            {
                *slot = Complex::new(sample * weight, 0.0);
            }
            fft.process(&mut buffer);
            let mut powers = [0.0; BANDS];
            for (index, bin) in buffer[..length / 2].iter().enumerate() {
                let hertz = index as f32 * width;
                if let Some(band) = EDGES_HZ
                    .windows(2)
                    .position(|edge| (edge[0]..edge[1]).contains(&hertz))
                {
                    powers[band] += 2.0 * scale * bin.norm_sqr() / (length * length) as f32;
                }
            }
            frames.levels.push(dbov(powers.iter().sum()));
            frames
                .bands
                .push(powers.map(|power| dbov(power).max(FLOOR_DBOV)));
            start += hop;
        }
        frames
    }

    fn len(&self) -> usize {
        self.bands.len()
    }

    /// From the first frame that carries speech to the last.
    fn trimmed(mut self) -> Option<Self> {
        let first = self.levels.iter().position(|level| *level > ACTIVE_DBOV)?;
        let last = self.levels.iter().rposition(|level| *level > ACTIVE_DBOV)?;
        self.bands.truncate(last + 1);
        self.levels.truncate(last + 1);
        self.bands.drain(..first);
        self.levels.drain(..first);
        Some(self)
    }
}

/// Frames of what was heard, and by how many what was said lies after them.
type Piece = (std::ops::Range<usize>, usize);

/// Seconds of what was heard, each with the delay near `offset` at which it fits best.
fn aligned(heard: &Frames, said: &Frames, offset: usize) -> Vec<Piece> {
    let (second, leeway) = (100, 8);
    let count = (heard.len() / second).max(1);
    (0..count)
        .map(|number| {
            let end = if number + 1 == count {
                heard.len()
            } else {
                (number + 1) * second
            };
            let piece = number * second..end;
            let start = offset + said.len() - leeway.min(said.len());
            let best = (start..=start + 2 * leeway)
                .max_by(|a, b| {
                    let fit = |offset: usize| correlation(heard, said, &[(piece.clone(), offset)]);
                    fit(*a).total_cmp(&fit(*b))
                })
                .unwrap_or(offset);
            (piece, best)
        })
        .collect()
}

/// Pearson's coefficient over frames and bands.
fn correlation(heard: &Frames, said: &Frames, pieces: &[Piece]) -> f32 {
    let pairs = || {
        pieces.iter().flat_map(|(piece, offset)| {
            piece.clone().map(move |index| {
                (
                    &heard.bands[index],
                    &said.bands[(index + offset) % said.len()],
                )
            })
        })
    };
    let count = pairs().count() as f32;
    let mut sums = [[0.0_f32; BANDS]; 2];
    for (x, y) in pairs() {
        for band in 0..BANDS {
            sums[0][band] += x[band];
            sums[1][band] += y[band];
        }
    }
    let (mut xy, mut xx, mut yy) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (x, y) in pairs() {
        for band in 0..BANDS {
            let x = x[band] - sums[0][band] / count;
            let y = y[band] - sums[1][band] / count;
            xy += x * y;
            xx += x * x;
            yy += y * y;
        }
    }
    if xx > 0.0 && yy > 0.0 {
        xy / (xx * yy).sqrt()
    } else {
        0.0
    }
}

fn spectrum(samples: &[f32]) -> Vec<f32> {
    let mut buffer: Vec<Complex<f32>> = samples
        .iter()
        .map(|sample| Complex::new(*sample, 0.0))
        .collect();
    if !buffer.is_empty() {
        FftPlanner::new()
            .plan_fft_forward(buffer.len())
            .process(&mut buffer);
    }
    buffer[..buffer.len() / 2]
        .iter()
        .map(Complex::norm_sqr)
        .collect()
}

fn dbov(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

fn power(dbov: f32) -> f32 {
    10.0_f32.powf(dbov / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syllables of a few harmonics with pauses: enough like speech, and different for each seed.
    fn babble(seconds: f32, seed: u32) -> Sound {
        let rate = 16_000;
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32
        };
        let mut samples = Vec::new();
        while (samples.len() as f32) < seconds * rate as f32 {
            let length = (rate as f32 * (0.08 + 0.2 * random())) as usize;
            let pause = (rate as f32 * 0.12 * random()) as usize;
            let pitch = 100.0 + 120.0 * random();
            let formant = 300.0 + 2500.0 * random();
            for i in 0..length {
                let t = i as f32 / rate as f32;
                let rise = (std::f32::consts::PI * i as f32 / length as f32).sin();
                let sum: f32 = (1..20)
                    .map(|n| {
                        let hertz = pitch * n as f32;
                        (std::f32::consts::TAU * hertz * t).sin()
                            / (1.0 + ((hertz - formant) / 200.0).powi(2))
                    })
                    .sum();
                samples.push(0.15 * rise * sum);
            }
            samples.extend(std::iter::repeat_n(0.0, pause));
        }
        Sound { rate, samples }
    }

    #[test]
    fn the_same_speech_later_and_softer_is_recognised() {
        let said = babble(6.0, 1);
        let mut heard = Sound {
            rate: said.rate,
            samples: vec![0.0; 4_000],
        };
        heard
            .samples
            .extend(said.samples[16_000..].iter().map(|s| s * 0.7));
        let result = compare(&heard, &said).expect("there is sound");
        assert!(result.correlation > 0.98, "{result:?}");
        assert!((result.level_db + 3.1).abs() < 0.3, "{result:?}");
        assert!((result.offset_s - 1.0).abs() < 0.2, "{result:?}");
        assert!(result.is_good(4.0), "{result:?}");
    }

    #[test]
    fn other_speech_is_not() {
        let result = compare(&babble(6.0, 2), &babble(6.0, 1)).expect("there is sound");
        assert!(result.correlation < 0.5, "{result:?}");
        assert!(!result.is_good(4.0));
    }

    #[test]
    fn a_hole_in_the_speech_is_seen() {
        let said = babble(6.0, 3);
        let mut heard = said.clone();
        heard.samples[32_000..48_000].fill(0.0);
        let result = compare(&heard, &said).expect("there is sound");
        assert!(result.missing > 0.1, "{result:?}");
        assert!(!result.is_good(4.0));
    }

    #[test]
    fn noise_of_the_same_level_is_not_speech() {
        let said = babble(6.0, 4);
        let mut state = 7_u32;
        let noise = Sound {
            rate: said.rate,
            samples: (0..said.samples.len())
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state as f32 / u32::MAX as f32 - 0.5) * 0.2
                })
                .collect(),
        };
        let result = compare(&noise, &said).expect("there is sound");
        assert!(result.correlation < 0.3, "{result:?}");
    }

    #[test]
    fn silence_compares_with_nothing() {
        let silence = Sound {
            rate: 16_000,
            samples: vec![0.0; 16_000],
        };
        assert_eq!(compare(&silence, &babble(2.0, 5)), None);
        assert_eq!(compare(&babble(2.0, 5), &silence), None);
    }

    #[test]
    fn a_tone_is_told_from_speech() {
        let tone = Sound {
            rate: 8_000,
            samples: (0..8_000)
                .map(|i| (std::f32::consts::TAU * 1004.0 * i as f32 / 8_000.0).sin() * 0.1)
                .collect(),
        };
        assert!(tone_share(&tone, 1004.0) > 0.95);
        assert!(tone_share(&babble(1.0, 6), 1004.0) < 0.5);
    }
}
