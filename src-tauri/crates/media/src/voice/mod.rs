//! The phone's voice: one thread with the 10 ms clock, between the session and the devices.

mod check;
mod clock;
mod desk;
mod files;
mod party;
mod ports;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::device::{self, DeviceControl, DeviceInfo, DeviceSelection};
use crate::level::SILENCE;
use crate::wav::LoopedWav;
use crate::{MediaError, ProcessingStats, Session, VoiceProcessing};
use check::Check;
pub use check::MicrophoneCheck;
pub(crate) use desk::Need;
use desk::{Command, Desk};
use files::Files;
use party::Line;
pub(crate) use party::mixing;
use ports::Ports;

/// The phone's voice: devices, the 10 ms clock, tones, and which session is heard. Cheap to clone; its threads end
/// when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Voice {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    commands: mpsc::Sender<Command>,
    devices: Option<DeviceControl>,
    faults: watch::Receiver<Option<String>>,
    levels: watch::Receiver<Levels>,
    processing: watch::Receiver<ProcessingStats>,
    usual: VoiceProcessing,
    delay: Arc<DeviceDelay>,
}

/// Delay of the sound devices, from the voice thread to whoever asks: tenths of milliseconds, 0 is not known.
#[derive(Debug, Default)]
struct DeviceDelay(AtomicU32);

impl DeviceDelay {
    fn set(&self, ms: Option<f32>) {
        let tenths = ms.map_or(0, |ms| (ms * 10.0) as u32);
        self.0.store(tenths, Ordering::Relaxed);
    }

    fn get(&self) -> Option<f32> {
        let tenths = self.0.load(Ordering::Relaxed);
        (tenths > 0).then_some(tenths as f32 / 10.0)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(devices) = &self.devices {
            devices.end();
        }
    }
}

/// Where sound comes from and goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioSetup {
    /// Sound cards.
    Devices(DeviceSelection),
    /// Silence in, nothing out, on the system's clock.
    Null,
    /// A WAV file in (looped), a WAV file out, on the system's clock. The input is played from its start when a
    /// session is attached.
    Files {
        /// Played to the far end; any rate and channel count.
        input: PathBuf,
        /// What is heard: 48 kHz mono 16-bit, readable at any time.
        output: PathBuf,
    },
}

/// Levels of the last 50 ms, dBov (-127 is silence).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Microphone, before mute.
    pub microphone: f32,
    /// What is heard.
    pub speaker: f32,
    /// The microphone is overdriven.
    pub clipping: bool,
}

impl Levels {
    const SILENT: Self = Self {
        microphone: SILENCE,
        speaker: SILENCE,
        clipping: false,
    };
}

/// A tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToneKind {
    /// The ringtone, on the ring device.
    Ring,
    /// Call waiting, in the ear.
    CallWaiting,
    /// Ringback, in the ear.
    Ringback,
    /// Busy, in the ear.
    Busy,
    /// Congestion, in the ear.
    Congestion,
    /// The test tone of the device picker, in the ear.
    Test,
}

impl Voice {
    /// Starts the voice thread. A device that cannot be opened is not an error here: it is reported by
    /// `faults` and tried again when the devices change.
    ///
    /// # Errors
    /// [`MediaError::File`] when a WAV file cannot be used, [`MediaError::Device`] when the system gives no thread.
    pub fn start(setup: AudioSetup) -> Result<Self, MediaError> {
        let (commands, inbox) = mpsc::channel();
        let (levels_out, levels) = watch::channel(Levels::SILENT);
        let (faults_out, faults) = watch::channel(None);
        let (processing_out, processing) = watch::channel(ProcessingStats::default());
        // A file is no microphone: it has neither an echo nor an office in it, and is sent as it is.
        let wanted = match setup {
            AudioSetup::Devices(_) => VoiceProcessing::AUTOMATIC,
            AudioSetup::Null | AudioSetup::Files { .. } => VoiceProcessing::OFF,
        };
        let mut control = None;
        let ports = match setup {
            AudioSetup::Null => Ports::null(faults_out),
            AudioSetup::Files { input, output } => {
                Ports::files(Files::open(&input, &output)?, faults_out)
            }
            AudioSetup::Devices(selection) => {
                let (devices, lines) = device::start(selection, faults_out)?;
                control = Some(devices.clone());
                Ports::devices(devices, lines)
            }
        };
        let delay = Arc::new(DeviceDelay::default());
        let for_clock = Arc::clone(&delay);
        let desk = Desk::new(levels_out, wanted, processing_out);
        thread::Builder::new()
            .name("voice".to_owned())
            .spawn(move || clock::run(ports, desk, &inbox, &for_clock))
            .map_err(|e| MediaError::Device {
                device: "The sound system".to_owned(),
                fault: format!("the voice thread could not be started: {e}"),
            })?;
        Ok(Self {
            inner: Arc::new(Inner {
                commands,
                devices: control,
                faults,
                levels,
                processing,
                usual: wanted,
                delay,
            }),
        })
    }

