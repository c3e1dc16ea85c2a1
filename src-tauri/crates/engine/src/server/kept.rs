//! What the server last said, kept for the time when it is away.
//!
//! The file holds no secret: the SIP secret and the check of the password are in the keychain, and TURN servers are
//! kept without their credentials. Nothing of customers is kept.

mod check;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sidetone_motion::{
    AgentDocument, IceServer, PauseReason, Queue, SettingsDocument, SipCredentials, SipTransport,
};
use sidetone_profile::{Disposition, Secret, wire};

use super::SipAccount;
use super::alone::Alone;
use super::signing_in::{Found, SignedIn};
use crate::SecretStore;
use crate::clock::wall_ms;
use check::PasswordCheck;

/// A clock that was set back further than this cannot be asked how old something is.
const CLOCK_SLIP_MS: u64 = 60 * 60 * 1000;

/// Where the last good profile of each account is, and how long it is good for.
#[derive(Clone)]
pub(super) struct Keeper {
    dir: Option<PathBuf>,
    secrets: Arc<dyn SecretStore>,
    offline_for: Duration,
}

/// What was kept, as if the server had just said it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) found: Found,
    pub(super) sip: SipAccount,
    pub(super) server: String,
    /// Until when it may be used, in milliseconds since 1970.
    pub(super) until_ms: u64,
}

/// The file's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    account: String,
    server: String,
    /// When the server last answered, in milliseconds since 1970.
    last_contact_ms: u64,
    agent: Map<String, Value>,
    #[serde(default)]
    sip: Option<KeptSip>,
    #[serde(default)]
    pauses: Vec<PauseReason>,
    #[serde(default)]
    queues: Vec<Queue>,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    dispositions: Vec<Disposition>,
}

/// The SIP account without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptSip {
    user: String,
    domain: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    wss_url: Option<String>,
    #[serde(default)]
    ice_servers: Vec<Vec<String>>,
    #[serde(default)]
    transport: Option<SipTransport>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    port: Option<u16>,
}

impl Keeper {
    pub(super) fn new(
        dir: Option<PathBuf>,
        secrets: Arc<dyn SecretStore>,
        offline_for: Duration,
    ) -> Self {
        Self {
            dir: dir.filter(|_| !offline_for.is_zero()),
            secrets,
            offline_for,
        }
    }

    /// What is to be kept of a session; nothing without a password to check next time.
    pub(super) fn record(&self, signed_in: &SignedIn) -> Record {
        let (Some(_), Some(password)) = (&self.dir, &signed_in.password) else {
            return Record(None);
        };
        let found = &signed_in.found;
        let mut kept = Kept {
            account: crate::sign_in_account(&signed_in.server, &signed_in.name),
            server: signed_in.server.clone(),
            last_contact_ms: wall_ms(),
            agent: without_secrets(&found.document),
            sip: None,
            pauses: found.reasons.clone(),
            queues: lasting(&found.queues),
            settings: found.settings.fields.clone(),
            dispositions: found.dispositions.clone(),
        };
        let secret = signed_in.sip.as_ref().ok().map(|sip| {
            kept.sip = Some(KeptSip::of(sip));
            sip.secret.clone()
        });
        Record(Some(Recorded {
            keeper: self.clone(),
            kept,
            secret,
            password: Some(password.clone()),
        }))
    }

    /// What was kept of an account, when the password is the one of then and the time is not over. Takes a while.
    pub(super) fn open(&self, account: &str, password: &Secret) -> Option<Opened> {
        let path = self.file(account)?;
        let kept = match fs::read(&path) {
            Ok(text) => Kept::parse(&text).filter(|kept| kept.account == account)?,
            Err(_) => return None,
        };
        let until_ms = kept.until_ms(wall_ms(), self.offline_for)?;
        let check = self.secret(&check_account(account))?;
        if !PasswordCheck::read(check.reveal()).is_some_and(|check| check.fits(password)) {
            tracing::info!("the server is away, and the password is not the one that was kept");
            return None;
        }
        let secret = self.secret(&sip_account(account));
        kept.open(secret, until_ms)
    }

