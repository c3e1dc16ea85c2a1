use std::time::Duration;

use sidetone_agent::{Input, LinkState, SignInRefusal};
use sidetone_motion::{
    AgentDocument, Fault, Listed, PauseReason, Presence, QueueMembership, Realtime, RealtimeEvent,
    Session, SettingsDocument, SignInError, SipCredentials,
};
use sidetone_profile::{Callback, Disposition, Interaction, PreviewCall};
use tokio::time::{Instant, MissedTickBehavior};

use super::alone::Alone;
use super::kept::{Keeper, Record};
use super::signing_in::device;
use super::{FromServer, Teller, terms};

/// How often it is noted that the server still answers.
const CONTACT_EVERY: Duration = Duration::from_secs(10 * 60);
/// An agent whom the server logs out again and again is not logged in more often.
const REJOIN_EVERY: Duration = Duration::from_secs(60);

/// Listens to what the server pushes, and fetches what was missed.
pub(super) struct Pump {
    session: Session,
    realtime: Realtime,
    record: Record,
    tell: Teller,
    /// The server answers, as far as is known.
    up: bool,
    alone: Alone,
    /// Knows the hours that the policy allows.
    keeper: Keeper,
    /// Why the server has to be asked for changes, while it has.
    polling: Option<String>,
    /// When the agent was last logged in to the queues again.
    rejoined: Option<Instant>,
}

impl Pump {
    pub(super) fn new(session: Session, record: Record, keeper: Keeper, tell: Teller) -> Self {
        Self {
            alone: keeper.alone(),
            keeper,
            realtime: session.realtime(),
            session,
            record,
            tell,
            up: false,
            polling: None,
            rejoined: None,
        }
    }

    pub(super) async fn run(mut self) {
        self.record.begin().await;
        let mut contact = tokio::time::interval(CONTACT_EVERY);
        contact.set_missed_tick_behavior(MissedTickBehavior::Delay);
        contact.reset();
        let mut refresh = self.session.refresh_token();
        loop {
            tokio::select! {
                event = self.realtime.next() => {
                    let Some(event) = event else { return };
                    match self.take(event).await {
                        Ok(()) => {}
                        Err(Fault::SessionEnded { code, detail }) => {
                            self.end(&code, detail).await;
                            return;
                        }
                        Err(fault) => {
                            tracing::warn!(%fault, "what the server announced could not be fetched");
                        }
                    }
                }
                _ = contact.tick() => if self.up {
                    self.record.contact().await;
                },
                Ok(()) = refresh.changed() => {
                    let now = refresh.borrow_and_update().clone();
                    if let Some(now) = now {
                        self.record.refreshed(now).await;
                    }
                },
                () = self.alone.too_long() => {
                    let hours = self.keeper.offline_hours();
                    self.tell.say(FromServer::Ended(SignInRefusal::OfflineTooLong { hours }));
                    return;
                }
            }
        }
    }

    async fn take(&mut self, event: RealtimeEvent) -> Result<(), Fault> {
        match event {
            RealtimeEvent::Connected { resumed } => {
                self.polling = None;
                self.connected(!resumed).await?;
            }
            RealtimeEvent::Polling(why) => {
                tracing::info!(%why, "without a WebSocket the server is asked every few seconds");
                self.polling = Some(why.to_string());
                self.connected(true).await?;
            }
            RealtimeEvent::Disconnected(fault) => {
                self.up = false;
                self.alone.begin();
                self.tell
                    .input(Input::Link(LinkState::Down(fault.to_string())));
            }
            RealtimeEvent::ProfileChanged => self.fetch_profile().await?,
            RealtimeEvent::Profile(document) => {
                let sip = self.session.sip().await;
                self.say_sip_account(sip).await;
                self.say_profile(*document).await;
            }
            RealtimeEvent::SipAccount(account) => self.say_sip_account(Ok(*account)).await,
            RealtimeEvent::Presence(now) => self.say(now),
            RealtimeEvent::Polled(now) => {
                let now = self.rejoined(now).await?;
                self.say(now);
            }
            RealtimeEvent::Queues(rows) => self.say_queues(rows).await,
            RealtimeEvent::Pauses(rows) => self.say_pauses(rows).await,
            RealtimeEvent::Settings(settings) => self.say_settings(*settings).await,
            RealtimeEvent::Dispositions(rows) => self.say_dispositions(rows).await,
            RealtimeEvent::Callbacks(rows) => self.say_callbacks(rows),
            RealtimeEvent::Previews(rows) => self.say_previews(rows),
            RealtimeEvent::Interactions(rows) => self.say_interactions(rows),
            RealtimeEvent::Changed(listed) => self.fetch(listed).await?,
            RealtimeEvent::SignedOut { code, detail } => {
                tracing::info!(code, "the server ended the session");
                self.end(&code, detail).await;
            }
        }
        Ok(())
    }

