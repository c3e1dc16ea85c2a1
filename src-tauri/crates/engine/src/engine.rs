use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sidetone_media::{AudioSetup, DeviceSelection, Voice};
use sidetone_motion::trust;
use sidetone_sip::{Endpoint, EndpointConfig, Trace, Tracer};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::api::{Command, EngineConfig, EngineError, EngineEvent, LocalAccess, Snapshot};
use crate::avatar::Avatar;
use crate::clock;
use crate::logging;
use crate::network;
use crate::phone::{Message, Phone, Rooms};
use crate::policy::{self, PolicyFile};
use crate::server::{Server, ServerSetup};
use crate::settings::Settings;
use crate::standalone::Standalone;
use crate::trace::{self, TraceForm, TraceLine};

/// Events that a slow reader may leave unread before it loses the oldest: levels come 20 times a second.
const EVENTS_KEPT: usize = 256;
const SHUT_DOWN_LIMIT: Duration = Duration::from_secs(3);

/// The running phone; cheap to clone. It stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Engine {
    requests: mpsc::UnboundedSender<Request>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    events: broadcast::Sender<EngineEvent>,
    avatar: watch::Receiver<Option<Arc<Avatar>>>,
    local_access: watch::Receiver<LocalAccess>,
    tracer: Tracer,
}

/// What an [`Engine`] asks of the task behind it.
#[derive(Debug)]
pub(crate) enum Request {
    Command(Command),
    /// Why the local HTTP interface cannot be opened, or that nothing is wrong with it any more.
    LocalInterface(Option<String>),
    ShutDown(oneshot::Sender<()>),
}

impl Engine {
    /// Starts the phone; must be called in a tokio runtime.
    ///
    /// # Errors
    /// [`EngineError`] names what cannot be used.
    pub async fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let tls = tls(&config)?;
        let standalone = match &config.standalone {
            Some(path) => {
                let (path, secrets) = (path.clone(), Arc::clone(&config.secrets));
                let read = {
                    let path = path.clone();
                    move || Standalone::read(&path, &*secrets)
                };
                // Reading a secret may wait for a person or for the keychain.
                let read = tokio::task::spawn_blocking(read)
                    .await
                    .unwrap_or_else(|e| Err(e.to_string()));
                Some(read.map_err(|fault| EngineError::Profile { path, fault })?)
            }
            None => None,
        };
        let mut settings = Settings::open(config.settings_dir);
        let mut policy_file = PolicyFile::read(config.policy.as_deref());
        let routes = policy_file.routes();
        let setup = ServerSetup {
            tls: Arc::clone(&tls),
            routes: Arc::new(routes),
            secrets: Arc::clone(&config.secrets),
            dir: settings.dir().map(Path::to_owned),
            offline_for: policy_file.offline_for(),
        };
        let (access, local_access) = watch::channel(policy_file.local_access());
        let audio = match config.audio {
            AudioSetup::Devices(selection) if selection == DeviceSelection::default() => {
                AudioSetup::Devices(settings.choices().devices())
            }
            audio => audio,
        };
        let silent = audio == AudioSetup::Null;
        let voice = Voice::start(audio)?;
        let clipped = Arc::new(AtomicBool::new(false));
        let (sip, sip_events) = Endpoint::start(EndpointConfig {
            user_agent: concat!("Sidetone/", env!("CARGO_PKG_VERSION")).to_owned(),
            instance: Some(settings.instance()),
            tls: Some(Arc::clone(&tls)),
            ..EndpointConfig::default()
        })
        .await?;

