//! The running endpoint: one task owns the sockets and lets the core run on real time.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{sleep_until, timeout};

use crate::api::{
    Account, CallTarget, DialogId, EndpointConfig, Event, FlowId, Load, Package, SipError,
    SubscriptionId,
};
use crate::core::{Core, Input, Output, UdpBind, redacted, summary};
use crate::trace::{Ring, Trace, Wire};
use crate::transport::{FromNet, Link, Locator, Net, connect, listen};

/// How long [`Endpoint::shut_down`] waits for the far ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// A running SIP element; cheap to clone, stops when the last clone is dropped.
#[derive(Clone)]
pub struct Endpoint {
    handle: Arc<Handle>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("listening", &self.handle.listening)
            .finish_non_exhaustive()
    }
}

/// Reads the trace of an [`Endpoint`] without keeping it running; cheap to clone.
#[derive(Clone)]
pub struct Tracer(Arc<Shared>);

impl Tracer {
    /// As [`Endpoint::trace`].
    #[must_use]
    pub fn read(&self) -> Trace {
        self.0.ring().read()
    }
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

struct Handle {
    shared: Arc<Shared>,
    listening: Vec<SocketAddr>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// What the handles and the task share.
struct Shared {
    core: Mutex<Core>,
    /// The core has something new to do.
    wake: Notify,
    /// The task has done what there was to do.
    settled: Notify,
    stopped: AtomicBool,
    ring: Mutex<Ring>,
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        // A panic elsewhere must not silence the phone; the core keeps no half-made state across calls.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

impl Endpoint {
    /// Opens the sockets and starts the task that owns the core.
    ///
    /// # Errors
    /// [`SipError::Bind`] when a listening socket cannot be opened.
    pub async fn start(
        config: EndpointConfig,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Event>), SipError> {
        let (events, receiver) = mpsc::unbounded_channel();
        let (from_net, to_driver) = mpsc::unbounded_channel();
        let net = Net {
            events: from_net,
            accepted: Arc::new(AtomicU64::new(1)),
            locator: Arc::new(Locator::default()),
        };
        let mut listening = Vec::new();
        let mut listeners = Listeners(Vec::new());
        for on in config.listen {
            let (address, task) = listen(net.clone(), on).await?;
            listening.push(address);
            listeners.0.push(task);
        }
        let mut core = Core::new(config.user_agent, config.authenticator, rand::random());
        if let Some(instance) = &config.instance {
            core.set_instance(instance);
        }
        if let Some(seconds) = config.session_interval_s {
            core.set_session_interval(seconds);
        }
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            wake: Notify::new(),
            settled: Notify::new(),
            stopped: AtomicBool::new(false),
            ring: Mutex::default(),
        });
        let driver = Driver {
            shared: Arc::clone(&shared),
            net,
            to_driver,
            events,
            tls: config.tls,
            udp_bind: config.udp_bind,
            links: HashMap::new(),
            dialing: HashMap::new(),
            _listeners: listeners,
        };
        tokio::spawn(driver.run());
        let handle = Arc::new(Handle { shared, listening });
        Ok((Self { handle }, receiver))
    }

    /// Makes this the account: connects, registers, keeps it registered, reconnects with back-off. `None`
    /// unregisters and closes. Progress comes as [`Event::Registration`].
    pub fn set_account(&self, account: Option<Account>) {
        let input = Input::Account(account.map(Box::new));
        self.with(|core, now| core.handle(now, input));
    }

    /// The network changed or the machine woke up: probe the connection at once and reconnect without back-off.
    pub fn network_changed(&self) {
        self.with(|core, now| core.handle(now, Input::NetworkChanged));
    }

    /// Local address towards the registrar, once connected.
    #[must_use]
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.with(|core, _| core.account_flow().map(|flow| flow.local.ip()))
    }

    /// Addresses that the server role listens on, in the order of [`EndpointConfig::listen`] (port 0 resolved).
    #[must_use]
    pub fn listening(&self) -> Vec<SocketAddr> {
        self.handle.listening.clone()
    }

    /// Places a call with this SDP offer and these extra headers. A `Max-Forwards` among them takes the place of our 70:
    /// who passes a call on says what is left of the caller's (RFC 3261 §16.6).
    ///
    /// # Errors
    /// [`SipError::BadAddress`], [`SipError::NoAccount`] or [`SipError::Stopped`].
    pub async fn invite(
        &self,
        target: CallTarget,
        sdp: String,
        headers: Vec<(String, String)>,
    ) -> Result<DialogId, SipError> {
        if self.handle.shared.stopped.load(Ordering::Acquire) {
            return Err(SipError::Stopped);
        }
        self.with(|core, now| core.invite(now, target, sdp, headers))
    }

