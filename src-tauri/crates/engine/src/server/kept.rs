//! What the server last said, kept for the time when it is away.
//!
//! The file holds no secret: the SIP secret, the check of the password and the refresh token of a sign-in through the
//! browser are in the keychain, and TURN servers are kept without their credentials. Nothing of customers is kept.

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
    AgentDocument, IceServer, PauseReason, QueueMembership, Session, SettingsDocument,
    SipCredentials, SipTransport,
};
use sidetone_profile::{Disposition, Secret, wire};
use tokio::sync::watch;

use super::SipAccount;
use super::alone::Alone;
use super::signing_in::{Found, SignedIn};
use crate::SecretStore;
use crate::clock::wall_ms;
use check::PasswordCheck;

/// A clock that was set back further than this cannot be asked how old something is.
const CLOCK_SLIP_MS: u64 = 60 * 60 * 1000;

const FILE_PREFIX: &str = "profile-";
const FILE_SUFFIX: &str = ".json";

/// Where the last good profile of each account is, and how long it is good for.
#[derive(Clone)]
pub(super) struct Keeper {
    dir: Option<PathBuf>,
    secrets: Arc<dyn SecretStore>,
    /// By the policy of now.
    offline_for: watch::Receiver<Duration>,
}

/// What was kept, as if the server had just said it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) found: Found,
    pub(super) sip: SipAccount,
    pub(super) server: String,
    /// When the server last answered, in milliseconds since 1970.
    pub(super) last_contact_ms: u64,
}

