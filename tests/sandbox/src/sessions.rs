//! Sign-ins of agents: their tokens, and which of them is logged in to the queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sidetone_profile::Secret;
use time::OffsetDateTime;

use crate::centre::Centre;
use crate::problem::Problem;
use crate::store::{Agent, Token};
use crate::{clock, password};

/// A sign-in that has never had a socket counts as alive for this long after its last request.
const QUIET: Duration = Duration::from_secs(60);
/// A sign-in that lost the queues to another one may finish its call, but no longer than this.
const LAST_CALL: Duration = Duration::from_secs(4 * 3600);

/// The session of requests with HTTP Basic.
pub(crate) const BASIC: &str = "basic";

/// Which sign-in of each agent holds the queues, and when each was heard of.
#[derive(Default)]
pub(crate) struct Sessions {
    state: Mutex<State>,
    /// Held while one sign-in takes the queues: of two at the same moment, one is first.
    taking: Mutex<()>,
}

#[derive(Default)]
struct State {
    holders: HashMap<i64, Holder>,
    heard: HashMap<String, Instant>,
}

/// The sign-in that is logged in to the queues.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) session: String,
    pub(crate) device: String,
    pub(crate) since: OffsetDateTime,
}

impl Sessions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request of this sign-in came.
    pub(crate) fn heard(&self, session: &str) {
        let mut state = self.state();
        state.heard.retain(|_, at| at.elapsed() < QUIET);
        state.heard.insert(session.to_owned(), Instant::now());
    }

    pub(crate) fn holder(&self, agent: i64) -> Option<Holder> {
        self.state().holders.get(&agent).cloned()
    }

    pub(crate) fn hold(&self, agent: i64, holder: Holder) {
        self.state().holders.insert(agent, holder);
    }

    pub(crate) fn release(&self, agent: i64) {
        self.state().holders.remove(&agent);
    }

    fn heard_lately(&self, session: &str) -> bool {
        self.state()
            .heard
            .get(session)
            .is_some_and(|at| at.elapsed() < QUIET)
    }
}

impl Centre {
    /// Tokens for an agent, of a new sign-in or of one that goes on.
    pub(crate) fn issue(&self, agent: i64, session: Option<String>) -> Result<Value, Problem> {
        let (token, refresh) = (password::token(), password::token());
        let session = session.unwrap_or_else(|| password::digest(password::token().reveal()));
        let life = seconds(self.rules.token_life);
        let now = clock::now().unix_timestamp();
        let stored = |life| Token {
            agent,
            session: session.clone(),
            expires: now + life,
        };
        let store = self.store();
        store.forget_expired(now)?;
        store.add_token(&password::digest(token.reveal()), &stored(life))?;
        store.add_refresh(
            &password::digest(refresh.reveal()),
            &stored(seconds(self.rules.refresh_life)),
        )?;
        Ok(json!({"token": token.reveal(), "expiresIn": life, "refreshToken": refresh.reveal()}))
    }

    /// New tokens for a refresh token, which dies.
    pub(crate) fn refresh(&self, refresh: &Secret) -> Result<(Agent, Value), Problem> {
        let (agent, session) = {
            let store = self.store();
            let taken = store
                .take_refresh(&password::digest(refresh.reveal()))?
                .filter(|taken| taken.expires > clock::now().unix_timestamp())
                .ok_or_else(Problem::token_expired)?;
            let agent = store
                .agent(taken.agent)?
                .ok_or_else(Problem::token_expired)?;
            (agent, taken.session)
        };
        if agent.is("blocked") || agent.is("disabled") {
            return Err(Problem::token_expired().because("The account is locked or switched off."));
        }
        let tokens = self.issue(agent.id, Some(session))?;
        Ok((agent, tokens))
    }

    /// Makes a sign-in the one that holds the agent's queues; refused while another one does, unless it takes over.
    pub(crate) fn take_queues(
        self: &Arc<Self>,
        agent: &Agent,
        session: &str,
        device: Option<&str>,
        take_over: bool,
    ) -> Result<(), Problem> {
        let _taking = self
            .sessions
            .taking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let held = self.sessions.holder(agent.id);
        let other = held.as_ref().filter(|held| held.session != session);
        if let Some(other) = other {
            if !take_over && self.alive(agent.id, &other.session)? {
                let since = clock::text(other.since);
                return Err(Problem::signed_in_elsewhere()
                    .because(format!(
                        "This agent is signed in on {} since {since}.",
                        other.device
                    ))
                    .with("device", json!(other.device))
                    .with("since", json!(since)));
            }
            let here = device.unwrap_or("another device");
            self.hub.sign_out(
                agent.id,
                "signed_in_elsewhere",
                &format!("This agent has signed in on {here}."),
                Some(other.session.clone()),
            );
            self.retire(agent.id, other.session.clone());
        }
        let own = held.filter(|held| held.session == session);
        let holder = match (own, device) {
            (Some(own), device) if device.is_none_or(|device| device == own.device) => own,
            (_, device) => Holder {
                session: session.to_owned(),
                device: device.unwrap_or("another device").to_owned(),
                since: clock::now(),
            },
        };
        self.sessions.hold(agent.id, holder);
        Ok(())
    }

    /// Whether another sign-in holds the agent's queues.
    pub(crate) fn held_elsewhere(&self, agent: i64, session: &str) -> bool {
        self.sessions
            .holder(agent)
            .is_some_and(|holder| holder.session != session)
    }

    /// Whether a sign-in is still used: it has a socket, or, without ever having had one, made a request lately.
    fn alive(&self, agent: i64, session: &str) -> Result<bool, Problem> {
        let now = clock::now().unix_timestamp();
        let good = session == BASIC
            || self
                .store()
                .session_expiry(session)?
                .is_some_and(|expires| expires > now);
        Ok(good
            && match self.hub.sockets_of(agent, session) {
                Some(open) => open > 0,
                None => self.sessions.heard_lately(session),
            })
    }

    /// The tokens of a sign-in die once the call in progress is over.
    fn retire(self: &Arc<Self>, agent: i64, session: String) {
        let centre = Arc::clone(self);
        tokio::spawn(async move {
            let mut news = centre.phone_news.subscribe();
            let quiet = async {
                while centre.phone(agent).calls > 0 {
                    if news.changed().await.is_err() {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(LAST_CALL, quiet).await;
            if let Err(error) = centre.store().forget_session(&session) {
                tracing::error!(%error, "a sign-in that was taken over keeps its tokens");
            }
        });
    }
}

fn seconds(life: Duration) -> i64 {
    i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 2)
}
