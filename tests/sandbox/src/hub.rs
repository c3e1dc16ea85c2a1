//! Realtime events of one agent: numbered, kept for a while, pushed to its sockets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::clock;

/// Events kept for a client that comes back.
const KEPT: usize = 256;

/// An event as it goes over the socket, or the order to close it.
#[derive(Clone, Debug)]
pub(crate) enum Push {
    Event(String),
    SignedOut {
        code: &'static str,
        detail: String,
        /// Only the sockets of this sign-in are meant.
        only: Option<String>,
    },
}

/// All agents' events.
pub(crate) struct Hub {
    lines: Mutex<HashMap<i64, Line>>,
    first: u64,
}

struct Line {
    last: u64,
    kept: VecDeque<(u64, String)>,
    sender: broadcast::Sender<Push>,
    /// Open sockets of each sign-in that ever had one.
    sockets: HashMap<String, usize>,
    /// How often the last socket has closed.
    departures: u64,
}

/// What a socket starts with.
pub(crate) struct Joined {
    pub(crate) seq: u64,
    pub(crate) resumed: bool,
    pub(crate) missed: Vec<String>,
    pub(crate) pushes: broadcast::Receiver<Push>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        // Numbers of an earlier process are all below: a client of it is told to fetch everything again.
        let first = u64::try_from(clock::now().unix_timestamp_nanos() / 1_000_000).unwrap_or(1);
        Self {
            lines: Mutex::default(),
            first,
        }
    }

    /// Opens a socket: what was missed since `since`, and what comes.
    pub(crate) fn join(&self, agent: i64, session: &str, since: Option<u64>) -> Joined {
        let mut lines = self.lines();
        let line = line(&mut lines, self.first, agent);
        *line.sockets.entry(session.to_owned()).or_default() += 1;
        let oldest = line.kept.front().map_or(line.last + 1, |(seq, _)| *seq);
        let resumed = since.is_some_and(|since| since <= line.last && since + 1 >= oldest);
        let missed = match since {
            Some(since) if resumed => line
                .kept
                .iter()
                .filter(|(seq, _)| *seq > since)
                .map(|(_, text)| text.clone())
                .collect(),
            _ => Vec::new(),
        };
        Joined {
            seq: line.last,
            resumed,
            missed,
            pushes: line.sender.subscribe(),
        }
    }

    /// A socket closed; when it was the agent's last: the number of this departure.
    pub(crate) fn leave(&self, agent: i64, session: &str) -> Option<u64> {
        let mut lines = self.lines();
        let line = line(&mut lines, self.first, agent);
        if let Some(open) = line.sockets.get_mut(session) {
            *open = open.saturating_sub(1);
        }
        if line.connected() {
            return None;
        }
        line.departures += 1;
        Some(line.departures)
    }

    /// Whether the agent has no socket, and has had none since this departure.
    pub(crate) fn still_gone(&self, agent: i64, departure: u64) -> bool {
        self.lines()
            .get(&agent)
            .is_some_and(|line| !line.connected() && line.departures == departure)
    }

    /// Open sockets of a sign-in; `None`: it has never had one.
    pub(crate) fn sockets_of(&self, agent: i64, session: &str) -> Option<usize> {
        self.lines().get(&agent)?.sockets.get(session).copied()
    }

    /// Whether the agent has a socket open.
    pub(crate) fn connected(&self, agent: i64) -> bool {
        self.lines().get(&agent).is_some_and(Line::connected)
    }

    /// Numbers an event, keeps it and pushes it.
    pub(crate) fn push(&self, agent: i64, kind: &str, data: &Value) {
        let mut lines = self.lines();
        let line = line(&mut lines, self.first, agent);
        line.last += 1;
        let text = frame(line.last, kind, data);
        line.kept.push_back((line.last, text.clone()));
        if line.kept.len() > KEPT {
            line.kept.pop_front();
        }
        // Nobody listening is fine: the event is kept.
        let _ = line.sender.send(Push::Event(text));
    }

    /// Ends the agent's sockets, or those of one sign-in, with a reason; not kept, since the next sign-in has nothing
    /// to do with it.
    pub(crate) fn sign_out(
        &self,
        agent: i64,
        code: &'static str,
        detail: &str,
        only: Option<String>,
    ) {
        if let Some(line) = self.lines().get(&agent) {
            let _ = line.sender.send(Push::SignedOut {
                code,
                detail: detail.to_owned(),
                only,
            });
        }
    }

    /// The number of the agent's latest event.
    pub(crate) fn latest(&self, agent: i64) -> u64 {
        self.lines().get(&agent).map_or(self.first, |l| l.last)
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<i64, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn connected(&self) -> bool {
        self.sockets.values().any(|open| *open > 0)
    }
}

/// One text frame.
pub(crate) fn frame(seq: u64, kind: &str, data: &Value) -> String {
    json!({"seq": seq, "at": clock::now_text(), "type": kind, "data": data}).to_string()
}

fn line(lines: &mut HashMap<i64, Line>, first: u64, agent: i64) -> &mut Line {
    lines.entry(agent).or_insert_with(|| Line {
        last: first,
        kept: VecDeque::new(),
        sender: broadcast::channel(KEPT).0,
        sockets: HashMap::new(),
        departures: 0,
    })
}
