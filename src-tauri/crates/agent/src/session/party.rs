use sidetone_profile::{Masking, Secret};

use super::number;

/// Somebody on the other side of a call, as the agent may see them.
///
/// The clear values stay in here: the number is needed to call again, and both to find them in other text.
#[derive(Debug)]
pub(super) struct Party {
    /// As shown.
    pub(super) name: String,
    /// As shown.
    pub(super) number: String,
    clear_name: Secret,
    clear_number: Secret,
    /// The agent typed the number: there is nothing to hide from them.
    pub(super) typed: bool,
}

impl Party {
    /// Somebody the server or the network told of.
    pub(super) fn told(masking: Masking, name: String, number: String) -> Self {
        let mut party = Self {
            clear_name: Secret::new(name.as_str()),
            clear_number: Secret::new(number.as_str()),
            name,
            number,
            typed: false,
        };
        party.mask(masking);
        party
    }

    /// Somebody whose number the agent typed.
    pub(super) fn typed(number: String) -> Self {
        Self {
            name: String::new(),
            clear_name: Secret::new(""),
            clear_number: Secret::new(number.as_str()),
            number,
            typed: true,
        }
    }

    /// The same one, for another call.
    pub(super) fn again(&self, masking: Masking) -> Self {
        Self::told(
            masking,
            self.clear_name.reveal().to_owned(),
            self.clear_number.reveal().to_owned(),
        )
    }

    /// Hides what must not be seen from now on; what is hidden stays so.
    pub(super) fn mask(&mut self, masking: Masking) {
        if !self.typed {
            let name = masking.text(&self.name, "", self.clear_number.reveal());
            self.name = masking.name(&name);
            self.number = masking.number(&self.number);
        }
    }

    /// How they are named in a sentence, where that is known.
    pub(super) fn shown(&self) -> Option<String> {
        let named = [&self.name, &self.number];
        named.into_iter().find(|it| !it.is_empty()).cloned()
    }

    /// Free text about them: a note, or what the far end said.
    pub(super) fn text(&self, masking: Masking, text: &str) -> String {
        masking.text(text, self.clear_name.reveal(), self.clear_number.reveal())
    }

    /// A call variable of theirs.
    pub(super) fn variable(&self, masking: Masking, key: &str, value: &str) -> String {
        masking.variable(
            key,
            value,
            self.clear_name.reveal(),
            self.clear_number.reveal(),
        )
    }

    /// What must be dialled to reach them.
    pub(super) fn to_dial(&self) -> Option<String> {
        number::clean(self.clear_number.reveal())
    }
}
