//! Whether an agent is logged in and paused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock;

/// The channels besides voice, by their names on the wire.
pub(crate) const OTHER_CHANNELS: [&str; 6] =
    ["chat", "email", "sms", "openchannel", "fax", "whatsapp"];

/// The pause reason of an agent that logs in paused.
pub(crate) const LOGIN_PAUSE: &str = "Login";

/// Presence of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Presence {
    pub(crate) online_since: Option<OffsetDateTime>,
    pub(crate) pause: Option<Pause>,
    /// Partial pauses by channel, `voice` among them.
    pub(crate) partial: BTreeMap<&'static str, Pause>,
}

/// A pause with its reason and start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pause {
    pub(crate) reason: String,
    pub(crate) since: OffsetDateTime,
}

impl Presence {
    pub(crate) fn online(&self) -> bool {
        self.online_since.is_some()
    }

    /// Whether queues must not ring the agent.
    pub(crate) fn voice_paused(&self) -> bool {
        self.pause.is_some() || self.partial.contains_key("voice")
    }

    pub(crate) fn log_in(&mut self, paused: bool) {
        if self.online() {
            return;
        }
        let now = clock::now();
        self.online_since = Some(now);
        if paused {
            self.pause = Some(Pause {
                reason: LOGIN_PAUSE.to_owned(),
                since: now,
            });
        }
    }

    pub(crate) fn log_out(&mut self) {
        *self = Self::default();
    }

    /// Pauses everything, or one channel. Another reason goes on from now.
    pub(crate) fn pause(&mut self, channel: Option<&'static str>, reason: &str) {
        let pause = Pause {
            reason: reason.to_owned(),
            since: clock::now(),
        };
        match channel {
            Some(channel)
                if self
                    .partial
                    .get(channel)
                    .is_some_and(|p| p.reason == reason) => {}
            Some(channel) => {
                self.partial.insert(channel, pause);
            }
            None if self.pause.as_ref().is_some_and(|p| p.reason == reason) => {}
            None => self.pause = Some(pause),
        }
    }

    /// Ends the pause and every partial one, or the one of a channel.
    pub(crate) fn unpause(&mut self, channel: Option<&str>) {
        match channel {
            Some(channel) => {
                self.partial.remove(channel);
            }
            None => {
                self.pause = None;
                self.partial.clear();
            }
        }
    }

    /// The presence object of the contract.
    pub(crate) fn document(&self) -> Value {
        let channels: serde_json::Map<String, Value> = std::iter::once("voice")
            .chain(OTHER_CHANNELS)
            .map(|channel| {
                let pause = self.partial.get(channel).or(self.pause.as_ref());
                let state = json!({
                    "paused": pause.is_some(),
                    "pauseReason": pause.map(|p| &p.reason),
                    "pausedSince": pause.map(|p| clock::text(p.since)),
                });
                (channel.to_owned(), state)
            })
            .collect();
        json!({
            "online": self.online(),
            "paused": self.pause.is_some(),
            "pauseReason": self.pause.as_ref().map(|p| &p.reason),
            "onlineSince": self.online_since.map(clock::text),
            "pausedSince": self.pause.as_ref().map(|p| clock::text(p.since)),
            "serverTime": clock::now_text(),
            "channels": channels,
        })
    }
}

/// The channel of that name, as a constant.
pub(crate) fn channel_named(name: &str) -> Option<&'static str> {
    std::iter::once("voice")
        .chain(OTHER_CHANNELS)
        .find(|channel| *channel == name)
}
