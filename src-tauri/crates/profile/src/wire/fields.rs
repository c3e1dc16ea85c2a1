use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::FieldError;
use crate::{Host, MaskLevel, Masking};

/// Reads one field at a time from the server's object and collects what could not be used.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    faults: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            faults: Vec::new(),
        }
    }

    pub(super) fn into_faults(self) -> Vec<FieldError> {
        self.faults
    }

    /// A value that is there and not `null`.
    pub(super) fn get(&self, field: &'static str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// Notes that a value cannot be used.
    pub(super) fn fault(
        &mut self,
        field: &'static str,
        value: impl Into<String>,
        allowed: &'static str,
    ) {
        self.faults.push(FieldError {
            field,
            value: shortened(&value.into()),
            allowed,
        });
    }

    /// Text or a number; a missing field is empty.
    pub(super) fn text(&mut self, field: &'static str) -> String {
        let Some(value) = self.get(field) else {
            return String::new();
        };
        scalar_text(value).unwrap_or_else(|| {
            self.fault(field, value.to_string(), "text");
            String::new()
        })
    }

    /// Text that is not empty.
    pub(super) fn optional_text(&mut self, field: &'static str) -> Option<String> {
        Some(self.text(field)).filter(|text| !text.is_empty())
    }

    /// Text that goes into a SIP address: a blank or a control character would break out of it.
    pub(super) fn address(&mut self, field: &'static str, allowed: &'static str) -> Option<String> {
        let value = self.get(field)?;
        let text = scalar_text(value).map(|text| text.trim().to_owned());
        match text {
            Some(text) if text.is_empty() => None,
            Some(text) if !text.contains(breaks_address) => Some(text),
            _ => {
                self.fault(field, plain(value), allowed);
                None
            }
        }
    }

    /// `true`, `1`, `"yes"`, `"on"` and their opposites; a missing field is `false`.
    pub(super) fn flag(&mut self, field: &'static str) -> bool {
        let Some(value) = self.get(field) else {
            return false;
        };
        flag_of(value).unwrap_or_else(|| {
            self.fault(field, plain(value), "true or false");
            false
        })
    }

    /// How much of customers' data is masked: `all` is the switch, the others say it for one kind of value.
    pub(super) fn masking(
        &mut self,
        all: &'static str,
        name: &'static str,
        email: &'static str,
        number: &'static str,
    ) -> Masking {
        let every = self.mask_level(all).unwrap_or_default();
        if every == MaskLevel::Off {
            return Masking::default();
        }
        Masking {
            name: self.mask_level(name).unwrap_or(every),
            email: self.mask_level(email).unwrap_or(every),
            number: self.mask_level(number).unwrap_or(every),
        }
    }

    fn mask_level(&mut self, field: &'static str) -> Option<MaskLevel> {
        let value = self.get(field).filter(|value| !is_blank(value))?;
        if let Some(flag) = flag_of(value) {
            return Some(if flag {
                MaskLevel::Full
            } else {
                MaskLevel::Off
            });
        }
        match value.as_str().map(normal).as_deref() {
            Some("partial") => Some(MaskLevel::Partial),
            Some("full") => Some(MaskLevel::Full),
            Some("none") => Some(MaskLevel::Off),
            // What cannot be understood must not uncover anybody's number.
            _ => {
                self.fault(field, plain(value), "true, false, off, partial or full");
                Some(MaskLevel::Full)
            }
        }
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &mut self,
        field: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
        allowed: &'static str,
    ) -> u32 {
        let Some(value) = self.get(field).filter(|value| !is_blank(value)) else {
            return default;
        };
        let number = whole_of(value).and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                self.fault(field, plain(value), allowed);
                default
            }
        }
    }

    /// A delay in seconds, at most an hour.
    pub(super) fn delay(&mut self, field: &'static str) -> u32 {
        self.whole(field, 0..=3600, 0, "seconds, a whole number from 0 to 3600")
    }

    /// A port.
    pub(super) fn port(&mut self, field: &'static str, default: u16) -> u16 {
        let port = self.whole(
            field,
            1..=u32::from(u16::MAX),
            u32::from(default),
            "a port from 1 to 65535",
        );
        u16::try_from(port).unwrap_or(default)
    }

    /// The server's identifier; 0 where there is none, as in a profile file.
    pub(super) fn id(&mut self, field: &'static str) -> i64 {
        let Some(value) = self.get(field) else {
            return 0;
        };
        whole_of(value).unwrap_or_else(|| {
            self.fault(field, plain(value), "a whole number");
            0
        })
    }

    /// One word of a table, whatever its case; a missing or empty field is the type's default.
    pub(super) fn choice<T: Copy + Default>(
        &mut self,
        field: &'static str,
        table: &[(&'static str, T)],
        allowed: &'static str,
    ) -> T {
        let Some(value) = self.get(field).filter(|value| !is_blank(value)) else {
            return T::default();
        };
        // Some servers write `yes` and `no` as JSON booleans.
        let word = match value {
            Value::Bool(true) => Some("yes".to_owned()),
            Value::Bool(false) => Some("no".to_owned()),
            _ => value.as_str().map(normal),
        };
        let found = word.and_then(|word| table.iter().find(|(name, _)| *name == word));
        if let Some((_, known)) = found {
            return *known;
        }
        self.fault(field, plain(value), allowed);
        T::default()
    }

    /// `dynamic` or an IP address.
    pub(super) fn host(&mut self, field: &'static str) -> Host {
        let Some(value) = self.get(field).filter(|value| !is_blank(value)) else {
            return Host::Dynamic;
        };
        let word = value.as_str().map(normal).unwrap_or_default();
        if word == "dynamic" {
            return Host::Dynamic;
        }
        word.parse().map_or_else(
            |_| {
                self.fault(field, plain(value), "dynamic or an IP address");
                Host::Dynamic
            },
            Host::Fixed,
        )
    }

    /// A moment, kept as the server wrote it (RFC 3339, or with a blank for the `T`).
    pub(super) fn moment(&mut self, field: &'static str) -> Option<String> {
        let value = self.get(field).filter(|value| !is_blank(value))?;
        match value.as_str() {
            Some(text) if looks_like_moment(text) => Some(text.to_owned()),
            _ => {
                self.fault(field, plain(value), "a time such as 2026-01-31T09:30:00Z");
                None
            }
        }
    }
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Text of a string or a number.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A value as a reader would write it: text without its quotes.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "empty text".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn flag_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(_) => match whole_of(value) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match normal(text).as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn whole_of(value: &Value) -> Option<i64> {
    match value {
        // `5.0` is what some serialisers make of 5.
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and below 2^53: exact as i64"
            )]
            exact.then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn normal(text: &str) -> String {
    text.trim().to_lowercase()
}

fn breaks_address(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"')
}

fn looks_like_moment(text: &str) -> bool {
    text.len() <= 40
        && text.len() >= 19
        && text
            .bytes()
            .zip(*b"0000-00-00 00:00:00")
            .all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b' ' => matches!(byte, b'T' | b't' | b' '),
                separator => byte == separator,
            })
        && text.bytes().skip(19).all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b'Z' | b'z' | b'+' | b'-' | b':')
        })
}

/// At most 60 characters, none of them a control character: it goes on a screen and into a log.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = value
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect();
    if value.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
