use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Profile;
use crate::wire::{self, FieldError, WireError};

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
    /// server's value is then what holds until the agent chooses), and never over a policy. A value that cannot be
    /// used is reported, and the next layer's holds instead; only what a policy hides or allows stays as far as it
    /// can be understood, so that a slip of IT's pen uncovers nobody's number.
    ///
    /// # Errors
    /// [`WireError`] when the server's document is of no use at all.
    pub fn resolve(&self) -> Result<(Profile, Vec<FieldError>), WireError> {
        let mut merged = self.server.clone();
        let mut sources: BTreeMap<String, Layer> = self
            .server
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(field, _)| (field.clone(), Layer::Server))
            .collect();
        let mut faults = Vec::new();
        for (field, value) in self.policy.iter().filter(|(_, value)| !value.is_null()) {
            let wrong = Self::check(field, value);
            if wrong.is_empty() || wire::KEPT_THOUGH_WRONG.contains(&field.as_str()) {
                merged.insert(field.clone(), value.clone());
                sources.insert(field.clone(), Layer::Policy);
            } else {
                faults.extend(wrong);
            }
        }
        let (allowed, _) = wire::read(&Value::Object(merged.clone()))?;
        for field in CHANGEABLE {
            let Some(value) = self.own.get(*field).filter(|value| !value.is_null()) else {
                continue;
            };
            if !allowed.webrtc.enable_settings || sources.get(*field) == Some(&Layer::Policy) {
                continue;
            }
            let wrong = Self::check(field, value);
            if wrong.is_empty() {
                merged.insert((*field).to_owned(), value.clone());
                sources.insert((*field).to_owned(), Layer::Agent);
            } else {
                faults.extend(wrong);
            }
        }
        let (mut profile, wrong) = wire::read(&Value::Object(merged))?;
        for fault in &wrong {
            // A list of which a part could be used still comes from whoever wrote it.
            if !wire::KEPT_THOUGH_WRONG.contains(&fault.field) {
                sources.remove(fault.field);
            }
        }
        faults.extend(wrong);
        profile.sources = Sources(sources);
        Ok((profile, faults))
    }

    /// What is wrong with one value of a field; nothing, when it can be used.
    #[must_use]
    pub fn check(field: &str, value: &Value) -> Vec<FieldError> {
        let mut document = Map::new();
        document.insert(wire::NAME.to_owned(), Value::from("-"));
        document.insert(field.to_owned(), value.clone());
        match wire::read(&Value::Object(document)) {
            Ok((_, faults)) => faults
                .into_iter()
                .filter(|fault| fault.field == field)
                .collect(),
            Err(_) => Vec::new(),
        }
    }
}
