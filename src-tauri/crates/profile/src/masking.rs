use serde::{Deserialize, Serialize};

/// How much of a customer's data an agent may see (`privacyEnabled` and what goes with it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masking {
    /// Names.
    pub name: MaskLevel,
    /// E-mail addresses.
    pub email: MaskLevel,
    /// Telephone numbers.
    pub number: MaskLevel,
}

/// How much of one kind of value is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaskLevel {
    /// All of it.
    #[default]
    Off,
    /// A part by which it can be told apart.
    Partial,
    /// Nothing.
    Full,
}

impl Masking {
    /// Something is masked.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }
}
