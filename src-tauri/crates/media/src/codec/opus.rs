//! Opus at 48 kHz (RFC 6716, RFC 7587): mono out, mono or stereo in (mixed to mono by the decoder).

mod pace;

use std::time::{Duration, Instant};

use sidetone_profile::Codec;

use pace::Pace;

use super::libopus::{self, Fault, Redundancy};
use super::{CodecSpec, Decode, Encode, EncoderSetup, Enhancer, FarReport, OpusTuning, fmtp_value};
use crate::MediaError;

const RATE: u32 = 48_000;
/// The longest packet, 120 ms (RFC 6716 section 3.1).
const LONGEST: usize = 5_760;
/// Between these the bitrate follows what the far end reports, bit/s.
const LEAST: i32 = 12_000;
const MOST: i32 = 40_000;
/// Bounds of `maxaveragebitrate`, bit/s (RFC 7587 section 6.1).
const BITRATE_RANGE: std::ops::RangeInclusive<i32> = 6_000..=510_000;
/// Loss that the encoder prepares for until reports say better, percent.
const EXPECTED_LOSS: u8 = 5;
/// The least that the encoder is told once packets were lost, percent. Below this libopus spends nothing on redundancy
/// at 24 kbit/s: measured with ViSQOL at 3 and 5 % loss, speech scores 0.11 to 0.18 better when it is told 10 than when
/// it is told 5.
const WORTH_IT: u8 = 10;
/// From here on, bit/s, the transform alone (CELT) codes speech no worse than the model of speech (SILK) does, for half
/// the work ([`OpusTuning`] has the figures). It has no in-band redundancy.
const TRANSFORM_FROM: i32 = 32_000;
/// Frames without any sound (muted, on hold) after which the transform codes them, whatever is lost: nothing of them is
/// missed, and the model of speech would work as hard as for speech.
const SILENT_FRAMES: u32 = 10;
/// How far back deep redundancy reaches, steps of 10 ms. The far end's jitter buffer waits no longer than that.
const DEEP: i32 = 20;
/// Our own word in `a=fmtp` for "deep redundancy of this version is understood here". Others leave it out of their
/// answer (RFC 7587 section 7.1).
const DEEP_WORD: &str = "x-dred";

/// Complexity of the decoder: classic, with neural concealment, with the small and with the large enhancer.
const CLASSIC: i32 = 0;
const NEURAL: i32 = 5;
const LIGHT: i32 = 6;
const FULL: i32 = 7;
/// Made-up share of a second's sound from which the enhancer is switched on, and how many better seconds switch it off.
const NEEDED: f32 = 0.005;
const UNNEEDED_SECONDS: u32 = 10;
/// Decoding may take this share of the time that it makes sound for, 1/n, over so many packets.
const EASE: u32 = 8;
const WATCHED: u32 = 50;

/// Opus.
pub(super) const SPEC: CodecSpec = CodecSpec {
    codec: Codec::Opus,
    name: "opus",
    rtp_clock: RATE,
    sample_rate: RATE,
    channels_in_sdp: 2,
    static_pt: None,
    offer_fmtp: "minptime=10;useinbandfec=1;x-dred=12",
    encoder: |setup| Ok(Box::new(Encoder::new(setup)?)),
    decoder: |tuning| Ok(Box::new(Decoder::new(tuning)?)),
};

