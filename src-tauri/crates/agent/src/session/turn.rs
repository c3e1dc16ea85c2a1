use super::toasts::Toasts;
use crate::{Effect, Notice, Time};

/// One input being handled: the time, and the effects so far.
pub(super) struct Turn<'a> {
    pub(super) now: Time,
    effects: Vec<Effect>,
    toasts: &'a mut Toasts,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Time, toasts: &'a mut Toasts) -> Self {
        Self {
            now,
            effects: Vec::new(),
            toasts,
        }
    }

    pub(super) fn act(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn toast(&mut self, notice: Notice) {
        self.toasts.show(self.now, notice, &mut self.effects);
    }

    pub(super) fn dismiss(&mut self, toast: u32) {
        self.toasts.dismiss(toast, &mut self.effects);
    }

    pub(super) fn toast_ended(&mut self, toast: u32) {
        self.toasts.remove(toast);
    }

    pub(super) fn into_effects(self) -> Vec<Effect> {
        self.effects
    }
}
