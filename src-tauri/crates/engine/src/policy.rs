use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use sidetone_motion::{ROUTES, Routes};
use sidetone_profile::Policy;
use tokio::sync::mpsc;

use crate::api::LocalAccess;
use crate::phone::Message;

/// IT's policy on this machine, and what of it cannot be used, each as one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PolicyFile {
    pub(crate) policy: Policy,
    pub(crate) faults: Vec<String>,
}

impl PolicyFile {
    /// Reads the file, or the one at the system's place when none is named. None there is no policy; one that cannot
    /// be read at all is a fault to be told, and never a reason not to start.
    pub(crate) fn read(named: Option<&Path>) -> Self {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match place() {
                Some(path) => path,
                None => return Self::default(),
            },
        };
        let file = match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound && named.is_none() => {
                Self::default()
            }
            Err(fault) => Self::unusable(&format!("it cannot be read: {fault}")),
        };
        for fault in &file.faults {
            tracing::warn!(path = %path.display(), fault, "policy");
        }
        file
    }

    /// Reads the text, TOML.
    pub(crate) fn parse(text: &str) -> Self {
        // A byte order mark is what some editors begin a file with.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match toml::from_str::<Map<String, Value>>(text) {
            Ok(fields) => {
                let (policy, faults) = Policy::read(&Value::Object(fields));
                Self {
                    policy,
                    faults: faults.iter().map(ToString::to_string).collect(),
                }
            }
            // Only where it is: the words of the parser quote the line, and that may be the one with the token.
            Err(fault) => {
                let at = fault.span().map_or(0, |span| span.start);
                let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
                Self::unusable(&format!("it is not TOML: line {line}: {}", fault.message()))
            }
        }
    }

    /// Who may use the local HTTP interface. A policy with a fault and without a token keeps it shut: the fault may be
    /// what was to be the token.
    pub(crate) fn local_access(&self) -> LocalAccess {
        match (&self.policy.local_token, self.faults.first()) {
            (Some(token), _) => LocalAccess::WithToken(token.clone()),
            (None, None) => LocalAccess::Everybody,
            (None, Some(fault)) => LocalAccess::Nobody(format!(
                "IT's policy cannot be read as it was meant ({fault})"
            )),
        }
    }

    /// So long the phone may work without the server.
    pub(crate) fn offline_for(&self) -> Duration {
        Duration::from_secs(3600 * u64::from(self.policy.offline_hours))
    }

    /// Where the server's requests are; what of it cannot be used becomes a fault, and the usual routes hold.
    pub(crate) fn routes(&mut self) -> Routes {
        Routes::with(&self.policy.routes).unwrap_or_else(|fault| {
            self.faults.push(format!("policy: {fault}"));
            ROUTES.clone()
        })
    }

    fn unusable(fault: &str) -> Self {
        Self {
            policy: Policy::default(),
            faults: vec![format!("the policy file cannot be used: {fault}")],
        }
    }
}

/// How often it is looked whether the file is another one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Reads the policy again whenever its file changes, as long as somebody listens.
pub(crate) fn watch(named: Option<PathBuf>, tell: mpsc::UnboundedSender<Message>) {
    let Some(path) = named.clone().or_else(place) else {
        return;
    };
    tokio::spawn(async move {
        let mut before = Stamp::of(&path);
        while !tell.is_closed() {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = Stamp::of(&path);
            if now != before {
                tracing::info!(path = %path.display(), "the policy's file is another one");
                let file = PolicyFile::read(named.as_deref());
                if tell.send(Message::Policy(Box::new(file))).is_err() {
                    return;
                }
            }
            before = now;
        }
    });
}

/// What tells one state of a file from another; `None` is no file.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Option<(Option<SystemTime>, u64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let known = fs::metadata(path).ok();
        Self(known.map(|known| (known.modified().ok(), known.len())))
    }
}

/// Where the system keeps the policy.
fn place() -> Option<PathBuf> {
    if cfg!(windows) {
        let data = std::env::var_os("ProgramData")?;
        Some(PathBuf::from(data).join("Sidetone").join("policy.toml"))
    } else if cfg!(target_os = "macos") {
        Some("/Library/Application Support/Sidetone/policy.toml".into())
    } else {
        Some("/etc/sidetone/policy.toml".into())
    }
}

#[cfg(test)]
mod tests {
    use sidetone_profile::Secret;

    use super::*;

    #[test]
    fn what_can_be_used_holds_and_the_rest_is_named() {
        let file = PolicyFile::parse(
            "\u{feff}offlineHours = 8\nofflineDays = 3\n[profile]\nphoneBarRemoteControl = false\n\
             [screenPop]\nhosts = ['*.crm.example', 'https://x']\n[recordings]\nfolder = '/srv/recordings'\n",
        );
        assert_eq!(file.policy.offline_hours, 8);
        assert_eq!(file.policy.profile["phoneBarRemoteControl"], false);
        assert_eq!(file.policy.screen_pop.hosts, ["*.crm.example"]);
        assert_eq!(file.policy.recordings.as_deref(), Some("/srv/recordings"));
        assert_eq!(file.faults.len(), 2, "{:?}", file.faults);
        assert!(file.faults.iter().any(|f| f.contains("offlineDays")));
        assert!(file.faults.iter().any(|f| f.contains("screenPop.hosts")));
    }

    #[test]
    fn a_broken_file_is_said_without_what_stands_in_it() {
        let text = "[localInterface]\ntoken = \"hunter2hunter2hunter2\n";
        let file = PolicyFile::parse(text);
        assert_eq!(file.policy, Policy::default());
        let [fault] = file.faults.as_slice() else {
            panic!("{:?}", file.faults);
        };
        assert!(fault.contains("line 2"), "{fault}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }

    #[test]
    fn a_policy_with_a_fault_opens_nothing_to_everybody() {
        let access = |text| PolicyFile::parse(text).local_access();
        assert_eq!(access(""), LocalAccess::Everybody);
        let token = "[localInterface]\ntoken = '0123456789abcdef'\n";
        let expected = LocalAccess::WithToken(Secret::new("0123456789abcdef"));
        assert_eq!(access(token), expected);
        for text in [
            "[localInterface]\ntoken = 'short'\n",
            "[localinterface]\ntoken = '0123456789abcdef'\n",
            "[localInterface",
        ] {
            assert!(matches!(access(text), LocalAccess::Nobody(_)), "{text}");
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        let file = PolicyFile::read(Some(Path::new("/nonexistent/policy.toml")));
        assert!(file.faults[0].contains("cannot be read"));
    }
}
