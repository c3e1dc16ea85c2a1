//! The supervising task: it owns the agent's session, carries out its effects and tells it what came of them.

mod calls;
mod echo;
mod effects;
mod errands;
mod masking;
mod moving;
mod opening;
mod picture;
mod profile;
mod quality;
mod recording;
mod signalling;
mod silent;
mod transfers;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sidetone_agent::{Agent, CallId, Input, SignIn, SignInRefusal};
use sidetone_media::{
    DeviceInfo, IceServer, MediaError, MicrophoneCheck, ServerReport, Session, SessionEvent, Voice,
};
use sidetone_profile::{Layers, Masking, SignInWays};
use sidetone_sip::{DialogId, Endpoint, Event};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::account::Line;
use crate::api::{
    ChecksView, Command, DevicesView, EngineEvent, LocalAccess, MediaView, SecretStore, Snapshot,
};
use crate::avatar::Avatar;
use crate::call::Call;
use crate::clock::{Clock, wall_ms};
use crate::devices;
use crate::engine::Request;
use crate::history::History;
use crate::policy::PolicyFile;
use crate::screen_pop::Gate;
use crate::secrets::sign_in_account;
use crate::server::{FromServer, Server, SipAccount, refusal};
use crate::settings::Settings;
use crate::standalone::Standalone;
use crate::timers::Timers;
use errands::Standing;
pub(crate) use quality::Counted;
use silent::SilentCall;

/// What the supervising task is told by tasks of its own.
#[derive(Debug)]
pub(crate) enum Message {
    /// From the contact-centre server; the number names the session it belongs to.
    Server(u64, FromServer),
    /// The sound of a call was made, or could not be.
    Prepared(CallId, Result<Prepared, MediaError>),
    /// How the agents of the server at this address sign in.
    SignInWays(String, SignInWays),
    /// From a session.
    Media(CallId, SessionEvent),
    /// Hold or resume may be asked for again.
    HoldAgain(CallId),
    /// The sound of a silent call was made, or could not be; its number says which.
    SilentReady(u64, Result<Prepared, MediaError>),
    /// A silent call took its time, unanswered or answered.
    SilentTime(u64, bool),
    /// The devices of now.
    Devices(Vec<DeviceInfo>),
    /// This computer woke up, or has other addresses.
    NetworkChanged {
        /// It has others, and at least one.
        addresses: bool,
    },
    /// The ways of now for a call's sound were found, or there are none.
    Moved(CallId, Result<String, MediaError>),
    /// A call's sound may be moved now.
    MoveAgain(CallId),
    /// IT's policy is another one.
    Policy(Box<PolicyFile>),
    /// A transfer may be asked for again.
    ReferAgain(CallId),
    /// The recording of the microphone's check is over, and it plays; its number says which.
    MicrophonePlays(u64),
    /// The microphone was checked.
    MicrophoneChecked(u64, Result<MicrophoneCheck, MediaError>),
    /// STUN and TURN servers were asked.
    ServersChecked(Vec<ServerReport>),
}

/// A session and our description of it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) session: Session,
    pub(crate) sdp: String,
    pub(crate) events: mpsc::UnboundedReceiver<SessionEvent>,
}

/// What the phone is made of.
pub(crate) struct Rooms {
    pub(crate) server: Server,
    pub(crate) settings: Settings,
    pub(crate) policy: PolicyFile,
    pub(crate) voice: Voice,
    /// The microphone was overdriven; set by whoever listens to the levels.
    pub(crate) clipped: Arc<AtomicBool>,
    /// There is no microphone on purpose.
    pub(crate) silent: bool,
    pub(crate) sip: Endpoint,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) events: broadcast::Sender<EngineEvent>,
    pub(crate) avatar: watch::Sender<Option<Arc<Avatar>>>,
    pub(crate) local_access: watch::Sender<LocalAccess>,
    pub(crate) tell: mpsc::UnboundedSender<Message>,
}

