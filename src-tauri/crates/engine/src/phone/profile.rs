//! The profile that holds, from its layers: policy, server, the agent's own choices.

use std::path::PathBuf;

use serde_json::{Map, Value};
use sidetone_agent::{Input, SignIn};
use sidetone_profile::{Layers, Profile};
use url::Url;

use super::Phone;
use crate::clock::wall_ms;
use crate::logging;
use crate::policy::PolicyFile;

impl Phone {
    /// A session begins: whose choices hold, whose calls are remembered, and what `agent` is told of the profile.
    pub(super) fn begin_session(
        &mut self,
        account: &str,
        server: Option<Url>,
        fields: Map<String, Value>,
        mut accepted: SignIn,
    ) {
        self.layers.server = fields;
        self.layers.own = self.settings.own(account);
        self.gate.server = server;
        self.account = Some(account.to_owned());
        if let SignIn::Accepted {
            profile,
            profile_faults,
            ..
        } = &mut accepted
            && let Some((resolved, faults)) = self.resolve()
        {
            *profile = resolved;
            *profile_faults = faults;
        }
        let history = self.history.begin(account);
        if let SignIn::Accepted { profile, .. } = &accepted {
            self.follow_picture(profile);
        }
        self.handle(Input::SignIn(accepted));
        // This machine's clock, until a server tells its own.
        let unix_ms = wall_ms();
        self.handle(Input::ServerClock { unix_ms });
        self.handle(Input::History(history));
        if let Some(fault) = self.history_fault.take() {
            self.handle(Input::Failed(fault));
        }
    }

    /// The server's document is another one.
    pub(super) fn profile_said(&mut self, fields: Map<String, Value>) {
        self.layers.server = fields;
        self.renew_profile();
    }

    /// IT's policy is another one: it holds at once, and what it says of the server's paths from the next sign-in.
    pub(super) fn policy_said(&mut self, mut file: PolicyFile) {
        let routes = file.routes();
        self.server.policy_changed(file.offline_for(), routes);
        let access = file.local_access();
        self.local_access.send_if_modified(|before| {
            let other = *before != access;
            *before = access;
            other
        });
        self.layers.policy = file.policy.profile;
        self.policy_faults = file.faults;
        self.gate.allowed = file.policy.screen_pop;
        self.recordings = file.policy.recordings.map(PathBuf::from);
        if self.account.is_some() {
            self.renew_profile();
        }
    }

    /// Keeps the agent's own choice, and lets it hold at once.
    pub(super) fn keep_setting(&mut self, field: String, value: Value) {
        let Some(account) = self.account.clone() else {
            return;
        };
        self.settings.choose(&account, field, value);
        self.layers.own = self.settings.own(&account);
        self.renew_profile();
    }

    fn renew_profile(&mut self) {
        if let Some((profile, faults)) = self.resolve() {
            self.follow_picture(&profile);
            self.handle(Input::ProfileFaults(faults));
            self.handle(Input::Profile(profile));
        }
    }

    /// The profile that holds, with what of it and of the policy cannot be used, each as one sentence.
    fn resolve(&mut self) -> Option<(Box<Profile>, Vec<String>)> {
        let mut sentences = self.policy_faults.clone();
        let resolved = self.layers.resolve().or_else(|fault| {
            // Only a policy can spoil a document that was read before: the agent works without it.
            tracing::warn!(%fault, "the policy leaves no profile");
            sentences.push(format!("the policy leaves no usable profile: {fault}"));
            let without = Layers {
                policy: Map::new(),
                ..self.layers.clone()
            };
            without.resolve()
        });
        match resolved {
            Ok((profile, faults)) => {
                sentences.extend(faults.iter().map(ToString::to_string));
                self.masking = profile.security.masking;
                // Before a call of this profile can come in.
                logging::mask_calls(self.masking.any());
                Some((Box::new(profile), sentences))
            }
            Err(fault) => {
                tracing::warn!(%fault, "the server's profile cannot be used");
                None
            }
        }
    }
}
