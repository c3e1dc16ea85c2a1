use std::time::Duration;

use serde_json::{Map, Value};
use sidetone_profile::{PasswordRules, ScreenPop, ServerSettings};

use super::row::{self, Fields};
use super::{bad, shortened};
use crate::fault::Fault;

/// What the server sets for all its agents, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsDocument {
    /// The settings.
    pub settings: ServerSettings,
    /// Where the web desktop is, when it is not at the server's own address.
    pub desktop_url: Option<String>,
    /// After this long without the realtime socket the server logs the agent out of the queues.
    pub grace: Option<Duration>,
    /// Settings that could not be used, each as one sentence.
    pub faults: Vec<String>,
    /// The object as it came.
    pub fields: Map<String, Value>,
}

impl SettingsDocument {
    /// Reads the document; what cannot be used keeps its default and is named.
    ///
    /// # Errors
    /// [`Fault::BadJson`] when it is not an object.
    pub fn read(document: &Value) -> Result<Self, Fault> {
        let fields = document
            .as_object()
            .ok_or_else(|| bad("the server's settings", "not an object"))?;
        let mut read = Reader {
            fields: Fields(fields),
            faults: Vec::new(),
        };
        let default = ServerSettings::default();
        let settings = ServerSettings {
            partial_pause: read.flag("partialPause", default.partial_pause),
            tab_limit: read.number("tabLimit", default.tab_limit),
            pickup_code: read.code("pickupCode", default.pickup_code),
            wrap_up_s: read.number("wrapUpSeconds", default.wrap_up_s),
            disposition_required: read.flag("dispositionRequired", default.disposition_required),
            no_answer_s: read.number("noAnswerSeconds", default.no_answer_s),
            password_rules: read.password_rules(),
            screen_pops: read.screen_pops(),
        };
        let desktop_url = read.fields.optional_text("desktopUrl");
        let minutes = read.number("realtimeGraceMinutes", 0);
        Ok(Self {
            settings,
            desktop_url,
            grace: (minutes > 0).then(|| Duration::from_secs(60 * u64::from(minutes))),
            faults: read.faults,
            fields: fields.clone(),
        })
    }
}

/// What a new password needs, and what of it cannot be used.
pub(super) fn password_rules(document: &Value) -> (PasswordRules, Vec<String>) {
    let Some(fields) = document.as_object() else {
        let fault = "passwordRules: not an object".to_owned();
        return (PasswordRules::default(), vec![fault]);
    };
    let mut read = Reader {
        fields: Fields(fields),
        faults: Vec::new(),
    };
    let default = PasswordRules::default();
    let rules = PasswordRules {
        min_length: read.number("min_length", default.min_length),
        upper: read.flag("upper", default.upper),
        lower: read.flag("lower", default.lower),
        digit: read.flag("digit", default.digit),
        symbol: read.flag("symbol", default.symbol),
        history: read.number("history", default.history),
    };
    (rules, read.faults)
}

struct Reader<'a> {
    fields: Fields<'a>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    fn flag(&mut self, field: &'static str, default: bool) -> bool {
        self.one(field, "true or false", row::flag)
            .unwrap_or(default)
    }

    fn number(&mut self, field: &'static str, default: u32) -> u32 {
        self.one(field, "a whole number", row::number)
            .unwrap_or(default)
    }

    /// What can be dialled.
    fn code(&mut self, field: &'static str, default: String) -> String {
        let dialled = |value: &Value| {
            row::scalar(value).filter(|code| {
                !code.is_empty()
                    && code
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "*#+".contains(c))
            })
        };
        self.one(field, "digits, * and #", dialled)
            .unwrap_or(default)
    }

    fn password_rules(&mut self) -> PasswordRules {
        let Some(document) = self.fields.get("passwordRules") else {
            return PasswordRules::default();
        };
        let (rules, faults) = password_rules(document);
        self.faults.extend(faults);
        rules
    }

    fn screen_pops(&mut self) -> Vec<ScreenPop> {
        let pops = match self.fields.get("screenPops") {
            None => return Vec::new(),
            Some(Value::Array(pops)) => pops,
            Some(_) => {
                self.faults.push("screenPops: not a list".to_owned());
                return Vec::new();
            }
        };
        let mut read = Vec::new();
        for (index, pop) in pops.iter().enumerate() {
            match serde_json::from_value(pop.clone()) {
                Ok(pop) => read.push(pop),
                Err(fault) => {
                    let place = index + 1;
                    self.faults.push(format!("screenPops, {place}: {fault}"));
                }
            }
        }
        read
    }

    fn one<T>(
        &mut self,
        field: &'static str,
        allowed: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.fields.get(field)?;
        let found = read(value);
        if found.is_none() {
            let value = shortened(&value.to_string());
            self.faults.push(format!(
                "{field}: {value} cannot be used; allowed: {allowed}"
            ));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sidetone_profile::PopMoment;

    use super::*;

    #[test]
    fn settings_are_read_and_an_empty_document_is_the_default() {
        let read = SettingsDocument::read(&json!({
            "partialPause": true, "tabLimit": 3, "pickupCode": "*7#", "wrapUpSeconds": "15", "dispositionRequired": 1,
            "noAnswerSeconds": 12, "passwordRules": {"min_length": 12, "digit": true},
            "screenPops": [{"on": "answered", "open": {"url": "https://crm.example/{number}"}}],
            "desktopUrl": "https://desk.example", "realtimeGraceMinutes": 2, "unheard": {}
        }))
        .unwrap();
        assert_eq!(read.faults, Vec::<String>::new());
        assert!(read.settings.partial_pause && read.settings.disposition_required);
        assert_eq!(read.settings.tab_limit, 3);
        assert_eq!(read.settings.pickup_code, "*7#");
        assert_eq!(read.settings.wrap_up_s, 15);
        assert_eq!(read.settings.password_rules.min_length, 12);
        assert_eq!(read.settings.screen_pops[0].on, PopMoment::Answered);
        assert_eq!(read.grace, Some(Duration::from_secs(120)));
        assert_eq!(read.desktop_url.as_deref(), Some("https://desk.example"));
        assert_eq!(
            SettingsDocument::read(&json!({})).unwrap(),
            SettingsDocument::default()
        );
    }

    #[test]
    fn a_wrong_setting_is_named_and_the_others_hold() {
        let read = SettingsDocument::read(&json!({
            "partialPause": "perhaps", "tabLimit": -1, "pickupCode": "8 8", "wrapUpSeconds": 30,
            "passwordRules": {"min_length": "long"}, "screenPops": [{"on": "never"}, {"on": "ended", "open": {"url": "u"}}]
        }))
        .unwrap();
        let default = ServerSettings::default();
        assert_eq!(read.settings.wrap_up_s, 30);
        assert_eq!(read.settings.tab_limit, default.tab_limit);
        assert_eq!(read.settings.pickup_code, default.pickup_code);
        assert_eq!(read.settings.screen_pops.len(), 1);
        let said = read.faults.join("\n");
        for word in [
            "partialPause: \"perhaps\"",
            "tabLimit: -1",
            "pickupCode: \"8 8\"",
            "min_length: \"long\"",
            "screenPops, 1",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(SettingsDocument::read(&json!([])).is_err());
    }
}
