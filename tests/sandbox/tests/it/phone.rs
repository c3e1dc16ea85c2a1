//! A phone made of the project's own `sip` and `media`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sidetone_media::{BLOCK, KeyingPlan, MediaConfig, Session, SessionEvent};
use sidetone_profile::{Codec, Secret};
use sidetone_sip::{
    Account, CallTarget, DialogId, Endpoint, EndpointConfig, Event, IncomingInvite,
    RegistrationState, ServerAddress,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::client::{Bench, PATIENCE};

pub(crate) struct Phone {
    pub(crate) endpoint: Endpoint,
    events: mpsc::UnboundedReceiver<Event>,
}

/// A call's sound.
pub(crate) struct Sound {
    pub(crate) session: Session,
    events: mpsc::UnboundedReceiver<SessionEvent>,
}

impl Phone {
    /// Registers with what the server says.
    pub(crate) async fn register(bench: &Bench, token: &str) -> Self {
        let (status, sip) = bench
            .call("GET", "/api/users/me/sip", Some(token), None)
            .await;
        assert_eq!(status, 200, "{sip}");
        let mut phone = Self::with(bench, &sip).await;
        match phone.registration().await {
            RegistrationState::Registered { .. } => phone,
            state => panic!("not registered: {state:?}"),
        }
    }

    /// Why the telephone system refuses this account.
    pub(crate) async fn refused(bench: &Bench, sip: &Value) -> u16 {
        match Self::with(bench, sip).await.registration().await {
            RegistrationState::Refused { status, .. } => status,
            state => panic!("not refused: {state:?}"),
        }
    }

    async fn with(bench: &Bench, sip: &Value) -> Self {
        let text = |field: &str| sip[field].as_str().expect("text").to_owned();
        let (endpoint, events) = Endpoint::start(EndpointConfig {
            user_agent: "test".to_owned(),
            tls: Some(Arc::new(bench.tls())),
            ..EndpointConfig::default()
        })
        .await
        .expect("starts");
        let phone = Self { endpoint, events };
        let server = if sip["transport"] == "udp" {
            let port = sip["port"].as_u64().and_then(|p| u16::try_from(p).ok());
            ServerAddress::Udp(text("host"), port.expect("a port"))
        } else {
            ServerAddress::WebSocket(text("wssUrl").parse().expect("a URL"))
        };
        let secret = Secret::new(text("secret"));
        phone.endpoint.set_account(Some(Account {
            display_name: text("displayName"),
            ..Account::new(&text("user"), &text("domain"), secret, server)
        }));
        phone
    }

    /// The first thing that becomes of the registration.
    async fn registration(&mut self) -> RegistrationState {
        loop {
            match self.next().await {
                Event::Registration(RegistrationState::Trying) => {}
                Event::Registration(state) => return state,
                _ => {}
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv())
            .await
            .expect("an event in time")
            .expect("the endpoint runs")
    }

    /// Whether nothing rings for this long.
    pub(crate) async fn stays_silent(&mut self, span: Duration) -> bool {
        let until = Instant::now() + span;
        while let Ok(event) = tokio::time::timeout_at(until, self.events.recv()).await {
            if matches!(event, Some(Event::Incoming(_)) | None) {
                return false;
            }
        }
        true
    }

    pub(crate) async fn rings(&mut self) -> IncomingInvite {
        loop {
            if let Event::Incoming(invite) = self.next().await {
                return invite;
            }
        }
    }

    pub(crate) async fn answer(&self, invite: &IncomingInvite) -> Sound {
        let offer = invite.sdp.as_deref().expect("an offer");
        let (session, answer, events) = Session::answer(config(plan(offer)), offer)
            .await
            .expect("an answer");
        self.endpoint
            .accept(invite.dialog, answer)
            .expect("accepted");
        Sound { session, events }
    }

    /// Calls a number and waits for the answer.
    pub(crate) async fn call(&mut self, number: &str, plan: KeyingPlan) -> (DialogId, Sound) {
        let (dialog, sound) = self.dial(number, plan).await;
        loop {
            match self.next().await {
                Event::Answered { sdp, .. } => {
                    if let Some(sdp) = sdp {
                        sound.session.apply_answer(&sdp).expect("a good answer");
                    }
                    return (dialog, sound);
                }
                Event::Ended { end, .. } => panic!("{number} did not answer: {end:?}"),
                _ => {}
            }
        }
    }

    pub(crate) async fn dial(&mut self, number: &str, plan: KeyingPlan) -> (DialogId, Sound) {
        self.dial_with(number, plan, Vec::new()).await
    }

    /// Calls a number with extra header fields.
    pub(crate) async fn dial_with(
        &mut self,
        number: &str,
        plan: KeyingPlan,
        headers: Vec<(String, String)>,
    ) -> (DialogId, Sound) {
        let (session, offer, events) = Session::offer(config(plan)).await.expect("an offer");
        let dialog = self
            .endpoint
            .invite(CallTarget::Account(number.to_owned()), offer, headers)
            .await
            .expect("dialled");
        (dialog, Sound { session, events })
    }

    /// Waits for the end of the call in progress.
    pub(crate) async fn ended(&mut self) -> sidetone_sip::DialogEnd {
        loop {
            if let Event::Ended { end, .. } = self.next().await {
                return end;
            }
        }
    }
}

impl Sound {
    /// Says `say` over and over and gives what is heard, from the first moment there is a path.
    pub(crate) async fn talk(&mut self, say: &[f32], span: Duration) -> Vec<f32> {
        timeout(PATIENCE, async {
            loop {
                match self.events.recv().await {
                    Some(SessionEvent::Connected) => return,
                    Some(SessionEvent::Failed(error)) => panic!("no sound: {error}"),
                    Some(_) => {}
                    None => panic!("the session is closed"),
                }
            }
        })
        .await
        .expect("sound has a path in time");
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let (mut heard, mut at) = (Vec::new(), 0);
        for _ in 0..span.as_millis() / 10 {
            ticks.tick().await;
            let mut block = [0.0; BLOCK];
            for sample in &mut block {
                *sample = say[at % say.len()];
                at += 1;
            }
            let mut received = [0.0; BLOCK];
            self.session.exchange(&block, &mut received);
            heard.extend_from_slice(&received);
        }
        heard
    }
}

fn plan(offer: &str) -> KeyingPlan {
    if offer.contains("UDP/TLS/RTP/SAVP") {
        KeyingPlan::Webrtc
    } else {
        KeyingPlan::Plain
    }
}

fn config(plan: KeyingPlan) -> MediaConfig {
    MediaConfig {
        codecs: vec![Codec::Opus, Codec::Alaw, Codec::Ulaw],
        plan,
        ice_servers: Vec::new(),
        tls: None,
        bind: Vec::new(),
        latch: true,
    }
}

/// The record of a call once it is over.
pub(crate) async fn record_of(bench: &Bench, kind: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let (_, calls) = bench.call("GET", "/admin/api/calls", None, None).await;
        let rows = calls["rows"].as_array().expect("rows");
        let over = rows
            .iter()
            .find(|c| c["kind"] == kind && c["state"] == "ended");
        if let Some(call) = over {
            return call.clone();
        }
        assert!(Instant::now() < until, "no {kind} call is over: {calls}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