    /// The server answers again, or for the first time.
    async fn connected(&mut self, fetch_all: bool) -> Result<(), Fault> {
        // A replayed presence would be as old as the gap; its age must be the one of now.
        let now = self.session.presence().await?;
        self.up = true;
        self.alone.end();
        let now = self.rejoined(now).await?;
        let link = match &self.polling {
            None => LinkState::Up,
            Some(why) => LinkState::Polling(why.clone()),
        };
        self.tell.input(Input::Link(link));
        self.say(now);
        if fetch_all {
            for listed in [
                Listed::Queues,
                Listed::Pauses,
                Listed::Settings,
                Listed::Dispositions,
                Listed::Callbacks,
                Listed::Previews,
                Listed::Interactions,
            ] {
                self.fetch(listed).await?;
            }
            self.fetch_profile().await?;
        }
        self.record.contact().await;
        Ok(())
    }

    fn say(&self, now: Presence) {
        self.tell.input(Input::ServerClock {
            unix_ms: now.server_ms,
        });
        self.tell.input(Input::Presence(now.report));
    }

    /// Logs in to the queues again when the server gave the agent up while it could not be reached.
    async fn rejoined(&mut self, before: Presence) -> Result<Presence, Fault> {
        let lately = self
            .rejoined
            .is_some_and(|last| last.elapsed() < REJOIN_EVERY);
        if before.report.online || lately {
            return Ok(before);
        }
        self.rejoined = Some(Instant::now());
        match self.session.login(&device(), false).await {
            Ok(now) => {
                tracing::info!("logged in to the queues again");
                self.tell.input(Input::LoggedInAgain);
                Ok(now)
            }
            Err(SignInError::Elsewhere(detail)) => {
                let code = "signed_in_elsewhere".to_owned();
                Err(Fault::SessionEnded { code, detail })
            }
            Err(SignInError::Fault(fault @ Fault::SessionEnded { .. })) => Err(fault),
            Err(error) => {
                tracing::warn!(%error, "could not log in to the queues again");
                Ok(before)
            }
        }
    }

    async fn fetch(&mut self, listed: Listed) -> Result<(), Fault> {
        match listed {
            Listed::Queues => {
                let rows = self.session.queues().await?;
                self.say_queues(rows).await;
            }
            Listed::Pauses => {
                let rows = self.session.pauses().await?;
                self.say_pauses(rows).await;
            }
            Listed::Settings => {
                let settings = self.session.settings().await?;
                self.say_settings(settings).await;
            }
            Listed::Dispositions => {
                let rows = self.session.dispositions().await?;
                self.say_dispositions(rows).await;
            }
            Listed::Callbacks => self.say_callbacks(self.session.callbacks().await?),
            Listed::Previews => self.say_previews(self.session.previews().await?),
            Listed::Interactions => self.say_interactions(self.session.interactions().await?),
        }
        Ok(())
    }

    async fn say_queues(&mut self, rows: Vec<QueueMembership>) {
        self.record.queues(&rows).await;
        self.tell.input(Input::Queues(rows));
    }

    async fn say_pauses(&mut self, rows: Vec<PauseReason>) {
        self.record.pauses(&rows).await;
        self.tell.input(Input::PauseReasons(rows));
    }

    async fn say_dispositions(&mut self, rows: Vec<Disposition>) {
        self.record.dispositions(&rows).await;
        self.tell.input(Input::Dispositions(rows));
    }

    fn say_callbacks(&self, rows: Vec<Callback>) {
        self.tell.input(Input::Callbacks(rows));
    }

    fn say_previews(&self, rows: Vec<PreviewCall>) {
        self.tell.input(Input::Previews(rows));
    }

    fn say_interactions(&self, rows: Vec<Interaction>) {
        self.tell.input(Input::Interactions(rows));
    }

    /// Both, whichever of them it was that changed: a new SIP secret leaves the agent document as it is.
    async fn fetch_profile(&mut self) -> Result<(), Fault> {
        let (document, sip) = tokio::join!(self.session.me(), self.session.sip());
        self.say_sip_account(sip).await;
        if let Some(document) = document? {
            self.say_profile(document).await;
        }
        Ok(())
    }

    async fn say_profile(&mut self, document: AgentDocument) {
        for fault in &document.faults {
            tracing::warn!(%fault, "part of the profile was left out");
        }
        self.record.profile(&document).await;
        self.tell.say(FromServer::Profile(Box::new(document)));
    }

    /// An account that works is not given up because the server could not name it this time.
    async fn say_sip_account(&mut self, account: Result<SipCredentials, Fault>) {
        match account {
            Ok(account) => {
                self.record.sip(&account).await;
                self.tell.say(FromServer::SipAccount(Box::new(account)));
            }
            Err(fault) => tracing::info!(%fault, "the SIP account could not be fetched"),
        }
    }

    async fn say_settings(&mut self, settings: SettingsDocument) {
        for fault in &settings.faults {
            tracing::warn!(%fault, "part of the server's settings was left out");
        }
        self.record.settings(&settings).await;
        let settings = Box::new(settings.settings);
        self.tell.input(Input::ServerSettings(settings));
    }

    async fn end(&mut self, code: &str, detail: String) {
        self.session.give_up(code, &detail);
        if matches!(
            code,
            "account_disabled" | "account_locked" | "wrong_password"
        ) {
            // Nor while the server is away next time.
            self.record.forget().await;
        }
        self.tell.say(terms::ended(code, detail));
    }
}
