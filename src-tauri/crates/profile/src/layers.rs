use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Profile;
use crate::wire::{FieldError, WireError};

/// Who set a value of the profile; the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// IT, by a policy on this machine: nobody else can change it.
    Policy,
    /// The contact-centre server.
    Server,
    /// The agent, where Enable Settings allows it.
    Agent,
    /// Nobody: the value that holds without one.
    Default,
}

/// Which layer each field of a profile comes from, by the server's field name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Layer>);

impl Sources {
    /// The layer of a field; one that nobody named holds by default.
    #[must_use]
    pub fn of(&self, field: &str) -> Layer {
        self.0.get(field).copied().unwrap_or(Layer::Default)
    }
}

/// The documents that a profile is made of, each with the server's field names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layers {
    /// Fixed by IT.
    pub policy: Map<String, Value>,
    /// As the server last said it.
    pub server: Map<String, Value>,
    /// Chosen by the agent; only fields of [`CHANGEABLE`] count, and only where Enable Settings allows.
    pub own: Map<String, Value>,
}

/// The fields that an agent may change when Enable Settings is on.
pub const CHANGEABLE: &[&str] = &[
    "callerid",
    "phoneBarAutoAnswer",
    "phoneBarAutoAnswerDelay",
    "phoneBarAutoAnswerNotification",
    "phoneBarEnableDtmfTone",
    "phoneBarUnansweredCallBadge",
    "phoneBarEnableJaws",
    "notificationPosition",
];

impl Layers {
    /// The profile that holds, with its sources and the fields that could not be used.
    ///
    /// The agent's own choice of a changeable field counts over the server's while Enable Settings is on (the
    /// server's value is then what holds until the agent chooses), and never over a policy.
    ///
    /// # Errors
    /// [`WireError`] when the server's document is of no use at all.
    pub fn resolve(&self) -> Result<(Profile, Vec<FieldError>), WireError> {
        let mut merged = self.server.clone();
        let mut sources: BTreeMap<String, Layer> = self
            .server
            .keys()
            .map(|field| (field.clone(), Layer::Server))
            .collect();
        for (field, value) in &self.policy {
            merged.insert(field.clone(), value.clone());
            sources.insert(field.clone(), Layer::Policy);
        }
        let (allowed, _) = crate::wire::read(&Value::Object(merged.clone()))?;
        if allowed.webrtc.enable_settings {
            for field in CHANGEABLE {
                if let Some(value) = self.own.get(*field)
                    && sources.get(*field) != Some(&Layer::Policy)
                {
                    merged.insert((*field).to_owned(), value.clone());
                    sources.insert((*field).to_owned(), Layer::Agent);
                }
            }
        }
        let (mut profile, faults) = crate::wire::read(&Value::Object(merged))?;
        profile.sources = Sources(sources);
        Ok((profile, faults))
    }
}