    /// A new password holds.
    pub(super) fn password_changed(&self, account: &str, new: &Secret) {
        // The one that was remembered for the next sign-in is of no use any more.
        if let Ok(Some(_)) = self.secrets.get(account) {
            self.set(account, new);
        }
        if self.dir.is_some() && self.secret(&check_account(account)).is_some() {
            self.set(&check_account(account), &PasswordCheck::of(new).write());
        }
    }

    /// Forgets everything about an account but the password that the agent wanted remembered.
    pub(super) fn forget(&self, account: &str) {
        if let Some(path) = self.file(account)
            && path.exists()
        {
            if let Err(fault) = fs::remove_file(&path) {
                tracing::warn!(%fault, "what was kept of the last profile could not be removed");
            }
            for account in [check_account(account), sip_account(account)] {
                if let Err(fault) = self.secrets.forget(&account) {
                    tracing::info!(fault, "the keychain kept nothing that could be forgotten");
                }
            }
        }
    }

    /// How long a session that has begun goes on without the server.
    pub(super) fn alone(&self) -> Alone {
        Alone::new(self.offline_for)
    }

    /// Whole hours that the phone may work without the server.
    pub(super) fn offline_hours(&self) -> u32 {
        u32::try_from(self.offline_for.as_secs() / 3_600).unwrap_or(u32::MAX)
    }

    fn secret(&self, account: &str) -> Option<Secret> {
        self.secrets.get(account).unwrap_or_else(|fault| {
            tracing::info!(fault, "the keychain could not be asked");
            None
        })
    }

    fn set(&self, account: &str, secret: &Secret) {
        if let Err(fault) = self.secrets.set(account, secret) {
            tracing::info!(
                fault,
                "the keychain did not keep what the phone needs offline"
            );
        }
    }

    /// Several agents may share one account of this machine.
    fn file(&self, account: &str) -> Option<PathBuf> {
        let name: String = digest(&SHA256, account.as_bytes()).as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Some(self.dir.as_ref()?.join(format!("profile-{name}.json")))
    }
}

/// Reads the file's text as a sign-in does.
///
/// # Panics
/// When what was written is not understood again.
#[cfg(feature = "fuzzing")]
pub(crate) fn read(text: &[u8]) {
    let Some(kept) = Kept::parse(text) else {
        return;
    };
    let again = serde_json::to_vec(&kept).ok();
    let again = again.and_then(|text| Kept::parse(&text));
    assert!(again.is_some(), "not understood again");
    if let Some(until_ms) = kept.until_ms(u64::MAX / 2, Duration::MAX) {
        let _ = kept.open(Some(Secret::new("s")), until_ms);
    }
}

/// The keychain's name of an account's SIP secret.
fn sip_account(account: &str) -> String {
    format!("SIP secret of {account}")
}

/// The keychain's name of the check of an account's password.
fn check_account(account: &str) -> String {
    format!("password check of {account}")
}

impl Kept {
    /// Reads the file's text; a malformed one is the same as none.
    fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text)
            .inspect_err(|fault| tracing::warn!(%fault, "what was kept cannot be read"))
            .ok()
    }

    /// Until when it may be used; `None` when that is over.
    fn until_ms(&self, now_ms: u64, offline_for: Duration) -> Option<u64> {
        let for_ms = u64::try_from(offline_for.as_millis()).unwrap_or(u64::MAX);
        let until_ms = self.last_contact_ms.saturating_add(for_ms);
        let from_ms = self.last_contact_ms.saturating_sub(CLOCK_SLIP_MS);
        (from_ms..until_ms).contains(&now_ms).then_some(until_ms)
    }

    fn open(self, secret: Option<Secret>, until_ms: u64) -> Option<Opened> {
        let document = AgentDocument::read(&Value::Object(self.agent))
            .inspect_err(|fault| tracing::warn!(%fault, "what was kept cannot be used"))
            .ok()?;
        let settings = SettingsDocument::read(&Value::Object(self.settings)).unwrap_or_default();
        let sip = match (self.sip, secret) {
            (Some(sip), Some(secret)) => Ok(sip.with(secret)),
            _ => Err(
                "the contact-centre server is away, and the SIP account was not kept".to_owned(),
            ),
        };
        Some(Opened {
            found: Found::lasting(
                document,
                self.pauses,
                self.queues,
                settings,
                self.dispositions,
            ),
            sip,
            server: self.server,
            until_ms,
        })
    }
}

