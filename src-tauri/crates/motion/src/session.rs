use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::StatusCode;
use reqwest::header::ETAG;
use serde::Serialize;
use serde_json::Value;
use sidetone_profile::wire::FieldError;
use sidetone_profile::{Profile, Secret, wire as profile_wire};

use crate::client::Client;
use crate::fault::Fault;
use crate::realtime::Realtime;
use crate::routes::{ROUTES, Route};
use crate::wire::{List, PauseReason, Presence, PresenceDocument, Queue, SipCredentials};

/// A signed-in agent's requests; cheap to clone.
#[derive(Clone)]
pub struct Session {
    client: Client,
    token: Secret,
    etag: Arc<Mutex<Option<String>>>,
}

/// The agent object, read.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentDocument {
    /// The profile.
    pub profile: Profile,
    /// Fields that could not be used.
    pub faults: Vec<FieldError>,
}

impl AgentDocument {
    pub(crate) fn read(document: &Value) -> Result<Self, Fault> {
        profile_wire::read(document)
            .map(|(profile, faults)| Self { profile, faults })
            .map_err(|e| Fault::BadProfile(e.to_string()))
    }

    /// The faults, each as one sentence.
    #[must_use]
    pub fn fault_sentences(&self) -> Vec<String> {
        self.faults.iter().map(ToString::to_string).collect()
    }
}

impl Session {
    pub(crate) fn new(client: Client, token: Secret) -> Self {
        Self {
            client,
            token,
            etag: Arc::default(),
        }
    }

    /// The agent object, or `None` when it is the one that was read last.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn me(&self) -> Result<Option<AgentDocument>, Fault> {
        let known = self.etag().clone();
        let response = self
            .client
            .send(ROUTES.me, Some(&self.token), None::<&()>, known.as_deref())
            .await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let etag = response
            .headers()
            .get(ETAG)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        let document: Value = self.client.read_json(ROUTES.me, response).await?;
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
        Realtime::start(self.client.clone(), self.token.clone())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, route: Route) -> Result<T, Fault> {
        self.client
            .send_json(route, Some(&self.token), None::<&()>)
            .await
    }

    async fn ask_presence(
        &self,
        route: Route,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Presence, Fault> {
        self.client
            .send_json::<PresenceDocument>(route, Some(&self.token), Some(body))
            .await?
            .into_presence()
    }

    fn etag(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.etag.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("server", self.client.url())
            .finish_non_exhaustive()
    }
}
