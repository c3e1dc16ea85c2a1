use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::bad;
use crate::fault::Fault;

/// A field of a row without which the row is of no use; it does not say what stood there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is missing or not {allowed}")]
pub struct BadField {
    /// The server's field name.
    pub field: &'static str,
    /// What is allowed there, in words.
    pub allowed: &'static str,
}

/// What a list is made of.
pub(crate) trait Row: Sized {
    /// Reads one row.
    fn read(fields: Fields<'_>) -> Result<Self, BadField>;
}

/// Reads a list, `{count, rows}` or a bare array; a row that cannot be used is left out.
pub(crate) fn rows<T: Row>(job: &'static str, document: &Value) -> Result<Vec<T>, Fault> {
    let list = match document {
        Value::Array(rows) => rows.as_slice(),
        Value::Object(fields) => match fields.get("rows") {
            Some(Value::Array(rows)) => rows.as_slice(),
            None | Some(Value::Null) => &[],
            Some(_) => return Err(bad(job, "rows is not a list")),
        },
        _ => return Err(bad(job, "neither a list nor an object with rows")),
    };
    let mut read = Vec::with_capacity(list.len());
    for (index, row) in list.iter().enumerate() {
        match row.as_object().map(|fields| T::read(Fields(fields))) {
            Some(Ok(row)) => read.push(row),
            Some(Err(fault)) => {
                tracing::warn!(job, row = index + 1, %fault, "a row was left out");
            }
            None => tracing::warn!(job, row = index + 1, "a row is not an object"),
        }
    }
    Ok(read)
}

/// One row's fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// A field that is there and not `null`.
    pub(crate) fn get(self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// An identifier, text or number, as text.
    pub(crate) fn id(self, field: &'static str) -> Result<String, BadField> {
        self.get(field)
            .and_then(scalar)
            .filter(|id| !id.is_empty())
            .ok_or(BadField {
                field,
                allowed: "text or a number",
            })
    }

    /// An identifier that is a number.
    pub(crate) fn number_id(self, field: &'static str) -> Result<i64, BadField> {
        let value = self.get(field);
        value
            .and_then(Value::as_i64)
            .or_else(|| value?.as_str()?.trim().parse().ok())
            .ok_or(BadField {
                field,
                allowed: "a whole number",
            })
    }

    /// Text or a number as text; anything else is empty.
    pub(crate) fn text(self, field: &str) -> String {
        self.get(field).and_then(scalar).unwrap_or_default()
    }

    /// Text that is not empty.
    pub(crate) fn optional_text(self, field: &str) -> Option<String> {
        Some(self.text(field)).filter(|text| !text.is_empty())
    }

    /// `true`, `1`, `"yes"` …; anything else is `false`.
    pub(crate) fn flag(self, field: &str) -> bool {
        self.get(field).and_then(flag).unwrap_or_default()
    }

    /// A whole number.
    pub(crate) fn number(self, field: &str) -> Option<u32> {
        number(self.get(field)?)
    }

    /// A time (RFC 3339), in milliseconds since 1970.
    pub(crate) fn time_ms(self, field: &str) -> Option<u64> {
        let at = OffsetDateTime::parse(self.get(field)?.as_str()?, &Rfc3339).ok()?;
        u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
    }
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
