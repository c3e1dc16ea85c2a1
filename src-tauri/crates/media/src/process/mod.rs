//! What is done to the agent's voice before it is sent: high-pass, echo canceller, noise suppression, gain.

mod canceller;
mod coupling;

use std::fmt;

use sonora::config::{AdaptiveDigital, GainController2, HighPassFilter, NoiseSuppression};
use sonora::{AudioProcessing, Config, StreamConfig};

use crate::{Block, SAMPLE_RATE};
use canceller::{Canceller, EchoPath};

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
    /// Everything, and the echo canceller where the microphone hears the speaker.
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
    /// Where the microphone is measured to hear the speaker. Until enough was heard: unless the speaker is a headset
    /// or headphones, as far as the device's name tells.
    Automatic,
}

/// What the voice processing says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessingStats {
    /// The echo canceller works.
    pub echo_canceller: bool,
    /// The microphone hears the speaker, as measured; `None` before enough was heard, or where it is not measured.
    pub echo_heard: Option<bool>,
    /// Echo removed by its linear filter, dB (ERLE); `None` before there was any.
    pub echo_removed_db: Option<f32>,
    /// Delay from the speaker to the microphone as measured, ms.
    pub echo_delay_ms: Option<u32>,
}

/// A speaker and a microphone: what was learned of their echo holds for the two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Route {
    /// Tells one pair of devices from another.
    pub(crate) id: u64,
    /// The speaker is worn on the ears, as far as its name tells.
    pub(crate) worn: bool,
}

/// Routes of which the echo is remembered.
const MEMORY: usize = 8;

/// The chain in use.
pub(crate) struct Processor {
    wanted: VoiceProcessing,
    route: Route,
    /// `None` while no echo is to be cancelled.
    canceller: Option<Canceller>,
    /// The rest; `None` while nothing of it is to be done.
    chain: Option<Box<AudioProcessing>>,
    /// What was found on the last routes, newest last.
    known: Vec<(Route, EchoPath)>,
    scratch: Block,
}

impl Processor {
    pub(crate) fn new(wanted: VoiceProcessing) -> Self {
        let mut processor = Self {
            wanted,
            route: Route::default(),
            canceller: None,
            chain: None,
            known: Vec::new(),
            scratch: [0.0; crate::BLOCK],
        };
        processor.build();
        processor
    }

    /// Changes what is done; what was learned of voice and noise is forgotten.
    pub(crate) fn set(&mut self, wanted: VoiceProcessing) {
        if self.wanted != wanted {
            self.remember();
            self.wanted = wanted;
            self.build();
        }
    }

    /// Tells which devices are in use.
    pub(crate) fn set_route(&mut self, route: Route) {
        if self.route != route {
            self.remember();
            self.route = route;
            self.build();
        }
    }

    /// A call begins: the room may be another, the devices and the voice are not.
    pub(crate) fn restart(&mut self) {
        self.remember();
        self.begin_cancelling();
    }

    /// Takes what the speaker is about to play.
    pub(crate) fn render(&mut self, ear: &Block) {
        if let Some(canceller) = &mut self.canceller {
            canceller.render(ear);
        }
    }

    /// Works on what the microphone heard.
    pub(crate) fn capture(&mut self, microphone: &mut Block) {
        if let Some(canceller) = &mut self.canceller {
            canceller.capture(microphone);
        }
        let Some(chain) = &mut self.chain else {
            return;
        };
        match chain.process_capture_f32(&[microphone], &mut [&mut self.scratch]) {
            Ok(()) => *microphone = self.scratch,
            Err(error) => tracing::debug!(%error, "voice processing"),
        }
    }

    pub(crate) fn stats(&self) -> ProcessingStats {
        let Some(canceller) = &self.canceller else {
            return ProcessingStats::default();
        };
        let (echo_removed_db, echo_delay_ms) = canceller.figures();
        ProcessingStats {
            echo_canceller: canceller.works(),
            echo_heard: match canceller.path() {
                EchoPath::Unknown => None,
                EchoPath::Absent => Some(false),
                EchoPath::Present(_) => Some(true),
            },
            echo_removed_db,
            echo_delay_ms,
        }
    }

    fn remember(&mut self) {
        let Some(canceller) = &self.canceller else {
            return;
        };
        if self.wanted.echo_canceller != EchoCancelling::Automatic {
            return;
        }
        let route = self.route;
        self.known.retain(|(other, _)| *other != route);
        if self.known.len() == MEMORY {
            self.known.remove(0);
        }
        self.known.push((route, canceller.path()));
    }

    fn build(&mut self) {
        self.begin_cancelling();
        let wanted = self.wanted;
        let idle = !wanted.high_pass && !wanted.noise_suppression && !wanted.automatic_gain;
        self.chain = (!idle).then(|| {
            let format = StreamConfig::new(SAMPLE_RATE, 1);
            let config = Config {
                pipeline: canceller::pipeline(),
                high_pass_filter: wanted.high_pass.then(HighPassFilter::default),
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

    fn begin_cancelling(&mut self) {
        let route = self.route;
        self.canceller = match self.wanted.echo_canceller {
            EchoCancelling::Off => None,
            EchoCancelling::On => Some(Canceller::always()),
            EchoCancelling::Automatic => {
                let known = self.known.iter().find(|(other, _)| *other == route);
                Some(Canceller::measured(match known {
                    Some((_, path)) => *path,
                    None if route.worn => EchoPath::Absent,
                    None => EchoPath::Unknown,
                }))
            }
        };
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor")
            .field("wanted", &self.wanted)
            .field("route", &self.route)
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
