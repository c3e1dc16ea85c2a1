//! Recording of one call, both sides: a ring from the voice to a thread of its own that writes the file.

mod file;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use file::SoundFile;
use writer::{Piece, Shared, WriterThread};

use crate::{BLOCK, Block, MediaError};

/// Length of a block.
const TICK: Duration = Duration::from_millis(10);
/// Blocks that may wait for the disk: three seconds. What does not fit becomes silence of the same length.
const RING: usize = 300;
/// A pause in the blocks longer than this, in blocks, is filled with silence: nobody listened to the call (held).
const SLIP: u64 = 20;
/// How long the end of a recording may take; a disk slower than this finishes on its own.
const FINISH: Duration = Duration::from_secs(2);

/// A recording to be made. Its folder is made when missing; a file that is there is never overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// What is written.
    pub format: RecordingFormat,
    /// Who is on which channel; the GSM formats have one and mix.
    pub channels: RecordingChannels,
}

/// What a recording's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordingFormat {
    /// 16-bit PCM at 16 kHz in a WAV file.
    Wav,
    /// GSM full rate at 8 kHz in a WAV file, format tag 49: about 100 kB a minute.
    Wav49,
    /// GSM full rate at 8 kHz, frame after frame without a header.
    Gsm,
}

impl RecordingFormat {
    /// The usual ending of such a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            // What Asterisk calls these files: players look at the capital letters.
            Self::Wav49 => "WAV",
            Self::Gsm => "gsm",
        }
    }
}

/// Who is on which channel of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordingChannels {
    /// Both on one channel.
    MonoMix,
    /// The agent left, the customer right.
    AgentLeftCustomerRight,
}

/// A finished recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The file.
    pub path: PathBuf,
    /// Its length, ms, pauses included.
    pub duration_ms: u64,
}

/// A recording that runs. Dropped, it ends on its own and completes the file.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    ring: rtrb::Producer<Piece>,
    shared: Arc<Shared>,
    thread: WriterThread,
    paused: bool,
    began: Option<Duration>,
    /// Blocks of time that are in the file or on their way.
    blocks: u64,
}

impl Recorder {
    /// Makes the file and starts to wait for blocks. `failed` is told once, when the disk refuses.
    ///
    /// # Errors
    /// [`MediaError::File`] when the file is there already or cannot be made.
    pub(crate) fn start(
        recording: &Recording,
        failed: impl FnOnce(MediaError) + Send + 'static,
    ) -> Result<Self, MediaError> {
        let file = SoundFile::create(recording)?;
        Self::on(file, recording.path.clone(), failed)
    }

    fn on(
        file: SoundFile,
        path: PathBuf,
        failed: impl FnOnce(MediaError) + Send + 'static,
    ) -> Result<Self, MediaError> {
        let (ring, pieces) = rtrb::RingBuffer::new(RING);
        let shared = Arc::new(Shared::default());
        let thread = writer::start(file, path.clone(), pieces, Arc::clone(&shared), failed)?;
        Ok(Self {
            path,
            ring,
            shared,
            thread,
            paused: false,
            began: None,
            blocks: 0,
        })
    }

    /// Replaces the sound by silence, or ends that.
    pub(crate) fn pause(&mut self, on: bool) {
        self.paused = on;
    }

    /// Takes 10 ms of both sides. Does not wait, allocate or touch the disk.
    pub(crate) fn take(&mut self, now: Duration, agent: &Block, customer: &Block) {
        let silent_before = self.missing(now);
        let silent = [0.0; BLOCK];
        let (agent, customer) = match self.paused {
            true => (&silent, &silent),
            false => (agent, customer),
        };
        let piece = Piece {
            silent_before: u32::try_from(silent_before).unwrap_or(u32::MAX),
            agent: *agent,
            customer: *customer,
        };
        if self.ring.push(piece).is_ok() {
            self.blocks += silent_before + 1;
        }
    }

    /// Blocks of time that passed without sound.
    fn missing(&mut self, now: Duration) -> u64 {
        let began = *self.began.get_or_insert(now);
        let passed = (now.saturating_sub(began).as_millis() / TICK.as_millis()) as u64;
        let missing = passed.saturating_sub(self.blocks);
        if missing > SLIP { missing } else { 0 }
    }

    /// Ends it; what waits is written.
    pub(crate) fn stop(mut self, now: Duration) -> Recorded {
        let tail = if self.began.is_some() {
            self.missing(now)
        } else {
            0
        };
        self.shared.tail.store(tail, Ordering::Relaxed);
        self.thread.finish(&self.shared, FINISH);
        let blocks = self.shared.written.load(Ordering::Acquire);
        Recorded {
            path: self.path,
            duration_ms: blocks * TICK.as_millis() as u64,
        }
    }
}

#[cfg(test)]
mod tests;
