//! The sandbox's own telephone system, on the project's `sip` and `media`.
//!
//! | number | what happens |
//! |---|---|
//! | 600 | echo |
//! | 601 | tone |
//! | 603 | records until `#`, plays it back, reports its level |
//! | 604 | queue `support` |
//! | 608 | busy |
//! | 609 | rings for ever |
//! | 611 | early media, then echo |
//! | the centre's pick-up code | picks up a call that rings for a member of one's pick-up group |
//! | an agent's extension | that agent |
//! | seven digits or more | a made-up customer answers and speaks |

mod leg;
mod queue;
mod registrar;
mod service;
mod transfer;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use sidetone_profile::{Codec, Secret};
use sidetone_sip::{
    Authenticator, DialogId, Endpoint, EndpointConfig, Event, Listen, NameAddr, SipError,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::queue::Queues;
use self::registrar::Registrar;
use self::transfer::Take;
use crate::calls::CallId;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::sound;

/// How the small telephone system behaves.
#[derive(Clone, Debug)]
pub struct SmallConfig {
    /// Port of SIP over WSS; 0 takes a free one.
    pub sip_port: u16,
    /// A simulated customer calls `support` this often; `None`: only on demand.
    pub customers_every: Option<Duration>,
    /// Customers hang up this long after they were answered.
    pub talk: Duration,
    /// Customers hang up after waiting this long.
    pub patience: Duration,
    /// How long 603 records at most.
    pub record: Duration,
    /// Names this address for sound without ICE, as a telephone system does that is behind an address translator.
    pub rtp_address: Option<Ipv4Addr>,
}

impl Default for SmallConfig {
    fn default() -> Self {
        Self {
            sip_port: 0,
            customers_every: None,
            talk: Duration::from_secs(20),
            patience: Duration::from_secs(300),
            record: Duration::from_secs(10),
            rtp_address: None,
        }
    }
}

/// A simulated customer's call; what is left out is chosen by the sandbox.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CustomerCall {
    /// Caller's number.
    pub number: Option<String>,
    /// Caller's name.
    pub name: Option<String>,
    /// Recorded voice, one of [`crate::speech_names`].
    pub speech: Option<String>,
    /// Name of the queue; `support` when left out.
    pub queue: Option<String>,
    /// Seconds of talk before hanging up.
    pub talk_seconds: Option<f64>,
    /// Seconds of waiting before giving up.
    pub patience_seconds: Option<f64>,
    /// More headers of the INVITE that the agent gets; names begin with `X-`.
    pub headers: HashMap<String, String>,
    /// The same, without the `X-` in front of each name.
    pub variables: HashMap<String, String>,
}

/// The running telephone system.
pub(crate) struct SmallPbx {
    centre: Arc<Centre>,
    endpoint: Endpoint,
    registrar: Registrar,
    queues: Queues,
    config: SmallConfig,
    /// Where media is bound; empty: every usable interface.
    bind: Vec<IpAddr>,
    dialogs: Mutex<HashMap<DialogId, Inbox>>,
    /// Phones that ring, and whose they are.
    ringing: Mutex<BTreeMap<DialogId, i64>>,
    stopped: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Events of a dialog, from the first one on, whether or not somebody has asked for them yet.
struct Inbox {
    sender: mpsc::UnboundedSender<Mail>,
    receiver: Option<mpsc::UnboundedReceiver<Mail>>,
}

/// What a leg is sent.
enum Mail {
    /// Something happened in its dialog.
    Sip(Box<Event>),
    /// Another conversation asks for one of the sides of this one.
    Take(Take),
}

struct Users(Arc<Centre>);

impl Authenticator for Users {
    fn realm(&self) -> String {
        self.0.rules.domain.clone()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        self.0
            .agent_at(user)
            .filter(|agent| !agent.is("disabled") && !agent.is("blocked"))
            .map(|agent| agent.sip_secret)
    }
}

impl SmallPbx {
    /// Opens the sockets: itself, the address of SIP over WSS, and the one of SIP over UDP.
    pub(crate) async fn start(
        centre: Arc<Centre>,
        ip: IpAddr,
        tls: Arc<rustls::ServerConfig>,
        config: SmallConfig,
    ) -> Result<(Arc<Self>, SocketAddr, SocketAddr), SipError> {
        let (endpoint, events) = Endpoint::start(EndpointConfig {
            user_agent: concat!("sidetone-sandbox/", env!("CARGO_PKG_VERSION")).to_owned(),
            listen: vec![
                Listen::Wss((ip, config.sip_port).into(), tls),
                Listen::Udp((ip, 0).into()),
            ],
            authenticator: Some(Arc::new(Users(centre.clone()))),
            ..EndpointConfig::default()
        })
        .await?;
        endpoint.allow_transfers(true);
        let listening = endpoint.listening();
        let [wss, udp] = listening[..] else {
            return Err(SipError::Stopped);
        };
        let bind = if ip.is_loopback() || ip.is_unspecified() {
            // A phone on this machine offers its outer addresses too, and not every system lets those reach 127.0.0.1.
            Vec::new()
        } else {
            vec![ip]
        };
        let pbx = Arc::new(Self {
            registrar: Registrar::new(centre.clone()),
            queues: Queues::default(),
            centre,
            endpoint,
            config,
            bind,
            dialogs: Mutex::default(),
            ringing: Mutex::default(),
            stopped: watch::channel(false).0,
            tasks: Mutex::default(),
        });
        let mut tasks = vec![tokio::spawn(pbx.clone().listen(events))];
        if let Some(every) = pbx.config.customers_every {
            tasks.push(tokio::spawn(pbx.clone().call_often(every)));
        }
        pbx.tasks().extend(tasks);
        Ok((pbx, wss, udp))
    }

