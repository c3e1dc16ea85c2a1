use std::time::Duration;

use sidetone_profile::Masking;

use super::party::Party;
use super::recording::Recording;
use crate::view::elapsed_ms;
use crate::{
    CallDirection, CallId, CallState, CallView, Countdown, Notice, OneWay, Time, TransferState,
};

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) direction: CallDirection,
    pub(super) state: CallState,
    pub(super) party: Party,
    pub(super) queue: Option<String>,
    /// The server's name of the call.
    pub(super) reference: String,
    /// Masked.
    pub(super) variables: Vec<(String, String)>,
    pub(super) began: Time,
    pub(super) answered: Option<Time>,
    pub(super) ended: Option<Time>,
    pub(super) auto_answer: Option<AutoAnswerAt>,
    /// It is forwarded when nobody answers: a timer runs.
    pub(super) forwards: bool,
    /// The far end sends sound before its answer: no ringback of our own.
    pub(super) early_media: bool,
    pub(super) interrupted: bool,
    pub(super) held_by_remote: bool,
    /// It is joined with others.
    pub(super) in_conference: bool,
    pub(super) one_way: Option<OneWay>,
    pub(super) end: Option<Notice>,
    pub(super) recording: Recording,
    pub(super) transfer: Option<TransferState>,
    /// The call that it is being connected with.
    pub(super) transfer_to: Option<CallId>,
}

/// When a call is answered, or an interaction taken, by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct AutoAnswerAt {
    pub(super) at: Time,
    pub(super) total: Duration,
    /// Also a desktop notification.
    pub(super) notify: bool,
}

impl AutoAnswerAt {
    pub(super) fn view(self, now: Time) -> Countdown {
        Countdown {
            left_ms: elapsed_ms(self.at, now),
            total_ms: u64::try_from(self.total.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Call {
    pub(super) fn new(id: CallId, direction: CallDirection, party: Party, now: Time) -> Self {
        Self {
            id,
            direction,
            state: match direction {
                CallDirection::Incoming => CallState::Ringing,
                CallDirection::Outgoing => CallState::Dialling,
            },
            party,
            queue: None,
            reference: String::new(),
            variables: Vec::new(),
            began: now,
            answered: None,
            ended: None,
            auto_answer: None,
            forwards: false,
            early_media: false,
            interrupted: false,
            held_by_remote: false,
            in_conference: false,
            one_way: None,
            end: None,
            recording: Recording::default(),
            transfer: None,
            transfer_to: None,
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

    /// Answered, and not on its way out.
    pub(super) fn established(&self) -> bool {
        matches!(
            self.state,
            CallState::Up | CallState::Holding | CallState::Held | CallState::Resuming
        )
    }

    /// The agent may be heard in it: there may be only one of these.
    pub(super) fn audible(&self) -> bool {
        self.engaged() && !matches!(self.state, CallState::Ringing | CallState::Held)
    }

    /// It is being handed over, and nothing is known of the end of that.
    pub(super) fn transferring(&self) -> bool {
        matches!(
            self.transfer,
            Some(TransferState::Asked | TransferState::Ringing)
        )
    }

    /// Somebody called, and nobody here answered, nor a colleague, nor did the agent decline.
    pub(super) fn missed(&self) -> bool {
        self.direction == CallDirection::Incoming
            && self.answered.is_none()
            && !matches!(
                self.end,
                None | Some(Notice::CallEnded | Notice::CallAnsweredElsewhere)
            )
    }

    /// Hides what must not be seen from now on.
    pub(super) fn mask(&mut self, masking: Masking) {
        self.party.mask(masking);
        for (key, value) in &mut self.variables {
            *value = self.party.variable(masking, key, value);
        }
    }

    /// Why one side does not hear the other though both should, and the agent does not know it anyway.
    fn sound_fault(&self, muted: bool) -> Option<Notice> {
        let talking = self.state == CallState::Up && !self.held_by_remote;
        match self.one_way.filter(|_| talking)? {
            OneWay::MicrophoneSilent if muted => None,
            OneWay::MicrophoneSilent => Some(Notice::MicrophoneSilent),
            OneWay::NotArriving => Some(Notice::SoundNotArriving),
            OneWay::NothingReceived => Some(Notice::NothingHeard),
        }
    }

    pub(super) fn view(&self, now: Time, muted: bool) -> CallView {
        let shown = self.ended.unwrap_or(now);
        CallView {
            id: self.id,
            direction: self.direction,
            state: self.state,
            name: self.party.name.clone(),
            number: self.party.number.clone(),
            queue: self.queue.clone(),
            age_ms: elapsed_ms(now, self.began),
            talk_ms: self.answered.map(|answered| elapsed_ms(shown, answered)),
            auto_answer: self.auto_answer.map(|countdown| countdown.view(now)),
            interrupted: self.interrupted,
            held_by_remote: self.held_by_remote,
            in_conference: self.in_conference,
            sound_fault: self.sound_fault(muted),
            end: self.end.clone().filter(|_| !self.live()),
            recording: self.recording.state.clone(),
            recording_fixed: self.recording.fixed,
            transfer: self.transfer.clone(),
            variables: self.variables.clone(),
        }
    }
}
