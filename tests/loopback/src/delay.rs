//! How much later than it was said something was heard: by the sound itself, not by what the phone says.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use sidetone_media::SAMPLE_RATE;
use sidetone_media::offline::resampled;

/// Rate at which sounds are laid over each other, Hz.
const RATE: u32 = 8_000;
/// The longest delay that is looked for, samples.
const LONGEST: usize = RATE as usize;
/// Length of what is looked for, samples: one second.
const PIECE: usize = RATE as usize;
/// At least this alike must they be, from 0 to 1.
const ALIKE: f32 = 0.5;
/// Less than this in a piece is silence (mean square).
const QUIET: f32 = 1e-6;

/// For each second of what was heard, the delay at which it is most like what was said, ms; `None` where nothing was
/// said or the likeness is too small.
#[must_use]
pub fn per_second(said: &[f32], heard: &[f32]) -> Vec<Option<f32>> {
    // What was heard first was said before the beginning: nothing.
    let mut padded = vec![0.0; LONGEST];
    padded.extend(resampled(said, SAMPLE_RATE, RATE));
    let heard = resampled(heard, SAMPLE_RATE, RATE);
    let mut finder = Finder::new();
    (0..heard.len() / PIECE)
        .map(|second| {
            let start = second * PIECE;
            finder.find(
                &padded[start.min(padded.len())..],
                &heard[start..start + PIECE],
            )
        })
        .collect()
}

/// The middle one of the delays that are known, ms.
#[must_use]
pub fn median(delays: &[Option<f32>]) -> Option<f32> {
    let mut known: Vec<f32> = delays.iter().copied().flatten().collect();
    known.sort_by(f32::total_cmp);
    known.get(known.len() / 2).copied()
}

/// The shortest and the longest of the delays that are known, ms.
#[must_use]
pub fn range(delays: &[Option<f32>]) -> Option<(f32, f32)> {
    let known = || delays.iter().copied().flatten();
    Some((known().reduce(f32::min)?, known().reduce(f32::max)?))
}

struct Finder {
    forward: std::sync::Arc<dyn rustfft::Fft<f32>>,
    inverse: std::sync::Arc<dyn rustfft::Fft<f32>>,
    size: usize,
}

impl Finder {
    fn new() -> Self {
        let size = (PIECE + LONGEST).next_power_of_two();
        let mut planner = FftPlanner::new();
        Self {
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
            size,
        }
    }

    /// How long before it was heard `piece` was said, ms; `said` begins [`LONGEST`] before.
    fn find(&mut self, said: &[f32], piece: &[f32]) -> Option<f32> {
        let context = &said[..said.len().min(LONGEST + PIECE)];
        let energy: f32 = piece.iter().map(|sample| sample * sample).sum();
        if energy < QUIET * PIECE as f32 {
            return None;
        }
        let mut spectrum = self.spectrum(context);
        let wanted = self.spectrum(piece);
        for (bin, other) in spectrum.iter_mut().zip(&wanted) {
            *bin *= other.conj();
        }
        self.inverse.process(&mut spectrum);
        let mut sums = vec![0.0_f64];
        for sample in context {
            let last = sums.last().copied().unwrap_or_default();
            sums.push(last + f64::from(sample * sample));
        }
        let (mut best, mut at) = (0.0_f32, None);
        // The piece cannot be older than what was said when it was heard.
        for offset in 0..=LONGEST.min(context.len()) {
            let end = (offset + piece.len()).min(context.len());
            let there = (sums[end] - sums[offset]) as f32;
            if there < energy * 0.01 {
                continue;
            }
            let likeness = spectrum[offset].re / self.size as f32 / (there * energy).sqrt();
            if likeness > best {
                (best, at) = (likeness, Some(offset));
            }
        }
        let offset = at.filter(|_| best >= ALIKE)?;
        Some((LONGEST - offset) as f32 * 1_000.0 / RATE as f32)
    }

    fn spectrum(&self, samples: &[f32]) -> Vec<Complex<f32>> {
        let mut buffer = vec![Complex::default(); self.size];
        for (slot, sample) in buffer.iter_mut().zip(samples) {
            slot.re = *sample;
        }
        self.forward.process(&mut buffer);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seconds: usize) -> Vec<f32> {
        let mut state = 7_u32;
        (0..seconds * SAMPLE_RATE as usize)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state as f32 / u32::MAX as f32 - 0.5) * 0.2
            })
            .collect()
    }

    #[test]
    fn a_delay_is_found_to_the_millisecond() {
        let said = noise(3);
        let mut heard = vec![0.0; 48 * 87];
        heard.extend_from_slice(&said);
        let delays = per_second(&said, &heard);
        for delay in &delays[..3] {
            assert!((delay.unwrap_or(0.0) - 87.0).abs() < 1.0, "{delays:?}");
        }
        assert!((median(&delays).unwrap_or(0.0) - 87.0).abs() < 1.0);
    }

    #[test]
    fn silence_and_something_else_have_no_delay() {
        let said = noise(2);
        assert_eq!(per_second(&said, &vec![0.0; 96_000]), [None, None]);
        let mut other = noise(2);
        other.reverse();
        assert_eq!(per_second(&said, &other), [None, None]);
    }
}
