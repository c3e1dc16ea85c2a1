//! A world that does anything to an agent, and watches that no rule is broken.
//!
//! What is true is kept from what was given in and what came out, not from what the agent's screen shows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use sidetone_agent::{
    CallEnd, CallId, CallProgress, CallState, CallView, Callback, ChannelPresence, Command, Effect,
    IncomingCall, Input, Interaction, LinkState, MediaState, Phase, PresenceReport, PresenceState,
    PreviewCall, QueueMembership, RecordingState, Registration, SignIn, SignInRefusal, Time,
    TimerId, Tone, TransferState, View,
};
use sidetone_profile::{
    Channel, Disposition, PopMoment, PopTarget, ScreenPop, Secret, ServerSettings,
};

use crate::desk::{Desk, accepted, paused, profile, ready, sign_in};

/// What must never be seen.
const SECRETS: [&str; 3] = ["5550123", "Hopper", "grace@example.com"];
/// What a customer's number looks like.
const NUMBER: &str = "+15550123";
/// A queue that rings everybody.
const EVERYBODY: &str = "everybody";

/// Where a call really is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    /// Offered to the agent.
    Offered,
    /// The agent may be heard.
    Open,
    /// The far end has agreed to hold.
    Held,
}

pub(crate) struct World {
    desk: Desk,
    timers: BTreeMap<TimerId, Time>,
    lines: BTreeMap<CallId, Line>,
    /// Answered by the far end or to it: only these can be held.
    established: BTreeSet<CallId>,
    everybody: BTreeSet<CallId>,
    dialled: BTreeSet<CallId>,
    truth: PresenceReport,
    dnd: bool,
    signed_in: bool,
    events: VecDeque<String>,
    reached: BTreeMap<&'static str, u32>,
    steps: u32,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self {
            desk: Desk::ready(settings(0b1111)),
            timers: BTreeMap::new(),
            lines: BTreeMap::new(),
            established: BTreeSet::new(),
            everybody: BTreeSet::new(),
            dialled: BTreeSet::new(),
            truth: ready(),
            dnd: true,
            signed_in: true,
            events: VecDeque::new(),
            reached: BTreeMap::new(),
            steps: 0,
        };
        world.furnish();
        world
    }

    pub(crate) fn last_events(&self) -> &VecDeque<String> {
        &self.events
    }

    pub(crate) fn reached(&self) -> &BTreeMap<&'static str, u32> {
        &self.reached
    }

    /// A run that does not meet what is to be avoided proves nothing.
    pub(crate) fn reached_everything(&self) -> bool {
        [
            "rang",
            "answered by itself",
            "talked",
            "held",
            "two calls",
            "refused undisturbed",
            "paused",
            "wrapped up",
            "transferred",
            "recorded",
            "popped",
            "dialled a hidden number",
            "took an interaction",
            "signed out",
        ]
        .iter()
        .all(|what| self.reached.get(what).copied().unwrap_or(0) >= 3)
    }

    /// One thing happens; what it breaks, in words.
    pub(crate) fn step(&mut self, roll: u64) -> Result<(), String> {
        self.steps += 1;
        let before = self.desk.view();
        let input = self.input(roll, &before);
        let Some(input) = input else {
            return Ok(());
        };
        self.events.push_back(format!("{input:?}"));
        if self.events.len() > 25 {
            self.events.pop_front();
        }
        let busy_before = self
            .lines
            .values()
            .any(|line| matches!(line, Line::Open | Line::Held));
        let effects = self.desk.give(input.clone());
        self.follow(&input, &effects);
        let after = self.desk.view();
        self.check(&input, &effects, &before, &after, busy_before)?;
        if self.steps.is_multiple_of(1_000) {
            self.end_every_call()?;
        }
        Ok(())
    }

    /// Every call can be ended by the agent, with nobody's help but the clock's.
    pub(crate) fn end_every_call(&mut self) -> Result<(), String> {
        for call in self.desk.view().calls {
            for input in [
                Input::Command(Command::HangUp { call: call.id }),
                Input::Timer(TimerId::Overdue(call.id)),
                Input::Timer(TimerId::CardEnd(call.id)),
            ] {
                let effects = self.desk.give(input.clone());
                self.follow(&input, &effects);
                self.desk.wait(60_000);
            }
        }
        let left = self.desk.view().calls;
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("calls that cannot be ended: {left:?}"))
        }
    }

    /// The server says what it says at a sign-in besides the profile.
    fn furnish(&mut self) {
        self.desk.give(Input::ServerSettings(Box::new(server(0))));
        self.desk.give(Input::Dispositions(vec![Disposition {
            id: 1,
            name: "done".to_owned(),
            children: Vec::new(),
        }]));
        self.desk.give(Input::Queues(vec![beepall()]));
    }

    fn follow(&mut self, input: &Input, effects: &[Effect]) {
        match input {
            Input::Incoming(incoming) if self.signed_in => {
                self.lines.entry(incoming.call).or_insert(Line::Offered);
                if incoming.queue.as_deref() == Some(EVERYBODY) {
                    self.everybody.insert(incoming.call);
                }
            }
            // Sound both ways proves the answer of a call that came in, not of one that was dialled.
            Input::Answered { call }
            | Input::Media {
                call,
                state: MediaState::Connected,
            } if self.lines.get(call) == Some(&Line::Open)
                && (matches!(input, Input::Answered { .. }) || !self.dialled.contains(call)) =>
            {
                self.established.insert(*call);
                self.reach("talked");
            }
            Input::HoldConfirmed { call, held } if self.established.contains(call) => {
                let put_back = effects.contains(&Effect::Hold {
                    call: *call,
                    on: true,
                });
                if let Some(line) = self.lines.get_mut(call) {
                    *line = if *held || put_back {
                        Line::Held
                    } else {
                        Line::Open
                    };
                }
                if *held {
                    self.reach("held");
                }
            }
            Input::Ended { call, .. } => self.over(*call),
            Input::Timer(timer)
                if self
                    .timers
                    .get(timer)
                    .is_some_and(|at| *at <= self.desk.now) =>
            {
                self.timers.remove(timer);
            }
            Input::Presence(report) if self.signed_in => {
                self.truth = report.clone();
                if self.truth.paused {
                    self.reach("paused");
                }
            }
            _ => {}
        }
        for effect in effects {
            match effect {
                Effect::StartTimer { timer, at } => {
                    self.timers.insert(*timer, *at);
                }
                Effect::StopTimer(timer) => {
                    self.timers.remove(timer);
                }
                Effect::Answer { call } => {
                    self.lines.insert(*call, Line::Open);
                }
                Effect::Dial { call, number } => {
                    self.dialled.insert(*call);
                    self.lines.insert(*call, Line::Open);
                    if number == NUMBER {
                        self.reach("dialled a hidden number");
                    }
                }
                // From here on the agent may be heard, whatever the far end says later.
                Effect::Hold { call, on: false } if self.lines.contains_key(call) => {
                    self.lines.insert(*call, Line::Open);
                }
                Effect::Reject { call, .. }
                | Effect::Forward { call, .. }
                | Effect::HangUp { call } => self.over(*call),
                Effect::Ringing { .. } => self.reach("rang"),
                Effect::Record { .. } => self.reach("recorded"),
                Effect::ScreenPop(_) => self.reach("popped"),
                Effect::Transfer { .. } => self.reach("transferred"),
                Effect::AcceptInteraction { .. } => self.reach("took an interaction"),
                Effect::SignOut => {
                    self.reach("signed out");
                    self.signed_in = false;
                    self.truth = PresenceReport::default();
                    self.lines.clear();
                    self.established.clear();
                }
                _ => {}
            }
        }
        match input {
            Input::SignIn(SignIn::Accepted {
                profile, presence, ..
            }) if !effects.contains(&Effect::SignOut)
                && self.desk.view().phase == Phase::SignedIn =>
            {
                self.signed_in = true;
                self.truth = presence.clone();
                self.dnd = profile.webrtc.dnd_during_pause;
            }
            Input::Profile(profile) if self.signed_in => {
                self.dnd = profile.webrtc.dnd_during_pause;
            }
            _ => {}
        }
        if self
            .lines
            .values()
            .filter(|line| **line != Line::Offered)
            .count()
            > 1
        {
            self.reach("two calls");
        }
    }

    fn over(&mut self, call: CallId) {
        self.lines.remove(&call);
        self.established.remove(&call);
    }

    fn reach(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    fn check(
        &mut self,
        input: &Input,
        effects: &[Effect],
        before: &View,
        after: &View,
        busy_before: bool,
    ) -> Result<(), String> {
        let broken = |rule: &str| Err(format!("{rule}; effects {effects:#?}"));

        let open = self.lines.values().filter(|line| **line == Line::Open);
        if open.count() > 1 {
            return broken(&format!("two active audio paths: {:?}", self.lines));
        }

        let voice_paused = self.truth.paused
            || self
                .truth
                .channels
                .iter()
                .any(|known| known.channel == Channel::Voice && known.paused);
        let undisturbed = self.signed_in && self.truth.online && voice_paused && self.dnd;
        let rings = after
            .calls
            .iter()
            .any(|call| call.state == CallState::Ringing);
        let disturbs = effects.iter().any(|effect| {
            matches!(
                effect,
                Effect::Ringing { .. }
                    | Effect::ShowRinging { .. }
                    | Effect::Tone(Some(Tone::Ring | Tone::CallWaiting))
            )
        });
        if undisturbed && (rings || disturbs) {
            return broken("rings although not to be disturbed");
        }
        if undisturbed && matches!(input, Input::Incoming(_)) {
            self.reach("refused undisturbed");
        }

        let by_hand = matches!(input, Input::Command(Command::Answer { .. }));
        for effect in effects {
            if let Effect::Answer { call } = effect
                && !by_hand
            {
                if busy_before {
                    return broken("answered by itself during a call");
                }
                if self.everybody.contains(call) {
                    return broken("answered by itself although the queue rings everybody");
                }
                self.reach("answered by itself");
            }
        }

        let confirmed_ready = self.signed_in && self.truth.online && !self.truth.paused;
        if after.presence.state == PresenceState::Ready && !confirmed_ready {
            return broken("shown as ready although the server did not say so");
        }

        if before.wrap_up.is_some()
            && let Input::Incoming(incoming) = input
            && incoming.queue.is_some()
            && disturbs
            && self.lines.contains_key(&incoming.call)
        {
            return broken("a queue call rings in the wrap-up time");
        }
        if after.wrap_up.is_some() {
            self.reach("wrapped up");
        }

        self.check_ends(input, after)
            .or_else(|rule| broken(&rule))?;
        self.check_hidden(effects, after)
            .or_else(|rule| broken(&rule))
    }

    /// Every call has a way to its end.
    fn check_ends(&self, input: &Input, after: &View) -> Result<(), String> {
        for call in &after.calls {
            let waits = |timer| self.timers.contains_key(&timer);
            let watched = match call.state {
                CallState::Answering | CallState::Ending => waits(TimerId::Overdue(call.id)),
                CallState::Ended => waits(TimerId::CardEnd(call.id)),
                _ => true,
            };
            if !watched {
                return Err(format!("nothing ends {call:?}"));
            }
            let transferring = matches!(
                call.transfer,
                Some(TransferState::Asked | TransferState::Ringing)
            );
            if transferring
                && call.state != CallState::Ended
                && !waits(TimerId::TransferOverdue(call.id))
            {
                return Err(format!("nothing ends the transfer of {call:?}"));
            }
            if *input == Input::Command(Command::HangUp { call: call.id })
                && !matches!(call.state, CallState::Ending | CallState::Ended)
            {
                return Err(format!("cannot be hung up: {call:?}"));
            }
        }
        Ok(())
    }

    /// Nothing that leaves shows a customer; only the exchange is told whom to call.
    fn check_hidden(&self, effects: &[Effect], after: &View) -> Result<(), String> {
        let mut seen = String::new();
        for effect in effects {
            if !matches!(
                effect,
                Effect::Dial { .. } | Effect::Transfer { .. } | Effect::Forward { .. }
            ) {
                seen.push_str(&format!("{effect:?}\n"));
            }
        }
        seen.push_str(&format!(
            "{:?}\n{:?}\n{:?}\n{:?}\n",
            after.calls, after.toasts, after.wrap_up, after.interactions
        ));
        // The whole of it is long: now and then is enough for what stays.
        if self.steps.is_multiple_of(50) {
            seen.push_str(&format!("{after:?}\n{:?}", self.desk.agent));
        }
        let leak = SECRETS
            .iter()
            .find_map(|secret| seen.lines().find(|line| line.contains(secret)));
        leak.map_or(Ok(()), |line| Err(format!("shows a customer: {line}")))
    }

    /// What happens, decided by one number.
    fn input(&mut self, roll: u64, before: &View) -> Option<Input> {
        let kind = roll % 78;
        let bits = u8::try_from((roll >> 8) & 0xff).unwrap_or_default();
        let on = bits & 1 == 0;
        // Mostly a call that is there; sometimes one that was, or never is.
        let live = |call: &&CallView| call.state != CallState::Ended;
        let calls: Vec<_> = before.calls.iter().filter(live).collect();
        let pick = |shift: u32| {
            let at = usize::try_from((roll >> shift) & 0xff).unwrap_or_default();
            if at % 16 == 15 || calls.is_empty() {
                CallId(u32::try_from(at).unwrap_or_default())
            } else {
                calls[at % calls.len()].id
            }
        };
        let (call, other) = (pick(16), pick(24));
        let said = || format!("{NUMBER} is not there");
        Some(match kind {
            0..=7 => Input::Incoming(self.incoming(bits)),
            8..=9 => Input::Command(Command::Dial {
                number: "600".to_owned(),
            }),
            10..=15 => {
                let (timer, _) = self.timers.iter().find(|(_, at)| **at <= self.desk.now)?;
                Input::Timer(*timer)
            }
            16..=18 => {
                self.desk.wait((roll >> 32) % 8_000);
                return None;
            }
            19 => Input::Timer(TimerId::AutoAnswer(call)),
            20..=23 => Input::Command(Command::Answer { call }),
            24 => Input::Command(Command::Decline { call }),
            25 => Input::Command(Command::HangUp { call }),
            26..=27 => Input::Command(Command::Hold { call }),
            28..=29 => Input::Command(Command::Resume { call }),
            30 => Input::Command(Command::Mute { on }),
            31 => Input::Command(Command::Dtmf {
                call,
                digits: "1#".to_owned(),
            }),
            32 => Input::Command(Command::Transfer {
                call,
                number: "700".to_owned(),
            }),
            33 => Input::Command(Command::TransferTo { call, other }),
            34 => Input::Command(Command::Record { call, on }),
            35 => Input::Command(Command::PauseRecording { call, on }),
            36 => Input::Progress {
                call,
                progress: if on {
                    CallProgress::Ringing
                } else {
                    CallProgress::EarlyMedia
                },
            },
            37..=40 => Input::Answered { call },
            41..=42 => Input::Ended {
                call,
                end: match bits % 6 {
                    0 => CallEnd::Remote,
                    1 => CallEnd::CallerGaveUp,
                    2 => CallEnd::AnsweredElsewhere,
                    3 => CallEnd::Local,
                    4 => CallEnd::MediaFailed(said()),
                    _ => CallEnd::Refused {
                        status: 499,
                        reason: said(),
                    },
                },
            },
            43..=45 => Input::Media {
                call,
                state: match bits % 5 {
                    0..=2 => MediaState::Connected,
                    3 => MediaState::Interrupted,
                    _ => MediaState::Failed(said()),
                },
            },
            46..=49 => Input::HoldConfirmed {
                call,
                held: !on || bits % 3 == 0,
            },
            50 => Input::RemoteHold { call, held: on },
            51 => Input::Transfer {
                call,
                state: match bits % 4 {
                    0 => TransferState::Asked,
                    1 => TransferState::Ringing,
                    2 => TransferState::Done,
                    _ => TransferState::Failed {
                        status: 404,
                        reason: said(),
                    },
                },
            },
            52 => Input::Recording {
                call,
                state: match bits % 4 {
                    0 => RecordingState::On,
                    1 => RecordingState::Paused,
                    2 => RecordingState::Off,
                    _ => RecordingState::Failed { fault: said() },
                },
            },
            53..=56 => Input::Presence(report(bits)),
            57..=58 => Input::Profile(profile(settings(bits))),
            59 => Input::ServerSettings(Box::new(server(bits))),
            60 => Input::Registration(if bits.is_multiple_of(4) {
                Registration::Trying
            } else {
                Registration::Registered
            }),
            61 => Input::Link(if on {
                LinkState::Up
            } else {
                LinkState::Down("gone".to_owned())
            }),
            62 if bits < 50 => Input::Command(Command::SignOut),
            62 if bits < 60 => Input::SignIn(SignIn::Refused(SignInRefusal::Elsewhere(
                "desk 12".to_owned(),
            ))),
            62 if bits < 70 => Input::Command(Command::TakeOver),
            62 if bits < 80 => Input::SignIn(SignIn::Refused(SignInRefusal::PasswordExpired(
                sidetone_profile::PasswordRules::default(),
            ))),
            62 => Input::Command(Command::ChangePassword {
                current: None,
                new: Secret::new("correct horse"),
            }),
            63..=64 if self.signed_in => return None,
            63 => Input::Command(sign_in()),
            64 => {
                let mut answer = accepted(profile(settings(bits & 0b1111)), report(bits >> 4));
                if let SignIn::Accepted { queues, .. } = &mut answer {
                    *queues = vec![beepall()];
                }
                Input::SignIn(answer)
            }
            65 => interactions(bits),
            66 if on => callbacks(),
            66 => previews(),
            67 if on => Input::Command(Command::StartCallback {
                callback: "c".to_owned(),
            }),
            67 => Input::Command(Command::StartPreview {
                preview: "p".to_owned(),
            }),
            68 => Input::Command(Command::CallAgain {
                entry: before.history.first()?.id,
            }),
            69 => Input::Command(Command::Dispose {
                path: vec![1],
                note: String::new(),
            }),
            70 => Input::Disposed(if on { Ok(()) } else { Err(String::new()) }),
            71 => Input::Command(Command::FinishWrapUp),
            72 if on => Input::Command(Command::AcceptInteraction {
                interaction: "a".to_owned(),
            }),
            72 => Input::Failed("it did not work".to_owned()),
            73 if on => Input::Command(Command::Pickup),
            73 => Input::SipAccountChanged,
            74 => Input::Command(Command::Pause {
                reason: "Lunch".to_owned(),
            }),
            75 => Input::Command(Command::Unpause),
            76 if on => Input::Command(Command::PauseChannel {
                channel: Channel::Voice,
                reason: "Lunch".to_owned(),
            }),
            76 => Input::PresenceFailed {
                detail: String::new(),
            },
            _ => Input::Queues(vec![beepall()]),
        })
    }

    fn incoming(&mut self, bits: u8) -> IncomingCall {
        IncomingCall {
            call: self.desk.agent.new_call(),
            caller_name: "Grace Hopper".to_owned(),
            caller_number: NUMBER.to_owned(),
            queue: match bits % 4 {
                0 => None,
                1 => Some(EVERYBODY.to_owned()),
                _ => Some("support".to_owned()),
            },
            reference: "abc@pbx.example.com".to_owned(),
            variables: [
                ("Phone", "(555) 0123"),
                ("Mail", "grace@example.com"),
                ("Note", "ask Hopper at +1 555-0123"),
                ("Record-Id", "r5550123"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        }
    }
}

/// Masking is always on; everything else by the bits.
fn settings(bits: u8) -> Value {
    json!({
        "privacyEnabled": "partial",
        "phoneBarRingInUse": bits & 1 != 0,
        "phoneBarDnd": bits & 2 != 0,
        "phoneBarAutoAnswer": bits & 4 != 0,
        "phoneBarAutoAnswerDelay": if bits & 8 != 0 { 2 } else { 0 },
        "phoneBarEnableRecording": true,
        "recordingFormat": if bits & 16 != 0 { "gsm" } else { "inactive" },
        "phoneBarNoReply": if bits & 32 != 0 { Some("701") } else { None },
        "phoneBarBusy": if bits & 0b0110_0000 == 0b0110_0000 { Some("702") } else { None },
        "phoneBarUnansweredCallBadge": true,
        "pickupgroup": "1",
        "chatAutoanswer": bits & 64 != 0,
        "chatCapacity": 2,
        "blocked": bits == 0b1000_0000,
    })
}

fn server(bits: u8) -> ServerSettings {
    ServerSettings {
        wrap_up_s: if bits & 1 == 0 { 4 } else { 0 },
        disposition_required: bits & 6 == 6,
        no_answer_s: 5,
        partial_pause: true,
        screen_pops: [PopMoment::Ringing, PopMoment::Answered, PopMoment::Ended]
            .map(|on| ScreenPop {
                queue: None,
                on,
                direction: None,
                open: PopTarget::Program {
                    path: "/usr/bin/crm".to_owned(),
                    args: vec!["{number} {name} {Phone} {Mail} {Note} {Record-Id}".to_owned()],
                },
            })
            .into(),
        ..ServerSettings::default()
    }
}

fn beepall() -> QueueMembership {
    QueueMembership {
        id: 1,
        name: EVERYBODY.to_owned(),
        waiting: None,
        strategy: Some("beepall".to_owned()),
    }
}

fn report(bits: u8) -> PresenceReport {
    match bits % 8 {
        0 => PresenceReport::default(),
        1 | 2 => paused("Lunch"),
        3 => PresenceReport {
            channels: vec![ChannelPresence {
                channel: Channel::Voice,
                paused: true,
                reason: None,
                paused_for_ms: 0,
            }],
            ..ready()
        },
        _ => ready(),
    }
}

fn interactions(bits: u8) -> Input {
    let rows = ["a", "b", "c"].into_iter().zip([1, 2, 4]);
    let listed = rows.filter(|(_, bit)| bits & bit != 0);
    Input::Interactions(
        listed
            .map(|(id, bit)| Interaction {
                id: id.to_owned(),
                channel: Channel::Chat,
                offered: bits & (bit << 3) == 0,
                from: format!("Hopper {NUMBER}"),
                queue: None,
                strategy: None,
                address: None,
            })
            .collect(),
    )
}

fn callbacks() -> Input {
    Input::Callbacks(vec![Callback {
        id: "c".to_owned(),
        name: "Grace Hopper".to_owned(),
        number: NUMBER.to_owned(),
        queue: None,
        due_ms: None,
        note: format!("Hopper asked twice, {NUMBER}"),
    }])
}

fn previews() -> Input {
    Input::Previews(vec![PreviewCall {
        id: "p".to_owned(),
        name: NUMBER.to_owned(),
        number: NUMBER.to_owned(),
        campaign: None,
    }])
}
