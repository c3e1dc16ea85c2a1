use sidetone_engine::Snapshot;
use sidetone_engine::agent::{CallState, Command, HistoryEntry, SettingRow};
use sidetone_profile::Layer;

use crate::far_end::{Files, Peer, Phone};

fn row(snapshot: &Snapshot, field: &str) -> Option<SettingRow> {
    let rows = snapshot.view.settings.iter().flat_map(|group| &group.rows);
    rows.clone().find(|row| row.field == field).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_choices_hold_at_once_and_never_over_the_policy() {
    let peer = Peer::start().await;
    let files = Files {
        profile: "phoneBarEnableSettings = true\nphoneBarEnableDtmfTone = false\nphoneBarAutoAnswer = true",
        policy: "[profile]\nphoneBarAutoAnswer = false\n",
        ..Files::default()
    };
    let phone = Phone::with("layers", &peer, "right", files).await;
    phone.until_green().await;
    let snapshot = phone.engine.snapshots().borrow().clone();
    let fixed = row(&snapshot, "phoneBarAutoAnswer").unwrap();
    assert_eq!((fixed.layer, fixed.changeable), (Layer::Policy, false));
    for field in ["phoneBarAutoAnswer", "phoneBarEnableDtmfTone"] {
        phone.ask(Command::ChangeSetting {
            field: field.to_owned(),
            value: true.into(),
        });
    }
    let shown = phone
        .until("the choice", |s| {
            row(s, "phoneBarEnableDtmfTone").filter(|row| row.layer == Layer::Agent)?;
            Some(s.view.clone())
        })
        .await;
    assert!(shown.permissions.dtmf_tones);
    assert!(
        !shown.agent.unwrap().auto_answer.enabled,
        "the policy holds"
    );
    phone.ask(Command::ChangeSetting {
        field: "phoneBarEnableDtmfTone".to_owned(),
        value: serde_json::Value::Null,
    });
    phone
        .until("the server's value", |s| {
            (!s.view.permissions.dtmf_tones).then_some(())
        })
        .await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_of_the_policy_cannot_be_used_is_said_and_the_rest_holds() {
    let peer = Peer::start().await;
    let files = Files {
        policy: "ofline = 3\n[profile]\nphoneBarEnableJaws = true\nphoneBarExpires = 'soon'\n",
        ..Files::default()
    };
    let phone = Phone::with("policy", &peer, "right", files).await;
    let view = phone.engine.snapshots().borrow().view.clone();
    assert!(view.screen_reader_mode);
    let warnings: Vec<String> = view
        .warnings
        .iter()
        .map(|notice| sidetone_engine::words::sentence(notice, "en"))
        .collect();
    for word in ["ofline", "phoneBarExpires"] {
        assert!(warnings.iter().any(|w| w.contains(word)), "{warnings:?}");
    }
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_remembered_over_a_restart() {
    let mut peer = Peer::start().await;
    let mut ids = Vec::new();
    for run in 1..=2 {
        let phone = Phone::start("history", &peer, "right").await;
        let binding = peer.registered().await;
        phone.until_green().await;
        let (caller, _session) = peer.call(&binding, &[]).await;
        peer.endpoint.hang_up(caller, None).unwrap();
        phone.until_state(CallState::Ended).await;
        let history: Vec<HistoryEntry> = phone
            .until("the missed call", |s| {
                (s.view.history.len() == run).then(|| s.view.history.clone())
            })
            .await;
        assert!(
            history
                .iter()
                .all(|e| e.missed && e.number == "5550100" && e.callable)
        );
        ids = history.iter().map(|e| e.id).collect();
        phone.engine.shut_down().await;
        // The folder goes with the phone; the data stays for the next run.
        if run == 1 {
            std::mem::forget(phone);
        }
    }
    assert_eq!(ids.len(), 2);
    assert!(
        ids[0] > ids[1],
        "newest first, and no number twice: {ids:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_holds_without_a_restart() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("new-policy", &peer, "right").await;
    peer.registered().await;
    phone.until_green().await;
    assert!(!phone.engine.snapshots().borrow().view.permissions.recording);
    let policy = phone.folder.join("policy.toml");
    std::fs::write(policy, "[profile]\nphoneBarEnableRecording = true\n").unwrap();
    phone
        .until("the new policy", |s| {
            s.view.permissions.recording.then_some(())
        })
        .await;
    phone.engine.shut_down().await;
}
