//! The thread that opens and closes devices, and finds another one when one goes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use cpal::{Error, ErrorKind};
use tokio::sync::watch;

use super::list::Listed;
use super::stream::Room;
use super::system::{Running, System};
use super::{DeviceInfo, DeviceRole, DeviceSelection, Opened, Ringer};
use crate::process::is_worn;
use crate::voice::Need;

/// How often the devices are looked at, and a lost one tried again.
const LOOK: Duration = Duration::from_secs(2);
/// How often open devices are asked whether they still run.
const PULSE: Duration = Duration::from_millis(500);
/// How long a device stays open after its last use: a call often follows a ring, a tone a call.
const LINGER: Duration = Duration::from_secs(3);
/// Devices tried before giving up for now.
const ATTEMPTS: usize = 6;

/// After this a device that needed a larger buffer is tried with a smaller one again, when it is opened next.
const FORGET: Duration = Duration::from_secs(1_800);

/// How long a device may take to run with a larger buffer, before it stays with the one it has.
const TRIAL: Duration = Duration::from_millis(500);

/// What the device thread is told.
pub(super) enum Message {
    Need(Need),
    Select(DeviceSelection),
    /// A stream stopped working.
    Failed {
        role: DeviceRole,
        generation: u64,
        error: Error,
    },
    End,
}

pub(super) struct Keeper<S: System> {
    system: S,
    messages: mpsc::Sender<Message>,
    lines: mpsc::Sender<Opened>,
    faults: watch::Sender<Option<String>>,
    list: Arc<Mutex<Vec<DeviceInfo>>>,
    listed: Vec<Listed<S::Device>>,
    selection: DeviceSelection,
    need: Need,
    slots: [Slot<S::Stream>; 4],
    generation: u64,
    looked: Instant,
    /// By identity, and whether as an input.
    learnt: HashMap<(String, bool), Learnt>,
}

/// One role.
struct Slot<T> {
    role: DeviceRole,
    needed: bool,
    /// Since when nobody needs it.
    rests: Instant,
    open: Option<Open<T>>,
    fault: Option<String>,
    /// Not before this is the chosen device tried again.
    retry: Instant,
}

/// How much sound a device has to keep ready, as far as it was found out.
struct Learnt {
    room: Room,
    at: Instant,
}

struct Open<T> {
    /// Dropping it closes the device. `None`: the ringer shares the speaker.
    stream: Option<T>,
    id: String,
    generation: u64,
}

/// A device that was opened and is not in use yet.
struct Started<T> {
    stream: T,
    opened: Opened,
    generation: u64,
}

impl<S: System> Keeper<S> {
    pub(super) fn new(
        system: S,
        selection: DeviceSelection,
        messages: mpsc::Sender<Message>,
        lines: mpsc::Sender<Opened>,
        faults: watch::Sender<Option<String>>,
        list: Arc<Mutex<Vec<DeviceInfo>>>,
    ) -> Self {
        let now = system.now();
        let slot = |role| Slot {
            role,
            needed: false,
            rests: now,
            open: None,
            fault: None,
            retry: now,
        };
        let mut keeper = Self {
            system,
            messages,
            lines,
            faults,
            list,
            listed: Vec::new(),
            selection,
            need: Need::default(),
            slots: [
                slot(DeviceRole::Microphone),
                slot(DeviceRole::Speaker),
                slot(DeviceRole::Ringer),
                slot(DeviceRole::SecondRinger),
            ],
            generation: 0,
            looked: now,
            learnt: HashMap::new(),
        };
        keeper.look();
        keeper.reconcile();
        keeper
    }

