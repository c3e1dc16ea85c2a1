use std::time::Duration;

use sidetone_profile::{Channel, ChannelSettings, Masking};

use super::call::AutoAnswerAt;
use super::turn::Turn;
use crate::{Effect, Interaction, InteractionView, Time, TimerId};

/// Interactions of the channels other than voice.
#[derive(Debug, Default)]
pub(super) struct Interactions {
    next: u32,
    /// In the order in which they came.
    list: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    /// Names its timer.
    number: u32,
    /// With its sender masked.
    told: Interaction,
    /// Outside the bar, too.
    announced: bool,
    auto_answer: Option<AutoAnswerAt>,
    /// It was to be taken by itself once: not a second time.
    tried: bool,
    /// Asked for, and the server has not confirmed it.
    accepting: bool,
    /// The agent asked for it: it is opened when it is theirs.
    by_hand: bool,
    declined: bool,
}

/// What counts when an interaction is offered.
pub(super) struct Desktop<'a> {
    /// Nothing is taken any more: the session ends.
    pub(super) closed: bool,
    /// Interactions that may be open at once; 0 is no limit.
    pub(super) tab_limit: u32,
    pub(super) settings: &'a dyn Fn(Channel) -> ChannelSettings,
    pub(super) paused: &'a dyn Fn(Channel) -> bool,
    /// Whether the queue of an interaction rings everybody.
    pub(super) rings_everybody: &'a dyn Fn(&Interaction) -> bool,
}

impl Interactions {
    /// The server's whole list.
    pub(super) fn listed(&mut self, turn: &mut Turn<'_>, masking: Masking, rows: Vec<Interaction>) {
        let mut gone: Vec<Item> = std::mem::take(&mut self.list);
        for mut told in rows {
            told.from = masking.whoever(&told.from);
            let known = gone.iter().position(|item| item.told.id == told.id);
            let mut item = match known {
                Some(at) => gone.remove(at),
                None => {
                    self.next = self.next.wrapping_add(1);
                    Item {
                        number: self.next,
                        told: told.clone(),
                        announced: false,
                        auto_answer: None,
                        tried: false,
                        accepting: false,
                        by_hand: false,
                        declined: false,
                    }
                }
            };
            if !told.offered && item.accepting {
                item.accepting = false;
                if let Some(address) = told.address.clone().filter(|_| item.by_hand) {
                    turn.act(Effect::OpenPage { address });
                }
            }
            item.told = told;
            self.list.push(item);
        }
        self.list.sort_by_key(|item| item.number);
        for mut item in gone {
            item.withdraw(turn);
        }
    }

