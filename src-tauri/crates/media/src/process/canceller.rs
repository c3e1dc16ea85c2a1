//! The echo canceller, in use only where the microphone hears the speaker.
//!
//! AEC3 expects an echo until it knows better. Where there is none it takes whatever is heard while the customer
//! speaks for one, for six seconds of the customer's speech and again after each change of its delay: with both sides
//! talking the agent's voice was cut to pieces (likeness 0.4 of 1). So the coupling is measured beside it, and the
//! canceller rests, at no cost, where nothing is coupled.

use sonora::config::{EchoCanceller, MaxProcessingRate, Pipeline};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::coupling::{Coupling, Hearing};
use crate::{BLOCK, Block, SAMPLE_RATE};

/// Segments of a third of a second with the speaker at work after which nothing heard means that there is no echo.
const PATIENCE: u32 = 3;
/// The same, at most, where there was one: the more often it was heard the longer, up to 30 s. A mistake passes soon.
const LONG_PATIENCE: u32 = 94;

/// What is known of the way from the speaker to the microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EchoPath {
    /// Nothing yet: the canceller works, lest the customer hears himself.
    Unknown,
    /// The microphone does not hear the speaker.
    Absent,
    /// It does, this many ms later.
    Present(u32),
}

pub(super) struct Canceller {
    /// `None`: not measured, the canceller always works.
    measure: Option<Coupling>,
    path: EchoPath,
    /// Segments with an echo so far, and those without since.
    heard: u32,
    quiet: u32,
    /// `None` while it rests.
    chain: Option<Box<AudioProcessing>>,
    /// Share of the canceller's sound in the last block.
    share: f32,
    scratch: Block,
}

impl Canceller {
    /// Works always.
    pub(super) fn always() -> Self {
        Self::new(None, EchoPath::Unknown)
    }

    /// Works unless nothing is coupled; begins with what is known.
    pub(super) fn measured(path: EchoPath) -> Self {
        Self::new(Some(Coupling::new()), path)
    }

    fn new(measure: Option<Coupling>, path: EchoPath) -> Self {
        let works = path != EchoPath::Absent;
        Self {
            measure,
            path,
            heard: 0,
            quiet: 0,
            chain: works.then(chain),
            share: if works { 1.0 } else { 0.0 },
            scratch: [0.0; BLOCK],
        }
    }

    pub(super) fn path(&self) -> EchoPath {
        self.path
    }

    pub(super) fn works(&self) -> bool {
        self.path != EchoPath::Absent
    }

    /// Echo removed by the linear filter, dB, and its delay in ms.
    pub(super) fn figures(&self) -> (Option<f32>, Option<u32>) {
        let Some(chain) = self.chain.as_ref().filter(|_| self.works()) else {
            return (None, None);
        };
        let stats = chain.statistics();
        let delay = match self.path {
            EchoPath::Present(ms) => Some(ms),
            _ if self.measure.is_some() => None,
            _ => stats.delay_ms.and_then(|ms| u32::try_from(ms).ok()),
        };
        let removed = stats.echo_return_loss_enhancement.map(|db| db as f32);
        (removed, delay)
    }

    pub(super) fn render(&mut self, ear: &Block) {
        if let Some(measure) = &mut self.measure {
            measure.play(ear);
        }
        if let Some(chain) = &mut self.chain
            && let Err(error) = chain.process_render_f32(&[ear], &mut [&mut self.scratch])
        {
            tracing::debug!(%error, "echo canceller");
        }
    }

    pub(super) fn capture(&mut self, microphone: &mut Block) {
        if let Some(hearing) = self.measure.as_mut().and_then(|m| m.hear(microphone)) {
            self.learn(hearing);
        }
        let Some(chain) = &mut self.chain else {
            return;
        };
        match chain.process_capture_f32(&[microphone], &mut [&mut self.scratch]) {
            Ok(()) => self.blend(microphone),
            Err(error) => tracing::debug!(%error, "echo canceller"),
        }
    }

    fn learn(&mut self, hearing: Hearing) {
        let path = match hearing {
            Hearing::Echo { delay_ms } => {
                self.quiet = 0;
                self.heard += 1;
                EchoPath::Present(delay_ms)
            }
            Hearing::Nothing => {
                self.quiet += 1;
                let patience = match self.path {
                    EchoPath::Present(_) => {
                        LONG_PATIENCE.min(self.heard.saturating_add(1).saturating_mul(PATIENCE))
                    }
                    EchoPath::Unknown | EchoPath::Absent => PATIENCE,
                };
                match self.quiet >= patience {
                    true => EchoPath::Absent,
                    false => self.path,
                }
            }
        };
        if path == self.path {
            return;
        }
        tracing::debug!(?path, "way from the speaker to the microphone");
        self.path = path;
        if !self.works() {
            self.heard = 0;
        }
        if self.works() && self.chain.is_none() {
            self.chain = Some(chain());
        }
    }

    /// Goes over to the canceller's sound or back within one block, so that it does not click.
    fn blend(&mut self, microphone: &mut Block) {
        let goal = if self.works() { 1.0 } else { 0.0 };
        let from = self.share;
        for (index, (sample, cancelled)) in microphone.iter_mut().zip(&self.scratch).enumerate() {
            let share = from + (goal - from) * (index + 1) as f32 / BLOCK as f32;
            *sample += (cancelled - *sample) * share;
        }
        self.share = goal;
        if goal == 0.0 {
            self.chain = None;
        }
    }
}

fn chain() -> Box<AudioProcessing> {
    let format = StreamConfig::new(SAMPLE_RATE, 1);
    let config = Config {
        pipeline: pipeline(),
        echo_canceller: Some(EchoCanceller::default()),
        ..Config::default()
    };
    Box::new(
        AudioProcessing::builder()
            .config(config)
            .capture_config(format)
            .render_config(format)
            .build(),
    )
}

/// One voice at our own rate.
pub(super) fn pipeline() -> Pipeline {
    Pipeline {
        maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
        multi_channel_render: false,
        multi_channel_capture: false,
        ..Pipeline::default()
    }
}
