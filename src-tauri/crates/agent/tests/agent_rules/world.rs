//! A world that does anything to an agent, and watches that no rule is broken.
//!
//! What is true is kept from what was given in and what came out, not from what the agent's screen shows.

mod events;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sidetone_agent::{
    CallId, CallState, Command, Effect, Input, MediaState, Phase, PresenceReport, PresenceState,
    SignIn, Time, TimerId, Tone, TransferState, View,
};
use sidetone_profile::{Channel, Disposition};

use crate::desk::{Desk, ready};
use events::{beepall, server, settings};

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
    /// Those that the mixer lets hear each other.
    conference: BTreeSet<CallId>,
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
            conference: BTreeSet::new(),
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
                Effect::Conference { calls } => {
                    self.conference = calls.iter().copied().collect();
                }
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

        let open: Vec<_> = self
            .lines
            .iter()
            .filter(|(_, line)| **line == Line::Open)
            .collect();
        let joined = open.iter().all(|(call, _)| self.conference.contains(call));
        if open.len() > 1 && joined {
            self.reach("joined");
        } else if open.len() > 1 {
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
}
