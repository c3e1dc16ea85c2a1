use serde_json::Value;

use super::fields::{Fields, plain, scalar_text};
use crate::{Affiliation, QueueName};

pub(super) const TEAMS: &str = "teams";
pub(super) const PROFILE: &str = "profile";
pub(super) const QUEUES: &str = "queues";
pub(super) const AI_BOT: &str = "aiBot";

/// What the agent belongs to; an entry without a name is reported and left out.
pub(super) fn read(fields: &mut Fields<'_>) -> Affiliation {
    Affiliation {
        teams: list(fields, TEAMS, "a list of teams with a name", name_of),
        profile: one(fields, PROFILE, "a profile with a name"),
        queues: list(
            fields,
            QUEUES,
            "a list of queues with channel and name",
            |item| {
                Some(QueueName {
                    channel: item
                        .get("channel")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned(),
                    name: name_of(item)?,
                })
            },
        ),
        ai_bot: one(fields, AI_BOT, "an assistant with a name"),
    }
}

/// The server's names of what differs.
pub(crate) fn differences(one: &Affiliation, other: &Affiliation) -> Vec<String> {
    let rows = [
        (TEAMS, one.teams != other.teams),
        (PROFILE, one.profile != other.profile),
        (QUEUES, one.queues != other.queues),
        (AI_BOT, one.ai_bot != other.ai_bot),
    ];
    let changed = rows.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(field, _)| field.to_owned()).collect()
}

fn one(fields: &mut Fields<'_>, field: &'static str, allowed: &'static str) -> Option<String> {
    let value = fields.get(field)?;
    if value.as_str().is_some_and(str::is_empty) {
        return None;
    }
    let name = name_of(value);
    if name.is_none() {
        fields.fault(field, plain(value), allowed);
    }
    name
}

fn list<T>(
    fields: &mut Fields<'_>,
    field: &'static str,
    allowed: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Vec<T> {
    let Some(value) = fields.get(field) else {
        return Vec::new();
    };
    let Some(items) = value.as_array() else {
        fields.fault(field, plain(value), allowed);
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        match read(item) {
            Some(item) => found.push(item),
            None => fields.fault(field, plain(item), allowed),
        }
    }
    found
}

/// The name in `{name}`, or a bare one.
fn name_of(item: &Value) -> Option<String> {
    let name = match item {
        Value::Object(object) => object.get("name").and_then(scalar_text),
        other => scalar_text(other),
    };
    name.filter(|name| !name.trim().is_empty())
}
