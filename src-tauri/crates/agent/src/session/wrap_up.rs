use std::collections::VecDeque;
use std::time::Duration;

use sidetone_profile::{Disposition, Masking, ServerSettings};

use super::call::{AutoAnswerAt, Call};
use super::clause::clause;
use super::turn::Turn;
use crate::{Effect, Notice, Time, TimerId, WrapUpView};

/// The time after queue calls, in which no further one comes, and what is to be said about them.
#[derive(Debug, Default)]
pub(super) struct WrapUp {
    /// Oldest first; what is said is about the first.
    calls: VecDeque<Finished>,
    /// Until when, when time is what it waits for.
    until: Option<AutoAnswerAt>,
}

/// A call that is over.
#[derive(Debug)]
struct Finished {
    name: String,
    queue: Option<String>,
    reference: String,
    pending: bool,
    disposed: bool,
}

impl WrapUp {
    /// Queue calls are refused.
    pub(super) fn on(&self) -> bool {
        !self.calls.is_empty()
    }

    /// An answered queue call is over.
    pub(super) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        settings: &ServerSettings,
        required: bool,
        call: &Call,
    ) {
        if settings.wrap_up_s == 0 && !required {
            return;
        }
        let name = if call.party.name.is_empty() {
            call.party.number.clone()
        } else {
            call.party.name.clone()
        };
        self.calls.push_back(Finished {
            name,
            queue: call.queue.clone(),
            reference: call.reference.clone(),
            pending: false,
            disposed: false,
        });
        if settings.wrap_up_s > 0 {
            let total = Duration::from_secs(u64::from(settings.wrap_up_s));
            let at = turn.now + total;
            self.until = Some(AutoAnswerAt {
                at,
                total,
                notify: false,
            });
            turn.act(Effect::StartTimer {
                timer: TimerId::WrapUpEnd,
                at,
            });
        }
    }

    pub(super) fn timer(&mut self, turn: &mut Turn<'_>, required: bool) {
        match self.until {
            Some(until) if turn.now < until.at => turn.act(Effect::StartTimer {
                timer: TimerId::WrapUpEnd,
                at: until.at,
            }),
            Some(_) => {
                self.until = None;
                self.settle(required);
            }
            None => {}
        }
    }

    /// The agent is done before the time.
    pub(super) fn finish(&mut self, turn: &mut Turn<'_>, required: bool) {
        if required && self.calls.iter().any(|call| !call.disposed) {
            turn.toast(Notice::DispositionRequired);
            return;
        }
        self.stop(turn);
    }

    /// Nothing more is waited for.
    pub(super) fn stop(&mut self, turn: &mut Turn<'_>) {
        if self.until.take().is_some() {
            turn.act(Effect::StopTimer(TimerId::WrapUpEnd));
        }
        self.calls.clear();
    }

    /// What the first call was about.
    pub(super) fn dispose(
        &mut self,
        turn: &mut Turn<'_>,
        tree: &[Disposition],
        path: Vec<i64>,
        note: String,
    ) {
        let Some(call) = self.calls.iter_mut().find(|call| !call.disposed) else {
            turn.toast(Notice::NotInWrapUp);
            return;
        };
        if call.pending {
            return;
        }
        if !known(tree, &path) {
            turn.toast(Notice::DispositionFailed {
                fault: "the server has no such disposition".to_owned(),
            });
            return;
        }
        call.pending = true;
        turn.act(Effect::Dispose {
            reference: call.reference.clone(),
            path,
            note,
        });
    }

    /// The server's word on it.
    pub(super) fn disposed(
        &mut self,
        turn: &mut Turn<'_>,
        answer: Result<(), String>,
        required: bool,
    ) {
        let Some(call) = self.calls.iter_mut().find(|call| call.pending) else {
            return;
        };
        call.pending = false;
        match answer {
            Ok(()) => call.disposed = true,
            Err(fault) => turn.toast(Notice::DispositionFailed {
                fault: clause(&fault),
            }),
        }
        self.settle(required);
    }

    /// Without time to wait for, only what is required is waited for.
    pub(super) fn settle(&mut self, required: bool) {
        if self.until.is_none() {
            self.calls
                .retain(|call| required && !call.disposed || call.pending);
        }
    }

    /// Hides what must not be seen from now on.
    pub(super) fn mask(&mut self, masking: Masking) {
        for call in &mut self.calls {
            call.name = masking.whoever(&call.name);
        }
    }

    pub(super) fn view(&self, now: Time, required: bool) -> Option<WrapUpView> {
        let call = self
            .calls
            .iter()
            .find(|call| !call.disposed)
            .or(self.calls.back())?;
        Some(WrapUpView {
            name: call.name.clone(),
            queue: call.queue.clone(),
            left: self.until.map(|until| until.view(now)),
            disposition_required: required,
            pending: call.pending,
            disposed: call.disposed,
        })
    }
}

/// Whether the tree has this path, from the first level down; it need not end at a leaf.
fn known(tree: &[Disposition], path: &[i64]) -> bool {
    let mut level = tree;
    for id in path {
        let Some(found) = level.iter().find(|disposition| disposition.id == *id) else {
            return false;
        };
        level = &found.children;
    }
    !path.is_empty()
}
