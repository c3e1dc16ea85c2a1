//! The harness's own ends of the sound cards: it plays the speech to the phone and records what comes out. Not the
//! phone's devices: what they add is what is to be measured.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Instant;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Data, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize,
    SupportedStreamConfig,
};
use sidetone_media::offline::resampled;
use sidetone_media::{DeviceInfo, SAMPLE_RATE};

/// Length of a callback that is asked for, ms.
const CHUNK_MS: u32 = 20;

/// A device that cannot be used by the harness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} cannot be used by the harness: {fault}")]
pub struct SoundError {
    device: String,
    fault: String,
}

/// Plays a sound once, when it is told to, and silence before and after.
pub struct Player {
    _stream: cpal::Stream,
    shared: Arc<Playing>,
}

#[derive(Default)]
struct Playing {
    wanted: AtomicBool,
    callbacks: AtomicU32,
    began: OnceLock<Instant>,
}

impl Player {
    /// Opens a device to play this (48 kHz).
    ///
    /// # Errors
    /// [`SoundError`].
    pub fn open(device: &DeviceInfo, sound: &[f32]) -> Result<Self, SoundError> {
        let (card, supported) = find(device)?;
        let config = small(&supported);
        let sound = resampled(sound, SAMPLE_RATE, config.sample_rate);
        let shared = Arc::new(Playing::default());
        let stream = match supported.sample_format() {
            SampleFormat::F32 => play::<f32>(&card, config, sound, &shared),
            SampleFormat::I16 => play::<i16>(&card, config, sound, &shared),
            SampleFormat::I32 => play::<i32>(&card, config, sound, &shared),
            other => {
                return Err(error(
                    device,
                    format!("it wants samples of the form {other}"),
                ));
            }
        };
        let stream = stream.map_err(|fault| error(device, fault))?;
        stream.play().map_err(|fault| error(device, fault))?;
        Ok(Self {
            _stream: stream,
            shared,
        })
    }

    /// Whether the device asks for sound.
    #[must_use]
    pub fn runs(&self) -> bool {
        // The first ones fill its buffer.
        self.shared.callbacks.load(Ordering::Relaxed) > 2
    }

    /// Plays from now on.
    pub fn begin(&self) {
        self.shared.wanted.store(true, Ordering::Relaxed);
    }

    /// When the first of the sound was given to the device.
    #[must_use]
    pub fn began(&self) -> Option<Instant> {
        self.shared.began.get().copied()
    }
}

fn play<T: SizedSample + FromSample<f32>>(
    card: &cpal::Device,
    config: StreamConfig,
    sound: Vec<f32>,
    shared: &Arc<Playing>,
) -> Result<cpal::Stream, cpal::Error> {
    let shared = Arc::clone(shared);
    let channels = usize::from(config.channels);
    let mut sound = sound.into_iter();
    card.build_output_stream(
        config,
        move |data: &mut [T], _| {
            shared.callbacks.fetch_add(1, Ordering::Relaxed);
            let speaks = shared.wanted.load(Ordering::Relaxed);
            if speaks {
                shared.began.get_or_init(Instant::now);
            }
            for frame in data.chunks_exact_mut(channels) {
                let sample = if speaks { sound.next() } else { None };
                frame.fill(T::from_sample_(sample.unwrap_or_default()));
            }
        },
        // What an interruption does is heard.
        |_| {},
        None,
    )
}

/// Records from a device until it is dropped.
pub struct Recorder {
    stream: cpal::Stream,
    pieces: mpsc::Receiver<Piece>,
    heard: Vec<Piece>,
    rate: u32,
}

struct Piece {
    /// When its first sample was in the air, as the sound system tells it.
    at: Instant,
    samples: Vec<f32>,
}

impl Recorder {
    /// Opens a device and records.
    ///
    /// # Errors
    /// [`SoundError`].
    pub fn open(device: &DeviceInfo) -> Result<Self, SoundError> {
        let (card, supported) = find(device)?;
        let config = small(&supported);
        let channels = usize::from(config.channels);
        let (sender, pieces) = mpsc::channel();
        let stream = card
            .build_input_stream_raw(
                config,
                supported.sample_format(),
                move |data: &Data, info: &cpal::InputCallbackInfo| {
                    let time = info.timestamp();
                    let age = time.callback.duration_since(time.capture);
                    let now = Instant::now();
                    let piece = Piece {
                        at: now.checked_sub(age).unwrap_or(now),
                        samples: mono(data, channels),
                    };
                    // Nobody listens any more when the recording is over.
                    let _ = sender.send(piece);
                },
                |_| {},
                None,
            )
            .map_err(|fault| error(device, fault))?;
        if !matches!(
            supported.sample_format(),
            SampleFormat::F32 | SampleFormat::I16 | SampleFormat::I32
        ) {
            let fault = format!("it gives samples of the form {}", supported.sample_format());
            return Err(error(device, fault));
        }
        stream.play().map_err(|fault| error(device, fault))?;
        Ok(Self {
            stream,
            pieces,
            heard: Vec::new(),
            rate: supported.sample_rate(),
        })
    }

    /// Whether the device gives sound.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        self.heard.extend(self.pieces.try_iter());
        self.heard.len() > 2
    }

    /// Ends the recording; gives what was heard from `start` on, at 48 kHz.
    #[must_use]
    pub fn since(mut self, start: Instant) -> Vec<f32> {
        // An error of closing is nobody's: the recording is there.
        let _ = self.stream.pause();
        self.heard.extend(self.pieces.try_iter());
        let pieces: Vec<_> = self
            .heard
            .iter()
            .map(|piece| {
                let after = match piece.at.checked_duration_since(start) {
                    Some(after) => after.as_secs_f64(),
                    None => -start.duration_since(piece.at).as_secs_f64(),
                };
                (after, piece.samples.as_slice())
            })
            .collect();
        resampled(&laid_out(&pieces, self.rate), self.rate, SAMPLE_RATE)
    }
}

