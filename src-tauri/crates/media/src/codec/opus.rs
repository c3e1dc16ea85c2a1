//! Opus at 48 kHz (RFC 6716, RFC 7587): mono out, mono or stereo in (mixed to mono by the decoder).

use opus::{Application, Bitrate, Channels};
use sidetone_profile::Codec;

use super::{CodecSpec, Decode, Encode, EncoderSetup, fmtp_value};
use crate::MediaError;

const RATE: u32 = 48_000;
/// The longest packet, 120 ms (RFC 6716 section 3.1).
const LONGEST: usize = 5_760;
/// Full-band speech with room for the redundancy, bit/s.
const BITRATE: i32 = 32_000;
/// Between these the bitrate follows the loss that the far end reports, bit/s.
const LEAST: i32 = 12_000;
const MOST: i32 = 40_000;
/// Loss above this is a way that is too narrow: we send less, percent.
const CONGESTED: u8 = 10;
/// Loss up to this leaves room for more, percent.
const FREE: u8 = 2;
/// What is added at a report without loss, bit/s.
const STEP: i32 = 4_000;
/// Bounds of `maxaveragebitrate`, bit/s (RFC 7587 section 6.1).
const BITRATE_RANGE: std::ops::RangeInclusive<i32> = 6_000..=510_000;
/// Loss that the encoder prepares for until reports say better, percent.
const EXPECTED_LOSS: u8 = 5;
/// The least that the encoder is told once packets were lost, percent. Below this libopus spends nothing on redundancy
/// at 24 kbit/s: measured with ViSQOL at 3 and 5 % loss, speech scores 0.11 to 0.18 better when it is told 10 than when
/// it is told 5.
const WORTH_IT: u8 = 10;

/// Opus.
pub(super) const SPEC: CodecSpec = CodecSpec {
    codec: Codec::Opus,
    name: "opus",
    rtp_clock: RATE,
    sample_rate: RATE,
    channels_in_sdp: 2,
    static_pt: None,
    offer_fmtp: "minptime=10;useinbandfec=1",
    encoder: |setup| Ok(Box::new(Encoder::new(setup)?)),
    decoder: || Ok(Box::new(Decoder::new()?)),
};

#[derive(Debug)]
struct Encoder {
    state: opus::Encoder,
    frame: usize,
    dtx: bool,
    fec: bool,
    /// What the far end takes at most, bit/s.
    limit: i32,
    bitrate: i32,
    /// Loss that the redundancy is made for, percent.
    expected: u8,
    /// Packets were lost lately.
    lossy: bool,
}

impl Encoder {
    fn new(setup: &EncoderSetup<'_>) -> Result<Self, MediaError> {
        let wish = |name| fmtp_value(setup.remote_fmtp, name);
        // RFC 7587 section 6.1: without `useinbandfec=1` the far end has no use for the redundancy.
        let fec = wish("useinbandfec") == Some("1");
        let dtx = wish("usedtx") == Some("1");
        let limit = wish("maxaveragebitrate")
            .and_then(|value| value.parse::<i32>().ok())
            .filter(|value| BITRATE_RANGE.contains(value));
        let limit = limit.unwrap_or(MOST);
        let bitrate = limit.min(BITRATE);
        let build = || -> Result<opus::Encoder, opus::Error> {
            let mut state = opus::Encoder::new(RATE, Channels::Mono, Application::Voip)?;
            state.set_bitrate(Bitrate::Bits(bitrate))?;
            state.set_inband_fec(fec)?;
            state.set_packet_loss_perc(if fec { i32::from(EXPECTED_LOSS) } else { 0 })?;
            state.set_dtx(dtx)?;
            Ok(state)
        };
        Ok(Self {
            state: build().map_err(|e| MediaError::Codec {
                codec: SPEC.name,
                fault: e.to_string(),
            })?,
            frame: (RATE / 1_000 * packet_ms(setup.ptime_ms)) as usize,
            dtx,
            fec,
            limit,
            bitrate,
            expected: EXPECTED_LOSS,
            lossy: false,
        })
    }
}