/// The task's state.
pub(crate) struct Phone {
    clock: Clock,
    agent: Agent,
    timers: Timers,
    pub(crate) server: Server,
    pub(crate) settings: Settings,
    /// What the profile is made of.
    layers: Layers,
    /// What of the policy cannot be used, each as one sentence.
    policy_faults: Vec<String>,
    /// What of customers' data the agent must not see.
    masking: Masking,
    /// What may be opened beside the phone.
    gate: Gate,
    /// Where the policy wants recordings.
    recordings: Option<PathBuf>,
    history: History,
    /// What went wrong with the history, until somebody is there to be told.
    history_fault: Option<String>,
    /// Whose session it is.
    account: Option<String>,
    /// An agent without a contact-centre server.
    standing: Option<Standing>,
    pub(crate) voice: Voice,
    sip: Endpoint,
    secrets: Arc<dyn SecretStore>,
    events: broadcast::Sender<EngineEvent>,
    pub(crate) tell: mpsc::UnboundedSender<Message>,
    pub(crate) devices: DevicesView,
    pub(crate) checks: ChecksView,
    /// Calls that nobody sees.
    silent_calls: Vec<SilentCall>,
    silent_count: u64,
    /// The microphone's check under way.
    pub(crate) microphone_check: Option<AbortHandle>,
    /// Counts checks.
    pub(crate) check_count: u64,
    /// The SIP account that the server gave, or why there is none.
    sip_account: SipAccount,
    /// What the account and the profile come to, while registered or trying.
    line: Option<Line>,
    calls: HashMap<CallId, Call>,
    dialogs: HashMap<DialogId, CallId>,
    /// The calls whose sessions the voice is attached to: one, or those of a conference.
    heard: Vec<CallId>,
    /// Calls that hear each other when they are heard.
    conference: Vec<CallId>,
    media: Option<MediaView>,
    /// The microphone was overdriven since it was last asked.
    clipped: Arc<AtomicBool>,
    /// There is no microphone on purpose.
    silent: bool,
    picture: picture::Picture,
    avatar: watch::Sender<Option<Arc<Avatar>>>,
    /// Who may use the local HTTP interface.
    local_access: watch::Sender<LocalAccess>,
    /// The keychain's name of who is signed in.
    signed_in_as: Option<String>,
    /// The polite end of the last session with the server.
    leaving: Option<JoinHandle<()>>,
    /// Who waits for the phone to stop, once the last feature code was dialled.
    stopping: Option<oneshot::Sender<()>>,
    /// The last feature code was dialled.
    ready_to_stop: bool,
    revision: u64,
}

impl Phone {
    pub(crate) fn new(rooms: Rooms) -> Self {
        let (history, history_fault) = History::open(rooms.settings.dir());
        let mut phone = Self {
            clock: Clock::start(),
            agent: Agent::new(),
            timers: Timers::default(),
            server: rooms.server,
            settings: rooms.settings,
            layers: Layers {
                policy: rooms.policy.policy.profile.clone(),
                ..Layers::default()
            },
            policy_faults: rooms.policy.faults,
            masking: Masking::default(),
            gate: Gate {
                allowed: rooms.policy.policy.screen_pop.clone(),
                ..Gate::default()
            },
            recordings: rooms.policy.policy.recordings.map(PathBuf::from),
            history,
            history_fault,
            account: None,
            standing: None,
            voice: rooms.voice,
            sip: rooms.sip,
            secrets: rooms.secrets,
            events: rooms.events,
            tell: rooms.tell,
            devices: DevicesView::default(),
            checks: ChecksView::default(),
            silent_calls: Vec::new(),
            silent_count: 0,
            microphone_check: None,
            check_count: 0,
            sip_account: Err("nobody is signed in".to_owned()),
            line: None,
            calls: HashMap::new(),
            dialogs: HashMap::new(),
            heard: Vec::new(),
            conference: Vec::new(),
            media: None,
            clipped: rooms.clipped,
            silent: rooms.silent,
            picture: picture::Picture::default(),
            avatar: rooms.avatar,
            local_access: rooms.local_access,
            signed_in_as: None,
            leaving: None,
            stopping: None,
            ready_to_stop: false,
            revision: 0,
        };
        phone.use_choices();
        phone
    }

    /// Starts the task.
    pub(crate) fn start(
        mut self,
        standalone: Option<Standalone>,
        asked: mpsc::UnboundedReceiver<Request>,
        inbox: mpsc::UnboundedReceiver<Message>,
        sip_events: mpsc::UnboundedReceiver<Event>,
    ) -> watch::Receiver<Arc<Snapshot>> {
        if let Some(standalone) = standalone {
            self.sign_in_standalone(standalone);
        }
        let (publish, snapshots) = watch::channel(Arc::new(self.snapshot()));
        tokio::spawn(self.run(publish, asked, inbox, sip_events));
        snapshots
    }

