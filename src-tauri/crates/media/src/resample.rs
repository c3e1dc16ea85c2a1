//! Change of sample rate: windowed-sinc interpolation with a kernel that fits speech (about 2 ms at 8 kHz),
//! for any ratio, adjustable while it runs so that it also absorbs the drift between two clocks.

/// Zero crossings on each side of the kernel's middle, at the lower of the two rates.
const HALF_WIDTH: usize = 16;
/// Kernel positions between two samples; between those it is interpolated linearly. All that the codecs' rates need lie on
/// one: 6, 3 and 2 divide it.
const PHASES: usize = 240;
/// A position this near to one of the kernel's is that one: what is added up has rounding in it.
const ON_PHASE: f64 = 1e-4;
/// Kaiser window shape: about 80 dB of stop band.
const BETA: f64 = 8.0;
/// Pass band edge as a share of the lower rate's Nyquist frequency.
const CUTOFF: f64 = 0.94;

/// Converts one mono stream.
#[derive(Debug)]
pub(crate) struct Resampler {
    /// `PHASES + 1` rows of `taps` weights; `None` when the rates are equal and nothing is adjusted.
    kernel: Vec<f32>,
    taps: usize,
    /// Input samples per output sample.
    nominal: f64,
    step: f64,
    /// Position of the next output sample, in input samples from the start of `input`.
    position: f64,
    input: Vec<f32>,
    /// The rates are equal and no adjustment was ever asked for.
    straight: bool,
}

impl Resampler {
    /// Makes a converter between two rates, Hz.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let mut resampler = Self {
            kernel: Vec::new(),
            taps: 0,
            nominal: f64::from(from) / f64::from(to),
            step: f64::from(from) / f64::from(to),
            position: 0.0,
            input: Vec::new(),
            straight: from == to,
        };
        if !resampler.straight {
            resampler.build();
        }
        resampler
    }

    /// Makes a converter whose ratio will be adjusted, also between equal rates.
    pub(crate) fn adjustable(from: u32, to: u32) -> Self {
        let mut resampler = Self::new(from, to);
        if resampler.straight {
            resampler.straight = false;
            resampler.build();
        }
        resampler
    }

    fn build(&mut self) {
        let scale = CUTOFF * (1.0 / self.nominal).min(1.0);
        let half = (HALF_WIDTH as f64 / (1.0 / self.nominal).min(1.0)).ceil() as usize;
        self.taps = half * 2;
        self.kernel = Vec::with_capacity((PHASES + 1) * self.taps);
        for phase in 0..=PHASES {
            let fraction = phase as f64 / PHASES as f64;
            let start = self.kernel.len();
            let mut sum = 0.0;
            for tap in 0..self.taps {
                let x = tap as f64 - (half as f64 - 1.0) - fraction;
                let weight = sinc(x * scale) * scale * kaiser(x / half as f64);
                sum += weight;
                self.kernel.push(weight as f32);
            }
            // Every phase passes direct current alike, or a steady tone would shimmer.
            for weight in &mut self.kernel[start..] {
                *weight = (f64::from(*weight) / sum) as f32;
            }
        }
        self.input = vec![0.0; self.taps - 1];
        self.position = 0.0;
    }

    /// Speeds the reading up by this many parts per million (negative slows it down), for clock drift.
    pub(crate) fn adjust(&mut self, ppm: f64) {
        debug_assert!(!self.straight, "made with `adjustable`");
        self.step = self.nominal * (1.0 + ppm * 1e-6);
    }

    /// Appends the converted sound to `output`.
    pub(crate) fn run(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.straight {
            output.extend_from_slice(input);
            return;
        }
        self.input.extend_from_slice(input);
        while self.position as usize + self.taps <= self.input.len() {
            let base = self.position as usize;
            let exact = (self.position - base as f64) * PHASES as f64;
            let window = &self.input[base..base + self.taps];
            let row = |phase: usize| &self.kernel[phase * self.taps..(phase + 1) * self.taps];
            let nearest = exact.round();
            let sample = if (exact - nearest).abs() < ON_PHASE {
                weighed(window, row(nearest as usize))
            } else {
                let phase = exact as usize;
                let blend = (exact - phase as f64) as f32;
                let (a, b) = (weighed(window, row(phase)), weighed(window, row(phase + 1)));
                a + (b - a) * blend
            };
            output.push(sample);
            self.position += self.step;
        }
        let used = (self.position as usize).min(self.input.len());
        self.input.drain(..used);
        self.position -= used as f64;
    }
}

