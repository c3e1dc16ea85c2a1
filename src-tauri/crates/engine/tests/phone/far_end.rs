//! The far end of every call, and the phone under test.

use std::f32::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sidetone_engine::agent::{CallId, CallState, Command};
use sidetone_engine::{
    AudioSetup, Command as EngineCommand, Engine, EngineConfig, MemorySecrets, SecretStore,
    Snapshot,
};
use sidetone_media::{BLOCK, Block, KeyingPlan, MediaConfig, SAMPLE_RATE, Session};
use sidetone_profile::{Codec, Secret};
use sidetone_sip::{
    Authenticator, CallTarget, DialogEnd, DialogId, Endpoint, EndpointConfig, Event,
    IncomingInvite, Listen, NameAddr, RegisterRequest,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Only a broken test waits this long.
pub(crate) const LONG: Duration = Duration::from_secs(60);

struct Users;

impl Authenticator for Users {
    fn realm(&self) -> String {
        "test".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("right"))
    }
}

/// The far end: a registrar that may call and be called.
pub(crate) struct Peer {
    pub(crate) endpoint: Endpoint,
    pub(crate) events: UnboundedReceiver<Event>,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        let (endpoint, events) = Endpoint::start(EndpointConfig {
            user_agent: "peer".to_owned(),
            listen: vec![Listen::Udp(([127, 0, 0, 1], 0).into())],
            authenticator: Some(Arc::new(Users)),
            ..EndpointConfig::default()
        })
        .await
        .unwrap();
        Self { endpoint, events }
    }

    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(Event) -> Option<T>,
    ) -> T {
        loop {
            let event = timeout(LONG, self.events.recv())
                .await
                .unwrap_or_else(|_| panic!("waited for {what}"))
                .expect("the peer runs");
            if let Some(found) = pick(event) {
                return found;
            }
        }
    }

    pub(crate) async fn registered(&mut self) -> RegisterRequest {
        self.until("REGISTER", |event| match event {
            Event::Registered(request) if request.expires_s > 0 => Some(request),
            _ => None,
        })
        .await
    }

    /// Calls the phone until it rings there.
    pub(crate) async fn call(
        &mut self,
        binding: &RegisterRequest,
        headers: &[(&str, &str)],
    ) -> (DialogId, Session) {
        let (dialog, session) = self.invite(binding, headers).await;
        self.until("180", |event| match event {
            Event::Provisional { status: 180, .. } => Some(()),
            _ => None,
        })
        .await;
        (dialog, session)
    }

    /// Calls the phone.
    pub(crate) async fn invite(
        &mut self,
        binding: &RegisterRequest,
        headers: &[(&str, &str)],
    ) -> (DialogId, Session) {
        let (session, offer, _events) = Session::offer(media()).await.unwrap();
        let target = CallTarget::Contact {
            uri: binding.contact.clone(),
            flow: binding.flow,
            from: NameAddr {
                display_name: "Casey Caller".to_owned(),
                user: "5550100".to_owned(),
                uri: "sip:5550100@127.0.0.1".to_owned(),
            },
        };
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let dialog = self.endpoint.invite(target, offer, headers).await.unwrap();
        (dialog, session)
    }

    /// Waits until the phone answers.
    pub(crate) async fn answered(&mut self, session: &Session) {
        let answer = self
            .until("200", |event| match event {
                Event::Answered { sdp, .. } => sdp,
                _ => None,
            })
            .await;
        session.apply_answer(&answer).unwrap();
    }

    /// Waits for the end of a call.
    pub(crate) async fn ended(&mut self, dialog: DialogId) -> DialogEnd {
        self.until("the end of the call", |event| match event {
            Event::Ended { dialog: over, end } if over == dialog => Some(end),
            _ => None,
        })
        .await
    }

    pub(crate) async fn incoming(&mut self) -> IncomingInvite {
        self.until("INVITE", |event| match event {
            Event::Incoming(invite) => Some(invite),
            _ => None,
        })
        .await
    }
}

