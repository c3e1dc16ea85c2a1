//! Comfort noise while the sender pauses (RFC 3389): its level, and its colour where the packet tells one.

use crate::SAMPLE_RATE;
use crate::resample::Resampler;

const RATE: u32 = 8_000;
/// Reflection coefficients that are used; more than any sender has.
const ORDER: usize = 12;
/// Largest coefficient: at one the filter would ring without end.
const LARGEST: f32 = 0.98;
/// Share of the way to a new level that a sample at 8 kHz goes: noise that jumps is heard.
const GLIDE: f32 = 1.0 / 400.0;

/// Makes the noise that the last packet described.
#[derive(Debug)]
pub(super) struct Comfort {
    /// Root mean square to go to and now, full scale 1.0.
    goal: f32,
    level: f32,
    reflection: [f32; ORDER],
    /// Of the lattice.
    state: [f32; ORDER],
    seed: u32,
    resampler: Resampler,
    scratch: Vec<f32>,
}

impl Comfort {
    /// Noise as a packet describes it; `None` when it is empty.
    pub(super) fn new(payload: &[u8]) -> Option<Self> {
        let mut comfort = Self {
            goal: 0.0,
            level: 0.0,
            reflection: [0.0; ORDER],
            state: [0.0; ORDER],
            seed: 1,
            resampler: Resampler::new(RATE, SAMPLE_RATE),
            scratch: Vec::new(),
        };
        comfort.change(payload).then(|| {
            comfort.level = comfort.goal;
            comfort
        })
    }

    /// Goes over to what another packet describes; `false` when it is empty.
    pub(super) fn change(&mut self, payload: &[u8]) -> bool {
        let Some((&level, colour)) = payload.split_first() else {
            return false;
        };
        // RFC 3389 section 3.1: -dBov, the highest bit is nothing of ours.
        self.goal = 10.0_f32.powf(-f32::from(level & 0x7f) / 20.0);
        self.reflection = [0.0; ORDER];
        for (coefficient, &byte) in self.reflection.iter_mut().zip(colour) {
            *coefficient = ((f32::from(byte) - 127.0) / 127.0).clamp(-LARGEST, LARGEST);
        }
        true
    }

    /// Appends `samples` at 48 kHz.
    pub(super) fn fill(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        let native = samples.div_ceil((SAMPLE_RATE / RATE) as usize);
        // The filter adds energy; what goes in is so much smaller.
        let shrink: f32 = self.reflection.iter().map(|k| 1.0 - k * k).product();
        // Uniform noise between -1 and 1 has a mean square of a third.
        let gain = (3.0 * shrink).sqrt();
        self.scratch.clear();
        for _ in 0..native {
            self.level += (self.goal - self.level) * GLIDE;
            let noise = self.noise() * gain * self.level;
            let sample = self.colour(noise);
            self.scratch.push(sample.clamp(-1.0, 1.0));
        }
        self.resampler.run(&self.scratch, pcm);
    }

    /// All-pole lattice.
    fn colour(&mut self, input: f32) -> f32 {
        let mut forward = input;
        for index in (0..ORDER).rev() {
            let k = self.reflection[index];
            forward -= k * self.state[index];
            let backward = self.state[index] + k * forward;
            if index + 1 < ORDER {
                self.state[index + 1] = backward;
            }
        }
        self.state[0] = forward;
        forward
    }

    fn noise(&mut self) -> f32 {
        self.seed = self
            .seed
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{dbov, tone_level};

    #[test]
    fn the_noise_is_as_loud_as_told_and_coloured_as_told() {
        for (level, colour) in [
            (30, &[][..]),
            (60, &[]),
            (40, &[60, 160, 127]),
            (40, &[0, 255]),
        ] {
            let mut payload = vec![level];
            payload.extend(colour);
            let mut comfort = Comfort::new(&payload).expect("a level");
            let mut pcm = Vec::new();
            for _ in 0..300 {
                comfort.fill(480, &mut pcm);
            }
            assert!(pcm.len().abs_diff(144_000) < 500, "{}", pcm.len());
            let heard = dbov(&pcm[9_600..]);
            println!("told -{level} {colour:?}: {heard:.1} dBov");
            assert!(
                (heard + f32::from(level)).abs() < 3.5,
                "{heard} for -{level}"
            );
        }
        // A first coefficient near -1 is dark noise: little is left of its high end.
        let mut dark = Comfort::new(&[30, 20]).expect("a level");
        let mut pcm = Vec::new();
        dark.fill(144_000, &mut pcm);
        let at = |hz: f64| {
            let pieces = pcm.chunks_exact(4_800);
            let count = pieces.len() as f32;
            pieces
                .map(|piece| tone_level(piece, SAMPLE_RATE, hz))
                .sum::<f32>()
                / count
        };
        assert!(
            at(200.0) > at(3_000.0) + 8.0,
            "{} and {}",
            at(200.0),
            at(3_000.0)
        );
        assert!(Comfort::new(&[]).is_none());
    }
}