    pub(super) fn run(&mut self, inbox: &mpsc::Receiver<Message>) {
        loop {
            let message = match inbox.recv_timeout(self.pause()) {
                Ok(message) => Some(message),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            if !self.step(message) {
                return;
            }
        }
    }

    /// Acts on a message, or on the passing of time; `false` at the end.
    fn step(&mut self, message: Option<Message>) -> bool {
        match message {
            Some(Message::Need(need)) => self.need(need),
            Some(Message::Select(selection)) => self.select(selection),
            Some(Message::Failed {
                role,
                generation,
                error,
            }) => self.failed(role, generation, &error),
            Some(Message::End) => return false,
            None => {}
        }
        if self.since(self.looked) >= LOOK {
            self.look();
        }
        self.check_pulse();
        self.reconcile();
        true
    }

    fn since(&self, then: Instant) -> Duration {
        self.system.now().saturating_duration_since(then)
    }

    /// Finds devices that went without a word.
    fn check_pulse(&mut self) {
        for index in 0..self.slots.len() {
            let Some(open) = &mut self.slots[index].open else {
                continue;
            };
            if open.stream.as_mut().is_some_and(Running::is_stuck) {
                let (role, generation) = (self.slots[index].role, open.generation);
                self.failed(role, generation, &ErrorKind::DeviceNotAvailable.into());
            }
        }
    }

    /// Until the next look, or the next device that has rested long enough.
    fn pause(&self) -> Duration {
        let resting = self
            .slots
            .iter()
            .filter(|slot| !slot.needed && slot.open.is_some())
            .map(|slot| LINGER.saturating_sub(self.since(slot.rests)))
            .min();
        let mut look = LOOK.saturating_sub(self.since(self.looked));
        let busy = |slot: &Slot<S::Stream>| slot.needed || slot.open.is_some();
        if self.slots.iter().any(busy) {
            look = look.min(PULSE);
        }
        resting.map_or(look, |rest| rest.min(look))
    }

    fn need(&mut self, need: Need) {
        self.need = need;
        let (twice, now) = (self.rings_twice(), self.system.now());
        if self.slots.iter().all(|slot| slot.open.is_none()) {
            self.forget();
        }
        for slot in &mut self.slots {
            let needed = match slot.role {
                DeviceRole::Microphone => need.microphone,
                DeviceRole::Speaker => need.speaker,
                DeviceRole::Ringer => need.ringer,
                DeviceRole::SecondRinger => need.ringer && twice,
            };
            if slot.needed && !needed {
                slot.rests = now;
            }
            slot.needed = needed;
        }
    }

    fn select(&mut self, selection: DeviceSelection) {
        self.selection = selection;
        let now = self.system.now();
        for slot in &mut self.slots {
            slot.retry = now;
            slot.fault = None;
        }
        // Who chooses anew may have mended what was wrong.
        self.learnt.clear();
        self.look();
        self.need(self.need);
    }

    /// A second ring device is chosen, and it is another one.
    fn rings_twice(&self) -> bool {
        let second = self.selection.second_ringer.as_ref();
        second.is_some() && self.chosen(DeviceRole::Ringer).as_ref() != second
    }

    fn look(&mut self) {
        self.looked = self.system.now();
        self.listed = self.system.look();
        let list: Vec<DeviceInfo> = self.listed.iter().map(|one| one.info.clone()).collect();
        let mut shared = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if *shared != list {
            *shared = list;
            drop(shared);
            // The same fault or none, told again: the list has changed.
            self.faults.send_modify(|_| {});
        }
    }

    fn failed(&mut self, role: DeviceRole, generation: u64, error: &Error) {
        let index = role as usize;
        let Some(open) = &self.slots[index].open else {
            return;
        };
        if open.generation != generation {
            return;
        }
        let id = open.id.clone();
        if error.kind() == ErrorKind::Xrun {
            self.make_room(index, &id);
            return;
        }
        tracing::warn!(?role, device = id, %error, "sound device failed");
        self.close(index);
        let name = self.name(&id, role);
        self.slots[index].fault = Some(format!("{name} {}", reason(error)));
        // Others may sit on the same lost device.
        self.look();
    }

    /// Opens a device that was interrupted often anew, with a larger buffer.
    fn make_room(&mut self, index: usize, id: &str) {
        let input = self.slots[index].role == DeviceRole::Microphone;
        let before = self.room(id, input);
        let Some(room) = before.larger() else {
            return;
        };
        self.learn(id, input, room);
        let (role, chunk_ms) = (self.slots[index].role, room.chunk_ms());
        tracing::warn!(?role, device = id, chunk_ms, "interrupted often");
        match self.start(index, id) {
            // Beside the running one, for the shortest gap.
            Ok(candidate) if candidate.stream.runs_within(TRIAL) => {
                self.take(index, id, candidate);
            }
            Ok(_) => {
                tracing::debug!(?role, device = id, "runs with its first buffer only");
                self.learn(id, input, before);
            }
            // It may let nobody else in.
            Err(_) => self.close(index),
        }
    }

    /// How much sound a device is to keep ready: as little as possible until it was interrupted often.
    fn room(&self, id: &str, input: bool) -> Room {
        let learnt = self.learnt.get(&(id.to_owned(), input));
        learnt.map_or_else(Room::default, |learnt| learnt.room)
    }

    /// Before devices are opened: what was learnt long ago may be over.
    fn forget(&mut self) {
        let now = self.system.now();
        for learnt in self.learnt.values_mut() {
            if now.saturating_duration_since(learnt.at) >= FORGET {
                learnt.room = learnt.room.smaller();
                learnt.at = now;
            }
        }
    }

    fn learn(&mut self, id: &str, input: bool, room: Room) {
        let at = self.system.now();
        self.learnt
            .insert((id.to_owned(), input), Learnt { room, at });
    }

    /// Makes what is open fit what is needed and chosen.
    fn reconcile(&mut self) {
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.needed {
                self.provide(index);
            } else if slot.open.is_some() && self.since(slot.rests) >= LINGER {
                self.close(index);
            } else if slot.open.is_none() {
                self.check_presence(index);
            }
        }
        self.publish();
    }

