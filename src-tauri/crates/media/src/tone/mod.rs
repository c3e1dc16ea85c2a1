//! Tones: what the network of the agent's country would play (ITU-T E.180), our ringtone, and the keypad.

mod country;
mod dtmf;

use country::Plan;
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
    /// A second frequency, Hz; 0 for none.
    other: f32,
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
    two(frequency, 0.0, ms)
}

/// Two frequencies at once, together as loud as one.
const fn two(frequency: f32, other: f32, ms: u32) -> Part {
    Part {
        frequency,
        other,
        ms,
        shape: Shape::Steady(PROGRESS),
    }
}

const fn bell(frequency: f32, ms: u32) -> Part {
    Part {
        frequency,
        other: 2.0 * frequency,
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
const TEST: &[Part] = &[on(440.0, 1_000)];

/// The tones of one country.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tones {
    plan: &'static Plan,
}

impl Tones {
    /// Those of a country by its ISO 3166 code; most of Europe's where it is not known.
    pub(crate) fn of(country: &str) -> Self {
        Self {
            plan: country::plan(country),
        }
    }

    /// Starts a tone.
    pub(crate) fn start(&self, kind: ToneKind) -> Tone {
        Tone::new(kind, self.parts(kind))
    }

    /// The parts of a tone, repeated without end.
    fn parts(&self, kind: ToneKind) -> Vec<Part> {
        match kind {
            ToneKind::Ring => RING.to_vec(),
            ToneKind::CallWaiting => country::parts(self.plan.call_waiting),
            ToneKind::Ringback => country::parts(self.plan.ringback),
            ToneKind::Busy => country::parts(self.plan.busy),
            ToneKind::Congestion => country::parts(self.plan.congestion),
            ToneKind::Test => TEST.to_vec(),
        }
    }
}

impl Default for Tones {
    fn default() -> Self {
        Self {
            plan: &country::EUROPE,
        }
    }
}

// A third up for who comes, down for who goes: E5 and G5.
const JOINED: &[Part] = &[on(659.26, 120), on(783.99, 180)];
const LEFT: &[Part] = &[on(783.99, 120), on(659.26, 180)];

/// Two notes, once, that tell everybody on a line that somebody joined or left it.
#[derive(Debug)]
pub(crate) struct Chime {
    notes: Notes,
    /// Blocks that are still to be played.
    left: u32,
}

impl Chime {
    pub(crate) fn joined() -> Self {
        Self::new(JOINED)
    }

    pub(crate) fn left() -> Self {
        Self::new(LEFT)
    }

    fn new(parts: &[Part]) -> Self {
        Self {
            notes: Notes::new(parts.to_vec()),
            left: parts.iter().map(|part| part.ms / 10).sum(),
        }
    }

    /// Adds the next 10 ms to a block; `false` when it was played already.
    pub(crate) fn add(&mut self, block: &mut Block) -> bool {
        let sounds = self.left > 0;
        if sounds {
            self.left -= 1;
            self.notes.add(block);
        }
        sounds
    }
}

/// Plays one tone.
#[derive(Debug)]
pub(crate) struct Tone {
    kind: ToneKind,
    notes: Notes,
}

impl Tone {
    fn new(kind: ToneKind, parts: Vec<Part>) -> Self {
        Self {
            kind,
            notes: Notes::new(parts),
        }
    }

    pub(crate) fn kind(&self) -> ToneKind {
        self.kind
    }

    /// Adds the next 10 ms to a block.
    pub(crate) fn add(&mut self, block: &mut Block) {
        self.notes.add(block);
    }
}

/// Parts one after the other, and again from the first.
#[derive(Debug)]
struct Notes {
    parts: Vec<Part>,
    part: usize,
    /// Samples into the part.
    at: u32,
    /// Phase of the sine, turns.
    phase: f32,
    /// Phase of the second sine, turns.
    other: f32,
}

impl Notes {
    const fn new(parts: Vec<Part>) -> Self {
        Self {
            parts,
            part: 0,
            at: 0,
            phase: 0.0,
            other: 0.0,
        }
    }

    fn add(&mut self, block: &mut Block) {
        let count = self.parts.len();
        for sample in block {
            let part = self.parts[self.part];
            *sample += self.sample(&part, count == 1);
            self.at += 1;
            if self.at >= part.ms * (SAMPLE_RATE / 1_000) {
                self.at = 0;
                self.part = (self.part + 1) % count;
                if count > 1 {
                    self.phase = 0.0;
                    self.other = 0.0;
                }
            }
        }
    }

    fn sample(&mut self, part: &Part, endless: bool) -> f32 {
        if part.frequency == 0.0 {
            return 0.0;
        }
        let wave = (self.phase * std::f32::consts::TAU).sin();
        let other = (self.other * std::f32::consts::TAU).sin();
        self.phase = (self.phase + part.frequency / SAMPLE_RATE as f32).fract();
        self.other = (self.other + part.other / SAMPLE_RATE as f32).fract();
        let length = part.ms * (SAMPLE_RATE / 1_000);
        let edge = match endless {
            true => 1.0,
            false => (self.at.min(length - self.at) as f32 / EDGE as f32).min(1.0),
        };
        match part.shape {
            Shape::Steady(level) if part.other == 0.0 => wave * level * edge,
            Shape::Steady(level) => (wave + other) * std::f32::consts::FRAC_1_SQRT_2 * level * edge,
            Shape::Bell(level) => {
                let seconds = self.at as f32 / SAMPLE_RATE as f32;
                let ringing = (-seconds * 5.0).exp();
                (wave * ringing + 0.25 * other * ringing * ringing) * level * edge
            }
        }
    }
}

#[cfg(test)]
mod tests;
