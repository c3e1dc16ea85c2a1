//! Feature codes of a PBX: short silent calls that nobody sees, in place of requests to a contact-centre server.

use std::collections::VecDeque;
use std::time::Duration;

use sidetone_agent::{Command, Input, PresenceReport, Time};

use super::Phone;
use super::silent::Purpose;
use crate::standalone::{Desk, Wish};

/// How long a PBX may talk after its answer: what the code does is done by then.
const LISTEN: Duration = Duration::from_secs(4);
/// The same when the agent leaves: somebody waits for the phone to stop.
const FAREWELL: Duration = Duration::from_secs(1);

/// The reason of the pause that a session begins with, as a server has it.
const LOGIN: &str = "Login";

/// An agent without a contact-centre server: pauses and queues by feature codes.
#[derive(Debug)]
pub(crate) struct Standing {
    desk: Desk,
    online_since: Option<Time>,
    paused: Option<(String, Time)>,
    waiting: VecDeque<Errand>,
    current: Option<Errand>,
    /// The agent begins paused (Login in Pause), and is not yet.
    pause_first: bool,
    /// The agent leaves when the last code was dialled.
    pub(super) leaving: bool,
}

impl Standing {
    pub(super) fn new(desk: Desk, login_in_pause: bool, now: Time) -> Self {
        let pause_first = login_in_pause && !desk.numbers(&Wish::Unpause).is_empty();
        let online_since = (!desk.has_login()).then_some(now);
        Self {
            desk,
            online_since,
            paused: None,
            waiting: VecDeque::new(),
            current: None,
            pause_first,
            leaving: false,
        }
    }

    pub(super) fn presence(&self, now: Time) -> PresenceReport {
        let age = |since: Time| u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX);
        PresenceReport {
            online: self.online_since.is_some(),
            paused: self.paused.is_some(),
            reason: self.paused.as_ref().map(|(reason, _)| reason.clone()),
            online_for_ms: self.online_since.map_or(0, age),
            paused_for_ms: self.paused.as_ref().map_or(0, |(_, since)| age(*since)),
            channels: Vec::new(),
        }
    }

    fn done(&mut self, wish: Wish, now: Time) {
        match wish {
            Wish::Pause { reason } => self.paused = Some((reason, now)),
            Wish::Unpause => self.paused = None,
            Wish::Login => self.online_since = Some(now),
            Wish::Logout => self.online_since = None,
        }
    }

    /// Codes have to be dialled before the agent may go.
    fn owes_logout(&self) -> bool {
        self.desk.has_logout() && self.online_since.is_some()
    }
}

/// One wish, as the calls that it takes.
#[derive(Debug)]
struct Errand {
    wish: Wish,
    /// Codes that are still to be dialled.
    left: VecDeque<String>,
}

impl Phone {
    pub(super) fn wish(&mut self, wish: Wish) {
        let now = self.clock.now();
        let Some(standing) = &mut self.standing else {
            return;
        };
        let left: VecDeque<String> = standing.desk.numbers(&wish).into();
        if left.is_empty() {
            // A PBX that knows no logout has nothing to be told.
            return match wish {
                Wish::Pause { .. } | Wish::Unpause => self.handle(Input::PresenceFailed {
                    detail: "the profile file has no feature code for that".to_owned(),
                }),
                Wish::Login | Wish::Logout => {
                    standing.done(wish, now);
                    self.tell_standing();
                }
            };
        }
        standing.waiting.push_back(Errand { wish, left });
        self.next_errand();
    }

    /// Joins the queues once the phone can dial.
    pub(super) fn log_in_by_code(&mut self) {
        let Some(standing) = &mut self.standing else {
            return;
        };
        let underway = standing
            .current
            .iter()
            .chain(&standing.waiting)
            .any(|errand| errand.wish == Wish::Login);
        if underway || standing.leaving {
            return;
        }
        let pause_first = std::mem::take(&mut standing.pause_first);
        if standing.online_since.is_none() {
            self.wish(Wish::Login);
        }
        if pause_first {
            let reason = LOGIN.to_owned();
            self.wish(Wish::Pause { reason });
        }
    }

    /// Leaves the queues first where that takes a call; `false` when the agent can go at once.
    pub(super) fn log_out_by_code(&mut self) -> bool {
        let Some(standing) = &mut self.standing else {
            return false;
        };
        if standing.leaving {
            return true;
        }
        if !standing.owes_logout() || self.line.is_none() {
            return false;
        }
        standing.leaving = true;
        self.wish(Wish::Logout);
        true
    }

    fn next_errand(&mut self) {
        let Some(standing) = &mut self.standing else {
            return;
        };
        if standing.current.is_some() {
            return;
        }
        let Some(mut errand) = standing.waiting.pop_front() else {
            if standing.leaving {
                self.leave_standing();
            }
            return;
        };
        let code = errand.left.pop_front().unwrap_or_default();
        standing.current = Some(errand);
        tracing::info!(code, "dialling a feature code");
        if let Err(fault) = self.call_silently(Purpose::FeatureCode, code) {
            self.errand_failed(fault);
        }
    }

    /// How long the PBX may talk after its answer.
    pub(super) fn code_is_heard_for(&self) -> Duration {
        match &self.standing {
            Some(standing) if standing.leaving => FAREWELL,
            _ => LISTEN,
        }
    }

    /// The PBX took a code, and its call is over.
    pub(super) fn code_was_dialled(&mut self) {
        let now = self.clock.now();
        let Some(standing) = &mut self.standing else {
            return;
        };
        let Some(errand) = standing.current.take() else {
            return;
        };
        if errand.left.is_empty() {
            standing.done(errand.wish, now);
            self.tell_standing();
        } else {
            standing.waiting.push_front(errand);
        }
        self.next_errand();
    }

    pub(super) fn errand_failed(&mut self, words: &str) {
        let Some(standing) = &mut self.standing else {
            return;
        };
        if standing.current.take().is_none() {
            return;
        }
        tracing::info!(words, "a feature code did not work");
        self.handle(Input::PresenceFailed {
            detail: words.to_owned(),
        });
        self.next_errand();
    }

    fn tell_standing(&mut self) {
        let now = self.clock.now();
        if let Some(standing) = &self.standing {
            let presence = standing.presence(now);
            self.handle(Input::Presence(presence));
        }
    }

    /// The last code was dialled: now the agent goes.
    fn leave_standing(&mut self) {
        if let Some(standing) = &mut self.standing {
            standing.leaving = false;
            standing.online_since = None;
        }
        self.handle(Input::Command(Command::SignOut));
        self.ready_to_stop = true;
    }
}
