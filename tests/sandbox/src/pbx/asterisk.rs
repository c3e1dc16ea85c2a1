//! A real Asterisk behind the contract: its `app_queue` holds the members, its manager interface moves them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sidetone_profile::Secret;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ami::{Action, AmiAccount, AmiClient, AmiError, Message};
use crate::centre::Centre;
use crate::problem::Problem;
use crate::sandbox::SandboxError;
use crate::store::{Agent, Strategy};

/// How long Asterisk's own event is waited for after it accepted a pause.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// Where Asterisk is and how agents are named there.
#[derive(Clone, Debug)]
pub struct AsteriskConfig {
    /// `HOST:PORT` of the manager interface.
    pub ami: String,
    /// Manager's name.
    pub user: String,
    /// Manager's secret.
    pub secret: Secret,
    /// SIP over WebSocket, given to agents.
    pub wss_url: String,
    /// Domain of the SIP addresses.
    pub domain: String,
    /// SIP secret of each extension; an agent without one cannot register.
    pub sip_secrets: HashMap<String, Secret>,
    /// Interface of an agent in queues; `{extension}` is replaced.
    pub member_interface: String,
}

type VoiceOnly = Arc<Mutex<HashSet<i64>>>;

/// The connection to Asterisk.
pub(crate) struct Asterisk {
    ami: AmiClient,
    member_interface: String,
    /// Agents whose pause is one of voice alone.
    voice_only: VoiceOnly,
    watching: Mutex<Option<JoinHandle<()>>>,
}

impl Asterisk {
    /// Connects, takes over the list of queues and follows the events.
    pub(crate) async fn start(
        centre: &Arc<Centre>,
        config: AsteriskConfig,
    ) -> Result<Arc<Self>, SandboxError> {
        let fault = |error: AmiError| SandboxError::Asterisk(config.ami.clone(), error.to_string());
        let ami = AmiClient::connect(AmiAccount {
            address: config.ami.clone(),
            user: config.user.clone(),
            secret: config.secret.clone(),
        })
        .await
        .map_err(fault)?;
        let events = ami.events();
        let asterisk = Arc::new(Self {
            ami,
            member_interface: config.member_interface.clone(),
            voice_only: VoiceOnly::default(),
            watching: Mutex::default(),
        });
        let queues = asterisk.queues().await.map_err(fault)?;
        centre.store().adopt_queues(&queues)?;
        let watching = tokio::spawn(watch(
            centre.clone(),
            config.member_interface.clone(),
            asterisk.voice_only.clone(),
            events,
        ));
        *asterisk
            .watching
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(watching);
        Ok(asterisk)
    }

    /// Makes an agent a member of its queues.
    pub(crate) async fn add(
        &self,
        agent: &Agent,
        queues: &[String],
        pause: Option<&str>,
    ) -> Result<(), Problem> {
        let interface = self.interface(agent);
        for queue in queues {
            let action = Action::new("QueueAdd")
                .with("Queue", queue)
                .with("Interface", &interface)
                .with("MemberName", &agent.name)
                .with("Paused", truth(pause.is_some()));
            match self.ami.request(action).await {
                // Left over from an earlier life of this sandbox.
                Err(AmiError::Refused(message)) if message.contains("Already there") => {}
                answer => {
                    answer.map_err(unavailable)?;
                }
            }
        }
        if queues.is_empty() {
            return Ok(());
        }
        let voice_only = pause.is_some() && voice_only(&self.voice_only).contains(&agent.id);
        self.pause(agent, pause, voice_only).await
    }

    /// Takes an agent out of its queues.
    pub(crate) async fn remove(&self, agent: &Agent, queues: &[String]) -> Result<(), Problem> {
        let interface = self.interface(agent);
        for queue in queues {
            let action = Action::new("QueueRemove")
                .with("Queue", queue)
                .with("Interface", &interface);
            match self.ami.request(action).await {
                Err(AmiError::Refused(message)) if message.contains("Not there") => {}
                answer => {
                    answer.map_err(unavailable)?;
                }
            }
        }
        Ok(())
    }

    /// Pauses an agent with a reason in every queue, or ends the pause; returns when Asterisk has said that it is so.
    /// `partial`: only voice is paused, of all channels.
    pub(crate) async fn pause(
        &self,
        agent: &Agent,
        reason: Option<&str>,
        partial: bool,
    ) -> Result<(), Problem> {
        // Before the request: the events come before its answer.
        if partial {
            voice_only(&self.voice_only).insert(agent.id);
        } else {
            voice_only(&self.voice_only).remove(&agent.id);
        }
        let interface = self.interface(agent);
        let mut events = self.ami.events();
        let action = Action::new("QueuePause")
            .with("Interface", &interface)
            .with("Paused", truth(reason.is_some()))
            .with("Reason", reason.unwrap_or_default());
        self.ami.request(action).await.map_err(unavailable)?;
        let wanted = if reason.is_some() { "1" } else { "0" };
        let confirmed = timeout(CONFIRMATION, async {
            loop {
                match events.recv().await {
                    Ok(event)
                        if event.get("Event") == "QueueMemberPause"
                            && event.get("Interface") == interface
                            && event.get("Paused") == wanted =>
                    {
                        return true;
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return false,
                }
            }
        })
        .await;
        match confirmed {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Problem::switch_unavailable()
                .because("Asterisk accepted the pause but did not say that it is in force.")),
        }
    }

