use serde::Deserialize;
use sidetone_agent::{PauseReason, QueueMembership};

/// The `codes` table: what is dialled where a contact-centre server would be asked.
///
/// `{extension}`, `{reason}` and `{queue}` are put in; a code with `{queue}` is dialled once for each queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Codes {
    pause: Option<String>,
    unpause: Option<String>,
    /// One code for both.
    pause_toggle: Option<String>,
    login: Option<String>,
    logout: Option<String>,
    /// One code for both.
    login_toggle: Option<String>,
    /// Picks up a call that rings at a colleague; dialled as it is.
    pub(crate) pickup: Option<String>,
}

/// What a code is dialled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Pause { reason: String },
    Unpause,
    Login,
    Logout,
}

/// A reason to pause for, in the file: its name, or its name with what is dialled for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reason {
    Name(String),
    Coded { name: String, code: String },
}

impl Reason {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Coded { name, .. } => name,
        }
    }

    fn code(&self) -> String {
        match self {
            Self::Name(name) => dialable(name),
            Self::Coded { code, .. } => dialable(code),
        }
    }
}

/// What the file says of queues and pauses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desk {
    pub(crate) codes: Codes,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) queues: Vec<String>,
    pub(crate) extension: String,
}

impl Desk {
    /// Checks every code; the words of an error name the first wrong one.
    pub(crate) fn checked(self) -> Result<Self, String> {
        let codes = &self.codes;
        for (name, code) in [
            ("pause", &codes.pause),
            ("unpause", &codes.unpause),
            ("pauseToggle", &codes.pause_toggle),
            ("login", &codes.login),
            ("logout", &codes.logout),
            ("loginToggle", &codes.login_toggle),
            ("pickup", &codes.pickup),
        ] {
            if let Some(code) = code {
                check(code).map_err(|fault| format!("codes.{name}: {code:?} {fault}"))?;
            }
        }
        let names_queue = [&codes.pause, &codes.unpause, &codes.pause_toggle]
            .into_iter()
            .chain([&codes.login, &codes.logout, &codes.login_toggle])
            .flatten()
            .any(|code| code.contains("{queue}"));
        if names_queue && self.queues.is_empty() {
            return Err("a code has {queue} in it, but the file names no queues".to_owned());
        }
        Ok(self)
    }

    /// The reasons for the bar; there is always one where pausing is possible.
    pub(crate) fn pause_reasons(&self) -> Vec<PauseReason> {
        let names: Vec<&str> = match self.reasons.as_slice() {
            [] if self.code(&Wish::Unpause).is_some() => vec!["Break"],
            reasons => reasons.iter().map(Reason::name).collect(),
        };
        (1..)
            .zip(names)
            .map(|(id, name)| PauseReason {
                id,
                name: name.to_owned(),
            })
            .collect()
    }

    /// The queues for the bar.
    pub(crate) fn memberships(&self) -> Vec<QueueMembership> {
        let queues = (1..).zip(&self.queues);
        queues
            .map(|(id, name)| QueueMembership {
                id,
                name: name.clone(),
                waiting: None,
                strategy: None,
            })
            .collect()
    }

    /// The agent is in no queue before a code was dialled.
    pub(crate) fn has_login(&self) -> bool {
        self.code(&Wish::Login).is_some()
    }

    /// The agent stays in the queues unless a code is dialled.
    pub(crate) fn has_logout(&self) -> bool {
        self.code(&Wish::Logout).is_some()
    }

    /// What to dial, one after the other; none when the file has no code for it.
    pub(crate) fn numbers(&self, wish: &Wish) -> Vec<String> {
        let Some(code) = self.code(wish) else {
            return Vec::new();
        };
        let reason = match wish {
            Wish::Pause { reason } => self
                .reasons
                .iter()
                .find(|known| known.name() == reason)
                .map_or_else(|| dialable(reason), Reason::code),
            _ => String::new(),
        };
        let filled = code
            .replace("{extension}", &dialable(&self.extension))
            .replace("{reason}", &reason);
        if filled.contains("{queue}") {
            let queues = self.queues.iter();
            queues
                .map(|queue| filled.replace("{queue}", &dialable(queue)))
                .collect()
        } else {
            vec![filled]
        }
    }

