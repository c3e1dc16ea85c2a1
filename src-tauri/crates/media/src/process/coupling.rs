//! Whether the microphone hears the speaker, measured: what is played and what is heard are compared at every delay
//! that sound devices have. Unrelated speech stays apart (at most 0.28 over a second, 0.68 in a third of one, in
//! four voices against each other), an echo alone agrees by 0.8 and more, far below the loudness that anybody minds.

use crate::{BLOCK, Block, SAMPLE_RATE};

/// Enough for the strongest part of speech, and cheap.
const RATE: usize = 4_000;
const STEP: usize = SAMPLE_RATE as usize / RATE;
/// Samples of a block at that rate.
const CHUNK: usize = BLOCK / STEP;
/// Longest delay looked for: half a second.
const LAGS: usize = RATE / 2;
/// Blocks that are judged together: 320 ms.
const SEGMENT: usize = 32;
const SEGMENT_SAMPLES: usize = SEGMENT * CHUNK;
/// What is left of the past after a segment.
const MEMORY: f32 = 0.7;
/// The speaker is silent below this, mean square (-60 dBov).
const SILENT_SPEAKER: f32 = 1e-6;
/// The microphone is silent below this, mean square (-80 dBov): nobody minds such an echo.
const SILENT_MICROPHONE: f32 = 1e-8;

/// One segment of this agreement is an echo.
const SURE: f32 = 0.75;
/// So are several together.
const LIKELY: f32 = 0.4;
const SEVERAL: u32 = 3;
/// And two of the last ones at the same delay, within a millisecond.
const POSSIBLE: f32 = 0.45;
const SAME: usize = 4;
const LAST: usize = 8;

/// Compares what is played with what is heard.
pub(super) struct Coupling {
    microphone: Narrow,
    speaker: Narrow,
    /// What was played, newest last.
    played: Vec<f32>,
    /// Products of this segment by delay, the longest first; energy of the microphone in it.
    products: Vec<f32>,
    heard: f32,
    blocks: usize,
    /// The same over the last second or so, each segment freed of its loudness.
    past: Past,
    /// Delays of the last segments that may have had an echo.
    hints: [Option<usize>; LAST],
}

struct Past {
    products: Vec<f32>,
    heard: f32,
    played: Vec<f32>,
    segments: u32,
}

/// What a segment with sound from the speaker said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// The microphone hears the speaker, this much later.
    Echo {
        /// Delay in ms.
        delay_ms: u32,
    },
    /// Nothing that is known to come from the speaker.
    Nothing,
}

impl Coupling {
    pub(super) fn new() -> Self {
        Self {
            microphone: Narrow::new(),
            speaker: Narrow::new(),
            played: vec![0.0; LAGS + SEGMENT_SAMPLES + CHUNK],
            products: vec![0.0; LAGS],
            heard: 0.0,
            blocks: 0,
            past: Past {
                products: vec![0.0; LAGS],
                heard: 0.0,
                played: vec![0.0; LAGS],
                segments: 0,
            },
            hints: [None; LAST],
        }
    }

    /// Takes what is played in this tick.
    pub(super) fn play(&mut self, ear: &Block) {
        let chunk = self.speaker.run(ear);
        self.played.rotate_left(CHUNK);
        let end = self.played.len() - CHUNK;
        self.played[end..].copy_from_slice(&chunk);
    }

    /// Takes what was heard in this tick; `Some` at the end of a segment in which the speaker played.
    pub(super) fn hear(&mut self, microphone: &Block) -> Option<Hearing> {
        let chunk = self.microphone.run(microphone);
        let first = self.played.len() - CHUNK - LAGS + 1;
        for (n, &heard) in chunk.iter().enumerate() {
            self.heard += heard * heard;
            let played = &self.played[first + n..first + n + LAGS];
            for (product, played) in self.products.iter_mut().zip(played) {
                *product += heard * played;
            }
        }
        self.blocks += 1;
        if self.blocks < SEGMENT {
            return None;
        }
        self.blocks = 0;
        self.judge()
    }

