use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sidetone_profile::Secret;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::{Client, SignInError};
use crate::fault::{Fault, Unreachable};
use crate::session::Session;
use crate::wire::Token;

/// The code of a token that is missing, unknown or too old.
pub(crate) const TOKEN_EXPIRED: &str = "token_expired";
/// How long the reason of a token that was taken back early is waited for: the server pushes it at the same time.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(1);
/// A token is renewed this long before its end, or a fifth of its life when that is less.
const AHEAD: Duration = Duration::from_secs(60);
/// Whatever a server says of its tokens, it is not asked for them more often.
const NEVER_SOONER: Duration = Duration::from_secs(1);
/// Between two tries to renew a token that still holds.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// An agent's sign-in, kept valid: a shift is longer than the life of a token.
///
/// Name and password stay in memory until the last clone of the session is dropped. A refresh token is used before
/// them, because it needs no one-time code.
pub(crate) struct SignOn {
    client: Client,
    name: String,
    /// None of a sign-in through the browser.
    password: Mutex<Option<Secret>>,
    /// As whom the agent joined the queues, once done.
    device: Mutex<Option<String>>,
    bearer: Mutex<Bearer>,
    /// The refresh token of now.
    refresh: watch::Sender<Option<Secret>>,
    /// One renewal at a time: every refused request would make its own.
    renewing: tokio::sync::Mutex<()>,
    /// Why it is over for good.
    ended: watch::Sender<Option<Ended>>,
}

/// A token and its time.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) token: Secret,
    refresh: Option<Secret>,
    since: Instant,
    life: Option<Duration>,
}

/// The server's reason to end a session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ended {
    code: String,
    detail: String,
}

