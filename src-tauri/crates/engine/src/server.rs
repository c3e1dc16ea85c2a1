use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use sidetone_agent::{
    Input, LinkState, PauseReason, PresenceReport, QueueMembership, SignIn, SignInRefusal,
};
use sidetone_motion::{
    AgentDocument, Client, Fault, Presence, Queue, Realtime, RealtimeEvent, Session, SignInError,
    SipCredentials,
};
use sidetone_profile::Secret;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use crate::phone::Message;

/// A profile and the SIP account that belongs to it; the words say why there is none.
pub(crate) type SipAccount = Result<SipCredentials, String>;

/// What comes from the server's tasks.
#[derive(Debug)]
pub(crate) enum FromServer {
    /// Signed in.
    SignedIn(Box<SignedIn>),
    /// Not signed in.
    Refused(SignInError),
    /// For `agent` as it is.
    Input(Box<Input>),
    /// The profile changed.
    Profile(Box<AgentDocument>),
    /// The SIP account as it is now; it may be the one that is known.
    SipAccount(Box<SipCredentials>),
    /// The session is over.
    Ended(SignInRefusal),
}

/// All that a sign-in brings.
#[derive(Debug)]
pub(crate) struct SignedIn {
    session: Session,
    document: AgentDocument,
    pub(crate) sip: SipAccount,
    presence: Presence,
    reasons: Vec<sidetone_motion::PauseReason>,
    queues: Vec<Queue>,
    pub(crate) server: String,
    pub(crate) name: String,
}

impl SignedIn {
    /// The agent object as it came.
    pub(crate) fn fields(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.document.fields
    }

    pub(crate) fn into_session(self) -> Session {
        self.session
    }

    /// The same for `agent`.
    pub(crate) fn accepted(&self) -> SignIn {
        SignIn::Accepted {
            profile: Box::new(self.document.profile.clone()),
            profile_faults: self.document.fault_sentences(),
            reasons: reasons(self.reasons.clone()),
            queues: queues(self.queues.clone()),
            presence: presence(self.presence.clone()),
        }
    }
}

/// The contact-centre server's side of the engine: requests as tasks, their answers as messages.
#[derive(Debug)]
pub(crate) struct Server {
    tls: Arc<ClientConfig>,
    tell: mpsc::UnboundedSender<Message>,
    /// Counts sign-ins and sign-outs, so that a late answer of an earlier session is left out.
    epoch: u64,
    session: Option<Session>,
    pump: Option<AbortHandle>,
}

impl Server {
    pub(crate) fn new(tls: Arc<ClientConfig>, tell: mpsc::UnboundedSender<Message>) -> Self {
        Self {
            tls,
            tell,
            epoch: 0,
            session: None,
            pump: None,
        }
    }

    /// Whether a message belongs to the session of now.
    pub(crate) fn is_current(&self, epoch: u64) -> bool {
        epoch == self.epoch
    }

    /// Signs in and fetches everything; answered by `SignedIn` or `Refused`.
    pub(crate) fn sign_in(
        &mut self,
        server: String,
        name: String,
        password: Secret,
        code: Option<Secret>,
    ) {
        self.drop_session();
        let tls = Arc::clone(&self.tls);
        self.spawn(async move {
            match sign_in(tls, server, name, password, code).await {
                Ok(signed_in) => FromServer::SignedIn(Box::new(signed_in)),
                Err(error) => FromServer::Refused(error),
            }
        });
    }

    /// Keeps the session and listens to what the server pushes.
    pub(crate) fn keep(&mut self, signed_in: &SignedIn) {
        let session = signed_in.session.clone();
        self.session = Some(session.clone());
        let pump = Pump {
            realtime: session.realtime(),
            session,
            tell: self.teller(),
        };
        self.pump = Some(tokio::spawn(pump.run()).abort_handle());
    }

    pub(crate) fn pause(&self, reason: String) {
        self.ask(move |session| async move { session.pause(None, &reason).await });
    }

    pub(crate) fn unpause(&self) {
        self.ask(|session| async move { session.unpause(None).await });
    }

    /// Leaves the queues and forgets the token; the result ends when the server knows, or soon after.
    pub(crate) fn sign_out(&mut self) -> Option<JoinHandle<()>> {
        let session = self.drop_session()?;
        Some(tokio::spawn(async move {
            match tokio::time::timeout(Duration::from_secs(2), session.logout()).await {
                Ok(Ok(_)) => {}
                Ok(Err(fault)) => tracing::info!(%fault, "agent logout was not confirmed"),
                Err(_) => tracing::info!("agent logout was not confirmed in time"),
            }
        }))
    }

