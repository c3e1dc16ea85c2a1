//! One call's sound, as the rest of the phone sees it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tokio::sync::{Notify, mpsc};

use crate::record::Recorder;
use crate::rtp::{Outgoing, RtpSession};
use crate::sdp::{self, LocalSide, Negotiated, OfferAnswer};
use crate::transport::driver::{self, Sockets};
use crate::transport::gather::{self, Reflexive};
use crate::transport::relay::RelayLeg;
use crate::transport::{Identity, MediaTransport, TransportEvent};
use crate::{
    BLOCK, Block, Direction, IceServer, KeyingPlan, MediaConfig, MediaError, Recorded, Recording,
    SessionEvent, SessionStats,
};

/// One call's sound: an RTP session with its codecs; cheap to clone, closes when the last clone is dropped.
///
/// Its sockets run on tokio. Its sound runs on whoever calls [`Session::exchange`] every 10 ms: the
/// [`Voice`](crate::Voice) thread of a phone, or a test's loop.
#[derive(Clone, Debug)]
pub struct Session {
    handle: Arc<Handle>,
}

impl Session {
    /// Makes a session that offers.
    ///
    /// # Errors
    /// [`MediaError::Socket`] when no address can be used.
    pub async fn offer(
        config: MediaConfig,
    ) -> Result<(Self, String, mpsc::UnboundedReceiver<SessionEvent>), MediaError> {
        let mut setup = Setup::new(&config, false, true).await?;
        let offer = setup.state.negotiation.offer(Direction::SendRecv)?;
        let (session, events) = setup.start();
        Ok((session, offer, events))
    }

    /// Makes a session that answers this offer.
    ///
    /// # Errors
    /// [`MediaError`] when the offer cannot be accepted.
    pub async fn answer(
        config: MediaConfig,
        offer: &str,
    ) -> Result<(Self, String, mpsc::UnboundedReceiver<SessionEvent>), MediaError> {
        let offer = sdp::Session::parse(offer)?;
        let mut setup = Setup::new(&config, sdp::names_loopback(&offer), false).await?;
        let (answer, negotiated) = setup.state.negotiation.answer(&offer, false)?;
        setup.state.apply(&negotiated)?;
        let (session, events) = setup.start();
        Ok((session, answer, events))
    }

    /// Applies the far end's answer to our last offer, early or final; the same answer twice is not an error.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted.
    pub fn apply_answer(&self, answer: &str) -> Result<(), MediaError> {
        self.change(|state| {
            if let Some(negotiated) = state.negotiation.answered(answer)? {
                state.way_before = None;
                state.apply(&negotiated)?;
            }
            Ok(())
        })
    }

    /// Makes a new offer, for hold (`SendOnly`), resume (`SendRecv`) or a refresh. The sound changes when the answer comes.
    ///
    /// # Errors
    /// [`MediaError::OfferAnswer`] while an offer is open.
    pub fn reoffer(&self, direction: Direction) -> Result<String, MediaError> {
        self.change(|state| state.negotiation.offer(direction))
    }

    /// Forgets an offer that was refused.
    pub fn roll_back(&self) {
        let mut state = self.inner().lock();
        state.negotiation.roll_back();
        if let Some(before) = state.way_before.take() {
            state.transport.cancel_restart();
            state.negotiation.set_way(before);
        }
    }

    /// Makes a new offer on the network addresses of now (ICE restart), after the network changed or the sound was
    /// interrupted. The old path serves until the answer came and the new one is found; keys and sound go on. Takes
    /// up to 500 ms when a STUN server is asked. [`Session::roll_back`] when the offer is refused.
    ///
    /// # Errors
    /// [`MediaError::NoPath`] without WebRTC, [`MediaError::OfferAnswer`] while an offer is open,
    /// [`MediaError::Socket`] when there is no network.
    pub async fn restart(&self, direction: Direction) -> Result<String, MediaError> {
        let places = self.inner().lock().places.clone();
        if places.plan != KeyingPlan::Webrtc {
            return Err(MediaError::NoPath("only WebRTC calls can move".to_owned()));
        }
        let sockets = gather::sockets(&places.bind, places.with_loopback).await?;
        let ways = gather::ways(&sockets, &places.ice_servers, places.tls.as_ref()).await;
        let sockets = Sockets::new(sockets, ways.streams)?;
        self.change(|state| state.move_to(sockets, ways.relays, &ways.reflexive, direction))
    }

