//! What happens to the sound in one tick of 10 ms: gate, session, tones, meters. No device, no clock.

use std::fmt;

use tokio::sync::watch;

use super::Levels;
use crate::level::{SILENCE, from_energy};
use crate::tone::{Keypad, Tone};
use crate::{BLOCK, Block, Session, ToneKind};

/// Ticks between two meter readings: 50 ms.
const METER_TICKS: u32 = 5;

/// The far end of the desk: a session.
pub(super) trait Line: Send {
    /// Gives one block and takes one.
    fn exchange(&mut self, send: &Block, received: &mut Block);
}

impl Line for Session {
    fn exchange(&mut self, send: &Block, received: &mut Block) {
        Session::exchange(self, send, received);
    }
}

/// What the owner of the voice asks for.
pub(super) enum Command {
    Attach(Option<Box<dyn Line>>),
    Mute(bool),
    Tone(Option<ToneKind>),
    Keys(String),
    Monitor(bool),
}

/// Which devices the desk has a use for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) microphone: bool,
    pub(crate) speaker: bool,
    pub(crate) ringer: bool,
}

/// Joins the microphone, the line, the tones and the ears.
pub(super) struct Desk {
    line: Option<Box<dyn Line>>,
    attached: bool,
    muted: bool,
    /// Gain of the gate now; it moves over one block so that it does not click.
    gate: f32,
    tone: Option<Tone>,
    keypad: Keypad,
    monitor: bool,
    meter: Meter,
    levels: watch::Sender<Levels>,
}

#[derive(Debug, Default)]
struct Meter {
    ticks: u32,
    microphone: f64,
    speaker: f64,
}

impl Desk {
    pub(super) fn new(levels: watch::Sender<Levels>) -> Self {
        Self {
            line: None,
            attached: false,
            muted: false,
            gate: 1.0,
            tone: None,
            keypad: Keypad::default(),
            monitor: false,
            meter: Meter::default(),
            levels,
        }
    }

    pub(super) fn apply(&mut self, command: Command) {
        match command {
            Command::Attach(line) => {
                self.attached |= line.is_some();
                self.line = line;
                self.rest_meter();
            }
            Command::Mute(on) => self.muted = on,
            Command::Tone(kind) => {
                // The same tone again goes on instead of starting anew.
                if self.tone.as_ref().map(Tone::kind) != kind {
                    self.tone = kind.map(Tone::new);
                }
            }
            Command::Keys(digits) => self.keypad.press(&digits),
            Command::Monitor(on) => {
                self.monitor = on;
                self.rest_meter();
            }
        }
    }

    /// A line was attached since the last question.
    pub(super) fn take_attached(&mut self) -> bool {
        std::mem::take(&mut self.attached)
    }

    pub(super) fn need(&self) -> Need {
        let call = self.line.is_some();
        let tone = self.tone.as_ref().map(Tone::kind);
        // While it rings or dials, microphone and speaker are opened ahead: the answer must not wait for them.
        let soon = matches!(
            tone,
            Some(ToneKind::Ring | ToneKind::Ringback | ToneKind::CallWaiting)
        );
        Need {
            microphone: call || soon || self.monitor,
            speaker: call || tone.is_some() || !self.keypad.is_quiet(),
            ringer: tone == Some(ToneKind::Ring),
        }
    }

    /// Nothing is to be heard, sent or measured.
    pub(super) fn is_idle(&self) -> bool {
        self.need() == Need::default()
    }

    /// One tick: `microphone` in; `ear` and `ringer` out.
    pub(super) fn tick(&mut self, microphone: &mut Block, ear: &mut Block, ringer: &mut Block) {
        ringer.fill(0.0);
        ear.fill(0.0);
        self.meter.microphone += energy(microphone);
        self.gate(microphone);
        if let Some(line) = &mut self.line {
            line.exchange(microphone, ear);
        }
        if let Some(tone) = &mut self.tone {
            match tone.kind() {
                ToneKind::Ring => tone.add(ringer),
                _ => tone.add(ear),
            }
        }
        self.keypad.add(ear);
        for sample in ear.iter_mut() {
            *sample = sample.clamp(-1.0, 1.0);
        }
        self.meter.speaker += energy(ear);
        self.publish();
    }

    fn gate(&mut self, microphone: &mut Block) {
        let goal = if self.muted { 0.0 } else { 1.0 };
        if self.gate == goal {
            if goal == 0.0 {
                microphone.fill(0.0);
            }
            return;
        }
        let from = self.gate;
        for (index, sample) in microphone.iter_mut().enumerate() {
            let share = (index + 1) as f32 / BLOCK as f32;
            *sample *= from + (goal - from) * share;
        }
        self.gate = goal;
    }

    fn publish(&mut self) {
        self.meter.ticks += 1;
        if self.meter.ticks < METER_TICKS {
            return;
        }
        let meter = std::mem::take(&mut self.meter);
        if self.line.is_none() && !self.monitor {
            return;
        }
        let mean = |energy: f64| from_energy(energy / f64::from(METER_TICKS));
        self.levels.send_replace(Levels {
            microphone: mean(meter.microphone),
            speaker: mean(meter.speaker),
        });
    }

    /// Without a call and a monitor the meter must not keep its last reading.
    fn rest_meter(&mut self) {
        if self.line.is_none() && !self.monitor {
            self.meter = Meter::default();
            self.levels.send_if_modified(|levels| {
                let changed = levels.microphone != SILENCE || levels.speaker != SILENCE;
                *levels = Levels::SILENT;
                changed
            });
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("call", &self.line.is_some())
            .field("muted", &self.muted)
            .field("tone", &self.tone)
            .finish_non_exhaustive()
    }
}

/// Mean square of a block.
fn energy(block: &Block) -> f64 {
    let sum: f64 = block.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    sum / BLOCK as f64
}
