mod conference;
mod hold;
mod shown;

use std::time::Duration;

use sidetone_profile::{Masking, PopMoment};

use super::call::Call;
use super::clause::clause;
use super::turn::Turn;
use super::{ending, incoming, transfer};
use crate::{
    CallEnd, CallId, CallProgress, CallState, CallView, Effect, MediaState, Notice, OneWay, Time,
    TimerId, Tone,
};

/// How long busy or congestion is heard.
const FAILURE_TONE_FOR: Duration = Duration::from_secs(3);
/// How long the card of a call stays after the call.
const CARD_FOR: Duration = Duration::from_secs(5);
/// An answer that is not acknowledged by then never will be: 64 × T1 (RFC 3261 section 13.3.1.4).
const ANSWER_OVERDUE_AFTER: Duration = Duration::from_secs(32);
/// After this long a call that we hung up is over, whatever the far end says.
const HANG_UP_OVERDUE_AFTER: Duration = Duration::from_secs(5);

/// The calls, what is heard besides them, and which one the ringing window shows.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Oldest first.
    list: Vec<Call>,
    /// Busy or congestion of a call that is over.
    failure: Option<Tone>,
    /// What was last asked to be played.
    tone: Option<Tone>,
    /// What was last asked to be shown: which call, and whether with a notification.
    shown: Option<(CallId, bool)>,
    /// Which calls were last asked to hear each other.
    conference: Vec<CallId>,
    /// What happened to calls since it was last asked.
    happened: Vec<(CallId, PopMoment)>,
}

impl Calls {
    pub(super) fn view(&self, now: Time, muted: bool) -> Vec<CallView> {
        let calls = self.list.iter();
        calls.map(|call| call.view(now, muted)).collect()
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.list.iter().find(|call| call.id == id)
    }

    /// Some call is not over.
    pub(super) fn live(&self) -> bool {
        self.list.iter().any(Call::live)
    }

    /// Some call takes up the line.
    pub(super) fn engaged(&self) -> bool {
        self.list.iter().any(Call::engaged)
    }

    /// Nobody hears the agent, and nothing rings.
    pub(super) fn line_free(&self) -> bool {
        let occupies = |call: &Call| call.audible() || call.ringing();
        !self.list.iter().any(occupies)
    }

    pub(super) fn add(&mut self, call: Call) {
        self.happened.push((call.id, PopMoment::Ringing));
        self.list.push(call);
    }

    /// What happened to calls since this was last asked, in order.
    pub(super) fn take_happened(&mut self) -> Vec<(CallId, PopMoment)> {
        std::mem::take(&mut self.happened)
    }

    /// Hides what must not be seen from now on.
    pub(super) fn mask(&mut self, masking: Masking) {
        for call in &mut self.list {
            call.mask(masking);
        }
    }

    pub(super) fn answer(&mut self, turn: &mut Turn<'_>, id: CallId) {
        if !self.get(id).is_some_and(Call::ringing) {
            return;
        }
        if self.other_audible(id) {
            turn.toast(Notice::AlreadyInCall);
            return;
        }
        // What rings besides it is a second call from now on.
        for call in &mut self.list {
            stop_auto_answer(call, turn);
        }
        if let Some(call) = self.get_mut(id) {
            stop_forwarding(call, turn);
            call.state = CallState::Answering;
            turn.act(Effect::Answer { call: id });
            watch(turn, id, ANSWER_OVERDUE_AFTER);
        }
    }

    /// Refuses a ringing call.
    pub(super) fn decline(&mut self, turn: &mut Turn<'_>, id: CallId) {
        if let Some(call) = self.get_mut(id).filter(|call| call.ringing()) {
            reject(call, turn, incoming::BUSY, Notice::CallEnded);
        }
    }

    /// Refuses everything that rings: the agent is not to be disturbed.
    pub(super) fn decline_all(&mut self, turn: &mut Turn<'_>) {
        let ringing = self.list.iter().filter(|call| call.ringing());
        for id in ringing.map(|call| call.id).collect::<Vec<_>>() {
            self.decline(turn, id);
        }
    }

    /// Ends a call in any state; asked a second time, it is over without the far end's word.
    pub(super) fn hang_up(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.get_mut(id) else {
            return;
        };
        match call.state {
            CallState::Ringing => self.decline(turn, id),
            CallState::Ending => self.close(turn, id, Notice::CallEnded),
            CallState::Ended => {}
            _ => hang_up_with(call, turn, Notice::CallEnded),
        }
    }

    /// Forwards a ringing call that nobody answers.
    pub(super) fn not_answered(&mut self, turn: &mut Turn<'_>, id: CallId, number: Option<&str>) {
        let Some(call) = self
            .get_mut(id)
            .filter(|call| call.ringing() && call.forwards)
        else {
            return;
        };
        call.forwards = false;
        let Some(number) = number else {
            // Switched off in the meantime.
            return;
        };
        stop_auto_answer(call, turn);
        call.state = CallState::Ending;
        let number = number.to_owned();
        call.end = Some(Notice::CallForwarded {
            number: number.clone(),
        });
        turn.act(Effect::Forward { call: id, number });
        watch(turn, id, HANG_UP_OVERDUE_AFTER);
    }

