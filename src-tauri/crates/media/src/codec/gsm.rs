//! GSM 06.10 full rate, 13 kbit/s at 8 kHz (RFC 3551 section 4.5.8), bit for bit what libgsm makes.

use oxideav_gsm::{DecoderState, EncoderState, UnpackedFrame};
use sidetone_profile::Codec;

use super::plc::Concealer;
use super::{CodecSpec, Decode, Encode, EncoderSetup};

/// Sample rate, Hz.
pub(crate) const RATE: u32 = 8_000;
/// Samples of a frame: 20 ms.
pub(crate) const FRAME: usize = 160;
/// Octets of a frame in RTP and in `.gsm` files.
const FRAME_OCTETS: usize = 33;
/// Octets of two frames in a WAV file of format 49.
pub(crate) const PAIR_OCTETS: usize = 65;
/// Frames of the longest packet that we take: 200 ms.
const LONGEST: usize = 10;

/// GSM full rate.
pub(super) const SPEC: CodecSpec = CodecSpec {
    codec: Codec::Gsm,
    name: "GSM",
    rtp_clock: RATE,
    sample_rate: RATE,
    channels_in_sdp: 1,
    static_pt: Some(3),
    offer_fmtp: "",
    encoder: |setup| Ok(Box::new(Encoder::new(setup))),
    decoder: |_| Ok(Box::new(Decoder::new())),
};

/// Encodes frame by frame, for calls and for recordings.
#[derive(Debug)]
pub(crate) struct FrameEncoder {
    state: EncoderState,
}

impl FrameEncoder {
    pub(crate) fn new() -> Self {
        Self {
            state: EncoderState::new(),
        }
    }

    /// One frame of [`FRAME`] samples; what is missing is silence.
    pub(crate) fn encode(&mut self, pcm: &[f32]) -> Frame {
        let mut samples = [0_i16; FRAME];
        for (sample, &value) in samples.iter_mut().zip(pcm) {
            *sample = (value * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
        }
        Frame(self.state.encode_frame(&samples))
    }
}

/// An encoded frame, before it is packed.
#[derive(Debug)]
pub(crate) struct Frame(UnpackedFrame);

impl Frame {
    /// As RTP and `.gsm` files carry it.
    pub(crate) fn octets(&self) -> [u8; FRAME_OCTETS] {
        self.0.to_gsm_byte_frame()
    }

    /// Two frames as WAV files of format 49 carry them.
    pub(crate) fn pair(&self, second: &Self) -> [u8; PAIR_OCTETS] {
        UnpackedFrame::pair_to_msgsm_block(&self.0, &second.0)
    }
}

#[derive(Debug)]
struct Encoder {
    frames: FrameEncoder,
    frame: usize,
}

impl Encoder {
    fn new(setup: &EncoderSetup<'_>) -> Self {
        let frames = (setup.ptime_ms / 20).clamp(1, 3) as usize;
        Self {
            frames: FrameEncoder::new(),
            frame: frames * FRAME,
        }
    }
}

impl Encode for Encoder {
    fn frame(&self) -> usize {
        self.frame
    }

    fn encode(&mut self, pcm: &[f32], payload: &mut Vec<u8>) -> bool {
        for frame in pcm.chunks(FRAME) {
            payload.extend(self.frames.encode(frame).octets());
        }
        true
    }
}

#[derive(Debug)]
struct Decoder {
    state: DecoderState,
    concealer: Concealer,
}

impl Decoder {
    fn new() -> Self {
        Self {
            state: DecoderState::new(),
            concealer: Concealer::new(RATE),
        }
    }
}

impl Decode for Decoder {
    fn samples(&self, payload: &[u8]) -> Option<usize> {
        let frames = payload.len() / FRAME_OCTETS;
        let whole = payload.len().is_multiple_of(FRAME_OCTETS);
        // Each frame begins with the signature 0xD (RFC 3551 section 4.5.8.1).
        let signed = payload
            .chunks(FRAME_OCTETS)
            .all(|frame| frame[0] >> 4 == 0xd);
        (whole && signed && (1..=LONGEST).contains(&frames)).then_some(frames * FRAME)
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>) {
        let start = pcm.len();
        for octets in payload.chunks_exact(FRAME_OCTETS) {
            let Ok(frame) = UnpackedFrame::from_gsm_byte_frame(octets) else {
                self.concealer.conceal(FRAME, pcm);
                return;
            };
            let samples = self.state.decode_frame(&frame);
            pcm.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
        }
        self.concealer.heard(&mut pcm[start..]);
    }