#[derive(Debug)]
struct Encoder {
    state: libopus::Encoder,
    frame: usize,
    dtx: bool,
    fec: bool,
    /// Speech may go by the transform alone.
    transform: bool,
    /// The line is clear enough for it.
    clear: bool,
    /// Frames in a row that were nothing but zeros.
    silent: u32,
    /// The far end reads deep redundancy, and we may send it.
    deep: bool,
    /// What the far end takes at most, bit/s.
    limit: i32,
    pace: Pace,
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
        let agreed_ms = packet_ms(setup.ptime_ms);
        let pace = Pace::new(agreed_ms, setup.longest_ms);
        let bitrate = limit.min(pace.now().bitrate);
        // Pauses are left out by the model of speech.
        let transform = setup.tuning.transform && !dtx;
        let deep = setup.tuning.deep_redundancy && wish(DEEP_WORD) == Some(libopus::DRED_VERSION);
        let build = || -> Result<libopus::Encoder, Fault> {
            let mut state = libopus::Encoder::new(RATE, 1)?;
            state.set_bitrate(bitrate)?;
            state.set_inband_fec(fec)?;
            state.set_packet_loss_perc(if fec { i32::from(EXPECTED_LOSS) } else { 0 })?;
            state.set_dtx(dtx)?;
            state.set_complexity(i32::from(setup.tuning.encoding.min(10)))?;
            state.set_transform(transform && bitrate >= TRANSFORM_FROM)?;
            Ok(state)
        };
        Ok(Self {
            state: build().map_err(broken)?,
            frame: samples(agreed_ms),
            dtx,
            fec,
            transform,
            clear: bitrate >= TRANSFORM_FROM,
            silent: 0,
            deep,
            limit,
            pace,
            expected: EXPECTED_LOSS,
            lossy: false,
        })
    }
}

impl Encoder {
    /// Takes to the transform in silence, and back where there is something to say.
    fn hear(&mut self, pcm: &[f32]) {
        let before = self.by_transform();
        self.silent = match pcm.iter().all(|&sample| sample == 0.0) {
            true => self.silent.saturating_add(1),
            false => 0,
        };
        if self.by_transform() != before
            && let Err(error) = self.choose()
        {
            tracing::debug!(%error, "opus transform");
        }
    }

    fn by_transform(&self) -> bool {
        self.transform && (self.clear || self.silent >= SILENT_FRAMES)
    }

    /// Tells libopus how to code, and for which loss: told of much, it would take the model of speech for its copies.
    fn choose(&mut self) -> Result<(), Fault> {
        let transform = self.by_transform();
        let told = match self.lossy {
            true if transform => 0,
            true => self.expected.max(WORTH_IT),
            false => self.expected,
        };
        if self.fec || self.deep {
            self.state.set_packet_loss_perc(i32::from(told))?;
        }
        self.state.set_transform(transform)
    }
}

