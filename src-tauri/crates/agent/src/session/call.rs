use std::time::Duration;

use crate::view::elapsed_ms;
use crate::{CallDirection, CallId, CallState, CallView, Countdown, Notice, Time};

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) direction: CallDirection,
    pub(super) state: CallState,
    pub(super) name: String,
    pub(super) number: String,
    pub(super) queue: Option<String>,
    pub(super) began: Time,
    pub(super) answered: Option<Time>,
    pub(super) ended: Option<Time>,
    pub(super) auto_answer: Option<AutoAnswerAt>,
    /// The far end sends sound before its answer: no ringback of our own.
    pub(super) early_media: bool,
    pub(super) interrupted: bool,
    pub(super) held_by_remote: bool,
    pub(super) end: Option<Notice>,
}

/// When a call is answered by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct AutoAnswerAt {
    pub(super) at: Time,
    pub(super) total: Duration,
    /// Also a desktop notification.
    pub(super) notify: bool,
}

impl Call {
    pub(super) fn new(id: CallId, direction: CallDirection, now: Time) -> Self {
        Self {
            id,
            direction,
            state: match direction {
                CallDirection::Incoming => CallState::Ringing,
                CallDirection::Outgoing => CallState::Dialling,
            },
            name: String::new(),
            number: String::new(),
            queue: None,
            began: now,
            answered: None,
            ended: None,
            auto_answer: None,
            early_media: false,
            interrupted: false,
            held_by_remote: false,
            end: None,
        }
    }

    /// Not over, perhaps on its way out.
    pub(super) fn live(&self) -> bool {
        self.state != CallState::Ended
    }

    /// Takes up the line: one that we have hung up does not, or the next customer would hear busy.
    pub(super) fn engaged(&self) -> bool {
        !matches!(self.state, CallState::Ending | CallState::Ended)
    }

    pub(super) fn ringing(&self) -> bool {
        self.state == CallState::Ringing
    }

    /// The agent may be heard in it: there may be only one of these.
    pub(super) fn audible(&self) -> bool {
        self.engaged() && !matches!(self.state, CallState::Ringing | CallState::Held)
    }

    pub(super) fn view(&self, now: Time) -> CallView {
        let shown = self.ended.unwrap_or(now);
        CallView {
            id: self.id,
            direction: self.direction,
            state: self.state,
            name: self.name.clone(),
            number: self.number.clone(),
            queue: self.queue.clone(),
            age_ms: elapsed_ms(now, self.began),
            talk_ms: self.answered.map(|answered| elapsed_ms(shown, answered)),
            auto_answer: self.auto_answer.map(|countdown| Countdown {
                left_ms: elapsed_ms(countdown.at, now),
                total_ms: u64::try_from(countdown.total.as_millis()).unwrap_or(u64::MAX),
            }),
            interrupted: self.interrupted,
            held_by_remote: self.held_by_remote,
            end: self.end.clone().filter(|_| !self.live()),
            recording: crate::RecordingState::Off,
            recording_fixed: false,
            transfer: None,
            variables: Vec::new(),
        }
    }
}
