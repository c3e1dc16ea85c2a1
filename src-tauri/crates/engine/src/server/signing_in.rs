use serde_json::{Map, Value};
use sidetone_agent::{Input, LinkState, SignIn};
use sidetone_motion::{
    AgentDocument, Client, Fault, PauseReason, Presence, QueueMembership, Session,
    SettingsDocument, SignInError,
};
use sidetone_profile::{Callback, Disposition, Interaction, PreviewCall, Secret};
use url::Url;

use super::kept::{Keeper, Opened};
use super::{FromServer, SipAccount, Teller};

/// What a sign-in with a password began with.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) server: String,
    pub(super) name: String,
    pub(super) password: Secret,
    pub(super) code: Option<Secret>,
}

/// A sign-in that waits for the word whether the agent's other session is to end.
#[derive(Debug)]
pub(crate) struct Pending {
    session: Session,
    who: Who,
    document: AgentDocument,
}

/// Whose session it is.
#[derive(Clone, Debug)]
struct Who {
    /// As typed; nothing was typed for a sign-in through the browser.
    name: Option<String>,
    password: Option<Secret>,
}

/// All that a sign-in brings.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// None while the server is away.
    session: Option<Session>,
    pub(super) found: Found,
    pub(crate) sip: SipAccount,
    pub(crate) server: String,
    pub(crate) name: String,
    pub(super) password: Option<Secret>,
    away: Option<Away>,
}

/// What the server said of the agent.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) document: AgentDocument,
    pub(super) reasons: Vec<PauseReason>,
    pub(super) queues: Vec<QueueMembership>,
    pub(super) settings: SettingsDocument,
    pub(super) dispositions: Vec<Disposition>,
    pub(super) now: Now,
}

/// What holds at this moment only: unknown while the server is away.
#[derive(Debug, Default)]
pub(super) struct Now {
    presence: Option<Presence>,
    callbacks: Vec<Callback>,
    previews: Vec<PreviewCall>,
    interactions: Vec<Interaction>,
}

#[derive(Clone, Debug)]
struct Away {
    fault: String,
    last_contact_ms: u64,
    /// What the sign-in through the browser is worth when the server is back.
    refresh: Option<Secret>,
}

impl SignedIn {
    /// The agent object as it came.
    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.found.document.fields
    }

    /// Where the web desktop's pages are.
    pub(crate) fn pages(&self) -> Option<Url> {
        let desktop = self.found.settings.desktop_url.as_deref();
        let desktop = desktop.and_then(|url| Url::parse(url).ok());
        desktop
            .filter(|url| url.scheme() == "https" && url.has_host())
            .or_else(|| Url::parse(&self.server).ok())
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// When the server that is away last answered, in milliseconds since 1970.
    pub(super) fn last_contact_ms(&self) -> u64 {
        self.away.as_ref().map_or(0, |away| away.last_contact_ms)
    }

    /// What the sign-in through the browser is worth when the server is back.
    pub(super) fn refresh(&self) -> Option<&Secret> {
        self.away.as_ref()?.refresh.as_ref()
    }

    /// The answer to the sign-in, for `agent`.
    pub(crate) fn accepted(&self) -> SignIn {
        let found = &self.found;
        SignIn::Accepted {
            profile: Box::new(found.document.profile.clone()),
            profile_faults: found.document.fault_sentences(),
            reasons: found.reasons.clone(),
            queues: found.queues.clone(),
            presence: found.now.presence.clone().unwrap_or_default().report,
        }
    }

    /// What `agent` is told after that.
    pub(crate) fn more(&self) -> Vec<Input> {
        let found = &self.found;
        let mut more = vec![
            Input::ServerSettings(Box::new(found.settings.settings.clone())),
            Input::Dispositions(found.dispositions.clone()),
        ];
        if let Some(presence) = &found.now.presence {
            more.push(Input::ServerClock {
                unix_ms: presence.server_ms,
            });
        }
        if let Some(away) = &self.away {
            more.push(Input::Link(LinkState::Away(away.fault.clone())));
        } else {
            more.push(Input::Callbacks(found.now.callbacks.clone()));
            more.push(Input::Previews(found.now.previews.clone()));
            more.push(Input::Interactions(found.now.interactions.clone()));
        }
        more
    }

    /// Undoes a sign-in that nobody waits for any more.
    pub(crate) fn leave(self) {
        let Some(session) = self.session else { return };
        tokio::spawn(async move {
            if let Err(fault) = session.logout().await {
                tracing::info!(%fault, "agent logout was not confirmed");
            }
        });
    }

    fn kept(opened: Opened, name: String, refresh: Option<Secret>, fault: &Fault) -> Self {
        Self {
            session: None,
            found: opened.found,
            sip: opened.sip,
            server: opened.server,
            name,
            password: None,
            away: Some(Away {
                fault: fault.to_string(),
                last_contact_ms: opened.last_contact_ms,
                refresh,
            }),
        }
    }
}

