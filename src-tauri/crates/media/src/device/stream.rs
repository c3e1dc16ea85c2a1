//! Opening one device. The callbacks here run on the sound system's own threads: they move samples between the
//! device's buffer and a ring, and never lock, allocate or call the system.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, Error, ErrorKind, FromSample, I24, SampleFormat, SizedSample, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig, U24,
};

use super::line::{Capture, Gauge, Playback, ring_size};
use super::system::Running;

/// Errors in a row are final after this.
const PATIENCE: Duration = Duration::from_millis(150);
/// Errors that follow each other this closely are a row.
const ROW: Duration = Duration::from_millis(80);
/// After an error the device is asked again this much later. Without a rest the sound system's thread would ask in
/// a circle, and hold the very lock that PulseAudio's own thread needs to recover.
const REST: Duration = Duration::from_millis(2);
/// This many overruns or underruns within [`RESTLESS`] call for a larger buffer.
const RUNS: usize = 3;
const RESTLESS: Duration = Duration::from_secs(10);
/// Overruns or underruns that follow each other this closely are one interruption.
const SAME_RUN: Duration = Duration::from_millis(100);
/// A device without a callback for this long is gone. PulseAudio may take two seconds to begin.
const STUCK: Duration = Duration::from_secs(4);

/// How much sound the device keeps ready; more where the machine interrupts us often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Room {
    #[default]
    Least,
    Small,
    Medium,
    Large,
}

impl Room {
    /// The next larger one, if there is one.
    pub(super) fn larger(self) -> Option<Self> {
        match self {
            Self::Least => Some(Self::Small),
            Self::Small => Some(Self::Medium),
            Self::Medium => Some(Self::Large),
            Self::Large => None,
        }
    }

    /// The next smaller one.
    pub(super) fn smaller(self) -> Self {
        match self {
            Self::Least | Self::Small => Self::Least,
            Self::Medium => Self::Small,
            Self::Large => Self::Medium,
        }
    }

    /// Length of a callback that we ask for; the sound system keeps two of them ready.
    pub(super) fn chunk_ms(self) -> u32 {
        match self {
            Self::Least => 10,
            Self::Small => 20,
            Self::Medium => 40,
            Self::Large => 60,
        }
    }
}

/// Opens a microphone. `failed` is told once when it stops working, or ([`ErrorKind::Xrun`]) needs more room.
pub(super) fn open_input(
    device: &cpal::Device,
    room: Room,
    failed: impl FnMut(Error) + Send + 'static,
) -> Result<(OpenStream, Capture), Error> {
    let supported = device.default_input_config()?;
    let config = config(&supported, room);
    let gauge = Arc::new(Gauge::default());
    let (producer, consumer) = rtrb::RingBuffer::new(ring_size(config.sample_rate));
    let tap = Tap {
        ring: producer,
        channels: usize::from(config.channels),
        gauge: Arc::clone(&gauge),
    };
    let build = match supported.sample_format() {
        SampleFormat::F32 => input::<f32>,
        SampleFormat::F64 => input::<f64>,
        SampleFormat::I8 => input::<i8>,
        SampleFormat::I16 => input::<i16>,
        SampleFormat::I24 => input::<I24>,
        SampleFormat::I32 => input::<i32>,
        SampleFormat::U8 => input::<u8>,
        SampleFormat::U16 => input::<u16>,
        SampleFormat::U24 => input::<U24>,
        SampleFormat::U32 => input::<u32>,
        _ => return Err(ErrorKind::UnsupportedConfig.into()),
    };
    let stream = build(device, config, tap, patient(&gauge, failed))?;
    stream.play()?;
    let stream = OpenStream::new(stream, &gauge);
    Ok((stream, Capture::new(consumer, config.sample_rate, gauge)))
}

