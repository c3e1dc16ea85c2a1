//! The files of recordings: whole at any moment, whatever happens to the process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};

use super::{Recording, RecordingChannels, RecordingFormat};
use crate::codec::gsm;
use crate::resample::Resampler;
use crate::{Block, MediaError, SAMPLE_RATE};

/// Sample rate of PCM recordings, Hz.
const PCM_RATE: u32 = 16_000;
/// Octets that wait before they are written on their own.
const CHUNK: usize = 64 * 1024;
/// The length fields of WAV files have 32 bits; leave room for the header.
const LONGEST: u64 = u32::MAX as u64 - 256;

/// Where the octets go.
pub(super) trait Disk: Write + Seek + Send {}

impl<T: Write + Seek + Send> Disk for T {}

/// A file of sound that grows.
pub(super) struct SoundFile {
    disk: Box<dyn Disk>,
    coder: Coder,
    resamplers: Vec<Resampler>,
    /// Sound at the file's rate that does not fill a frame yet, one list a channel.
    waiting: Vec<Vec<f32>>,
    mixed: Vec<f32>,
    /// Octets that are not on the disk yet.
    pending: Vec<u8>,
    /// Octets of sound on the disk.
    data: u64,
    /// Samples of each channel, coded or waiting.
    samples: u64,
}

enum Coder {
    Pcm,
    Wav49(gsm::FrameEncoder),
    Gsm(gsm::FrameEncoder),
}

