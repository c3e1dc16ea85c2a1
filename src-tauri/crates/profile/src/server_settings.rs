use serde::{Deserialize, Serialize};

use crate::{PasswordRules, ScreenPop};

/// What the server sets for all its agents, besides each one's profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// Channels may be paused one by one.
    pub partial_pause: bool,
    /// Interactions that may be open in the web desktop at once; 0 is no limit.
    pub tab_limit: u32,
    /// What is dialled to pick up a ringing call of one's group.
    pub pickup_code: String,
    /// Seconds after a queue call in which no further one comes; 0 is none.
    pub wrap_up_s: u32,
    /// A disposition must be chosen before the next queue call.
    pub disposition_required: bool,
    /// Seconds until a call that nobody answers is forwarded.
    pub no_answer_s: u32,
    /// What a new password needs.
    pub password_rules: PasswordRules,
    /// What opens when a call comes, is answered or ends.
    pub screen_pops: Vec<ScreenPop>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            partial_pause: false,
            tab_limit: 20,
            pickup_code: "*8".to_owned(),
            wrap_up_s: 0,
            disposition_required: false,
            no_answer_s: 20,
            password_rules: PasswordRules::default(),
            screen_pops: Vec::new(),
        }
    }
}

impl ServerSettings {
    /// The server's names of the settings that differ, for the agent to be told.
    #[must_use]
    pub fn changed_fields(&self, newer: &Self) -> Vec<String> {
        let rows = [
            ("partialPause", self.partial_pause != newer.partial_pause),
            ("tabLimit", self.tab_limit != newer.tab_limit),
            ("pickupCode", self.pickup_code != newer.pickup_code),
            ("wrapUpSeconds", self.wrap_up_s != newer.wrap_up_s),
            (
                "dispositionRequired",
                self.disposition_required != newer.disposition_required,
            ),
            ("noAnswerSeconds", self.no_answer_s != newer.no_answer_s),
            ("passwordRules", self.password_rules != newer.password_rules),
            ("screenPops", self.screen_pops != newer.screen_pops),
        ];
        let changed = rows.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(field, _)| field.to_owned()).collect()
    }
}

/// What a call was about: a tree of at most three levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Disposition {
    /// The server's identifier.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub id: i64,
    /// Shown to the agent.
    pub name: String,
    /// The next level.
    #[serde(default)]
    pub children: Vec<Disposition>,
}
