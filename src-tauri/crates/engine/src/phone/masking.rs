//! Customers' data that is masked for the agent is masked in the log too, before anything can be logged of it.

use sidetone_agent::{IncomingCall, Input};
use sidetone_profile::MaskLevel;

use super::Phone;
use crate::logging::conceal;

impl Phone {
    /// Conceals what an input of the server names.
    pub(super) fn conceal_named(&self, input: &Input) {
        if !self.masking.any() {
            return;
        }
        match input {
            Input::Callbacks(rows) => {
                for row in rows {
                    self.conceal_person(&row.name, &row.number);
                }
            }
            Input::Previews(rows) => {
                for row in rows {
                    self.conceal_person(&row.name, &row.number);
                }
            }
            Input::Interactions(rows) => {
                for row in rows {
                    let masked = self.masking.whoever(&row.from);
                    if masked != row.from {
                        conceal(&row.from, &masked);
                    }
                }
            }
            _ => {}
        }
    }

    /// Conceals who calls, and what the call's variables say of it.
    pub(super) fn conceal_caller(&self, call: &IncomingCall) {
        if !self.masking.any() {
            return;
        }
        self.conceal_person(&call.caller_name, &call.caller_number);
        for (key, value) in &call.variables {
            let masked = self
                .masking
                .variable(key, value, &call.caller_name, &call.caller_number);
            if masked != *value {
                conceal(value, &masked);
            }
        }
    }

    /// Conceals who is called.
    pub(super) fn conceal_number(&self, number: &str) {
        if self.masking.number != MaskLevel::Off {
            conceal(number, &self.masking.number(number));
            // The user of an address stands alone in many places.
            let user = number.split_once('@').map_or(number, |(user, _)| user);
            let user = user.split_once(':').map_or(user, |(_, user)| user);
            conceal(user, &self.masking.number(user));
        }
    }

    fn conceal_person(&self, name: &str, number: &str) {
        self.conceal_number(number);
        if self.masking.name != MaskLevel::Off {
            conceal(name, &self.masking.name(name));
        }
    }
}