fn broken(fault: Fault) -> MediaError {
    MediaError::Codec {
        codec: SPEC.name,
        fault: fault.to_string(),
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

/// Samples in so many milliseconds.
const fn samples(ms: u32) -> usize {
    (RATE / 1_000 * ms) as usize
}

impl Encode for Encoder {
    fn frame(&self) -> usize {
        self.frame
    }

    fn encode(&mut self, pcm: &[f32], payload: &mut Vec<u8>) -> bool {
        let start = payload.len();
        payload.resize(start + 1_275, 0);
        // The length may change between packets only.
        self.frame = samples(self.pace.now().packet_ms);
        self.hear(pcm);
        match self.state.encode(pcm, &mut payload[start..]) {
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

    fn follow(&mut self, report: &FarReport) {
        let percent = report.loss_percent;
        // Up at once, down by and by: losses come again.
        self.expected = percent
            .min(100)
            .max(self.expected - self.expected.div_ceil(4));
        self.lossy = percent > 0 || (self.lossy && self.expected > 0);
        self.pace.follow(report);
        let bitrate = self.pace.now().bitrate.min(self.limit);
        // Both kinds of redundancy at once leave too few bits for either.
        let deep = self.deep && self.lossy;
        self.clear = !self.lossy && bitrate >= TRANSFORM_FROM;
        let mut adjust = || -> Result<(), Fault> {
            if self.deep {
                self.state.set_dred_duration(if deep { DEEP } else { 0 })?;
                self.state.set_inband_fec(self.fec && !deep)?;
            }
            self.choose()?;
            self.state.set_bitrate(bitrate)
        };
        if let Err(error) = adjust() {
            tracing::debug!(%error, "opus bitrate and loss share");
        }
    }
}

#[derive(Debug)]
struct Decoder {
    state: libopus::Decoder,
    effort: Effort,
    /// Made at the first loss.
    redundancy: Option<Redundancy>,
    /// The packet that the redundancy was read from last, and how far back it reaches, samples.
    read: (Vec<u8>, usize),
}

impl Decoder {
    fn new(tuning: OpusTuning) -> Result<Self, MediaError> {
        let mut decoder = Self {
            state: libopus::Decoder::new(RATE).map_err(broken)?,
            effort: Effort::new(tuning),
            redundancy: None,
            read: (Vec::new(), 0),
        };
        decoder.exert().map_err(broken)?;
        Ok(decoder)
    }

    /// Tells libopus what to spend from now on.
    fn exert(&mut self) -> Result<(), Fault> {
        let complexity = self.effort.complexity();
        self.state.set_complexity(complexity)?;
        self.state.set_bandwidth_extension(complexity >= FULL)
    }

    /// Decodes into `room` samples at most; `payload` empty is concealment.
    fn run(&mut self, payload: &[u8], room: usize, fec: bool, pcm: &mut Vec<f32>) -> bool {
        let start = pcm.len();
        pcm.resize(start + room, 0.0);
        let decoded = self.state.decode(payload, &mut pcm[start..], fec);
        pcm.truncate(start + decoded.unwrap_or(0));
        decoded.is_ok()
    }

    /// How far back the redundancy in this packet reaches, samples.
    fn reach(&mut self, packet: &[u8], most: usize) -> usize {
        if self.read.0 != packet {
            if self.redundancy.is_none() {
                self.redundancy = Redundancy::new().ok();
            }
            let redundancy = self.redundancy.as_mut();
            let reach = redundancy.and_then(|redundancy| redundancy.read(packet, RATE, most).ok());
            self.read.0.clear();
            self.read.0.extend_from_slice(packet);
            self.read.1 = reach.unwrap_or(0);
        }
        self.read.1
    }
}

impl Decode for Decoder {
    fn samples(&self, payload: &[u8]) -> Option<usize> {
        libopus::samples(payload, RATE).ok()
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>) {
        let (began, start) = (self.effort.is_watched().then(Instant::now), pcm.len());
        if !self.run(payload, LONGEST, false, pcm) {
            self.conceal(self.samples(payload).unwrap_or(960), pcm);
        }
        if let Some(began) = began
            && self.effort.took(began.elapsed(), pcm.len() - start)
        {
            tracing::info!(enhancer = ?self.effort.most, "the enhancer costs too much here");
            self.changed();
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

    fn is_redundant(&self, payload: &[u8]) -> bool {
        libopus::has_fec(payload)
    }

    fn recover(&mut self, next: &[u8], samples: usize, pcm: &mut Vec<f32>) -> bool {
        libopus::has_fec(next)
            && samples.is_multiple_of(120)
            && samples <= LONGEST
            && self.run(next, samples, true, pcm)
    }

    fn rebuild(&mut self, next: &[u8], before: usize, samples: usize, pcm: &mut Vec<f32>) -> bool {
        // The network works in steps of 10 ms, libopus in steps of 2.5 ms.
        if !samples.is_multiple_of(120) || samples > LONGEST || before > RATE as usize {
            return false;
        }
        if self.reach(next, RATE as usize) < before {
            return false;
        }
        let Some(redundancy) = &self.redundancy else {
            return false;
        };
        let start = pcm.len();
        pcm.resize(start + samples, 0.0);
        let rebuilt = self.state.rebuild(redundancy, before, &mut pcm[start..]);
        pcm.truncate(start + rebuilt.unwrap_or(0));
        rebuilt == Ok(samples)
    }

    fn missed(&mut self, share: f32) {
        if self.effort.missed(share) {
            self.changed();
        }
    }
}

impl Decoder {
    fn changed(&mut self) {
        if let Err(fault) = self.exert() {
            tracing::debug!(%fault, "opus decoder");
        }
    }
}

/// What the decoder spends: by what is lost and by what this computer does with ease.
#[derive(Debug)]
struct Effort {
    tuning: OpusTuning,
    /// With [`Enhancer::ByNeed`]: the most that was not too much.
    most: Enhancer,
    /// Packets are lost.
    needed: bool,
    /// Seconds without loss.
    quiet: u32,
    /// Time that enhanced packets took, the sound that came of it, and their number.
    took: (Duration, usize, u32),
}

impl Effort {
    fn new(tuning: OpusTuning) -> Self {
        Self {
            tuning,
            most: Enhancer::Full,
            needed: false,
            quiet: 0,
            took: (Duration::ZERO, 0, 0),
        }
    }

    fn enhancer(&self) -> Enhancer {
        match self.tuning.enhancer {
            Enhancer::ByNeed if self.needed => self.most,
            Enhancer::ByNeed => Enhancer::Off,
            fixed => fixed,
        }
    }

    fn complexity(&self) -> i32 {
        match self.enhancer() {
            _ if !self.tuning.neural_concealment => CLASSIC,
            Enhancer::Light => LIGHT,
            Enhancer::Full => FULL,
            Enhancer::Off | Enhancer::ByNeed => NEURAL,
        }
    }

    /// A second is over, of which this share was made up; `true` when something changes.
    fn missed(&mut self, share: f32) -> bool {
        let before = self.needed;
        if share >= NEEDED {
            (self.needed, self.quiet) = (true, 0);
        } else {
            self.quiet += 1;
            self.needed &= self.quiet < UNNEEDED_SECONDS;
        }
        before != self.needed
    }

    /// The clock is looked at only where it can change something.
    fn is_watched(&self) -> bool {
        self.tuning.enhancer == Enhancer::ByNeed && self.complexity() > NEURAL
    }

    /// Decoding so many samples took this long; `true` when less has to be spent.
    fn took(&mut self, time: Duration, samples: usize) -> bool {
        let (total, sound, packets) = &mut self.took;
        *total += time;
        *sound += samples;
        *packets += 1;
        if *packets < WATCHED {
            return false;
        }
        let sound = Duration::from_secs_f64(*sound as f64 / f64::from(RATE));
        let too_much = *total * EASE > sound;
        self.took = (Duration::ZERO, 0, 0);
        if too_much {
            self.most = match self.most {
                Enhancer::Full => Enhancer::Light,
                _ => Enhancer::Off,
            };
        }
        too_much
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_need() -> Effort {
        Effort::new(OpusTuning {
            enhancer: Enhancer::ByNeed,
            ..OpusTuning::default()
        })
    }

    #[test]
    fn the_enhancer_comes_with_loss_and_goes_when_it_is_over() {
        let mut effort = by_need();
        assert_eq!(effort.complexity(), NEURAL);
        assert!(effort.missed(0.02));
        assert_eq!(effort.complexity(), FULL);
        for _ in 1..UNNEEDED_SECONDS {
            assert!(!effort.missed(0.0));
        }
        assert!(effort.missed(0.0));
        assert_eq!(effort.complexity(), NEURAL);
    }

    #[test]
    fn a_computer_that_is_too_slow_for_it_spends_less_step_by_step() {
        let mut effort = by_need();
        effort.missed(0.02);
        let mut seen = vec![effort.complexity()];
        for _ in 0..3 * WATCHED {
            if effort.took(Duration::from_millis(4), 960) {
                seen.push(effort.complexity());
            }
        }
        assert_eq!(seen[..3], [FULL, LIGHT, NEURAL]);
        let mut quick = by_need();
        quick.missed(0.02);
        assert!((0..500).all(|_| !quick.took(Duration::from_millis(1), 960)));
    }

    #[test]
    fn the_word_in_the_offer_names_the_version_that_is_built() {
        assert_eq!(
            fmtp_value(SPEC.offer_fmtp, DEEP_WORD),
            Some(libopus::DRED_VERSION)
        );
    }
}
