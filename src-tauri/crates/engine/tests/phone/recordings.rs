use std::path::PathBuf;

use sidetone_engine::agent::{CallState, Command, RecordingState};

use crate::far_end::{Files, Peer, Phone, Talker};

fn recordings(phone: &Phone) -> Vec<PathBuf> {
    let folder = phone.folder.join("data").join("recordings");
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_recorded_where_the_server_wants_it_and_nobody_else_can_read_it() {
    let mut peer = Peer::start().await;
    let files = Files {
        profile: "recordingFormat = \"wav\"",
        ..Files::default()
    };
    let phone = Phone::with("recording", &peer, "right", files).await;
    let binding = peer.registered().await;
    phone.until_green().await;
    let (customer, session) = peer.call(&binding, &[("X-Queue", "support")]).await;
    let call = phone.until_state(CallState::Ringing).await;
    assert!(recordings(&phone).is_empty(), "before the answer");
    phone.ask(Command::Answer { call });
    peer.answered(&session).await;
    let _talker = Talker::start(&session);
    phone
        .until("the recording and the customer's voice", |s| {
            let on = s.view.calls.first()?.recording == RecordingState::On;
            (on && s.media.as_ref()?.level_in_dbov > -30.0).then_some(())
        })
        .await;
    phone.ask(Command::Record { call, on: false });
    peer.endpoint.hang_up(customer, None).unwrap();
    phone.until_state(CallState::Ended).await;
    let files = recordings(&phone);
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        name.ends_with("support.wav") && name.contains("5550100"),
        "{name}"
    );
    #[cfg(unix)]
    for path in [file.as_path(), file.parent().unwrap()] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    phone.engine.shut_down().await;
    let sound = std::fs::read(file).unwrap();
    assert!(sound.starts_with(b"RIFF"));
    assert!(
        sound.iter().skip(44).any(|byte| !matches!(byte, 0 | 255)),
        "silence"
    );
}