    fn judge(&mut self) -> Option<Hearing> {
        let energies = self.energies();
        let products = std::mem::replace(&mut self.products, vec![0.0; LAGS]);
        let heard = std::mem::take(&mut self.heard);
        let silence = SILENT_SPEAKER * SEGMENT_SAMPLES as f32;
        if energies.iter().all(|&energy| energy < silence) {
            return None;
        }
        let floor = SILENT_MICROPHONE * SEGMENT_SAMPLES as f32;
        let (now, lag) = strongest(&products, heard + floor, &energies, silence);
        let past = &mut self.past;
        let weight = 1.0 / (heard + floor);
        for index in 0..LAGS {
            past.products[index] = past.products[index] * MEMORY + products[index] * weight.sqrt();
            past.played[index] = past.played[index] * MEMORY + energies[index];
        }
        past.heard = past.heard * MEMORY + (heard + floor) * weight;
        past.segments += 1;
        let (lately, late_lag) = strongest(&past.products, past.heard, &past.played, silence);

        let hint = (now > POSSIBLE).then_some(lag);
        let again = hint.is_some_and(|lag| {
            let mut hints = self.hints.iter().flatten();
            hints.any(|&other| other.abs_diff(lag) <= SAME)
        });
        self.hints.rotate_left(1);
        self.hints[LAST - 1] = hint;
        let together = past.segments >= SEVERAL && lately > LIKELY;
        let lag = match now > SURE || again {
            true => lag,
            false if together => late_lag,
            false => return Some(Hearing::Nothing),
        };
        // What is played is told after what is heard: the newest is 10 ms old.
        let delay_ms = 10 + (lag * 1_000 / RATE) as u32;
        Some(Hearing::Echo { delay_ms })
    }

    /// Energy of what was played during this segment, by delay, the longest first.
    fn energies(&self) -> Vec<f32> {
        let square = |index: usize| f64::from(self.played[index]).powi(2);
        let end = self.played.len();
        let mut energy: f64 = (end - SEGMENT_SAMPLES..end).map(square).sum();
        let mut energies = vec![0.0; LAGS];
        for lag in 0..LAGS {
            energies[LAGS - 1 - lag] = energy.max(0.0) as f32;
            energy += square(end - SEGMENT_SAMPLES - 1 - lag) - square(end - 1 - lag);
        }
        energies
    }
}

/// The strongest agreement, from 0 to 1, and its delay in samples.
fn strongest(products: &[f32], heard: f32, played: &[f32], silence: f32) -> (f32, usize) {
    let squares = products.iter().zip(played);
    let (mut most, mut at) = (0.0, 0);
    for (index, (product, played)) in squares.enumerate() {
        let agreement = product * product / (heard * played.max(silence));
        if agreement > most {
            (most, at) = (agreement, index);
        }
    }
    (most.sqrt(), LAGS - 1 - at)
}

/// Brings sound down to 4 kHz and takes some of the weight off its low end.
struct Narrow {
    past: Vec<f32>,
    taps: [f32; Self::TAPS],
    last: f32,
}

impl Narrow {
    const TAPS: usize = 96;
    /// Upper end, Hz.
    const EDGE: f32 = 1_700.0;

    fn new() -> Self {
        let mut taps = std::array::from_fn(|n| {
            let from_middle = n as f32 - (Self::TAPS as f32 - 1.0) / 2.0;
            let angle = std::f32::consts::TAU * Self::EDGE / SAMPLE_RATE as f32 * from_middle;
            let turn = std::f32::consts::TAU * (n as f32 + 0.5) / Self::TAPS as f32;
            angle.sin() / angle * (0.5 - 0.5 * turn.cos())
        });
        let sum: f32 = taps.iter().sum();
        for tap in &mut taps {
            *tap /= sum;
        }
        Self {
            past: vec![0.0; Self::TAPS + BLOCK],
            taps,
            last: 0.0,
        }
    }

    fn run(&mut self, block: &Block) -> [f32; CHUNK] {
        self.past.copy_within(BLOCK.., 0);
        self.past[Self::TAPS..].copy_from_slice(block);
        std::array::from_fn(|n| {
            let of = &self.past[(n + 1) * STEP..][..Self::TAPS];
            let low: f32 = of.iter().zip(&self.taps).map(|(a, b)| a * b).sum();
            low - 0.9 * std::mem::replace(&mut self.last, low)
        })
    }
}