impl SignOn {
    pub(crate) fn new(
        client: Client,
        name: String,
        password: Option<Secret>,
        token: Token,
    ) -> Self {
        Self {
            client,
            name,
            password: Mutex::new(password),
            device: Mutex::default(),
            refresh: watch::Sender::new(token.refresh_token.clone()),
            bearer: Mutex::new(Bearer::new(token)),
            renewing: tokio::sync::Mutex::default(),
            ended: watch::Sender::new(None),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The token of now.
    pub(crate) fn bearer(&self) -> Bearer {
        self.bearer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The refresh token of now, and every later one.
    pub(crate) fn refresh_token(&self) -> watch::Receiver<Option<Secret>> {
        self.refresh.subscribe()
    }

    /// The password that holds, when it is known.
    pub(crate) fn password(&self) -> Option<Secret> {
        self.password
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes note of a new password.
    pub(crate) fn set_password(&self, new: Secret) {
        let mut password = self.password.lock().unwrap_or_else(PoisonError::into_inner);
        if password.is_some() {
            *password = Some(new);
        }
    }

    /// Takes note that the agent joined the queues from this device.
    pub(crate) fn set_device(&self, device: &str) {
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Some(device.to_owned());
    }

    /// Whether the server has ended the session for good.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Takes note that the server ended the session: it is not renewed any more.
    pub(crate) fn end(&self, code: &str, detail: &str) {
        self.ended.send_replace(Some(Ended {
            code: code.to_owned(),
            detail: detail.to_owned(),
        }));
    }

    /// Gets another token in place of one that the server refused.
    ///
    /// # Errors
    /// [`Fault::SessionEnded`] when the server had a reason, or refuses name and password now.
    pub(crate) async fn renew_refused(self: &Arc<Self>, refused: &Bearer) -> Result<(), Fault> {
        if !refused.is_over() {
            let mut ended = self.ended.subscribe();
            let last_word = ended.wait_for(Option::is_some);
            // A server that gives no reason has forgotten the token, for example by a restart.
            let _ = tokio::time::timeout(LAST_WORD_WITHIN, last_word).await;
        }
        self.renew(refused).await
    }

    /// Waits until this token is near its end, and gets another one.
    ///
    /// # Errors
    /// [`Fault::SessionEnded`] when the server refuses name and password now; other faults are waited out.
    pub(crate) async fn renew_in_time(self: &Arc<Self>, bearer: &Bearer) -> Result<(), Fault> {
        let Some(due) = bearer.due() else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(due).await;
        loop {
            match self.renew(bearer).await {
                Err(fault) if !matches!(fault, Fault::SessionEnded { .. }) => {
                    tracing::info!(%fault, "the sign-in could not be renewed yet");
                }
                done => return done,
            }
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        }
    }

    /// Runs to its end even when whoever asked for it gives up: a refresh token is good once, and its successor must
    /// not get lost.
    async fn renew(self: &Arc<Self>, old: &Bearer) -> Result<(), Fault> {
        let (this, old) = (Arc::clone(self), old.clone());
        let renewed = tokio::spawn(async move { this.renew_alone(&old).await });
        renewed.await.unwrap_or_else(|fault| {
            Err(Unreachable::Lost {
                host: self.client.url().host().to_owned(),
                fault: fault.to_string(),
            }
            .into())
        })
    }

    async fn renew_alone(&self, old: &Bearer) -> Result<(), Fault> {
        let _alone = self.renewing.lock().await;
        if let Some(Ended { code, detail }) = self.ended.borrow().clone() {
            return Err(Fault::SessionEnded { code, detail });
        }
        if self.bearer() != *old {
            return Ok(());
        }
        match self.another_token(old).await {
            Ok(token) => {
                self.refresh.send_replace(token.refresh_token.clone());
                *self.bearer.lock().unwrap_or_else(PoisonError::into_inner) = Bearer::new(token);
                tracing::info!("the sign-in was renewed");
                Ok(())
            }
            Err(SignInError::Fault(fault)) => {
                if let Fault::SessionEnded { code, detail } = &fault {
                    self.end(code, detail);
                }
                Err(fault)
            }
            Err(refused) => {
                // Asking again would only lock the account.
                let (code, detail) = (refused.code(), refused.to_string());
                tracing::info!(code, "the sign-in was not renewed");
                self.end(code, &detail);
                let code = code.to_owned();
                Err(Fault::SessionEnded { code, detail })
            }
        }
    }
}

impl SignOn {
    async fn another_token(&self, old: &Bearer) -> Result<Token, SignInError> {
        if let Some(refresh) = &old.refresh {
            match self.client.refresh(refresh).await {
                Ok(mut token) => {
                    // A server that does not turn them over lets the old one hold.
                    token.refresh_token.get_or_insert_with(|| refresh.clone());
                    return Ok(token);
                }
                // Used up, for example because the answer to the last try was lost, or not known here.
                Err(fault) if is_refused(&fault) => {
                    tracing::info!(%fault, "the refresh token is taken no longer");
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        let Some(password) = self.password() else {
            return Err(browser_sign_in_over().into());
        };
        let token = self.client.token(&self.name, &password, None).await?;
        if old.refresh.is_some() {
            self.enter_again(&token).await?;
        }
        Ok(token)
    }

    /// A server that gave refresh tokens and takes ours no longer begins another session by the password: the agent's
    /// queues may be held by a sign-in elsewhere, which must not go unnoticed.
    async fn enter_again(&self, token: &Token) -> Result<(), SignInError> {
        let device = self
            .device
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(device) = device else { return Ok(()) };
        let route = &self.client.routes().login;
        let body = serde_json::json!({ "device": device });
        let address = self.client.url().of(route);
        let entered = self
            .client
            .send(&address, route, Some(&token.token), Some(&body), None)
            .await;
        match entered.map_err(SignInError::from) {
            Err(elsewhere @ SignInError::Elsewhere(_)) => Err(elsewhere),
            Err(error) => {
                tracing::info!(%error, "the queues were not joined again");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

impl Client {
    /// Takes up a sign-in through the browser again, by its refresh token, which is good once.
    ///
    /// # Errors
    /// [`Fault::SessionEnded`] when the server takes it no longer, or another.
    pub async fn resume(&self, refresh: &Secret) -> Result<Session, SignInError> {
        let mut token = match self.refresh(refresh).await {
            Err(fault) if is_refused(&fault) => return Err(browser_sign_in_over().into()),
            answer => answer?,
        };
        token.refresh_token.get_or_insert_with(|| refresh.clone());
        let sign_on = SignOn::new(self.clone(), String::new(), None, token);
        Ok(Session::new(sign_on))
    }
}

/// Nothing but the browser gives another token.
fn browser_sign_in_over() -> Fault {
    Fault::SessionEnded {
        code: TOKEN_EXPIRED.to_owned(),
        detail: "the sign-in through the browser has ended; sign in again".to_owned(),
    }
}

/// Whether a refresh token will never be taken again, for no reason that is the account's.
fn is_refused(fault: &Fault) -> bool {
    match fault {
        Fault::Refused { code, status, .. } => {
            code == TOKEN_EXPIRED || *status == 400 || fault.is_absent()
        }
        Fault::Status {
            status: 400 | 401, ..
        } => true,
        fault => fault.is_absent(),
    }
}

impl fmt::Debug for SignOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignOn")
            .field("server", self.client.url())
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Bearer {
    fn new(token: Token) -> Self {
        Self {
            token: token.token,
            refresh: token.refresh_token,
            since: Instant::now(),
            life: token.expires_in.map(Duration::from_secs),
        }
    }

    /// Whether it has had its time, by what the server said of it.
    fn is_over(&self) -> bool {
        self.life.is_some_and(|life| self.since.elapsed() >= life)
    }

    /// When it is to be renewed; never, when the server did not say how long it holds.
    fn due(&self) -> Option<Instant> {
        let life = self.life?;
        let ahead = AHEAD.min(life / 5);
        self.since.checked_add((life - ahead).max(NEVER_SOONER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(expires_in: Option<u64>) -> Bearer {
        Bearer::new(Token {
            token: Secret::new("t"),
            expires_in,
            refresh_token: None,
        })
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        for (life_s, due_s) in [(28_800, 28_740), (300, 240), (100, 80), (5, 4), (0, 1)] {
            let bearer = bearer(Some(life_s));
            let due = bearer.due().unwrap() - bearer.since;
            assert_eq!(due, Duration::from_secs(due_s), "of {life_s} s");
        }
        assert_eq!(bearer(None).due(), None);
        assert_eq!(bearer(Some(u64::MAX)).due(), None, "longer than any clock");
    }
}
