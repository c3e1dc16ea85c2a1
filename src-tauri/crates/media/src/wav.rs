//! WAV files: any in, 48 kHz mono 16-bit out, valid on disk at any time.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::resample::Resampler;
use crate::{Block, MediaError, SAMPLE_RATE};

/// Longest sound that is kept in memory, seconds; what follows is left out.
const LONGEST: u32 = 60;
/// Samples between two updates of the file on disk: a quarter of a second.
const FLUSH_EVERY: u32 = SAMPLE_RATE / 4;
const HEADER: u32 = 44;

/// A WAV file in memory, mixed to mono at 48 kHz, played round and round.
#[derive(Debug)]
pub(crate) struct LoopedWav {
    pcm: Vec<f32>,
    at: usize,
}

impl LoopedWav {
    /// Reads a file of any rate, channel count and sample format that WAV knows.
    ///
    /// # Errors
    /// [`MediaError::File`] when it cannot be read or holds no sound.
    pub(crate) fn open(path: &Path) -> Result<Self, MediaError> {
        let fault = |fault: String| MediaError::File {
            path: path.display().to_string(),
            fault,
        };
        let file = File::open(path).map_err(|e| fault(format!("cannot be read: {e}")))?;
        Self::read(BufReader::new(file)).map_err(fault)
    }

    /// Reads what a file holds; the error says what is wrong with it.
    pub(crate) fn read(file: impl Read) -> Result<Self, String> {
        let mut reader = hound::WavReader::new(file).map_err(|e| read_fault(&e))?;
        let spec = reader.spec();
        let rate_is_sane = (1_000..=768_000).contains(&spec.sample_rate);
        if !rate_is_sane || spec.channels == 0 {
            return Err(format!(
                "{} Hz with {} channels is not a usable format; give 8 to 192 kHz",
                spec.sample_rate, spec.channels
            ));
        }
        let most = (spec.sample_rate * LONGEST) as usize * usize::from(spec.channels);
        let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
            hound::SampleFormat::Float => reader.samples::<f32>().take(most).collect(),
            hound::SampleFormat::Int => {
                let scale = 1.0 / (1_u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
                reader
                    .samples::<i32>()
                    .take(most)
                    .map(|sample| sample.map(|sample| sample as f32 * scale))
                    .collect()
            }
        };
        let samples = samples.map_err(|e| read_fault(&e))?;
        let channels = usize::from(spec.channels);
        let mono: Vec<f32> = samples
            .chunks_exact(channels)
            .map(|frame| {
                let sum: f32 = frame.iter().filter(|sample| sample.is_finite()).sum();
                (sum / channels as f32).clamp(-1.0, 1.0)
            })
            .collect();
        if mono.is_empty() {
            return Err("it holds no sound".to_owned());
        }
        let mut pcm = Vec::new();
        Resampler::new(spec.sample_rate, SAMPLE_RATE).run(&mono, &mut pcm);
        if pcm.is_empty() {
            pcm.push(0.0);
        }
        Ok(Self { pcm, at: 0 })
    }

    /// Goes back to the start.
    pub(crate) fn restart(&mut self) {
        self.at = 0;
    }

    /// Gives the next 10 ms.
    pub(crate) fn fill(&mut self, block: &mut Block) {
        for sample in block {
            *sample = self.pcm[self.at];
            self.at = (self.at + 1) % self.pcm.len();
        }
    }
}

fn read_fault(error: &hound::Error) -> String {
    match error {
        hound::Error::IoError(error) => format!("cannot be read: {error}"),
        other => format!("is not a WAV file that can be played: {other}"),
    }
}

/// A 48 kHz mono 16-bit WAV file whose header is true at every moment, so that it may be read while it grows.
#[derive(Debug)]
pub(crate) struct WavWriter {
    path: PathBuf,
    file: BufWriter<File>,
    samples: u32,
    pending: u32,
}

impl WavWriter {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// [`MediaError::File`] when it cannot be written.
    pub(crate) fn create(path: &Path) -> Result<Self, MediaError> {
        let create = || -> std::io::Result<Self> {
            let mut writer = Self {
                path: path.to_owned(),
                file: BufWriter::with_capacity(64 * 1024, File::create(path)?),
                samples: 0,
                pending: 0,
            };
            writer.file.write_all(&header(0))?;
            writer.file.flush()?;
            Ok(writer)
        };
        create().map_err(|e| fault(path, &e))
    }

    /// Appends 10 ms.
    ///
    /// # Errors
    /// [`MediaError::File`] when the disk refuses; the file stays readable up to the last update.
    pub(crate) fn write(&mut self, block: &Block) -> Result<(), MediaError> {
        for &sample in block {
            let value = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            self.file
                .write_all(&value.to_le_bytes())
                .map_err(|e| fault(&self.path, &e))?;
        }
        self.samples = self.samples.saturating_add(block.len() as u32);
        self.pending += block.len() as u32;
        if self.pending >= FLUSH_EVERY {
            self.update()?;
        }
        Ok(())
    }

    /// Brings the file on disk up to date: first the sound, then the header that counts it.
    ///
    /// # Errors
    /// [`MediaError::File`] when the disk refuses.
    pub(crate) fn update(&mut self) -> Result<(), MediaError> {
        self.pending = 0;
        let header = header(self.samples);
        let file = &mut self.file;
        let mut update = || -> std::io::Result<()> {
            file.flush()?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)?;
            file.flush()?;
            file.seek(SeekFrom::End(0))?;
            Ok(())
        };
        update().map_err(|e| fault(&self.path, &e))
    }
}

impl Drop for WavWriter {
    fn drop(&mut self) {
        if let Err(error) = self.update() {
            tracing::warn!(%error, "the recording could not be completed");
        }
    }
}

fn fault(path: &Path, error: &std::io::Error) -> MediaError {
    MediaError::File {
        path: path.display().to_string(),
        fault: format!("cannot be written: {error}"),
    }
}

fn header(samples: u32) -> [u8; HEADER as usize] {
    let data = samples.saturating_mul(2);
    let mut header = [0; HEADER as usize];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"RIFF");
    put(4, &(data.saturating_add(HEADER - 8)).to_le_bytes());
    put(8, b"WAVEfmt ");
    put(16, &16_u32.to_le_bytes());
    put(20, &1_u16.to_le_bytes());
    put(22, &1_u16.to_le_bytes());
    put(24, &SAMPLE_RATE.to_le_bytes());
    put(28, &(SAMPLE_RATE * 2).to_le_bytes());
    put(32, &2_u16.to_le_bytes());
    put(34, &16_u16.to_le_bytes());
    put(36, b"data");
    put(40, &data.to_le_bytes());
    header
}

#[cfg(test)]
mod tests;
