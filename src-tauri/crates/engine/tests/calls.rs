//! Whole calls between the engine and a far end made of the project's own `sip` and `media`, over UDP on loopback.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::f32::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sidetone_engine::agent::{CallId, CallState, Command, Phase};
use sidetone_engine::{
    AudioSetup, Command as EngineCommand, Engine, EngineConfig, MemorySecrets, SecretStore,
    Snapshot,
};
use sidetone_media::{
    BLOCK, Block, Direction, KeyingPlan, MediaConfig, SAMPLE_RATE, Session, SessionEvent,
};
use sidetone_profile::{Codec, Secret};
use sidetone_sip::{
    Authenticator, CallTarget, DialogEnd, Endpoint, EndpointConfig, Event, IncomingInvite, Listen,
    NameAddr, RegisterRequest,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Only a broken test waits this long.
const LONG: Duration = Duration::from_secs(60);

struct Users;

impl Authenticator for Users {
    fn realm(&self) -> String {
        "test".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("right"))
    }
}

/// The far end: a registrar that may call and be called.
struct Peer {
    endpoint: Endpoint,
    events: UnboundedReceiver<Event>,
}

impl Peer {
    async fn start() -> Self {
        let (endpoint, events) = Endpoint::start(EndpointConfig {
            user_agent: "peer".to_owned(),
            listen: vec![Listen::Udp(([127, 0, 0, 1], 0).into())],
            authenticator: Some(Arc::new(Users)),
            ..EndpointConfig::default()
        })
        .await
        .unwrap();
        Self { endpoint, events }
    }

    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let event = timeout(LONG, self.events.recv())
                .await
                .unwrap_or_else(|_| panic!("waited for {what}"))
                .expect("the peer runs");
            if let Some(found) = pick(event) {
                return found;
            }
        }
    }

    async fn registered(&mut self) -> RegisterRequest {
        self.until("REGISTER", |event| match event {
            Event::Registered(request) if request.expires_s > 0 => Some(request),
            _ => None,
        })
        .await
    }

    async fn incoming(&mut self) -> IncomingInvite {
        self.until("INVITE", |event| match event {
            Event::Incoming(invite) => Some(invite),
            _ => None,
        })
        .await
    }
}

fn media() -> MediaConfig {
    MediaConfig {
        codecs: vec![Codec::Opus, Codec::Alaw],
        plan: KeyingPlan::Plain,
        ice_servers: Vec::new(),
        bind: vec![[127, 0, 0, 1].into()],
        latch: true,
    }
}

/// Sends a tone, as long as it lives.
struct Talker(Arc<AtomicBool>);

