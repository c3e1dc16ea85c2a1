use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{Fields, plain, scalar_text};

const ALLOWED: &str = "numbers and ranges from 0 to 63, such as 1,3-5";
const HIGHEST: u8 = 63;

/// Call or pickup groups: `"1,3-5"`, `4`, or a list of those; sorted, each once.
pub(super) fn read(fields: &mut Fields<'_>, field: &'static str) -> Vec<u8> {
    let Some(value) = fields.get(field) else {
        return Vec::new();
    };
    let items = match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut groups = BTreeSet::new();
    for item in items {
        let Some(text) = scalar_text(item) else {
            fields.fault(field, plain(item), ALLOWED);
            continue;
        };
        for part in text.split([',', ';', '&']).map(str::trim) {
            if part.is_empty() {
                continue;
            }
            match range(part) {
                Some(range) => groups.extend(range),
                None => fields.fault(field, part, ALLOWED),
            }
        }
    }
    groups.into_iter().collect()
}

/// The inverse of [`read`].
pub(super) fn write(groups: &[u8]) -> Value {
    let numbers: Vec<_> = groups.iter().map(u8::to_string).collect();
    json!(numbers.join(","))
}

fn range(part: &str) -> Option<std::ops::RangeInclusive<u8>> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let first: u8 = first.trim().parse().ok()?;
    let last: u8 = last.trim().parse().ok()?;
    (first <= last && last <= HIGHEST).then_some(first..=last)
}