/// Pieces whose times are taken together: one may be told late, most are not.
const TOGETHER: usize = 25;
/// Told later than this beyond the others, sound was lost before a piece, seconds.
const GAP_S: f64 = 0.03;

/// A recording from time 0 on, of pieces with the times of their first samples, seconds. Where the system dropped some
/// there is silence of the same length, so that what follows keeps its time.
fn laid_out(pieces: &[(f64, &[f32])], rate: u32) -> Vec<f32> {
    let rate = f64::from(rate);
    // When each piece says that the recording began.
    let mut before = 0;
    let began: Vec<f64> = pieces
        .iter()
        .map(|(at, samples)| {
            let began = at - before as f64 / rate;
            before += samples.len();
            began
        })
        .collect();
    let told = |index: usize| {
        let mut near = began[index..began.len().min(index + TOGETHER)].to_vec();
        near.sort_by(f64::total_cmp);
        near.get(near.len() / 2).copied().unwrap_or_default()
    };
    let mut sound = Vec::new();
    let mut start = told(0);
    let first = start;
    for (index, (_, samples)) in pieces.iter().enumerate() {
        if began[index] > start + GAP_S && told(index) > start + GAP_S {
            let lost = told(index) - start;
            start += lost;
            sound.extend(std::iter::repeat_n(0.0, (lost * rate).round() as usize));
        }
        sound.extend_from_slice(samples);
    }
    let samples = (first.abs() * rate).round() as usize;
    match first < 0.0 {
        true => drop(sound.drain(..samples.min(sound.len()))),
        false => drop(sound.splice(..0, std::iter::repeat_n(0.0, samples))),
    }
    sound
}

/// The mean of the first two channels.
fn mono(data: &Data, channels: usize) -> Vec<f32> {
    fn mix<T: SizedSample>(data: &[T], channels: usize) -> Vec<f32>
    where
        f32: FromSample<T>,
    {
        let used = channels.min(2);
        data.chunks_exact(channels)
            .map(|frame| {
                let sum: f32 = frame[..used].iter().map(|s| f32::from_sample_(*s)).sum();
                sum / used as f32
            })
            .collect()
    }
    if let Some(data) = data.as_slice::<f32>() {
        mix(data, channels)
    } else if let Some(data) = data.as_slice::<i16>() {
        mix(data, channels)
    } else {
        data.as_slice::<i32>()
            .map(|data| mix(data, channels))
            .unwrap_or_default()
    }
}

/// The sound card of a device that the phone lists.
fn find(device: &DeviceInfo) -> Result<(cpal::Device, SupportedStreamConfig), SoundError> {
    let host = host();
    let defaults = match device.input {
        true => host.default_input_device(),
        false => host.default_output_device(),
    };
    let devices = host.devices().map_err(|fault| error(device, fault))?;
    let card = defaults
        .into_iter()
        .chain(devices)
        .find(|card| card.id().is_ok_and(|id| id.to_string() == device.id))
        .ok_or_else(|| error(device, "it is no longer there"))?;
    let supported = match device.input {
        true => card.default_input_config(),
        false => card.default_output_config(),
    };
    let supported = supported.map_err(|fault| error(device, fault))?;
    Ok((card, supported))
}

/// The sound system that the phone uses.
fn host() -> cpal::Host {
    #[cfg(target_os = "linux")]
    if let Ok(host) = cpal::host_from_id(cpal::HostId::Alsa) {
        return host;
    }
    cpal::default_host()
}

/// A small buffer, where the device goes along: the later a recording is, the less exact is its time.
fn small(supported: &SupportedStreamConfig) -> StreamConfig {
    let wanted = supported.sample_rate() * CHUNK_MS / 1_000;
    let buffer_size = match *supported.buffer_size() {
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

fn error(device: &DeviceInfo, fault: impl ToString) -> SoundError {
    SoundError {
        device: device.name.clone(),
        fault: fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand samples a second: a piece of ten of them each 10 ms, all of the value of its number.
    fn pieces(from_s: f64) -> Vec<(f64, [f32; 10])> {
        (0..100)
            .map(|number| (from_s + f64::from(number) * 0.01, [number as f32; 10]))
            .collect()
    }

    fn lay(pieces: &[(f64, [f32; 10])]) -> Vec<f32> {
        let pieces: Vec<_> = pieces.iter().map(|(at, piece)| (*at, &piece[..])).collect();
        laid_out(&pieces, 1_000)
    }

    #[test]
    fn a_recording_begins_where_it_is_asked_to() {
        // It began 50 ms before, or 50 ms after.
        assert_eq!(lay(&pieces(-0.05))[0], 5.0);
        let late = lay(&pieces(0.05));
        assert_eq!((late[49], late[60]), (0.0, 1.0));
    }

    #[test]
    fn a_piece_that_is_told_late_moves_nothing_and_lost_ones_leave_their_silence() {
        let mut told = pieces(0.0);
        told[30].0 += 0.2;
        assert_eq!(lay(&told), lay(&pieces(0.0)));
        told.drain(50..60);
        let sound = lay(&told);
        assert_eq!((sound[499], sound[500], sound[599]), (49.0, 0.0, 0.0));
        assert_eq!((sound[600], sound[999]), (60.0, 99.0));
    }
}
