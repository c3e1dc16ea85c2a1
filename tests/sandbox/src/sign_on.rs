//! Codes of the browser sign-in: one use, a minute, and only for the program that asked (RFC 7636).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::password;

/// Codes that wait to be redeemed.
#[derive(Default)]
pub(crate) struct Codes(Mutex<HashMap<String, Code>>);

struct Code {
    agent: i64,
    challenge: String,
    redirect: String,
    issued: Instant,
}

impl Codes {
    /// A code for an agent. `challenge`: S256 of the verifier.
    pub(crate) fn issue(&self, agent: i64, challenge: &str, redirect: &str) -> String {
        let code = password::token().reveal().to_owned();
        let entry = Code {
            agent,
            challenge: challenge.to_owned(),
            redirect: redirect.to_owned(),
            issued: Instant::now(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(password::digest(&code), entry);
        code
    }

    /// The agent that a code is for; whatever the outcome, the code is used up.
    pub(crate) fn redeem(
        &self,
        code: &str,
        verifier: &str,
        redirect: &str,
        life: Duration,
    ) -> Option<i64> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, code| code.issued.elapsed() < life);
        let code = codes.remove(&password::digest(code))?;
        // S256: the base64url of the verifier's SHA-256, which is what a token's digest is too.
        (code.challenge == password::digest(verifier) && code.redirect == redirect)
            .then_some(code.agent)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Codes;
    use crate::password;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(
            password::digest("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_code_is_good_once_for_its_own_program_and_time() {
        let codes = Codes::default();
        let issue = || {
            codes.issue(
                3,
                &password::digest("verifier"),
                "http://127.0.0.1:1/callback",
            )
        };
        let redeem =
            |code: &str, verifier, redirect, life| codes.redeem(code, verifier, redirect, life);
        let code = issue();
        assert_eq!(
            redeem(&code, "verifier", "http://127.0.0.1:1/callback", MINUTE),
            Some(3)
        );
        assert_eq!(
            redeem(&code, "verifier", "http://127.0.0.1:1/callback", MINUTE),
            None,
            "used"
        );
        let code = issue();
        assert_eq!(
            redeem(&code, "guess", "http://127.0.0.1:1/callback", MINUTE),
            None
        );
        assert_eq!(
            redeem(&code, "verifier", "http://127.0.0.1:1/callback", MINUTE),
            None,
            "used up by the guess"
        );
        assert_eq!(
            redeem(&issue(), "verifier", "http://127.0.0.1:2/callback", MINUTE),
            None
        );
        assert_eq!(
            redeem(
                &issue(),
                "verifier",
                "http://127.0.0.1:1/callback",
                Duration::ZERO
            ),
            None,
            "too late"
        );
    }
}
