//! Where an agent belongs: teams, profile, queues of other channels, assistant. The phone only shows it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::presence::OTHER_CHANNELS;
use crate::problem::Problem;

/// The fields, which are none of the phone's settings.
pub(super) const FIELDS: [&str; 4] = ["teams", "profile", "queues", "aiBot"];

/// Checks the changed ones and brings them into their one form.
pub(super) fn check(
    document: &mut Map<String, Value>,
    changed: &BTreeSet<String>,
) -> Result<(), Problem> {
    for field in FIELDS.into_iter().filter(|field| changed.contains(*field)) {
        let given = document.remove(field).unwrap_or_default();
        let read = match field {
            "teams" => names(&given),
            "queues" => queues(&given),
            _ => Some(name(&given).map_or(Value::Null, Value::String)),
        };
        let Some(read) = read else {
            return Err(Problem::invalid_setting().because(format!(
                "{field}: {given} cannot be used; allowed: {}.",
                match field {
                    "teams" => "a list of names of 1 to 80 letters",
                    _ => "a list such as [\"chat: web\"], with the channels of other than voice",
                }
            )));
        };
        document.insert(field.to_owned(), read);
    }
    Ok(())
}

/// A name, or an object with one.
fn name(value: &Value) -> Option<String> {
    let text = value.get("name").unwrap_or(value).as_str()?.trim();
    let good = (1..=80).contains(&text.chars().count()) && !text.contains(char::is_control);
    good.then(|| text.to_owned())
}

fn names(value: &Value) -> Option<Value> {
    match value {
        Value::Null => Some(json!([])),
        Value::Array(list) => list
            .iter()
            .map(name)
            .collect::<Option<Vec<_>>>()
            .map(|l| json!(l)),
        _ => None,
    }
}

/// Objects `{channel, name}`, or texts `channel: name`.
fn queues(value: &Value) -> Option<Value> {
    let one = |value: &Value| {
        let (channel, queue) = match value {
            Value::String(text) => {
                let (channel, queue) = text.split_once(':')?;
                (channel.trim().to_owned(), name(&json!(queue))?)
            }
            object => (object.get("channel")?.as_str()?.to_owned(), name(object)?),
        };
        OTHER_CHANNELS
            .contains(&channel.as_str())
            .then(|| json!({"channel": channel, "name": queue}))
    };
    match value {
        Value::Null => Some(json!([])),
        Value::Array(list) => list
            .iter()
            .map(one)
            .collect::<Option<Vec<_>>>()
            .map(|l| json!(l)),
        _ => None,
    }
}
