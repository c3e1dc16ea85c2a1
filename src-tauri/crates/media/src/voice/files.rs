//! WAV files in place of a microphone and a speaker.

use std::path::Path;

use crate::wav::{LoopedWav, WavWriter};
use crate::{Block, MediaError};

#[derive(Debug)]
pub(super) struct Files {
    input: LoopedWav,
    /// `None` after the disk refused.
    output: Option<WavWriter>,
}

impl Files {
    pub(super) fn open(input: &Path, output: &Path) -> Result<Self, MediaError> {
        Ok(Self {
            input: LoopedWav::open(input)?,
            output: Some(WavWriter::create(output)?),
        })
    }

    pub(super) fn restart(&mut self) {
        self.input.restart();
    }

    pub(super) fn fill(&mut self, block: &mut Block) {
        self.input.fill(block);
    }

    pub(super) fn write(&mut self, block: &Block) -> Result<(), MediaError> {
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        output.write(block).inspect_err(|_| self.output = None)
    }

    /// Nothing more comes for now: everything heard so far must be in the file.
    pub(super) fn rest(&mut self) -> Result<(), MediaError> {
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        output.update().inspect_err(|_| self.output = None)
    }
}
