//! A real server: registers there over WSS, calls its echo, and scores what comes back. The way there and the way back
//! are heard one after the other, so what is measured is both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use sidetone_media::{BLOCK, MediaConfig, SAMPLE_RATE, Session};
use sidetone_profile::Secret;
use sidetone_sip::{
    Account, CallTarget, Credentials, DialogEnd, DialogId, Endpoint, EndpointConfig, Event,
    RegistrationState, ServerAddress,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use url::Url;

use crate::call::{TAIL, block_of, with_suite};
use crate::delay;
use crate::live::{LOOK, LiveOutcome, Watch, connected};
use crate::plan::Run;
use crate::speech::Talk;

/// Patience for the server to register us, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Patience for its goodbye.
const GOODBYE: Duration = Duration::from_secs(3);
/// Between two blocks.
const BLOCK_TIME: Duration = Duration::from_millis(10);
/// Silence before the first word, while the jitter buffers find their size.
const SETTLING: Duration = Duration::from_secs(2);

/// Which server, and as whom.
#[derive(Clone, Debug)]
pub struct Server {
    /// SIP over WSS.
    pub url: Url,
    /// Host of the SIP addresses.
    pub domain: String,
    /// SIP user.
    pub user: String,
    /// SIP secret.
    pub password: Secret,
    /// Number of the echo.
    pub number: String,
    /// Verifies the server.
    pub tls: Arc<ClientConfig>,
}

/// Why the server cannot be measured, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// No connection.
    #[error("{server} cannot be reached: {fault}")]
    Unreachable {
        /// Address.
        server: String,
        /// Why.
        fault: String,
    },
    /// A connection to somebody who may be somebody else.
    #[error(
        "the certificate of {server} is not trusted: {fault}; --ca names the authority that signed it"
    )]
    Certificate {
        /// Address.
        server: String,
        /// Why.
        fault: String,
    },
    /// User or password.
    #[error("{server} does not take user {user} with this password: {status} {reason}")]
    Refused {
        /// Address.
        server: String,
        /// Who.
        user: String,
        /// SIP status.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// It says nothing.
    #[error("{server} does not answer the registration within {} s", PATIENCE.as_secs())]
    Silent {
        /// Address.
        server: String,
    },
    /// The number.
    #[error("{server} does not connect {number}: {words}")]
    Number {
        /// Address.
        server: String,
        /// Who was called.
        number: String,
        /// Why not.
        words: String,
    },
    /// The SIP endpoint.
    #[error(transparent)]
    Sip(#[from] sidetone_sip::SipError),
}

/// A registered phone.
pub struct Phone {
    endpoint: Endpoint,
    events: UnboundedReceiver<Event>,
    number: String,
    name: String,
}

impl Phone {
    /// Registers.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn register(server: &Server) -> Result<Self, ServerError> {
        let config = EndpointConfig {
            user_agent: concat!("sidetone-loopback/", env!("CARGO_PKG_VERSION")).to_owned(),
            tls: Some(Arc::clone(&server.tls)),
            ..EndpointConfig::default()
        };
        let (endpoint, mut events) = Endpoint::start(config).await?;
        endpoint.set_account(Some(Account {
            user: server.user.clone(),
            domain: server.domain.clone(),
            display_name: String::new(),
            credentials: Credentials {
                user: server.user.clone(),
                secret: server.password.clone(),
            },
            server: ServerAddress::WebSocket(server.url.clone()),
            fallbacks: Vec::new(),
            expires_s: 120,
            register: true,
            local_port: 0,
            rport: true,
        }));
        let name = server.url.to_string();
        let registered = async {
            loop {
                match events.recv().await {
                    Some(Event::Registration(state)) => match state {
                        RegistrationState::Registered { .. } => return Ok(()),
                        RegistrationState::Refused { status, reason } => {
                            return Err(ServerError::Refused {
                                server: name.clone(),
                                user: server.user.clone(),
                                status,
                                reason,
                            });
                        }
                        RegistrationState::Unreachable { fault, .. } => {
                            let server = name.clone();
                            return Err(ServerError::Unreachable { server, fault });
                        }
                        RegistrationState::Certificate { fault } => {
                            let server = name.clone();
                            return Err(ServerError::Certificate { server, fault });
                        }
                        RegistrationState::Trying | RegistrationState::Unregistered => {}
                    },
                    Some(_) => {}
                    None => return Err(sidetone_sip::SipError::Stopped.into()),
                }
            }
        };
        timeout(PATIENCE, registered).await.unwrap_or_else(|_| {
            Err(ServerError::Silent {
                server: name.clone(),
            })
        })?;
        Ok(Self {
            endpoint,
            events,
            number: server.number.clone(),
            name,
        })
    }

    /// Calls the echo and says it all; the inner fault is one of this call alone.
    ///
    /// # Errors
    /// [`ServerError::Number`] when the call is not connected for a reason that other codecs would not help.
    pub async fn call(
        &mut self,
        run: &Run,
        said: &Talk,
    ) -> Result<Result<LiveOutcome, String>, ServerError> {
        let config = MediaConfig {
            codecs: vec![run.codec],
            plan: run.keying.plan,
            ice_servers: Vec::new(),
            tls: None,
            bind: Vec::new(),
            latch: true,
        };
        let (session, offer, mut sound) = match Session::offer(config).await {
            Ok(made) => made,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let offer = with_suite(&offer, run.keying.suite);
        let target = CallTarget::Account(self.number.clone());
        let dialog = self.endpoint.invite(target, offer, Vec::new()).await?;
        let answer = match timeout(PATIENCE, self.answer(dialog)).await {
            Ok(Ok(answer)) => answer,
            // 415, 488 and 606: it is this codec or keying that it does not want.
            Ok(Err(DialogEnd::Refused {
                status: status @ (415 | 488 | 606),
                reason,
            })) => {
                return Ok(Err(format!(
                    "the server does not take it: {status} {reason}"
                )));
            }
            Ok(Err(end)) => return Err(self.refused(words(&end))),
            Err(_) => {
                self.end(dialog).await;
                return Err(self.refused(format!("no answer after {} s", PATIENCE.as_secs())));
            }
        };
        let answered = Instant::now();
        let ready = match session.apply_answer(&answer) {
            Ok(()) => connected(&mut sound).await,
            Err(error) => Err(error.to_string()),
        };
        let set_up = answered.elapsed();
        let outcome = match ready {
            Ok(()) => self.talk(dialog, &session, said).await,
            Err(fault) => Err(fault),
        };
        self.end(dialog).await;
        session.close();
        Ok(outcome.map(|outcome| LiveOutcome { set_up, ..outcome }))
    }

    /// Ends the registration.
    pub async fn leave(mut self) {
        self.endpoint.set_account(None);
        let gone = async {
            while let Some(event) = self.events.recv().await {
                if matches!(event, Event::Registration(RegistrationState::Unregistered)) {
                    return;
                }
            }
        };
        // Who does not hear the goodbye forgets us after two minutes.
        let _ = timeout(GOODBYE, gone).await;
    }

    async fn answer(&mut self, dialog: DialogId) -> Result<String, DialogEnd> {
        let mut early = None;
        while let Some(event) = self.events.recv().await {
            match event {
                Event::Provisional {
                    dialog: of, sdp, ..
                } if of == dialog => {
                    early = sdp.or(early);
                }
                Event::Answered { dialog: of, sdp } if of == dialog => {
                    let nothing = "it answered without a session description";
                    return sdp
                        .or(early)
                        .ok_or_else(|| DialogEnd::Unreachable(nothing.to_owned()));
                }
                Event::Redirected {
                    dialog: of,
                    targets,
                } if of == dialog => {
                    let words = format!("it names another place, {}", targets.join(", "));
                    return Err(DialogEnd::Unreachable(words));
                }
                Event::Ended { dialog: of, end } if of == dialog => return Err(end),
                _ => {}
            }
        }
        Err(DialogEnd::Unreachable("the endpoint stopped".to_owned()))
    }

    async fn talk(
        &mut self,
        dialog: DialogId,
        session: &Session,
        said: &Talk,
    ) -> Result<LiveOutcome, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let (clock, talk, stopped) = (session.clone(), said.clone(), Arc::clone(&stop));
        let mut talking = tokio::task::spawn_blocking(move || speak(&clock, &talk, &stopped));
        let outcome = loop {
            tokio::select! {
                outcome = &mut talking => {
                    break outcome.map_err(|_| "the harness's own clock failed".to_owned())?;
                }
                event = self.events.recv() => match event {
                    Some(Event::Reoffer { dialog: of, sdp }) if of == dialog => {
                        // An offer is asked for when there is none: the echo has no reason to.
                        let answer = sdp.and_then(|sdp| session.answer_reoffer(&sdp, false).ok());
                        // It ended meanwhile; its end is told, too.
                        let _ = self.endpoint.answer_reoffer(dialog, answer);
                    }
                    Some(Event::Ended { dialog: of, end }) if of == dialog => {
                        stop.store(true, Ordering::Relaxed);
                        return Err(format!("the server ended the call: {}", words(&end)));
                    }
                    Some(_) => {}
                    None => return Err("the endpoint stopped".to_owned()),
                },
            }
        };
        if outcome.heard_after_ms.iter().all(Option::is_none) {
            return Err(format!(
                "nothing of what was said came back: is {} an echo?",
                self.number
            ));
        }
        Ok(outcome)
    }

    async fn end(&mut self, dialog: DialogId) {
        if self.endpoint.hang_up(dialog, None).is_err() {
            return;
        }
        let over = async {
            while let Some(event) = self.events.recv().await {
                if matches!(event, Event::Ended { dialog: of, .. } if of == dialog) {
                    return;
                }
            }
        };
        // A server that does not answer the BYE has nothing to tell us any more.
        let _ = timeout(GOODBYE, over).await;
    }

    fn refused(&self, words: String) -> ServerError {
        ServerError::Number {
            server: self.name.clone(),
            number: self.number.clone(),
            words,
        }
    }
}

