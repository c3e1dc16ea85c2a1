use serde_json::{Value, json};

use super::fields::{Fields, plain};
use crate::{Codec, Voice};

const ALLOWED: &str = "a list of ulaw, alaw, gsm, g722, g729, opus";
const NEEDED: &str = "at least one of ulaw, alaw, gsm, g722, opus";
/// What a server that names no codecs at all gets: the two kinds that every counterpart has.
const DEFAULT: [Codec; 3] = [Codec::Opus, Codec::Ulaw, Codec::Alaw];

/// The codecs to offer, in the server's order, and the ones that it allows but that cannot be used here.
pub(super) fn read(fields: &mut Fields<'_>, field: &'static str) -> (Vec<Codec>, Vec<Codec>) {
    let Some(value) = fields.get(field) else {
        return (DEFAULT.to_vec(), Vec::new());
    };
    let mut usable = Vec::new();
    let mut left_out = Vec::new();
    for name in names(value) {
        let known = Codec::ALL
            .into_iter()
            .find(|codec| codec.wire_name().eq_ignore_ascii_case(&name));
        match known {
            Some(Codec::G729) if !left_out.contains(&Codec::G729) => left_out.push(Codec::G729),
            Some(codec) if codec != Codec::G729 && !usable.contains(&codec) => usable.push(codec),
            Some(_) => {}
            None => fields.fault(field, name, ALLOWED),
        }
    }
    if usable.is_empty() {
        fields.fault(field, plain(value), NEEDED);
    }
    (usable, left_out)
}

/// The inverse of [`read`]; what cannot be used stands at the end.
pub(super) fn write(voice: &Voice) -> Value {
    let names: Vec<_> = voice
        .codecs
        .iter()
        .chain(&voice.codecs_left_out)
        .map(|codec| codec.wire_name())
        .collect();
    json!(names)
}

/// Names in an array, or in text separated as Asterisk's files and Motion's forms do.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(names_of_item).collect(),
        Value::String(text) => split(text),
        other => vec![other.to_string()],
    }
}

fn names_of_item(item: &Value) -> Vec<String> {
    match item {
        Value::String(text) => split(text),
        other => vec![other.to_string()],
    }
}

fn split(text: &str) -> Vec<String> {
    text.split([',', ';', '&', '|', ' '])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