    /// Opens the chosen device, or another one meanwhile.
    fn provide(&mut self, index: usize) {
        let role = self.slots[index].role;
        let chosen = self.chosen(role);
        let current = self.slots[index].open.as_ref().map(|open| open.id.clone());
        if current.is_some() && current == chosen {
            return;
        }
        let now = self.system.now();
        if now < self.slots[index].retry {
            return;
        }
        self.slots[index].retry = now + LOOK;
        let fault = match &chosen {
            None => format!("No {} is connected", kind(role)),
            Some(id) => match self.open(index, id) {
                Ok(()) => {
                    self.slots[index].fault = None;
                    return;
                }
                Err(error) => {
                    tracing::debug!(?role, device = id, %error, "sound device not opened");
                    format!("{} {}", self.name(id, role), reason(&error))
                }
            },
        };
        if let Some(current) = current {
            // Another one works meanwhile and goes on.
            let meanwhile = self.name(&current, role);
            self.slots[index].fault = Some(sentence(role, &fault, Some(&meanwhile)));
            return;
        }
        let meanwhile = match role {
            // The first one rings in any case.
            DeviceRole::SecondRinger => None,
            _ => self.open_another(index, chosen.as_deref()),
        };
        self.slots[index].fault = Some(sentence(role, &fault, meanwhile.as_deref()));
        if meanwhile.is_none() {
            self.slots[index].retry = now + PULSE;
        }
        if meanwhile.is_none() && role == DeviceRole::Ringer {
            self.hand_over(Opened::Ringer(Ringer::WithSpeaker));
        }
    }

    /// Opens the first other device that works, and gives its name.
    fn open_another(&mut self, index: usize, chosen: Option<&str>) -> Option<String> {
        let input = self.slots[index].role == DeviceRole::Microphone;
        let others: Vec<DeviceInfo> = self
            .listed
            .iter()
            .map(|one| &one.info)
            .filter(|info| info.input == input && Some(info.id.as_str()) != chosen)
            .take(ATTEMPTS)
            .cloned()
            .collect();
        others
            .into_iter()
            .find(|info| self.open(index, &info.id).is_ok())
            .map(|info| info.name)
    }