impl Talker {
    fn start(session: &Session) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (ends, session) = (Arc::clone(&stop), session.clone());
        std::thread::spawn(move || {
            let mut heard: Block = [0.0; BLOCK];
            let mut at = 0_u32;
            while !ends.load(Ordering::Relaxed) {
                let said: Block = std::array::from_fn(|_| {
                    at = (at + 1) % SAMPLE_RATE;
                    0.3 * (TAU * 440.0 * at as f32 / SAMPLE_RATE as f32).sin()
                });
                session.exchange(&said, &mut heard);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self(stop)
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Phone {
    engine: Engine,
    folder: PathBuf,
}

impl Phone {
    async fn start(name: &str, peer: &Peer, secret: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("sidetone-calls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let profile = folder.join("agent.toml");
        let port = peer.endpoint.listening()[0].port();
        std::fs::write(
            &profile,
            format!(
                "fullname = \"Anna Example\"\ntypology = \"phonebar\"\nallow = [\"opus\", \"alaw\"]\n\
                 [sip]\nuser = \"1001\"\ndomain = \"127.0.0.1\"\ntransport = \"udp\"\nhost = \"127.0.0.1\"\nport = {port}\n"
            ),
        )
        .unwrap();
        let secrets = MemorySecrets::default();
        secrets
            .set("sip:1001@127.0.0.1", &Secret::new(secret))
            .unwrap();
        let engine = Engine::start(EngineConfig {
            audio: AudioSetup::Null,
            ca: None,
            settings_dir: None,
            secrets: Arc::new(secrets),
            standalone: Some(profile),
            policy: None,
        })
        .await
        .unwrap();
        Self { engine, folder }
    }

    fn ask(&self, command: Command) {
        self.engine.command(EngineCommand::Agent(command));
    }

    async fn until<T>(&self, what: &str, pick: impl Fn(&Snapshot) -> Option<T>) -> T {
        let mut snapshots = self.engine.snapshots();
        let found = timeout(LONG, async {
            loop {
                if let Some(found) = pick(&snapshots.borrow_and_update()) {
                    return found;
                }
                snapshots.changed().await.expect("the engine runs");
            }
        })
        .await;
        found
            .unwrap_or_else(|_| panic!("waited for {what}: {:?}", self.engine.snapshots().borrow()))
    }

    async fn until_green(&self) {
        self.until("green light", |s| s.view.light.green.then_some(()))
            .await;
    }

    async fn until_state(&self, state: CallState) -> CallId {
        self.until(&format!("{state:?}"), |s| {
            let call = s.view.calls.iter().rfind(|c| c.state == state)?;
            Some(call.id)
        })
        .await
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placed_call_is_heard_held_resumed_keyed_and_ended_by_the_far_end() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("placed", &peer, "right").await;
    phone.until_green().await;
    assert_eq!(
        phone.engine.snapshots().borrow().view.phase,
        Phase::SignedIn
    );

    phone.ask(Command::Dial {
        number: "600".to_owned(),
    });
    let invite = peer.incoming().await;
    assert_eq!(invite.request_user, "600");
    peer.endpoint.ringing(invite.dialog, None).unwrap();
    phone.until_state(CallState::RemoteRinging).await;
    let (session, answer, mut heard) = Session::answer(media(), &invite.sdp.unwrap())
        .await
        .unwrap();
    peer.endpoint.accept(invite.dialog, answer).unwrap();
    let talker = Talker::start(&session);
    let call = phone.until_state(CallState::Up).await;
    phone
        .until("the far end's tone", |s| {
            let media = s.media.as_ref()?;
            (media.codec.eq_ignore_ascii_case("opus") && media.level_in_dbov > -30.0).then_some(())
        })
        .await;

    phone.ask(Command::Dtmf {
        call,
        digits: "42#".to_owned(),
    });
    let mut digits = String::new();
    while digits.len() < 3 {
        match timeout(LONG, heard.recv()).await.expect("digits in time") {
            Some(SessionEvent::Dtmf(digit)) => digits.push(digit),
            Some(_) => {}
            None => panic!("the session ended after {digits:?}"),
        }
    }
    assert_eq!(digits, "42#");

    for (hold, ours, after) in [
        (true, Direction::RecvOnly, CallState::Held),
        (false, Direction::SendRecv, CallState::Up),
    ] {
        phone.ask(if hold {
            Command::Hold { call }
        } else {
            Command::Resume { call }
        });
        let offer = peer
            .until("a new offer", |event| match event {
                Event::Reoffer { sdp, .. } => sdp,
                _ => None,
            })
            .await;
        let answer = session.answer_reoffer(&offer, false).unwrap();
        assert_eq!(session.direction(), ours);
        let shown = phone.engine.snapshots().borrow().view.calls[0].state;
        assert_ne!(shown, after, "shown before the far end agreed");
        peer.endpoint
            .answer_reoffer(invite.dialog, Some(answer))
            .unwrap();
        phone.until_state(after).await;
    }

    drop(talker);
    peer.endpoint.hang_up(invite.dialog, None).unwrap();
    phone.until_state(CallState::Ended).await;
    assert!(phone.engine.snapshots().borrow().media.is_none());
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_in_rings_is_answered_and_hung_up() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("incoming", &peer, "right").await;
    let binding = peer.registered().await;
    phone.until_green().await;

    let (session, offer, _heard) = Session::offer(media()).await.unwrap();
    let target = CallTarget::Contact {
        uri: binding.contact,
        flow: binding.flow,
        from: NameAddr {
            display_name: "Casey Caller".to_owned(),
            user: "5550100".to_owned(),
            uri: "sip:5550100@127.0.0.1".to_owned(),
        },
    };
    let headers = vec![("X-Queue".to_owned(), "support".to_owned())];
    let dialog = peer.endpoint.invite(target, offer, headers).await.unwrap();
    peer.until("180", |event| match event {
        Event::Provisional { status: 180, .. } => Some(()),
        _ => None,
    })
    .await;
    let call = phone.until_state(CallState::Ringing).await;
    let shown = phone.engine.snapshots().borrow().view.calls[0].clone();
    assert_eq!(
        (
            shown.name.as_str(),
            shown.number.as_str(),
            shown.queue.as_deref()
        ),
        ("Casey Caller", "5550100", Some("support"))
    );

    phone.ask(Command::Answer { call });
    let answer = peer
        .until("200", |event| match event {
            Event::Answered { sdp, .. } => sdp,
            _ => None,
        })
        .await;
    session.apply_answer(&answer).unwrap();
    let _talker = Talker::start(&session);
    phone.until_state(CallState::Up).await;
    phone
        .until("the caller's voice", |s| {
            (s.media.as_ref()?.level_in_dbov > -30.0).then_some(())
        })
        .await;

    phone.ask(Command::HangUp { call });
    peer.until("BYE", |event| match event {
        Event::Ended { dialog: over, .. } if over == dialog => Some(()),
        _ => None,
    })
    .await;
    phone.until_state(CallState::Ended).await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_codec_in_common_is_told_and_the_phone_goes_on() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("codec", &peer, "right").await;
    let binding = peer.registered().await;
    phone.until_green().await;
    let odd = MediaConfig {
        codecs: vec![Codec::G722],
        ..media()
    };
    let (_session, offer, _heard) = Session::offer(odd).await.unwrap();
    let target = CallTarget::Contact {
        uri: binding.contact,
        flow: binding.flow,
        from: NameAddr::default(),
    };
    peer.endpoint
        .invite(target, offer, Vec::new())
        .await
        .unwrap();
    let status = peer
        .until("the refusal", |event| match event {
            Event::Ended {
                end: DialogEnd::Refused { status, .. },
                ..
            } => Some(status),
            _ => None,
        })
        .await;
    assert_eq!(status, 488);
    phone.until_green().await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_a_red_light_with_its_reason() {
    let peer = Peer::start().await;
    let phone = Phone::start("refused", &peer, "wrong").await;
    let words = phone
        .until("the refusal", |s| {
            let light = &s.view.light;
            let words = sidetone_engine::words::sentence(&light.notice, "en");
            (!light.green && words.contains("refused")).then_some(words)
        })
        .await;
    assert!(words.contains("password"), "{words}");
    phone.engine.shut_down().await;
}