fn words(end: &DialogEnd) -> String {
    match end {
        DialogEnd::Refused { status, reason } => format!("{status} {reason}"),
        DialogEnd::RemoteBye => "it hung up".to_owned(),
        DialogEnd::Local => "it was hung up here".to_owned(),
        DialogEnd::Cancelled(Some(reason)) => reason.clone(),
        DialogEnd::Cancelled(None) => "cancelled".to_owned(),
        DialogEnd::Unreachable(fault) => fault.clone(),
    }
}

/// Says it all at the pace of the clock, and listens.
fn speak(session: &Session, said: &Talk, stopped: &AtomicBool) -> LiveOutcome {
    let seconds = said.samples.len() as f64 / f64::from(SAMPLE_RATE);
    let length = Duration::from_secs_f64(seconds) + TAIL;
    let count = |time: Duration| time.as_millis() as u64 / BLOCK_TIME.as_millis() as u64;
    let (settling, every) = (count(SETTLING), count(LOOK));
    let (mut watch, mut heard) = (Watch::default(), Vec::new());
    let mut received = [0.0; BLOCK];
    let mut due = Instant::now();
    for number in 0..settling + count(length) {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        match number.checked_sub(settling) {
            None => session.exchange(&[0.0; BLOCK], &mut received),
            Some(number) => {
                session.exchange(&block_of(said, number), &mut received);
                heard.extend_from_slice(&received);
                if (number + 1).is_multiple_of(every) {
                    watch.look(session.stats(), None);
                }
            }
        }
        due += BLOCK_TIME;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    LiveOutcome {
        heard_after_ms: delay::per_second(&said.samples, &heard),
        heard,
        watch,
        ..LiveOutcome::default()
    }
}
