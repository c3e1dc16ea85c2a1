//! From blocks to payloads.

use sidetone_profile::Codec;

use crate::codec::{self, CodecSpec, Encode, EncoderSetup, FarReport};
use crate::resample::Resampler;
use crate::{Block, MediaError, SAMPLE_RATE};

/// Encodes one stream: takes blocks of 10 ms, gives payloads of the negotiated length.
#[derive(Debug)]
pub(crate) struct AudioSender {
    spec: &'static CodecSpec,
    encoder: Box<dyn Encode>,
    resampler: Resampler,
    pcm: Vec<f32>,
    payload: Vec<u8>,
    /// The last frame was not sent, so that the next one begins a talk spurt.
    silent: bool,
}

/// What goes into one RTP packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EncodedFrame<'a> {
    /// Payload.
    pub(crate) payload: &'a [u8],
    /// RTP ticks that this frame covers. Frames that need not be sent cover time too: the timestamp goes on.
    pub(crate) ticks: u32,
    /// Start of a talk spurt (RFC 3551 section 4.1).
    pub(crate) marker: bool,
}

impl AudioSender {
    /// Makes a sender of this codec.
    ///
    /// # Errors
    /// [`MediaError::Codec`] when the codec is not built or its library fails.
    pub(crate) fn new(codec: Codec, setup: &EncoderSetup<'_>) -> Result<Self, MediaError> {
        let spec = codec::spec(codec).ok_or(MediaError::Codec {
            codec: codec.wire_name(),
            fault: "it is not built in".to_owned(),
        })?;
        let encoder = spec.encoder(setup)?;
        Ok(Self {
            spec,
            encoder,
            resampler: Resampler::new(SAMPLE_RATE, spec.sample_rate),
            pcm: Vec::new(),
            payload: Vec::new(),
            silent: true,
        })
    }

    /// Takes 10 ms; gives a frame when one is full and has to be sent.
    pub(crate) fn push(&mut self, block: &Block) -> Option<EncodedFrame<'_>> {
        self.resampler.run(block, &mut self.pcm);
        let frame = self.encoder.frame();
        if self.pcm.len() < frame {
            return None;
        }
        self.payload.clear();
        let send = self.encoder.encode(&self.pcm[..frame], &mut self.payload);
        self.pcm.drain(..frame);
        let ticks = self.spec.ticks(frame);
        if !send {
            self.silent = true;
            return None;
        }
        Some(EncodedFrame {
            payload: &self.payload,
            ticks,
            marker: std::mem::take(&mut self.silent),
        })
    }

    /// Takes what the far end reports of what it gets.
    pub(crate) fn follow(&mut self, report: &FarReport) {
        self.encoder.follow(report);
    }
}
