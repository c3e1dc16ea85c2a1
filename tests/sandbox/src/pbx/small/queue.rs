//! Queues: who waits, who is rung, and the simulated customers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::select_all;
use rand::seq::SliceRandom as _;
use sidetone_sip::IncomingInvite;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::leg::{About, Ending, Leg, LegEvent, MAX_FORWARDS, Speech, Tone};
use super::registrar::Contact;
use super::service::{self, note_digit, record_block};
use super::transfer::{self, Route};
use super::{CustomerCall, SmallPbx, voice_of};
use crate::calls::{CallId, CallKind, CallState};
use crate::problem::Problem;
use crate::sound;
use crate::store::{Agent, Queue, Strategy};

pub(super) const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
/// After nobody took the call, the next round begins this much later.
const ROUND_PAUSE: Duration = Duration::from_secs(1);
/// Who may be rung is looked at this often even when nothing is heard of.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The waiting lines.
pub(super) struct Queues {
    lines: Mutex<Lines>,
    looks: watch::Sender<u64>,
}

#[derive(Default)]
struct Lines {
    waiting: HashMap<i64, Vec<CallId>>,
    last_call: HashMap<i64, Instant>,
    last_rung: HashMap<i64, Instant>,
    calls: HashMap<i64, usize>,
}

/// A call in a queue.
struct Waiting<'a> {
    pbx: &'a Arc<SmallPbx>,
    queue: &'a Queue,
    id: CallId,
    name: String,
    number: String,
    headers: Vec<(String, String)>,
    /// The agent that called, who is not rung.
    caller: Option<i64>,
    /// See [`About::max_forwards`].
    max_forwards: u8,
}

/// Who took the call.
enum Found {
    /// A member, or whom the member's phone forwards to.
    Phone(Box<Leg>, Box<Agent>),
    /// A number that the system answers itself: a member's phone forwards to it.
    Service(String),
}

struct Ringing {
    agent: Agent,
    leg: Leg,
    /// Where its phone sends the call.
    moved: Option<Route>,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            looks: watch::channel(0).0,
        }
    }
}

