use serde_json::{Map, Value};
use sidetone_profile::wire::{self, FieldKind, PageField};
use sidetone_profile::{CHANGEABLE, Layer, Profile};

use crate::{SettingGroup, SettingRow, SettingValue};

/// Every setting of a profile, who set it, and whether the agent may change it.
pub(super) fn groups(profile: &Profile) -> Vec<SettingGroup> {
    let mut values = wire::write(profile);
    let belongs = &profile.affiliation;
    let queues: Vec<_> = belongs.queues.iter().map(ToString::to_string).collect();
    // Read-only lists, which are no settings of the agent and so are not written.
    for (field, value) in [
        ("teams", Value::from(belongs.teams.clone())),
        ("profile", Value::from(belongs.profile.clone())),
        ("queues", Value::from(queues)),
        ("aiBot", Value::from(belongs.ai_bot.clone())),
    ] {
        values.insert(field.to_owned(), value);
    }
    let groups = wire::PAGE.iter().map(|group| SettingGroup {
        key: group.key.to_owned(),
        rows: group
            .fields
            .iter()
            .map(|field| row(profile, &values, field))
            .collect(),
    });
    groups.collect()
}

/// The agent may change this field now.
pub(super) fn changeable(profile: &Profile, field: &str) -> bool {
    profile.webrtc.enable_settings
        && CHANGEABLE.contains(&field)
        && profile.sources.of(field) != Layer::Policy
}

fn row(profile: &Profile, values: &Map<String, Value>, field: &PageField) -> SettingRow {
    SettingRow {
        field: field.field.to_owned(),
        value: shown(field.kind, values.get(field.field).unwrap_or(&Value::Null)),
        layer: profile.sources.of(field.field),
        changeable: changeable(profile, field.field),
    }
}

fn shown(kind: FieldKind, value: &Value) -> SettingValue {
    let text = || match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match kind {
        FieldKind::Text => SettingValue::Text(text()),
        FieldKind::Flag => SettingValue::Flag(*value == Value::Bool(true) || text() == "yes"),
        FieldKind::Number => SettingValue::Number(value.as_u64().unwrap_or_default()),
        FieldKind::Seconds => SettingValue::Seconds(value.as_u64().unwrap_or_default()),
        FieldKind::Choice(among) => SettingValue::Choice {
            chosen: text(),
            among: among.iter().map(|word| (*word).to_owned()).collect(),
        },
        FieldKind::List => {
            let items = value.as_array().into_iter().flatten();
            let texts = items.filter_map(Value::as_str).map(str::to_owned);
            SettingValue::List(texts.collect())
        }
        FieldKind::Moment => SettingValue::Moment(text()),
    }
}