    /// Answers a new offer of the far end, keeping `hold` when we hold it.
    ///
    /// # Errors
    /// [`MediaError`] when it cannot be accepted; the session goes on as it was.
    pub fn answer_reoffer(&self, offer: &str, hold: bool) -> Result<String, MediaError> {
        let offer = sdp::Session::parse(offer)?;
        self.change(|state| {
            let before = state.follow_restart(&offer)?;
            let answered = state.negotiation.answer(&offer, hold);
            if let (Err(_), Some(before)) = (&answered, before) {
                state.transport.cancel_restart();
                state.negotiation.set_ice(before);
            }
            let (answer, negotiated) = answered?;
            state.apply(&negotiated)?;
            Ok(answer)
        })
    }

    /// The negotiated direction, from our side.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.inner().lock().rtp.direction()
    }

    /// Sends digits by RFC 4733, 100 ms each with 100 ms between; `false` when it is not negotiated (use INFO).
    #[must_use]
    pub fn send_dtmf(&self, digits: &str) -> bool {
        self.inner().lock().rtp.send_dtmf(digits)
    }

    /// Sends one block and takes one: call every 10 ms. Never blocks for long.
    pub fn exchange(&self, send: &Block, received: &mut Block) {
        let inner = self.inner();
        let now = inner.elapsed();
        let mut out = Outgoing::default();
        let mut guard = inner.lock();
        let state = &mut *guard;
        let ready = state.transport.is_ready();
        state.rtp.exchange(now, ready, send, received, &mut out);
        state.send(out);
        if let Some(recorder) = &mut state.recorder {
            // What does not leave us, for example during a hold, is nobody's to record.
            let silence = [0.0; BLOCK];
            let agent = if state.rtp.direction().sends() {
                send
            } else {
                &silence
            };
            recorder.take(now, agent, received);
        }
    }

    /// Records both sides from now on, until [`Session::stop_recording`] or the end of the session. The file can be
    /// played at any moment, also after the process was killed. When the disk refuses later,
    /// [`SessionEvent::RecordingFailed`] says so.
    ///
    /// # Errors
    /// [`MediaError::File`] when the file is there already or cannot be made, or a recording runs.
    pub fn record(&self, to: Recording) -> Result<(), MediaError> {
        let inner = self.inner();
        if inner.lock().recorder.is_some() {
            return Err(MediaError::File {
                path: to.path.display().to_string(),
                fault: "this call is being recorded already".to_owned(),
            });
        }
        let events = inner.events.clone();
        // The disk is not waited for while the voice may want the session.
        let recorder = Recorder::start(&to, move |error| {
            let _ = events.send(SessionEvent::RecordingFailed(error));
        })?;
        inner.lock().recorder = Some(recorder);
        Ok(())
    }

    /// Puts silence of the same length in place of what is said, for example while a card number is told.
    pub fn pause_recording(&self, on: bool) {
        if let Some(recorder) = &mut self.inner().lock().recorder {
            recorder.pause(on);
        }
    }

    /// Ends the recording and completes its file; waits for the disk, at most two seconds. `None` when none ran.
    #[must_use]
    pub fn stop_recording(&self) -> Option<Recorded> {
        let inner = self.inner();
        let recorder = inner.lock().recorder.take()?;
        Some(recorder.stop(inner.elapsed()))
    }

    /// Numbers now.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        let state = self.inner().lock();
        state.rtp.stats(state.transport.keying_name())
    }

    /// Sends RTCP BYE and closes the sockets.
    pub fn close(&self) {
        self.inner().close();
    }

    fn inner(&self) -> &Inner {
        &self.handle.inner
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, MediaError>,
    ) -> Result<T, MediaError> {
        let inner = self.inner();
        let result = change(&mut inner.lock());
        // The clock may have to run for something new.
        inner.wake.notify_one();
        result
    }
}

/// Closes the session when the last clone goes.
#[derive(Debug)]
struct Handle {
    inner: Arc<Inner>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inner.close();
    }
}