    fn open(&mut self, index: usize, id: &str) -> Result<(), Error> {
        let role = self.slots[index].role;
        let speaker = self.slots[DeviceRole::Speaker as usize].open.as_ref();
        let rings = matches!(role, DeviceRole::Ringer | DeviceRole::SecondRinger);
        if rings && speaker.is_some_and(|speaker| speaker.id == id) {
            self.generation += 1;
            self.slots[index].open = Some(Open {
                stream: None,
                id: id.to_owned(),
                generation: self.generation,
            });
            self.hand_over(ringing(role, Ringer::WithSpeaker));
            return Ok(());
        }
        let started = self.start(index, id)?;
        self.take(index, id, started);
        Ok(())
    }

    /// Opens a device without using it yet.
    fn start(&mut self, index: usize, id: &str) -> Result<Started<S::Stream>, Error> {
        let role = self.slots[index].role;
        self.generation += 1;
        let generation = self.generation;
        let input = role == DeviceRole::Microphone;
        let (device, name) = self
            .listed
            .iter()
            .find(|one| one.info.id == id && one.info.input == input)
            .map(|one| (one.device.clone(), one.info.name.clone()))
            .ok_or(ErrorKind::DeviceNotAvailable)?;
        let room = self.room(id, input);
        let started = self.system.now();
        let messages = self.messages.clone();
        let failed = move |error: Error| {
            let _ = messages.send(Message::Failed {
                role,
                generation,
                error,
            });
        };
        let (stream, opened) = match role {
            DeviceRole::Microphone => {
                let (stream, mut capture) = self.system.open_input(&device, room, failed)?;
                capture.set_device(identity(id));
                (stream, Opened::Microphone(Some(capture)))
            }
            DeviceRole::Speaker => {
                let (stream, mut playback) = self.system.open_output(&device, room, failed)?;
                playback.set_device(identity(id), is_worn(&name));
                (stream, Opened::Speaker(Some(playback)))
            }
            DeviceRole::Ringer | DeviceRole::SecondRinger => {
                let (stream, playback) = self.system.open_output(&device, room, failed)?;
                (stream, ringing(role, Ringer::Own(playback)))
            }
        };
        let took_ms = self.since(started).as_millis() as u64;
        tracing::info!(?role, device = id, took_ms, "sound device opened");
        Ok(Started {
            stream,
            opened,
            generation,
        })
    }

    /// Uses an opened device for a role, in place of what was used before.
    fn take(&mut self, index: usize, id: &str, started: Started<S::Stream>) {
        self.hand_over(started.opened);
        self.slots[index].open = Some(Open {
            stream: Some(started.stream),
            id: id.to_owned(),
            generation: started.generation,
        });
    }

    fn close(&mut self, index: usize) {
        let role = self.slots[index].role;
        self.hand_over(match role {
            DeviceRole::Microphone => Opened::Microphone(None),
            DeviceRole::Speaker => Opened::Speaker(None),
            DeviceRole::Ringer | DeviceRole::SecondRinger => ringing(role, Ringer::Closed),
        });
        let Some(open) = self.slots[index].open.take() else {
            return;
        };
        tracing::info!(?role, device = open.id, "sound device closed");
        drop(open.stream);
        let now = self.system.now();
        self.slots[index].retry = now;
        if role != DeviceRole::Speaker {
            return;
        }
        for ringer in [DeviceRole::Ringer, DeviceRole::SecondRinger] {
            let ringer = &mut self.slots[ringer as usize];
            let shared = ringer
                .open
                .as_ref()
                .is_some_and(|open| open.stream.is_none());
            if shared {
                ringer.open = None;
                ringer.retry = now;
            }
        }
    }