    /// Changes the devices, also during a call.
    pub fn select(&self, selection: DeviceSelection) {
        if let Some(devices) = &self.inner.devices {
            devices.select(selection);
        }
    }

    /// Devices that can be chosen now.
    #[must_use]
    pub fn devices(&self) -> Vec<DeviceInfo> {
        match &self.inner.devices {
            Some(devices) => devices.list(),
            None => Vec::new(),
        }
    }

    /// Told whenever the list of devices or a fault changes: `Some(sentence)` while a role has no working device,
    /// or works with another device than the chosen one.
    #[must_use]
    pub fn faults(&self) -> watch::Receiver<Option<String>> {
        self.inner.faults.clone()
    }

    /// The session that is heard and spoken to; `None` detaches it.
    pub fn attach(&self, session: Option<Session>) {
        self.conference(session.into_iter().collect());
    }

    /// Joins several sessions: each hears the agent and all the others, mixed here. In place of [`Voice::attach`];
    /// with one session it is the same, with none it detaches.
    pub fn conference(&self, sessions: Vec<Session>) {
        let lines = sessions
            .into_iter()
            .map(|session| Box::new(session) as Box<dyn Line>);
        self.send(Command::Attach(lines.collect()));
    }

    #[cfg(test)]
    fn attach_line(&self, line: Option<Box<dyn Line>>) {
        self.send(Command::Attach(line.into_iter().collect()));
    }

    /// Gates the microphone.
    pub fn mute(&self, on: bool) {
        self.send(Command::Mute(on));
    }

    /// Plays this tone until the next call; `None` is silence.
    pub fn tone(&self, tone: Option<ToneKind>) {
        self.send(Command::Tone(tone));
    }

    /// Rings with this WAV file (its first minute, round and round) from the next ring on; `None` is the built-in
    /// ringtone. Reads the file before it returns.
    ///
    /// # Errors
    /// [`MediaError::File`] when it cannot be played; the ringtone stays as it was.
    pub fn ringtone(&self, file: Option<&Path>) -> Result<(), MediaError> {
        let ringtone = file.map(LoopedWav::open).transpose()?;
        self.send(Command::Ringtone(ringtone));
        Ok(())
    }

    /// Plays the tones of this country's telephone network (ITU-T E.180) from the next tone on, by its ISO 3166 code
    /// of two letters; most of Europe's where it is not known.
    pub fn country(&self, code: &str) {
        self.send(Command::Country(code.to_owned()));
    }

    /// Plays the two frequencies of these digits in the ear, locally.
    pub fn dtmf_feedback(&self, digits: &str) {
        self.send(Command::Keys(digits.to_owned()));
    }

    /// Changes what is done to the agent's voice, also during a call. Until then it is [`Self::usual_processing`].
    pub fn process(&self, wanted: VoiceProcessing) {
        self.send(Command::Process(wanted));
    }

    /// What is done to the agent's voice until somebody wants something else: [`VoiceProcessing::AUTOMATIC`] with
    /// devices, [`VoiceProcessing::OFF`] without.
    #[must_use]
    pub fn usual_processing(&self) -> VoiceProcessing {
        self.inner.usual
    }

    /// What the voice processing measures during a call.
    #[must_use]
    pub fn processing(&self) -> watch::Receiver<ProcessingStats> {
        self.inner.processing.clone()
    }

    /// Delay of microphone and speaker together during a call, ms, where devices tell it.
    #[must_use]
    pub fn device_delay_ms(&self) -> Option<f32> {
        self.inner.delay.get()
    }

    /// Opens the microphone while outside a call, so that its level shows.
    pub fn monitor(&self, on: bool) {
        self.send(Command::Monitor(on));
    }

    /// Records so long (at most 30 s) from the chosen microphone, as a customer would hear it, then plays it on the
    /// chosen speaker. Outside of calls only: one that comes ends it. It begins at once; dropping the future stops it.
    ///
    /// # Errors
    /// [`MediaError::CheckEnded`] when a call or another check took its place, [`MediaError::Device`] when a device
    /// did not open within five seconds.
    pub fn check_microphone(
        &self,
        length: Duration,
    ) -> impl Future<Output = Result<MicrophoneCheck, MediaError>> + Send + use<> {
        let (done, found) = oneshot::channel();
        self.send(Command::Check(Check::new(length, done)));
        async move {
            found
                .await
                .unwrap_or(Err(MediaError::CheckEnded("the voice ended")))
        }
    }

    /// Levels, 20 times a second while a call is up or the microphone is monitored.
    #[must_use]
    pub fn levels(&self) -> watch::Receiver<Levels> {
        self.inner.levels.clone()
    }

    fn send(&self, command: Command) {
        if self.inner.commands.send(command).is_err() {
            tracing::error!("the voice thread has ended");
        }
    }
}

#[cfg(test)]
mod tests;
