//! Calls that are answered by themselves, and calls that are not.

use std::cell::{Cell, RefCell};

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

/// Waits until the desktop shows a call that rings, and the call is told; gives both.
fn is_shown(desk: &mut Desk) -> (Value, Value) {
    let (shown, call) = (RefCell::new(None), RefCell::new(None));
    desk.wait("a call on the desktop", |event| {
        let told = match event["event"].as_str() {
            Some("ringing") if event["shown"] == true => &shown,
            Some("call") if event["state"] == "ringing" => &call,
            _ => return false,
        };
        told.replace(Some(event.clone()));
        shown.borrow().is_some() && call.borrow().is_some()
    });
    let taken = |told: RefCell<Option<Value>>| told.into_inner().unwrap_or_default();
    (taken(shown), taken(call))
}

/// Waits until the desktop shows the call no longer, and the call is in this state.
fn is_withdrawn(desk: &mut Desk, id: &Value, state: &str) {
    let (hidden, settled) = (Cell::new(false), Cell::new(false));
    desk.wait(
        &format!("nothing on the desktop, and a call that is {state}"),
        |event| {
            hidden.set(
                hidden.get()
                    || event["event"] == "ringing"
                        && event["shown"] == false
                        && event["call"] == *id,
            );
            settled.set(
                settled.get()
                    || event["event"] == "call" && event["state"] == state && event["id"] == *id,
            );
            hidden.get() && settled.get()
        },
    );
}

#[test]
fn the_countdown_is_notified_where_that_is_set_and_withdrawn_with_the_call() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 60 }),
    );
    let mut anna = centre.ready_with("anna", &[]);
    let mut ben = centre.ready_with("ben", &[]);
    ben.tell("dial 201");
    let (shown, call) = is_shown(&mut anna);
    assert_eq!(shown["notification"], false, "the window alone");
    ben.hang_up();
    is_withdrawn(&mut anna, &call["id"], "ended");

    centre.set("anna", json!({ "phoneBarAutoAnswerNotification": true }));
    anna.says("settings_changed");
    // The caller gives up.
    ben.tell("dial 201");
    let (shown, call) = is_shown(&mut anna);
    assert_eq!(
        (&shown["notification"], &shown["call"]),
        (&json!(true), &call["id"])
    );
    assert_eq!(call["auto_answer"]["total_ms"], 60_000, "{call}");
    ben.hang_up();
    is_withdrawn(&mut anna, &call["id"], "ended");
    // The agent is quicker.
    ben.tell("dial 201");
    let (shown, call) = is_shown(&mut anna);
    assert_eq!(shown["notification"], true);
    anna.tell("answer");
    is_withdrawn(&mut anna, &call["id"], "up");
    ben.hang_up();
    anna.call("ended");
    // Nobody does anything.
    centre.set("anna", json!({ "phoneBarAutoAnswerDelay": 1 }));
    anna.says("settings_changed");
    ben.tell("dial 201");
    let (shown, call) = is_shown(&mut anna);
    assert_eq!(shown["notification"], true);
    is_withdrawn(&mut anna, &call["id"], "up");
    // Without automatic answer it is a call like others.
    ben.hang_up();
    anna.call("ended");
    centre.set("anna", json!({ "phoneBarAutoAnswer": false }));
    anna.says("settings_changed");
    ben.tell("dial 201");
    let (shown, _) = is_shown(&mut anna);
    assert_eq!(shown["notification"], false);
    ben.quit();
    anna.quit();
}

#[test]
fn a_second_call_is_never_answered_by_itself() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 0, "phoneBarRingInUse": true }),
    );
    let mut anna = centre.ready_with("anna", &[]);
    anna.tell("dial 601");
    anna.call("up");
    let mut ben = centre.ready_with("ben", &[]);
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
