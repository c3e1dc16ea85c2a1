//! Where the desk's sound comes from and goes to, and what paces it.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::check::Presence;
use super::desk::Need;
use super::files::Files;
use crate::device::{Capture, DeviceControl, Opened, Playback, Ringer};
use crate::process::Route;
use crate::{Block, MediaError};

const TICK: Duration = Duration::from_millis(10);
/// Further behind than this (a suspended machine), the clock starts anew instead of catching up.
const CATCH_UP: Duration = Duration::from_millis(200);
/// A speaker that takes nothing for this long no longer paces the voice.
const STALL: Duration = Duration::from_millis(150);
/// How long the voice sleeps while the speaker's buffer is full enough.
const NAP: Duration = Duration::from_millis(3);

/// The two ends of the desk.
#[derive(Debug)]
pub(super) struct Ports {
    kind: Kind,
    deadline: Instant,
}

#[derive(Debug)]
enum Kind {
    Null {
        /// Kept so that those who watch do not see the end of the voice.
        _faults: watch::Sender<Option<String>>,
    },
    Files {
        files: Files,
        faults: watch::Sender<Option<String>>,
    },
    Devices(Box<Devices>),
}

#[derive(Debug)]
struct Devices {
    control: DeviceControl,
    lines: mpsc::Receiver<Opened>,
    need: Need,
    microphone: Option<Capture>,
    speaker: Option<Playback>,
    ringer: Ringer,
    second_ringer: Ringer,
    /// When the speaker last took sound.
    fed: Instant,
}

impl Ports {
    pub(super) fn null(faults: watch::Sender<Option<String>>) -> Self {
        Self::new(Kind::Null { _faults: faults })
    }

    pub(super) fn files(files: Files, faults: watch::Sender<Option<String>>) -> Self {
        Self::new(Kind::Files { files, faults })
    }

    pub(super) fn devices(control: DeviceControl, lines: mpsc::Receiver<Opened>) -> Self {
        Self::new(Kind::Devices(Box::new(Devices {
            control,
            lines,
            need: Need::default(),
            microphone: None,
            speaker: None,
            ringer: Ringer::Closed,
            second_ringer: Ringer::Closed,
            fed: Instant::now(),
        })))
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            deadline: Instant::now(),
        }
    }

    /// Says which devices are needed from now on.
    pub(super) fn need(&mut self, need: Need) {
        match &mut self.kind {
            Kind::Null { .. } => {}
            Kind::Files { files, faults } => {
                if need == Need::default() {
                    report(files.rest(), faults);
                }
            }
            Kind::Devices(devices) => devices.need(need),
        }
    }

    /// A session was attached.
    pub(super) fn attached(&mut self) {
        if let Kind::Files { files, .. } = &mut self.kind {
            files.restart();
        }
    }

    /// After a rest: the next tick is due now.
    pub(super) fn wake(&mut self) {
        self.deadline = Instant::now();
    }

    /// Which devices are in use; `None` while one is not open.
    pub(super) fn route(&self) -> Option<Route> {
        match &self.kind {
            Kind::Devices(devices) => {
                let (speaker, microphone) =
                    (devices.speaker.as_ref()?, devices.microphone.as_ref()?);
                Some(Route {
                    id: speaker.identity().rotate_left(1) ^ microphone.identity(),
                    worn: speaker.is_worn(),
                })
            }
            Kind::Null { .. } | Kind::Files { .. } => Some(Route::default()),
        }
    }

    /// Delay of microphone and speaker together, ms, while both are open.
    pub(super) fn delay_ms(&self) -> Option<f32> {
        let Kind::Devices(devices) = &self.kind else {
            return None;
        };
        let microphone = devices.microphone.as_ref()?.delay_ms();
        Some(microphone + devices.speaker.as_ref()?.delay_ms())
    }

    /// Which devices are open; those that are none count as such.
    pub(super) fn presence(&self) -> Presence {
        match &self.kind {
            Kind::Devices(devices) => Presence {
                microphone: devices.microphone.is_some(),
                speaker: devices.speaker.is_some(),
            },
            Kind::Null { .. } | Kind::Files { .. } => Presence {
                microphone: true,
                speaker: true,
            },
        }
    }

    /// Sleeps until the next tick is due.
    pub(super) fn wait(&mut self) {
        if let Kind::Devices(devices) = &mut self.kind
            && devices.wait()
        {
            // The speaker paces; should it go, the system's clock goes on from here.
            self.deadline = Instant::now() + TICK;
            return;
        }
        let now = Instant::now();
        if let Some(rest) = self.deadline.checked_duration_since(now) {
            thread::sleep(rest);
        } else if now - self.deadline > CATCH_UP {
            self.deadline = now;
        }
        self.deadline += TICK;
    }

    /// Gives what the microphone heard.
    pub(super) fn capture(&mut self, block: &mut Block) {
        match &mut self.kind {
            Kind::Null { .. } => block.fill(0.0),
            Kind::Files { files, .. } => files.fill(block),
            Kind::Devices(devices) => match &mut devices.microphone {
                Some(microphone) => microphone.pull(block),
                None => block.fill(0.0),
            },
        }
    }

    /// Takes what is to be heard.
    pub(super) fn play(&mut self, ear: &mut Block, ringer: &Block) {
        match &mut self.kind {
            Kind::Null { .. } => {}
            Kind::Files { files, faults } => report(files.write(ear), faults),
            Kind::Devices(devices) => devices.play(ear, ringer),
        }
    }
}

fn report(result: Result<(), MediaError>, faults: &watch::Sender<Option<String>>) {
    if let Err(error) = result {
        tracing::error!(%error, "recording");
        faults.send_replace(Some(error.to_string()));
    }
}

impl Devices {
    fn need(&mut self, need: Need) {
        if need != self.need {
            self.need = need;
            self.control.need(need);
        }
    }

    /// Takes over what was opened or closed.
    fn refresh(&mut self) {
        while let Ok(opened) = self.lines.try_recv() {
            match opened {
                Opened::Microphone(capture) => self.microphone = capture,
                Opened::Speaker(playback) => {
                    self.speaker = playback;
                    self.fed = Instant::now();
                }
                Opened::Ringer(ringer) => self.ringer = ringer,
                Opened::SecondRinger(ringer) => self.second_ringer = ringer,
            }
        }
    }

    /// Sleeps until the speaker wants a block; `false` when there is no speaker to pace us.
    fn wait(&mut self) -> bool {
        loop {
            self.refresh();
            let Some(speaker) = &mut self.speaker else {
                return false;
            };
            if speaker.is_hungry() {
                self.fed = Instant::now();
                return true;
            }
            if self.fed.elapsed() > STALL {
                return false;
            }
            thread::sleep(NAP);
        }
    }

    fn play(&mut self, ear: &mut Block, ringer: &Block) {
        for device in [&mut self.ringer, &mut self.second_ringer] {
            match device {
                Ringer::Closed => {}
                Ringer::Own(device) => device.push_drifting(ringer),
                Ringer::WithSpeaker => {
                    for (sample, ring) in ear.iter_mut().zip(ringer) {
                        *sample = (*sample + ring).clamp(-1.0, 1.0);
                    }
                }
            }
        }
        // One that takes nothing for a while must not be late ever after by what piled up meanwhile.
        if let Some(speaker) = &mut self.speaker
            && speaker.is_hungry()
        {
            speaker.push(ear);
        }
    }
}
