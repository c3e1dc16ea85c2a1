//! The decoder in use, and the sound that waits to be fetched.

use std::collections::VecDeque;

use sidetone_profile::Codec;

use super::comfort::Comfort;
use super::splice;
use crate::codec::{self, CodecSpec, Decode, OpusTuning};
use crate::level::dbov;
use crate::resample::Resampler;
use crate::{BLOCK, Block, SAMPLE_RATE};

/// Packets remembered to tell a late one from one that comes twice.
const MEMORY: usize = 64;
/// Below this level a packet is background noise, dBov.
const BACKGROUND: f32 = -50.0;
/// Made-up sound fades from here on, and for how long, samples: 100 and 150 ms.
const FADE_FROM: usize = 4_800;
const FADE_LENGTH: f32 = 7_200.0;

#[derive(Debug, Default)]
pub(super) struct Player {
    tuning: OpusTuning,
    voice: Option<Voice>,
    /// Decoded sound at 48 kHz.
    pcm: Vec<f32>,
    scratch: Vec<f32>,
    played: VecDeque<u64>,
    /// Sound made up since the last packet, samples at 48 kHz.
    made_up: usize,
    /// The last packet held more than background noise.
    loud: bool,
    /// What the sender wants to be heard while it pauses, and the order of the packet that said so.
    comfort: Option<(u64, Comfort)>,
}

/// A decoder with its change of rate.
#[derive(Debug)]
struct Voice {
    spec: &'static CodecSpec,
    decoder: Box<dyn Decode>,
    resampler: Resampler,
}

impl Player {
    /// What decoders may spend, from the next on.
    pub(super) fn tune(&mut self, tuning: OpusTuning) {
        self.tuning = tuning;
        self.voice = None;
    }

    /// A second is over, of which this share was made up.
    pub(super) fn missed(&mut self, share: f32) {
        if let Some(voice) = &mut self.voice {
            voice.decoder.missed(share);
        }
    }

    /// Samples at 48 kHz that wait.
    pub(super) fn ready(&self) -> usize {
        self.pcm.len()
    }

    /// Length of a payload in samples at 48 kHz; `None` when it is malformed or its codec cannot be started.
    pub(super) fn samples(&mut self, spec: &'static CodecSpec, payload: &[u8]) -> Option<i64> {
        // The stream in use answers for its own codec; a new codec is looked at with a decoder of its own.
        let samples = match &self.voice {
            Some(voice) if voice.spec.codec == spec.codec => voice.decoder.samples(payload),
            _ => spec.decoder(self.tuning).ok()?.samples(payload),
        }?;
        let ratio = i64::from(SAMPLE_RATE / spec.sample_rate);
        // The longest packet of any codec is 120 ms; more is not speech.
        let length = samples as i64 * ratio;
        (1..=i64::from(SAMPLE_RATE) / 5)
            .contains(&length)
            .then_some(length)
    }

    /// Whether a packet of the stream in use carries a copy of the one before it.
    pub(super) fn is_redundant(&self, codec: Codec, payload: &[u8]) -> bool {
        let voice = self.voice.as_ref();
        voice.is_some_and(|voice| voice.spec.codec == codec && voice.decoder.is_redundant(payload))
    }

    /// This packet was played.
    pub(super) fn knows(&self, order: u64) -> bool {
        self.played.contains(&order)
    }

    pub(super) fn decode(&mut self, codec: Codec, order: u64, payload: &[u8]) {
        if self.played.len() >= MEMORY {
            self.played.pop_front();
        }
        self.played.push_back(order);
        self.switch(codec);
        if self.comfort.as_ref().is_some_and(|(said, _)| *said < order) {
            // The pause is over; the next one tells anew.
            self.comfort = None;
        }
        let start = self.pcm.len();
        self.run(|decoder, pcm| decoder.decode(payload, pcm));
        self.loud = dbov(&self.pcm[start..]) > BACKGROUND;
        self.made_up = 0;
    }

    pub(super) fn conceal(&mut self, samples: usize) {
        self.make_up(samples, |decoder, samples, pcm| {
            decoder.conceal(samples, pcm);
            false
        });
    }

