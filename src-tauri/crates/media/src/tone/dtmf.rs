//! The two frequencies of a key (ITU-T Q.23), heard locally as the agent presses it.

use std::collections::VecDeque;

use crate::{Block, SAMPLE_RATE};

const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [&[u8; 4]; 4] = [b"123A", b"456B", b"789C", b"*0#D"];
/// Length of a tone and of the pause behind it, samples.
const ON: u32 = SAMPLE_RATE / 10;
const OFF: u32 = SAMPLE_RATE / 20;
const EDGE: u32 = SAMPLE_RATE / 500;
/// Amplitude of each of the two.
const LEVEL: f32 = 0.08;
/// Keys that may wait; more are dropped.
const LONGEST: usize = 64;

/// Plays digits one after the other.
#[derive(Debug, Default)]
pub(crate) struct Keypad {
    waiting: VecDeque<(f32, f32)>,
    at: u32,
}

impl Keypad {
    /// Appends digits; what is no key is left out.
    pub(crate) fn press(&mut self, digits: &str) {
        let room = LONGEST.saturating_sub(self.waiting.len());
        self.waiting
            .extend(digits.chars().filter_map(frequencies).take(room));
    }

    /// Nothing is being played.
    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds the next 10 ms to a block.
    pub(crate) fn add(&mut self, block: &mut Block) {
        for sample in block {
            let Some(&(row, column)) = self.waiting.front() else {
                return;
            };
            if self.at < ON {
                let seconds = self.at as f32 / SAMPLE_RATE as f32 * std::f32::consts::TAU;
                let edge = (self.at.min(ON - self.at) as f32 / EDGE as f32).min(1.0);
                *sample += ((row * seconds).sin() + (column * seconds).sin()) * LEVEL * edge;
            }
            self.at += 1;
            if self.at >= ON + OFF {
                self.at = 0;
                self.waiting.pop_front();
            }
        }
    }
}

fn frequencies(digit: char) -> Option<(f32, f32)> {
    let digit = u8::try_from(digit.to_ascii_uppercase()).ok()?;
    KEYS.iter().enumerate().find_map(|(row, keys)| {
        let column = keys.iter().position(|&key| key == digit)?;
        Some((ROWS[row], COLUMNS[column]))
    })
}
