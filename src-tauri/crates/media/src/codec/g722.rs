//! G.722 at 64 kbit/s (ITU-T G.722): 16 kHz sound under an 8000 Hz RTP clock (RFC 3551 section 4.5.2).

use std::fmt;

use ezk_g722::libg722::{Bitrate, decoder, encoder};
use sidetone_profile::Codec;

use super::plc::Concealer;
use super::{CodecSpec, Decode, Encode, EncoderSetup};

const RATE: u32 = 16_000;

/// G.722.
pub(super) const SPEC: CodecSpec = CodecSpec {
    codec: Codec::G722,
    name: "G722",
    rtp_clock: 8_000,
    sample_rate: RATE,
    channels_in_sdp: 1,
    static_pt: Some(9),
    offer_fmtp: "",
    encoder: |setup| Ok(Box::new(Encoder::new(setup))),
    decoder: |_| Ok(Box::new(Decoder::new())),
};

struct Encoder {
    state: encoder::Encoder,
    pcm: Vec<i16>,
    frame: usize,
}

impl Encoder {
    fn new(setup: &EncoderSetup<'_>) -> Self {
        let ptime = setup.ptime_ms.clamp(10, 60) / 10 * 10;
        Self {
            state: encoder::Encoder::new(Bitrate::Mode1_64000, false, false),
            pcm: Vec::new(),
            frame: (RATE / 1_000 * ptime) as usize,
        }
    }
}

impl Encode for Encoder {
    fn frame(&self) -> usize {
        self.frame
    }

    fn encode(&mut self, pcm: &[f32], payload: &mut Vec<u8>) -> bool {
        self.pcm.clear();
        self.pcm.extend(
            pcm.iter()
                .map(|&sample| (sample * 32_768.0).clamp(-32_768.0, 32_767.0) as i16),
        );
        payload.extend(self.state.encode(&self.pcm));
        true
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("g722::Encoder")
    }
}

struct Decoder {
    state: decoder::Decoder,
    concealer: Concealer,
}

impl Decoder {
    fn new() -> Self {
        Self {
            state: decoder::Decoder::new(Bitrate::Mode1_64000, false, false),
            concealer: Concealer::new(RATE),
        }
    }
}

impl Decode for Decoder {
    fn samples(&self, payload: &[u8]) -> Option<usize> {
        (!payload.is_empty()).then_some(payload.len() * 2)
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>) {
        let start = pcm.len();
        pcm.extend(
            self.state
                .decode(payload)
                .into_iter()
                .map(|sample| f32::from(sample) / 32_768.0),
        );
        self.concealer.heard(&mut pcm[start..]);
    }

    fn conceal(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        self.concealer.conceal(samples, pcm);
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("g722::Decoder")
    }
}