/// The packet length that libopus can make and that divides into blocks of 10 ms.
fn packet_ms(ptime_ms: u32) -> u32 {
    match ptime_ms {
        0..20 => 10,
        20..40 => 20,
        40..60 => 40,
        _ => 60,
    }
}

impl Encode for Encoder {
    fn frame(&self) -> usize {
        self.frame
    }

    fn encode(&mut self, pcm: &[f32], payload: &mut Vec<u8>) -> bool {
        let start = payload.len();
        payload.resize(start + 1_275, 0);
        match self.state.encode_float(pcm, &mut payload[start..]) {
            Ok(length) => {
                payload.truncate(start + length);
                // libopus marks a frame that need not be sent by a length of at most two bytes.
                !(self.dtx && length <= 2)
            }
            Err(error) => {
                tracing::warn!(%error, "opus encoder");
                payload.truncate(start);
                false
            }
        }
    }

    fn expect_loss(&mut self, percent: u8) {
        // Up at once, down by and by: losses come again.
        self.expected = percent
            .min(100)
            .max(self.expected - self.expected.div_ceil(4));
        self.lossy = percent > 0 || (self.lossy && self.expected > 0);
        let bitrate = if percent <= FREE {
            self.bitrate + STEP
        } else if percent <= CONGESTED {
            self.bitrate
        } else {
            self.bitrate * 3 / 4
        };
        self.bitrate = bitrate.clamp(LEAST, MOST).min(self.limit);
        let mut adjust = || -> Result<(), opus::Error> {
            if self.fec {
                let told = match self.lossy {
                    true => self.expected.max(WORTH_IT),
                    false => self.expected,
                };
                self.state.set_packet_loss_perc(i32::from(told))?;
            }
            self.state.set_bitrate(Bitrate::Bits(self.bitrate))
        };
        if let Err(error) = adjust() {
            tracing::debug!(%error, "opus loss share");
        }
    }
}

#[derive(Debug)]
struct Decoder {
    state: opus::Decoder,
}

impl Decoder {
    fn new() -> Result<Self, MediaError> {
        let state = opus::Decoder::new(RATE, Channels::Mono).map_err(|e| MediaError::Codec {
            codec: SPEC.name,
            fault: e.to_string(),
        })?;
        Ok(Self { state })
    }

    /// Decodes into exactly `room` samples at most; `payload` empty is concealment.
    fn run(&mut self, payload: &[u8], room: usize, fec: bool, pcm: &mut Vec<f32>) -> bool {
        let start = pcm.len();
        pcm.resize(start + room, 0.0);
        match self.state.decode_float(payload, &mut pcm[start..], fec) {
            Ok(length) => {
                pcm.truncate(start + length);
                true
            }
            Err(_) => {
                pcm.truncate(start);
                false
            }
        }
    }
}

impl Decode for Decoder {
    fn samples(&self, payload: &[u8]) -> Option<usize> {
        if payload.is_empty() {
            return None;
        }
        self.state.get_nb_samples(payload).ok()
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>) {
        if !self.run(payload, LONGEST, false, pcm) {
            self.conceal(self.samples(payload).unwrap_or(960), pcm);
        }
    }

    fn conceal(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        // libopus conceals in multiples of 2.5 ms and at most 120 ms at once.
        let mut left = samples;
        while left > 0 {
            let step = left.min(LONGEST).next_multiple_of(120).min(LONGEST);
            let start = pcm.len();
            if !self.run(&[], step, false, pcm) {
                pcm.resize(start + step, 0.0);
            }
            pcm.truncate(start + step.min(left));
            left -= step.min(left);
        }
    }

    fn recover(&mut self, next: &[u8], samples: usize, pcm: &mut Vec<f32>) -> bool {
        // Without low bit-rate redundancy in the packet libopus conceals, which is as good.
        samples.is_multiple_of(120) && samples <= LONGEST && self.run(next, samples, true, pcm)
    }
}
