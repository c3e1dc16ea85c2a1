//! Which phone is reached where.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sidetone_sip::{FlowId, RegisterRequest};

use crate::centre::Centre;

/// A registered phone.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub(super) uri: String,
    pub(super) flow: FlowId,
    /// The proxies on the way there.
    pub(super) path: Vec<String>,
    expires: Instant,
}

/// The latest registration of each extension.
pub(super) struct Registrar {
    centre: Arc<Centre>,
    contacts: Mutex<HashMap<String, Contact>>,
}

impl Registrar {
    pub(super) fn new(centre: Arc<Centre>) -> Self {
        Self {
            centre,
            contacts: Mutex::default(),
        }
    }

    pub(super) fn register(&self, request: RegisterRequest) {
        if request.expires_s == 0 {
            let removed = {
                let mut contacts = self.contacts();
                let same = contacts
                    .get(&request.user)
                    .is_some_and(|contact| contact.flow == request.flow);
                if same {
                    contacts.remove(&request.user);
                }
                same
            };
            if removed {
                self.note(&request.user, false);
            }
            return;
        }
        tracing::info!(
            user = request.user,
            expires_s = request.expires_s,
            "registered"
        );
        let expires = Instant::now() + Duration::from_secs(u64::from(request.expires_s) + 5);
        self.contacts().insert(
            request.user.clone(),
            Contact {
                uri: request.contact,
                flow: request.flow,
                path: request.path,
                expires,
            },
        );
        self.note(&request.user, true);
    }

    pub(super) fn forget_flow(&self, flow: FlowId) {
        let mut gone = Vec::new();
        self.contacts().retain(|user, contact| {
            if contact.flow == flow {
                gone.push(user.clone());
            }
            contact.flow != flow
        });
        for user in gone {
            self.note(&user, false);
        }
    }

    /// Where an extension is reached now.
    pub(super) fn contact(&self, user: &str) -> Option<Contact> {
        let found = self.contacts().get(user).cloned();
        match found {
            Some(contact) if contact.expires < Instant::now() => {
                self.contacts().remove(user);
                self.note(user, false);
                None
            }
            found => found,
        }
    }

    fn note(&self, user: &str, registered: bool) {
        if let Some(agent) = self.centre.agent_at(user) {
            self.centre
                .change_phone(agent.id, |phone| phone.registered = registered);
        }
    }

    fn contacts(&self) -> MutexGuard<'_, HashMap<String, Contact>> {
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