/// The sum of the window weighed by a row, added up in lanes beside each other, which the compiler makes vectors of.
fn weighed(window: &[f32], row: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut lanes = [0.0_f32; LANES];
    let (windows, window) = window.as_chunks::<LANES>();
    let (rows, row) = row.as_chunks::<LANES>();
    for (samples, weights) in windows.iter().zip(rows) {
        for ((lane, sample), weight) in lanes.iter_mut().zip(samples).zip(weights) {
            *lane += sample * weight;
        }
    }
    let rest: f32 = window.iter().zip(row).map(|(s, w)| s * w).sum();
    lanes.iter().sum::<f32>() + rest
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        1.0
    } else {
        let x = x * std::f64::consts::PI;
        x.sin() / x
    }
}

/// Kaiser window over -1..1.
fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return 0.0;
    }
    bessel(BETA * (1.0 - x * x).sqrt()) / bessel(BETA)
}

/// Modified Bessel function of the first kind, order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::Resampler;
    use crate::level::{dbov, tone_level};

    fn tone(rate: u32, frequency: f64, seconds: f64) -> Vec<f32> {
        (0..(f64::from(rate) * seconds) as usize)
            .map(|n| {
                let angle = std::f64::consts::TAU * frequency * n as f64 / f64::from(rate);
                (angle.sin() * 0.5) as f32
            })
            .collect()
    }

    fn convert(from: u32, to: u32, input: &[f32]) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        let mut output = Vec::new();
        for chunk in input.chunks(from as usize / 100) {
            resampler.run(chunk, &mut output);
        }
        output
    }

    #[test]
    fn speech_band_passes_at_its_level_for_every_pair_of_rates() {
        for rate in [
            8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 96_000, 192_000,
        ] {
            for (from, to) in [(rate, 48_000), (48_000, rate)] {
                for frequency in [300.0, 1_000.0, 3_300.0] {
                    let output = convert(from, to, &tone(from, frequency, 0.5));
                    let expected = to as usize / 2;
                    assert!(
                        output.len().abs_diff(expected) <= to as usize / 100,
                        "{from} -> {to}: {} samples for {expected}",
                        output.len()
                    );
                    let steady = &output[output.len() / 4..];
                    let level = tone_level(steady, to, frequency);
                    let wanted = dbov(&tone(48_000, 1_000.0, 0.5));
                    assert!(
                        (level - wanted).abs() < 0.6,
                        "{from} -> {to} at {frequency} Hz: {level} dBov for {wanted}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_does_not_fold_back() {
        for (from, to, frequency) in [
            (48_000, 8_000, 4_600.0),
            (48_000, 8_000, 7_300.0),
            (48_000, 16_000, 9_200.0),
            (96_000, 48_000, 30_000.0),
        ] {
            let output = convert(from, to, &tone(from, frequency, 0.5));
            let level = dbov(&output[output.len() / 4..]);
            assert!(
                level < -65.0,
                "{frequency} Hz at {from} -> {to}: {level} dBov"
            );
        }
    }

    #[test]
    fn images_of_narrowband_sound_stay_below_hearing() {
        let output = convert(8_000, 48_000, &tone(8_000, 3_000.0, 0.5));
        let steady = &output[output.len() / 4..];
        for image in [5_000.0, 11_000.0, 13_000.0, 19_000.0, 21_000.0] {
            let level = tone_level(steady, 48_000, image);
            assert!(level < -75.0, "image at {image} Hz: {level} dBov");
        }
    }

    #[test]
    fn the_delay_is_short() {
        for (from, to) in [(48_000, 8_000), (8_000, 48_000), (44_100, 48_000)] {
            let mut input = vec![0.0; from as usize / 10];
            input[0] = 1.0;
            let output = convert(from, to, &input);
            let peak = (0..output.len())
                .max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs()))
                .unwrap_or(0);
            let ms = peak as f64 * 1_000.0 / f64::from(to);
            assert!(ms < 2.6, "{from} -> {to}: {ms} ms");
        }
    }

    #[test]
    fn an_adjustment_changes_the_amount_of_sound() {
        let mut resampler = Resampler::adjustable(48_000, 48_000);
        resampler.adjust(500.0);
        let mut output = Vec::new();
        resampler.run(&tone(48_000, 1_000.0, 10.0), &mut output);
        let expected = 480_000.0 / 1.000_5;
        assert!(
            (output.len() as f64 - expected).abs() < 50.0,
            "{}",
            output.len()
        );
    }
}
