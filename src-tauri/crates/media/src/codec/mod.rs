//! Codecs, one row and one file each: a new codec touches this folder only.

mod g711;
mod g722;
pub(crate) mod gsm;
mod libopus;
mod opus;
mod plc;
mod tuning;

use std::fmt;
use std::time::Duration;

use sidetone_profile::Codec;

pub use tuning::{Enhancer, OpusTuning};

use crate::MediaError;

/// What SDP and RTP need to know of a codec.
#[derive(Clone, Copy)]
pub(crate) struct CodecSpec {
    /// Which codec.
    pub(crate) codec: Codec,
    /// Its name in `a=rtpmap`.
    pub(crate) name: &'static str,
    /// RTP clock, Hz. Not always the sample rate (G.722, RFC 3551 section 4.5.2).
    pub(crate) rtp_clock: u32,
    /// Rate of the sound that goes in and comes out, Hz; divides 48 000.
    pub(crate) sample_rate: u32,
    /// Channel count that `a=rtpmap` names; Opus is always written with 2 (RFC 7587 section 4.1).
    pub(crate) channels_in_sdp: u8,
    /// Static payload type (RFC 3551 section 6).
    pub(crate) static_pt: Option<u8>,
    /// What our own `a=fmtp` says, without the payload type; empty for none.
    pub(crate) offer_fmtp: &'static str,
    encoder: fn(&EncoderSetup<'_>) -> Result<Box<dyn Encode>, MediaError>,
    decoder: fn(OpusTuning) -> Result<Box<dyn Decode>, MediaError>,
}

impl CodecSpec {
    /// Makes an encoder of this codec.
    pub(crate) fn encoder(&self, setup: &EncoderSetup<'_>) -> Result<Box<dyn Encode>, MediaError> {
        (self.encoder)(setup)
    }

    /// Makes a decoder of this codec.
    pub(crate) fn decoder(&self, tuning: OpusTuning) -> Result<Box<dyn Decode>, MediaError> {
        (self.decoder)(tuning)
    }

    /// RTP ticks that this many samples cover.
    pub(crate) fn ticks(&self, samples: usize) -> u32 {
        let ticks = samples as u64 * u64::from(self.rtp_clock) / u64::from(self.sample_rate);
        ticks as u32
    }
}

impl fmt::Debug for CodecSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecSpec")
            .field("name", &self.name)
            .field("rtp_clock", &self.rtp_clock)
            .finish_non_exhaustive()
    }
}

/// What an encoder is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EncoderSetup<'a> {
    /// Length of a packet, ms.
    pub(crate) ptime_ms: u32,
    /// The longest packet that the far end takes, ms.
    pub(crate) longest_ms: u32,
    /// The far end's `a=fmtp` parameters: what it wants to receive.
    pub(crate) remote_fmtp: &'a str,
    /// What it may spend.
    pub(crate) tuning: OpusTuning,
}

/// What the far end reports of what it gets of us (RTCP).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FarReport {
    /// Share of our packets that it missed since its last report, percent.
    pub(crate) loss_percent: u8,
    /// The latest round trip, as far as it is known.
    pub(crate) round_trip: Option<Duration>,
}

/// Turns sound at the codec's sample rate into payloads.
pub(crate) trait Encode: Send + fmt::Debug {
    /// Samples of the next payload: the packet length after this codec's own limits. It changes only in
    /// [`Encode::encode`].
    fn frame(&self) -> usize;

    /// Encodes exactly [`Encode::frame`] samples; `false` when nothing is to be sent (discontinuous transmission).
    fn encode(&mut self, pcm: &[f32], payload: &mut Vec<u8>) -> bool;

    /// Takes what the far end reports of what it gets.
    fn follow(&mut self, report: &FarReport) {
        let _ = report;
    }
}

/// Turns payloads into sound at the codec's sample rate. Never fails on malformed payloads: it conceals.
pub(crate) trait Decode: Send + fmt::Debug {
    /// Samples that this payload holds, `None` when it is malformed.
    fn samples(&self, payload: &[u8]) -> Option<usize>;

    /// Appends the sound of a payload.
    fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>);

    /// Appends `samples` of made-up sound in place of a missing payload.
    fn conceal(&mut self, samples: usize, pcm: &mut Vec<f32>);

    /// Whether this payload carries a copy of the one before it.
    fn is_redundant(&self, payload: &[u8]) -> bool {
        let _ = payload;
        false
    }

    /// Appends the last `samples` before `next` from the redundancy in `next`; `false` when there is none.
    fn recover(&mut self, next: &[u8], samples: usize, pcm: &mut Vec<f32>) -> bool {
        let _ = (next, samples, pcm);
        false
    }

    /// Appends `samples` of what was said from `before` samples ahead of `next`, from deep redundancy in `next`; `false`
    /// when it does not reach so far back.
    fn rebuild(&mut self, next: &[u8], before: usize, samples: usize, pcm: &mut Vec<f32>) -> bool {
        let _ = (next, before, samples, pcm);
        false
    }

    /// Told once a second: the share of its sound that had to be made up.
    fn missed(&mut self, share: f32) {
        let _ = share;
    }

    /// The sender pauses (silence): appends `samples` of what is heard meanwhile.
    fn pause(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        self.conceal(samples, pcm);
    }
}

/// Every codec that is built.
static CODECS: &[CodecSpec] = &[opus::SPEC, g722::SPEC, g711::ULAW, g711::ALAW, gsm::SPEC];

/// The row of a codec; `None` when it is not built.
#[must_use]
pub(crate) fn spec(codec: Codec) -> Option<&'static CodecSpec> {
    CODECS.iter().find(|spec| spec.codec == codec)
}

/// The value of a parameter in an `a=fmtp` line (`name=value; name=value`), without regard to case.
pub(crate) fn fmtp_value<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then_some(value.trim())
    })
}

#[cfg(test)]
mod tests;
