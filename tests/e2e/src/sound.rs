//! What goes into the bar's microphone and what comes out of its speaker, by the desk's sound server.

use std::path::Path;

use crate::desk::{Desk, EAR, MOUTH};
use crate::process::{Process, ProcessError};

impl Desk {
    /// Records what the bar plays into a WAV file (48 kHz, mono) until the value is dropped.
    ///
    /// # Errors
    /// [`ProcessError`] when `parec` is not there.
    pub fn listen(&self, file: &Path) -> Result<Process, ProcessError> {
        Process::start(
            "parec",
            self.command("parec")
                .args([
                    "--rate=48000",
                    "--channels=1",
                    "--format=s16le",
                    "--file-format=wav",
                ])
                .arg(format!("--device={EAR}.monitor"))
                .arg(file),
        )
    }

    /// Speaks a WAV file into the bar's microphone.
    ///
    /// # Errors
    /// [`ProcessError`] when `paplay` is not there.
    pub fn speak(&self, file: &Path) -> Result<Process, ProcessError> {
        Process::start(
            "paplay",
            self.command("paplay")
                .arg(format!("--device={MOUTH}"))
                .arg(file),
        )
    }
}

/// Reads a WAV file as mono samples of ±1.0 and its rate in Hz; a file cut off in the middle gives what is there.
#[must_use]
pub fn read_wav(file: &Path) -> (Vec<f32>, u32) {
    let Ok(mut reader) = hound::WavReader::open(file) else {
        return (Vec::new(), 0);
    };
    let spec = reader.spec();
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map_while(Result::ok)
        .map(|sample| f32::from(sample) / 32768.0)
        .collect();
    let channels = usize::from(spec.channels.max(1));
    let mono = samples
        .chunks(channels)
        .map(|frame| frame.iter().sum::<f32>() / f32::from(spec.channels.max(1)))
        .collect();
    (mono, spec.sample_rate)
}
