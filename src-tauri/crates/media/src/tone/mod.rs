//! Tones: what the network would play (ITU-T E.180, European 425 Hz cadences), our ringtone, and the keypad.

mod dtmf;

pub(crate) use dtmf::Keypad;

use crate::{Block, SAMPLE_RATE, ToneKind};

/// Level of call-progress tones: audible, never louder than speech. Amplitude of the sine, full scale 1.0.
const PROGRESS: f32 = 0.1;
/// Rise and fall that keep an edge from clicking, samples: 5 ms.
const EDGE: u32 = SAMPLE_RATE / 200;

/// One stretch of a tone.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Frequency, Hz; 0 is silence.
    frequency: f32,
    /// Length, ms.
    ms: u32,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// Steady, with short edges.
    Steady(f32),
    /// Struck and left to ring, with a soft octave above.
    Bell(f32),
}

const fn on(frequency: f32, ms: u32) -> Part {
    Part {
        frequency,
        ms,
        shape: Shape::Steady(PROGRESS),
    }
}

const fn bell(frequency: f32, ms: u32) -> Part {
    Part {
        frequency,
        ms,
        shape: Shape::Bell(0.3),
    }
}

const fn off(ms: u32) -> Part {
    on(0.0, ms)
}

// A fourth, struck twice: E5 and A5.
const RING: &[Part] = &[
    bell(659.26, 160),
    bell(880.0, 240),
    off(120),
    bell(659.26, 160),
    bell(880.0, 480),
    off(1_840),
];
const CALL_WAITING: &[Part] = &[on(425.0, 200), off(200), on(425.0, 200), off(9_000)];
const RINGBACK: &[Part] = &[on(425.0, 1_000), off(4_000)];
const BUSY: &[Part] = &[on(425.0, 500), off(500)];
const CONGESTION: &[Part] = &[on(425.0, 250), off(250)];
const TEST: &[Part] = &[on(440.0, 1_000)];

/// The parts of a tone, repeated without end.
const fn parts(kind: ToneKind) -> &'static [Part] {
    match kind {
        ToneKind::Ring => RING,
        ToneKind::CallWaiting => CALL_WAITING,
        ToneKind::Ringback => RINGBACK,
        ToneKind::Busy => BUSY,
        ToneKind::Congestion => CONGESTION,
        ToneKind::Test => TEST,
    }
}

/// Plays one tone.
#[derive(Debug)]
pub(crate) struct Tone {
    kind: ToneKind,
    part: usize,
    /// Samples into the part.
    at: u32,
    /// Phase of the sine, turns.
    phase: f32,
    octave: f32,
}

impl Tone {
    pub(crate) fn new(kind: ToneKind) -> Self {
        Self {
            kind,
            part: 0,
            at: 0,
            phase: 0.0,
            octave: 0.0,
        }
    }

    pub(crate) fn kind(&self) -> ToneKind {
        self.kind
    }

    /// Adds the next 10 ms to a block.
    pub(crate) fn add(&mut self, block: &mut Block) {
        let parts = parts(self.kind);
        for sample in block {
            let part = &parts[self.part];
            *sample += self.sample(part, parts.len() == 1);
            self.at += 1;
            if self.at >= part.ms * (SAMPLE_RATE / 1_000) {
                self.at = 0;
                self.part = (self.part + 1) % parts.len();
                if parts.len() > 1 {
                    self.phase = 0.0;
                    self.octave = 0.0;
                }
            }
        }
    }

    fn sample(&mut self, part: &Part, endless: bool) -> f32 {
        if part.frequency == 0.0 {
            return 0.0;
        }
        let turn = part.frequency / SAMPLE_RATE as f32;
        let wave = (self.phase * std::f32::consts::TAU).sin();
        let above = (self.octave * std::f32::consts::TAU).sin();
        self.phase = (self.phase + turn).fract();
        self.octave = (self.octave + 2.0 * turn).fract();
        let length = part.ms * (SAMPLE_RATE / 1_000);
        let edge = match endless {
            true => 1.0,
            false => (self.at.min(length - self.at) as f32 / EDGE as f32).min(1.0),
        };
        match part.shape {
            Shape::Steady(level) => wave * level * edge,
            Shape::Bell(level) => {
                let seconds = self.at as f32 / SAMPLE_RATE as f32;
                let ringing = (-seconds * 5.0).exp();
                (wave * ringing + 0.25 * above * ringing * ringing) * level * edge
            }
        }
    }
}

#[cfg(test)]
mod tests;