    /// The sender says how its pause sounds.
    pub(super) fn comfort(&mut self, order: u64, payload: &[u8]) {
        match &mut self.comfort {
            Some((said, comfort)) if order > *said => {
                *said = order;
                comfort.change(payload);
            }
            Some(_) => {}
            None => self.comfort = Comfort::new(payload).map(|comfort| (order, comfort)),
        }
    }

    pub(super) fn pause(&mut self, samples: usize) {
        if let Some((_, comfort)) = &mut self.comfort {
            comfort.fill(samples, &mut self.pcm);
            return;
        }
        self.make_up(samples, |decoder, samples, pcm| {
            decoder.pause(samples, pcm);
            false
        });
    }

    /// Makes up `samples`, the first of them `before` ahead of `next`: from the redundancy in it where there is some.
    /// `next` begins a frame of `frame` samples.
    pub(super) fn recover(
        &mut self,
        (codec, next): (Codec, &[u8]),
        frame: usize,
        before: usize,
        samples: usize,
    ) {
        let voice = self.voice.as_ref();
        let Some(voice) = voice.filter(|voice| voice.spec.codec == codec) else {
            return self.conceal(samples);
        };
        let ratio = (SAMPLE_RATE / voice.spec.sample_rate) as usize;
        // In-band redundancy is a copy of the whole frame before.
        let is_copied = before == samples && samples == frame;
        self.make_up(samples, |decoder, samples, pcm| {
            let real = is_copied && decoder.recover(next, samples, pcm)
                || decoder.rebuild(next, before / ratio, samples, pcm);
            if !real {
                decoder.conceal(samples, pcm);
            }
            real
        });
    }

    pub(super) fn silence(&mut self, samples: usize) {
        self.pcm.resize(self.pcm.len() + samples, 0.0);
    }

    /// Takes a piece of `most` samples out of what waits, where it is not heard.
    pub(super) fn shorten(&mut self, most: usize, urgent: bool) -> bool {
        splice::shorten(&mut self.pcm, most, urgent) > 0
    }

    /// Puts a piece into what waits, where it is not heard.
    pub(super) fn lengthen(&mut self, urgent: bool) -> bool {
        splice::lengthen(&mut self.pcm, urgent) > 0
    }

    pub(super) fn take(&mut self, block: &mut Block) {
        block.copy_from_slice(&self.pcm[..BLOCK]);
        self.pcm.drain(..BLOCK);
    }

    fn switch(&mut self, codec: Codec) {
        if self
            .voice
            .as_ref()
            .is_some_and(|voice| voice.spec.codec == codec)
        {
            return;
        }
        let Some(spec) = codec::spec(codec) else {
            return;
        };
        match spec.decoder(self.tuning) {
            Ok(decoder) => {
                self.voice = Some(Voice {
                    spec,
                    decoder,
                    resampler: Resampler::new(spec.sample_rate, SAMPLE_RATE),
                });
            }
            Err(error) => tracing::error!(%error, "decoder"),
        }
    }

    /// Runs the decoder for `samples` at 48 kHz; silence without one. `work` tells whether it knew what was said.
    fn make_up(
        &mut self,
        samples: usize,
        work: impl FnOnce(&mut dyn Decode, usize, &mut Vec<f32>) -> bool,
    ) {
        let Some(voice) = &self.voice else {
            self.silence(samples);
            return;
        };
        let ratio = (SAMPLE_RATE / voice.spec.sample_rate) as usize;
        let native = samples.div_ceil(ratio);
        let start = self.pcm.len();
        let real = self.run(|decoder, pcm| work(decoder, native, pcm));
        if real == Some(true) {
            self.made_up = 0;
        } else {
            self.fade(start);
        }
    }

    /// A word that is cut off must not hum on; background noise may, it hides the gap.
    fn fade(&mut self, start: usize) {
        for sample in &mut self.pcm[start..] {
            self.made_up += 1;
            if self.loud {
                let over = self.made_up.saturating_sub(FADE_FROM) as f32;
                *sample *= (1.0 - over / FADE_LENGTH).max(0.0);
            }
        }
    }

    fn run<T>(&mut self, work: impl FnOnce(&mut dyn Decode, &mut Vec<f32>) -> T) -> Option<T> {
        let voice = self.voice.as_mut()?;
        self.scratch.clear();
        let result = work(voice.decoder.as_mut(), &mut self.scratch);
        voice.resampler.run(&self.scratch, &mut self.pcm);
        Some(result)
    }
}
