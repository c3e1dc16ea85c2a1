//! One call leg: a SIP dialog with its sound.

use std::sync::Arc;
use std::time::Duration;

use sidetone_media::{
    BLOCK, Block, KeyingPlan, MediaConfig, MediaError, SAMPLE_RATE, Session, SessionEvent,
};
use sidetone_profile::Codec;
use sidetone_sip::{CallTarget, DialogEnd, DialogId, Event, IncomingInvite, ReferRequest};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::registrar::Contact;
use super::transfer::{self, Referral, Take};
use super::{CODECS, Mail, SmallPbx};
use crate::calls::CallId;
use crate::centre::Centre;
use crate::store::Agent;

/// A call leg; hangs up when dropped.
pub(super) struct Leg {
    pub(super) dialog: DialogId,
    pub(super) session: Session,
    pbx: Arc<SmallPbx>,
    inbox: mpsc::UnboundedReceiver<Mail>,
    media: mpsc::UnboundedReceiver<SessionEvent>,
    /// Whose phone it is.
    pub(super) agent: i64,
    /// The call's record.
    pub(super) call: CallId,
    /// Whom the phone takes the other side for.
    pub(super) about: About,
    /// The phone is counted as ringing or in a call.
    occupied: Option<Occupied>,
    /// Sound has a path.
    pub(super) connected: bool,
    over: bool,
    hung_up: bool,
}

/// The other side of a call, as the phone is told.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) number: String,
    /// `X-` headers and the like.
    pub(super) headers: Vec<(String, String)>,
    /// How many servers may still pass the call on.
    pub(super) max_forwards: u8,
}

impl Default for About {
    /// Nobody, whose call begins here.
    fn default() -> Self {
        Self {
            name: String::new(),
            number: String::new(),
            headers: Vec::new(),
            max_forwards: MAX_FORWARDS,
        }
    }
}

/// How many servers may pass a call on (RFC 3261 §8.1.1.6).
pub(super) const MAX_FORWARDS: u8 = 70;

/// What happens in a leg.
pub(super) enum LegEvent {
    /// The far end rings.
    Ringing,
    /// The far end answered.
    Answered,
    /// Sound has a path now.
    Connected,
    /// A key was pressed.
    Digit(char),
    /// The phone that rings sends the call elsewhere; the end of the leg comes next.
    Moved(Vec<String>),
    /// The phone wants to transfer whom it talks to.
    Referred(Box<ReferRequest>),
    /// Another conversation asks for a side of this one.
    Taken(Take),
    /// It is over.
    Ended(DialogEnd),
}

/// Why a stretch of sound came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The time was up.
    Time,
    /// The far end hung up.
    HungUp,
    /// A key that ends it.
    Digit,
    /// The phone has transferred the other side to somebody simulated as well.
    Transferred,
}

impl Leg {
    /// A leg for a call that came in, and the answer to its offer.
    pub(super) async fn answering(
        pbx: &Arc<SmallPbx>,
        invite: &IncomingInvite,
        caller: &Agent,
        call: CallId,
    ) -> Result<(Self, String), MediaError> {
        let inbox = pbx.inbox(invite.dialog);
        let Some(offer) = &invite.sdp else {
            return Err(MediaError::OfferAnswer("a call without an offer"));
        };
        let plan = if offer.contains("UDP/TLS/RTP/SAVP") {
            KeyingPlan::Webrtc
        } else {
            KeyingPlan::Plain
        };
        let config = media_config(pbx, CODECS.to_vec(), plan);
        let (session, answer, media) = Session::answer(config, offer).await?;
        let answer = translated(pbx, answer);
        let leg = Self {
            dialog: invite.dialog,
            session,
            pbx: pbx.clone(),
            inbox,
            media,
            agent: caller.id,
            call,
            about: About {
                number: invite.request_user.clone(),
                ..About::default()
            },
            occupied: Some(Occupied::new(pbx, caller.id, Occupation::Call)),
            connected: false,
            over: false,
            hung_up: false,
        };
        Ok((leg, answer))
    }