    fn drop_session(&mut self) -> Option<Session> {
        self.epoch += 1;
        if let Some(pump) = self.pump.take() {
            pump.abort();
        }
        self.session.take()
    }

    fn ask<F>(&self, request: impl FnOnce(Session) -> F)
    where
        F: Future<Output = Result<Presence, Fault>> + Send + 'static,
    {
        let Some(session) = &self.session else {
            let input = Input::PresenceFailed {
                detail: "there is no contact-centre server to ask".to_owned(),
            };
            self.teller().say(FromServer::Input(Box::new(input)));
            return;
        };
        let request = request(session.clone());
        self.spawn(async move {
            match request.await {
                Ok(now) => FromServer::Input(Box::new(Input::Presence(presence(now)))),
                Err(Fault::SessionEnded { code, detail }) => ended(&code, detail),
                Err(Fault::Unreachable(fault)) => {
                    tracing::info!(%fault, "presence request was not answered");
                    FromServer::Input(Box::new(Input::PresenceFailed {
                        detail: String::new(),
                    }))
                }
                Err(fault) => FromServer::Input(Box::new(Input::PresenceFailed {
                    detail: fault.to_string(),
                })),
            }
        });
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

async fn sign_in(
    tls: Arc<ClientConfig>,
    server: String,
    name: String,
    password: Secret,
    code: Option<Secret>,
) -> Result<SignedIn, SignInError> {
    let client = Client::new(&server, tls)?;
    let session = client.sign_in(&name, &password, code.as_ref()).await?;
    let document = session.me().await?.ok_or_else(|| {
        Fault::BadProfile("the server sent no agent document to a new session".to_owned())
    })?;
    let (sip, presence, reasons, queues) = tokio::join!(
        sip_account(&session),
        session.login("Sidetone", false),
        session.pauses(),
        session.queues()
    );
    Ok(SignedIn {
        sip,
        presence: presence?,
        reasons: reasons?,
        queues: queues?,
        document,
        session,
        server: client.url().to_string(),
        name,
    })
}

/// An agent whose phone is elsewhere may have none, so its absence is no fault of the sign-in.
async fn sip_account(session: &Session) -> SipAccount {
    session.sip().await.map_err(|fault| fault.to_string())
}

/// Listens to what the server pushes, and fetches what was missed.
struct Pump {
    session: Session,
    realtime: Realtime,
    tell: Teller,
}

impl Pump {
    async fn run(mut self) {
        while let Some(event) = self.realtime.next().await {
            match self.take(event).await {
                Ok(()) => {}
                Err(Fault::SessionEnded { code, detail }) => {
                    self.tell.say(ended(&code, detail));
                    return;
                }
                Err(fault) => {
                    tracing::warn!(%fault, "what the server announced could not be fetched");
                }
            }
        }
    }

    async fn take(&self, event: RealtimeEvent) -> Result<(), Fault> {
        match event {
            RealtimeEvent::Polling(_) => {
                self.tell.input(Input::Link(LinkState::Up));
                self.fetch_lists().await?;
                self.fetch_profile().await?;
            }
            RealtimeEvent::Connected { resumed } => {
                self.tell.input(Input::Link(LinkState::Up));
                if !resumed {
                    self.fetch_lists().await?;
                    self.fetch_profile().await?;
                }
                // A replayed presence would be as old as the gap; its age must be the one of now.
                let now = self.session.presence().await?;
                self.tell.input(Input::Presence(presence(now)));
            }
            RealtimeEvent::Disconnected(fault) => {
                self.tell
                    .input(Input::Link(LinkState::Down(fault.to_string())));
            }
            RealtimeEvent::ProfileChanged => self.fetch_profile().await?,
            RealtimeEvent::Profile(document) => {
                self.say_sip_account(self.session.sip().await);
                self.say_profile(*document);
            }
            RealtimeEvent::Presence(now) => self.tell.input(Input::Presence(presence(now))),
            RealtimeEvent::Queues(rows) => self.tell.input(Input::Queues(queues(rows))),
            RealtimeEvent::Pauses(rows) => self.tell.input(Input::PauseReasons(reasons(rows))),
            RealtimeEvent::SipAccount(account) => self.say_sip_account(Ok(*account)),
            RealtimeEvent::Settings(_)
            | RealtimeEvent::Dispositions(_)
            | RealtimeEvent::Callbacks(_)
            | RealtimeEvent::Previews(_)
            | RealtimeEvent::Interactions(_)
            | RealtimeEvent::Changed(_) => {}
            RealtimeEvent::SignedOut { code, detail } => {
                tracing::info!(code, "the server ended the session");
                self.tell.say(ended(&code, detail));
            }
        }
        Ok(())
    }

    async fn fetch_lists(&self) -> Result<(), Fault> {
        let (new_queues, new_reasons) = tokio::join!(self.session.queues(), self.session.pauses());
        self.tell.input(Input::Queues(queues(new_queues?)));
        self.tell.input(Input::PauseReasons(reasons(new_reasons?)));
        Ok(())
    }

    /// Both, whichever of them it was that changed: a new SIP secret leaves the agent document as it is.
    async fn fetch_profile(&self) -> Result<(), Fault> {
        let (document, sip) = tokio::join!(self.session.me(), self.session.sip());
        self.say_sip_account(sip);
        if let Some(document) = document? {
            self.say_profile(document);
        }
        Ok(())
    }

    fn say_profile(&self, document: AgentDocument) {
        for fault in &document.faults {
            tracing::warn!(%fault, "part of the profile was left out");
        }
        self.tell.say(FromServer::Profile(Box::new(document)));
    }

    /// An account that works is not given up because the server could not name it this time.
    fn say_sip_account(&self, account: Result<SipCredentials, Fault>) {
        match account {
            Ok(account) => self.tell.say(FromServer::SipAccount(Box::new(account))),
            Err(fault) => tracing::info!(%fault, "the SIP account could not be fetched"),
        }
    }
}

/// The end of a session in `agent`'s terms.
fn ended(code: &str, detail: String) -> FromServer {
    FromServer::Ended(match code {
        "account_disabled" => SignInRefusal::Disabled,
        "account_locked" => SignInRefusal::Locked,
        // A renewal that was refused.
        "wrong_password" => SignInRefusal::WrongPassword,
        "code_required" | "wrong_code" => SignInRefusal::CodeRequired,
        _ => SignInRefusal::SessionEnded(detail),
    })
}

/// A refused sign-in in `agent`'s terms.
pub(crate) fn refusal(error: SignInError) -> SignInRefusal {
    match error {
        SignInError::WrongPassword => SignInRefusal::WrongPassword,
        SignInError::CodeRequired => SignInRefusal::CodeRequired,
        SignInError::WrongCode => SignInRefusal::WrongCode,
        SignInError::Locked => SignInRefusal::Locked,
        SignInError::Disabled => SignInRefusal::Disabled,
        SignInError::PasswordExpired(rules) => SignInRefusal::PasswordExpired(rules),
        SignInError::PasswordRefused(why) => SignInRefusal::PasswordRefused(why),
        SignInError::NoBrowserSignIn => SignInRefusal::NoBrowserSignIn,
        SignInError::Browser(why) => SignInRefusal::Browser(why),
        SignInError::Elsewhere(where_to) => SignInRefusal::Elsewhere(where_to),
        SignInError::Fault(fault) => match fault {
            Fault::BadAddress { typed, .. } => SignInRefusal::BadAddress(typed),
            Fault::Certificate(fault) => SignInRefusal::Certificate(fault.to_string()),
            Fault::Unreachable(fault) => SignInRefusal::Unreachable(fault.to_string()),
            Fault::SessionEnded { detail, .. } => SignInRefusal::SessionEnded(detail),
            Fault::NotSuchServer { .. }
            | Fault::NotJson { .. }
            | Fault::BadJson { .. }
            | Fault::BadProfile(_)
            | Fault::PasswordExpired(_)
            | Fault::Refused { .. }
            | Fault::Status { .. } => SignInRefusal::BadAnswer(fault.to_string()),
        },
    }
}

fn presence(from: Presence) -> PresenceReport {
    PresenceReport {
        online: from.online,
        paused: from.paused,
        reason: from.reason,
        online_for_ms: from.online_for_ms,
        paused_for_ms: from.paused_for_ms,
        channels: Vec::new(),
    }
}

fn reasons(from: Vec<sidetone_motion::PauseReason>) -> Vec<PauseReason> {
    from.into_iter()
        .map(|r| PauseReason {
            id: r.id,
            name: r.name,
        })
        .collect()
}

fn queues(from: Vec<Queue>) -> Vec<QueueMembership> {
    from.into_iter()
        .map(|q| QueueMembership {
            id: q.id,
            name: q.name,
            waiting: q.waiting,
            strategy: None,
        })
        .collect()
}
