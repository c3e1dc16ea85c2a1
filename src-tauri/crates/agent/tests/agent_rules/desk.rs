//! An agent at a desk with a virtual clock, for the tables.

use std::time::Duration;

use serde_json::{Value, json};
use sidetone_agent::{
    Agent, AnswerWish, CallEnd, CallId, CallState, CallView, Command, Effect, IncomingCall, Input,
    PauseReason, PresenceReport, Registration, SignIn, Time, TimerId, Tone, View,
};
use sidetone_profile::{Layers, Profile, Secret, ServerSettings, unix_ms, wire};

/// A session and its clock.
pub(crate) struct Desk {
    pub(crate) agent: Agent,
    pub(crate) now: Time,
}

impl Desk {
    /// Nobody is signed in.
    pub(crate) fn empty() -> Self {
        Self {
            agent: Agent::new(),
            // Not zero: the process has run for a while.
            now: Time(5_000),
        }
    }

    /// Signed in with these settings, registered, ready.
    pub(crate) fn ready(settings: Value) -> Self {
        Self::with_presence(settings, ready())
    }

    /// Signed in with these settings, registered, paused.
    pub(crate) fn paused(settings: Value) -> Self {
        Self::with_presence(settings, paused("Lunch"))
    }

    pub(crate) fn with_presence(settings: Value, presence: PresenceReport) -> Self {
        let mut desk = Self::empty();
        desk.give(Input::Command(sign_in()));
        desk.give(Input::SignIn(accepted(profile(settings), presence)));
        desk.give(Input::Registration(Registration::Registered));
        desk
    }

    pub(crate) fn give(&mut self, input: Input) -> Vec<Effect> {
        self.agent.handle(self.now, input)
    }

    pub(crate) fn command(&mut self, command: Command) -> Vec<Effect> {
        self.give(Input::Command(command))
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
    }

    /// A customer calls.
    pub(crate) fn ring(&mut self) -> (CallId, Vec<Effect>) {
        let call = self.agent.new_call();
        let effects = self.give(Input::Incoming(IncomingCall {
            reference: String::new(),
            call,
            caller_name: "Grace".to_owned(),
            caller_number: "5550123".to_owned(),
            queue: Some("support".to_owned()),
            variables: Vec::new(),
            answer: AnswerWish::Any,
        }));
        (call, effects)
    }

    /// A customer calls whom no queue sent.
    pub(crate) fn ring_directly(&mut self) -> (CallId, Vec<Effect>) {
        self.ring_as(|call| call.queue = None)
    }

    /// A customer calls with something of their own.
    pub(crate) fn ring_as(
        &mut self,
        change: impl FnOnce(&mut IncomingCall),
    ) -> (CallId, Vec<Effect>) {
        let call = self.agent.new_call();
        let mut incoming = IncomingCall {
            reference: format!("{}@pbx.example.com", call.0),
            call,
            caller_name: "Grace".to_owned(),
            caller_number: "5550123".to_owned(),
            queue: Some("support".to_owned()),
            variables: Vec::new(),
            answer: AnswerWish::Any,
        };
        change(&mut incoming);
        (call, self.give(Input::Incoming(incoming)))
    }

    /// A call rings, is answered, and the far end knows.
    pub(crate) fn pick_up(&mut self, call: CallId) -> Vec<Effect> {
        let mut effects = self.command(Command::Answer { call });
        effects.extend(self.give(Input::Answered { call }));
        assert_eq!(self.call(call).state, CallState::Up);
        effects
    }

    /// The server says what it sets for all agents.
    pub(crate) fn server(&mut self, change: impl FnOnce(&mut ServerSettings)) -> Vec<Effect> {
        let mut settings = ServerSettings::default();
        change(&mut settings);
        self.give(Input::ServerSettings(Box::new(settings)))
    }

    /// The server's clock was read.
    pub(crate) fn clock(&mut self, moment: &str) -> Vec<Effect> {
        let unix_ms = unix_ms(moment).expect("a moment");
        self.give(Input::ServerClock { unix_ms })
    }

    /// A customer calls and is talked with.
    pub(crate) fn talk(&mut self) -> CallId {
        let (call, _) = self.ring();
        self.command(Command::Answer { call });
        self.give(Input::Answered { call });
        assert_eq!(self.call(call).state, CallState::Up);
        call
    }