    /// Hangs up every call: nobody is signed in any more.
    pub(super) fn hang_up_all(&mut self, turn: &mut Turn<'_>) {
        for id in self.list.iter().map(|call| call.id).collect::<Vec<_>>() {
            if let Some(call) = self.get_mut(id).filter(|call| call.engaged()) {
                stop_auto_answer(call, turn);
                turn.act(Effect::HangUp { call: id });
            }
            if self.get(id).is_some_and(Call::live) {
                self.close(turn, id, Notice::CallEnded);
            }
        }
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self, turn: &mut Turn<'_>) {
        for call in &self.list {
            turn.act(Effect::StopTimer(TimerId::CardEnd(call.id)));
        }
        self.list.clear();
        self.silence_failure(turn);
        self.settle(turn);
    }

    pub(super) fn dtmf(&mut self, turn: &mut Turn<'_>, id: CallId, typed: &str, audible: bool) {
        let up = self
            .get(id)
            .is_some_and(|call| call.state == CallState::Up || call.early_media && call.audible());
        let digits: String = typed
            .chars()
            .map(|c| c.to_ascii_uppercase())
            .filter(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D'))
            .collect();
        if up && !digits.is_empty() {
            turn.act(Effect::Dtmf {
                call: id,
                digits,
                audible,
            });
        }
    }

    pub(super) fn progress(&mut self, id: CallId, progress: CallProgress) {
        let Some(call) = self
            .get_mut(id)
            .filter(|call| matches!(call.state, CallState::Dialling | CallState::RemoteRinging))
        else {
            return;
        };
        call.state = CallState::RemoteRinging;
        if progress == CallProgress::EarlyMedia {
            call.early_media = true;
        }
    }

    /// The far end answered, or acknowledged our answer.
    pub(super) fn answered(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.get_mut(id) else {
            return;
        };
        match call.state {
            CallState::Answering => turn.act(Effect::StopTimer(TimerId::Overdue(id))),
            CallState::Dialling | CallState::RemoteRinging => {}
            _ => return,
        }
        call.state = CallState::Up;
        call.answered = Some(turn.now);
        self.happened.push((id, PopMoment::Answered));
    }

    pub(super) fn media(&mut self, turn: &mut Turn<'_>, id: CallId, state: MediaState) {
        let Some(call) = self.get_mut(id).filter(|call| call.engaged()) else {
            return;
        };
        match state {
            MediaState::Connected => {
                call.interrupted = false;
                // Sound flows both ways, so the caller has our answer even if its ACK was lost.
                if call.state == CallState::Answering {
                    self.answered(turn, id);
                }
            }
            MediaState::Interrupted => call.interrupted = true,
            MediaState::Failed(fault) if call.ringing() => {
                let notice = Notice::CallNoSound {
                    fault: clause(&fault),
                };
                reject(call, turn, incoming::NOT_ACCEPTABLE, notice);
            }
            MediaState::Failed(fault) => hang_up_with(
                call,
                turn,
                Notice::CallNoSound {
                    fault: clause(&fault),
                },
            ),
        }
    }

    /// One side seems not to hear the other, or both do again.
    pub(super) fn one_way(&mut self, id: CallId, fault: Option<OneWay>) {
        if let Some(call) = self.get_mut(id).filter(|call| call.engaged()) {
            call.one_way = fault;
        }
    }

    pub(super) fn ended(&mut self, turn: &mut Turn<'_>, id: CallId, end: CallEnd) {
        let Some(call) = self.get(id).filter(|call| call.live()) else {
            return;
        };
        // Whoever takes a call over often ends it here before telling that it worked.
        let taken_over = matches!(end, CallEnd::Remote)
            && (call.transferring()
                || self
                    .list
                    .iter()
                    .any(|call| call.transferring() && call.transfer_to == Some(id)));
        let ours = call.state == CallState::Ending;
        let (notice, tone) = ending::of(end, call.direction, call.answered.is_some());
        if ours || taken_over {
            let notice = if taken_over {
                Notice::CallTransferred
            } else {
                Notice::CallEnded
            };
            self.close(turn, id, notice);
            return;
        }
        self.close(turn, id, notice);
        if let Some(tone) = tone
            && !self.engaged()
        {
            self.failure = Some(tone);
            turn.act(Effect::StartTimer {
                timer: TimerId::ToneEnd,
                at: turn.now + FAILURE_TONE_FOR,
            });
        }
    }

    pub(super) fn timer(&mut self, turn: &mut Turn<'_>, timer: TimerId) {
        match timer {
            TimerId::AutoAnswer(id) => self.auto_answer_due(turn, id),
            TimerId::ToneEnd => self.failure = None,
            TimerId::CardEnd(id) => self.list.retain(|call| call.id != id || call.live()),
            TimerId::Overdue(id) => self.overdue(turn, id),
            TimerId::TransferOverdue(id) => transfer::overdue(self, turn, id),
            TimerId::NoAnswer(_)
            | TimerId::AutoAccept(_)
            | TimerId::WrapUpEnd
            | TimerId::PasswordAge
            | TimerId::ToastEnd(_) => {}
        }
    }

    /// Automatic answer was switched off: what rings waits for the agent.
    pub(super) fn stop_auto_answers(&mut self, turn: &mut Turn<'_>) {
        for call in &mut self.list {
            stop_auto_answer(call, turn);
        }
    }

    /// A new call takes the place of the last one's busy tone.
    pub(super) fn silence_failure(&mut self, turn: &mut Turn<'_>) {
        if self.failure.take().is_some() {
            turn.act(Effect::StopTimer(TimerId::ToneEnd));
        }
    }

    fn auto_answer_due(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let in_call = self
            .list
            .iter()
            .any(|call| call.id != id && call.engaged() && !call.ringing());
        let Some(call) = self.get_mut(id).filter(|call| call.ringing()) else {
            return;
        };
        let Some(countdown) = call.auto_answer else {
            return;
        };
        if turn.now < countdown.at {
            turn.act(Effect::StartTimer {
                timer: TimerId::AutoAnswer(id),
                at: countdown.at,
            });
        } else if in_call {
            stop_auto_answer(call, turn);
        } else {
            call.auto_answer = None;
            self.answer(turn, id);
        }
    }

    fn overdue(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.get_mut(id) else {
            return;
        };
        match call.state {
            CallState::Answering => hang_up_with(
                call,
                turn,
                Notice::CallNoSound {
                    fault: "the caller's phone did not confirm the answer".to_owned(),
                },
            ),
            CallState::Ending => self.close(turn, id, Notice::CallEnded),
            _ => {}
        }
    }

    /// The call is over; its card stays for a moment. A reason that was noted before stands.
    fn close(&mut self, turn: &mut Turn<'_>, id: CallId, notice: Notice) {
        let Some(call) = self.get_mut(id) else {
            return;
        };
        stop_auto_answer(call, turn);
        stop_forwarding(call, turn);
        if matches!(call.state, CallState::Answering | CallState::Ending) {
            turn.act(Effect::StopTimer(TimerId::Overdue(id)));
        }
        if call.transferring() {
            turn.act(Effect::StopTimer(TimerId::TransferOverdue(id)));
        }
        call.state = CallState::Ended;
        call.ended = Some(turn.now);
        call.interrupted = false;
        call.held_by_remote = false;
        call.end.get_or_insert(notice);
        turn.act(Effect::StartTimer {
            timer: TimerId::CardEnd(id),
            at: turn.now + CARD_FOR,
        });
        self.happened.push((id, PopMoment::Ended));
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.list.iter_mut().find(|call| call.id == id)
    }

    /// Somebody hears the agent who is not joined with this call.
    fn other_audible(&self, id: CallId) -> bool {
        let joined = self.get(id).is_some_and(|call| call.in_conference);
        self.list
            .iter()
            .any(|call| call.id != id && call.audible() && !(joined && call.in_conference))
    }
}

/// Refuses a ringing call with a SIP status; `notice` is what the card will say.
fn reject(call: &mut Call, turn: &mut Turn<'_>, status: u16, notice: Notice) {
    stop_auto_answer(call, turn);
    stop_forwarding(call, turn);
    call.state = CallState::Ending;
    call.end = Some(notice);
    turn.act(Effect::Reject {
        call: call.id,
        status,
    });
    watch(turn, call.id, HANG_UP_OVERDUE_AFTER);
}

/// Asks the far end to end the call; `notice` is what the card will say.
pub(super) fn hang_up_with(call: &mut Call, turn: &mut Turn<'_>, notice: Notice) {
    if call.transferring() {
        turn.act(Effect::StopTimer(TimerId::TransferOverdue(call.id)));
        call.transfer = None;
    }
    call.state = CallState::Ending;
    call.end = Some(notice);
    turn.act(Effect::HangUp { call: call.id });
    watch(turn, call.id, HANG_UP_OVERDUE_AFTER);
}

fn stop_auto_answer(call: &mut Call, turn: &mut Turn<'_>) {
    if call.auto_answer.take().is_some() {
        turn.act(Effect::StopTimer(TimerId::AutoAnswer(call.id)));
    }
}

fn stop_forwarding(call: &mut Call, turn: &mut Turn<'_>) {
    if std::mem::take(&mut call.forwards) {
        turn.act(Effect::StopTimer(TimerId::NoAnswer(call.id)));
    }
}

fn watch(turn: &mut Turn<'_>, id: CallId, after: Duration) {
    turn.act(Effect::StartTimer {
        timer: TimerId::Overdue(id),
        at: turn.now + after,
    });
}