    /// Announces what may be announced, withdraws what may not, and takes what is taken at once.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>, desktop: &Desktop<'_>) {
        for at in 0..self.list.len() {
            let channel = self.list[at].told.channel;
            let settings = (desktop.settings)(channel);
            let open = |of: Option<Channel>| {
                let taken = self.list.iter().filter(|item| {
                    (!item.told.offered || item.accepting)
                        && of.is_none_or(|channel| item.told.channel == channel)
                });
                u32::try_from(taken.count()).unwrap_or(u32::MAX)
            };
            let room = (settings.capacity == 0 || open(Some(channel)) < settings.capacity)
                && (desktop.tab_limit == 0 || open(None) < desktop.tab_limit);
            let item = &mut self.list[at];
            let wanted = item.told.offered
                && !item.accepting
                && !item.declined
                && room
                && !desktop.closed
                && !(desktop.paused)(channel);
            if !wanted {
                item.withdraw(turn);
                continue;
            }
            let by_itself = settings.auto_answer.enabled && !(desktop.rings_everybody)(&item.told);
            if !by_itself {
                item.stop_auto_answer(turn);
            }
            if item.announced {
                continue;
            }
            if by_itself && !item.tried {
                item.tried = true;
                if settings.auto_answer.delay_s == 0 {
                    item.accept(turn, false);
                    continue;
                }
                let total = Duration::from_secs(u64::from(settings.auto_answer.delay_s));
                let at = turn.now + total;
                item.auto_answer = Some(AutoAnswerAt {
                    at,
                    total,
                    notify: false,
                });
                turn.act(Effect::StartTimer {
                    timer: TimerId::AutoAccept(item.number),
                    at,
                });
            }
            item.announced = true;
            turn.act(Effect::ShowOffer {
                interaction: item.told.id.clone(),
            });
        }
    }

    pub(super) fn timer(&mut self, turn: &mut Turn<'_>, number: u32) {
        let counting = self.list.iter_mut().find(|item| item.number == number);
        let Some((item, countdown)) =
            counting.and_then(|item| item.auto_answer.map(|countdown| (item, countdown)))
        else {
            return;
        };
        if turn.now < countdown.at {
            turn.act(Effect::StartTimer {
                timer: TimerId::AutoAccept(number),
                at: countdown.at,
            });
        } else {
            item.accept(turn, false);
        }
    }

    /// The agent takes one.
    pub(super) fn accept(&mut self, turn: &mut Turn<'_>, id: &str) {
        if let Some(item) = self.announced(id) {
            item.accept(turn, true);
        }
    }

    /// The agent leaves one to others.
    pub(super) fn decline(&mut self, turn: &mut Turn<'_>, id: &str) {
        if let Some(item) = self.announced(id) {
            item.withdraw(turn);
            item.declined = true;
            turn.act(Effect::DeclineInteraction {
                interaction: id.to_owned(),
            });
        }
    }

    /// The agent looks at one that is theirs.
    pub(super) fn open(&self, turn: &mut Turn<'_>, id: &str) {
        let open = self
            .list
            .iter()
            .find(|item| item.told.id == id && !item.told.offered);
        if let Some(address) = open.and_then(|item| item.told.address.clone()) {
            turn.act(Effect::OpenPage { address });
        }
    }

    /// Something that was asked for did not work: perhaps it was this. What is still offered can be taken again.
    pub(super) fn give_up(&mut self) {
        for item in &mut self.list {
            item.accepting = false;
        }
    }

    /// Nobody is signed in any more.
    pub(super) fn clear(&mut self, turn: &mut Turn<'_>) {
        for item in &mut self.list {
            item.withdraw(turn);
        }
        self.list.clear();
    }

    /// Hides what must not be seen from now on.
    pub(super) fn mask(&mut self, masking: Masking) {
        for item in &mut self.list {
            item.told.from = masking.whoever(&item.told.from);
        }
    }

    pub(super) fn view(&self, now: Time) -> Vec<InteractionView> {
        let shown = self
            .list
            .iter()
            .filter(|item| item.announced || item.accepting || !item.told.offered);
        shown
            .map(|item| InteractionView {
                id: item.told.id.clone(),
                channel: item.told.channel,
                offered: item.told.offered,
                from: item.told.from.clone(),
                queue: item.told.queue.clone(),
                auto_answer: item.auto_answer.map(|countdown| countdown.view(now)),
            })
            .collect()
    }

    fn announced(&mut self, id: &str) -> Option<&mut Item> {
        let found = self.list.iter_mut().find(|item| item.told.id == id);
        found.filter(|item| item.announced)
    }
}

impl Item {
    fn accept(&mut self, turn: &mut Turn<'_>, by_hand: bool) {
        self.withdraw(turn);
        self.accepting = true;
        self.by_hand = by_hand;
        self.tried = true;
        turn.act(Effect::AcceptInteraction {
            interaction: self.told.id.clone(),
        });
    }

    fn withdraw(&mut self, turn: &mut Turn<'_>) {
        self.stop_auto_answer(turn);
        if std::mem::take(&mut self.announced) {
            turn.act(Effect::HideOffer {
                interaction: self.told.id.clone(),
            });
        }
    }

    fn stop_auto_answer(&mut self, turn: &mut Turn<'_>) {
        if self.auto_answer.take().is_some() {
            turn.act(Effect::StopTimer(TimerId::AutoAccept(self.number)));
        }
    }
}
