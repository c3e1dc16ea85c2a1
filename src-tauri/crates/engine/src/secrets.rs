use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use keyring::{Entry, Error};
use sidetone_profile::Secret;

use crate::SecretStore;

const SERVICE: &str = "sidetone";

/// Under which name a sign-in's password is kept.
#[must_use]
pub fn sign_in_account(server: &str, name: &str) -> String {
    let host = server
        .trim()
        .trim_start_matches("https://")
        .trim_end_matches('/');
    format!("{name}@{host}")
}

/// The system's own keychain (Secret Service, Keychain Services, Credential Manager), service `sidetone`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keychain;

impl Keychain {
    /// Runs on a thread of its own: on Linux the keychain is asked over D-Bus by a blocking client, which
    /// must not run in an async task.
    fn with<T: Send>(
        account: &str,
        job: impl FnOnce(Entry) -> Result<T, Error> + Send,
    ) -> Result<Option<T>, String> {
        let asked = || match Entry::new(SERVICE, account).and_then(job) {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoEntry) => Ok(None),
            Err(Error::NoDefaultStore) => Err("this computer has no keychain".to_owned()),
            Err(e) => Err(format!("the keychain cannot be used: {e}")),
        };
        std::thread::scope(|scope| {
            scope
                .spawn(asked)
                .join()
                .unwrap_or_else(|_| Err("the keychain cannot be used".to_owned()))
        })
    }
}

impl SecretStore for Keychain {
    fn get(&self, account: &str) -> Result<Option<Secret>, String> {
        Self::with(account, |entry| entry.get_password()).map(|found| found.map(Secret::new))
    }

    fn set(&self, account: &str, secret: &Secret) -> Result<(), String> {
        Self::with(account, |entry| entry.set_password(secret.reveal())).map(drop)
    }

    fn forget(&self, account: &str) -> Result<(), String> {
        Self::with(account, |entry| entry.delete_credential()).map(drop)
    }
}

/// Secrets that end with the process.
#[derive(Debug, Default)]
pub struct MemorySecrets(Mutex<HashMap<String, Secret>>);

impl MemorySecrets {
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretStore for MemorySecrets {
    fn get(&self, account: &str) -> Result<Option<Secret>, String> {
        Ok(self.map().get(account).cloned())
    }

    fn set(&self, account: &str, secret: &Secret) -> Result<(), String> {
        self.map().insert(account.to_owned(), secret.clone());
        Ok(())
    }

    fn forget(&self, account: &str) -> Result<(), String> {
        self.map().remove(account);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_account_however_it_is_typed() {
        for typed in [
            "motion.example.com",
            "https://motion.example.com/",
            " https://motion.example.com",
        ] {
            assert_eq!(sign_in_account(typed, "anna"), "anna@motion.example.com");
        }
    }

    #[test]
    fn memory_keeps_and_forgets() {
        let store = MemorySecrets::default();
        store.set("anna@a", &Secret::new("s")).unwrap();
        assert_eq!(store.get("anna@a").unwrap().unwrap().reveal(), "s");
        store.forget("anna@a").unwrap();
        assert!(store.get("anna@a").unwrap().is_none());
    }
}