/// What the voice side and the driver share.
pub(crate) struct Inner {
    state: Mutex<State>,
    wake: Notify,
    began: Instant,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl Inner {
    /// Time since the session began.
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not take the call with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when something changed that the driver has to look at.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Takes a datagram of one of our sockets.
    pub(crate) fn handle_datagram(&self, local: SocketAddr, from: SocketAddr, datagram: &[u8]) {
        let mut state = self.lock();
        state
            .transport
            .handle_datagram(Instant::now(), local, from, datagram);
        self.settle(&mut state);
    }

    /// Runs the timers; gives when they want to run next and the sockets of now, `None` when the session is closed.
    pub(crate) fn handle_timeout(&self) -> Option<(Instant, Arc<Sockets>)> {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let sockets = Arc::clone(state.sockets.as_ref()?);
        if state
            .transport
            .poll_timeout(now)
            .is_some_and(|at| at <= now)
        {
            state.transport.handle_timeout(now);
        }
        let mut out = Outgoing::default();
        state.rtp.handle_timeout(
            self.elapsed(),
            state.transport.is_ready(),
            state.transport.keying_name(),
            &mut out,
        );
        state.send(out);
        self.settle(state);
        let latest = now + driver::TICK;
        let next = state.transport.poll_timeout(now);
        Some((next.map_or(latest, |at| at.min(latest)), sockets))
    }

    /// Passes on what the transport gave.
    fn settle(&self, state: &mut State) {
        while let Some(event) = state.transport.poll_event() {
            match event {
                TransportEvent::Ready => self.tell(SessionEvent::Connected),
                TransportEvent::Failed(error) => {
                    tracing::warn!(%error, "media failed");
                    self.tell(SessionEvent::Failed(error));
                }
                TransportEvent::Rtp(packet) => state.rtp.handle_rtp(self.elapsed(), &packet),
                TransportEvent::Rtcp(packet) => state.rtp.handle_rtcp(self.elapsed(), packet),
            }
        }
        state.flush();
        for event in state.rtp.take_events() {
            self.tell(event);
        }
    }

    fn tell(&self, event: SessionEvent) {
        // Nobody listening is no fault of the call.
        let _ = self.events.send(event);
    }

    fn close(&self) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.sockets.is_none() {
            return;
        }
        let goodbye = state.rtp.goodbye(self.elapsed());
        state.send(Outgoing {
            rtp: Vec::new(),
            rtcp: goodbye.into_iter().collect(),
        });
        state.recorder = None;
        state.transport.close(Instant::now());
        state.flush();
        state.sockets = None;
        self.wake.notify_one();
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("age", &self.began.elapsed())
            .finish_non_exhaustive()
    }
}

struct State {
    negotiation: OfferAnswer,
    transport: MediaTransport,
    rtp: RtpSession,
    identity: &'static Identity,
    recorder: Option<Recorder>,
    places: Arc<Places>,
    /// How we were reached before a restart whose answer has not come.
    way_before: Option<sdp::LocalWay>,
    /// `None` once closed.
    sockets: Option<Arc<Sockets>>,
}

/// Where a session looks for its ways.
#[derive(Debug)]
struct Places {
    plan: KeyingPlan,
    bind: Vec<IpAddr>,
    with_loopback: bool,
    ice_servers: Vec<IceServer>,
    tls: Option<Arc<ClientConfig>>,
}

impl State {
    /// Offers new sockets; the old ones go but for the one in use.
    fn move_to(
        &mut self,
        new: Sockets,
        relays: Vec<RelayLeg>,
        reflexive: &[Reflexive],
        direction: Direction,
    ) -> Result<String, MediaError> {
        let old = self
            .sockets
            .clone()
            .ok_or(MediaError::OfferAnswer("the call has ended"))?;
        let in_use = self.transport.in_use();
        let (ice, mut candidates) =
            self.transport
                .prepare_move(Instant::now(), &new.addresses(), relays)?;
        candidates.extend(
            reflexive
                .iter()
                .enumerate()
                .map(|(index, reflexive)| reflexive.candidate(index)),
        );
        let way = sdp::LocalWay {
            rtp: seen(&new, reflexive),
            ice: Some(ice),
            candidates,
        };
        let before = self.negotiation.set_way(way);
        match self.negotiation.offer(direction) {
            Ok(offer) => {
                self.way_before = Some(before);
                self.sockets = Some(Arc::new(new.with(&old, in_use)));
                Ok(offer)
            }
            Err(error) => {
                self.negotiation.set_way(before);
                self.transport.cancel_restart();
                Err(error)
            }
        }
    }

    fn apply(&mut self, negotiated: &Negotiated) -> Result<(), MediaError> {
        self.rtp.apply(negotiated)?;
        self.transport
            .apply(Instant::now(), self.identity, negotiated)?;
        self.flush();
        Ok(())
    }

