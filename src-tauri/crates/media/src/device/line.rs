//! The voice's end of an open device: a ring, a change of rate, and the correction of clock drift.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::resample::Resampler;
use crate::{BLOCK, Block, SAMPLE_RATE};

/// Ring size, as a share of a second.
const RING: u32 = 2;
/// Looks at a buffer between two corrections of drift: half a second.
const WINDOW: u32 = 50;
/// Correction per sample of excess, parts per million: what is too much is gone in two seconds.
const CORRECTION: f64 = 10.0;
/// Largest correction, parts per million; under two cents, which nobody hears.
const LARGEST: f64 = 1_000.0;
/// More than this above the aim is cut off at once (after a stall), samples at 48 kHz.
const TOO_MUCH: usize = 2_400;
/// Steps by which a reserve against late wake-ups grows when it was not enough, ms.
const GROWTH: u32 = 4;
const LARGEST_RESERVE: u32 = 60;
/// What the speaker and the microphone begin with, ms, and never go below.
const SPEAKER_RESERVE: u32 = 4;
const MICROPHONE_RESERVE: u32 = 6;
/// A ring that runs empty is filled up to the reserve and this much, ms, so that a rounded block is not found missing.
const MARGIN: u32 = 1;
/// Blocks in which it was enough after which a reserve shrinks by a millisecond: two minutes.
const CALM: u32 = 12_000;

/// Sound kept against late wake-ups, ms: learnt from what goes wrong.
#[derive(Debug)]
struct Reserve {
    ms: u32,
    least: u32,
    calm: u32,
}

impl Reserve {
    const fn new(least: u32) -> Self {
        Self {
            ms: least,
            least,
            calm: 0,
        }
    }

    /// It was not enough.
    fn grow(&mut self) {
        self.calm = 0;
        self.ms = (self.ms + GROWTH).min(LARGEST_RESERVE);
    }

    /// It was enough for one more block.
    fn rest(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            self.calm = 0;
            self.ms = self.ms.saturating_sub(1).max(self.least);
        }
    }
}

/// What a callback tells the voice. Written with relaxed atomics only.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Frames of the largest callback so far.
    pub(super) chunk: AtomicU32,
    /// Times that the device ran dry (output) or the ring was full (input).
    pub(super) faults: AtomicU32,
    /// Callbacks so far: a device that makes no more is gone, whatever it says.
    pub(super) callbacks: AtomicU32,
}

impl Gauge {
    pub(super) fn saw(&self, frames: usize) {
        self.chunk.fetch_max(frames as u32, Ordering::Relaxed);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// The largest chunk in samples at 48 kHz.
    fn chunk_at_48k(&self, rate: u32) -> usize {
        let frames = u64::from(self.chunk.load(Ordering::Relaxed));
        (frames * u64::from(SAMPLE_RATE) / u64::from(rate)) as usize
    }
}

/// Ring capacity for a device of this rate, samples.
pub(super) fn ring_size(rate: u32) -> usize {
    (rate / RING) as usize
}

/// A microphone.
#[derive(Debug)]
pub(crate) struct Capture {
    ring: rtrb::Consumer<f32>,
    identity: u64,
    rate: u32,
    gauge: Arc<Gauge>,
    resampler: Resampler,
    raw: Vec<f32>,
    pcm: Vec<f32>,
    /// Smallest amount left after a pull in this window.
    lowest: usize,
    pulls: u32,
    /// Collecting a reserve before sound goes on.
    priming: bool,
    reserve: Reserve,
}

impl Capture {
    pub(super) fn new(ring: rtrb::Consumer<f32>, rate: u32, gauge: Arc<Gauge>) -> Self {
        Self {
            ring,
            identity: 0,
            rate,
            gauge,
            resampler: Resampler::adjustable(rate, SAMPLE_RATE),
            raw: Vec::with_capacity(ring_size(rate)),
            pcm: Vec::with_capacity(SAMPLE_RATE as usize),
            lowest: usize::MAX,
            pulls: 0,
            priming: true,
            reserve: Reserve::new(MICROPHONE_RESERVE),
        }
    }

    pub(super) fn set_device(&mut self, identity: u64) {
        self.identity = identity;
    }

    /// Tells one device from another.
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// Gives the next 10 ms; silence while the device gives none.
    pub(crate) fn pull(&mut self, block: &mut Block) {
        self.raw.clear();
        while let Ok(sample) = self.ring.pop() {
            self.raw.push(sample);
        }
        self.resampler.run(&self.raw, &mut self.pcm);
        let reserve = self.aim();
        if self.priming && self.pcm.len() < BLOCK + reserve {
            block.fill(0.0);
            return;
        }
        self.priming = false;
        let given = self.pcm.len().min(BLOCK);
        block[..given].copy_from_slice(&self.pcm[..given]);
        block[given..].fill(0.0);
        self.pcm.drain(..given);
        if given < BLOCK {
            self.reserve.grow();
            self.priming = true;
            self.lowest = usize::MAX;
            self.pulls = 0;
            return;
        }
        self.reserve.rest();
        self.correct(reserve);
    }

    /// What is to be left over after a pull, samples at 48 kHz. The device's clock slides past ours, so that now and then
    /// a tick sees no new chunk and takes a block of this: a part of one is kept for it, the rest is in the reserve, and
    /// [`Capture::correct`] brings it back long before the next time.
    fn aim(&self) -> usize {
        let slide = self.gauge.chunk_at_48k(self.rate).min(BLOCK) * 3 / 5;
        slide + (SAMPLE_RATE / 1_000 * self.reserve.ms) as usize
    }