impl Pending {
    /// Ends the other session and goes on.
    pub(super) async fn take_over(self) -> FromServer {
        enter(self.session, self.who, Some(self.document))
            .await
            .unwrap_or_else(FromServer::Refused)
    }
}

/// Signs in with name and password; while the server is away, with what was kept.
pub(super) async fn with_password(
    client: Result<Client, Fault>,
    attempt: Attempt,
    keeper: Keeper,
) -> FromServer {
    let error = match online(client, &attempt).await {
        Ok(done) => return done,
        Err(error) => error,
    };
    let account = crate::sign_in_account(&attempt.server, &attempt.name);
    match &error {
        SignInError::Fault(fault) if fault.is_away() => {
            let (keeper, password) = (keeper.clone(), attempt.password.clone());
            let opened = tokio::task::spawn_blocking(move || keeper.open(&account, &password));
            if let Ok(Some(opened)) = opened.await {
                tracing::info!(%fault, "the server is away: signed in with what it last said");
                let signed_in = SignedIn::kept(opened, attempt.name, None, fault);
                return FromServer::SignedIn(Box::new(signed_in));
            }
        }
        SignInError::Disabled | SignInError::Locked => {
            // Nor while the server is away next time.
            tokio::task::spawn_blocking(move || keeper.forget(&account));
        }
        _ => {}
    }
    FromServer::Refused(error)
}

/// Signs in with name and password at the server itself.
pub(super) async fn online(
    client: Result<Client, Fault>,
    attempt: &Attempt,
) -> Result<FromServer, SignInError> {
    let session = client?
        .sign_in(&attempt.name, &attempt.password, attempt.code.as_ref())
        .await?;
    let who = Who {
        name: Some(attempt.name.clone()),
        password: Some(attempt.password.clone()),
    };
    enter(session, who, None).await
}

/// Signs in through the system's browser; while the server is away, with what was kept of such a sign-in.
pub(super) async fn with_browser(
    client: Result<Client, Fault>,
    teller: &Teller,
    keeper: Keeper,
) -> FromServer {
    let server = client.as_ref().map(|client| client.url().to_string());
    let signed_in = async {
        let sign_in = client.clone()?.browser_sign_in().await?;
        teller.say(FromServer::OpenAddress(sign_in.address().to_string()));
        let session = sign_in.finish().await?;
        enter(session, Who::FROM_BROWSER, None).await
    };
    let error = match signed_in.await {
        Ok(done) => return done,
        Err(error) => error,
    };
    if let (SignInError::Fault(fault), Ok(server)) = (&error, server)
        && fault.is_away()
        && let Ok(Some((opened, refresh))) =
            tokio::task::spawn_blocking(move || keeper.open_browser(&server)).await
    {
        tracing::info!(%fault, "the server is away: signed in with what it last said");
        let name = opened.found.document.profile.name.clone();
        let signed_in = SignedIn::kept(opened, name, Some(refresh), fault);
        return FromServer::SignedIn(Box::new(signed_in));
    }
    FromServer::Refused(error)
}

