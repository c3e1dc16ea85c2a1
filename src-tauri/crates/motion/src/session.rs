use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::ETAG;
use reqwest::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sidetone_profile::wire::FieldError;
use sidetone_profile::{Profile, wire as profile_wire};

use crate::client::Client;
use crate::fault::Fault;
use crate::realtime::Realtime;
use crate::routes::{ROUTES, Route};
use crate::sign_on::{SignOn, TOKEN_EXPIRED};
use crate::wire::{List, PauseReason, Presence, PresenceDocument, Queue, SipCredentials};

/// A signed-in agent's requests; cheap to clone.
///
/// A token that the server takes no longer is renewed without a word: [`Fault::SessionEnded`] means that
/// the server had another reason, or refuses name and password by now.
#[derive(Clone)]
pub struct Session {
    sign_on: Arc<SignOn>,
    etag: Arc<Mutex<Option<String>>>,
}

/// The agent object, read.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentDocument {
    /// The profile.
    pub profile: Profile,
    /// Fields that could not be used.
    pub faults: Vec<FieldError>,
    /// The object as it came: one of the layers that the profile which holds is made of.
    pub fields: Map<String, Value>,
}

impl AgentDocument {
    pub(crate) fn read(document: &Value) -> Result<Self, Fault> {
        profile_wire::read(document)
            .map(|(profile, faults)| Self {
                profile,
                faults,
                fields: document.as_object().cloned().unwrap_or_default(),
            })
            .map_err(|e| Fault::BadProfile(e.to_string()))
    }

    /// The faults, each as one sentence.
    #[must_use]
    pub fn fault_sentences(&self) -> Vec<String> {
        self.faults.iter().map(ToString::to_string).collect()
    }
}

impl Session {
    pub(crate) fn new(sign_on: SignOn) -> Self {
        Self {
            sign_on: Arc::new(sign_on),
            etag: Arc::default(),
        }
    }

    /// The agent object, or `None` when it is the one that was read last.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn me(&self) -> Result<Option<AgentDocument>, Fault> {
        let known = self.etag().clone();
        let response = self.send(ROUTES.me, None::<&()>, known.as_deref()).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let etag = response
            .headers()
            .get(ETAG)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        let document: Value = self.client().read_json(ROUTES.me, response).await?;
        let document = AgentDocument::read(&document)?;
        *self.etag() = etag;
        Ok(Some(document))
    }

    /// SIP credentials and ICE servers.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn sip(&self) -> Result<SipCredentials, Fault> {
        self.get(ROUTES.sip).await
    }

    /// Whether the agent is signed in to the queues and paused.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn presence(&self) -> Result<Presence, Fault> {
        self.get::<PresenceDocument>(ROUTES.presence)
            .await?
            .into_presence()
    }

    /// Joins the queues.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn login(&self) -> Result<Presence, Fault> {
        self.ask_presence(ROUTES.login, &serde_json::json!({}))
            .await
    }

    /// Leaves the queues.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn logout(&self) -> Result<Presence, Fault> {
        self.ask_presence(ROUTES.logout, &serde_json::json!({}))
            .await
    }

    /// Pauses on every queue with one of the server's reasons.
    ///
    /// # Errors
    /// [`Fault::Refused`] with `unknown_reason` or `not_logged_in`, or any other fault.
    pub async fn pause(&self, reason: &str) -> Result<Presence, Fault> {
        self.ask_presence(ROUTES.pause, &serde_json::json!({ "reason": reason }))
            .await
    }

    /// Takes calls again.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn unpause(&self) -> Result<Presence, Fault> {
        self.ask_presence(ROUTES.unpause, &serde_json::json!({}))
            .await
    }

    /// Reasons to pause for.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn pauses(&self) -> Result<Vec<PauseReason>, Fault> {
        Ok(self
            .get::<List<PauseReason>>(ROUTES.pauses)
            .await?
            .into_rows())
    }

    /// The agent's own queues.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn queues(&self) -> Result<Vec<Queue>, Fault> {
        Ok(self.get::<List<Queue>>(ROUTES.queues).await?.into_rows())
    }

    /// Opens the WebSocket that pushes changes, and keeps it open until the result is dropped.
    #[must_use]
    pub fn realtime(&self) -> Realtime {
        Realtime::start(Arc::clone(&self.sign_on))
    }

    async fn get<T: DeserializeOwned>(&self, route: Route) -> Result<T, Fault> {
        let response = self.send(route, None::<&()>, None).await?;
        self.client().read_json(route, response).await
    }

    async fn ask_presence(
        &self,
        route: Route,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Presence, Fault> {
        let response = self.send(route, Some(body), None).await?;
        self.client()
            .read_json::<PresenceDocument>(route, response)
            .await?
            .into_presence()
    }

    /// Sends a request, and sends it again when its token had to be renewed.
    async fn send(
        &self,
        route: Route,
        body: Option<&(impl Serialize + ?Sized)>,
        etag: Option<&str>,
    ) -> Result<Response, Fault> {
        let bearer = self.sign_on.bearer();
        let client = self.client();
        match client.send(route, Some(&bearer.token), body, etag).await {
            Err(Fault::SessionEnded { code, .. }) if code == TOKEN_EXPIRED => {
                self.sign_on.renew_refused(&bearer).await?;
                let token = self.sign_on.bearer().token;
                client.send(route, Some(&token), body, etag).await
            }
            answer => answer,
        }
    }

    fn client(&self) -> &Client {
        self.sign_on.client()
    }

    fn etag(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.etag.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("server", self.client().url())
            .finish_non_exhaustive()
    }
}