impl Queues {
    pub(super) fn look_again(&self) {
        self.looks.send_modify(|count| *count += 1);
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a simulated customer call.
pub(super) fn call_in(pbx: &Arc<SmallPbx>, call: CustomerCall) -> Result<CallId, Problem> {
    let wanted = call.queue.as_deref().unwrap_or("support");
    let queue = pbx
        .centre
        .store()
        .queues()?
        .into_iter()
        .find(|queue| queue.name == wanted || queue.extension == wanted)
        .ok_or_else(|| Problem::not_found().because(format!("There is no queue {wanted:?}.")))?;
    let mut given: Vec<(String, String)> = call.headers.clone().into_iter().collect();
    given.extend(call.variables.iter().map(|(name, value)| {
        let named = name.to_ascii_lowercase().starts_with("x-");
        let name = if named {
            name.clone()
        } else {
            format!("X-{name}")
        };
        (name, value.clone())
    }));
    given.sort();
    if let Some(bad) = given.iter().find(|(name, value)| {
        !name.to_ascii_lowercase().starts_with("x-")
            || !(3..=64).contains(&name.len())
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            || value.contains(char::is_control)
            || value.len() > 500
    }) {
        return Err(Problem::invalid_setting().because(format!(
            "{:?} is not a header that a customer's call may carry: names begin with X-.",
            bad.0
        )));
    }
    let plain = |text: &Option<String>| {
        text.as_deref()
            .is_none_or(|t| !t.contains(char::is_control) && t.len() <= 120)
    };
    let number_ok = call.number.as_deref().is_none_or(|n| {
        (1..=32).contains(&n.len())
            && n.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+*#".contains(&b))
    });
    let seconds = |given: Option<f64>, default: Duration| match given {
        None => Some(default),
        Some(s) if (0.0..=86_400.0).contains(&s) => Some(Duration::from_secs_f64(s)),
        Some(_) => None,
    };
    let (Some(talk), Some(patience), true, true) = (
        seconds(call.talk_seconds, pbx.config.talk),
        seconds(call.patience_seconds, pbx.config.patience),
        plain(&call.name),
        number_ok,
    ) else {
        return Err(Problem::invalid_setting()
            .because("The customer's number, name, talkSeconds or patienceSeconds is not valid."));
    };
    let turn = pbx.centre.calls.count();
    let speech = match &call.speech {
        Some(name) => name.clone(),
        None => voice_of(turn).to_owned(),
    };
    let samples = sound::speech(&speech).ok_or_else(|| {
        Problem::invalid_setting().because(format!("There is no recorded voice {speech:?}."))
    })?;
    let (name, number) = person(turn);
    let name = call.name.unwrap_or_else(|| name.to_owned());
    let number = call.number.unwrap_or(number);
    let id = pbx.centre.calls.begin(
        CallKind::Customer,
        &name,
        &number,
        &queue.extension,
        Some(&queue.name),
    );
    pbx.centre
        .calls
        .change(id, |record| record.speech = Some(speech));
    let mut headers = vec![
        ("X-Queue".to_owned(), queue.name.clone()),
        ("X-Customer-Name".to_owned(), name.clone()),
        ("X-Customer-Number".to_owned(), number.clone()),
        ("X-Call-Id".to_owned(), id.to_string()),
    ];
    let reference = interaction_id(id);
    headers.push(("X-Interaction-Id".to_owned(), reference.clone()));
    pbx.centre
        .calls
        .change(id, |record| record.reference = Some(reference));
    for (name, value) in given {
        // What the call says itself takes the place of what the queue says.
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        headers.push((name, value));
    }
    let pbx = pbx.clone();
    tokio::spawn(async move {
        let waiting = Waiting {
            pbx: &pbx,
            queue: &queue,
            id,
            name,
            number,
            headers,
            caller: None,
            max_forwards: MAX_FORWARDS,
        };
        waiting.customer(Speech::new(samples), talk, patience).await;
    });
    Ok(id)
}

/// By what a disposition names a call: unlike any of an earlier start.
fn interaction_id(id: CallId) -> String {
    format!(
        "sandbox-{:x}-{id}",
        crate::clock::now().unix_timestamp_nanos() / 1_000_000
    )
}

/// An agent calls a queue: holds on with music until a member answers.
pub(super) async fn agent_calls(
    pbx: &Arc<SmallPbx>,
    invite: &IncomingInvite,
    id: CallId,
    caller: &Agent,
    queue: &Queue,
) {
    // The queue answers, but only to pass the call on to a member.
    let Some(max_forwards) = invite.max_forwards.checked_sub(1) else {
        service::reject(pbx, invite, service::TOO_MANY_HOPS);
        return pbx
            .centre
            .calls
            .end(id, "too_many_hops", "system", Vec::new());
    };
    let Some((mut leg, sdp)) = service::leg(pbx, invite, id, caller).await else {
        return;
    };
    leg.about.name.clone_from(&queue.name);
    if pbx.endpoint.accept(leg.dialog, sdp).is_err() {
        return pbx.centre.calls.end(id, "abandoned", "agent", Vec::new());
    }
    let waiting = Waiting {
        pbx,
        queue,
        id,
        name: caller.text("fullname").to_owned(),
        number: caller.extension().to_owned(),
        headers: vec![
            ("X-Queue".to_owned(), queue.name.clone()),
            ("X-Interaction-Id".to_owned(), interaction_id(id)),
        ],
        caller: Some(caller.id),
        max_forwards,
    };
    let mut music = Music::default();
    let mut stop = pbx.stopped.subscribe();
    let found = tokio::select! {
        found = waiting.find() => found,
        _ = leg.run(None, |_| false, |_, _, say| music.fill(say)) => {
            return pbx.centre.calls.end(id, "abandoned", "agent", Vec::new());
        }
        _ = stop.changed() => return,
    };
    let (other, agent) = match found {
        Found::Phone(other, agent) => (other, agent),
        Found::Service(number) => return service::attend(pbx, leg, &number).await,
    };
    waiting.answered(&agent.name);
    let mut heard = Vec::new();
    let left = Leg::bridge(*other, leg, |block| record_block(&mut heard, block, true)).await;
    waiting.done(&agent);
    match left {
        Some((leg, number)) => service::attend(pbx, leg, &number).await,
        None => pbx.centre.calls.end(id, "answered", "agent", heard),
    }
}

impl Waiting<'_> {
    async fn customer(&self, mut speech: Speech, talk: Duration, patience: Duration) {
        let calls = &self.pbx.centre.calls;
        let mut stop = self.pbx.stopped.subscribe();
        let found = tokio::select! {
            found = timeout(patience, self.find()) => found,
            _ = stop.changed() => return,
        };
        let (mut leg, agent) = match found {
            Ok(Found::Phone(leg, agent)) => (leg, agent),
            Ok(Found::Service(number)) => {
                // Two made-up parties: nothing is to be heard.
                self.answered(&number);
                tokio::select! {
                    () = tokio::time::sleep(talk) => {}
                    _ = stop.changed() => {}
                }
                return calls.end(self.id, "answered", "customer", Vec::new());
            }
            Err(_) => return calls.end(self.id, "abandoned", "customer", Vec::new()),
        };
        self.answered(&agent.name);
        let mut heard = Vec::new();
        let ending = leg
            .run(
                Some(talk),
                |digit| note_digit(self.pbx, self.id, digit),
                |block, connected, say| {
                    record_block(&mut heard, block, connected);
                    if connected {
                        speech.fill(say);
                    } else {
                        say.fill(0.0);
                    }
                },
            )
            .await;
        leg.hang_up(None);
        self.done(&agent);
        let by = if matches!(ending, Ending::HungUp | Ending::Transferred) {
            "agent"
        } else {
            "customer"
        };
        calls.end(self.id, "answered", by, heard);
    }

    fn answered(&self, by: &str) {
        self.pbx.centre.calls.change(self.id, |call| {
            call.state = CallState::Talking;
            call.answered = Some(crate::clock::now());
            call.answered_by = Some(by.to_owned());
        });
    }

    fn done(&self, agent: &Agent) {
        let mut lines = self.pbx.queues.lines();
        lines.last_call.insert(agent.id, Instant::now());
        *lines.calls.entry(agent.id).or_default() += 1;
    }

    /// Waits for its turn, rings members until one answers. Dropped, it leaves the line and stops the ringing.
    async fn find(&self) -> Found {
        let _place = Place::take(self.pbx, self.queue.id, self.id);
        let mut looks = self.pbx.queues.looks.subscribe();
        let mut tried = HashSet::new();
        loop {
            looks.mark_unchanged();
            let (members, queue) = self.free_members();
            if !self.is_first() || members.is_empty() {
                let _ = timeout(LOOK_EVERY, looks.changed()).await;
                continue;
            }
            let fresh: Vec<Agent> = members
                .into_iter()
                .filter(|member| !tried.contains(&member.id))
                .collect();
            if fresh.is_empty() {
                tried.clear();
                tokio::time::sleep(ROUND_PAUSE).await;
                continue;
            }
            let count = if queue.strategy.rings_all() {
                fresh.len()
            } else {
                1
            };
            let targets: Vec<Agent> = fresh.into_iter().take(count).collect();
            tried.extend(targets.iter().map(|agent| agent.id));
            let ring = Duration::from_secs(u64::from(queue.ring_s));
            if let Some(found) = self.ring(targets, ring).await {
                return found;
            }
            self.pbx
                .centre
                .calls
                .change(self.id, |call| call.state = CallState::Waiting);
        }
    }

    fn is_first(&self) -> bool {
        self.pbx
            .queues
            .lines()
            .waiting
            .get(&self.queue.id)
            .and_then(|line| line.first())
            == Some(&self.id)
    }

    /// Members that may be rung now, the one with the longest rest first; and the queue as it is set now.
    fn free_members(&self) -> (Vec<Agent>, Queue) {
        let centre = &self.pbx.centre;
        let (queue, members) = {
            let store = centre.store();
            let queue = store
                .queues()
                .unwrap_or_default()
                .into_iter()
                .find(|queue| queue.id == self.queue.id)
                .unwrap_or_else(|| self.queue.clone());
            let members: Vec<Agent> = store
                .members(queue.id)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|id| store.agent(id).ok().flatten())
                .collect();
            (queue, members)
        };
        let mut free: Vec<Agent> = members
            .into_iter()
            .filter(|agent| {
                // Whether a phone in a call takes another one is the phone's own to say: it answers 486.
                let presence = centre.presence(agent.id);
                Some(agent.id) != self.caller
                    && presence.online()
                    && !presence.voice_paused()
                    && self.pbx.registrar.contact(agent.extension()).is_some()
            })
            .collect();
        let lines = self.pbx.queues.lines();
        match queue.strategy {
            Strategy::Linear => {}
            Strategy::Random => free.shuffle(&mut rand::rng()),
            Strategy::FewestCalls => free.sort_by_key(|agent| lines.calls.get(&agent.id).copied()),
            Strategy::RrMemory => free.sort_by_key(|agent| lines.last_rung.get(&agent.id).copied()),
            Strategy::RingAll | Strategy::BeepAll | Strategy::LeastRecent => {
                free.sort_by_key(|agent| lines.last_call.get(&agent.id).copied());
            }
        }
        drop(lines);
        (free, queue)
    }

