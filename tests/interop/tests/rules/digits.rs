//! Keys that the agent presses in a call.

use std::path::Path;

use serde_json::json;
use sidetone_interop::centre::Centre;
use sidetone_interop::compare::Sound;
use sidetone_interop::desk::Desk;
use sidetone_interop::keys;

/// A microphone in a silent room.
fn silence(file: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(file, spec).expect("a file");
    for _ in 0..spec.sample_rate {
        wav.write_sample(0_i16).expect("a sample");
    }
    wav.finalize().expect("a file");
}

/// Presses keys in a call to what says everything again; the far end gets them.
fn press(centre: &Centre, desk: &mut Desk, digits: &str) {
    desk.tell("dial 600");
    desk.call("up");
    let is_media = |event: &serde_json::Value| event["event"] == "media";
    desk.wait("the sound's way", is_media);
    desk.tell(&format!("dtmf {digits}"));
    centre.until_last_call("the keys at the far end", |call| call["digits"] == digits);
    // What the far end said again of them would be heard by now.
    desk.wait("statistics", is_media);
    desk.wait("statistics", is_media);
    desk.hang_up();
}

#[test]
fn the_agent_hears_the_keys_only_where_that_is_enabled_and_nobody_else_does() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "phoneBarEnableDtmfTone": false }));
    let room = centre.folder().join("silence.wav");
    silence(&room);
    let ear = centre.own_folder("anna").join("heard.wav");
    let sound = format!("file:{},{}", room.display(), ear.display());
    let mut desk = centre.ready_with("anna", &["--audio", &sound]);
    press(&centre, &mut desk, "2580");
    centre.set("anna", json!({ "phoneBarEnableDtmfTone": true }));
    desk.says("settings_changed");
    press(&centre, &mut desk, "159D");
    desk.quit();
    let heard = Sound::read(&ear).expect("what the agent heard");
    assert_eq!(keys::heard(&heard), "159D");
}
