use sidetone_agent::Input;
use sidetone_motion::{Fault, Presence, Session, SignInError};
use sidetone_profile::{Channel, Secret};

use crate::avatar::Avatar;

use super::signing_in::{self, Attempt};
use super::{FromServer, Server, terms};

const NO_SERVER: &str = "there is no contact-centre server to ask";

impl Server {
    /// Pauses: on one channel, or everywhere.
    pub(crate) fn pause(&self, channel: Option<Channel>, reason: String) {
        self.ask(move |session| async move { session.pause(channel, &reason).await });
    }

    /// Takes work again: of one channel, or everywhere.
    pub(crate) fn unpause(&self, channel: Option<Channel>) {
        self.ask(move |session| async move { session.unpause(channel).await });
    }

    pub(crate) fn accept_interaction(&self, id: String) {
        self.tell(move |session| async move { session.accept_interaction(&id).await });
    }

    pub(crate) fn decline_interaction(&self, id: String) {
        self.tell(move |session| async move { session.decline_interaction(&id).await });
    }

    pub(crate) fn start_preview(&self, id: String) {
        self.tell(move |session| async move { session.start_preview(&id).await });
    }

    pub(crate) fn start_callback(&self, id: String) {
        self.tell(move |session| async move { session.start_callback(&id).await });
    }

    pub(crate) fn finish_callback(&self, id: String, done: bool) {
        self.tell(move |session| async move { session.finish_callback(&id, done).await });
    }

    /// Fetches the agent's picture; answered by [`FromServer::Picture`].
    pub(crate) fn picture(&self, address: String) {
        let Some(session) = self.session.clone() else {
            return;
        };
        self.spawn(async move {
            let fetched = session.picture(&address, Avatar::LIMIT).await;
            FromServer::Picture(address, fetched.map_err(|fault| fault.to_string()))
        });
    }

    /// Says what a call was about; answered by `Input::Disposed`.
    pub(crate) fn dispose(&self, reference: String, path: Vec<i64>, note: String) {
        let session = self.session.clone();
        self.spawn(async move {
            let Some(session) = session else {
                return input(Input::Disposed(Err(NO_SERVER.to_owned())));
            };
            match session.dispose(&reference, &path, &note).await {
                Err(Fault::SessionEnded { code, detail }) => terms::ended(&code, detail),
                answer => input(Input::Disposed(answer.map_err(|fault| fault.to_string()))),
            }
        });
    }

    /// Sets a new password: of the sign-in under way, which then goes on, or of who is signed in.
    pub(crate) fn change_password(&mut self, current: Option<Secret>, new: Secret) {
        match (self.session.clone(), self.attempt.clone()) {
            (Some(session), _) => {
                let (name, keeper) = (self.name.clone(), self.keeper.clone());
                self.spawn(async move {
                    let changed = session.change_password(&name, current.as_ref(), &new).await;
                    if changed.is_ok() {
                        let account = crate::sign_in_account(&session.url().to_string(), &name);
                        let kept = move || keeper.password_changed(&account, &new);
                        // It fails in the keychain only, which says so itself.
                        let _ = tokio::task::spawn_blocking(kept).await;
                    }
                    let said = changed.map_err(|error| match error {
                        SignInError::WrongPassword => {
                            "the password that holds is another one".to_owned()
                        }
                        error => error.to_string(),
                    });
                    input(Input::PasswordChanged(said))
                });
            }
            (None, Some(attempt)) => {
                let attempt = Attempt {
                    password: current.unwrap_or(attempt.password),
                    ..attempt
                };
                // The next try, after a refusal, begins with the same.
                let again = Attempt {
                    password: new.clone(),
                    ..attempt.clone()
                };
                let (client, keeper) = (self.client(&attempt.server), self.keeper.clone());
                self.spawn(async move {
                    let client = match client {
                        Ok(client) => client,
                        Err(fault) => return FromServer::Refused(fault.into()),
                    };
                    let changed = client
                        .change_password(
                            &attempt.name,
                            &attempt.password,
                            &new,
                            attempt.code.as_ref(),
                        )
                        .await;
                    match changed {
                        Ok(()) => signing_in::with_password(Ok(client), again, keeper).await,
                        Err(error) => FromServer::Refused(error),
                    }
                });
            }
            (None, None) => {
                let said = Input::PasswordChanged(Err(NO_SERVER.to_owned()));
                self.teller().input(said);
            }
        }
    }

    /// A request whose answer is the presence.
    fn ask<F>(&self, request: impl FnOnce(Session) -> F)
    where
        F: Future<Output = Result<Presence, Fault>> + Send + 'static,
    {
        let Some(session) = &self.session else {
            let detail = NO_SERVER.to_owned();
            self.teller().input(Input::PresenceFailed { detail });
            return;
        };
        let request = request(session.clone());
        self.spawn(async move {
            match request.await {
                Ok(now) => input(Input::Presence(now.report)),
                Err(Fault::SessionEnded { code, detail }) => terms::ended(&code, detail),
                Err(Fault::Unreachable(fault)) => {
                    tracing::info!(%fault, "presence request was not answered");
                    input(Input::PresenceFailed {
                        detail: String::new(),
                    })
                }
                Err(fault) => input(Input::PresenceFailed {
                    detail: fault.to_string(),
                }),
            }
        });
    }

    /// A request whose answer is that it was done.
    fn tell<F>(&self, request: impl FnOnce(Session) -> F)
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let Some(session) = &self.session else {
            self.teller().input(Input::Failed(NO_SERVER.to_owned()));
            return;
        };
        let request = request(session.clone());
        let teller = self.teller();
        tokio::spawn(async move {
            match request.await {
                Ok(()) => {}
                Err(Fault::SessionEnded { code, detail }) => {
                    teller.say(terms::ended(&code, detail));
                }
                Err(fault) => teller.input(Input::Failed(fault.to_string())),
            }
        });
    }
}

fn input(input: Input) -> FromServer {
    FromServer::Input(Box::new(input))
}
