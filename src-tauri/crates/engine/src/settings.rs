use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sidetone_media::DeviceSelection;

use crate::api::EchoCanceller;
use crate::private;

const FILE: &str = "settings.json";

/// Choices of this machine's user that are not secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Choices {
    pub(crate) microphone: Option<String>,
    pub(crate) speaker: Option<String>,
    pub(crate) ringer: Option<String>,
    pub(crate) second_ringer: Option<String>,
    /// WAV file that rings in place of the built-in ringtone.
    pub(crate) ringtone: Option<String>,
    /// Whose tones are heard, ISO 3166.
    pub(crate) country: Option<String>,
    pub(crate) echo_canceller: Option<EchoCanceller>,
    pub(crate) noise_suppression: Option<bool>,
    pub(crate) automatic_gain: Option<bool>,
    /// Whom the network check calls; empty is nobody.
    pub(crate) echo_number: Option<String>,
    pub(crate) last_server: Option<String>,
    pub(crate) last_name: Option<String>,
    /// This installation's UUID (RFC 5626 section 4.1).
    pub(crate) instance: Option<String>,
    /// Each agent's own choices of settings, by account and the server's field names.
    pub(crate) own: BTreeMap<String, Map<String, Value>>,
}

impl Choices {
    /// Reads the file's text; a malformed one is the same as none.
    pub(crate) fn parse(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "settings are malformed and were left out");
            Self::default()
        })
    }

    pub(crate) fn devices(&self) -> DeviceSelection {
        DeviceSelection {
            microphone: self.microphone.clone(),
            speaker: self.speaker.clone(),
            ringer: self.ringer.clone(),
            second_ringer: self.second_ringer.clone(),
        }
    }
}

/// `settings.json`, when there is a folder for it.
#[derive(Debug)]
pub(crate) struct Settings {
    dir: Option<PathBuf>,
    choices: Choices,
}

impl Settings {
    /// Reads the file; a missing or broken one is the same as none, since nothing in it is worth a refusal to start.
    pub(crate) fn open(dir: Option<PathBuf>) -> Self {
        let choices = dir.as_deref().map(read).unwrap_or_default();
        Self { dir, choices }
    }

    pub(crate) fn choices(&self) -> &Choices {
        &self.choices
    }

    /// Where everything that is kept stands.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// An agent's own choices.
    pub(crate) fn own(&self, account: &str) -> Map<String, Value> {
        self.choices.own.get(account).cloned().unwrap_or_default()
    }

    /// Keeps an agent's own choice; `null` forgets it.
    pub(crate) fn choose(&mut self, account: &str, field: String, value: Value) {
        self.change(|choices| {
            let own = choices.own.entry(account.to_owned()).or_default();
            if value.is_null() {
                own.remove(&field);
            } else {
                own.insert(field, value);
            }
            choices.own.retain(|_, own| !own.is_empty());
        });
    }

    /// This installation's UUID, the same at every start.
    pub(crate) fn instance(&mut self) -> String {
        if let Some(known) = &self.choices.instance {
            return known.clone();
        }
        let made = uuid::Uuid::new_v4().to_string();
        self.change(|choices| choices.instance = Some(made.clone()));
        made
    }

    /// Changes the choices and keeps them.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Choices)) {
        let before = self.choices.clone();
        change(&mut self.choices);
        if self.choices == before {
            return;
        }
        if let Some(dir) = &self.dir
            && let Err(fault) = write(dir, &self.choices)
        {
            tracing::warn!(%fault, "settings could not be kept");
        }
    }
}

fn read(dir: &Path) -> Choices {
    let path = dir.join(FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Choices::default(),
        Err(fault) => {
            tracing::warn!(%fault, "settings cannot be read");
            return Choices::default();
        }
    };
    Choices::parse(&text)
}

/// Written beside and moved into place, so that a crash leaves the old file or the new one.
fn write(dir: &Path, choices: &Choices) -> std::io::Result<()> {
    private::folder(dir)?;
    let beside = dir.join(format!("{FILE}.{}.new", std::process::id()));
    let mut file = File::create(&beside)?;
    private::file(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(choices)?)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, dir.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("sidetone-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    #[test]
    fn choices_are_there_after_a_restart() {
        let dir = folder("settings");
        let mut settings = Settings::open(Some(dir.clone()));
        settings.change(|c| {
            c.microphone = Some("headset".to_owned());
            c.last_name = Some("anna".to_owned());
        });
        let again = Settings::open(Some(dir.clone()));
        assert_eq!(again.choices(), settings.choices());
        assert_eq!(
            fs::read_dir(&dir).unwrap().count(),
            1,
            "nothing is left beside the file"
        );
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn each_agent_has_own_choices_and_the_phone_one_name() {
        let dir = folder("own-settings");
        let mut settings = Settings::open(Some(dir.clone()));
        let instance = settings.instance();
        settings.choose("anna@a", "callerid".to_owned(), "\"A\" <1>".into());
        settings.choose("anna@a", "phoneBarEnableJaws".to_owned(), true.into());
        settings.choose("anna@a", "phoneBarEnableJaws".to_owned(), Value::Null);
        let mut again = Settings::open(Some(dir.clone()));
        assert_eq!(again.instance(), instance);
        assert_eq!(again.own("anna@a").len(), 1);
        assert!(again.own("ben@a").is_empty());
        again.choose("anna@a", "callerid".to_owned(), Value::Null);
        assert!(again.choices().own.is_empty());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_broken_file_does_not_stop_the_phone() {
        let dir = folder("broken-settings");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(FILE), b"{ not json").unwrap();
        assert_eq!(
            Settings::open(Some(dir.clone())).choices(),
            &Choices::default()
        );
        fs::remove_dir_all(dir).unwrap();
    }
}
