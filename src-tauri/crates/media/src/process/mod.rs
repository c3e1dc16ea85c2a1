//! What is done to the agent's voice before it is sent: high-pass, echo canceller, noise suppression, gain.

use std::fmt;

use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate,
    NoiseSuppression, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use crate::{Block, SAMPLE_RATE};

/// Most that a quiet voice is raised, dB: more would raise the office with it.
const LARGEST_GAIN: f32 = 18.0;
/// Gain before anything was measured, dB.
const FIRST_GAIN: f32 = 0.0;

/// What is done to the agent's voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoiceProcessing {
    /// Removes rumble below about 100 Hz.
    pub high_pass: bool,
    /// Keeps what the speaker plays out of the microphone.
    pub echo_canceller: EchoCancelling,
    /// Removes steady noise: fans, the hum of the office.
    pub noise_suppression: bool,
    /// Raises a quiet voice and limits a loud one.
    pub automatic_gain: bool,
}

impl VoiceProcessing {
    /// Nothing: what the microphone hears is sent as it is.
    pub const OFF: Self = Self {
        high_pass: false,
        echo_canceller: EchoCancelling::Off,
        noise_suppression: false,
        automatic_gain: false,
    };
    /// Everything, and the echo canceller where there is no headset.
    pub const AUTOMATIC: Self = Self {
        high_pass: true,
        echo_canceller: EchoCancelling::Automatic,
        noise_suppression: true,
        automatic_gain: true,
    };
}

/// When the echo canceller works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoCancelling {
    /// Never.
    Off,
    /// Always.
    On,
    /// Unless the customer is heard through a headset or headphones, as far as the device's name tells.
    Automatic,
}

/// What the voice processing says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessingStats {
    /// The echo canceller works.
    pub echo_canceller: bool,
    /// Echo removed by its linear filter, dB (ERLE); `None` before there was any.
    pub echo_removed_db: Option<f32>,
    /// Delay from the speaker to the microphone as the canceller measures it, ms.
    pub echo_delay_ms: Option<u32>,
}

/// The chain in use.
pub(crate) struct Processor {
    wanted: VoiceProcessing,
    headset: bool,
    /// `None` while nothing is to be done.
    chain: Option<Box<AudioProcessing>>,
    cancels: bool,
    scratch: Block,
}

impl Processor {
    pub(crate) fn new(wanted: VoiceProcessing) -> Self {
        let mut processor = Self {
            wanted,
            headset: false,
            chain: None,
            cancels: false,
            scratch: [0.0; crate::BLOCK],
        };
        processor.build();
        processor
    }

    /// Changes what is done; what was learned is forgotten.
    pub(crate) fn set(&mut self, wanted: VoiceProcessing) {
        if self.wanted != wanted {
            self.wanted = wanted;
            self.build();
        }
    }

    /// Whether the customer is heard through a headset.
    pub(crate) fn set_headset(&mut self, headset: bool) {
        if self.headset != headset {
            self.headset = headset;
            if self.wanted.echo_canceller == EchoCancelling::Automatic {
                self.build();
            }
        }
    }

    /// Forgets the room that was learned: the next call may be another.
    pub(crate) fn restart(&mut self) {
        self.build();
    }

    /// Takes what the speaker is about to play.
    pub(crate) fn render(&mut self, ear: &Block) {
        if let (Some(chain), true) = (&mut self.chain, self.cancels)
            && let Err(error) = chain.process_render_f32(&[ear], &mut [&mut self.scratch])
        {
            tracing::debug!(%error, "voice processing");
        }
    }

    /// Works on what the microphone heard.
    pub(crate) fn capture(&mut self, microphone: &mut Block) {
        let Some(chain) = &mut self.chain else {
            return;
        };
        match chain.process_capture_f32(&[microphone], &mut [&mut self.scratch]) {
            Ok(()) => *microphone = self.scratch,
            Err(error) => tracing::debug!(%error, "voice processing"),
        }
    }

    pub(crate) fn stats(&self) -> ProcessingStats {
        let Some(chain) = self.chain.as_ref().filter(|_| self.cancels) else {
            return ProcessingStats::default();
        };
        let stats = chain.statistics();
        ProcessingStats {
            echo_canceller: true,
            echo_removed_db: stats.echo_return_loss_enhancement.map(|db| db as f32),
            echo_delay_ms: stats.delay_ms.and_then(|ms| u32::try_from(ms).ok()),
        }
    }

    fn build(&mut self) {
        let wanted = self.wanted;
        self.cancels = match wanted.echo_canceller {
            EchoCancelling::Off => false,
            EchoCancelling::On => true,
            EchoCancelling::Automatic => !self.headset,
        };
        let idle = !wanted.high_pass
            && !self.cancels
            && !wanted.noise_suppression
            && !wanted.automatic_gain;
        self.chain = (!idle).then(|| {
            let format = StreamConfig::new(SAMPLE_RATE, 1);
            let config = Config {
                pipeline: Pipeline {
                    maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                    multi_channel_render: false,
                    multi_channel_capture: false,
                    ..Pipeline::default()
                },
                high_pass_filter: wanted.high_pass.then(HighPassFilter::default),
                echo_canceller: self.cancels.then(EchoCanceller::default),
                noise_suppression: wanted.noise_suppression.then(NoiseSuppression::default),
                gain_controller2: wanted.automatic_gain.then(|| GainController2 {
                    adaptive_digital: Some(AdaptiveDigital {
                        max_gain_db: LARGEST_GAIN,
                        initial_gain_db: FIRST_GAIN,
                        ..AdaptiveDigital::default()
                    }),
                    ..GainController2::default()
                }),
                ..Config::default()
            };
            Box::new(
                AudioProcessing::builder()
                    .config(config)
                    .capture_config(format)
                    .render_config(format)
                    .build(),
            )
        });
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor")
            .field("wanted", &self.wanted)
            .field("cancels", &self.cancels)
            .finish_non_exhaustive()
    }
}

/// Whether a device's name is that of something worn on the ears.
pub(crate) fn is_worn(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "headset",
        "headphone",
        "earphone",
        "earpiece",
        "earbud",
        "airpods",
        "buds",
        "jabra evolve",
        "jabra biz",
        "plantronics",
        "blackwire",
        "voyager",
        "sennheiser sc",
        "epos",
        "hands-free ag",
        "kopfh\u{f6}rer",
    ];
    let name = name.to_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests;