/// How to sign in when the server is back.
#[derive(Clone, Debug)]
pub(super) enum Again {
    /// With what was typed.
    Password(Attempt),
    /// With what the sign-in through the browser was worth.
    Browser(Secret),
}

impl Again {
    /// Signs in at the server itself.
    pub(super) async fn sign_in(
        &mut self,
        client: Result<Client, Fault>,
    ) -> Result<FromServer, SignInError> {
        let refresh = match self {
            Self::Password(attempt) => return online(client, attempt).await,
            Self::Browser(refresh) => refresh,
        };
        let session = client?.resume(refresh).await?;
        // The one before is used up, should this try go no further.
        if let Some(next) = session.refresh_token().borrow().clone() {
            *refresh = next;
        }
        enter(session, Who::FROM_BROWSER, None).await
    }
}

impl Who {
    /// The server knows.
    const FROM_BROWSER: Self = Self {
        name: None,
        password: None,
    };
}

/// Joins the queues and fetches everything. `known`: the agent as the server said it before the word to take over; it
/// is not sent again when nothing changed since.
async fn enter(
    session: Session,
    who: Who,
    known: Option<AgentDocument>,
) -> Result<FromServer, SignInError> {
    let take_over = known.is_some();
    let document = session.me().await?.or(known).ok_or_else(|| {
        Fault::BadProfile("the server sent no agent document to a new session".to_owned())
    })?;
    let device = device();
    let presence = match session.login(&device, take_over).await {
        Err(SignInError::Elsewhere(detail)) => {
            let pending = Pending {
                session,
                who,
                document,
            };
            return Ok(FromServer::Elsewhere(Box::new(pending), detail));
        }
        answer => answer?,
    };
    let (sip, reasons, queues, settings, dispositions, callbacks, previews, interactions) = tokio::join!(
        session.sip(),
        session.pauses(),
        session.queues(),
        session.settings(),
        session.dispositions(),
        session.callbacks(),
        session.previews(),
        session.interactions(),
    );
    let name = who.name.unwrap_or_else(|| document.profile.name.clone());
    Ok(FromServer::SignedIn(Box::new(SignedIn {
        found: Found {
            document,
            reasons: reasons?,
            queues: queues?,
            settings: if_usable("the server's settings", settings)?,
            dispositions: if_usable("the dispositions", dispositions)?,
            now: Now {
                presence: Some(presence),
                callbacks: if_usable("the callbacks", callbacks)?,
                previews: if_usable("the preview calls", previews)?,
                interactions: if_usable("the interactions", interactions)?,
            },
        },
        // An agent whose phone is elsewhere may have none, so its absence is no fault of the sign-in.
        sip: sip.map_err(|fault| fault.to_string()),
        server: session.url().to_string(),
        name,
        password: who.password,
        away: None,
        session: Some(session),
    })))
}

impl Found {
    /// The same without anything of the moment.
    pub(super) fn lasting(
        document: AgentDocument,
        reasons: Vec<PauseReason>,
        queues: Vec<QueueMembership>,
        settings: SettingsDocument,
        dispositions: Vec<Disposition>,
    ) -> Self {
        Self {
            document,
            reasons,
            queues,
            settings,
            dispositions,
            now: Now::default(),
        }
    }
}

/// A phone can be used without this: a fault of it is no fault of the sign-in, unless the session is over.
fn if_usable<T: Default>(what: &'static str, answer: Result<T, Fault>) -> Result<T, Fault> {
    match answer {
        Err(fault @ Fault::SessionEnded { .. }) => Err(fault),
        Err(fault) => {
            tracing::warn!(what, %fault, "left out");
            Ok(T::default())
        }
        usable => usable,
    }
}

/// What this device is called when the agent is told of it elsewhere.
pub(super) fn device() -> String {
    let system = match std::env::consts::OS {
        "windows" => "Windows",
        "macos" => "macOS",
        "linux" => "Linux",
        other => other,
    };
    let host = gethostname::gethostname();
    format!("{system}, {}", host.to_string_lossy())
}
