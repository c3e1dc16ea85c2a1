//! Sound cards: which there are, which are open, and what is done when one goes.
//!
//! Opening, closing and listing happen on a thread of their own, so that the voice never waits for a sound
//! system. The streams' callbacks touch nothing but a ring and a few atomics.

mod keeper;
mod line;
mod list;
mod stream;
mod system;

pub(crate) use line::{Capture, Playback};

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use tokio::sync::watch;

use crate::MediaError;
use crate::voice::Need;
use keeper::{Keeper, Message};
use system::Cards;

/// Which devices to use; `None` follows the system's default. Values are [`DeviceInfo::id`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceSelection {
    /// Microphone.
    pub microphone: Option<String>,
    /// Where the customer is heard.
    pub speaker: Option<String>,
    /// Where it rings.
    pub ringer: Option<String>,
    /// Where it rings as well; `None` is nowhere else.
    pub second_ringer: Option<String>,
}

impl DeviceSelection {
    fn of(&self, role: DeviceRole) -> Option<&str> {
        match role {
            DeviceRole::Microphone => self.microphone.as_deref(),
            DeviceRole::Speaker => self.speaker.as_deref(),
            DeviceRole::Ringer => self.ringer.as_deref(),
            DeviceRole::SecondRinger => self.second_ringer.as_deref(),
        }
    }
}

/// A role of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceRole {
    /// Microphone.
    Microphone,
    /// Where the customer is heard.
    Speaker,
    /// Where it rings.
    Ringer,
    /// Where it rings as well.
    SecondRinger,
}

/// A device that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Stable over re-plugging, as far as the system allows.
    pub id: String,
    /// Shown to the agent.
    pub name: String,
    /// Input (microphone) or output.
    pub input: bool,
    /// The system's default of its kind.
    pub default: bool,
}

/// What the device thread hands to the voice; an empty one was closed.
#[derive(Debug)]
pub(crate) enum Opened {
    Microphone(Option<Capture>),
    Speaker(Option<Playback>),
    Ringer(Ringer),
    SecondRinger(Ringer),
}

/// Where the ringtone goes.
#[derive(Debug)]
pub(crate) enum Ringer {
    /// Nowhere yet.
    Closed,
    /// To the speaker's device, which is the same, or the only one that works.
    WithSpeaker,
    /// To a device of its own.
    Own(Playback),
}

/// Tells the device thread what is wanted.
#[derive(Clone, Debug)]
pub(crate) struct DeviceControl {
    messages: mpsc::Sender<Message>,
    list: Arc<Mutex<Vec<DeviceInfo>>>,
}

impl DeviceControl {
    /// Changes the devices.
    pub(crate) fn select(&self, selection: DeviceSelection) {
        self.send(Message::Select(selection));
    }

    /// Says which roles are in use.
    pub(crate) fn need(&self, need: Need) {
        self.send(Message::Need(need));
    }

    /// Ends the device thread and closes everything.
    pub(crate) fn end(&self) {
        self.send(Message::End);
    }

    /// Devices as of the last look, at most two seconds ago.
    pub(crate) fn list(&self) -> Vec<DeviceInfo> {
        self.list
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn send(&self, message: Message) {
        if self.messages.send(message).is_err() {
            tracing::debug!("the device thread has ended");
        }
    }
}

/// Starts the device thread.
///
/// # Errors
/// [`MediaError::Device`] when the system gives no thread.
pub(crate) fn start(
    selection: DeviceSelection,
    faults: watch::Sender<Option<String>>,
) -> Result<(DeviceControl, mpsc::Receiver<Opened>), MediaError> {
    let (messages, inbox) = mpsc::channel();
    let (lines, opened) = mpsc::channel();
    let list = Arc::new(Mutex::new(Vec::new()));
    let control = DeviceControl {
        messages: messages.clone(),
        list: Arc::clone(&list),
    };
    let (ready, looked) = mpsc::channel();
    thread::Builder::new()
        .name("voice-devices".to_owned())
        .spawn(move || {
            let mut keeper = Keeper::new(Cards::new(), selection, messages, lines, faults, list);
            // The receiver may have stopped waiting.
            let _ = ready.send(());
            keeper.run(&inbox);
        })
        .map_err(|e| MediaError::Device {
            device: "The sound system".to_owned(),
            fault: format!("the device thread could not be started: {e}"),
        })?;
    // The list should be there when the first picker opens, but a sound system that hangs must not stop the phone.
    let _ = looked.recv_timeout(std::time::Duration::from_millis(500));
    Ok((control, opened))
}