/// The file's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    account: String,
    server: String,
    /// When the server last answered, in milliseconds since 1970.
    last_contact_ms: u64,
    /// Who it was came through the browser.
    #[serde(default)]
    browser: bool,
    agent: Map<String, Value>,
    #[serde(default)]
    sip: Option<KeptSip>,
    #[serde(default)]
    pauses: Vec<PauseReason>,
    #[serde(default)]
    queues: Vec<QueueMembership>,
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
        offline_for: watch::Receiver<Duration>,
    ) -> Self {
        Self {
            dir,
            secrets,
            offline_for,
        }
    }

    /// What is to be kept of a session; nothing where nobody could be known again by it.
    pub(super) fn record(&self, signed_in: &SignedIn) -> Record {
        let refresh = signed_in.session().map(Session::refresh_token);
        let refresh = refresh.and_then(|token| token.borrow().clone());
        let proof = match (&signed_in.password, refresh) {
            (Some(password), _) => Proof::Password(password.clone()),
            (None, Some(refresh)) => Proof::Browser(refresh),
            (None, None) => return Record(None),
        };
        if self.dir().is_none() {
            return Record(None);
        }
        let found = &signed_in.found;
        let mut kept = Kept {
            account: crate::sign_in_account(&signed_in.server, &signed_in.name),
            server: signed_in.server.clone(),
            last_contact_ms: wall_ms(),
            browser: matches!(proof, Proof::Browser(_)),
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
            proof: Some(proof),
        }))
    }

    /// What was kept of an account, when the password is the one of then and the time is not over. Takes a while.
    pub(super) fn open(&self, account: &str, password: &Secret) -> Option<Opened> {
        let kept = Kept::read(&self.file(account)?).filter(|kept| kept.account == account)?;
        kept.until_ms(wall_ms(), self.offline_for())?;
        let check = self.secret(&check_account(account))?;
        if !PasswordCheck::read(check.reveal()).is_some_and(|check| check.fits(password)) {
            tracing::info!("the server is away, and the password is not the one that was kept");
            return None;
        }
        let secret = self.secret(&sip_account(account));
        kept.open(secret)
    }

    /// What was kept of who last signed in at this server through the browser, with the refresh token, when the time is
    /// not over and the keychain of this user still has what that sign-in was worth. Takes a while.
    pub(super) fn open_browser(&self, server: &str) -> Option<(Opened, Secret)> {
        let entries = fs::read_dir(self.dir()?).ok()?;
        let kept = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?;
                let ours = name.starts_with(FILE_PREFIX) && name.ends_with(FILE_SUFFIX);
                ours.then(|| Kept::read(&path))?
            })
            .filter(|kept| kept.browser && kept.server == server)
            .max_by_key(|kept| kept.last_contact_ms)?;
        kept.until_ms(wall_ms(), self.offline_for())?;
        let refresh = self.secret(&browser_account(&kept.account))?;
        let secret = self.secret(&sip_account(&kept.account));
        Some((kept.open(secret)?, refresh))
    }

    /// A new password holds.
    pub(super) fn password_changed(&self, account: &str, new: &Secret) {
        // The one that was remembered for the next sign-in is of no use any more.
        if let Ok(Some(_)) = self.secrets.get(account) {
            self.set(account, new);
        }
        if self.dir().is_some() && self.secret(&check_account(account)).is_some() {
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
            for account in [
                check_account(account),
                sip_account(account),
                browser_account(account),
            ] {
                if let Err(fault) = self.secrets.forget(&account) {
                    tracing::info!(fault, "the keychain kept nothing that could be forgotten");
                }
            }
        }
    }

    /// How long a session that has begun goes on without the server.
    pub(super) fn alone(&self) -> Alone {
        Alone::new(self.offline_for.clone())
    }

    /// Whole hours that the phone may work without the server.
    pub(super) fn offline_hours(&self) -> u32 {
        u32::try_from(self.offline_for().as_secs() / 3_600).unwrap_or(u32::MAX)
    }

    /// Until when the phone may work that last heard of the server then; both in milliseconds since 1970.
    pub(super) fn until_ms(&self, last_contact_ms: u64) -> u64 {
        let for_ms = u64::try_from(self.offline_for().as_millis()).unwrap_or(u64::MAX);
        last_contact_ms.saturating_add(for_ms)
    }

    /// So long the phone may work without the server, by the policy of now.
    fn offline_for(&self) -> Duration {
        *self.offline_for.borrow()
    }

    /// Where it is kept; nowhere while the policy wants nothing kept.
    fn dir(&self) -> Option<&Path> {
        self.dir
            .as_deref()
            .filter(|_| !self.offline_for().is_zero())
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
        let dir = self.dir()?;
        Some(dir.join(format!("{FILE_PREFIX}{name}{FILE_SUFFIX}")))
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
    if kept.until_ms(u64::MAX / 2, Duration::MAX).is_some() {
        let _ = kept.open(Some(Secret::new("s")));
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

/// The keychain's name of what a sign-in through the browser is worth.
fn browser_account(account: &str) -> String {
    format!("browser sign-in of {account}")
}

impl Kept {
    fn read(path: &Path) -> Option<Self> {
        Self::parse(&fs::read(path).ok()?)
    }

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

    fn open(self, secret: Option<Secret>) -> Option<Opened> {
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
            last_contact_ms: self.last_contact_ms,
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
fn lasting(queues: &[QueueMembership]) -> Vec<QueueMembership> {
    let queues = queues.iter().cloned();
    queues
        .map(|queue| QueueMembership {
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
    /// Until it is in the keychain.
    proof: Option<Proof>,
}

/// By what the agent is known again while the server cannot be asked.
enum Proof {
    /// Its check is kept.
    Password(Secret),
    /// The keychain is this user's: who can open it is who signed in.
    Browser(Secret),
}

impl Record {
    /// Keeps what the sign-in brought.
    pub(super) async fn begin(&mut self) {
        self.change(|recorded| {
            recorded.write_secret();
            let account = &recorded.kept.account;
            match recorded.proof.take() {
                Some(Proof::Password(password)) => {
                    let check = PasswordCheck::of(&password).write();
                    recorded.keeper.set(&check_account(account), &check);
                }
                Some(Proof::Browser(refresh)) => {
                    recorded.keeper.set(&browser_account(account), &refresh);
                }
                None => {}
            }
            true
        })
        .await;
    }

    /// The server answers.
    pub(super) async fn contact(&mut self) {
        self.change(|_| true).await;
    }

    /// The refresh token is another one: the one before is worth nothing any more.
    pub(super) async fn refreshed(&mut self, refresh: Secret) {
        self.change(move |recorded| {
            if recorded.kept.browser && recorded.keeper.dir().is_some() {
                let account = browser_account(&recorded.kept.account);
                recorded.keeper.set(&account, &refresh);
            }
            recorded.kept.browser
        })
        .await;
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

    pub(super) async fn queues(&mut self, rows: &[QueueMembership]) {
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
        let (Some(dir), Some(path)) = (self.keeper.dir(), self.keeper.file(&self.kept.account))
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
        let opened = kept(0).open(Some(Secret::new("s3cret"))).unwrap();
        let sip = opened.sip.unwrap();
        assert_eq!(sip.secret.reveal(), "s3cret");
        assert_eq!(sip.ice_servers.len(), 1);
        assert_eq!(sip.ice_servers[0].urls, ["stun:s.example"]);
        assert!(kept(0).open(None).unwrap().sip.is_err());
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