impl KeptSip {
    fn of(sip: &SipCredentials) -> Self {
        Self {
            user: sip.user.clone(),
            domain: sip.domain.clone(),
            display_name: sip.display_name.clone(),
            wss_url: sip.wss_url.clone(),
            ice_servers: sip.ice_servers.iter().map(|s| s.urls.clone()).collect(),
            transport: sip.transport,
            host: sip.host.clone(),
            port: sip.port,
        }
    }

    fn with(self, secret: Secret) -> SipCredentials {
        SipCredentials {
            user: self.user,
            secret,
            domain: self.domain,
            display_name: self.display_name,
            wss_url: self.wss_url,
            // A TURN server without credentials lets nobody in.
            ice_servers: self
                .ice_servers
                .into_iter()
                .map(|urls| IceServer {
                    urls: urls
                        .into_iter()
                        .filter(|url| url.starts_with("stun"))
                        .collect(),
                    username: None,
                    credential: None,
                })
                .filter(|server| !server.urls.is_empty())
                .collect(),
            transport: self.transport,
            host: self.host,
            port: self.port,
        }
    }
}

/// The fields that this phone knows: a server may put anything else into its agent object, a password's hash included.
fn without_secrets(document: &AgentDocument) -> Map<String, Value> {
    let known = wire::write(&document.profile);
    let fields = document.fields.iter();
    fields
        .filter(|(field, _)| known.contains_key(*field))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// Queues without what is true for a moment only.
fn lasting(queues: &[Queue]) -> Vec<Queue> {
    let queues = queues.iter().cloned();
    queues
        .map(|queue| Queue {
            waiting: None,
            ..queue
        })
        .collect()
}

/// What is kept of the session of now, brought up to date with each word of the server.
pub(super) struct Record(Option<Recorded>);

struct Recorded {
    keeper: Keeper,
    kept: Kept,
    secret: Option<Secret>,
    /// Until its check is in the keychain.
    password: Option<Secret>,
}

impl Record {
    /// Keeps what the sign-in brought.
    pub(super) async fn begin(&mut self) {
        self.change(|recorded| {
            recorded.write_secret();
            if let Some(password) = recorded.password.take() {
                let check = PasswordCheck::of(&password).write();
                let account = check_account(&recorded.kept.account);
                recorded.keeper.set(&account, &check);
            }
            true
        })
        .await;
    }

    /// The server answers.
    pub(super) async fn contact(&mut self) {
        self.change(|_| true).await;
    }

    pub(super) async fn profile(&mut self, document: &AgentDocument) {
        let agent = without_secrets(document);
        self.set(|kept| &mut kept.agent, agent).await;
    }

    pub(super) async fn sip(&mut self, sip: &SipCredentials) {
        let (account, secret) = (KeptSip::of(sip), sip.secret.clone());
        self.change(move |recorded| {
            let other_secret = recorded.secret.as_ref() != Some(&secret);
            if other_secret {
                recorded.secret = Some(secret);
                recorded.write_secret();
            }
            let other = recorded.kept.sip.as_ref() != Some(&account);
            recorded.kept.sip = Some(account);
            other
        })
        .await;
    }

    pub(super) async fn pauses(&mut self, rows: &[PauseReason]) {
        let rows = rows.to_vec();
        self.set(|kept| &mut kept.pauses, rows).await;
    }

    pub(super) async fn queues(&mut self, rows: &[Queue]) {
        self.set(|kept| &mut kept.queues, lasting(rows)).await;
    }

    pub(super) async fn settings(&mut self, settings: &SettingsDocument) {
        let fields = settings.fields.clone();
        self.set(|kept| &mut kept.settings, fields).await;
    }

    pub(super) async fn dispositions(&mut self, rows: &[Disposition]) {
        let rows = rows.to_vec();
        self.set(|kept| &mut kept.dispositions, rows).await;
    }

    /// This agent may not work: nothing is kept of the session any more.
    pub(super) async fn forget(&mut self) {
        if let Some(recorded) = self.0.take() {
            let forget = move || recorded.keeper.forget(&recorded.kept.account);
            // It logs what does not work.
            let _ = tokio::task::spawn_blocking(forget).await;
        }
    }

    async fn set<T: PartialEq + Send + 'static>(
        &mut self,
        part: impl FnOnce(&mut Kept) -> &mut T + Send + 'static,
        value: T,
    ) {
        self.change(move |recorded| {
            let part = part(&mut recorded.kept);
            let other = *part != value;
            *part = value;
            other
        })
        .await;
    }

    /// Changes it, and writes it when the change says so.
    async fn change(&mut self, change: impl FnOnce(&mut Recorded) -> bool + Send + 'static) {
        let Some(mut recorded) = self.0.take() else {
            return;
        };
        // Files and keychains may take their time.
        let changed = tokio::task::spawn_blocking(move || {
            if change(&mut recorded) {
                recorded.write();
            }
            recorded
        });
        self.0 = changed.await.ok();
    }
}