    /// Calls an agent's phone. The sentence says why it could not be called.
    pub(super) async fn calling(
        pbx: &Arc<SmallPbx>,
        agent: &Agent,
        contact: Contact,
        about: About,
        call: CallId,
    ) -> Result<Self, String> {
        let from = pbx.address(&about.name, &about.number);
        let mut headers = about.headers.clone();
        let plan = if agent.text("typology") == "phonebar" {
            if agent.is("encryption") {
                KeyingPlan::Sdes
            } else {
                KeyingPlan::Plain
            }
        } else {
            KeyingPlan::Webrtc
        };
        let config = media_config(pbx, CODECS.to_vec(), plan);
        let (session, offer, media) = Session::offer(config).await.map_err(|e| e.to_string())?;
        let offer = translated(pbx, offer);
        headers.insert(
            0,
            (
                "P-Asserted-Identity".to_owned(),
                format!(
                    "\"{}\" <{}>",
                    from.display_name.replace(['"', '\\', '\r', '\n'], ""),
                    from.uri
                ),
            ),
        );
        headers.extend(
            contact
                .path
                .into_iter()
                .map(|hop| ("Route".to_owned(), hop)),
        );
        headers.push(("Max-Forwards".to_owned(), about.max_forwards.to_string()));
        let target = CallTarget::Contact {
            uri: contact.uri,
            flow: contact.flow,
            from,
        };
        let dialog = pbx
            .endpoint
            .invite(target, offer, headers)
            .await
            .map_err(|e| e.to_string())?;
        pbx.ringing().insert(dialog, agent.id);
        Ok(Self {
            dialog,
            session,
            inbox: pbx.inbox(dialog),
            pbx: pbx.clone(),
            media,
            agent: agent.id,
            call,
            about,
            occupied: Some(Occupied::new(pbx, agent.id, Occupation::Ringing)),
            connected: false,
            over: false,
            hung_up: false,
        })
    }

    /// The next thing that matters; offers of the far end are answered here. Safe to drop at any await.
    pub(super) async fn next(&mut self) -> LegEvent {
        loop {
            tokio::select! {
                event = self.inbox.recv() => match event {
                    Some(Mail::Take(take)) => return LegEvent::Taken(take),
                    Some(Mail::Sip(event)) => if let Some(event) = self.take(*event) {
                        return event;
                    },
                    None => {
                        self.over = true;
                        return LegEvent::Ended(DialogEnd::Local);
                    }
                },
                Some(event) = self.media.recv() => match event {
                    SessionEvent::Connected => {
                        self.connected = true;
                        return LegEvent::Connected;
                    }
                    SessionEvent::Dtmf(digit) => return LegEvent::Digit(digit),
                    SessionEvent::Failed(error) => {
                        tracing::warn!(%error, "a call's sound failed");
                        self.hang_up(None);
                    }
                    SessionEvent::Interrupted
                    | SessionEvent::Resumed
                    | SessionEvent::RecordingFailed(_)
                    | SessionEvent::Stats(_) => {}
                },
            }
        }
    }

