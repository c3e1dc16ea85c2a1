//! What waits for an agent: callbacks, preview calls, interactions of other channels.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::presence::OTHER_CHANNELS;
use crate::problem::Problem;
use crate::store::{Item, Strategy};

/// One of the three lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Callbacks,
    Previews,
    Interactions,
}

/// How a field is checked.
#[derive(Clone, Copy)]
enum Field {
    Text,
    Number,
    Moment,
    Channel,
    Strategy,
    Flag,
    WebAddress,
}

type Rule = (&'static str, bool, Field);

const CALLBACK: &[Rule] = &[
    ("name", true, Field::Text),
    ("number", true, Field::Number),
    ("queue", false, Field::Text),
    ("dueAt", false, Field::Moment),
    ("note", false, Field::Text),
];
const PREVIEW: &[Rule] = &[
    ("name", true, Field::Text),
    ("number", true, Field::Number),
    ("campaign", false, Field::Text),
];
const INTERACTION: &[Rule] = &[
    ("channel", true, Field::Channel),
    ("from", true, Field::Text),
    ("offered", false, Field::Flag),
    ("queue", false, Field::Text),
    ("strategy", false, Field::Strategy),
    ("address", false, Field::WebAddress),
    // The same interaction, offered to several agents.
    ("group", false, Field::Text),
];

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Callbacks, Self::Previews, Self::Interactions];

    /// Its name in addresses and events.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Callbacks => "callbacks",
            Self::Previews => "previews",
            Self::Interactions => "interactions",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    const fn rules(self) -> &'static [Rule] {
        match self {
            Self::Callbacks => CALLBACK,
            Self::Previews => PREVIEW,
            Self::Interactions => INTERACTION,
        }
    }

    /// A new item as an administrator writes it.
    pub(crate) fn read(self, wanted: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        let invalid = |field: &str, sentence: &str| {
            Problem::invalid_item().because(format!("{field}: {sentence}."))
        };
        let mut document = Map::new();
        for (field, value) in wanted {
            let Some((name, _, rule)) = self.rules().iter().find(|(name, ..)| *name == field)
            else {
                return Err(invalid(&field, "this is not one of the fields"));
            };
            if value.is_null() || value == "" {
                continue;
            }
            rule.check(&value)
                .map_err(|sentence| invalid(name, sentence))?;
            document.insert(field, value);
        }
        if let Some((missing, ..)) = self
            .rules()
            .iter()
            .find(|(name, needed, _)| *needed && !document.contains_key(*name))
        {
            return Err(invalid(missing, "it is missing"));
        }
        if self == Self::Interactions {
            document.entry("offered").or_insert(json!(true));
        }
        Ok(document)
    }
}

impl Field {
    fn check(self, value: &Value) -> Result<(), &'static str> {
        let text = value.as_str();
        let short = |text: &&str| text.chars().count() <= 500 && !text.contains(char::is_control);
        match self {
            Self::Text => text
                .filter(short)
                .map(|_| ())
                .ok_or("a text of at most 500 letters"),
            Self::Number => {
                text.filter(|number| {
                    (1..=40).contains(&number.len())
                        && number
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b"+*# -()./".contains(&b))
                })
                .map(|_| ())
                .ok_or("a number is 1 to 40 digits, letters, blanks, +, *, #, -, brackets and dots")
            }
            Self::Moment => text
                .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
                .map(|_| ())
                .ok_or("a time as in RFC 3339, such as 2026-01-31T09:30:00Z"),
            Self::Channel => text
                .filter(|name| OTHER_CHANNELS.contains(name))
                .map(|_| ())
                .ok_or("one of chat, email, sms, openchannel, fax, whatsapp"),
            Self::Strategy => text
                .filter(|name| Strategy::named(name).name() == *name)
                .map(|_| ())
                .ok_or("a strategy of queues, such as ringall or beepall"),
            Self::Flag => value.as_bool().map(|_| ()).ok_or("true or false"),
            Self::WebAddress => text
                .filter(short)
                .and_then(|text| url::Url::parse(text).ok())
                .map(|_| ())
                .ok_or("a web address"),
        }
    }
}

/// An item as the contract shows it.
pub(crate) fn row(item: &Item) -> Value {
    let mut row = item.document.clone();
    row.remove("group");
    row.insert("id".to_owned(), json!(item.id));
    Value::Object(row)
}

/// The list of the contract.
pub(crate) fn list(items: &[Item]) -> Value {
    json!({"count": items.len(), "rows": items.iter().map(row).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Kind;

    #[test]
    fn a_wrong_field_is_named() {
        for (kind, wanted, named) in [
            (Kind::Callbacks, json!({"name": "A"}), "number"),
            (
                Kind::Callbacks,
                json!({"name": "A", "number": "1", "dueAt": "soon"}),
                "dueAt",
            ),
            (
                Kind::Callbacks,
                json!({"name": "A", "number": "1\r\nX"}),
                "number",
            ),
            (Kind::Previews, json!({"name": 1, "number": "1"}), "name"),
            (
                Kind::Interactions,
                json!({"channel": "voice", "from": "A"}),
                "channel",
            ),
            (
                Kind::Interactions,
                json!({"channel": "chat", "from": "A", "strategy": "loud"}),
                "strategy",
            ),
            (
                Kind::Interactions,
                json!({"channel": "chat", "from": "A", "mood": "good"}),
                "mood",
            ),
        ] {
            let Value::Object(fields) = wanted else {
                panic!("an object")
            };
            let sentence = kind.read(fields).expect_err("refused").detail;
            assert!(sentence.starts_with(named), "{sentence}");
        }
    }
}
