//! The contact centre: what the contract, the administration and the telephone system share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sidetone_profile::{Disposition, Secret};
use tokio::sync::watch;

use crate::calls::CallLog;
use crate::dispositions;
use crate::hub::Hub;
use crate::pbx::Switch;
use crate::presence::{LOGIN_PAUSE, Presence};
use crate::problem::Problem;
use crate::sessions::Sessions;
use crate::settings::{self, CentreSettings};
use crate::sign_on::Codes;
use crate::store::{Agent, Queue, Store};
use crate::work::{self, Kind};

/// Settings that do not change while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// How long a token is good for.
    pub(crate) token_life: Duration,
    /// How long a sign-in can be renewed without the password.
    pub(crate) refresh_life: Duration,
    /// How long a code of the browser sign-in is good for.
    pub(crate) code_life: Duration,
    /// An agent without a realtime socket is logged out after this time.
    pub(crate) grace: Duration,
    /// Needed for the administration unless the sandbox is bound to loopback.
    pub(crate) admin_token: Option<Secret>,
    /// Domain of the SIP addresses.
    pub(crate) domain: String,
    /// The ICE servers given to agents.
    pub(crate) ice_servers: Vec<Value>,
}

/// Where the telephone system is reached; known once it listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct SipAddresses {
    pub(crate) wss_url: String,
    /// SIP over UDP for agents of typology phonebar.
    pub(crate) udp: Option<(String, u16)>,
}

/// What an agent's phone is doing, as far as the telephone system knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PhoneState {
    pub(crate) registered: bool,
    /// Calls that ring.
    pub(crate) ringing: usize,
    /// Calls that are up.
    pub(crate) calls: usize,
}

impl PhoneState {
    /// Neither ringing nor in a call.
    pub(crate) fn idle(self) -> bool {
        self.ringing == 0 && self.calls == 0
    }
}

pub(crate) struct Centre {
    pub(crate) rules: Rules,
    pub(crate) hub: Hub,
    pub(crate) calls: CallLog,
    pub(crate) sip: OnceLock<SipAddresses>,
    pub(crate) switch: OnceLock<Switch>,
    pub(crate) sessions: Sessions,
    pub(crate) codes: Codes,
    /// Moves whenever a phone does something else.
    pub(crate) phone_news: watch::Sender<u64>,
    store: Mutex<Store>,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    presence: HashMap<i64, Presence>,
    phones: HashMap<i64, PhoneState>,
    waiting: HashMap<i64, usize>,
    last_login: HashMap<i64, String>,
    told: HashMap<i64, Value>,
}

