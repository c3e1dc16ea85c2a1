//! The thread that writes a recording.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::file::SoundFile;
use crate::{Block, MediaError};

/// How often the ring is emptied.
const POLL: Duration = Duration::from_millis(100);
/// Rounds between two updates of the file: half a second, the most that is lost when the process is killed.
const FLUSH_ROUNDS: u32 = 5;

/// 10 ms of both sides, after some blocks of silence.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) silent_before: u32,
    pub(super) agent: Block,
    pub(super) customer: Block,
}

/// What the voice and the thread tell each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    ended: AtomicBool,
    /// Blocks of silence at the end.
    pub(super) tail: AtomicU64,
    /// Blocks in the file.
    pub(super) written: AtomicU64,
}

/// The running thread.
#[derive(Debug)]
pub(super) struct WriterThread {
    thread: thread::Thread,
    done: mpsc::Receiver<()>,
}

impl WriterThread {
    /// Asks for the end and waits for it, not for ever.
    pub(super) fn finish(&self, shared: &Shared, patience: Duration) {
        shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
        if self.done.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("the disk is slow: the recording is completed behind the call");
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// [`MediaError::File`] when the system gives no thread.
pub(super) fn start(
    file: SoundFile,
    path: PathBuf,
    pieces: rtrb::Consumer<Piece>,
    shared: Arc<Shared>,
    failed: impl FnOnce(MediaError) + Send + 'static,
) -> Result<WriterThread, MediaError> {
    let (finished, done) = mpsc::channel::<()>();
    let shown = path.display().to_string();
    let mut writer = Writer {
        file,
        pieces,
        shared,
    };
    let name = shown.clone();
    let handle = thread::Builder::new()
        .name("recording".to_owned())
        .spawn(move || {
            if let Err(fault) = writer.run() {
                tracing::error!(path = name, fault, "recording");
                failed(MediaError::File {
                    path: name,
                    fault: format!("the recording stopped: {fault}"),
                });
            }
            drop(finished);
        })
        .map_err(|error| MediaError::File {
            path: shown,
            fault: format!("the recording could not be started: {error}"),
        })?;
    Ok(WriterThread {
        thread: handle.thread().clone(),
        done,
    })
}

struct Writer {
    file: SoundFile,
    pieces: rtrb::Consumer<Piece>,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(&mut self) -> Result<(), String> {
        let mut rounds = 0;
        loop {
            // Asked before the ring is emptied: nothing comes after the end.
            let ended = self.shared.ended.load(Ordering::Acquire) || self.pieces.is_abandoned();
            while let Ok(piece) = self.pieces.pop() {
                self.write(&piece)?;
            }
            if ended {
                let tail = self.shared.tail.load(Ordering::Relaxed);
                self.silence(tail)?;
                return self.file.finish();
            }
            rounds += 1;
            if rounds % FLUSH_ROUNDS == 0 {
                self.file.update()?;
            }
            thread::park_timeout(POLL);
        }
    }

    fn write(&mut self, piece: &Piece) -> Result<(), String> {
        self.silence(u64::from(piece.silent_before))?;
        self.file.write(&piece.agent, &piece.customer)?;
        self.shared.written.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn silence(&mut self, blocks: u64) -> Result<(), String> {
        let silent = [0.0; crate::BLOCK];
        for _ in 0..blocks {
            self.file.write(&silent, &silent)?;
            self.shared.written.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}
