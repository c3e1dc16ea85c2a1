//! What a call is made of.

use serde_json::{Value, json};
use sidetone_interop::centre::Centre;

#[test]
fn changed_codecs_hold_from_the_next_call() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "allow": ["alaw"] }));
    let mut desk = centre.ready("anna");
    let is_media = |event: &Value| event["event"] == "media";
    desk.tell("dial 601");
    desk.call("up");
    assert_eq!(desk.wait("statistics", is_media)["codec"], "PCMA");
    centre.set("anna", json!({ "allow": ["ulaw", "g729"] }));
    desk.says("settings_change_after_call");
    let left_out = |event: &Value| event["notice"]["code"] == "codecs_left_out";
    assert!(desk.has_said(left_out), "g729 is left out visibly");
    desk.hears();
    assert_eq!(desk.wait("statistics", is_media)["codec"], "PCMA");
    desk.hang_up();
    desk.tell("dial 601");
    desk.call("up");
    assert_eq!(desk.wait("statistics", is_media)["codec"], "PCMU");
    desk.hang_up();
    desk.quit();
}

#[test]
fn a_changed_caller_id_is_what_the_called_one_sees() {
    let centre = Centre::open(&[]);
    centre.set("carla", json!({ "loginInPause": false }));
    let mut carla = centre.ready_with("carla", &[]);
    let mut anna = centre.ready_with("anna", &[]);
    centre.set("anna", json!({ "callerid": "\"Front Desk\" <201>" }));
    anna.says("settings_changed");
    anna.green();
    anna.tell("dial 203");
    let ringing = carla.rings();
    assert_eq!(ringing["name"], "Front Desk", "{ringing}");
    assert_eq!(ringing["number"], "201", "{ringing}");
    anna.tell("hangup");
    carla.call("ended");
    carla.quit();
    anna.quit();
}