impl Centre {
    pub(crate) fn new(rules: Rules, store: Store, calls: CallLog) -> Arc<Self> {
        Arc::new(Self {
            rules,
            hub: Hub::new(),
            calls,
            sip: OnceLock::new(),
            switch: OnceLock::new(),
            sessions: Sessions::default(),
            codes: Codes::default(),
            phone_news: watch::channel(0).0,
            store: Mutex::new(store),
            live: Mutex::default(),
        })
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn presence(&self, agent: i64) -> Presence {
        self.live()
            .presence
            .get(&agent)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn phone(&self, agent: i64) -> PhoneState {
        self.live().phones.get(&agent).copied().unwrap_or_default()
    }

    pub(crate) fn last_login(&self, agent: i64) -> Option<String> {
        self.live().last_login.get(&agent).cloned()
    }

    /// Changes an agent's presence; when that makes a difference, its sockets and the queues' members hear of it.
    pub(crate) fn change_presence(&self, agent: i64, change: impl FnOnce(&mut Presence)) -> Value {
        let (changed, presence) = {
            let mut live = self.live();
            let presence = live.presence.entry(agent).or_default();
            let before = presence.clone();
            change(presence);
            let after = presence.clone();
            if after.online() && !before.online() {
                live.last_login.insert(agent, crate::clock::now_text());
            }
            (before != after, after)
        };
        let document = presence.document();
        if changed {
            self.hub.push(agent, "presence", &document);
            self.tell_queues();
            if let Some(Switch::Small(pbx)) = self.switch.get() {
                pbx.look_again();
            }
        }
        document
    }

    /// Notes what a phone is doing.
    pub(crate) fn change_phone(&self, agent: i64, change: impl FnOnce(&mut PhoneState)) {
        let changed = {
            let mut live = self.live();
            let phone = live.phones.entry(agent).or_default();
            let before = *phone;
            change(phone);
            before != *phone
        };
        if changed {
            self.phone_news.send_modify(|count| *count += 1);
            self.tell_queues();
        }
    }

    /// What the centre sets for all agents.
    pub(crate) fn settings(&self) -> Result<CentreSettings, Problem> {
        let stored = self.store().document(settings::DOCUMENT)?;
        Ok(stored
            .and_then(|document| serde_json::from_value(document).ok())
            .unwrap_or_default())
    }

    /// The object of `GET /api/settings`.
    pub(crate) fn settings_document(&self) -> Result<Value, Problem> {
        Ok(self.settings()?.document(self.rules.grace.as_secs()))
    }

    /// How long an agent may be without a socket before it is logged out.
    pub(crate) fn grace(&self) -> Duration {
        match self.settings() {
            Ok(CentreSettings {
                realtime_grace_minutes: Some(minutes),
                ..
            }) => Duration::from_secs(u64::from(minutes) * 60),
            _ => self.rules.grace,
        }
    }

    /// What calls can be about.
    pub(crate) fn dispositions(&self) -> Result<Vec<Disposition>, Problem> {
        let stored = self.store().document(dispositions::DOCUMENT)?;
        Ok(stored
            .and_then(|document| serde_json::from_value(document).ok())
            .unwrap_or_else(dispositions::default_tree))
    }

    /// Pushes an event to every agent.
    pub(crate) fn push_to_all(&self, kind: &str, data: &Value) -> Result<(), Problem> {
        let agents = self.store().agents()?;
        for agent in agents {
            self.hub.push(agent.id, kind, data);
        }
        Ok(())
    }

    /// One of an agent's lists of things that wait.
    pub(crate) fn work(&self, agent: i64, kind: Kind) -> Result<Value, Problem> {
        Ok(work::list(&self.store().items(agent, kind.name())?))
    }

    /// Pushes one of an agent's lists.
    pub(crate) fn tell_work(&self, agent: i64, kind: Kind) -> Result<(), Problem> {
        let list = self.work(agent, kind)?;
        self.hub.push(agent, kind.name(), &list);
        Ok(())
    }

    /// Notes how many customers wait.
    pub(crate) fn set_waiting(&self, queue: i64, waiting: usize) {
        if self.live().waiting.insert(queue, waiting) != Some(waiting) {
            self.tell_queues();
        }
    }

    /// Logs an agent in to the queues; in pause when its settings say so.
    pub(crate) async fn log_in(&self, agent: &Agent) -> Result<Value, Problem> {
        let paused = agent.is("loginInPause");
        if let Some(Switch::Asterisk(asterisk)) = self.switch.get()
            && !self.presence(agent.id).online()
        {
            let queues = self.queue_names(agent.id)?;
            asterisk
                .add(agent, &queues, paused.then_some(LOGIN_PAUSE))
                .await?;
        }
        Ok(self.change_presence(agent.id, |p| p.log_in(paused)))
    }

    /// Logs an agent out of the queues.
    pub(crate) async fn log_out(&self, agent: &Agent) -> Result<Value, Problem> {
        if let Some(Switch::Asterisk(asterisk)) = self.switch.get()
            && self.presence(agent.id).online()
        {
            let queues = self.queue_names(agent.id)?;
            asterisk.remove(agent, &queues).await?;
        }
        self.sessions.release(agent.id);
        Ok(self.change_presence(agent.id, Presence::log_out))
    }

    /// Pauses an agent, on every channel or on one.
    pub(crate) async fn pause(
        &self,
        agent: &Agent,
        channel: Option<&'static str>,
        reason: &str,
    ) -> Result<Value, Problem> {
        self.may_pause(agent.id, channel)?;
        if !self
            .store()
            .pauses()?
            .iter()
            .any(|(_, name)| name == reason)
        {
            return Err(Problem::unknown_reason().because(format!(
                "{reason:?} is not one of the pause reasons of the contact centre."
            )));
        }
        if let Some(Switch::Asterisk(asterisk)) = self.switch.get()
            && channel.is_none_or(|c| c == "voice")
        {
            asterisk
                .pause(agent, Some(reason), channel.is_some())
                .await?;
        }
        Ok(self.change_presence(agent.id, |p| p.pause(channel, reason)))
    }

    fn may_pause(&self, agent: i64, channel: Option<&str>) -> Result<(), Problem> {
        if !self.presence(agent).online() {
            return Err(Problem::not_logged_in());
        }
        if channel.is_some() && !self.settings()?.partial_pause {
            return Err(Problem::not_allowed()
                .because("This contact centre does not allow a pause of one channel."));
        }
        Ok(())
    }

    /// Ends an agent's pause, on every channel or on one.
    pub(crate) async fn unpause(
        &self,
        agent: &Agent,
        channel: Option<&'static str>,
    ) -> Result<Value, Problem> {
        self.may_pause(agent.id, channel)?;
        if let Some(Switch::Asterisk(asterisk)) = self.switch.get()
            // The end of voice's own pause changes nothing while everything is paused.
            && (channel.is_none()
                || (channel == Some("voice") && self.presence(agent.id).pause.is_none()))
        {
            asterisk.pause(agent, None, false).await?;
        }
        Ok(self.change_presence(agent.id, |p| p.unpause(channel)))
    }

    /// Makes these agents the members of a queue; who is logged in joins or leaves it at once.
    pub(crate) async fn set_members(&self, queue: &Queue, members: &[i64]) -> Result<(), Problem> {
        let before = {
            let store = self.store();
            let before = store.members(queue.id)?;
            store.set_members(queue.id, members)?;
            before
        };
        if let Some(Switch::Asterisk(asterisk)) = self.switch.get() {
            let names = [queue.name.clone()];
            for id in before.iter().chain(members) {
                let presence = self.presence(*id);
                let (was, is) = (before.contains(id), members.contains(id));
                let agent = self.store().agent(*id)?.filter(|_| presence.online());
                match agent {
                    Some(agent) if is && !was => {
                        let partial = presence.partial.get("voice");
                        let pause = presence.pause.as_ref().or(partial);
                        let reason = pause.map(|pause| pause.reason.as_str());
                        asterisk.add(&agent, &names, reason).await?;
                    }
                    Some(agent) if was && !is => asterisk.remove(&agent, &names).await?,
                    _ => {}
                }
            }
        }
        for id in before.iter().filter(|id| !members.contains(id)) {
            // Its list is empty now, or shorter: the others hear of theirs with the queue's numbers.
            self.hub.push(*id, "profile", &json!({}));
            self.tell_own_queues(*id)?;
        }
        for id in members.iter().filter(|id| !before.contains(id)) {
            self.hub.push(*id, "profile", &json!({}));
        }
        Ok(())
    }

    /// Pushes an agent's queues, also when it has none any more.
    fn tell_own_queues(&self, agent: i64) -> Result<(), Problem> {
        let rows = self
            .queues_of(agent)?
            .iter()
            .map(|queue| self.queue_row(queue))
            .collect::<Result<Vec<_>, _>>()?;
        let data = json!({"count": rows.len(), "rows": rows});
        let news = self.live().told.insert(agent, data.clone()).as_ref() != Some(&data);
        if news {
            self.hub.push(agent, "queues", &data);
        }
        Ok(())
    }

    /// Ends every sign-in of an agent and its presence.
    pub(crate) async fn sign_out(
        &self,
        agent: &Agent,
        code: &'static str,
        detail: &str,
    ) -> Result<(), Problem> {
        self.store().forget_tokens(agent.id)?;
        self.hub.sign_out(agent.id, code, detail, None);
        self.log_out(agent).await.map(|_| ())
    }

    /// The object of `GET /api/users/me`.
    pub(crate) fn agent_document(&self, agent: &Agent) -> Result<Value, Problem> {
        let mut document = agent.document.clone();
        document.insert("id".to_owned(), json!(agent.id));
        document.insert("name".to_owned(), json!(agent.name));
        document.insert("role".to_owned(), json!("agent"));
        document.insert(
            "codeRequired".to_owned(),
            json!(agent.code_secret.is_some()),
        );
        self.add_memberships(agent, &mut document)?;
        Ok(Value::Object(document))
    }

    /// Teams, profile, queues and assistant, which an agent is only shown.
    fn add_memberships(
        &self,
        agent: &Agent,
        document: &mut Map<String, Value>,
    ) -> Result<(), Problem> {
        let voice = self.queue_names(agent.id)?;
        let store = self.store();
        let mut named = |field: &str, value: Value| {
            document.insert(field.to_owned(), value);
        };
        let with_id = |name: &str| -> Result<Value, Problem> {
            Ok(json!({"id": store.team(name)?, "name": name}))
        };
        let teams = agent
            .texts("teams")
            .map(with_id)
            .collect::<Result<Vec<_>, _>>()?;
        named("teams", json!(teams));
        let profile = match agent.text("profile") {
            "" => Value::Null,
            name => with_id(name)?,
        };
        named("profile", profile);
        named(
            "aiBot",
            match agent.text("aiBot") {
                "" => Value::Null,
                name => json!({"name": name}),
            },
        );
        let others = agent.document.get("queues").and_then(Value::as_array);
        let queues: Vec<Value> = voice
            .iter()
            .map(|name| json!({"channel": "voice", "name": name}))
            .chain(others.into_iter().flatten().cloned())
            .collect();
        named("queues", json!(queues));
        Ok(())
    }

    /// What colleagues see of an agent.
    pub(crate) fn public_document(agent: &Agent) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("id".to_owned(), json!(agent.id));
        document.insert("name".to_owned(), json!(agent.name));
        document.insert("role".to_owned(), json!("agent"));
        for field in ["fullname", "alias", "internal", "typology", "userpic"] {
            document.insert(
                field.to_owned(),
                agent.document.get(field).cloned().unwrap_or_default(),
            );
        }
        document
    }

    /// The queues that an agent belongs to.
    pub(crate) fn queues_of(&self, agent: i64) -> Result<Vec<Queue>, Problem> {
        let store = self.store();
        let mut own = Vec::new();
        for queue in store.queues()? {
            if store.members(queue.id)?.contains(&agent) {
                own.push(queue);
            }
        }
        Ok(own)
    }

    fn queue_names(&self, agent: i64) -> Result<Vec<String>, Problem> {
        Ok(self
            .queues_of(agent)?
            .into_iter()
            .map(|queue| queue.name)
            .collect())
    }

    /// A queue with its live numbers.
    pub(crate) fn queue_row(&self, queue: &Queue) -> Result<Value, Problem> {
        let members = self.store().members(queue.id)?;
        let live = self.live();
        let (mut logged_in, mut paused, mut available) = (0, 0, 0);
        for agent in &members {
            let Some(presence) = live.presence.get(agent).filter(|p| p.online()) else {
                continue;
            };
            logged_in += 1;
            let phone = live.phones.get(agent).copied().unwrap_or_default();
            if presence.voice_paused() {
                paused += 1;
            } else if phone.registered && phone.idle() {
                available += 1;
            }
        }
        Ok(json!({
            "id": queue.id,
            "name": queue.name,
            "extension": queue.extension,
            "strategy": queue.strategy,
            "ringSeconds": queue.ring_s,
            "waiting": live.waiting.get(&queue.id).copied().unwrap_or_default(),
            "members": members.len(),
            "loggedIn": logged_in,
            "paused": paused,
            "available": available,
        }))
    }

    /// Pushes the queues to their members where the rows changed.
    pub(crate) fn tell_queues(&self) {
        if let Err(problem) = self.push_queues() {
            tracing::error!(%problem, "queues not pushed");
        }
    }

    fn push_queues(&self) -> Result<(), Problem> {
        let queues = self.store().queues()?;
        let mut rows: HashMap<i64, Vec<Value>> = HashMap::new();
        for queue in &queues {
            let row = self.queue_row(queue)?;
            for agent in self.store().members(queue.id)? {
                rows.entry(agent).or_default().push(row.clone());
            }
        }
        for (agent, rows) in rows {
            let data = json!({"count": rows.len(), "rows": rows});
            let news = self.live().told.insert(agent, data.clone()).as_ref() != Some(&data);
            if news {
                self.hub.push(agent, "queues", &data);
            }
        }
        Ok(())
    }

    /// The list of pause reasons.
    pub(crate) fn pauses(&self) -> Result<Value, Problem> {
        let rows: Vec<Value> = self
            .store()
            .pauses()?
            .into_iter()
            .map(|(id, name)| json!({"id": id, "name": name}))
            .collect();
        Ok(json!({"count": rows.len(), "rows": rows}))
    }

    /// The agent of an extension.
    pub(crate) fn agent_at(&self, extension: &str) -> Option<Agent> {
        self.store()
            .agents()
            .ok()?
            .into_iter()
            .find(|agent| agent.extension() == extension)
    }
}
