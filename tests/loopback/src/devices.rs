//! Mouth to ear: the speech is played into the microphone of one phone, and what the speaker of the other one plays is
//! recorded. Both phones are whole but for their signalling: devices, voice, session, sockets.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use sidetone_media::{
    AudioSetup, DeviceInfo, DeviceSelection, MediaConfig, SAMPLE_RATE, Session, Voice,
    VoiceProcessing,
};

use crate::call::{TAIL, with_suite};
use crate::delay;
use crate::live::{LOOK, LiveOutcome, Watch, connected};
use crate::measure::seed_of;
use crate::plan::Run;
use crate::profile::DIRECT;
use crate::sound::{Player, Recorder, SoundError};
use crate::speech::Talk;
use crate::wire::Wire;

/// Patience for a sound system to start a device.
const PATIENCE: Duration = Duration::from_secs(30);
/// Patience for the list of devices, where it stays empty.
const LISTING: Duration = Duration::from_secs(15);
/// How long everything runs before the first word: clocks are compared and buffers find their size meanwhile.
const SETTLING: Duration = Duration::from_secs(4);

/// The devices that take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// Where the harness plays the speech.
    pub play_into: DeviceInfo,
    /// The phones' microphone, which hears what is played.
    pub microphone: DeviceInfo,
    /// The phones' speaker.
    pub speaker: DeviceInfo,
    /// Where the harness hears the speaker.
    pub record_from: DeviceInfo,
}

/// What the options call each of the devices; `None` is the system's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `--play-into`.
    pub play_into: Option<String>,
    /// `--microphone`.
    pub microphone: Option<String>,
    /// `--speaker`.
    pub speaker: Option<String>,
    /// `--record-from`.
    pub record_from: Option<String>,
}

/// Why nothing can be measured through devices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The voice did not start.
    #[error(transparent)]
    Voice(#[from] sidetone_media::MediaError),
    /// The harness's own end of a device.
    #[error(transparent)]
    Sound(#[from] SoundError),
    /// A device is not there.
    #[error("--{option}: there is no {what} {name}; there are: {there}")]
    NoDevice {
        /// The option.
        option: &'static str,
        /// Input or output.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// Those that are there.
        there: String,
    },
    /// There is none at all.
    #[error("this computer has no sound {0}")]
    None(&'static str),
    /// A device gives or takes nothing.
    #[error("{device} does not run after {} s", PATIENCE.as_secs())]
    NotRunning {
        /// Which.
        device: String,
    },
    /// What the phone says of its devices.
    #[error("the phone's devices do not work: {0}")]
    Fault(String),
    /// The microphone is deaf to what is played.
    #[error(
        "nothing of what is played into {play_into} is heard by {microphone}: is the cable there, and the microphone not muted?"
    )]
    Deaf {
        /// Where it is played.
        play_into: String,
        /// What should hear it.
        microphone: String,
    },
}

/// The devices of this computer, as the phone lists them.
///
/// # Errors
/// When the voice does not start.
pub fn list() -> Result<Vec<DeviceInfo>, DeskError> {
    let voice = Voice::start(AudioSetup::Devices(DeviceSelection::default()))?;
    let begun = Instant::now();
    // The first look is over soon; a machine without any device has nothing to wait for.
    while voice.devices().is_empty() && begun.elapsed() < LISTING {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(voice.devices())
}

impl Desk {
    /// Finds the devices by identity or name.
    ///
    /// # Errors
    /// [`DeskError::NoDevice`] with those that are there.
    pub fn find(names: &Names, devices: &[DeviceInfo]) -> Result<Self, DeskError> {
        let output = |option, name| one(devices, option, name, false);
        let input = |option, name| one(devices, option, name, true);
        Ok(Self {
            play_into: output("play-into", &names.play_into)?,
            microphone: input("microphone", &names.microphone)?,
            speaker: output("speaker", &names.speaker)?,
            record_from: input("record-from", &names.record_from)?,
        })
    }

    /// In words, for the results.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "in real time through sound devices: played into {}, microphone {}, speaker {}, recorded from {}; the delay \
             is that from mouth to ear",
            self.play_into.name, self.microphone.name, self.speaker.name, self.record_from.name
        )
    }
}