    /// While a role is not in use its device is only looked up in the list.
    fn check_presence(&mut self, index: usize) {
        let role = self.slots[index].role;
        let input = role == DeviceRole::Microphone;
        let present = |id: &str| {
            let mut devices = self.listed.iter().map(|one| &one.info);
            devices.any(|info| info.input == input && info.id == id)
        };
        match self.selection.of(role) {
            Some(id) if !present(id) => {
                let fault = format!("{} is not connected", self.name(id, role));
                self.slots[index].fault = Some(sentence(role, &fault, None));
            }
            _ => {}
        }
    }

    /// The device that the agent chose, or the system's default.
    fn chosen(&self, role: DeviceRole) -> Option<String> {
        if let Some(id) = self.selection.of(role) {
            return Some(id.to_owned());
        }
        if role == DeviceRole::SecondRinger {
            return None;
        }
        let input = role == DeviceRole::Microphone;
        self.listed
            .iter()
            .find(|one| one.info.default && one.info.input == input)
            .map(|one| one.info.id.clone())
    }

    /// How the device is called in a sentence.
    fn name(&self, id: &str, role: DeviceRole) -> String {
        let known = self.listed.iter().find(|one| one.info.id == id);
        let name = known.map_or(id, |one| one.info.name.as_str());
        format!("The {} \u{201c}{name}\u{201d}", kind(role))
    }

    fn hand_over(&self, opened: Opened) {
        if self.lines.send(opened).is_err() {
            tracing::debug!("the voice thread has ended");
        }
    }

    fn publish(&self) {
        let faults: Vec<&str> = self
            .slots
            .iter()
            .filter_map(|slot| slot.fault.as_deref())
            .collect();
        let fault = (!faults.is_empty()).then(|| faults.join(" "));
        self.faults.send_if_modified(|current| {
            let changed = *current != fault;
            if changed {
                tracing::info!(fault, "sound devices");
                *current = fault;
            }
            changed
        });
    }
}

/// Tells devices apart for as long as the phone runs.
fn identity(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// Sound for a ring device.
const fn ringing(role: DeviceRole, ringer: Ringer) -> Opened {
    match role {
        DeviceRole::SecondRinger => Opened::SecondRinger(ringer),
        _ => Opened::Ringer(ringer),
    }
}

const fn kind(role: DeviceRole) -> &'static str {
    match role {
        DeviceRole::Microphone => "microphone",
        DeviceRole::Speaker => "speaker",
        DeviceRole::Ringer | DeviceRole::SecondRinger => "ring device",
    }
}

/// Which device, why, what happens meanwhile, what to do.
fn sentence(role: DeviceRole, fault: &str, meanwhile: Option<&str>) -> String {
    let meanwhile = match (meanwhile, role) {
        (Some(other), _) => format!("“{other}” is used meanwhile"),
        (None, DeviceRole::Microphone) => "the customer cannot hear you".to_owned(),
        (None, DeviceRole::Speaker) => "you cannot hear the customer".to_owned(),
        (None, DeviceRole::Ringer) => "it rings in the speaker".to_owned(),
        (None, DeviceRole::SecondRinger) => "it rings in the other ring device only".to_owned(),
    };
    format!(
        "{fault}; {meanwhile}. Connect it or choose another {}.",
        kind(role)
    )
}

fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
            "is not connected any more".to_owned()
        }
        ErrorKind::DeviceBusy => "is in use by another program".to_owned(),
        ErrorKind::PermissionDenied => {
            "may not be used: allow it in the system's privacy settings".to_owned()
        }
        ErrorKind::HostUnavailable => {
            "cannot be reached because the sound system does not run".to_owned()
        }
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => {
            "offers no sound format that can be used".to_owned()
        }
        _ => "does not answer".to_owned(),
    }
}

#[cfg(test)]
mod tests;
