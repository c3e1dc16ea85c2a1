use std::collections::{HashMap, HashSet};

use sidetone_profile::{Masking, Secret};

use super::call::Call;
use super::number;
use super::party::Party;
use super::turn::Turn;
use crate::{Effect, HistoryEntry};

/// More than an agent scrolls through; what is kept on disk is the engine's.
const MOST: usize = 500;

/// The calls of the past, newest first.
#[derive(Debug, Default)]
pub(super) struct History {
    entries: Vec<HistoryEntry>,
    /// What a masked entry's number is, and who it belongs to; only in memory, and only while somebody is signed in.
    clear: HashMap<u64, (Secret, Secret)>,
    /// Numbers that the agent typed in this run: there is nothing to hide from them.
    typed: HashSet<u64>,
    next: u64,
}

impl History {
    /// What was kept of earlier calls.
    pub(super) fn loaded(
        &mut self,
        turn: &mut Turn<'_>,
        mut entries: Vec<HistoryEntry>,
        masking: Masking,
    ) {
        for entry in &mut entries {
            entry.callable = number::clean(&entry.number).is_some();
        }
        // Calls of this run are newer than all that was kept.
        self.next = entries
            .iter()
            .map(|entry| entry.id)
            .fold(self.next, u64::max);
        self.entries.extend(entries);
        self.entries.truncate(MOST);
        self.mask(turn, masking);
    }

    /// Hides what must not be seen from now on, also where it was kept.
    pub(super) fn mask(&mut self, turn: &mut Turn<'_>, masking: Masking) {
        if !masking.any() {
            return;
        }
        let mut changed = false;
        for entry in &mut self.entries {
            let party = Party::told(masking, entry.name.clone(), entry.number.clone());
            let same = (&party.name, &party.number) == (&entry.name, &entry.number);
            if same || self.typed.contains(&entry.id) {
                continue;
            }
            changed = true;
            if entry.callable {
                let clear = (
                    Secret::new(entry.name.as_str()),
                    Secret::new(entry.number.as_str()),
                );
                self.clear.entry(entry.id).or_insert(clear);
            }
            entry.name = party.name;
            entry.number = party.number;
        }
        if changed {
            turn.act(Effect::ClearHistory);
            for entry in self.entries.iter().rev() {
                turn.act(Effect::Remember(entry.clone()));
            }
        }
    }

    /// A call is over.
    pub(super) fn remember(&mut self, turn: &mut Turn<'_>, call: &Call, at_ms: u64) {
        self.next += 1;
        let party = &call.party;
        let to_dial = party.to_dial();
        let entry = HistoryEntry {
            id: self.next,
            direction: call.direction,
            name: party.name.clone(),
            number: party.number.clone(),
            queue: call.queue.clone(),
            at_ms,
            talk_ms: call
                .answered
                .map(|answered| crate::view::elapsed_ms(call.ended.unwrap_or(turn.now), answered)),
            missed: call.missed(),
            seen: false,
            callable: to_dial.is_some(),
        };
        if party.typed {
            self.typed.insert(self.next);
        }
        if let Some(number) = to_dial.filter(|number| *number != party.number) {
            let clear = (Secret::new(party.name.as_str()), Secret::new(number));
            self.clear.insert(self.next, clear);
        }
        turn.act(Effect::Remember(entry.clone()));
        self.entries.insert(0, entry);
        self.entries.truncate(MOST);
    }

    pub(super) fn seen(&mut self, turn: &mut Turn<'_>) {
        if self.missed() == 0 {
            return;
        }
        for entry in &mut self.entries {
            entry.seen = true;
        }
        turn.act(Effect::MissedSeen);
    }

    pub(super) fn clear(&mut self, turn: &mut Turn<'_>) {
        self.entries.clear();
        self.clear.clear();
        turn.act(Effect::ClearHistory);
    }

    /// Nobody is signed in any more: clear numbers are forgotten, and so masked entries cannot be called again.
    pub(super) fn forget_numbers(&mut self) {
        for entry in &mut self.entries {
            if self.clear.remove(&entry.id).is_some() {
                entry.callable = false;
            }
        }
        self.clear.clear();
        self.typed.clear();
    }

    /// Who to call again; `None` when it is not known any more.
    pub(super) fn party(&self, id: u64, masking: Masking) -> Option<Party> {
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        if let Some((name, number)) = self.clear.get(&id) {
            return Some(Party::told(
                masking,
                name.reveal().to_owned(),
                number.reveal().to_owned(),
            ));
        }
        number::clean(&entry.number)?;
        Some(if self.typed.contains(&id) {
            Party::typed(entry.number.clone())
        } else {
            Party::told(masking, entry.name.clone(), entry.number.clone())
        })
    }

    pub(super) fn missed(&self) -> u32 {
        let missed = self
            .entries
            .iter()
            .filter(|entry| entry.missed && !entry.seen);
        u32::try_from(missed.count()).unwrap_or(u32::MAX)
    }

    pub(super) fn view(&self) -> Vec<HistoryEntry> {
        self.entries.clone()
    }
}