    /// Sends 180, or 183 when there is an early answer.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone.
    pub fn ringing(&self, dialog: DialogId, early_sdp: Option<String>) -> Result<(), SipError> {
        self.with(|core, now| core.ringing(now, dialog, early_sdp))
    }

    /// Answers an incoming call with 200 and this SDP.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone.
    pub fn accept(&self, dialog: DialogId, sdp: String) -> Result<(), SipError> {
        self.with(|core, now| core.accept(now, dialog, sdp))
    }

    /// Refuses an incoming call with this status.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone.
    pub fn reject(&self, dialog: DialogId, status: u16) -> Result<(), SipError> {
        self.with(|core, now| core.reject(now, dialog, status, None))
    }

    /// Sends the caller of a ringing call elsewhere: 302 with this target, a number at our domain or a whole SIP URI
    /// (RFC 3261 §8.1.3.4), and a Diversion that says why (RFC 5806).
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone, [`SipError::BadAddress`].
    pub fn redirect(&self, dialog: DialogId, target: &str) -> Result<(), SipError> {
        self.with(|core, now| core.redirect(now, dialog, target))
    }

    /// Asks the far end of an answered call to call this target instead: a number at our domain or a whole SIP URI
    /// (REFER, RFC 3515). With `replaces` it takes the place of us in that call (RFC 3891) and the target may be
    /// empty: whoever we talk to there. How it goes comes as [`Event::ReferProgress`]; when it is through, both
    /// dialogs are hung up.
    ///
    /// # Errors
    /// [`SipError::WrongState`] before the answer and during another transfer, [`SipError::BadAddress`].
    pub fn refer(
        &self,
        dialog: DialogId,
        target: &str,
        replaces: Option<DialogId>,
    ) -> Result<(), SipError> {
        self.with(|core, now| core.refer(now, dialog, target, replaces))
    }

    /// Whether far ends that the registrar vouches for may make us call somebody else (REFER) and take the place of
    /// a call of ours (Replaces). Not before this was called.
    pub fn allow_transfers(&self, allowed: bool) {
        self.with(|core, _| core.allow_transfers(allowed));
    }

    /// Answers a [`Event::Referred`]: with the call that was placed for it, which is then reported to the far end,
    /// or with `None`, a refusal (603).
    ///
    /// # Errors
    /// [`SipError::WrongState`] when nothing was asked.
    pub fn answer_refer(&self, dialog: DialogId, placed: Option<DialogId>) -> Result<(), SipError> {
        self.with(|core, now| core.answer_refer(now, dialog, placed))
    }

    /// Ends a call in any state: CANCEL, BYE or 480, whichever fits. `reason` becomes the `Reason` header.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when it is over.
    pub fn hang_up(&self, dialog: DialogId, reason: Option<String>) -> Result<(), SipError> {
        self.with(|core, now| core.hang_up(now, dialog, reason))
    }

    /// Offers anew in an established dialog (re-INVITE).
    ///
    /// # Errors
    /// [`SipError::WrongState`] while another offer is open.
    pub fn reoffer(&self, dialog: DialogId, sdp: String) -> Result<(), SipError> {
        self.with(|core, now| core.reoffer(now, dialog, sdp))
    }

    /// Answers a [`Event::Reoffer`]; `None` refuses it with 488.
    ///
    /// # Errors
    /// [`SipError::WrongState`] when none is open.
    pub fn answer_reoffer(&self, dialog: DialogId, sdp: Option<String>) -> Result<(), SipError> {
        self.with(|core, now| core.answer_reoffer(now, dialog, sdp))
    }

    /// Sends INFO in a dialog.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when it is over.
    pub fn info(
        &self,
        dialog: DialogId,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), SipError> {
        self.with(|core, now| core.info(now, dialog, content_type, body))
    }

    /// Subscribes to waiting messages or to what another phone does, and keeps at it. An empty target is the account's
    /// own address.
    ///
    /// # Errors
    /// [`SipError::NoAccount`], [`SipError::BadAddress`].
    pub fn subscribe(&self, target: &str, package: Package) -> Result<SubscriptionId, SipError> {
        self.with(|core, now| core.subscribe(now, target, package))
    }

    /// Ends a subscription; one that is over already needs nothing.
    pub fn unsubscribe(&self, subscription: SubscriptionId) {
        self.with(|core, now| core.unsubscribe(now, subscription));
    }

