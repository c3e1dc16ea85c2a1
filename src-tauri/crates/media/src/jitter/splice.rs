//! Taking a piece out of running sound, or putting one in, where it looks like itself.

use crate::BLOCK;
use crate::level::dbov;

/// Sound that gives a cut its full choice: it leaves a whole block.
pub(super) const NEEDED: usize = LONGEST + BLOCK;
/// Shortest and longest piece: 2.5 to 15 ms, a pitch period of any voice.
const SHORTEST: usize = 120;
const LONGEST: usize = 720;
/// Length of the cross-fade: 5 ms.
const OVERLAP: usize = 240;
/// Below this level a cut is not heard, dBov.
const QUIET: f32 = -50.0;
/// Likeness that a cut needs, 1 is the same wave.
const ALIKE: f32 = 0.9;
const HARDLY_ALIKE: f32 = 0.5;

/// Takes the best piece of `most` samples out of the beginning; gives its length, 0 when none fits.
pub(super) fn shorten(pcm: &mut Vec<f32>, most: usize, urgent: bool) -> usize {
    let longest = pcm.len().saturating_sub(BLOCK).min(most).min(LONGEST);
    let Some(lag) = find(pcm, longest, urgent) else {
        return 0;
    };
    for index in 0..OVERLAP {
        let weight = (index + 1) as f32 / (OVERLAP + 1) as f32;
        pcm[index] = pcm[index] * (1.0 - weight) + pcm[index + lag] * weight;
    }
    pcm.drain(OVERLAP..OVERLAP + lag);
    lag
}

/// Repeats the best piece of the beginning; gives its length, 0 when none fits.
pub(super) fn lengthen(pcm: &mut Vec<f32>, urgent: bool) -> usize {
    // Little sound is left when it has to be stretched: then a short piece must do.
    let longest = pcm.len().saturating_sub(OVERLAP).min(LONGEST);
    let Some(lag) = find(pcm, longest, urgent) else {
        return 0;
    };
    let mut piece: Vec<f32> = pcm[..lag].to_vec();
    for index in 0..OVERLAP {
        let weight = (index + 1) as f32 / (OVERLAP + 1) as f32;
        piece.push(pcm[index + lag] * (1.0 - weight) + pcm[index] * weight);
    }
    pcm.splice(..OVERLAP, piece);
    lag
}

/// The length after which the beginning comes again.
fn find(pcm: &[f32], longest: usize, urgent: bool) -> Option<usize> {
    if longest < SHORTEST {
        return None;
    }
    let head = &pcm[..OVERLAP];
    let energy: f32 = head.iter().map(|sample| sample * sample).sum();
    let (mut best, mut likeness) = (longest, f32::MIN);
    for lag in SHORTEST..=longest {
        let (mut cross, mut other) = (0.0_f32, 1e-9_f32);
        for (a, b) in head.iter().zip(&pcm[lag..lag + OVERLAP]) {
            cross += a * b;
            other += b * b;
        }
        let alike = cross / (energy * other + 1e-12).sqrt();
        if alike > likeness {
            (best, likeness) = (lag, alike);
        }
    }
    let needed = if urgent { HARDLY_ALIKE } else { ALIKE };
    (likeness >= needed || dbov(&pcm[..longest + OVERLAP]) < QUIET).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, NEEDED, lengthen, shorten};

    fn tone(length: usize) -> Vec<f32> {
        (0..length)
            .map(|n| (n as f32 * 440.0 / 48_000.0 * std::f32::consts::TAU).sin() * 0.5)
            .collect()
    }

    fn largest_step(pcm: &[f32]) -> f32 {
        pcm.windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_is_cut_and_stretched_without_a_click() {
        let natural = largest_step(&tone(2_000));
        let mut cut = tone(2_000);
        let removed = shorten(&mut cut, LONGEST, false);
        assert!(removed >= 120 && cut.len() == 2_000 - removed);
        assert!(largest_step(&cut) < natural * 1.05);
        let mut stretched = tone(2_000);
        let added = lengthen(&mut stretched, false);
        assert!(added >= 120 && stretched.len() == 2_000 + added);
        assert!(largest_step(&stretched) < natural * 1.05);
    }

    #[test]
    fn noise_is_left_alone_and_silence_is_not() {
        let mut state = 1_u32;
        let mut noise: Vec<f32> = (0..2_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        assert_eq!(shorten(&mut noise, LONGEST, false), 0);
        assert!(shorten(&mut vec![0.0; 2_000], LONGEST, false) > 0);
        assert_eq!(
            shorten(&mut vec![0.0; NEEDED - 700], LONGEST, true),
            0,
            "a block must be left"
        );
        let mut little = tone(480);
        assert!(lengthen(&mut little, false) >= 100 && little.len() > 580);
    }
}