    fn conceal(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        self.concealer.conceal(samples, pcm);
    }
}

#[cfg(test)]
mod tests {
    use ring::digest::{SHA256, digest};

    use super::*;
    use crate::codec::{EncoderSetup, OpusTuning, spec};

    /// Noise over the whole range, bursts of it, and a square wave: 200 frames that reach every branch of the codec.
    fn signal() -> Vec<i16> {
        let mut state = 1_u32;
        (0..200 * FRAME)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 16) as i16;
                match n / (25 * FRAME) {
                    0 => 0,
                    1 => noise,
                    2 => noise >> 4,
                    3 => noise >> 10,
                    4 if n / 37 % 2 == 0 => 30_000,
                    4 => -30_000,
                    5 if n / 53 % 2 == 0 => 2_000 + (noise >> 8),
                    5 => -2_000,
                    6 => ((n % 64) as i16 - 32) * 900,
                    _ => noise >> ((n / FRAME) % 16),
                }
            })
            .collect()
    }

    fn hex(bytes: &[u8]) -> String {
        digest(&SHA256, bytes)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[test]
    fn every_bit_is_what_libgsm_makes() {
        // Digests of what libgsm 1.0.22 made of the same samples (gsm_encode, the same with GSM_OPT_WAV49, gsm_decode).
        let mut encoder = spec(Codec::Gsm)
            .expect("built")
            .encoder(&EncoderSetup {
                ptime_ms: 20,
                longest_ms: 60,
                remote_fmtp: "",
                tuning: OpusTuning::default(),
            })
            .expect("encoder");
        let mut coded = Vec::new();
        for frame in signal().chunks_exact(FRAME) {
            let pcm: Vec<f32> = frame.iter().map(|&s| f32::from(s) / 32_768.0).collect();
            encoder.encode(&pcm, &mut coded);
        }
        assert_eq!(hex(&coded), ENCODED);
        let mut decoder = Decoder::new();
        let mut pcm = Vec::new();
        decoder.decode(&coded, &mut pcm);
        let samples: Vec<u8> = pcm
            .iter()
            .flat_map(|&s| ((s * 32_768.0) as i16).to_le_bytes())
            .collect();
        assert_eq!(hex(&samples), DECODED);
        let mut frames = FrameEncoder::new();
        let mut pairs = Vec::new();
        for pair in signal().chunks_exact(2 * FRAME) {
            let pcm: Vec<f32> = pair.iter().map(|&s| f32::from(s) / 32_768.0).collect();
            let first = frames.encode(&pcm[..FRAME]);
            pairs.extend(first.pair(&frames.encode(&pcm[FRAME..])));
        }
        assert_eq!(hex(&pairs), PAIRED);
    }

    const ENCODED: &str = "3dacdbed4efebeb8172636cb67428df052a1e4cafa104203fbb4ee64abececbd";
    const DECODED: &str = "12334be6c1f93b0603ac99ac00d38030da06b46080bd03f28b9057a88cee93fa";
    const PAIRED: &str = "4939e97a05f533bacd4969e123185a9ab64406dd3c64952586735f15ab96c043";

    #[test]
    fn payloads_that_are_no_gsm_are_refused() {
        let decoder = Decoder::new();
        assert_eq!(decoder.samples(&[0xd0; 33]), Some(160));
        assert_eq!(decoder.samples(&[0xd0; 66]), Some(320));
        for odd in [&[][..], &[0xd0; 32], &[0xc0; 33], &[0xd0; 33 * 11]] {
            assert_eq!(decoder.samples(odd), None);
        }
    }
}
