//! The keys of a telephone, by their two frequencies (ITU-T Q.23) in what somebody heard.

use crate::compare::Sound;

const ROWS_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];
/// Short enough that three lie within a key, long enough to tell two rows apart.
const FRAME_S: f32 = 0.025;
/// Frames of one key: less is chance.
const LEAST_FRAMES: usize = 2;
/// Mean power below which nothing is heard: -50 dBov.
const QUIET: f32 = 1e-5;
/// Of the power of a frame that holds a key and nothing else, the two frequencies have more than this.
const SHARE: f32 = 0.7;

/// The keys that are heard, in order.
#[must_use]
pub fn heard(sound: &Sound) -> String {
    let frame = ((sound.rate as f32 * FRAME_S) as usize).max(1);
    let mut keys = String::new();
    let (mut last, mut frames) = (None, 0);
    for samples in sound.samples.chunks_exact(frame) {
        let key = key(samples, sound.rate as f32);
        if key != last {
            (last, frames) = (key, 0);
        }
        frames += 1;
        if frames == LEAST_FRAMES {
            keys.extend(key);
        }
    }
    keys
}

fn key(samples: &[f32], rate: f32) -> Option<char> {
    let whole = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
    let strongest = |hertz: [f32; 4]| {
        let powers = hertz.map(|hertz| power_at(samples, rate, hertz));
        let at = (0..4).max_by(|a, b| powers[*a].total_cmp(&powers[*b]))?;
        Some((at, powers[at]))
    };
    let (row, low) = strongest(ROWS_HZ)?;
    let (column, high) = strongest(COLUMNS_HZ)?;
    // Both are there: a voice or a single tone has one of them at most.
    let is_pair = low.min(high) > 0.2 * whole && low + high > SHARE * whole;
    (whole > QUIET && is_pair).then(|| KEYS[row][column])
}

/// Mean power of one frequency, by the algorithm of Goertzel.
fn power_at(samples: &[f32], rate: f32, hertz: f32) -> f32 {
    let turn = 2.0 * (std::f32::consts::TAU * hertz / rate).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (sample + turn * one - two, one);
    }
    let length = samples.len() as f32;
    2.0 * (one * one + two * two - turn * one * two) / (length * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    fn pair(low: f32, high: f32) -> impl Iterator<Item = f32> {
        let at = move |n: u32, hertz: f32| {
            (std::f32::consts::TAU * hertz * n as f32 / RATE as f32).sin() * 0.08
        };
        (0..RATE / 10).map(move |n| at(n, low) + at(n, high))
    }

    fn sound(samples: Vec<f32>) -> Sound {
        Sound {
            rate: RATE,
            samples,
        }
    }

    #[test]
    fn keys_are_told_apart_and_counted_once_each() {
        let pause = || std::iter::repeat_n(0.0, RATE as usize / 20);
        let mut samples: Vec<f32> = pause().collect();
        for (row, low) in ROWS_HZ.into_iter().enumerate() {
            samples.extend(pair(low, COLUMNS_HZ[row]).chain(pause()));
        }
        samples.extend(pair(941.0, 1_209.0).chain(pause()));
        samples.extend(pair(941.0, 1_209.0));
        assert_eq!(heard(&sound(samples)), "159D**");
    }

    #[test]
    fn neither_silence_nor_a_tone_nor_noise_is_a_key() {
        let tone = |hertz: f32| pair(hertz, hertz).collect::<Vec<_>>();
        let mut state = 1_u32;
        let noise = (0..RATE).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        });
        for samples in [vec![0.0; 8_000], tone(440.0), tone(697.0), noise.collect()] {
            assert_eq!(heard(&sound(samples)), "");
        }
    }
}