impl SoundFile {
    /// Makes the file, readable by its owner only.
    pub(super) fn create(recording: &Recording) -> Result<Self, MediaError> {
        let make = || -> io::Result<File> {
            if let Some(folder) = recording.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&recording.path)
        };
        make()
            .map_err(words)
            .and_then(|file| Self::on(Box::new(file), recording.format, recording.channels))
            .map_err(|fault| MediaError::File {
                path: recording.path.display().to_string(),
                fault: format!("the recording could not be started: {fault}"),
            })
    }

    pub(super) fn on(
        disk: Box<dyn Disk>,
        format: RecordingFormat,
        channels: RecordingChannels,
    ) -> Result<Self, String> {
        let (coder, rate) = match format {
            RecordingFormat::Wav => (Coder::Pcm, PCM_RATE),
            RecordingFormat::Wav49 => (Coder::Wav49(gsm::FrameEncoder::new()), gsm::RATE),
            RecordingFormat::Gsm => (Coder::Gsm(gsm::FrameEncoder::new()), gsm::RATE),
        };
        let count = match (format, channels) {
            (RecordingFormat::Wav, RecordingChannels::AgentLeftCustomerRight) => 2,
            _ => 1,
        };
        let mut file = Self {
            disk,
            coder,
            resamplers: (0..count)
                .map(|_| Resampler::new(SAMPLE_RATE, rate))
                .collect(),
            waiting: vec![Vec::new(); count],
            mixed: Vec::new(),
            pending: Vec::new(),
            data: 0,
            samples: 0,
        };
        file.disk.write_all(&file.header()).map_err(words)?;
        file.disk.flush().map_err(words)?;
        Ok(file)
    }

    /// Appends 10 ms.
    pub(super) fn write(&mut self, agent: &Block, customer: &Block) -> Result<(), String> {
        match &mut self.resamplers[..] {
            [left, right] => {
                left.run(agent, &mut self.waiting[0]);
                right.run(customer, &mut self.waiting[1]);
            }
            resamplers => {
                self.mixed.clear();
                let both = agent.iter().zip(customer);
                self.mixed
                    .extend(both.map(|(a, b)| (a + b).clamp(-1.0, 1.0)));
                for resampler in resamplers {
                    resampler.run(&self.mixed, &mut self.waiting[0]);
                }
            }
        }
        self.code();
        if self.pending.len() >= CHUNK {
            self.update()?;
        }
        Ok(())
    }

    /// Codes what fills a frame.
    fn code(&mut self) {
        let unit = self.unit();
        let ready = self.waiting.iter().map(Vec::len).min().unwrap_or(0) / unit * unit;
        for at in (0..ready).step_by(unit) {
            match &mut self.coder {
                Coder::Pcm => {
                    for channel in &self.waiting {
                        let value = (channel[at] * 32_768.0).round();
                        let value = value.clamp(-32_768.0, 32_767.0) as i16;
                        self.pending.extend(value.to_le_bytes());
                    }
                }
                Coder::Gsm(encoder) => {
                    let frame = encoder.encode(&self.waiting[0][at..at + unit]);
                    self.pending.extend(frame.octets());
                }
                Coder::Wav49(encoder) => {
                    let first = encoder.encode(&self.waiting[0][at..at + gsm::FRAME]);
                    let second = encoder.encode(&self.waiting[0][at + gsm::FRAME..at + unit]);
                    self.pending.extend(first.pair(&second));
                }
            }
        }
        self.samples += ready as u64;
        for channel in &mut self.waiting {
            channel.drain(..ready);
        }
    }

    /// Samples that are coded together.
    const fn unit(&self) -> usize {
        match self.coder {
            Coder::Pcm => 1,
            Coder::Gsm(_) => gsm::FRAME,
            Coder::Wav49(_) => 2 * gsm::FRAME,
        }
    }

    /// Brings the file on the disk up to date: first the sound, then the header that counts it.
    pub(super) fn update(&mut self) -> Result<(), String> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let header = self.header().len() as u64;
        if self.data + self.pending.len() as u64 > LONGEST {
            return Err("the file has reached its largest size of 4 GB".to_owned());
        }
        let end = header + self.data;
        self.disk.seek(SeekFrom::Start(end)).map_err(words)?;
        self.disk.write_all(&self.pending).map_err(words)?;
        self.data += self.pending.len() as u64;
        self.pending.clear();
        let header = self.header();
        self.disk.seek(SeekFrom::Start(0)).map_err(words)?;
        self.disk.write_all(&header).map_err(words)?;
        self.disk.flush().map_err(words)
    }

    /// Writes what is left; a last frame is filled up with silence.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        let (unit, samples) = (self.unit(), self.samples + self.waiting[0].len() as u64);
        if !self.waiting[0].is_empty() {
            for channel in &mut self.waiting {
                channel.resize(unit, 0.0);
            }
            self.code();
        }
        self.samples = samples;
        self.update()
    }

    fn header(&self) -> Vec<u8> {
        let data = self.data as u32;
        let channels = self.waiting.len() as u16;
        let mut header = Vec::with_capacity(64);
        let format: Vec<u8> = match self.coder {
            Coder::Gsm(_) => return header,
            Coder::Pcm => [
                &1_u16.to_le_bytes()[..],
                &channels.to_le_bytes(),
                &PCM_RATE.to_le_bytes(),
                &(PCM_RATE * 2 * u32::from(channels)).to_le_bytes(),
                &(2 * channels).to_le_bytes(),
                &16_u16.to_le_bytes(),
            ]
            .concat(),
            // Two frames of 20 ms in 65 octets: 1625 octets a second.
            Coder::Wav49(_) => [
                &49_u16.to_le_bytes()[..],
                &channels.to_le_bytes(),
                &gsm::RATE.to_le_bytes(),
                &1_625_u32.to_le_bytes(),
                &(gsm::PAIR_OCTETS as u16).to_le_bytes(),
                &0_u16.to_le_bytes(),
                &2_u16.to_le_bytes(),
                &(2 * gsm::FRAME as u16).to_le_bytes(),
            ]
            .concat(),
        };
        let fact: Vec<u8> = match self.coder {
            Coder::Wav49(_) => [
                &b"fact"[..],
                &4_u32.to_le_bytes(),
                &(self.samples as u32).to_le_bytes(),
            ]
            .concat(),
            _ => Vec::new(),
        };
        let rest = 4 + 8 + format.len() as u32 + fact.len() as u32 + 8 + data;
        for part in [
            &b"RIFF"[..],
            &rest.to_le_bytes(),
            b"WAVEfmt ",
            &(format.len() as u32).to_le_bytes(),
            &format,
            &fact,
            b"data",
            &data.to_le_bytes(),
        ] {
            header.extend_from_slice(part);
        }
        header
    }
}

/// What an agent can do something about.
fn words(error: io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        ErrorKind::AlreadyExists => "a file of this name is there already".to_owned(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "this folder may not be written to".to_owned()
        }
        _ => format!("the disk refused: {error}"),
    }
}
