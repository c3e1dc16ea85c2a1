use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::ETAG;
use reqwest::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sidetone_profile::wire::FieldError;
use sidetone_profile::{
    Callback, Channel, Disposition, Interaction, PauseReason, PreviewCall, Profile,
    QueueMembership, Secret, wire as profile_wire,
};
use tokio::sync::{Notify, watch};
use url::Url;

use crate::client::{Client, SignInError};
use crate::fault::Fault;
use crate::realtime::Realtime;
use crate::routes::{PICTURE, Route, Routes};
use crate::sign_on::{SignOn, TOKEN_EXPIRED};
use crate::wire::{
    Presence, PresenceDocument, Row, SettingsDocument, SipCredentials, channel_name, rows,
};

/// A signed-in agent's requests; cheap to clone.
///
/// A token that the server takes no longer is renewed without a word: [`Fault::SessionEnded`] means that
/// the server had another reason, or refuses name and password by now.
#[derive(Clone)]
pub struct Session {
    sign_on: Arc<SignOn>,
    etag: Arc<Mutex<Option<String>>>,
    /// Wakes the realtime socket's task.
    nudge: Arc<Notify>,
    /// Seconds without the realtime socket after which the server logs the agent out; 0 is not known.
    grace_s: Arc<AtomicU64>,
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
    /// Reads an agent object.
    ///
    /// # Errors
    /// [`Fault::BadProfile`] when it is of no use at all.
    pub fn read(document: &Value) -> Result<Self, Fault> {
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
            nudge: Arc::default(),
            grace_s: Arc::default(),
        }
    }

    /// The refresh token of now, and every later one; `None` where the server gives none.
    #[must_use]
    pub fn refresh_token(&self) -> watch::Receiver<Option<Secret>> {
        self.sign_on.refresh_token()
    }

    /// The agent object, or `None` when it is the one that was read last.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn me(&self) -> Result<Option<AgentDocument>, Fault> {
        let mut etag = self.etag().clone();
        let document = self.get_if_changed(&self.routes().me, &mut etag).await?;
        let Some(document) = document else {
            return Ok(None);
        };
        let document = AgentDocument::read(&document)?;
        *self.etag() = etag;
        Ok(Some(document))
    }

    /// SIP credentials and ICE servers.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn sip(&self) -> Result<SipCredentials, Fault> {
        self.get(&self.routes().sip).await
    }

    /// Whether the agent is signed in to the queues and paused.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn presence(&self) -> Result<Presence, Fault> {
        self.get::<PresenceDocument>(&self.routes().presence)
            .await?
            .into_presence()
    }

    /// Joins the queues from this device; `take_over` ends the agent's session on another one.
    ///
    /// # Errors
    /// [`SignInError::Elsewhere`] when there is such a session, or another.
    pub async fn login(&self, device: &str, take_over: bool) -> Result<Presence, SignInError> {
        let mut body = json!({ "device": device });
        if take_over {
            body["takeOver"] = true.into();
        }
        let presence = self.ask_presence(&self.routes().login, &body).await?;
        self.sign_on.set_device(device);
        Ok(presence)
    }

    /// Leaves the queues.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn logout(&self) -> Result<Presence, Fault> {
        self.ask_presence(&self.routes().logout, &json!({})).await
    }

    /// Pauses with one of the server's reasons: on one channel, or everywhere.
    ///
    /// # Errors
    /// [`Fault::Refused`] with `unknown_reason`, `not_logged_in` or `not_allowed`, or any other fault.
    pub async fn pause(&self, channel: Option<Channel>, reason: &str) -> Result<Presence, Fault> {
        let mut body = json!({ "reason": reason });
        if let Some(channel) = channel {
            body["channel"] = channel_name(channel).into();
        }
        self.ask_presence(&self.routes().pause, &body).await
    }

    /// Takes work again: of one channel, or everywhere.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn unpause(&self, channel: Option<Channel>) -> Result<Presence, Fault> {
        let body = match channel {
            Some(channel) => json!({ "channel": channel_name(channel) }),
            None => json!({}),
        };
        self.ask_presence(&self.routes().unpause, &body).await
    }

    /// Reasons to pause for.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn pauses(&self) -> Result<Vec<PauseReason>, Fault> {
        self.list(&self.routes().pauses).await
    }

    /// The agent's own queues.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn queues(&self) -> Result<Vec<QueueMembership>, Fault> {
        self.list(&self.routes().queues).await
    }

    /// What the server sets for all agents; the default when it has no such settings.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn settings(&self) -> Result<SettingsDocument, Fault> {
        let answer: Result<Value, Fault> = self.get(&self.routes().settings).await;
        let read = match answer {
            Err(fault) if fault.is_absent() => SettingsDocument::default(),
            answer => SettingsDocument::read(&answer?)?,
        };
        self.note_grace(&read);
        Ok(read)
    }

    /// The tree of dispositions; empty when the server has none.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn dispositions(&self) -> Result<Vec<Disposition>, Fault> {
        self.optional_list(&self.routes().dispositions).await
    }

    /// Callbacks that wait for the agent; empty when the server has none.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn callbacks(&self) -> Result<Vec<Callback>, Fault> {
        self.optional_list(&self.routes().callbacks).await
    }

    /// Preview calls that wait for the agent; empty when the server has none.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn previews(&self) -> Result<Vec<PreviewCall>, Fault> {
        self.optional_list(&self.routes().previews).await
    }

    /// Interactions of the other channels, offered and open; empty when the server has none.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn interactions(&self) -> Result<Vec<Interaction>, Fault> {
        self.optional_list(&self.routes().interactions).await
    }

    /// Takes an offered interaction.
    ///
    /// # Errors
    /// [`Fault::Refused`] with `gone` when somebody else took it, or any other fault.
    pub async fn accept_interaction(&self, id: &str) -> Result<(), Fault> {
        self.tell(&self.routes().accept_interaction, id, &json!({}))
            .await
    }

    /// Leaves an offered interaction to others.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn decline_interaction(&self, id: &str) -> Result<(), Fault> {
        self.tell(&self.routes().decline_interaction, id, &json!({}))
            .await
    }

    /// Says that a preview call is placed.
    ///
    /// # Errors
    /// [`Fault::Refused`] with `paused`, or any other fault.
    pub async fn start_preview(&self, id: &str) -> Result<(), Fault> {
        self.tell(&self.routes().start_preview, id, &json!({}))
            .await
    }

    /// Says that a callback is called.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn start_callback(&self, id: &str) -> Result<(), Fault> {
        self.tell(&self.routes().start_callback, id, &json!({}))
            .await
    }

    /// Says that a callback is done, or gives it back.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn finish_callback(&self, id: &str, done: bool) -> Result<(), Fault> {
        self.tell(&self.routes().finish_callback, id, &json!({ "done": done }))
            .await
    }

    /// Says what a call was about: identifiers from the first level down, and a note.
    ///
    /// # Errors
    /// [`Fault::Refused`] with `unknown_disposition`, or any other fault.
    pub async fn dispose(&self, reference: &str, path: &[i64], note: &str) -> Result<(), Fault> {
        let body = json!({ "path": path, "note": note });
        self.tell(&self.routes().dispose, reference, &body).await
    }

    /// Sets a new password and goes on with it.
    ///
    /// `current` is the one that holds; without it that of the sign-in is used.
    ///
    /// # Errors
    /// [`SignInError::WrongPassword`], [`SignInError::PasswordRefused`] with the rule, or another.
    pub async fn change_password(
        &self,
        name: &str,
        current: Option<&Secret>,
        new: &Secret,
    ) -> Result<(), SignInError> {
        let known = self.sign_on.password();
        let Some(current) = current.or(known.as_ref()) else {
            return Err(SignInError::WrongPassword);
        };
        self.client()
            .change_password(name, current, new, None)
            .await?;
        self.sign_on.set_password(new.clone());
        Ok(())
    }

    /// The picture at this address on the server, and no more than `limit` bytes of it and one.
    ///
    /// # Errors
    /// [`Fault::BadAddress`] when it is not on this server, which alone may see the token, or another fault.
    pub async fn picture(&self, address: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let url = self.url().page(address)?;
        if !self.url().serves(&url) {
            return Err(Fault::BadAddress {
                typed: address.to_owned(),
                why: "it is not on the contact-centre server",
            });
        }
        let mut response = self.send_to(&url, &PICTURE, None::<&()>, None).await?;
        let mut bytes = Vec::new();
        while bytes.len() <= limit {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|e| self.client().broken(&e))? else {
                break;
            };
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(limit + 1);
        Ok(bytes)
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &crate::ServerUrl {
        self.client().url()
    }

    /// Whether the server has ended the session: nothing can be asked any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.sign_on.is_over()
    }

    /// Gives the session up: it is not renewed any more.
    pub fn give_up(&self, code: &str, detail: &str) {
        if !self.is_over() {
            self.sign_on.end(code, detail);
        }
    }

    /// This computer woke up or has another network: the realtime socket is looked after at once.
    pub fn network_changed(&self) {
        self.nudge.notify_waiters();
    }

    pub(crate) fn nudge(&self) -> &Notify {
        &self.nudge
    }

    /// Opens the WebSocket that pushes changes, and keeps it open until the result is dropped.
    #[must_use]
    pub fn realtime(&self) -> Realtime {
        Realtime::start(self.clone())
    }

    /// After this long without the realtime socket the server logs the agent out, as far as it said.
    pub(crate) fn grace(&self) -> Option<Duration> {
        let grace_s = self.grace_s.load(Ordering::Relaxed);
        (grace_s > 0).then(|| Duration::from_secs(grace_s))
    }

    pub(crate) fn note_grace(&self, settings: &SettingsDocument) {
        let grace_s = settings.grace.map_or(0, |grace| grace.as_secs());
        self.grace_s.store(grace_s, Ordering::Relaxed);
    }

    pub(crate) fn sign_on(&self) -> &Arc<SignOn> {
        &self.sign_on
    }

    pub(crate) fn client(&self) -> &Client {
        self.sign_on.client()
    }

    pub(crate) fn routes(&self) -> &Routes {
        self.client().routes()
    }

    /// A document, or `None` when it is the one with this tag; the tag becomes that of the document.
    pub(crate) async fn get_if_changed(
        &self,
        route: &Route,
        etag: &mut Option<String>,
    ) -> Result<Option<Value>, Fault> {
        let response = self.send(route, "", None::<&()>, etag.as_deref()).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let tag = response.headers().get(ETAG);
        let tag = tag.and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let document = self.client().read_json(route, response).await?;
        *etag = tag;
        Ok(Some(document))
    }

    async fn get<T: DeserializeOwned>(&self, route: &Route) -> Result<T, Fault> {
        let response = self.send(route, "", None::<&()>, None).await?;
        self.client().read_json(route, response).await
    }

    async fn list<T: Row>(&self, route: &Route) -> Result<Vec<T>, Fault> {
        rows(route.job, &self.get(route).await?)
    }

    async fn optional_list<T: Row>(&self, route: &Route) -> Result<Vec<T>, Fault> {
        match self.list(route).await {
            Err(fault) if fault.is_absent() => Ok(Vec::new()),
            answer => answer,
        }
    }

    async fn ask_presence(
        &self,
        route: &Route,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Presence, Fault> {
        let response = self.send(route, "", Some(body), None).await?;
        self.client()
            .read_json::<PresenceDocument>(route, response)
            .await?
            .into_presence()
    }

    async fn tell(&self, route: &Route, about: &str, body: &Value) -> Result<(), Fault> {
        self.send(route, about, Some(body), None).await.map(drop)
    }

    /// Sends a request, and sends it again when its token had to be renewed.
    async fn send(
        &self,
        route: &Route,
        about: &str,
        body: Option<&(impl Serialize + ?Sized)>,
        etag: Option<&str>,
    ) -> Result<Response, Fault> {
        let address = self.url().of_one(route, about);
        self.send_to(&address, route, body, etag).await
    }

    async fn send_to(
        &self,
        address: &Url,
        route: &Route,
        body: Option<&(impl Serialize + ?Sized)>,
        etag: Option<&str>,
    ) -> Result<Response, Fault> {
        let bearer = self.sign_on.bearer();
        let client = self.client();
        match client
            .send(address, route, Some(&bearer.token), body, etag)
            .await
        {
            Err(Fault::SessionEnded { code, .. }) if code == TOKEN_EXPIRED => {
                self.sign_on.renew_refused(&bearer).await?;
                let token = self.sign_on.bearer().token;
                client.send(address, route, Some(&token), body, etag).await
            }
            answer => answer,
        }
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