    async fn run(
        mut self,
        publish: watch::Sender<Arc<Snapshot>>,
        mut asked: mpsc::UnboundedReceiver<Request>,
        mut inbox: mpsc::UnboundedReceiver<Message>,
        mut sip_events: mpsc::UnboundedReceiver<Event>,
    ) {
        let mut faults = self.voice.faults();
        faults.mark_changed();
        loop {
            let next = self.timers.next().map(|at| self.clock.instant(at));
            tokio::select! {
                request = asked.recv() => match request {
                    Some(Request::Command(Command::Agent(command))) => self.command(command),
                    Some(Request::Command(Command::Device(command))) => {
                        self.device_command(command);
                    }
                    Some(Request::LocalInterface(fault)) => {
                        self.handle(Input::LocalInterface(fault));
                    }
                    Some(Request::ShutDown(done)) if self.log_out_by_code() => {
                        self.stopping = Some(done);
                    }
                    Some(Request::ShutDown(done)) => {
                        self.shut_down(Some(done)).await;
                        publish.send_replace(Arc::new(self.snapshot()));
                        return;
                    }
                    None => {
                        self.shut_down(None).await;
                        return;
                    }
                },
                Some(message) = inbox.recv() => self.message(message).await,
                Some(event) = sip_events.recv() => self.sip_event(event),
                Ok(()) = faults.changed() => {
                    let fault = faults.borrow_and_update().clone();
                    self.handle(Input::DeviceFault(fault));
                    self.list_devices();
                }
                () = sleep_until(next) => {
                    while let Some(timer) = self.timers.pop(self.clock.now()) {
                        self.handle(Input::Timer(timer));
                    }
                }
            }
            if self.ready_to_stop
                && let Some(done) = self.stopping.take()
            {
                self.shut_down(Some(done)).await;
                publish.send_replace(Arc::new(self.snapshot()));
                return;
            }
            publish.send_replace(Arc::new(self.snapshot()));
        }
    }

    fn command(&mut self, command: sidetone_agent::Command) {
        if command == sidetone_agent::Command::SignOut {
            if self.log_out_by_code() {
                // The command comes again when the code was dialled.
                return;
            }
            self.forget_password();
        }
        self.handle(Input::Command(command));
    }

    async fn message(&mut self, message: Message) {
        match message {
            Message::Server(epoch, what) if self.server.is_current(epoch) => self.server_said(what),
            // The agent gave up while the server was still signing in.
            Message::Server(_, FromServer::SignedIn(late)) => late.leave(),
            Message::Server(..) => {}
            Message::SignInWays(server, ways) => {
                self.handle(Input::SignInWays { server, ways });
            }
            Message::Prepared(call, result) => self.prepared(call, result).await,
            Message::Media(call, event) => self.media_event(call, event),
            Message::HoldAgain(call) => self.hold_again(call),
            Message::SilentReady(call, made) => self.silent_ready(call, made).await,
            Message::SilentTime(call, answered) => self.silent_time(call, answered),
            Message::Devices(list) => devices::list(&mut self.devices, list),
            Message::ServersChecked(reports) => self.servers_checked(reports),
            Message::Moved(call, offer) => self.offer_moved(call, offer),
            Message::MoveAgain(call) => self.move_sound(call),
            Message::Policy(file) => self.policy_said(*file),
            Message::ReferAgain(call) => self.refer_again(call),
            Message::MicrophonePlays(number) => self.microphone_plays(number),
            Message::MicrophoneChecked(number, found) => self.microphone_checked(number, found),
            Message::NetworkChanged { addresses } => {
                tracing::info!(addresses, "the network changed");
                if self.standing.is_some() {
                    // It may have slept, and nobody else tells the time.
                    let unix_ms = wall_ms();
                    self.handle(Input::ServerClock { unix_ms });
                }
                self.sip.network_changed();
                self.server.network_changed();
                if addresses {
                    self.addresses_changed();
                }
            }
        }
    }

