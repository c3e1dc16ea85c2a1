use sidetone_profile::Masking;

use super::party::Party;
use crate::{Callback, CallbackView, PreviewCall, PreviewView};

/// Callbacks and preview calls that wait: whom to call, by the server's word.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    callbacks: Vec<(Callback, Party)>,
    previews: Vec<(PreviewCall, Party)>,
}

impl Contacts {
    pub(super) fn set_callbacks(&mut self, masking: Masking, rows: Vec<Callback>) {
        let taken = rows.into_iter().map(|mut row| {
            let (name, number) = (
                std::mem::take(&mut row.name),
                std::mem::take(&mut row.number),
            );
            let party = Party::told(masking, name, number);
            row.note = party.text(masking, &row.note);
            (row, party)
        });
        self.callbacks = taken.collect();
    }

    pub(super) fn set_previews(&mut self, masking: Masking, rows: Vec<PreviewCall>) {
        let taken = rows.into_iter().map(|mut row| {
            let (name, number) = (
                std::mem::take(&mut row.name),
                std::mem::take(&mut row.number),
            );
            (row, Party::told(masking, name, number))
        });
        self.previews = taken.collect();
    }

    /// Hides what must not be seen from now on.
    pub(super) fn mask(&mut self, masking: Masking) {
        for (row, party) in &mut self.callbacks {
            row.note = party.text(masking, &row.note);
            party.mask(masking);
        }
        for (_, party) in &mut self.previews {
            party.mask(masking);
        }
    }

    /// Who asked to be called back.
    pub(super) fn callback(&self, id: &str, masking: Masking) -> Option<Party> {
        let (_, party) = self.callbacks.iter().find(|(row, _)| row.id == id)?;
        Some(party.again(masking))
    }

    /// Whom a preview call goes to.
    pub(super) fn preview(&self, id: &str, masking: Masking) -> Option<Party> {
        let (_, party) = self.previews.iter().find(|(row, _)| row.id == id)?;
        Some(party.again(masking))
    }

    pub(super) fn callbacks(&self) -> Vec<CallbackView> {
        let shown = self.callbacks.iter().map(|(row, party)| CallbackView {
            id: row.id.clone(),
            name: party.name.clone(),
            number: party.number.clone(),
            queue: row.queue.clone(),
            due_ms: row.due_ms,
            note: row.note.clone(),
        });
        shown.collect()
    }

    pub(super) fn previews(&self, allowed: bool) -> Vec<PreviewView> {
        let shown = self.previews.iter().map(|(row, party)| PreviewView {
            id: row.id.clone(),
            name: party.name.clone(),
            number: party.number.clone(),
            campaign: row.campaign.clone(),
            allowed,
        });
        shown.collect()
    }
}