    fn code(&self, wish: &Wish) -> Option<&str> {
        let codes = &self.codes;
        let (own, toggle) = match wish {
            Wish::Pause { .. } => (&codes.pause, &codes.pause_toggle),
            Wish::Unpause => (&codes.unpause, &codes.pause_toggle),
            Wish::Login => (&codes.login, &codes.login_toggle),
            Wish::Logout => (&codes.logout, &codes.login_toggle),
        };
        own.as_deref().or(toggle.as_deref())
    }
}

fn check(code: &str) -> Result<(), &'static str> {
    let bare = ["{extension}", "{reason}", "{queue}"]
        .into_iter()
        .fold(code.to_owned(), |code, known| code.replace(known, ""));
    if code.is_empty() {
        Err("is empty")
    } else if bare.contains(['{', '}']) {
        Err("has something in braces that is not {extension}, {reason} or {queue}")
    } else if bare.chars().all(may_be_dialled) {
        Ok(())
    } else {
        Err("cannot be dialled; letters, digits and * # + - _ . can")
    }
}

/// What of a name can be dialled.
fn dialable(name: &str) -> String {
    name.chars().filter(|c| may_be_dialled(*c)).collect()
}

fn may_be_dialled(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '*' | '#' | '+' | '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(codes: serde_json::Value) -> Desk {
        Desk {
            codes: serde_json::from_value(codes).unwrap(),
            reasons: vec![
                Reason::Name("Lunch break".to_owned()),
                Reason::Coded {
                    name: "Training".to_owned(),
                    code: "2".to_owned(),
                },
            ],
            queues: vec!["600".to_owned(), "601".to_owned()],
            extension: "1001".to_owned(),
        }
    }

    fn pause(reason: &str) -> Wish {
        Wish::Pause {
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn codes_are_filled_in() {
        let desk = desk(serde_json::json!({
            "pause": "*46*{extension}*{reason}", "unpause": "*47{queue}", "loginToggle": "*45{extension}",
        }));
        for (wish, numbers) in [
            (pause("Training"), vec!["*46*1001*2"]),
            (pause("Lunch break"), vec!["*46*1001*Lunchbreak"]),
            (pause("sip:x@y"), vec!["*46*1001*sipxy"]),
            (Wish::Unpause, vec!["*47600", "*47601"]),
            (Wish::Login, vec!["*451001"]),
            (Wish::Logout, vec!["*451001"]),
        ] {
            assert_eq!(desk.numbers(&wish), numbers, "{wish:?}");
        }
        assert!(desk.has_login() && desk.has_logout());
        assert!(Desk::default().numbers(&Wish::Unpause).is_empty());
    }

    #[test]
    fn there_is_a_reason_where_pausing_is_possible() {
        let mut desk = desk(serde_json::json!({ "pauseToggle": "*46" }));
        assert_eq!(desk.pause_reasons()[1].name, "Training");
        desk.reasons.clear();
        assert_eq!(desk.pause_reasons().len(), 1);
        desk.codes = Codes::default();
        assert!(desk.pause_reasons().is_empty());
    }

    #[test]
    fn wrong_codes_are_named() {
        for (codes, word) in [
            (serde_json::json!({ "pause": "" }), "codes.pause"),
            (serde_json::json!({ "logout": "*4 5" }), "cannot be dialled"),
            (serde_json::json!({ "logout": "*4@x" }), "cannot be dialled"),
            (serde_json::json!({ "login": "{who}" }), "{extension}"),
            (serde_json::json!({ "login": "{queue" }), "{extension}"),
        ] {
            let fault = desk(codes).checked().unwrap_err();
            assert!(fault.contains(word), "{fault}");
        }
        let mut none = desk(serde_json::json!({ "login": "*45{queue}" }));
        none.queues.clear();
        assert!(none.checked().unwrap_err().contains("no queues"));
    }
}
