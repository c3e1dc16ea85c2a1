//! The contact-centre server's side of the engine: requests as tasks, their answers as messages.

mod alone;
mod comeback;
mod kept;
mod pump;
mod requests;
mod signing_in;
mod terms;
mod ways;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use sidetone_agent::{Input, SignInRefusal};
use sidetone_motion::{AgentDocument, Client, Fault, Routes, Session, SignInError, SipCredentials};
use sidetone_profile::Secret;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::SecretStore;
use crate::phone::Message;
use kept::Keeper;
#[cfg(feature = "fuzzing")]
pub(crate) use kept::read as read_kept;
use pump::Pump;
use signing_in::{Again, Attempt};
pub(crate) use signing_in::{Pending, SignedIn};
pub(crate) use terms::refusal;

/// A SIP account; the words say why there is none.
pub(crate) type SipAccount = Result<SipCredentials, String>;

/// What comes from the server's tasks.
#[derive(Debug)]
pub(crate) enum FromServer {
    /// Signed in.
    SignedIn(Box<SignedIn>),
    /// Not signed in.
    Refused(SignInError),
    /// Not signed in yet: the agent is signed in elsewhere, in the server's words.
    Elsewhere(Box<Pending>, String),
    /// The system's browser has to open this.
    OpenAddress(String),
    /// For `agent` as it is.
    Input(Box<Input>),
    /// The profile changed.
    Profile(Box<AgentDocument>),
    /// The SIP account as it is now; it may be the one that is known.
    SipAccount(Box<SipCredentials>),
    /// The file at the address of the agent's picture; the words say why it cannot be had.
    Picture(String, Result<Vec<u8>, String>),
    /// The session is over.
    Ended(SignInRefusal),
}

/// How the server's side is set up.
pub(crate) struct ServerSetup {
    /// Whom to trust.
    pub(crate) tls: Arc<ClientConfig>,
    /// Where the server's requests are.
    pub(crate) routes: Arc<Routes>,
    /// Where secrets are kept.
    pub(crate) secrets: Arc<dyn SecretStore>,
    /// Where the last good profile is kept; `None` keeps none.
    pub(crate) dir: Option<PathBuf>,
    /// So long the phone works with it while the server is away.
    pub(crate) offline_for: Duration,
}

/// The contact-centre server, as the phone asks it.
pub(crate) struct Server {
    tls: Arc<ClientConfig>,
    routes: Arc<Routes>,
    keeper: Keeper,
    /// What the keeper and the session of now go by.
    offline_for: watch::Sender<Duration>,
    tell: mpsc::UnboundedSender<Message>,
    /// Counts sign-ins and sign-outs, so that a late answer of an earlier session is left out.
    epoch: u64,
    session: Option<Session>,
    /// The name of who is signed in, as the server has it.
    name: String,
    /// The sign-in under way, for what it may still need.
    attempt: Option<Attempt>,
    /// A sign-in that waits for the word whether the agent's other session is to end.
    pending: Option<Pending>,
    /// What asks a server how its agents sign in.
    asking: Option<AbortHandle>,
    /// What listens to the server, or waits for it to come back, or for a browser.
    listening: Option<AbortHandle>,
}

impl Server {
    pub(crate) fn new(setup: ServerSetup, tell: mpsc::UnboundedSender<Message>) -> Self {
        let (offline_for, allowed) = watch::channel(setup.offline_for);
        Self {
            tls: setup.tls,
            routes: setup.routes,
            keeper: Keeper::new(setup.dir, setup.secrets, allowed),
            offline_for,
            tell,
            epoch: 0,
            session: None,
            name: String::new(),
            attempt: None,
            pending: None,
            asking: None,
            listening: None,
        }
    }

    /// Whether a message belongs to the session of now.
    pub(crate) fn is_current(&self, epoch: u64) -> bool {
        epoch == self.epoch
    }

    /// Asks how the agents of this server sign in, until it answers.
    pub(crate) fn ask_sign_in_ways(&mut self, server: String) {
        self.stop_asking();
        let (client, keeper, tell) = (self.client(&server), self.keeper.clone(), self.tell.clone());
        let asking = tokio::spawn(ways::ask(client, server, keeper, tell));
        self.asking = Some(asking.abort_handle());
    }

    /// Signs in and fetches everything; answered by `SignedIn`, `Elsewhere` or `Refused`.
    pub(crate) fn sign_in(
        &mut self,
        server: String,
        name: String,
        password: Secret,
        code: Option<Secret>,
    ) {
        self.drop_session();
        let attempt = Attempt {
            server,
            name,
            password,
            code,
        };
        self.attempt = Some(attempt.clone());
        let (client, keeper) = (self.client(&attempt.server), self.keeper.clone());
        self.spawn(async move { signing_in::with_password(client, attempt, keeper).await });
    }

