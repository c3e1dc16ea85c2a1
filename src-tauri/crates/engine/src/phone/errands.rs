//! Feature codes of a PBX: short silent calls that nobody sees, in place of requests to a contact-centre server.

use std::collections::VecDeque;
use std::time::Duration;

use sidetone_agent::{Command, Input, PresenceReport, Time};
use sidetone_media::{MediaError, Session};
use sidetone_sip::{CallTarget, DialogEnd, DialogId, Event};

use super::{Message, Phone, Prepared};
use crate::standalone::{Desk, Wish};

/// How long a PBX may take to answer a code.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may talk after its answer: what the code does is done by then.
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
    count: u64,
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
            count: 0,
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
    number: u64,
    wish: Wish,
    /// Codes that are still to be dialled.
    left: VecDeque<String>,
    session: Option<Session>,
    dialog: Option<DialogId>,
    answered: bool,
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
        standing.count += 1;
        standing.waiting.push_back(Errand {
            number: standing.count,
            wish,
            left,
            session: None,
            dialog: None,
            answered: false,
        });
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
        let local = self.sip.local_ip();
        let Some(standing) = &mut self.standing else {
            return;
        };
        if standing.current.is_some() {
            return;
        }
        let Some(errand) = standing.waiting.pop_front() else {
            if standing.leaving {
                self.leave_standing();
            }
            return;
        };
        let number = errand.number;
        standing.current = Some(errand);
        let Some(line) = &self.line else {
            return self.errand_failed("the phone is not registered");
        };
        let config = line.media_from(local);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let made = Session::offer(config).await;
            let made = made.map(|(session, sdp, events)| Prepared {
                session,
                sdp,
                events,
            });
            let _ = tell.send(Message::ErrandReady(number, made));
        });
    }

    /// The silent call of an errand can be placed, or cannot be.
    pub(super) async fn errand_ready(&mut self, number: u64, made: Result<Prepared, MediaError>) {
        let Some(errand) = self.errand().filter(|errand| errand.number == number) else {
            if let Ok(made) = made {
                made.session.close();
            }
            return;
        };
        let Some(code) = errand.left.pop_front() else {
            return;
        };
        let Prepared { session, sdp, .. } = match made {
            Ok(made) => made,
            Err(fault) => return self.errand_failed(&fault.to_string()),
        };
        errand.session = Some(session);
        tracing::info!(code, "dialling a feature code");
        let target = CallTarget::Account(code);
        match self.sip.invite(target, sdp, Vec::new()).await {
            Ok(dialog) => {
                if let Some(errand) = self.errand() {
                    errand.dialog = Some(dialog);
                }
                self.errand_later(number, PATIENCE);
            }
            Err(fault) => self.errand_failed(&fault.to_string()),
        }
    }

    /// Takes what happens to the silent call; `true` when the event was its own.
    pub(super) fn errand_event(&mut self, event: &Event) -> bool {
        let (Event::Provisional { dialog, .. }
        | Event::Answered { dialog, .. }
        | Event::Confirmed { dialog }
        | Event::Reoffer { dialog, .. }
        | Event::ReofferAnswered { dialog, .. }
        | Event::ReofferRefused { dialog, .. }
        | Event::Info { dialog, .. }
        | Event::ReferProgress { dialog, .. }
        | Event::Ended { dialog, .. }) = event
        else {
            return false;
        };
        let listen = match &self.standing {
            Some(standing) if standing.leaving => FAREWELL,
            _ => LISTEN,
        };
        let Some(errand) = self
            .errand()
            .filter(|errand| errand.dialog == Some(*dialog))
        else {
            return false;
        };
        let number = errand.number;
        match event {
            Event::Answered { sdp, .. } => {
                if let (Some(session), Some(sdp)) = (&errand.session, sdp)
                    && let Err(fault) = session.apply_answer(sdp)
                {
                    tracing::debug!(%fault, "the answer to a feature code");
                }
                errand.answered = true;
                self.errand_later(number, listen);
            }
            Event::Reoffer { sdp, .. } => {
                let answer = match (&errand.session, sdp) {
                    (Some(session), Some(offer)) => session.answer_reoffer(offer, false).ok(),
                    _ => None,
                };
                if let Err(fault) = self.sip.answer_reoffer(*dialog, answer) {
                    tracing::debug!(%fault, "an offer during a feature code");
                }
            }
            Event::Ended { end, .. } => self.errand_call_over(end),
            _ => {}
        }
        true
    }

    fn errand_call_over(&mut self, end: &DialogEnd) {
        let now = self.clock.now();
        let Some(errand) = self.errand() else { return };
        if let Some(session) = errand.session.take() {
            session.close();
        }
        errand.dialog = None;
        if !std::mem::take(&mut errand.answered) {
            let words = match end {
                DialogEnd::Refused { status, reason } => {
                    format!("the PBX refused the feature code ({status} {reason})")
                }
                DialogEnd::Unreachable(fault) => fault.clone(),
                _ => "the PBX did not answer the feature code".to_owned(),
            };
            return self.errand_failed(&words);
        }
        let more = !errand.left.is_empty();
        let Some(standing) = &mut self.standing else {
            return;
        };
        let Some(mut errand) = standing.current.take() else {
            return;
        };
        if more {
            // A number of its own for each call, so that an alarm of the last one means nothing to the next.
            standing.count += 1;
            errand.number = standing.count;
            standing.waiting.push_front(errand);
        } else {
            standing.done(errand.wish, now);
            self.tell_standing();
        }
        self.next_errand();
    }

    fn errand_failed(&mut self, words: &str) {
        let Some(standing) = &mut self.standing else {
            return;
        };
        let Some(errand) = standing.current.take() else {
            return;
        };
        if let Some(session) = errand.session {
            session.close();
        }
        tracing::info!(words, "a feature code did not work");
        self.handle(Input::PresenceFailed {
            detail: words.to_owned(),
        });
        self.next_errand();
    }

    /// The silent call has lasted long enough.
    pub(super) fn errand_time(&mut self, number: u64, answered: bool) {
        let Some(errand) = self.errand() else { return };
        if errand.number == number
            && errand.answered == answered
            && let Some(dialog) = errand.dialog
            && self.sip.hang_up(dialog, None).is_err()
        {
            self.errand_call_over(&DialogEnd::Local);
        }
    }

    fn errand_later(&mut self, number: u64, wait: Duration) {
        let answered = self.errand().is_some_and(|errand| errand.answered);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = tell.send(Message::ErrandTime(number, answered));
        });
    }

    fn errand(&mut self) -> Option<&mut Errand> {
        self.standing.as_mut()?.current.as_mut()
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