pub(crate) fn media() -> MediaConfig {
    MediaConfig {
        codecs: vec![Codec::Opus, Codec::Alaw],
        plan: KeyingPlan::Plain,
        ice_servers: Vec::new(),
        tls: None,
        bind: vec![[127, 0, 0, 1].into()],
        latch: true,
    }
}

/// Sends a tone, as long as it lives.
pub(crate) struct Talker(Arc<AtomicBool>);

impl Talker {
    pub(crate) fn start(session: &Session) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (ends, session) = (Arc::clone(&stop), session.clone());
        std::thread::spawn(move || {
            let mut heard: Block = [0.0; BLOCK];
            let mut at = 0_u32;
            while !ends.load(Ordering::Relaxed) {
                let said: Block = std::array::from_fn(|_| {
                    at = (at + 1) % SAMPLE_RATE;
                    0.3 * (TAU * 440.0 * at as f32 / SAMPLE_RATE as f32).sin()
                });
                session.exchange(&said, &mut heard);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self(stop)
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What else stands in a phone's files.
#[derive(Clone, Copy, Default)]
pub(crate) struct Files<'a> {
    /// Fields of the profile.
    pub(crate) profile: &'a str,
    /// Tables of the profile's file, after the SIP account.
    pub(crate) tables: &'a str,
    /// IT's policy.
    pub(crate) policy: &'a str,
}

pub(crate) struct Phone {
    pub(crate) engine: Engine,
    pub(crate) folder: PathBuf,
}

impl Phone {
    pub(crate) async fn start(name: &str, peer: &Peer, secret: &str) -> Self {
        Self::with(name, peer, secret, Files::default()).await
    }

    /// A phone with more in its files than an account.
    pub(crate) async fn with(name: &str, peer: &Peer, secret: &str, files: Files<'_>) -> Self {
        let folder =
            std::env::temp_dir().join(format!("sidetone-phone-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let profile = folder.join("agent.toml");
        let port = peer.endpoint.listening()[0].port();
        let Files {
            profile: more,
            tables,
            policy,
        } = files;
        std::fs::write(
            &profile,
            format!(
                "fullname = \"Anna Example\"\ntypology = \"phonebar\"\nallow = [\"opus\", \"alaw\"]\n{more}\n\
                 [sip]\nuser = \"1001\"\ndomain = \"127.0.0.1\"\ntransport = \"udp\"\nhost = \"127.0.0.1\"\nport = {port}\n{tables}\n"
            ),
        )
        .unwrap();
        let file = folder.join("policy.toml");
        std::fs::write(&file, policy).unwrap();
        let secrets = MemorySecrets::default();
        secrets
            .set("sip:1001@127.0.0.1", &Secret::new(secret))
            .unwrap();
        let engine = Engine::start(EngineConfig {
            audio: AudioSetup::Null,
            ca: None,
            settings_dir: Some(folder.join("data")),
            secrets: Arc::new(secrets),
            standalone: Some(profile),
            policy: Some(file),
        })
        .await
        .unwrap();
        Self { engine, folder }
    }

    pub(crate) fn ask(&self, command: Command) {
        self.engine.command(EngineCommand::Agent(command));
    }

    pub(crate) async fn until<T>(&self, what: &str, pick: impl Fn(&Snapshot) -> Option<T>) -> T {
        let mut snapshots = self.engine.snapshots();
        let found = timeout(LONG, async {
            loop {
                if let Some(found) = pick(&snapshots.borrow_and_update()) {
                    return found;
                }
                snapshots.changed().await.expect("the engine runs");
            }
        })
        .await;
        found
            .unwrap_or_else(|_| panic!("waited for {what}: {:?}", self.engine.snapshots().borrow()))
    }

    pub(crate) async fn until_green(&self) {
        self.until("green light", |s| s.view.light.green.then_some(()))
            .await;
    }

    pub(crate) async fn until_state(&self, state: CallState) -> CallId {
        self.until(&format!("{state:?}"), |s| {
            let call = s.view.calls.iter().rfind(|c| c.state == state)?;
            Some(call.id)
        })
        .await
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