    /// Sound on its way from the microphone to the voice, ms: the device's chunk and what waits here.
    pub(crate) fn delay_ms(&self) -> f32 {
        let here = self.pcm.len() + self.gauge.chunk_at_48k(self.rate);
        let there = self.ring.slots();
        here as f32 * 1_000.0 / SAMPLE_RATE as f32 + there as f32 * 1_000.0 / self.rate as f32
    }

    /// Steers the rate so that the least that was left over in a while stays at the reserve.
    fn correct(&mut self, reserve: usize) {
        self.lowest = self.lowest.min(self.pcm.len());
        self.pulls += 1;
        if self.pcm.len() > reserve + TOO_MUCH {
            let excess = self.pcm.len() - reserve;
            self.pcm.drain(..excess);
            self.lowest = usize::MAX;
            self.pulls = 0;
        } else if self.pulls >= WINDOW {
            let excess = self.lowest as f64 - reserve as f64;
            self.resampler
                .adjust((excess * CORRECTION).clamp(-LARGEST, LARGEST));
            self.lowest = usize::MAX;
            self.pulls = 0;
        }
    }
}

/// A speaker.
#[derive(Debug)]
pub(crate) struct Playback {
    ring: rtrb::Producer<f32>,
    /// On the agent's ears: the microphone does not hear it.
    worn: bool,
    identity: u64,
    rate: u32,
    gauge: Arc<Gauge>,
    resampler: Resampler,
    pcm: Vec<f32>,
    /// Kept in the ring on top of the device's chunk.
    reserve: Reserve,
    faults: u32,
    /// Smallest amount in the ring before a push in this window, and the pushes in it.
    lowest: usize,
    pushes: u32,
}

impl Playback {
    pub(super) fn new(ring: rtrb::Producer<f32>, rate: u32, gauge: Arc<Gauge>) -> Self {
        Self {
            ring,
            worn: false,
            identity: 0,
            rate,
            gauge,
            resampler: Resampler::adjustable(SAMPLE_RATE, rate),
            pcm: Vec::with_capacity(ring_size(rate)),
            reserve: Reserve::new(SPEAKER_RESERVE),
            faults: 0,
            lowest: usize::MAX,
            pushes: 0,
        }
    }

    pub(super) fn set_device(&mut self, identity: u64, worn: bool) {
        self.identity = identity;
        self.worn = worn;
    }

    /// Tells one device from another.
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// It is something worn on the ears.
    pub(crate) fn is_worn(&self) -> bool {
        self.worn
    }

    /// The device will run out of sound soon.
    pub(crate) fn is_hungry(&mut self) -> bool {
        self.learn();
        self.buffered() < self.aim()
    }

    /// Takes 10 ms; what does not fit is dropped.
    pub(crate) fn push(&mut self, block: &Block) {
        self.reserve.rest();
        if self.buffered() == 0 {
            // Blocks alone would leave it up to a block above the aim.
            self.quiet(self.samples(self.reserve.ms + MARGIN));
        }
        self.pcm.clear();
        self.resampler.run(block, &mut self.pcm);
        for &sample in &self.pcm {
            if self.ring.push(sample).is_err() {
                return;
            }
        }
    }

    fn quiet(&mut self, samples: usize) {
        for _ in 0..samples {
            // What does not fit into the ring is not needed.
            let _ = self.ring.push(0.0);
        }
    }

    /// Takes 10 ms on a clock that is not this device's.
    pub(crate) fn push_drifting(&mut self, block: &Block) {
        self.learn();
        let (buffered, aim) = (self.buffered(), self.aim());
        if buffered == 0 {
            self.quiet(aim);
        } else if buffered > aim + self.samples(100) {
            return;
        }
        self.lowest = self.lowest.min(self.buffered());
        self.pushes += 1;
        if self.pushes >= WINDOW {
            let excess = self.lowest as f64 - aim as f64 / 2.0;
            let at_48k = excess * f64::from(SAMPLE_RATE) / f64::from(self.rate);
            self.resampler
                .adjust((at_48k * CORRECTION).clamp(-LARGEST, LARGEST));
            self.lowest = usize::MAX;
            self.pushes = 0;
        }
        self.push(block);
    }

    /// Grows the reserve when the device ran dry.
    fn learn(&mut self) {
        let faults = self.gauge.faults.load(Ordering::Relaxed);
        if faults != self.faults {
            self.faults = faults;
            self.reserve.grow();
        }
    }

    /// Sound on its way from the voice to the speaker, ms: what waits here, and the device's chunk.
    pub(crate) fn delay_ms(&self) -> f32 {
        let chunk = self.gauge.chunk.load(Ordering::Relaxed) as usize;
        (self.buffered() + chunk) as f32 * 1_000.0 / self.rate as f32
    }

    fn buffered(&self) -> usize {
        ring_size(self.rate) - self.ring.slots()
    }

    fn aim(&self) -> usize {
        let chunk = self.gauge.chunk.load(Ordering::Relaxed) as usize;
        (chunk + self.samples(self.reserve.ms)).min(ring_size(self.rate) / 2)
    }

    fn samples(&self, ms: u32) -> usize {
        (u64::from(self.rate) * u64::from(ms) / 1_000) as usize
    }
}

#[cfg(test)]
mod tests;