        let tracer = sip.tracer();
        let (requests, asked) = mpsc::unbounded_channel();
        let (tell, inbox) = mpsc::unbounded_channel::<Message>();
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let (picture, avatar) = watch::channel(None);
        forward_levels(&voice, events.clone(), Arc::clone(&clipped));
        network::watch(tell.clone());
        policy::watch(config.policy, tell.clone());
        let phone = Phone::new(Rooms {
            server: Server::new(setup, tell.clone()),
            settings,
            policy: policy_file,
            voice,
            clipped,
            silent,
            sip,
            secrets: config.secrets,
            events: events.clone(),
            avatar: picture,
            local_access: access,
            tell,
        });
        let snapshots = phone.start(standalone, asked, inbox, sip_events);
        Ok(Self {
            requests,
            snapshots,
            events,
            avatar,
            local_access,
            tracer,
        })
    }

    /// Asks for something; what came of it shows in the snapshot.
    pub fn command(&self, command: Command) {
        // After the shutdown nothing is left to ask.
        let _ = self.requests.send(Request::Command(command));
    }

    /// Who may use the local HTTP interface, by IT's policy of now and later.
    #[must_use]
    pub fn local_access(&self) -> watch::Receiver<LocalAccess> {
        self.local_access.clone()
    }

    /// Tells the agent why the local HTTP interface cannot be opened; `None` takes the warning back.
    pub fn local_interface(&self, fault: Option<String>) {
        // After the shutdown nobody is left to be told.
        let _ = self.requests.send(Request::LocalInterface(fault));
    }

    /// The picture of who is signed in; the snapshot says when it is another one.
    #[must_use]
    pub fn avatar(&self) -> Option<Arc<Avatar>> {
        self.avatar.borrow().clone()
    }

    /// Writes the last SIP messages into a file that only its owner may read: a capture for Wireshark or sngrep where its
    /// name ends in `.pcap`, else text. Secrets are blanked, and customers whom this agent may not see are masked. Gives
    /// how many messages there are.
    ///
    /// # Errors
    /// [`EngineError::Trace`].
    pub fn save_sip_trace(&self, path: &Path) -> Result<usize, EngineError> {
        let trace = self.trace();
        trace::write(&trace, path)?;
        Ok(trace.messages.len())
    }

    /// As [`Self::save_sip_trace`], into a new file of this folder under a name with date and time (UTC); gives where, or
    /// `None` when there is no message yet.
    ///
    /// # Errors
    /// [`EngineError::Trace`].
    pub fn keep_sip_trace(
        &self,
        folder: &Path,
        form: TraceForm,
    ) -> Result<Option<PathBuf>, EngineError> {
        let trace = self.trace();
        if trace.messages.is_empty() {
            return Ok(None);
        }
        trace::keep(&trace, folder, form, clock::wall_ms()).map(Some)
    }

    /// The last SIP messages by their first lines, the newest first, as free of secrets as what
    /// [`Self::save_sip_trace`] writes.
    #[must_use]
    pub fn sip_trace(&self) -> Vec<TraceLine> {
        trace::lines(&self.trace())
    }

    /// The current snapshot, and every later one.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// What happens once.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<EngineEvent> {
        self.events.subscribe()
    }

    /// Signs out politely and stops; at most three seconds.
    pub async fn shut_down(&self) {
        let (done, stopped) = oneshot::channel();
        if self.requests.send(Request::ShutDown(done)).is_ok()
            && tokio::time::timeout(SHUT_DOWN_LIMIT, stopped)
                .await
                .is_err()
        {
            tracing::warn!("the far ends did not confirm the sign-out in time");
        }
    }

    fn trace(&self) -> Trace {
        self.tracer.read().map(logging::redacted)
    }
}

fn tls(config: &EngineConfig) -> Result<Arc<rustls::ClientConfig>, EngineError> {
    let fault = |fault: trust::TrustError| EngineError::Ca {
        path: config.ca.clone().unwrap_or_default(),
        fault: fault.to_string(),
    };
    let authorities = match &config.ca {
        Some(path) => trust::read_authorities(path).map_err(fault)?,
        None => Vec::new(),
    };
    trust::client_config(authorities).map_err(fault)
}

/// Levels go straight to who listens; the snapshot does not change with them.
fn forward_levels(voice: &Voice, events: broadcast::Sender<EngineEvent>, clipped: Arc<AtomicBool>) {
    let mut levels = voice.levels();
    tokio::spawn(async move {
        while levels.changed().await.is_ok() {
            let now = *levels.borrow_and_update();
            clipped.fetch_or(now.clipping, Ordering::Relaxed);
            // Nobody may be listening.
            let _ = events.send(EngineEvent::Levels {
                microphone: now.microphone,
                speaker: now.speaker,
            });
        }
    });
}