/// Opens a speaker. `failed` is told once when it stops working, or ([`ErrorKind::Xrun`]) needs more room.
pub(super) fn open_output(
    device: &cpal::Device,
    room: Room,
    failed: impl FnMut(Error) + Send + 'static,
) -> Result<(OpenStream, Playback), Error> {
    let supported = device.default_output_config()?;
    let config = config(&supported, room);
    let gauge = Arc::new(Gauge::default());
    let (producer, consumer) = rtrb::RingBuffer::new(ring_size(config.sample_rate));
    let spout = Spout {
        ring: consumer,
        channels: usize::from(config.channels),
        gauge: Arc::clone(&gauge),
        last: 0.0,
        dry: true,
    };
    let build = match supported.sample_format() {
        SampleFormat::F32 => output::<f32>,
        SampleFormat::F64 => output::<f64>,
        SampleFormat::I8 => output::<i8>,
        SampleFormat::I16 => output::<i16>,
        SampleFormat::I24 => output::<I24>,
        SampleFormat::I32 => output::<i32>,
        SampleFormat::U8 => output::<u8>,
        SampleFormat::U16 => output::<u16>,
        SampleFormat::U24 => output::<U24>,
        SampleFormat::U32 => output::<u32>,
        _ => return Err(ErrorKind::UnsupportedConfig.into()),
    };
    let stream = build(device, config, spout, patient(&gauge, failed))?;
    stream.play()?;
    let stream = OpenStream::new(stream, &gauge);
    Ok((stream, Playback::new(producer, config.sample_rate, gauge)))
}

/// An open device; dropping it closes it.
pub(super) struct OpenStream {
    _stream: cpal::Stream,
    gauge: Arc<Gauge>,
    callbacks: u32,
    moved: Instant,
}

impl OpenStream {
    fn new(stream: cpal::Stream, gauge: &Arc<Gauge>) -> Self {
        Self {
            _stream: stream,
            gauge: Arc::clone(gauge),
            callbacks: 0,
            moved: Instant::now(),
        }
    }
}

impl Running for OpenStream {
    fn runs_within(&self, time: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.gauge.callbacks.load(Ordering::Relaxed) > FILLING {
                return true;
            }
            thread::sleep(REST);
        }
        false
    }

    fn is_stuck(&mut self) -> bool {
        let callbacks = self.gauge.callbacks.load(Ordering::Relaxed);
        if callbacks != self.callbacks {
            self.callbacks = callbacks;
            self.moved = Instant::now();
        }
        self.moved.elapsed() > STUCK
    }
}

/// Callbacks that fill the device's buffer before it runs.
const FILLING: u32 = 2;

type OnError = Box<dyn FnMut(Error) + Send>;

/// Passes an error on when it is final: sound systems report much that passes by itself (the ALSA plug-in of
/// PulseAudio I/O errors from its start, or its recovery from an underrun, until the server has answered).
fn patient(gauge: &Arc<Gauge>, mut failed: impl FnMut(Error) + Send + 'static) -> OnError {
    let gauge = Arc::clone(gauge);
    let mut told = false;
    let mut began = Instant::now();
    let mut last: Option<Instant> = None;
    let mut runs = Runs::default();
    Box::new(move |error: Error| {
        let now = Instant::now();
        let final_at_once = match error.kind() {
            ErrorKind::Xrun => {
                // The sound system's thread recovers by itself.
                gauge.fault();
                if runs.are_many(now) && !told {
                    told = true;
                    failed(error);
                }
                return;
            }
            ErrorKind::RealtimeDenied => {
                tracing::debug!(%error, "sound callbacks run at normal priority");
                return;
            }
            ErrorKind::DeviceChanged => return,
            ErrorKind::DeviceNotAvailable
            | ErrorKind::StreamInvalidated
            | ErrorKind::PermissionDenied => true,
            _ => false,
        };
        // A dead device may go on calling back, so errors in a row are what tells.
        if last.is_none_or(|last| now - last > ROW) {
            began = now;
        }
        last = Some(now);
        if !told && (final_at_once || now - began > PATIENCE) {
            told = true;
            failed(error);
        }
        thread::sleep(REST);
    })
}

/// Counts interruptions of a device.
#[derive(Debug, Default)]
struct Runs {
    /// The last ones, oldest first.
    at: [Option<Instant>; RUNS],
}

impl Runs {
    /// Takes one more; `true` when they come too often.
    fn are_many(&mut self, now: Instant) -> bool {
        let last = self.at[RUNS - 1];
        if last.is_some_and(|last| now - last < SAME_RUN) {
            return false;
        }
        self.at.rotate_left(1);
        self.at[RUNS - 1] = Some(now);
        self.at[0].is_some_and(|oldest| now - oldest < RESTLESS)
    }
}

/// A small buffer, as far as the device goes along.
fn config(supported: &SupportedStreamConfig, room: Room) -> StreamConfig {
    let wanted = supported.sample_rate() * room.chunk_ms() / 1_000;
    let buffer_size = match *supported.buffer_size() {
        // WASAPI in shared mode has a period of its own and takes no other.
        _ if cfg!(windows) => BufferSize::Default,
        SupportedBufferSize::Range { min, max } if min <= max => {
            BufferSize::Fixed(wanted.clamp(min.max(1), max.max(1)))
        }
        _ => BufferSize::Fixed(wanted),
    };
    StreamConfig {
        channels: supported.channels(),
        sample_rate: supported.sample_rate(),
        buffer_size,
    }
}

