//! What the centre sets for all its agents, besides each one's profile.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sidetone_profile::{PasswordRules, ScreenPop};

use crate::problem::Problem;

/// The name it is stored under.
pub(crate) const DOCUMENT: &str = "settings";

/// The settings as the administration reads and writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CentreSettings {
    pub(crate) partial_pause: bool,
    pub(crate) tab_limit: u32,
    pub(crate) pickup_code: String,
    pub(crate) wrap_up_seconds: u32,
    pub(crate) disposition_required: bool,
    pub(crate) no_answer_seconds: u32,
    pub(crate) password_rules: PasswordRules,
    pub(crate) screen_pops: Vec<ScreenPop>,
    pub(crate) desktop_url: Option<String>,
    /// `None`: what the sandbox was started with.
    pub(crate) realtime_grace_minutes: Option<u32>,
    /// What sign-in through the browser is called; `None`: there is none.
    pub(crate) browser_sign_in: Option<String>,
}

impl Default for CentreSettings {
    fn default() -> Self {
        Self {
            partial_pause: true,
            tab_limit: 20,
            pickup_code: "*8".to_owned(),
            wrap_up_seconds: 0,
            disposition_required: false,
            no_answer_seconds: 20,
            password_rules: PasswordRules::default(),
            screen_pops: Vec::new(),
            desktop_url: None,
            realtime_grace_minutes: None,
            browser_sign_in: Some("Company sign-in".to_owned()),
        }
    }
}

impl CentreSettings {
    /// The object of `GET /api/settings`. `grace_s`: what holds when nothing is set.
    pub(crate) fn document(&self, grace_s: u64) -> Value {
        let mut document = json!(self);
        let minutes = self
            .realtime_grace_minutes
            .map_or_else(|| grace_s.div_ceil(60), u64::from);
        document["realtimeGraceMinutes"] = json!(minutes);
        if let Value::Object(fields) = &mut document {
            fields.remove("browserSignIn");
            fields.retain(|_, value| !value.is_null());
        }
        document
    }

    /// Changes the named settings only.
    pub(crate) fn patched(&self, changes: Map<String, Value>) -> Result<Self, Problem> {
        let mut now = self.clone();
        for (field, value) in changes {
            now = now.with(&field, value).map_err(|sentence| {
                Problem::invalid_setting().because(format!("{field}: {sentence}."))
            })?;
        }
        Ok(now)
    }

    fn with(&self, field: &str, mut value: Value) -> Result<Self, String> {
        let mut whole = json!(self);
        let old = whole
            .get(field)
            .ok_or("this is not a setting of the centre")?;
        if let (Value::Object(old), Value::Object(new)) = (old, &value) {
            if let Some(unknown) = new.keys().find(|name| !old.contains_key(*name)) {
                return Err(format!("{unknown} is not one of its members"));
            }
            let mut merged = old.clone();
            merged.extend(new.clone());
            value = Value::Object(merged);
        }
        if value == "" && matches!(field, "desktopUrl" | "browserSignIn") {
            value = Value::Null;
        }
        whole[field] = value;
        let changed: Self = serde_json::from_value(whole).map_err(|error| error.to_string())?;
        changed.check(field)?;
        Ok(changed)
    }