    fn server_said(&mut self, what: FromServer) {
        match what {
            FromServer::SignedIn(signed_in) => {
                // A server that is back may have changed what was kept of it.
                let other_account = matches!(
                    (&self.sip_account, &signed_in.sip),
                    (Ok(kept), Ok(new)) if kept != new
                );
                self.sip_account = signed_in.sip.clone();
                self.server.keep(&signed_in);
                let account = sign_in_account(&signed_in.server, &signed_in.name);
                self.signed_in_as = Some(account.clone());
                self.settings.change(|choices| {
                    choices.last_server = Some(signed_in.server.clone());
                    choices.last_name = Some(signed_in.name.clone());
                });
                let server = signed_in.server.parse().ok();
                self.gate.desktop = signed_in.pages();
                let fields = signed_in.fields().clone();
                self.begin_session(&account, server, fields, signed_in.accepted());
                if other_account {
                    self.handle(Input::SipAccountChanged);
                }
                for input in signed_in.more() {
                    self.conceal_named(&input);
                    self.handle(input);
                }
            }
            FromServer::Elsewhere(pending, device) => {
                self.server.hold(*pending);
                let refusal = SignInRefusal::Elsewhere(device);
                self.handle(Input::SignIn(SignIn::Refused(refusal)));
            }
            FromServer::OpenAddress(address) => {
                self.announce(EngineEvent::OpenAddress { address });
            }
            FromServer::Refused(error) => {
                tracing::info!(%error, "sign-in refused");
                self.handle(Input::SignIn(SignIn::Refused(refusal(error))));
            }
            FromServer::Input(input) => {
                self.conceal_named(&input);
                self.handle(*input);
            }
            FromServer::SipAccount(account) => {
                if self.sip_account.as_ref() != Ok(&*account) {
                    self.sip_account = Ok(*account);
                    self.handle(Input::SipAccountChanged);
                }
            }
            FromServer::Profile(document) => {
                self.profile_said(document.fields);
            }
            FromServer::Picture(address, file) => self.picture_said(&address, file),
            FromServer::Ended(reason) => {
                if reason == SignInRefusal::WrongPassword {
                    self.forget_password();
                }
                self.handle(Input::SignIn(SignIn::Refused(reason)));
            }
        }
    }

    /// Without a server the agent is signed in from the start.
    fn sign_in_standalone(&mut self, standalone: Standalone) {
        let Standalone {
            document,
            sip,
            desk,
            settings,
        } = standalone;
        let account = format!("sip:{}@{}", sip.user, sip.domain);
        self.sip_account = Ok(sip);
        let (reasons, queues) = (desk.pause_reasons(), desk.memberships());
        let login_in_pause = document.profile.account.login_in_pause;
        let standing = Standing::new(desk, login_in_pause, self.clock.now());
        let accepted = SignIn::Accepted {
            profile_faults: document.fault_sentences(),
            profile: Box::new(document.profile),
            reasons,
            queues,
            presence: standing.presence(self.clock.now()),
        };
        self.standing = Some(standing);
        self.begin_session(&account, None, document.fields, accepted);
        if let Some(settings) = settings {
            self.handle(Input::ServerSettings(Box::new(settings)));
        }
    }

    /// One turn of the session.
    fn handle(&mut self, input: Input) {
        let effects = self.agent.handle(self.clock.now(), input);
        for effect in effects {
            self.carry_out(effect);
        }
    }

    /// STUN and TURN servers of the account.
    pub(crate) fn ice_servers(&self) -> Vec<IceServer> {
        let line = self.line.as_ref();
        line.map(|line| line.media.ice_servers.clone())
            .unwrap_or_default()
    }

    fn list_devices(&self) {
        let (voice, tell) = (self.voice.clone(), self.tell.clone());
        // Asking a sound system for its devices may take a while.
        tokio::task::spawn_blocking(move || {
            let _ = tell.send(Message::Devices(voice.devices()));
        });
    }

    fn snapshot(&mut self) -> Snapshot {
        self.revision += 1;
        let choices = self.settings.choices();
        Snapshot {
            revision: self.revision,
            at_ms: wall_ms(),
            view: self.agent.view(self.clock.now()),
            devices: self.devices.clone(),
            avatar: self.picture_number(),
            media: self.media.clone(),
            checks: self.checks.clone(),
            last_server: choices.last_server.clone(),
            last_name: choices.last_name.clone(),
        }
    }

    async fn shut_down(&mut self, done: Option<oneshot::Sender<()>>) {
        // The password stays in the keychain: this is the end of the process, not of the agent's shift.
        self.handle(Input::Command(sidetone_agent::Command::SignOut));
        let leaving = self.leaving.take();
        let server = async {
            if let Some(leaving) = leaving {
                // A task that failed has nothing left to wait for.
                let _ = leaving.await;
            }
        };
        let both = async { tokio::join!(self.sip.shut_down(), server) };
        if tokio::time::timeout(Duration::from_millis(2500), both)
            .await
            .is_err()
        {
            tracing::info!("the far ends did not confirm in time");
        }
        self.voice.attach(None);
        for (_, call) in self.calls.drain() {
            if let Some(session) = call.session() {
                session.close();
            }
        }
        if let Some(done) = done {
            // Who asked may have stopped waiting.
            let _ = done.send(());
        }
    }
}

/// Never, when there is nothing to wait for.
async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