fn input<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut tap: Tap,
    on_error: OnError,
) -> Result<cpal::Stream, Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    device.build_input_stream(config, move |data: &[T], _| tap.take(data), on_error, None)
}

fn output<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut spout: Spout,
    on_error: OnError,
) -> Result<cpal::Stream, Error>
where
    T: SizedSample + FromSample<f32>,
{
    device.build_output_stream(
        config,
        move |data: &mut [T], _| spout.fill(data),
        on_error,
        None,
    )
}

/// The microphone's callback.
struct Tap {
    ring: rtrb::Producer<f32>,
    channels: usize,
    gauge: Arc<Gauge>,
}

impl Tap {
    fn take<T>(&mut self, data: &[T])
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        self.gauge.saw(data.len() / self.channels);
        // Further channels of a headset are seldom a voice.
        let used = self.channels.min(2);
        for frame in data.chunks_exact(self.channels) {
            let sum: f32 = frame[..used]
                .iter()
                .map(|&sample| f32::from_sample_(sample))
                .sum();
            if self.ring.push(sum / used as f32).is_err() {
                self.gauge.fault();
                return;
            }
        }
    }
}

/// The speaker's callback.
struct Spout {
    ring: rtrb::Consumer<f32>,
    channels: usize,
    gauge: Arc<Gauge>,
    /// The last sample, faded out when there are no more.
    last: f32,
    dry: bool,
}

impl Spout {
    fn fill<T: SizedSample + FromSample<f32>>(&mut self, data: &mut [T]) {
        self.gauge.saw(data.len() / self.channels);
        // Speech belongs to the front pair.
        let used = self.channels.min(2);
        for frame in data.chunks_exact_mut(self.channels) {
            match self.ring.pop() {
                Ok(sample) => {
                    self.last = sample;
                    self.dry = false;
                }
                Err(_) => {
                    self.last *= 0.97;
                    if !self.dry {
                        self.dry = true;
                        self.gauge.fault();
                    }
                }
            }
            let (front, rest) = frame.split_at_mut(used);
            front.fill(T::from_sample_(self.last));
            rest.fill(T::from_sample_(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::forbidden;
    use crate::{BLOCK, Block};

    fn tap(channels: usize) -> (Tap, Capture) {
        let (producer, consumer) = rtrb::RingBuffer::new(ring_size(48_000));
        let gauge = Arc::new(Gauge::default());
        let tap = Tap {
            ring: producer,
            channels,
            gauge: Arc::clone(&gauge),
        };
        (tap, Capture::new(consumer, 48_000, gauge))
    }

    fn spout(channels: usize) -> (Spout, Playback) {
        let (producer, consumer) = rtrb::RingBuffer::new(ring_size(48_000));
        let gauge = Arc::new(Gauge::default());
        let spout = Spout {
            ring: consumer,
            channels,
            gauge: Arc::clone(&gauge),
            last: 0.0,
            dry: true,
        };
        (spout, Playback::new(producer, 48_000, gauge))
    }

    /// Callbacks of every kind, well fed, starved and overrun, and the voice at the other end of the ring.
    fn run<T>(channels: usize)
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>,
    {
        let (mut tap, mut capture) = tap(channels);
        let (mut spout, mut playback) = spout(channels);
        let heard = vec![T::from_sample_(0.25); 480 * channels];
        let mut played = vec![T::from_sample_(0.0); 480 * channels];
        let mut block: Block = [0.0; BLOCK];
        for n in 0..400 {
            forbidden(|| tap.take(&heard));
            forbidden(|| spout.fill(&mut played));
            // For a while nobody fetches or feeds: one ring is full, the other empty.
            if n < 200 {
                capture.pull(&mut block);
                playback.push(&block);
            }
        }
        assert!(
            tap.gauge.faults.load(Ordering::Relaxed) > 0,
            "it was overrun"
        );
        assert!(spout.gauge.faults.load(Ordering::Relaxed) > 0, "it ran dry");
    }

    #[test]
    fn callbacks_ask_for_no_memory() {
        for channels in [1, 2, 8] {
            run::<f32>(channels);
            run::<i16>(channels);
            run::<i32>(channels);
            run::<u8>(channels);
        }
    }
}
