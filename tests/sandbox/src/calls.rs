//! What became of each call, and what was heard in it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::mpsc;

use crate::clock;
use crate::sound;

/// Calls kept.
const KEPT: usize = 200;
/// Recordings kept; older calls keep their numbers.
const RECORDINGS_KEPT: usize = 40;

/// Names a call for the life of the sandbox.
pub type CallId = u64;

/// All calls since the start.
pub(crate) struct CallLog {
    calls: Mutex<Calls>,
    events: Option<mpsc::UnboundedSender<Value>>,
}

#[derive(Default)]
struct Calls {
    last: CallId,
    calls: VecDeque<Call>,
    heard: HashMap<CallId, Arc<Vec<f32>>>,
    order: VecDeque<CallId>,
}

/// What kind of call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallKind {
    /// A simulated customer called a queue.
    Customer,
    /// An agent called one of the test numbers or the queue.
    Service,
    /// An agent called an agent.
    Internal,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// In the queue.
    Waiting,
    /// A phone rings.
    Ringing,
    /// Two parties speak.
    Talking,
    /// Over.
    Ended,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) kind: CallKind,
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) dialled: String,
    pub(crate) queue: Option<String>,
    /// The `X-Interaction-Id` of a queue call.
    pub(crate) reference: Option<String>,
    pub(crate) speech: Option<String>,
    pub(crate) state: CallState,
    pub(crate) answered_by: Option<String>,
    /// Members that were rung, in order.
    pub(crate) rung: Vec<String>,
    /// Numbers that went on with the call after a transfer or a forwarding, in order.
    pub(crate) transfers: Vec<String>,
    pub(crate) started: OffsetDateTime,
    pub(crate) answered: Option<OffsetDateTime>,
    pub(crate) ended: Option<OffsetDateTime>,
    /// `answered`, `abandoned`, `busy`, … once it is over.
    pub(crate) result: Option<String>,
    /// `customer`, `agent` or `system`.
    pub(crate) ended_by: Option<&'static str>,
    pub(crate) heard_seconds: f32,
    pub(crate) heard_level_dbov: f32,
    /// Keys pressed by the agent.
    pub(crate) digits: String,
}

impl CallLog {
    pub(crate) fn new(events: Option<mpsc::UnboundedSender<Value>>) -> Self {
        Self {
            calls: Mutex::default(),
            events,
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a new call.
    pub(crate) fn begin(
        &self,
        kind: CallKind,
        name: &str,
        number: &str,
        dialled: &str,
        queue: Option<&str>,
    ) -> CallId {
        let call = {
            let mut calls = self.calls();
            calls.last += 1;
            let call = Call {
                id: calls.last,
                kind,
                number: number.to_owned(),
                name: name.to_owned(),
                dialled: dialled.to_owned(),
                queue: queue.map(str::to_owned),
                reference: None,
                speech: None,
                state: if queue.is_some() {
                    CallState::Waiting
                } else {
                    CallState::Ringing
                },
                answered_by: None,
                rung: Vec::new(),
                transfers: Vec::new(),
                started: clock::now(),
                answered: None,
                ended: None,
                result: None,
                ended_by: None,
                heard_seconds: 0.0,
                heard_level_dbov: sound::SILENCE_DBOV,
                digits: String::new(),
            };
            calls.calls.push_back(call.clone());
            if calls.calls.len() > KEPT {
                calls.calls.pop_front();
            }
            call
        };
        self.report(&call);
        call.id
    }

    /// Changes a call and reports it.
    pub(crate) fn change(&self, id: CallId, change: impl FnOnce(&mut Call)) {
        let call = {
            let mut calls = self.calls();
            let Some(call) = calls.calls.iter_mut().find(|call| call.id == id) else {
                return;
            };
            change(call);
            call.clone()
        };
        self.report(&call);
    }

    /// Ends a call with a result and what was heard of the agent (48 kHz); only the first end counts.
    pub(crate) fn end(&self, id: CallId, result: &str, by: &'static str, heard: Vec<f32>) {
        {
            let mut calls = self.calls();
            if !heard.is_empty() {
                calls.heard.insert(id, Arc::new(heard.clone()));
                calls.order.push_back(id);
                if calls.order.len() > RECORDINGS_KEPT
                    && let Some(oldest) = calls.order.pop_front()
                {
                    calls.heard.remove(&oldest);
                }
            }
        }
        self.change(id, |call| {
            if call.ended.is_some() {
                return;
            }
            call.state = CallState::Ended;
            call.ended = Some(clock::now());
            call.result = Some(result.to_owned());
            call.ended_by = Some(by);
            call.heard_seconds = heard.len() as f32 / sound::RATE as f32;
            call.heard_level_dbov = sound::level_dbov(&heard);
        });
    }

    /// How many calls there have been.
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.calls().last).unwrap_or_default()
    }

    /// Every call, the latest first.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.calls()
            .calls
            .iter()
            .rev()
            .map(Call::document)
            .collect()
    }

    /// One call.
    pub(crate) fn one(&self, id: CallId) -> Option<Call> {
        self.calls().calls.iter().find(|c| c.id == id).cloned()
    }

    /// What was heard of the agent, 48 kHz.
    pub(crate) fn heard(&self, id: CallId) -> Option<Arc<Vec<f32>>> {
        self.calls().heard.get(&id).cloned()
    }

    fn report(&self, call: &Call) {
        if let Some(events) = &self.events {
            let mut event = call.document();
            event["event"] = json!("call");
            // The reader is gone: then nobody wants to know.
            let _ = events.send(event);
        }
    }
}

impl Call {
    /// The object of `GET /admin/api/calls`. Seconds.
    pub(crate) fn document(&self) -> Value {
        let seconds = |from: OffsetDateTime, to: Option<OffsetDateTime>| {
            let span = to.unwrap_or_else(clock::now) - from;
            (span.as_seconds_f64() * 1000.0).round() / 1000.0
        };
        let wait = seconds(self.started, self.answered.or(self.ended));
        let talk = self.answered.map(|at| seconds(at, self.ended));
        json!({
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "result": self.result,
            "endedBy": self.ended_by,
            "customer": {"name": self.name, "number": self.number},
            "dialled": self.dialled,
            "queue": self.queue,
            "interactionId": self.reference,
            "speech": self.speech,
            "rung": self.rung,
            "transfers": self.transfers,
            "answeredBy": self.answered_by,
            "startedAt": clock::text(self.started),
            "answeredAt": self.answered.map(clock::text),
            "endedAt": self.ended.map(clock::text),
            "waitSeconds": wait,
            "talkSeconds": talk,
            "heardSeconds": self.heard_seconds,
            "heardLevelDbov": self.heard_level_dbov,
            "digits": self.digits,
        })
    }
}
