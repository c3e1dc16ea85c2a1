use std::time::Duration;

use crate::{Effect, Notice, Time, TimerId, Toast};

/// Long enough to be read twice.
const SHOWN_FOR: Duration = Duration::from_secs(6);
/// More than this nobody reads; the oldest makes room.
const MOST: usize = 4;

/// Short-lived notices, oldest first.
#[derive(Debug, Default)]
pub(super) struct Toasts {
    next: u32,
    list: Vec<Toast>,
}

impl Toasts {
    /// Shows a notice; one that already stands there stays longer instead of standing there twice. Of a change that
    /// happened once more the old word makes room for a new one, which is shown and read out as news.
    pub(super) fn show(&mut self, now: Time, notice: Notice, effects: &mut Vec<Effect>) {
        if is_news_each_time(&notice)
            && let Some(old) = self.list.iter().find(|toast| toast.notice == notice)
        {
            self.dismiss(old.id, effects);
        }
        let known = self.list.iter().find(|toast| toast.notice == notice);
        let id = known.map_or_else(|| self.next.wrapping_add(1), |toast| toast.id);
        if known.is_none() {
            self.next = id;
            self.list.push(Toast { id, notice });
        }
        if self.list.len() > MOST {
            let oldest = self.list.remove(0);
            effects.push(Effect::StopTimer(TimerId::ToastEnd(oldest.id)));
        }
        effects.push(Effect::StartTimer {
            timer: TimerId::ToastEnd(id),
            at: now + SHOWN_FOR,
        });
    }

    pub(super) fn dismiss(&mut self, id: u32, effects: &mut Vec<Effect>) {
        if self.remove(id) {
            effects.push(Effect::StopTimer(TimerId::ToastEnd(id)));
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let before = self.list.len();
        self.list.retain(|toast| toast.id != id);
        self.list.len() != before
    }

    pub(super) fn view(&self) -> Vec<Toast> {
        self.list.clone()
    }
}

/// Whether the same words again say something else: that it happened again.
fn is_news_each_time(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::SettingsChanged { .. } | Notice::SettingsChangeAfterCall { .. }
    )
}