    /// An offer with new ICE credentials is answered with new ones; gives those before.
    fn follow_restart(
        &mut self,
        offer: &sdp::Session,
    ) -> Result<Option<sdp::IceParams>, MediaError> {
        let restart = offer
            .audio()
            .and_then(|audio| audio.ice.as_ref())
            .is_some_and(|ice| self.transport.is_restart(ice));
        if !restart {
            return Ok(None);
        }
        let before = self.transport.local_ice().map(|(ice, _)| ice);
        let ice = self.transport.prepare_restart(Instant::now())?;
        self.negotiation.set_ice(ice);
        Ok(before)
    }

    fn send(&mut self, out: Outgoing) {
        for packet in out.rtp {
            self.transport.send_rtp(&packet);
        }
        for packet in out.rtcp {
            self.transport.send_rtcp(&packet);
        }
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.transport.poll_transmit() {
            if let Some(sockets) = &self.sockets {
                sockets.send(&transmit);
            }
        }
    }
}

/// A session before its driver runs.
struct Setup {
    state: State,
    began: Instant,
}

impl Setup {
    async fn new(
        config: &MediaConfig,
        with_loopback: bool,
        offerer: bool,
    ) -> Result<Self, MediaError> {
        let began = Instant::now();
        let identity = Identity::of_process()?;
        let (sockets, transport, local) = if config.plan == KeyingPlan::Webrtc {
            webrtc(config, began, identity, with_loopback, offerer).await?
        } else {
            plain(config, with_loopback).await?
        };
        Ok(Self {
            state: State {
                negotiation: OfferAnswer::new(local),
                transport,
                rtp: RtpSession::new(),
                identity,
                recorder: None,
                places: Arc::new(Places {
                    plan: config.plan,
                    bind: config.bind.clone(),
                    with_loopback,
                    ice_servers: config.ice_servers.clone(),
                    tls: config.tls.clone(),
                }),
                way_before: None,
                sockets: Some(Arc::new(sockets)),
            },
            began,
        })
    }

    fn start(self) -> (Session, mpsc::UnboundedReceiver<SessionEvent>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            state: Mutex::new(self.state),
            wake: Notify::new(),
            began: self.began,
            events,
        });
        if inner.lock().sockets.is_some() {
            tokio::spawn(driver::run(Arc::clone(&inner)));
        }
        let handle = Arc::new(Handle { inner });
        (Session { handle }, receiver)
    }
}

async fn webrtc(
    config: &MediaConfig,
    now: Instant,
    identity: &Identity,
    with_loopback: bool,
    offerer: bool,
) -> Result<(Sockets, MediaTransport, LocalSide), MediaError> {
    let sockets = gather::sockets(&config.bind, with_loopback).await?;
    let ways = gather::ways(&sockets, &config.ice_servers, config.tls.as_ref()).await;
    let reflexive = ways.reflexive;
    let sockets = Sockets::new(sockets, ways.streams)?;
    let transport = MediaTransport::ice(now, &sockets.addresses(), ways.relays, offerer)?;
    let (ice, mut candidates) = transport
        .local_ice()
        .ok_or(MediaError::OfferAnswer("a path without ICE"))?;
    for (index, reflexive) in reflexive.iter().enumerate() {
        candidates.push(reflexive.candidate(index));
    }
    let local = LocalSide {
        plan: config.plan,
        codecs: config.codecs.clone(),
        rtp: seen(&sockets, &reflexive),
        rtcp: None,
        ice: Some(ice),
        candidates,
        fingerprint: Some(identity.fingerprint().clone()),
    };
    Ok((sockets, transport, local))
}

/// How the world sees the preferred socket.
fn seen(sockets: &Sockets, reflexive: &[Reflexive]) -> SocketAddr {
    let first = sockets.first();
    reflexive
        .iter()
        .find(|reflexive| reflexive.base == first)
        .map_or(first, |reflexive| reflexive.mapped)
}

async fn plain(
    config: &MediaConfig,
    with_loopback: bool,
) -> Result<(Sockets, MediaTransport, LocalSide), MediaError> {
    let (rtp, rtcp) = gather::pair(&config.bind, with_loopback).await?;
    let sockets = Sockets::new(vec![rtp, rtcp], Vec::new())?;
    let addresses = sockets.addresses();
    let [rtp, rtcp] = addresses[..] else {
        return Err(MediaError::Socket("two sockets are needed".to_owned()));
    };
    let transport = MediaTransport::symmetric(rtp, rtcp, config.latch);
    let local = LocalSide {
        plan: config.plan,
        codecs: config.codecs.clone(),
        rtp,
        rtcp: Some(rtcp),
        ice: None,
        candidates: Vec::new(),
        fingerprint: None,
    };
    Ok((sockets, transport, local))
}

#[cfg(test)]
mod tests;