    /// The same through the system's browser.
    pub(crate) fn sign_in_with_browser(&mut self, server: &str) {
        self.drop_session();
        let (client, teller) = (self.client(server), self.teller());
        let keeper = self.keeper.clone();
        self.listen(async move {
            let done = signing_in::with_browser(client, &teller, keeper).await;
            teller.say(done);
        });
    }

    /// IT's policy is another one: so long the phone works without the server from now on, and from the next sign-in
    /// the server's requests are here.
    pub(crate) fn policy_changed(&mut self, offline_for: Duration, routes: Routes) {
        self.offline_for.send_replace(offline_for);
        self.routes = Arc::new(routes);
    }

    /// This computer woke up or has another network.
    pub(crate) fn network_changed(&self) {
        if let Some(session) = &self.session {
            session.network_changed();
        }
    }

    /// Keeps a sign-in that waits for the agent's word.
    pub(crate) fn hold(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    /// Ends the agent's other session and finishes the sign-in that waits.
    pub(crate) fn take_over(&mut self) {
        let pending = self.pending.take();
        self.spawn(async move {
            match pending {
                Some(pending) => pending.take_over().await,
                None => FromServer::Refused(SignInError::Fault(Fault::SessionEnded {
                    code: String::new(),
                    detail: "the sign-in took too long; sign in again".to_owned(),
                })),
            }
        });
    }

    /// Keeps the session and listens to what the server pushes; without one, waits for the server to come back.
    pub(crate) fn keep(&mut self, signed_in: &SignedIn) {
        self.stop_listening();
        self.stop_asking();
        self.pending = None;
        self.name.clone_from(&signed_in.name);
        match signed_in.session() {
            Some(session) => {
                self.attempt = None;
                self.session = Some(session.clone());
                let record = self.keeper.record(signed_in);
                let pump = Pump::new(session.clone(), record, self.keeper.clone(), self.teller());
                self.listen(pump.run());
            }
            None => {
                let again = match (signed_in.refresh(), self.attempt.clone()) {
                    (Some(refresh), _) => Again::Browser(refresh.clone()),
                    // A code will be too old by then; whoever needs one is asked for another.
                    (None, Some(attempt)) => Again::Password(Attempt {
                        code: None,
                        ..attempt
                    }),
                    (None, None) => return,
                };
                let (client, teller) = (self.client(&signed_in.server), self.teller());
                let (since, keeper) = (signed_in.last_contact_ms(), self.keeper.clone());
                self.listen(comeback::wait(client, again, since, keeper, teller));
            }
        }
    }

    /// Leaves the queues and forgets the token; the result ends when the server knows, or soon after.
    pub(crate) fn sign_out(&mut self) -> Option<JoinHandle<()>> {
        let session = self.drop_session()?;
        if session.is_over() {
            // Whoever took over must not be logged out with it.
            return None;
        }
        Some(tokio::spawn(async move {
            match tokio::time::timeout(Duration::from_secs(2), session.logout()).await {
                Ok(Ok(_)) => {}
                Ok(Err(fault)) => tracing::info!(%fault, "agent logout was not confirmed"),
                Err(_) => tracing::info!("agent logout was not confirmed in time"),
            }
        }))
    }

    /// Whom the whole phone trusts.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// Forgets what was kept of an account for the time when the server is away.
    pub(crate) fn forget(&self, account: &str) {
        let (keeper, account) = (self.keeper.clone(), account.to_owned());
        tokio::task::spawn_blocking(move || keeper.forget(&account));
    }

    fn drop_session(&mut self) -> Option<Session> {
        self.epoch += 1;
        self.stop_listening();
        self.attempt = None;
        self.pending = None;
        self.session.take()
    }

    fn stop_asking(&mut self) {
        if let Some(task) = self.asking.take() {
            task.abort();
        }
    }

    fn stop_listening(&mut self) {
        if let Some(task) = self.listening.take() {
            task.abort();
        }
    }

    fn client(&self, server: &str) -> Result<Client, Fault> {
        Client::with_routes(server, Arc::clone(&self.tls), Arc::clone(&self.routes))
    }

    /// Runs until the session is dropped.
    fn listen(&mut self, job: impl Future<Output = ()> + Send + 'static) {
        self.listening = Some(tokio::spawn(job).abort_handle());
    }

    fn spawn(&self, job: impl Future<Output = FromServer> + Send + 'static) {
        let teller = self.teller();
        tokio::spawn(async move { teller.say(job.await) });
    }

    fn teller(&self) -> Teller {
        Teller {
            tell: self.tell.clone(),
            epoch: self.epoch,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_asking();
        self.drop_session();
    }
}

/// Sends messages that carry the session they belong to.
#[derive(Clone, Debug)]
struct Teller {
    tell: mpsc::UnboundedSender<Message>,
    epoch: u64,
}

impl Teller {
    fn say(&self, what: FromServer) {
        // Nobody listens any more when the engine has stopped.
        let _ = self.tell.send(Message::Server(self.epoch, what));
    }

    fn input(&self, input: Input) {
        self.say(FromServer::Input(Box::new(input)));
    }
}