    fn check(&self, field: &str) -> Result<(), String> {
        let within = |value: u32, min: u32, max: u32| {
            (min..=max)
                .contains(&value)
                .then_some(())
                .ok_or_else(|| format!("{value} is not from {min} to {max}"))
        };
        match field {
            "tabLimit" => within(self.tab_limit, 0, 1000),
            "wrapUpSeconds" => within(self.wrap_up_seconds, 0, 3600),
            "noAnswerSeconds" => within(self.no_answer_seconds, 1, 300),
            "realtimeGraceMinutes" => {
                within(self.realtime_grace_minutes.unwrap_or_default(), 0, 1440)
            }
            "passwordRules" => {
                within(self.password_rules.min_length, 1, 128)?;
                within(self.password_rules.history, 0, 24)
            }
            "pickupCode" => {
                let code = &self.pickup_code;
                let good = (1..=10).contains(&code.len())
                    && code
                        .bytes()
                        .all(|b| b.is_ascii_digit() || b"*#".contains(&b));
                good.then_some(())
                    .ok_or_else(|| format!("{code:?} is not 1 to 10 of 0-9, * and #"))
            }
            "desktopUrl" => match &self.desktop_url {
                Some(url) => url::Url::parse(url)
                    .ok()
                    .filter(|url| matches!(url.scheme(), "http" | "https"))
                    .map(|_| ())
                    .ok_or_else(|| format!("{url:?} is not a web address")),
                None => Ok(()),
            },
            "browserSignIn" => match &self.browser_sign_in {
                Some(name) if name.chars().count() > 80 || name.contains(char::is_control) => {
                    Err("a name has 1 to 80 letters".to_owned())
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// Which rule a new password breaks first, as a sentence.
pub(crate) fn broken_rule(rules: &PasswordRules, password: &str) -> Option<String> {
    let has = |wanted: fn(char) -> bool| password.chars().any(wanted);
    let rules = [
        (
            password.chars().count() < usize::try_from(rules.min_length).unwrap_or(usize::MAX),
            format!(
                "The new password needs at least {} characters.",
                rules.min_length
            ),
        ),
        (
            rules.upper && !has(char::is_uppercase),
            "The new password needs a capital letter.".to_owned(),
        ),
        (
            rules.lower && !has(char::is_lowercase),
            "The new password needs a small letter.".to_owned(),
        ),
        (
            rules.digit && !has(|c| c.is_ascii_digit()),
            "The new password needs a digit.".to_owned(),
        ),
        (
            rules.symbol && !has(|c| !c.is_alphanumeric()),
            "The new password needs a character that is neither letter nor digit.".to_owned(),
        ),
    ];
    rules
        .into_iter()
        .find_map(|(broken, sentence)| broken.then_some(sentence))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sidetone_profile::PasswordRules;

    use super::{CentreSettings, broken_rule};

    fn patch(changes: Value) -> Result<CentreSettings, String> {
        let Value::Object(changes) = changes else {
            panic!("an object")
        };
        CentreSettings::default()
            .patched(changes)
            .map_err(|problem| problem.detail)
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_name() {
        for (changes, named) in [
            (json!({"tabLimit": -1}), "tabLimit"),
            (json!({"tabLimit": "many"}), "tabLimit"),
            (json!({"noAnswerSeconds": 0}), "noAnswerSeconds"),
            (json!({"pickupCode": "eight"}), "pickupCode"),
            (json!({"passwordRules": {"length": 9}}), "passwordRules"),
            (json!({"passwordRules": {"history": 25}}), "passwordRules"),
            (
                json!({"screenPops": [{"on": "never", "open": {"url": "x"}}]}),
                "screenPops",
            ),
            (json!({"desktopUrl": "file:///etc/passwd"}), "desktopUrl"),
            (json!({"colour": "red"}), "colour"),
        ] {
            let sentence = patch(changes.clone()).expect_err("refused");
            assert!(sentence.starts_with(named), "{changes}: {sentence}");
        }
    }

    #[test]
    fn members_that_are_not_named_stay_as_they_were() {
        let settings = patch(json!({
            "passwordRules": {"digit": true}, "wrapUpSeconds": 12,
            "screenPops": [{"on": "ringing", "open": {"url": "https://crm.example/{number}"}}],
        }))
        .expect("allowed");
        assert_eq!(settings.password_rules.min_length, 8);
        assert!(settings.password_rules.digit);
        let document = settings.document(90);
        assert_eq!(
            (&document["wrapUpSeconds"], &document["tabLimit"]),
            (&json!(12), &json!(20))
        );
        assert_eq!(document["realtimeGraceMinutes"], 2, "rounded up");
        assert!(document.get("desktopUrl").is_none());
        assert!(document.get("browserSignIn").is_none(), "not for agents");
    }

    #[test]
    fn each_password_rule_has_its_sentence() {
        let rules = PasswordRules {
            min_length: 6,
            upper: true,
            lower: true,
            digit: true,
            symbol: true,
            history: 0,
        };
        for (password, word) in [
            ("aB1!", "at least 6"),
            ("abcde1!", "capital"),
            ("ABCDE1!", "small"),
            ("Abcdef!", "digit"),
            ("Abcdef1", "neither"),
        ] {
            let sentence = broken_rule(&rules, password).expect("refused");
            assert!(sentence.contains(word), "{password}: {sentence}");
        }
        assert_eq!(broken_rule(&rules, "Abcdef1!"), None);
    }
}