impl Recorded {
    fn write_secret(&self) {
        if let Some(secret) = &self.secret {
            let account = sip_account(&self.kept.account);
            self.keeper.set(&account, secret);
        }
    }

    fn write(&mut self) {
        self.kept.last_contact_ms = wall_ms();
        let (Some(dir), Some(path)) = (&self.keeper.dir, self.keeper.file(&self.kept.account))
        else {
            return;
        };
        if let Err(fault) = write(dir, &path, &self.kept) {
            tracing::warn!(%fault, "the profile could not be kept");
        }
    }
}

/// Written beside and moved into place, so that a crash leaves the old file or the new one.
fn write(dir: &Path, path: &Path, kept: &Kept) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(kept)?)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn kept(last_contact_ms: u64) -> Kept {
        let text = format!(
            r#"{{"account":"anna@cc.example","server":"https://cc.example","lastContactMs":{last_contact_ms},
                "agent":{{"id":7,"name":"anna","internal":"1001"}},
                "sip":{{"user":"1001","domain":"cc.example","iceServers":[["stun:s.example","turn:t.example"],["turn:u.example"]]}}}}"#
        );
        Kept::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn it_is_good_for_as_long_as_allowed() {
        let now = 1_000 * HOUR_MS;
        let allowed = Duration::from_secs(12 * 3600);
        for (age_h, good) in [(0, true), (11, true), (12, false), (1_000, false)] {
            let until = kept(now - age_h * HOUR_MS).until_ms(now, allowed);
            assert_eq!(until.is_some(), good, "{age_h} hours old");
        }
        let ahead = kept(now + 2 * HOUR_MS).until_ms(now, allowed);
        assert_eq!(ahead, None, "a clock set back does not make it younger");
        assert_eq!(kept(now).until_ms(now, Duration::ZERO), None);
    }

    #[test]
    fn what_is_opened_has_the_secret_of_the_keychain_and_no_turn_server() {
        let opened = kept(0).open(Some(Secret::new("s3cret")), 1).unwrap();
        let sip = opened.sip.unwrap();
        assert_eq!(sip.secret.reveal(), "s3cret");
        assert_eq!(sip.ice_servers.len(), 1);
        assert_eq!(sip.ice_servers[0].urls, ["stun:s.example"]);
        assert!(kept(0).open(None, 1).unwrap().sip.is_err());
    }

    #[test]
    fn only_known_fields_of_the_agent_object_are_kept() {
        let document = serde_json::json!({"id": 7, "name": "anna", "internal": "1001", "password": "$2b$10$hash",
            "salt": "x", "phoneBarSecret": "hunter2", "fullname": "Anna"});
        let kept = without_secrets(&AgentDocument::read(&document).unwrap());
        let mut fields: Vec<_> = kept.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["fullname", "id", "internal", "name"]);
    }
}