    /// Who may be rung changed: waiting customers are looked at again.
    pub(crate) fn look_again(&self) {
        self.queues.look_again();
    }

    /// Ends every call and closes the sockets.
    pub(crate) fn stop(&self) {
        if self.stopped.send_replace(true) {
            return;
        }
        for task in self.tasks().drain(..) {
            task.abort();
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let endpoint = self.endpoint.clone();
            runtime.spawn(async move { endpoint.shut_down().await });
        }
    }

    /// Lets a simulated customer call a queue.
    pub(crate) fn call_in(self: &Arc<Self>, call: CustomerCall) -> Result<CallId, Problem> {
        queue::call_in(self, call)
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(self: Arc<Self>, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Incoming(invite) => {
                    tracing::info!(
                        from = invite.authenticated_user.as_deref().unwrap_or_default(),
                        dialled = invite.request_user,
                        "call"
                    );
                    tokio::spawn(service::serve(self.clone(), invite));
                }
                Event::Registered(request) => {
                    self.registrar.register(request);
                    self.look_again();
                }
                Event::FlowClosed(flow) => self.registrar.forget_flow(flow),
                Event::Provisional { dialog, .. }
                | Event::Answered { dialog, .. }
                | Event::Confirmed { dialog }
                | Event::Reoffer { dialog, .. }
                | Event::ReofferAnswered { dialog, .. }
                | Event::ReofferRefused { dialog, .. }
                | Event::ReofferOvertaken { dialog }
                | Event::Info { dialog, .. }
                | Event::ReferProgress { dialog, .. }
                | Event::Redirected { dialog, .. }
                | Event::Ended { dialog, .. } => self.deliver(dialog, event),
                Event::Referred(ref wish) => self.deliver(wish.dialog, event),
                // The client role, which a server has not.
                Event::Registration(_)
                | Event::MessagesWaiting { .. }
                | Event::LineState { .. }
                | Event::SubscriptionRefused { .. } => {}
            }
        }
    }

    fn dialogs(&self) -> MutexGuard<'_, HashMap<DialogId, Inbox>> {
        self.dialogs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ringing(&self) -> MutexGuard<'_, BTreeMap<DialogId, i64>> {
        self.ringing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, dialog: DialogId, event: Event) {
        let mut dialogs = self.dialogs();
        let ended = matches!(event, Event::Ended { .. });
        let inbox = dialogs.entry(dialog).or_insert_with(Inbox::new);
        // A leg that is gone does not care any more.
        let _ = inbox.sender.send(Mail::Sip(Box::new(event)));
        if ended && inbox.receiver.is_none() {
            dialogs.remove(&dialog);
        }
    }

    /// The events of a dialog; asked for once.
    fn inbox(&self, dialog: DialogId) -> mpsc::UnboundedReceiver<Mail> {
        let mut dialogs = self.dialogs();
        let inbox = dialogs.entry(dialog).or_insert_with(Inbox::new);
        inbox
            .receiver
            .take()
            .unwrap_or_else(|| mpsc::unbounded_channel().1)
    }

    /// A From for a number and a name.
    fn address(&self, name: &str, number: &str) -> NameAddr {
        NameAddr {
            display_name: name.to_owned(),
            user: number.to_owned(),
            uri: format!("sip:{number}@{}", self.centre.rules.domain),
        }
    }

    async fn call_often(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every.max(Duration::from_millis(100)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first one calls once there was time to sign in.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(problem) = self.call_in(CustomerCall::default()) {
                tracing::warn!(%problem, "a customer could not call");
            }
        }
    }
}

impl Inbox {
    fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver: Some(receiver),
        }
    }
}

/// What the far end offers and accepts, best first.
const CODECS: [Codec; 5] = [
    Codec::Opus,
    Codec::G722,
    Codec::Ulaw,
    Codec::Alaw,
    Codec::Gsm,
];

/// The voice of a made-up person, chosen by a number.
fn voice_of(number: usize) -> &'static str {
    let count = sound::speech_names().count().max(1);
    sound::speech_names()
        .nth(number % count)
        .unwrap_or("en-male")
}
