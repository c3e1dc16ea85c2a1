//! Calls that are answered by themselves, and calls that are not.

use serde_json::{Value, json};
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;

/// The call answers itself after its countdown.
fn answers_itself(desk: &mut Desk, seconds: u64) {
    let ringing = desk.rings();
    assert_eq!(
        ringing["auto_answer"]["total_ms"],
        seconds * 1000,
        "{ringing}"
    );
    desk.call("up");
}

#[test]
fn auto_answer_holds_for_the_next_call() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    centre.customer(json!({}));
    assert_eq!(desk.rings()["auto_answer"], Value::Null);
    desk.tell("answer");
    desk.call("up");
    // In the middle of a call: from the next one on.
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 1 }),
    );
    desk.says("settings_changed");
    desk.hang_up();

    centre.customer(json!({}));
    answers_itself(&mut desk, 1);
    desk.hears();
    desk.hang_up();
    centre.set("anna", json!({ "phoneBarAutoAnswerDelay": 0 }));
    desk.says("settings_changed");
    let call = centre.customer(json!({}));
    desk.call("up");
    desk.hang_up();
    assert_eq!(centre.call(call)["answeredBy"], "anna");

    centre.set("anna", json!({ "phoneBarAutoAnswer": false }));
    desk.says("settings_changed");
    centre.customer(json!({}));
    assert_eq!(desk.rings()["auto_answer"], Value::Null);
    desk.quit();
}

#[test]
fn a_countdown_can_be_cut_short_either_way() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 60 }),
    );
    let mut desk = centre.ready("anna");
    centre.customer(json!({}));
    desk.rings();
    desk.tell("answer");
    desk.call("up");
    desk.hang_up();
    centre.customer(json!({}));
    desk.rings();
    desk.tell("decline");
    desk.call("ended");
    desk.quit();
}

#[test]
fn a_second_call_is_never_answered_by_itself() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 0, "phoneBarRingInUse": true }),
    );
    let mut anna = centre.desk_with("anna", &[]);
    anna.green();
    anna.tell("dial 601");
    anna.call("up");
    let mut ben = centre.desk_with("ben", &[]);
    ben.green();
    ben.tell("dial 201");
    assert_eq!(anna.rings()["auto_answer"], Value::Null);
    anna.hears();
    anna.tell("hangup 1");
    anna.call("ended");
    // Nor later: it waits for the agent.
    assert!(!anna.has_said(|event| event["state"] == "up" && event["direction"] == "incoming"));
    anna.tell("answer");
    anna.call("up");
    anna.hang_up();
    ben.quit();
    anna.quit();
}

#[test]
fn beepall_is_never_answered_by_itself() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 0 }),
    );
    centre.set_queue(json!({ "strategy": "beepall" }));
    let mut desk = centre.ready("anna");
    centre.customer(json!({}));
    assert_eq!(desk.rings()["auto_answer"], Value::Null);
    desk.tell("answer");
    desk.call("up");
    desk.hang_up();
    // The queue finds its agents in another way from now on.
    centre.set_queue(json!({ "strategy": "leastrecent" }));
    centre.customer(json!({}));
    desk.call("up");
    desk.hang_up();
    desk.quit();
}

#[test]
fn the_agents_own_choice_counts_where_it_is_allowed() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    desk.tell("setting phoneBarAutoAnswer on");
    desk.tell("setting phoneBarAutoAnswerDelay 1");
    centre.customer(json!({}));
    answers_itself(&mut desk, 1);
    desk.hang_up();
    desk.tell("settings");
    let row = |settings: &Value, field: &str| -> Value {
        let groups = settings["groups"].as_array().cloned().unwrap_or_default();
        let rows = groups.iter().filter_map(|group| group["rows"].as_array());
        rows.flatten()
            .find(|row| row["field"] == field)
            .cloned()
            .unwrap_or_default()
    };
    let settings = desk.wait("the settings", |event| event["event"] == "settings");
    assert_eq!(row(&settings, "phoneBarAutoAnswer")["layer"], "agent");
    assert_eq!(row(&settings, "phoneBarAutoAnswer")["changeable"], true);
    // Locked, the server's word holds, and says who set it.
    centre.set("anna", json!({ "phoneBarEnableSettings": false }));
    desk.says("settings_changed");
    desk.tell("setting phoneBarAutoAnswer on");
    desk.says("setting_locked");
    centre.customer(json!({}));
    assert_eq!(desk.rings()["auto_answer"], Value::Null);
    desk.tell("settings");
    let settings = desk.wait("the settings", |event| event["event"] == "settings");
    assert_eq!(row(&settings, "phoneBarAutoAnswer")["layer"], "server");
    assert_eq!(row(&settings, "phoneBarAutoAnswer")["changeable"], false);
    desk.quit();
}