    pub(crate) fn stop(&self) {
        self.ami.stop();
        let watching = self
            .watching
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(watching) = watching {
            watching.abort();
        }
    }

    /// Names and strategies of Asterisk's queues.
    async fn queues(&self) -> Result<Vec<(String, Strategy)>, AmiError> {
        let mut events = self.ami.events();
        self.ami.request(Action::new("QueueStatus")).await?;
        let mut queues = Vec::new();
        let listed = timeout(CONFIRMATION, async {
            loop {
                match events.recv().await {
                    Ok(event) => match event.get("Event") {
                        "QueueParams" => queues.push((
                            event.get("Queue").to_owned(),
                            Strategy::named(event.get("Strategy")),
                        )),
                        "QueueStatusComplete" => return true,
                        _ => {}
                    },
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return false,
                }
            }
        })
        .await;
        match listed {
            Ok(true) => Ok(queues),
            _ => Err(AmiError::Silent),
        }
    }

    fn interface(&self, agent: &Agent) -> String {
        self.member_interface
            .replace("{extension}", agent.extension())
    }
}

async fn watch(
    centre: Arc<Centre>,
    member_interface: String,
    partial: VoiceOnly,
    mut events: broadcast::Receiver<Message>,
) {
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Err(problem) = follow(&centre, &member_interface, &partial, &event) {
                    tracing::error!(%problem, "an event of Asterisk was left out");
                }
            }
            Err(RecvError::Lagged(count)) => tracing::warn!(count, "events of Asterisk were lost"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Carries what Asterisk says over into presence, phones and queues.
fn follow(
    centre: &Centre,
    member_interface: &str,
    partial: &VoiceOnly,
    event: &Message,
) -> Result<(), Problem> {
    let agent =
        || -> Result<Option<Agent>, Problem> {
            let interface = event.get("Interface");
            Ok(centre.store().agents()?.into_iter().find(|agent| {
                member_interface.replace("{extension}", agent.extension()) == interface
            }))
        };
    match event.get("Event") {
        "QueueMemberPause" => {
            if let Some(agent) = agent()? {
                let reason = event.get("PausedReason");
                let paused = event.get("Paused") == "1";
                let channel = voice_only(partial).contains(&agent.id).then_some("voice");
                centre.change_presence(agent.id, |presence| match (presence.online(), paused) {
                    (true, true) => presence.pause(channel, reason),
                    (true, false) => {
                        presence.pause = None;
                        presence.partial.remove("voice");
                    }
                    (false, _) => {}
                });
            }
        }
        "QueueMemberStatus" | "QueueMemberAdded" | "QueueMember" => {
            if let Some(agent) = agent()? {
                // Device states: 2 in use, 3 busy, 6 ringing, 7 ringing in use, 8 on hold; 4 invalid, 5 unavailable.
                let status = event.get("Status");
                centre.change_phone(agent.id, |phone| {
                    phone.registered = !matches!(status, "" | "4" | "5");
                    phone.ringing = usize::from(matches!(status, "6" | "7"));
                    phone.calls = usize::from(matches!(status, "2" | "3" | "7" | "8"));
                });
            }
        }
        "QueueMemberRemoved" => {
            if let Some(agent) = agent()? {
                // One that an administrator took out of the queue is still in the others.
                let own = centre.queues_of(agent.id)?;
                if own.iter().any(|queue| queue.name == event.get("Queue")) {
                    centre.sessions.release(agent.id);
                    centre.change_presence(agent.id, crate::presence::Presence::log_out);
                }
            }
        }
        "QueueCallerJoin" | "QueueCallerLeave" | "QueueParams" => {
            let waiting = match event.get("Event") {
                "QueueParams" => event.get("Calls"),
                _ => event.get("Count"),
            };
            let queues = centre.store().queues()?;
            let queue = queues.iter().find(|q| q.name == event.get("Queue"));
            if let (Some(queue), Ok(waiting)) = (queue, waiting.parse()) {
                centre.set_waiting(queue.id, waiting);
            }
        }
        _ => {}
    }
    Ok(())
}

fn voice_only(agents: &VoiceOnly) -> MutexGuard<'_, HashSet<i64>> {
    agents.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(error: AmiError) -> Problem {
    Problem::switch_unavailable()
        .because(format!("Asterisk did not carry out the request: {error}."))
}

const fn truth(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}