    /// The last messages sent and received, without credentials and keys. They name the people who called: mask them
    /// with [`Trace::map`] before anybody sees them who may not.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.handle.shared.ring().read()
    }

    /// Reads the trace later, also from elsewhere.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        Tracer(Arc::clone(&self.handle.shared))
    }

    /// What is open now. Transactions outlive their requests by up to half a minute, to answer repetitions.
    #[must_use]
    pub fn load(&self) -> Load {
        self.with(|core, _| core.load())
    }

    /// Unregisters, hangs up every call and waits at most two seconds for the far ends.
    pub async fn shut_down(&self) {
        let shared = &self.handle.shared;
        self.with(Core::shut_down);
        let quiet = async {
            while !shared.core().idle() {
                shared.settled.notified().await;
            }
        };
        if timeout(FAREWELL, quiet).await.is_err() {
            tracing::debug!("the far ends did not answer the farewell in time");
        }
        shared.stop();
    }

    fn with<T>(&self, act: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let done = act(&mut self.handle.shared.core(), Instant::now());
        self.handle.shared.wake.notify_one();
        done
    }
}

/// Stops listening when dropped.
struct Listeners(Vec<JoinHandle<()>>);

impl Drop for Listeners {
    fn drop(&mut self) {
        for listener in &self.0 {
            listener.abort();
        }
    }
}

struct Driver {
    shared: Arc<Shared>,
    net: Net,
    to_driver: mpsc::UnboundedReceiver<FromNet>,
    events: mpsc::UnboundedSender<Event>,
    tls: Option<Arc<rustls::ClientConfig>>,
    udp_bind: Option<SocketAddr>,
    links: HashMap<FlowId, (Link, Wire)>,
    /// Client connections, from the first attempt to their end.
    dialing: HashMap<FlowId, AbortHandle>,
    _listeners: Listeners,
}

impl Driver {
    async fn run(mut self) {
        loop {
            self.act();
            self.shared.settled.notify_waiters();
            self.shared.settled.notify_one();
            if self.shared.stopped.load(Ordering::Acquire) {
                break;
            }
            let deadline = self.shared.core().poll_timeout();
            let alarm = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(event) = self.to_driver.recv() => self.net_event(event),
                () = self.shared.wake.notified() => {}
                () = alarm => self.shared.core().handle_timeout(Instant::now()),
            }
        }
        for dialing in self.dialing.values() {
            dialing.abort();
        }
    }

    fn net_event(&mut self, event: FromNet) {
        let input = match event {
            FromNet::Up(id, flow, link) => {
                tracing::debug!(flow = id.0, kind = ?flow.kind, remote = %flow.remote, "connected");
                let wire = Wire {
                    transport: flow.kind.via(),
                    local: flow.local,
                    remote: flow.remote,
                };
                self.links.insert(id, (link, wire));
                Input::FlowUp(id, flow)
            }
            FromNet::Received(id, bytes) => {
                self.note(id, false, &bytes);
                Input::Received(id, bytes)
            }
            FromNet::Down(id, fault) => {
                tracing::debug!(flow = id.0, fault = %fault.words, "connection over");
                self.links.remove(&id);
                self.dialing.remove(&id);
                Input::FlowDown(id, fault)
            }
        };
        self.shared.core().handle(Instant::now(), input);
    }

    /// Keeps a message for the trace. The log has its first line without addresses: who calls whom is for the trace
    /// level only.
    fn note(&self, flow: FlowId, sent: bool, bytes: &[u8]) {
        let way = if sent { "sent" } else { "received" };
        tracing::debug!(flow = flow.0, message = %summary(bytes), "{way}");
        tracing::trace!(flow = flow.0, text = %Shown(bytes), "{way}");
        if let Some((_, wire)) = self.links.get(&flow) {
            self.shared.ring().keep(*wire, sent, bytes);
        }
    }

    /// Does everything that the core wants done.
    fn act(&mut self) {
        loop {
            let next = self.shared.core().poll_output();
            match next {
                Some(Output::Send(flow, bytes)) => {
                    self.note(flow, true, &bytes);
                    if let Some((link, _)) = self.links.get(&flow) {
                        link.send(bytes);
                    }
                }
                Some(Output::Connect(flow, server, attempt)) => {
                    let dial = connect(
                        self.net.clone(),
                        flow,
                        (server, attempt),
                        self.tls.clone(),
                        UdpBind {
                            address: self.udp_bind,
                            ..self.shared.core().udp_bind()
                        },
                    );
                    let task = tokio::spawn(dial);
                    self.dialing.insert(flow, task.abort_handle());
                }
                Some(Output::Close(flow)) => match self.links.remove(&flow) {
                    // A stream says goodbye and ends by itself when its queue is dropped.
                    Some((Link::Stream(_), _)) => {}
                    Some((Link::Udp(..), _)) | None => {
                        if let Some(task) = self.dialing.remove(&flow) {
                            task.abort();
                        }
                    }
                },
                // Nobody listening is not our trouble.
                Some(Output::Event(event)) => drop(self.events.send(event)),
                None => return,
            }
        }
    }
}

/// A message as the log may show it; redacted only when it is shown.
struct Shown<'a>(&'a [u8]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&redacted(self.0))
    }
}
