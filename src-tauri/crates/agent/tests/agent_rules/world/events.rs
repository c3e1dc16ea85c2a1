//! What can happen, decided by numbers.

use std::time::Duration;

use serde_json::{Value, json};
use sidetone_agent::{
    AnswerWish, CallEnd, CallId, CallProgress, CallState, CallView, Callback, ChannelPresence,
    Command, IncomingCall, Input, Interaction, LinkState, MediaState, OneWay, PresenceReport,
    PreviewCall, QueueMembership, RecordingState, Registration, SignIn, SignInRefusal, TimerId,
    TransferState, View,
};
use sidetone_profile::{Channel, PopMoment, PopTarget, ScreenPop, Secret, ServerSettings};

use super::{EVERYBODY, NUMBER, World};
use crate::desk::{accepted, paused, profile, ready, sign_in};

impl World {
    /// What happens, decided by one number.
    pub(super) fn input(&mut self, roll: u64, before: &View) -> Option<Input> {
        let kind = roll % 79;
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
        // Two calls that can be joined are rare enough to be used.
        let settled = |call: &&&CallView| matches!(call.state, CallState::Up | CallState::Held);
        let mut pair = calls.iter().filter(settled).map(|call| call.id);
        let alone = calls.iter().any(|call| !call.in_conference);
        if let (Some(one), Some(two)) = (pair.next(), pair.next())
            && alone
            && (roll >> 48).is_multiple_of(2)
        {
            let (call, other) = if on { (one, two) } else { (two, one) };
            return Some(Input::Command(Command::Conference { call, other }));
        }
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
            77 => Input::OneWay {
                call,
                fault: on.then_some(OneWay::NotArriving),
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
            answer: match bits % 5 {
                0 => AnswerWish::ByHand,
                1 => AnswerWish::ByItself {
                    after: Some(Duration::from_secs(u64::from(bits % 3))),
                    required: bits > 127,
                },
                _ => AnswerWish::Any,
            },
        }
    }
}

/// Masking is always on; everything else by the bits.
pub(super) fn settings(bits: u8) -> Value {
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

pub(super) fn server(bits: u8) -> ServerSettings {
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

pub(super) fn beepall() -> QueueMembership {
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