fn one(
    devices: &[DeviceInfo],
    option: &'static str,
    name: &Option<String>,
    input: bool,
) -> Result<DeviceInfo, DeskError> {
    let what = if input { "input" } else { "output" };
    let fitting = || devices.iter().filter(|device| device.input == input);
    let found = match name {
        Some(name) => fitting().find(|device| device.id == *name || device.name == *name),
        None => fitting().find(|device| device.default),
    };
    match (found, name) {
        (Some(device), _) => Ok(device.clone()),
        (None, Some(name)) if fitting().count() > 0 => Err(DeskError::NoDevice {
            option,
            what,
            name: name.clone(),
            there: fitting()
                .map(|device| format!("{} ({})", device.name, device.id))
                .collect::<Vec<_>>()
                .join(", "),
        }),
        _ => Err(DeskError::None(what)),
    }
}

/// How a device run is made.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The devices.
    pub desk: &'a Desk,
    /// What is said.
    pub said: &'a Talk,
    /// Of the network's chances.
    pub seed: u64,
    /// Whether the phone does to the microphone what it does in the bar: echo, noise, gain.
    pub processing: bool,
}

/// Makes a call through the devices; the inner fault is one of the call alone.
///
/// # Errors
/// [`DeskError`] when the devices are at fault.
pub fn make(
    runtime: &tokio::runtime::Runtime,
    run: &Run,
    setting: &Setting<'_>,
) -> Result<Result<LiveOutcome, String>, DeskError> {
    let began = Instant::now();
    let call = match runtime.block_on(Call::set_up(run)) {
        Ok(call) => call,
        Err(fault) => return Ok(Err(fault)),
    };
    let set_up = began.elapsed();
    call.talk(run, setting, set_up)
}

struct Call {
    speaks: Session,
    listens: Session,
    wire: Option<Wire>,
}