    async fn ring(&self, targets: Vec<Agent>, limit: Duration) -> Option<Found> {
        let pbx = self.pbx;
        let mut ringing = Vec::new();
        for agent in targets {
            let Some(contact) = pbx.registrar.contact(agent.extension()) else {
                continue;
            };
            pbx.queues
                .lines()
                .last_rung
                .insert(agent.id, Instant::now());
            ringing.extend(self.ring_one(agent, contact, self.about()).await);
        }
        let until = Instant::now() + limit;
        let mut forwards = 0;
        while !ringing.is_empty() {
            let next = select_all(ringing.iter_mut().map(|r| Box::pin(r.leg.next())));
            let Ok((event, index, _)) = timeout_at(until, next).await else {
                return None;
            };
            match event {
                LegEvent::Answered => {
                    let Ringing { agent, leg, .. } = ringing.swap_remove(index);
                    stop_ringing(&mut ringing);
                    return Some(Found::Phone(Box::new(leg), Box::new(agent)));
                }
                LegEvent::Moved(targets) => {
                    ringing[index].moved = targets
                        .iter()
                        .find_map(|target| transfer::route(pbx, target));
                }
                LegEvent::Taken(take) => {
                    let picked = take.leg.and_then(|leg| {
                        let agent = pbx.centre.store().agent(leg.agent).ok().flatten()?;
                        Some((leg, agent))
                    });
                    if let Some((mut leg, agent)) = picked {
                        leg.about = self.about();
                        leg.call = self.id;
                        let _ = take.reply.send(None);
                        stop_ringing(&mut ringing);
                        return Some(Found::Phone(leg, Box::new(agent)));
                    }
                }
                LegEvent::Ended(end) => {
                    let gone = ringing.swap_remove(index);
                    tracing::info!(agent = gone.agent.name, ?end, "a member did not answer");
                    match gone.moved {
                        Some(Route::Service(number)) => {
                            transfer::note(pbx, self.id, &number);
                            stop_ringing(&mut ringing);
                            return Some(Found::Service(number));
                        }
                        Some(Route::Phone(agent, contact)) if forwards < transfer::FORWARDS => {
                            forwards += 1;
                            transfer::note(pbx, self.id, agent.extension());
                            let about = self.about();
                            let about = transfer::diverted(pbx, &gone.agent, &about, forwards);
                            if let Some(about) = about {
                                ringing.extend(self.ring_one(*agent, contact, about).await);
                            }
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        None
    }

    async fn ring_one(&self, agent: Agent, contact: Contact, about: About) -> Option<Ringing> {
        match Leg::calling(self.pbx, &agent, contact, about, self.id).await {
            Ok(leg) => {
                self.pbx.centre.calls.change(self.id, |call| {
                    call.state = CallState::Ringing;
                    call.rung.push(agent.name.clone());
                });
                Some(Ringing {
                    agent,
                    leg,
                    moved: None,
                })
            }
            Err(error) => {
                tracing::warn!(agent = agent.name, error, "cannot ring a member");
                None
            }
        }
    }

    /// The caller, as phones are told.
    fn about(&self) -> About {
        About {
            name: self.name.clone(),
            number: self.number.clone(),
            headers: self.headers.clone(),
            max_forwards: self.max_forwards,
        }
    }
}

/// Somebody else has the call.
fn stop_ringing(ringing: &mut [Ringing]) {
    for other in ringing {
        other.leg.hang_up(Some(ELSEWHERE));
    }
}

/// A place in the line, given up when dropped.
struct Place {
    pbx: Arc<SmallPbx>,
    queue: i64,
    id: CallId,
}

impl Place {
    fn take(pbx: &Arc<SmallPbx>, queue: i64, id: CallId) -> Self {
        let count = {
            let mut lines = pbx.queues.lines();
            let line = lines.waiting.entry(queue).or_default();
            line.push(id);
            line.len()
        };
        pbx.centre.set_waiting(queue, count);
        Self {
            pbx: pbx.clone(),
            queue,
            id,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let count = {
            let mut lines = self.pbx.queues.lines();
            let line = lines.waiting.entry(self.queue).or_default();
            line.retain(|id| *id != self.id);
            line.len()
        };
        self.pbx.centre.set_waiting(self.queue, count);
        self.pbx.look_again();
    }
}

/// Hold music: a slow, quiet melody.
struct Music {
    notes: [Tone; 4],
    blocks: usize,
}

impl Default for Music {
    fn default() -> Self {
        Self {
            notes: [261.6, 329.6, 392.0, 329.6].map(|hertz| Tone::new(hertz, 0.05)),
            blocks: 0,
        }
    }
}

impl Music {
    fn fill(&mut self, block: &mut sidetone_media::Block) {
        let note = (self.blocks / 60) % self.notes.len();
        self.notes[note].fill(block);
        self.blocks += 1;
    }
}

/// A made-up customer with a number reserved for fiction.
fn person(turn: usize) -> (&'static str, String) {
    const NAMES: [&str; 8] = [
        "Marta Vidal",
        "Jonas Weber",
        "Aisha Rahman",
        "Piotr Zielinski",
        "Grace Okafor",
        "Luca Ferri",
        "Sofia Lind",
        "Tom Whitaker",
    ];
    let name = NAMES[turn % NAMES.len()];
    let number = if turn.is_multiple_of(2) {
        format!("+1202555{:04}", 100 + turn % 100)
    } else {
        format!("+4420794600{:02}", turn % 100)
    };
    (name, number)
}
