//! Recordings: by the server's wish, by the agent's, and not of what must not be heard.

use crate::desk::{Desk, deeds, profile};
use serde_json::{Value, json};
use sidetone_agent::{CallEnd, CallId, CallState, Command, Effect, Input, RecordingState};
use sidetone_profile::RecordingFormat;

fn told(desk: &mut Desk, call: CallId, state: RecordingState) -> Vec<Effect> {
    desk.give(Input::Recording { call, state })
}

fn records(effects: &[Effect]) -> Option<(RecordingFormat, String)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Record { format, label, .. } => Some((*format, label.clone())),
        _ => None,
    })
}

#[test]
fn every_answered_call_is_recorded_in_the_servers_format() {
    for (wire, format) in [
        ("inactive", None),
        ("wav", Some(RecordingFormat::Wav)),
        ("wav49", Some(RecordingFormat::Wav49)),
        ("gsm", Some(RecordingFormat::Gsm)),
    ] {
        let settings = json!({"recordingFormat": wire});
        let mut desk = Desk::ready(settings.clone());
        let (call, effects) = desk.ring();
        assert_eq!(records(&effects), None, "not while it rings");
        let effects = desk.pick_up(call);
        let label = "5550123 support".to_owned();
        assert_eq!(
            records(&effects),
            format.map(|format| (format, label)),
            "{wire}"
        );
        assert_eq!(
            desk.call(call).recording,
            RecordingState::Off,
            "not before the recorder says so"
        );
        told(&mut desk, call, RecordingState::On);
        assert_eq!(desk.call(call).recording, RecordingState::On);
        assert_eq!(desk.call(call).recording_fixed, format.is_some());

        let mut desk = Desk::ready(settings);
        let (call, effects) = desk.dial("600");
        assert_eq!(records(&effects), None);
        let effects = desk.give(Input::Answered { call });
        let label = "600".to_owned();
        assert_eq!(
            records(&effects),
            format.map(|format| (format, label)),
            "{wire}"
        );
    }
}

#[test]
fn the_agent_records_only_with_leave_and_only_a_call_that_is_up() {
    let record = |call, on| Command::Record { call, on };
    let mut desk = Desk::ready(json!({}));
    assert!(!desk.view().permissions.recording);
    let call = desk.talk();
    assert_eq!(deeds(desk.command(record(call, true))), []);
    assert_eq!(desk.codes(), ["recording_not_allowed"]);

    let mut desk = Desk::ready(json!({"phoneBarEnableRecording": true}));
    assert!(desk.view().permissions.recording);
    let (call, _) = desk.ring();
    assert_eq!(desk.command(record(call, true)), []);
    desk.pick_up(call);
    let format = RecordingFormat::Wav;
    let label = "5550123 support".to_owned();
    assert_eq!(
        desk.command(record(call, true)),
        [Effect::Record {
            call,
            format,
            label
        }]
    );
    assert_eq!(desk.command(record(call, true)), [], "once is enough");
    told(&mut desk, call, RecordingState::On);
    // Not the card number.
    let pause = |on| Command::PauseRecording { call, on };
    assert_eq!(desk.command(pause(false)), []);
    assert_eq!(
        desk.command(pause(true)),
        [Effect::PauseRecording { call, on: true }]
    );
    assert_eq!(
        desk.call(call).recording,
        RecordingState::On,
        "not before the recorder says so"
    );
    told(&mut desk, call, RecordingState::Paused);
    assert_eq!(
        desk.command(pause(false)),
        [Effect::PauseRecording { call, on: false }]
    );
    assert_eq!(
        desk.command(record(call, false)),
        [Effect::StopRecording { call }]
    );
    told(&mut desk, call, RecordingState::Off);
    assert_eq!(desk.command(record(call, false)), []);
    assert_eq!(
        records(&desk.command(record(call, true))).map(|(format, _)| format),
        Some(format)
    );
}

#[test]
fn what_the_server_has_recorded_the_agent_cannot_stop() {
    let rows: [(Value, bool); 2] = [
        (json!({"recordingFormat": "gsm"}), false),
        (
            json!({"recordingFormat": "gsm", "phoneBarEnableRecording": true}),
            true,
        ),
    ];
    for (settings, may_pause) in rows {
        let mut desk = Desk::ready(settings);
        let call = desk.talk();
        told(&mut desk, call, RecordingState::On);
        assert_eq!(deeds(desk.command(Command::Record { call, on: false })), []);
        assert_eq!(desk.codes(), ["recording_not_allowed"]);
        let effects = deeds(desk.command(Command::PauseRecording { call, on: true }));
        assert_eq!(!effects.is_empty(), may_pause);
    }
}

#[test]
fn leave_that_is_taken_back_still_lets_the_agent_stop() {
    let mut desk = Desk::ready(json!({"phoneBarEnableRecording": true}));
    let call = desk.talk();
    desk.command(Command::Record { call, on: true });
    told(&mut desk, call, RecordingState::On);
    desk.give(Input::Profile(profile(json!({}))));
    assert_eq!(
        desk.command(Command::Record { call, on: false }),
        [Effect::StopRecording { call }]
    );
}

#[test]
fn a_recording_that_fails_says_so_and_the_call_goes_on() {
    let mut desk = Desk::ready(json!({"recordingFormat": "wav"}));
    let call = desk.talk();
    let fault = "the disk is full".to_owned();
    let failed = RecordingState::Failed { fault };
    told(&mut desk, call, failed.clone());
    assert_eq!(desk.codes(), ["recording_failed"]);
    let shown = desk.call(call);
    assert_eq!((shown.state, shown.recording), (CallState::Up, failed));
    desk.end(call, CallEnd::Remote);
}

#[test]
fn the_label_of_a_recording_is_masked() {
    let settings = json!({"recordingFormat": "wav", "privacyEnabled": "partial"});
    let mut desk = Desk::ready(settings);
    let (call, _) = desk.ring();
    let effects = desk.pick_up(call);
    assert_eq!(records(&effects).expect("recorded").1, "•••123 support");
}