    fn take(&mut self, event: Event) -> Option<LegEvent> {
        match event {
            Event::Provisional { sdp, .. } => {
                self.apply(sdp);
                Some(LegEvent::Ringing)
            }
            Event::Answered { sdp, .. } => {
                self.apply(sdp);
                self.pbx.ringing().remove(&self.dialog);
                self.occupied = Some(Occupied::new(&self.pbx, self.agent, Occupation::Call));
                Some(LegEvent::Answered)
            }
            Event::Reoffer { sdp, .. } => {
                let answer = sdp.and_then(|offer| {
                    self.session
                        .answer_reoffer(&offer, false)
                        .inspect_err(|error| tracing::warn!(%error, "a new offer was refused"))
                        .map(|answer| translated(&self.pbx, answer))
                        .ok()
                });
                let _ = self.pbx.endpoint.answer_reoffer(self.dialog, answer);
                None
            }
            Event::Info { body, .. } => dtmf_of_info(&body).map(LegEvent::Digit),
            Event::Redirected { targets, .. } => Some(LegEvent::Moved(targets)),
            Event::Referred(wish) => Some(LegEvent::Referred(Box::new(wish))),
            Event::Ended { end, .. } => {
                self.over = true;
                self.occupied = None;
                self.pbx.ringing().remove(&self.dialog);
                Some(LegEvent::Ended(end))
            }
            _ => None,
        }
    }

    fn apply(&mut self, sdp: Option<String>) {
        if let Some(sdp) = sdp
            && let Err(error) = self.session.apply_answer(&sdp)
        {
            tracing::warn!(%error, "an answer was refused");
            self.hang_up(None);
        }
    }

    /// Ends the leg; `reason` becomes the `Reason` header.
    pub(super) fn hang_up(&mut self, reason: Option<&str>) {
        if !self.over && !std::mem::replace(&mut self.hung_up, true) {
            let _ = self
                .pbx
                .endpoint
                .hang_up(self.dialog, reason.map(str::to_owned));
        }
    }

    /// Sends keys to the phone.
    fn pass_digit(&self, digit: char) {
        let _ = self.session.send_dtmf(&digit.to_string());
    }

    /// Ends the leg when the system stops or the leg is dropped.
    fn stopping(&self) -> watch::Receiver<bool> {
        self.pbx.stopped.subscribe()
    }

