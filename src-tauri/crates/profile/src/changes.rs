use serde_json::Value;

use crate::{Profile, wire};

impl Profile {
    /// The server's names of the settings that differ, for the agent to be told; not of what the agent has no use
    /// for (identifiers, locks, when a password was set).
    #[must_use]
    pub fn changed_fields(&self, newer: &Self) -> Vec<String> {
        let (old, new) = (wire::write(self), wire::write(newer));
        let mut changed: Vec<String> = new
            .iter()
            .filter(|(field, value)| {
                old.get(*field).unwrap_or(&Value::Null) != *value
                    && !wire::UNTOLD.contains(&field.as_str())
            })
            .map(|(field, _)| field.clone())
            .collect();
        changed.extend(wire::affiliation_differences(
            &self.affiliation,
            &newer.affiliation,
        ));
        changed
    }

    /// Whether a change of this field would disturb a call: it belongs to the SIP account.
    #[must_use]
    pub fn disturbs_calls(field: &str) -> bool {
        wire::ACCOUNT_FIELDS.contains(&field)
    }

    /// Whether two profiles lead to the same SIP account: everything else applies without registering again.
    #[must_use]
    pub fn same_account(&self, other: &Self) -> bool {
        let (one, other) = (wire::write(self), wire::write(other));
        wire::ACCOUNT_FIELDS
            .iter()
            .all(|field| one.get(*field) == other.get(*field))
    }
}