impl Call {
    async fn set_up(run: &Run) -> Result<Self, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let config = MediaConfig {
            codecs: vec![run.codec],
            plan: run.keying.plan,
            ice_servers: Vec::new(),
            tls: None,
            bind: vec![Ipv4Addr::LOCALHOST.into()],
            latch: false,
        };
        let wire = match run.profile.name == DIRECT.name {
            true => None,
            false => Some(Wire::lay().await.map_err(|e| words(&e))?),
        };
        let (speaks, offer, mut first) = Session::offer(config.clone())
            .await
            .map_err(|e| words(&e))?;
        let mut offer = with_suite(&offer, run.keying.suite);
        if let Some(wire) = &wire {
            offer = wire.of_first(&offer);
        }
        let (listens, mut answer, mut second) = Session::answer(config, &offer)
            .await
            .map_err(|e| words(&e))?;
        if let Some(wire) = &wire {
            answer = wire.of_second(&answer);
        }
        speaks.apply_answer(&answer).map_err(|e| words(&e))?;
        connected(&mut first).await?;
        connected(&mut second).await?;
        Ok(Self {
            speaks,
            listens,
            wire,
        })
    }

    fn talk(
        self,
        run: &Run,
        setting: &Setting<'_>,
        set_up: Duration,
    ) -> Result<Result<LiveOutcome, String>, DeskError> {
        let Setting { desk, said, .. } = *setting;
        let [speaker, listener] = [&self.speaks, &self.listens].map(|session| {
            let voice = Voice::start(AudioSetup::Devices(DeviceSelection {
                microphone: Some(desk.microphone.id.clone()),
                speaker: Some(desk.speaker.id.clone()),
                ringer: None,
                second_ringer: None,
            }))?;
            if !setting.processing {
                voice.process(VoiceProcessing::OFF);
            }
            voice.attach(Some(session.clone()));
            Ok::<_, DeskError>(voice)
        });
        let (speaker, listener) = (speaker?, listener?);
        // It hears the speech at the same microphone, and must not say it too.
        listener.mute(true);
        let player = Player::open(&desk.play_into, &said.samples)?;
        let mut mouth = Recorder::open(&desk.microphone)?;
        let mut ear = Recorder::open(&desk.record_from)?;
        wait(&desk.play_into.name, || player.runs())?;
        wait(&desk.microphone.name, || mouth.runs())?;
        wait(&desk.record_from.name, || ear.runs())?;
        for voice in [&speaker, &listener] {
            let faults = voice.faults();
            wait("the phone", || voice.device_delay_ms().is_some()).map_err(|error| {
                let fault = faults.borrow().clone();
                fault.map_or(error, DeskError::Fault)
            })?;
            if let Some(fault) = faults.borrow().clone() {
                return Err(DeskError::Fault(fault));
            }
        }
        std::thread::sleep(SETTLING);

        let length =
            Duration::from_secs_f64(said.samples.len() as f64 / f64::from(SAMPLE_RATE)) + TAIL;
        let disturbed = self.wire.as_ref().map(|wire| {
            let seed = seed_of(setting.seed, run.profile.name);
            wire.disturb(run.profile, seed, length)
        });
        player.begin();
        wait(&desk.play_into.name, || player.began().is_some())?;
        let start = player.began().unwrap_or_else(Instant::now);
        let mut watch = Watch::default();
        let mut due = start;
        while start.elapsed() < length {
            due += LOOK;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            watch.look(self.listens.stats(), listener.device_delay_ms());
        }
        // What was played last is still in the recorders' buffers.
        std::thread::sleep(TAIL);
        let spoken = mouth.since(start);
        let mouth_after_ms =
            delay::median(&delay::per_second(&said.samples, &spoken)).ok_or_else(|| {
                DeskError::Deaf {
                    play_into: desk.play_into.name.clone(),
                    microphone: desk.microphone.name.clone(),
                }
            })?;
        let mut heard = ear.since(start);
        heard.truncate((length.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize);
        let heard_after_ms = delay::per_second(&said.samples, &heard);
        if heard_after_ms.iter().all(Option::is_none) {
            return Ok(Err(format!(
                "nothing of what was said is heard at {}",
                desk.record_from.name
            )));
        }
        let transits = self
            .wire
            .as_ref()
            .zip(disturbed)
            .map(|(wire, from)| wire.transits(from));
        Ok(Ok(LiveOutcome {
            heard,
            heard_after_ms,
            mouth_after_ms,
            watch,
            transits,
            set_up,
        }))
    }
}

fn wait(what: &str, mut runs: impl FnMut() -> bool) -> Result<(), DeskError> {
    let begun = Instant::now();
    while !runs() {
        if begun.elapsed() > PATIENCE {
            return Err(DeskError::NotRunning {
                device: what.to_owned(),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, input: bool, default: bool) -> DeviceInfo {
        DeviceInfo {
            id: format!("alsa:{}", name.to_lowercase()),
            name: name.to_owned(),
            input,
            default,
        }
    }

    #[test]
    fn a_device_is_found_by_its_name_or_its_identity_or_is_the_default() {
        let devices = [
            device("Headset", false, false),
            device("Desk", false, true),
            device("Boom", true, true),
        ];
        let names = Names {
            play_into: Some("Headset".to_owned()),
            speaker: Some("alsa:headset".to_owned()),
            ..Names::default()
        };
        let desk = Desk::find(&names, &devices).expect("all are there");
        assert_eq!(desk.play_into, devices[0]);
        assert_eq!(desk.speaker, devices[0]);
        assert_eq!(
            (desk.microphone, desk.record_from),
            (devices[2].clone(), devices[2].clone())
        );
        // A microphone is not a speaker, and those that are there are named.
        let names = Names {
            speaker: Some("Boom".to_owned()),
            ..Names::default()
        };
        let error = Desk::find(&names, &devices)
            .expect_err("no output")
            .to_string();
        assert_eq!(
            error,
            "--speaker: there is no output Boom; there are: Headset (alsa:headset), Desk (alsa:desk)"
        );
        let error = Desk::find(&Names::default(), &[])
            .expect_err("none")
            .to_string();
        assert_eq!(error, "this computer has no sound output");
    }
}