    /// Lets `sound` speak and listen for at most `limit`: it is given what was heard and whether there is a path yet,
    /// and fills what to say. `digits` is given each key and says whether it ends this.
    pub(super) async fn run(
        &mut self,
        limit: Option<Duration>,
        mut digits: impl FnMut(char) -> bool,
        mut sound: impl FnMut(&Block, bool, &mut Block),
    ) -> Ending {
        let mut clock = Clock::new();
        let until = limit.map(|limit| Instant::now() + limit);
        let mut stop = self.stopping();
        let (mut heard, mut say) = ([0.0; BLOCK], [0.0; BLOCK]);
        // The phone that the call is being transferred to.
        let mut next: Option<Box<Self>> = None;
        loop {
            tokio::select! {
                biased;
                _ = clock.tick() => {
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return Ending::Time;
                    }
                    self.session.exchange(&say, &mut heard);
                    sound(&heard, self.connected, &mut say);
                }
                event = self.next(), if !self.over => match event {
                    LegEvent::Ended(_) if next.is_none() => return Ending::HungUp,
                    LegEvent::Digit(digit) if digits(digit) => return Ending::Digit,
                    LegEvent::Referred(wish) => {
                        let pbx = self.pbx.clone();
                        match transfer::refer(&pbx, self, &wish).await {
                            Referral::Refused => {}
                            Referral::Ringing(leg) => next = Some(leg),
                            Referral::Joined(leg) => self.give_way(*leg),
                            Referral::Service(number) => {
                                transfer::note(&pbx, self.call, &number);
                                return Ending::Transferred;
                            }
                            Referral::Simulated(_) => {
                                transfer::through(&pbx, &wish);
                                return Ending::Transferred;
                            }
                        }
                    }
                    LegEvent::Taken(take) => {
                        // Who speaks here is no phone that could be handed over.
                        if let Some(leg) = take.leg {
                            self.give_way(*leg);
                        }
                        let _ = take.reply.send(None);
                    }
                    _ => {}
                },
                event = next_of(&mut next), if next.is_some() => match event {
                    LegEvent::Answered => if let Some(leg) = next.take() {
                        self.give_way(*leg);
                    },
                    LegEvent::Ended(_) => {
                        next = None;
                        if self.over {
                            return Ending::HungUp;
                        }
                    }
                    _ => {}
                },
                _ = stop.changed() => return Ending::HungUp,
            }
        }
    }

    /// Another phone goes on in place of this one, which is hung up.
    fn give_way(&mut self, mut other: Self) {
        let to = other.pbx.centre.store().agent(other.agent);
        let to = to.ok().flatten().map(|agent| agent.extension().to_owned());
        transfer::note(&self.pbx, self.call, &to.unwrap_or_default());
        other.call = self.call;
        *self = other;
    }

    /// Joins two legs until one hangs up; `heard` is given what the first said. A leg that is left alone goes on with
    /// the number that comes back with it.
    pub(super) async fn bridge(
        first: Self,
        second: Self,
        mut heard: impl FnMut(&Block),
    ) -> Option<(Self, String)> {
        let pbx = first.pbx.clone();
        let mut clock = Clock::new();
        let mut stop = first.stopping();
        let mut said = [[0.0; BLOCK]; 2];
        let mut legs = [first, second];
        // The phone that takes the place of one of them.
        let (mut next, mut place): (Option<Box<Self>>, usize) = (None, 0);
        loop {
            let [first, second] = &mut legs;
            let (at, event) = tokio::select! {
                biased;
                _ = clock.tick() => {
                    let [of_first, of_second] = &mut said;
                    first.session.exchange(of_second, of_first);
                    second.session.exchange(of_first, of_second);
                    heard(of_first);
                    continue;
                }
                event = first.next(), if !first.over => (0, event),
                event = second.next(), if !second.over => (1, event),
                event = next_of(&mut next), if next.is_some() => {
                    match event {
                        LegEvent::Answered => if let Some(leg) = next.take() {
                            legs[place].give_way(*leg);
                        },
                        LegEvent::Ended(_) => {
                            next = None;
                            if legs[place].over {
                                return None;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                _ = stop.changed() => return None,
            };
            match event {
                LegEvent::Ended(_) if next.is_none() || place != at => return None,
                LegEvent::Digit(digit) => legs[1 - at].pass_digit(digit),
                LegEvent::Referred(wish) => match transfer::refer(&pbx, &legs[at], &wish).await {
                    Referral::Refused => {}
                    Referral::Ringing(leg) => (next, place) = (Some(leg), at),
                    Referral::Joined(leg) => legs[at].give_way(*leg),
                    Referral::Service(number) => {
                        transfer::note(&pbx, legs[at].call, &number);
                        return Some((left_alone(legs, at), number));
                    }
                    Referral::Simulated(there) => {
                        transfer::through(&pbx, &wish);
                        let left = left_alone(legs, at);
                        pbx.take(there, Some(Box::new(left))).await;
                        return None;
                    }
                },
                LegEvent::Taken(take) => match take.leg {
                    Some(leg) => {
                        legs[at].give_way(*leg);
                        let _ = take.reply.send(None);
                    }
                    None => {
                        let _ = take.reply.send(Some(Box::new(left_alone(legs, at))));
                        return None;
                    }
                },
                _ => {}
            }
        }
    }
}

/// The other one of two legs.
fn left_alone(legs: [Leg; 2], gone: usize) -> Leg {
    let [first, second] = legs;
    if gone == 0 { second } else { first }
}

/// What happens in a leg that may not be there.
async fn next_of(leg: &mut Option<Box<Leg>>) -> LegEvent {
    match leg {
        Some(leg) => leg.next().await,
        None => std::future::pending().await,
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.hang_up(None);
        self.session.close();
        self.pbx.ringing().remove(&self.dialog);
        if self.over {
            self.pbx.dialogs().remove(&self.dialog);
        }
    }
}

/// A phone counted as ringing or in a call for as long as this lives.
pub(super) struct Occupied {
    centre: Arc<Centre>,
    agent: i64,
    kind: Occupation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupation {
    Ringing,
    Call,
}

impl Occupied {
    pub(super) fn new(pbx: &SmallPbx, agent: i64, kind: Occupation) -> Self {
        let centre = pbx.centre.clone();
        centre.change_phone(agent, |phone| match kind {
            Occupation::Ringing => phone.ringing += 1,
            Occupation::Call => phone.calls += 1,
        });
        Self {
            centre,
            agent,
            kind,
        }
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.centre
            .change_phone(self.agent, |phone| match self.kind {
                Occupation::Ringing => phone.ringing = phone.ringing.saturating_sub(1),
                Occupation::Call => phone.calls = phone.calls.saturating_sub(1),
            });
        if let Some(crate::pbx::Switch::Small(pbx)) = self.centre.switch.get() {
            pbx.look_again();
        }
    }
}

/// A sine of constant level.
#[derive(Debug)]
pub(super) struct Tone {
    phase: f32,
    step: f32,
    amplitude: f32,
}

impl Tone {
    pub(super) fn new(hertz: f32, amplitude: f32) -> Self {
        Self {
            phase: 0.0,
            step: hertz * std::f32::consts::TAU / SAMPLE_RATE as f32,
            amplitude,
        }
    }

    pub(super) fn fill(&mut self, block: &mut Block) {
        for sample in block {
            *sample = self.phase.sin() * self.amplitude;
            self.phase = (self.phase + self.step) % std::f32::consts::TAU;
        }
    }
}

/// A recorded voice, said again after a pause.
pub(super) struct Speech {
    samples: Vec<f32>,
    at: usize,
}

impl Speech {
    const PAUSE: usize = SAMPLE_RATE as usize;

    pub(super) fn new(mut samples: Vec<f32>) -> Self {
        samples.resize(samples.len() + Self::PAUSE, 0.0);
        Self { samples, at: 0 }
    }

    pub(super) fn fill(&mut self, block: &mut Block) {
        for sample in block {
            *sample = self.samples[self.at];
            self.at = (self.at + 1) % self.samples.len();
        }
    }
}

/// Ticks of 10 ms; what was missed is made up for.
struct Clock(tokio::time::Interval);

impl Clock {
    fn new() -> Self {
        let mut interval = interval(Duration::from_millis(10));
        interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self(interval)
    }

    async fn tick(&mut self) {
        self.0.tick().await;
    }
}

fn media_config(pbx: &SmallPbx, codecs: Vec<Codec>, plan: KeyingPlan) -> MediaConfig {
    MediaConfig {
        codecs,
        plan,
        ice_servers: Vec::new(),
        tls: None,
        bind: pbx.bind.clone(),
        latch: true,
    }
}

/// Names the address that the telephone system takes for its own; with ICE the phone finds out by itself.
fn translated(pbx: &SmallPbx, sdp: String) -> String {
    let Some(address) = pbx.config.rtp_address else {
        return sdp;
    };
    if sdp.contains("UDP/TLS/") {
        return sdp;
    }
    let lines = sdp.lines().map(|line| match line.rsplit_once(" IP4 ") {
        Some((before, _)) => format!("{before} IP4 {address}\r\n"),
        None => format!("{line}\r\n"),
    });
    lines.collect()
}

/// `Signal=5` of an `application/dtmf-relay`, or a lone digit.
fn dtmf_of_info(body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body).ok()?;
    let digit = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Signal="))
        .unwrap_or(text)
        .trim();
    let mut chars = digit.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii_digit() || "*#ABCD".contains(c) => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::dtmf_of_info;

    #[test]
    fn digits_in_info_are_read() {
        for (body, digit) in [
            (&b"Signal=5\r\nDuration=160"[..], Some('5')),
            (b"#", Some('#')),
            (b"Signal=12", None),
            (b"\xff", None),
            (b"", None),
        ] {
            assert_eq!(dtmf_of_info(body), digit);
        }
    }
}
