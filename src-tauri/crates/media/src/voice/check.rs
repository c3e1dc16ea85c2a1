//! The microphone check: some seconds are recorded as a customer would hear them, then played to the agent.

use std::time::Duration;

use tokio::sync::oneshot;

use super::desk::energy;
use crate::level::{SILENCE, dbov, from_energy};
use crate::{BLOCK, Block, MediaError};

/// Longest recording; what is asked for beyond is cut.
const LONGEST: Duration = Duration::from_secs(30);
/// Ticks of 10 ms that the devices may take to open.
const PATIENCE: u32 = 500;
/// The microphone is overdriven from here on, full scale 1.0.
const FULL: f32 = 0.99;
/// A voice is at least this loud for a tenth of a second, dBov.
const VOICE: f32 = -50.0;
const VOICE_TICKS: u32 = 10;

/// What the microphone check found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MicrophoneCheck {
    /// Mean level of what was recorded, dBov (-127 is silence).
    pub level: f32,
    /// Level of the loudest 10 ms, dBov.
    pub loudest: f32,
    /// The microphone was overdriven.
    pub clipping: bool,
    /// Something as loud as a voice was heard.
    pub heard: bool,
}

/// Whether the devices that a check needs are open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence {
    pub(super) microphone: bool,
    pub(super) speaker: bool,
}

/// A check under way.
#[derive(Debug)]
pub(super) struct Check {
    stage: Stage,
    wanted: usize,
    pcm: Vec<f32>,
    waited: u32,
    loudest: f64,
    loud: u32,
    clipping: bool,
    done: oneshot::Sender<Result<MicrophoneCheck, MediaError>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Recording,
    Playing(usize),
}

impl Check {
    pub(super) fn new(
        length: Duration,
        done: oneshot::Sender<Result<MicrophoneCheck, MediaError>>,
    ) -> Self {
        let blocks = length.min(LONGEST).as_millis().div_ceil(10) as usize;
        let wanted = blocks.max(1) * BLOCK;
        Self {
            stage: Stage::Recording,
            wanted,
            pcm: Vec::with_capacity(wanted),
            waited: 0,
            loudest: 0.0,
            loud: 0,
            clipping: false,
            done,
        }
    }

    pub(super) fn is_recording(&self) -> bool {
        self.stage == Stage::Recording
    }

    /// Nobody waits for the result any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.done.is_closed()
    }

    /// Ends it before its time.
    pub(super) fn end(self, why: MediaError) {
        // Who asked may have gone.
        let _ = self.done.send(Err(why));
    }

    /// One tick: takes from `microphone`, or adds to `ear`. Gives itself back until it is over.
    pub(super) fn tick(
        mut self,
        microphone: &Block,
        ear: &mut Block,
        presence: Presence,
    ) -> Option<Self> {
        match self.stage {
            Stage::Recording if presence.microphone => {
                self.waited = 0;
                self.record(microphone);
            }
            Stage::Playing(at) if presence.speaker => {
                for (sample, recorded) in ear.iter_mut().zip(&self.pcm[at..]) {
                    *sample += recorded;
                }
                if at + BLOCK >= self.pcm.len() {
                    let found = self.found();
                    let _ = self.done.send(Ok(found));
                    return None;
                }
                self.waited = 0;
                self.stage = Stage::Playing(at + BLOCK);
            }
            stage => {
                self.waited += 1;
                if self.waited >= PATIENCE {
                    let device = match stage {
                        Stage::Recording => "The microphone",
                        Stage::Playing(_) => "The speaker",
                    };
                    self.end(MediaError::Device {
                        device: device.to_owned(),
                        fault: "it did not open; connect it or choose another".to_owned(),
                    });
                    return None;
                }
            }
        }
        Some(self)
    }

    fn record(&mut self, microphone: &Block) {
        let energy = energy(microphone);
        self.loudest = self.loudest.max(energy);
        self.loud += u32::from(from_energy(energy) > VOICE);
        self.clipping |= microphone.iter().any(|sample| sample.abs() >= FULL);
        self.pcm.extend_from_slice(microphone);
        if self.pcm.len() >= self.wanted {
            self.stage = Stage::Playing(0);
        }
    }

    fn found(&self) -> MicrophoneCheck {
        MicrophoneCheck {
            level: dbov(&self.pcm).max(SILENCE),
            loudest: from_energy(self.loudest),
            clipping: self.clipping,
            heard: self.loud >= VOICE_TICKS,
        }
    }
}
