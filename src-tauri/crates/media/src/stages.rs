//! Single stages of the voice, for measurements: what each costs in each block of 10 ms.

use std::time::Duration;

use sidetone_profile::Codec;

use crate::codec::{EncoderSetup, OpusTuning};
use crate::process::{Processor, Route};
use crate::receive::{AudioReceiver, RtpIn};
use crate::resample::Resampler;
use crate::send::AudioSender;
use crate::voice::mixing;
use crate::{BLOCK, Block, EchoCancelling, MediaError, SAMPLE_RATE, VoiceProcessing};

/// One stage of the voice.
pub struct Stage {
    /// What it does.
    pub name: String,
    work: Box<dyn FnMut()>,
}

impl Stage {
    fn new(name: impl Into<String>, work: impl FnMut() + 'static) -> Self {
        Self {
            name: name.into(),
            work: Box::new(work),
        }
    }

    /// Works on the next 10 ms.
    pub fn run(&mut self) {
        (self.work)();
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Every stage, ready to run.
///
/// # Errors
/// [`MediaError::Codec`] when a codec cannot be started.
pub fn stages() -> Result<Vec<Stage>, MediaError> {
    let mut stages = resampling();
    stages.extend(processing());
    for codec in [Codec::Opus, Codec::Ulaw, Codec::G722, Codec::Gsm] {
        stages.extend(coding(codec)?);
    }
    stages.extend([2, 8].map(|parties| {
        let mut mix = mixing(parties);
        let (mut sound, mut ear) = (Voiced::new(110.0), [0.0; BLOCK]);
        Stage::new(
            format!("conference of {parties} and the agent"),
            move || {
                ear.fill(0.0);
                mix(&sound.next(), &mut ear);
            },
        )
    }));
    Ok(stages)
}

fn resampling() -> Vec<Stage> {
    let stage = |name: &str, mut resampler: Resampler| {
        let (mut sound, mut output) = (Voiced::new(110.0), Vec::new());
        Stage::new(name, move || {
            output.clear();
            resampler.run(&sound.next(), &mut output);
        })
    };
    vec![
        stage("rate: 48 kHz to a drifting 48 kHz", {
            Resampler::adjustable(SAMPLE_RATE, SAMPLE_RATE)
        }),
        stage("rate: 48 kHz to a drifting 44.1 kHz", {
            Resampler::adjustable(SAMPLE_RATE, 44_100)
        }),
        stage("rate: 48 kHz to 8 kHz", Resampler::new(SAMPLE_RATE, 8_000)),
    ]
}

fn processing() -> Vec<Stage> {
    const OFF: VoiceProcessing = VoiceProcessing::OFF;
    let stage = |name: &str, wanted: VoiceProcessing, worn: bool| {
        let mut processor = Processor::new(wanted);
        processor.set_route(Route { id: 1, worn });
        let (mut agent, mut customer) = (Voiced::new(110.0), Voiced::new(190.0));
        Stage::new(name, move || {
            let mut microphone = agent.next();
            processor.capture(&mut microphone);
            processor.render(&customer.next());
        })
    };
    vec![
        stage(
            "high-pass",
            VoiceProcessing {
                high_pass: true,
                ..OFF
            },
            false,
        ),
        stage(
            "noise suppression",
            VoiceProcessing {
                noise_suppression: true,
                ..OFF
            },
            false,
        ),
        stage(
            "automatic gain",
            VoiceProcessing {
                automatic_gain: true,
                ..OFF
            },
            false,
        ),
        stage(
            "looking for an echo, the canceller at rest",
            VoiceProcessing {
                echo_canceller: EchoCancelling::Automatic,
                ..OFF
            },
            true,
        ),
        stage(
            "echo canceller",
            VoiceProcessing {
                echo_canceller: EchoCancelling::On,
                ..OFF
            },
            false,
        ),
        stage(
            "all processing, with a headset",
            VoiceProcessing::AUTOMATIC,
            true,
        ),
        stage(
            "all processing, with an echo",
            VoiceProcessing {
                echo_canceller: EchoCancelling::On,
                ..VoiceProcessing::AUTOMATIC
            },
            false,
        ),
    ]
}

/// A sender, and a receiver of what one sends.
fn coding(codec: Codec) -> Result<[Stage; 2], MediaError> {
    const PAYLOAD_TYPE: u8 = 96;
    let new = || {
        AudioSender::new(
            codec,
            &EncoderSetup {
                ptime_ms: 20,
                longest_ms: 60,
                remote_fmtp: "useinbandfec=1",
                tuning: OpusTuning::default(),
            },
        )
    };
    let (mut sender, mut other) = (new()?, new()?);
    let mut sound = Voiced::new(110.0);
    let encode = Stage::new(format!("{codec:?}: encoder"), move || {
        sender.push(&sound.next());
    });
    let mut packets = Vec::new();
    let mut sound = Voiced::new(110.0);
    while packets.len() < 100 {
        if let Some(frame) = other.push(&sound.next()) {
            packets.push((frame.payload.to_vec(), frame.ticks));
        }
    }
    let mut receiver = AudioReceiver::new();
    receiver.set_payload_types(&[(PAYLOAD_TYPE, codec)]);
    let (mut tick, mut timestamp, mut block) = (0_usize, 0_u32, [0.0; BLOCK]);
    let decode = Stage::new(format!("{codec:?}: jitter buffer and decoder"), move || {
        let now = Duration::from_millis(tick as u64 * 10);
        if tick.is_multiple_of(2) {
            let (payload, ticks) = &packets[tick / 2 % packets.len()];
            receiver.insert(
                now,
                &RtpIn {
                    payload_type: PAYLOAD_TYPE,
                    sequence: (tick / 2) as u16,
                    timestamp,
                    marker: false,
                    payload,
                    ssrc: 1,
                },
            );
            timestamp = timestamp.wrapping_add(*ticks);
        }
        receiver.pull(now, &mut block);
        tick += 1;
    });
    Ok([encode, decode])
}

/// Syllables on a pitch, with breath: nobody's voice, but as much work as one.
struct Voiced {
    pitch: f32,
    at: usize,
    seed: u32,
}

impl Voiced {
    fn new(pitch: f32) -> Self {
        Self {
            pitch,
            at: 0,
            seed: pitch as u32,
        }
    }

    fn next(&mut self) -> Block {
        std::array::from_fn(|_| {
            let time = self.at as f32 / SAMPLE_RATE as f32;
            self.at = (self.at + 1) % (SAMPLE_RATE as usize * 10);
            self.seed = self
                .seed
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            let breath = (self.seed >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let syllable = (time * 3.7 * std::f32::consts::TAU).sin().max(0.0);
            let pulse = 1.0 - 2.0 * (time * self.pitch).fract();
            0.2 * pulse * syllable + 0.01 * breath
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_runs() {
        for mut stage in stages().expect("every codec is built") {
            for _ in 0..40 {
                stage.run();
            }
        }
    }
}
