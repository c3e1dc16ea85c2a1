//! What must not be seen is nowhere: everything that a phone said, logged, wrote or opened is searched.

use std::path::Path;

use serde_json::json;
use sidetone_interop::centre::Centre;
use sidetone_interop::local::{Local, free_port};
use sidetone_interop::speech;

const NUMBER: &str = "2025550173";
const NAME: &str = "Zacharias Quillfeather";

#[test]
fn a_masked_customer_is_named_nowhere() {
    let centre = Centre::open(&[]);
    let port = free_port();
    centre.set(
        "anna",
        json!({
            "privacyEnabled": true, "privacyName": "full", "privacyNumber": "full", "privacyEmail": "full",
            "recordingFormat": "wav", "phoneBarRemoteControl": true, "phoneBarRemoteControlPort": port,
        }),
    );
    centre.give(
        "anna",
        "callbacks",
        json!({ "name": NAME, "number": NUMBER, "note": "once more" }),
    );
    let own = centre.own_folder("anna");
    let recordings = own.join("recordings");
    let policy = centre.policy(&format!(
        "[recordings]\nfolder = '{}'\n",
        recordings.display()
    ));
    let said = speech::agent().expect("the agent's speech");
    let sound = format!(
        "file:{},{}",
        said.display(),
        own.join("heard.wav").display()
    );
    let arguments = ["--policy", &policy, "--audio", &sound, "--log", "trace"];
    let mut desk = centre.ready_with("anna", &arguments);
    let phone = Local::at(port);
    let mut local = String::new();
    centre.customer(json!({
        "number": NUMBER, "name": NAME, "talkSeconds": 60.0,
        "variables": { "Phone": NUMBER, "Ticket": "T-1" },
    }));
    let ringing = desk.rings();
    assert_ne!(ringing["number"], "", "something is shown: {ringing}");
    local += &phone.get("/api/calls").1.to_string();
    local += &phone.get("/api/v2/state").1.to_string();
    desk.tell("answer");
    desk.wait("the recording", |event| {
        event["event"] == "call" && event["recording"]["state"] == "on"
    });
    desk.hears();
    local += &phone.get("/api/v2/calls/1").1.to_string();
    desk.hang_up();
    // One that is missed, and one that the agent dials.
    centre.customer(json!({ "number": NUMBER, "name": NAME, "patienceSeconds": 1.0 }));
    desk.says("call_missed");
    local += &phone.get("/api/v2/state").1.to_string();
    assert!(local.contains("\"masked\":true"), "{local}");
    for file in ["sip.txt", "sip.pcap"] {
        desk.tell(&format!("trace {}", own.join(file).display()));
        desk.wait("the trace", |event| {
            event["event"] == "trace" && event["messages"].as_u64() > Some(8)
        });
    }
    desk.quit();

    let mut all = vec![
        ("the local interface".to_owned(), local),
        (
            "standard output".to_owned(),
            desk.said().iter().map(|line| format!("{line}\n")).collect(),
        ),
    ];
    gather(&own, &mut all);
    assert!(
        all.iter()
            .any(|(name, text)| name.ends_with("headless.log") && text.contains("INVITE"))
    );
    assert!(
        all.iter()
            .any(|(name, _)| name.ends_with(".wav") && name.contains("recordings"))
    );
    for file in ["sip.txt", "sip.pcap"] {
        assert!(
            all.iter()
                .any(|(name, text)| name.ends_with(file) && text.contains("INVITE"))
        );
    }
    for (name, text) in &all {
        for secret in [NUMBER, NAME, "Quillfeather", "Zacharias"] {
            assert!(!name.contains(secret), "the name of {name}");
            if let Some(at) = text.find(secret) {
                let from = text[..at]
                    .char_indices()
                    .rev()
                    .nth(200)
                    .map_or(0, |(at, _)| at);
                panic!("{name} has {secret}: …{}", &text[from..at + secret.len()]);
            }
        }
    }
}

/// Every file below a folder, as text.
fn gather(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(&path, all);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            all.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
    }
}
