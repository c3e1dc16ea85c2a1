//! Calls that are recorded.

use std::path::{Path, PathBuf};

use serde_json::json;
use sidetone_interop::centre::Centre;
use sidetone_interop::local::{Local, free_port};
use sidetone_interop::speech;

/// Louder than the noise of silence, of a full scale of 1.
const SOUND: f64 = 0.005;

/// The recordings that are there, once there are `count`, and each is whole.
fn recordings(centre: &Centre, folder: &Path, count: usize) -> Vec<PathBuf> {
    centre.until("a recording", || {
        let files: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| hound::WavReader::open(path).is_ok_and(|wav| wav.duration() > 0))
            .collect();
        (files.len() == count).then_some(files)
    })
}

/// Loudness of each channel.
fn loudness(path: &Path) -> Vec<f64> {
    let mut wav = hound::WavReader::open(path).expect("a recording");
    let channels = usize::from(wav.spec().channels);
    let mut sums = vec![0.0; channels];
    for (n, sample) in wav.samples::<i16>().enumerate() {
        sums[n % channels] += (f64::from(sample.expect("a sample")) / 32_768.0).powi(2);
    }
    let length = f64::from(wav.duration());
    sums.into_iter().map(|sum| (sum / length).sqrt()).collect()
}

#[test]
fn every_answered_call_is_recorded_with_both_sides_when_the_server_says_so() {
    let centre = Centre::open(&[]);
    let folder = centre.folder().join("recordings");
    let policy = centre.policy(&format!("[recordings]\nfolder = '{}'\n", folder.display()));
    let said = speech::agent().expect("the agent's speech");
    let heard = centre.own_folder("anna").join("heard.wav");
    let sound = format!("file:{},{}", said.display(), heard.display());
    let mut desk = centre.ready_with("anna", &["--policy", &policy, "--audio", &sound]);
    desk.tell("dial 601");
    desk.call("up");
    desk.hang_up();
    assert!(!folder.exists(), "nothing was to be recorded yet");
    centre.set("anna", json!({ "recordingFormat": "wav" }));
    desk.says("settings_changed");
    desk.tell("dial 601");
    desk.wait("the recording", |event| {
        event["event"] == "call" && event["recording"]["state"] == "on"
    });
    desk.hears();
    desk.hears();
    desk.hang_up();
    let files = recordings(&centre, &folder, 1);
    let [agent, customer] = loudness(&files[0])[..] else {
        panic!("a channel each: {files:?}");
    };
    assert!(
        agent > SOUND && customer > SOUND,
        "agent {agent}, customer {customer}"
    );
    desk.quit();
}

#[test]
fn the_agent_records_where_that_is_enabled() {
    let centre = Centre::open(&[]);
    let port = free_port();
    centre.set(
        "anna",
        json!({ "phoneBarRemoteControl": true, "phoneBarRemoteControlPort": port, "phoneBarEnableRecording": true }),
    );
    let folder = centre.folder().join("recordings");
    let policy = centre.policy(&format!("[recordings]\nfolder = '{}'\n", folder.display()));
    let mut desk = centre.ready_with("anna", &["--policy", &policy]);
    let phone = Local::at(port);
    desk.tell("dial 601");
    desk.call("up");
    let (status, call) = phone.post("/api/v2/calls/1/record", r#"{"on":true}"#);
    assert_eq!((status, &call["recording"]), (200, &json!("on")), "{call}");
    desk.hears();
    let (status, call) = phone.post("/api/v2/calls/1/record", r#"{"on":false}"#);
    assert_eq!((status, &call["recording"]), (200, &json!("off")), "{call}");
    recordings(&centre, &folder, 1);
    centre.set("anna", json!({ "phoneBarEnableRecording": false }));
    desk.says("settings_changed");
    let (status, problem) = phone.post("/api/v2/calls/1/record", r#"{"on":true}"#);
    assert_eq!(status, 409, "{problem}");
    desk.hang_up();
    desk.quit();
    assert_eq!(recordings(&centre, &folder, 1).len(), 1);
}
