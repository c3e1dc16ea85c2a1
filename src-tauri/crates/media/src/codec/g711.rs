//! G.711 µ-law and A-law (ITU-T G.711) with their own loss concealment.

use std::fmt;
use std::sync::LazyLock;

use sidetone_profile::Codec;

use super::plc::Concealer;
use super::{CodecSpec, Decode, Encode, EncoderSetup};
use crate::MediaError;

const RATE: u32 = 8_000;

/// µ-law.
pub(super) const ULAW: CodecSpec = CodecSpec {
    codec: Codec::Ulaw,
    name: "PCMU",
    rtp_clock: RATE,
    sample_rate: RATE,
    channels_in_sdp: 1,
    static_pt: Some(0),
    offer_fmtp: "",
    encoder: |setup| Ok(Box::new(Encoder::new(&ULAW_TABLES, setup))),
    decoder: |_| decoder(&ULAW_TABLES),
};

/// A-law.
pub(super) const ALAW: CodecSpec = CodecSpec {
    codec: Codec::Alaw,
    name: "PCMA",
    static_pt: Some(8),
    encoder: |setup| Ok(Box::new(Encoder::new(&ALAW_TABLES, setup))),
    decoder: |_| decoder(&ALAW_TABLES),
    ..ULAW
};

static ULAW_TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::new(expand_ulaw));
static ALAW_TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::new(expand_alaw));

/// Both ways of one law.
struct Tables {
    /// Code to sample.
    expand: [f32; 256],
    /// The sample's upper 14 bits to code.
    compress: Box<[u8; 16_384]>,
}

impl Tables {
    fn new(expand: fn(u8) -> i16) -> Self {
        let mut levels: Vec<(i16, u8)> = (0..=255).map(|code| (expand(code), code)).collect();
        levels.sort_unstable();
        let mut compress = Box::new([0; 16_384]);
        let mut nearest = 0;
        for (index, code) in compress.iter_mut().enumerate() {
            // The middle of the four 16-bit values that share these 14 bits.
            let value = (index as i32 - 8_192) * 4 + 2;
            let distance = |at: usize| (i32::from(levels[at].0) - value).abs();
            while nearest + 1 < levels.len() && distance(nearest + 1) <= distance(nearest) {
                nearest += 1;
            }
            *code = levels[nearest].1;
        }
        Self {
            expand: std::array::from_fn(|code| f32::from(expand(code as u8)) / 32_768.0),
            compress,
        }
    }

    fn compress(&self, sample: f32) -> u8 {
        let value = (sample * 32_768.0).clamp(-32_768.0, 32_767.0) as i32;
        self.compress[((value >> 2) + 8_192) as usize]
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}

/// ITU-T G.711 table 2a/2b: sign, three bits of segment, four bits of step, all inverted.
fn expand_ulaw(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let magnitude = (((i16::from(code & 0x0f) << 3) + 0x84) << segment) - 0x84;
    if code & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// ITU-T G.711 table 1a/1b: even bits inverted.
fn expand_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = i16::from(code & 0x0f) << 4;
    let magnitude = match segment {
        0 => step + 8,
        _ => (step + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

#[derive(Debug)]
struct Encoder {
    tables: &'static Tables,
    frame: usize,
}

impl Encoder {
    fn new(tables: &'static Tables, setup: &EncoderSetup<'_>) -> Self {
        let ptime = setup.ptime_ms.clamp(10, 60) / 10 * 10;
        Self {
            tables,
            frame: (RATE / 1_000 * ptime) as usize,
        }
    }
}

impl Encode for Encoder {
    fn frame(&self) -> usize {
        self.frame
    }

    fn encode(&mut self, pcm: &[f32], payload: &mut Vec<u8>) -> bool {
        payload.extend(pcm.iter().map(|&sample| self.tables.compress(sample)));
        true
    }
}

#[derive(Debug)]
struct Decoder {
    tables: &'static Tables,
    concealer: Concealer,
}

fn decoder(tables: &'static Tables) -> Result<Box<dyn Decode>, MediaError> {
    Ok(Box::new(Decoder {
        tables,
        concealer: Concealer::new(RATE),
    }))
}

impl Decode for Decoder {
    fn samples(&self, payload: &[u8]) -> Option<usize> {
        (!payload.is_empty()).then_some(payload.len())
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>) {
        let start = pcm.len();
        pcm.extend(
            payload
                .iter()
                .map(|&code| self.tables.expand[usize::from(code)]),
        );
        self.concealer.heard(&mut pcm[start..]);
    }

    fn conceal(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        self.concealer.conceal(samples, pcm);
    }
}
