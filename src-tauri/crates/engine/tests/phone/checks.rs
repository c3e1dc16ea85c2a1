use sidetone_engine::{Command, DeviceCommand, EchoCanceller, MicrophoneCheckState, Role};
use sidetone_media::Session;

use crate::far_end::{Peer, Phone, Talker, media};

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_measured_by_a_call_to_the_echo_test_that_nobody_sees() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("echo", &peer, "right").await;
    phone.until_green().await;
    let check = DeviceCommand::CheckNetwork {
        echo_number: Some("600".to_owned()),
    };
    phone.engine.command(Command::Device(check));
    let invite = peer.incoming().await;
    assert_eq!(invite.request_user, "600");
    assert!(phone.engine.snapshots().borrow().view.calls.is_empty());
    let offer = invite.sdp.expect("an offer");
    let (session, answer, _events) = Session::answer(media(), &offer).await.unwrap();
    peer.endpoint.accept(invite.dialog, answer).unwrap();
    let _talker = Talker::start(&session);
    let echo = phone
        .until("the result", |s| {
            let network = s.checks.network.as_ref()?;
            (!network.running).then(|| network.echo.clone())
        })
        .await
        .expect("the echo test was called");
    assert_eq!((echo.number.as_str(), &echo.fault), ("600", &None));
    // Seven seconds of it, of fifty packets each.
    assert!(echo.packets_received > 200, "{echo:?}");
    assert!(echo.mos.is_some(), "{echo:?}");
    peer.ended(invite.dialog).await;
    let remembered = phone.engine.snapshots().borrow().checks.echo_number.clone();
    assert_eq!(remembered.as_deref(), Some("600"));
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_microphone_is_recorded_and_played_and_nothing_is_heard_of_silence() {
    let peer = Peer::start().await;
    let phone = Phone::start("microphone", &peer, "right").await;
    let check = |on| Command::Device(DeviceCommand::CheckMicrophone { on });
    phone.engine.command(check(true));
    for state in [
        MicrophoneCheckState::Recording,
        MicrophoneCheckState::Playing,
        MicrophoneCheckState::Off,
    ] {
        phone
            .until(&format!("{state:?}"), |s| {
                (s.checks.microphone.state == state).then_some(())
            })
            .await;
    }
    let found = phone.engine.snapshots().borrow().checks.microphone.clone();
    assert_eq!((found.heard, found.fault), (Some(false), None));
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_of_voice_and_ringing_is_shown_and_a_ringtone_that_is_none_is_told() {
    let peer = Peer::start().await;
    let phone = Phone::start("choices", &peer, "right").await;
    let usual = phone.engine.snapshots().borrow().devices.voice.clone();
    assert!(!usual.chosen);
    let missing = phone.folder.join("none.wav").display().to_string();
    for command in [
        DeviceCommand::ProcessVoice {
            echo_canceller: Some(EchoCanceller::On),
            noise_suppression: Some(!usual.noise_suppression),
            automatic_gain: None,
        },
        DeviceCommand::Country {
            code: Some("GB".to_owned()),
        },
        DeviceCommand::ChooseDevice {
            role: Role::SecondRinger,
            device: Some("loudspeaker".to_owned()),
        },
        DeviceCommand::Ringtone {
            file: Some(missing),
        },
    ] {
        phone.engine.command(Command::Device(command));
    }
    let devices = phone
        .until("the ringtone's fault", |s| {
            let devices = s.devices.clone();
            devices.ringtone_fault.is_some().then_some(devices)
        })
        .await;
    assert_eq!(devices.voice.echo_canceller, EchoCanceller::On);
    assert_eq!(devices.voice.noise_suppression, !usual.noise_suppression);
    assert_eq!(devices.voice.automatic_gain, usual.automatic_gain);
    assert!(devices.voice.chosen);
    assert_eq!(devices.country.as_deref(), Some("GB"));
    assert_eq!(devices.second_ringer.as_deref(), Some("loudspeaker"));
    assert_eq!(devices.ringtone, None, "the built-in one rings on");
    phone.engine.shut_down().await;
}