    pub(crate) fn dial(&mut self, number: &str) -> (CallId, Vec<Effect>) {
        let effects = self.command(Command::Dial {
            number: number.to_owned(),
        });
        let call = effects.iter().find_map(|effect| match effect {
            Effect::Dial { call, .. } => Some(*call),
            _ => None,
        });
        (call.unwrap_or_default(), effects)
    }

    pub(crate) fn end(&mut self, call: CallId, end: CallEnd) -> Vec<Effect> {
        self.give(Input::Ended { call, end })
    }

    pub(crate) fn view(&self) -> View {
        self.agent.view(self.now)
    }

    pub(crate) fn call(&self, call: CallId) -> CallView {
        let view = self.view();
        let found = view.calls.into_iter().find(|shown| shown.id == call);
        found.expect("the call is shown")
    }

    pub(crate) fn codes(&self) -> Vec<String> {
        self.view()
            .toasts
            .iter()
            .map(|toast| code(&toast.notice))
            .collect()
    }
}

/// The code of a notice, as the word files know it.
pub(crate) fn code(notice: &sidetone_agent::Notice) -> String {
    let notice = serde_json::to_value(notice).expect("a notice is JSON");
    notice["code"]
        .as_str()
        .expect("a notice has a code")
        .to_owned()
}

pub(crate) fn sign_in() -> Command {
    Command::SignIn {
        server: "https://cc.example.com".to_owned(),
        name: "ada".to_owned(),
        password: Secret::new("correct horse"),
        code: None,
    }
}

pub(crate) fn profile(settings: Value) -> Box<Profile> {
    let mut document = json!({
        "id": 7, "name": "ada", "fullname": "Ada Lovelace", "internal": "1001", "allow": "opus,alaw",
    });
    for (field, value) in settings.as_object().expect("settings") {
        document[field] = value.clone();
    }
    let (profile, _) = wire::read(&document).expect("a profile");
    Box::new(profile)
}

/// A profile of three layers: IT's policy, the server's settings, the agent's own choice.
pub(crate) fn layered(policy: Value, server: Value, own: Value) -> Box<Profile> {
    let map = |value: Value| value.as_object().expect("settings").clone();
    let mut layers = Layers {
        policy: map(policy),
        server: map(server),
        own: map(own),
    };
    for (field, value) in [
        ("id", json!(7)),
        ("name", json!("ada")),
        ("fullname", json!("Ada Lovelace")),
        ("internal", json!("1001")),
        ("allow", json!("opus,alaw")),
    ] {
        layers.server.entry(field).or_insert(value);
    }
    Box::new(layers.resolve().expect("a profile").0)
}

pub(crate) fn accepted(profile: Box<Profile>, presence: PresenceReport) -> SignIn {
    SignIn::Accepted {
        profile,
        profile_faults: Vec::new(),
        reasons: vec![PauseReason {
            id: 1,
            name: "Lunch".to_owned(),
        }],
        queues: Vec::new(),
        presence,
    }
}

pub(crate) fn ready() -> PresenceReport {
    PresenceReport {
        online: true,
        online_for_ms: 60_000,
        ..PresenceReport::default()
    }
}

pub(crate) fn paused(reason: &str) -> PresenceReport {
    PresenceReport {
        paused: true,
        reason: Some(reason.to_owned()),
        paused_for_ms: 2_000,
        ..ready()
    }
}

/// What is done besides telling the agent about it.
pub(crate) fn deeds(effects: Vec<Effect>) -> Vec<Effect> {
    let is_toast = |effect: &Effect| {
        matches!(
            effect,
            Effect::StartTimer {
                timer: TimerId::ToastEnd(_),
                ..
            }
        )
    };
    effects
        .into_iter()
        .filter(|effect| !is_toast(effect))
        .collect()
}

/// The last tone asked for, when one was.
pub(crate) fn tone(effects: &[Effect]) -> Option<Option<Tone>> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Tone(tone) => Some(*tone),
        _ => None,
    })
}

pub(crate) fn rings(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Ringing { .. } | Effect::ShowRinging { .. } | Effect::Tone(Some(Tone::Ring))
        )
    })
}

pub(crate) fn answers(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Answer { .. }))
}
