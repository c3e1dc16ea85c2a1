//! The sound system as the device thread sees it: which devices there are, and opening one. Tests bring one of their
//! own, in which plugs are pulled a thousand times in no time.

use std::time::{Duration, Instant};

use cpal::Error;

use super::line::{Capture, Playback};
use super::list::{self, Listed};
use super::stream::{self, OpenStream, Room};

/// Devices and time.
pub(super) trait System {
    /// A device that can be opened.
    type Device: Clone;
    /// An open device; dropping it closes it.
    type Stream: Running;

    fn now(&self) -> Instant;

    /// Inputs and outputs, each default first.
    fn look(&self) -> Vec<Listed<Self::Device>>;

    /// Opens a microphone; `failed` is told as in [`stream::open_input`].
    fn open_input(
        &self,
        device: &Self::Device,
        room: Room,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<(Self::Stream, Capture), Error>;

    /// Opens a speaker; `failed` is told as in [`stream::open_output`].
    fn open_output(
        &self,
        device: &Self::Device,
        room: Room,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<(Self::Stream, Playback), Error>;
}

/// An open device.
pub(super) trait Running {
    /// Waits until the device takes or gives sound beyond the first filling of its buffer.
    fn runs_within(&self, time: Duration) -> bool;

    /// The device has asked for no sound, or given none, for too long.
    fn is_stuck(&mut self) -> bool;
}

/// The machine's own sound cards.
pub(super) struct Cards(cpal::Host);

impl Cards {
    /// ALSA on Linux: the native PulseAudio host was measured with two seconds of delay.
    pub(super) fn new() -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(host) = cpal::host_from_id(cpal::HostId::Alsa) {
            return Self(host);
        }
        Self(cpal::default_host())
    }
}

impl System for Cards {
    type Device = cpal::Device;
    type Stream = OpenStream;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn look(&self) -> Vec<Listed<cpal::Device>> {
        list::look(&self.0)
    }

    fn open_input(
        &self,
        device: &cpal::Device,
        room: Room,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<(OpenStream, Capture), Error> {
        stream::open_input(device, room, failed)
    }

    fn open_output(
        &self,
        device: &cpal::Device,
        room: Room,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<(OpenStream, Playback), Error> {
        stream::open_output(device, room, failed)
    }
}
