//! Whatever happens, in whatever order: rules that always hold.

use crate::desk::{Desk, accepted, paused, profile, ready, sign_in};
use proptest::prelude::*;
use serde_json::json;
use sidetone_agent::{
    CallEnd, CallId, CallProgress, CallState, Command, Effect, IncomingCall, Input, LinkState,
    MediaState, Phase, PresenceReport, Registration, SignIn, SignInRefusal, TimerId, Tone,
};

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Ring,
    Dial,
    Give(Input),
    Due,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_rules_hold(steps in proptest::collection::vec(step(), 1..80)) {
        let mut desk = Desk::ready(settings(0b1111));
        let mut dnd = true;
        let mut timers: Vec<(TimerId, sidetone_agent::Time)> = Vec::new();
        for step in steps {
            let before = desk.view();
            let by_hand = matches!(&step, Step::Give(Input::Command(Command::Answer { .. })));
            if let Step::Give(
                Input::Profile(profile) | Input::SignIn(SignIn::Accepted { profile, .. }),
            ) = &step
            {
                dnd = profile.webrtc.dnd_during_pause;
            }
            let effects = match step {
                Step::Wait(ms) => {
                    desk.wait(ms);
                    Vec::new()
                }
                Step::Ring => desk.ring().1,
                Step::Dial => desk.dial("600").1,
                Step::Give(input) => desk.give(input),
                Step::Due => match timers.iter().position(|(_, at)| *at <= desk.now) {
                    Some(due) => {
                        let (timer, _) = timers.remove(due);
                        desk.give(Input::Timer(timer))
                    }
                    None => Vec::new(),
                },
            };
            for effect in &effects {
                match effect {
                    Effect::StartTimer { timer, at } => {
                        timers.retain(|(known, _)| known != timer);
                        timers.push((*timer, *at));
                    }
                    Effect::StopTimer(timer) => timers.retain(|(known, _)| known != timer),
                    _ => {}
                }
            }
            let after = desk.view();

            let audible = after.calls.iter().filter(|call| heard(call.state)).count();
            prop_assert!(audible <= 1, "two customers hear the agent: {:?}", after.calls);

            let is_paused = after.presence.paused_for_ms.is_some();
            if is_paused && dnd {
                prop_assert!(
                    !after.calls.iter().any(|call| call.state == CallState::Ringing),
                    "rings although not to be disturbed"
                );
                let disturbs = effects.iter().any(|effect| matches!(
                    effect,
                    Effect::Ringing { .. }
                        | Effect::ShowRinging { .. }
                        | Effect::Tone(Some(Tone::Ring | Tone::CallWaiting))
                ));
                prop_assert!(!disturbs, "{effects:?}");
            }

            let in_call = before.calls.iter().any(|call| heard(call.state) || call.state == CallState::Held);
            if in_call && !by_hand {
                prop_assert!(!crate::desk::answers(&effects), "answered by itself in a call");
            }

            if after.light.green {
                prop_assert_eq!(after.phase, Phase::SignedIn);
            }
        }

        // Every call can be ended by the agent, with nobody's help but the clock's.
        for call in desk.view().calls {
            desk.command(Command::HangUp { call: call.id });
            desk.wait(60_000);
            desk.give(Input::Timer(TimerId::Overdue(call.id)));
            desk.give(Input::Timer(TimerId::CardEnd(call.id)));
        }
        prop_assert_eq!(desk.view().calls, []);
    }
}

fn heard(state: CallState) -> bool {
    matches!(
        state,
        CallState::Answering
            | CallState::Dialling
            | CallState::RemoteRinging
            | CallState::Up
            | CallState::Holding
            | CallState::Resuming
    )
}

fn settings(bits: u8) -> serde_json::Value {
    json!({
        "phoneBarRingInUse": bits & 1 != 0,
        "phoneBarDnd": bits & 2 != 0,
        "phoneBarAutoAnswer": bits & 4 != 0,
        "phoneBarAutoAnswerDelay": if bits & 8 != 0 { 2 } else { 0 },
        "blocked": bits & 0b11_0000 == 0b11_0000,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u64..8_000).prop_map(Step::Wait),
        4 => Just(Step::Ring),
        2 => Just(Step::Dial),
        4 => Just(Step::Due),
        12 => call_input().prop_map(Step::Give),
        4 => session_input().prop_map(Step::Give),
    ]
}

fn call_input() -> impl Strategy<Value = Input> {
    ((0_u32..8).prop_map(CallId), any::<bool>(), 0_u8..22).prop_map(|(call, on, kind)| match kind {
        0..=3 => Input::Command(Command::Answer { call }),
        4 => Input::Command(Command::Decline { call }),
        5 => Input::Command(Command::HangUp { call }),
        6 => Input::Command(Command::Hold { call }),
        7 => Input::Command(Command::Resume { call }),
        8 => Input::Command(Command::Mute { on }),
        9 => Input::Progress {
            call,
            progress: if on {
                CallProgress::Ringing
            } else {
                CallProgress::EarlyMedia
            },
        },
        10..=12 => Input::Answered { call },
        13 => Input::Ended {
            call,
            end: CallEnd::Remote,
        },
        14 => Input::Ended {
            call,
            end: CallEnd::CallerGaveUp,
        },
        15 => Input::Ended {
            call,
            end: CallEnd::Refused {
                status: 486,
                reason: "Busy Here".to_owned(),
            },
        },
        16 => Input::Media {
            call,
            state: MediaState::Connected,
        },
        17 => Input::Media {
            call,
            state: MediaState::Failed("no path".to_owned()),
        },
        18 => Input::HoldConfirmed { call, held: on },
        19 => Input::Timer(TimerId::AutoAnswer(call)),
        20 => Input::Timer(TimerId::Overdue(call)),
        _ => Input::Incoming(IncomingCall {
            call,
            ..IncomingCall::default()
        }),
    })
}

fn session_input() -> impl Strategy<Value = Input> {
    (any::<u8>(), 0_u8..9).prop_map(|(bits, kind)| match kind {
        0 => Input::Presence(ready()),
        1 => Input::Presence(paused("Lunch")),
        2 => Input::Presence(PresenceReport::default()),
        3 => Input::Profile(profile(settings(bits))),
        4 => Input::Registration(if bits & 1 == 0 {
            Registration::Registered
        } else {
            Registration::Trying
        }),
        5 => Input::Link(if bits & 1 == 0 {
            LinkState::Up
        } else {
            LinkState::Down("gone".to_owned())
        }),
        6 if bits < 64 => Input::Command(Command::SignOut),
        6 => Input::SignIn(SignIn::Refused(SignInRefusal::SessionEnded(String::new()))),
        7 => Input::Command(sign_in()),
        _ => Input::SignIn(accepted(profile(settings(bits & 0b1111)), ready())),
    })
}
