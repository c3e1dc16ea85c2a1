//! Calls that do not come through, and what the caller hears of it.

use serde_json::{Value, json};
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;

fn came_in(event: &Value) -> bool {
    event["event"] == "call" && event["direction"] == "incoming"
}

/// Anna at her phone, and ben who calls her.
fn two(centre: &Centre, anna: &[&str]) -> (Desk, Desk) {
    (
        centre.ready_with("anna", anna),
        centre.ready_with("ben", &[]),
    )
}

#[test]
fn with_ring_in_use_a_second_call_is_offered() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "phoneBarRingInUse": true }));
    let (mut anna, mut ben) = two(&centre, &[]);
    anna.tell("dial 601");
    anna.call("up");
    ben.tell("dial 201");
    let second = anna.rings();
    assert_eq!(second["number"], "202", "{second}");
    anna.hears();
    anna.tell("decline");
    ben.call("ended");
    anna.hang_up();
    ben.quit();
    anna.quit();
}

#[test]
fn without_ring_in_use_the_phone_is_busy_whatever_the_server_sends() {
    let centre = Centre::open(&[]);
    // The telephone system sends second calls; IT's policy on this machine says no.
    centre.set("anna", json!({ "phoneBarRingInUse": true }));
    let policy = centre.policy("[profile]\nphoneBarRingInUse = false\n");
    let (mut anna, mut ben) = two(&centre, &["--policy", &policy]);
    anna.tell("dial 601");
    anna.call("up");
    ben.tell("dial 201");
    ben.says("call_busy");
    anna.hears();
    assert!(!anna.has_said(came_in), "nothing rang");
    anna.hang_up();
    ben.tell("dial 201");
    anna.rings();
    ben.hang_up();
    ben.quit();
    anna.quit();
}

#[test]
fn do_not_disturb_refuses_while_paused_and_ends_with_the_pause() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "phoneBarDnd": true }));
    let (mut anna, mut ben) = two(&centre, &[]);
    anna.tell("pause Lunch");
    anna.state("reason", "Lunch");
    ben.tell("dial 201");
    ben.says("call_busy");
    assert!(!anna.has_said(came_in), "nothing rang");
    anna.tell("play");
    anna.state("presence", "ready");
    ben.tell("dial 201");
    anna.rings();
    ben.hang_up();
    // Paused without it, direct calls ring.
    centre.set("anna", json!({ "phoneBarDnd": false }));
    anna.says("settings_changed");
    anna.tell("pause Break");
    anna.state("reason", "Break");
    ben.tell("dial 201");
    anna.rings();
    ben.hang_up();
    ben.quit();
    anna.quit();
}

#[test]
fn who_may_only_call_is_not_called() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "type": "user" }));
    let (mut anna, mut ben) = two(&centre, &[]);
    ben.tell("dial 201");
    ben.call("ended");
    anna.says("may_not_be_called");
    assert!(!anna.has_said(|event| came_in(event) && event["state"] == "ringing"));
    anna.tell("dial 601");
    anna.call("up");
    anna.hang_up();
    // And the other way round.
    centre.set("anna", json!({ "type": "peer" }));
    anna.says("settings_changed");
    anna.tell("dial 601");
    anna.says("may_not_call");
    ben.tell("dial 201");
    anna.rings();
    ben.hang_up();
    ben.quit();
    anna.quit();
}

#[test]
fn a_fixed_number_takes_every_call() {
    let centre = Centre::open(&[]);
    let (mut anna, mut ben) = two(&centre, &[]);
    centre.set("anna", json!({ "phoneBarUnconditional": "600" }));
    anna.says("settings_changed");
    ben.tell("dial 201");
    anna.says("call_forwarded");
    ben.call("up");
    ben.hang_up();
    assert!(!anna.has_said(|event| came_in(event) && event["state"] == "ringing"));
    ben.quit();
    anna.quit();
}

#[test]
fn another_number_takes_calls_while_busy() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarBusy": "600", "phoneBarRingInUse": true }),
    );
    let policy = centre.policy("[profile]\nphoneBarRingInUse = false\n");
    let (mut anna, mut ben) = two(&centre, &["--policy", &policy]);
    anna.tell("dial 601");
    anna.call("up");
    ben.tell("dial 201");
    anna.says("call_forwarded");
    ben.call("up");
    ben.hang_up();
    anna.hears();
    anna.hang_up();
    ben.tell("dial 201");
    anna.rings();
    ben.hang_up();
    ben.quit();
    anna.quit();
}

#[test]
fn another_number_takes_calls_that_nobody_answers() {
    let centre = Centre::open(&[]);
    centre.set_centre(json!({ "noAnswerSeconds": 1 }));
    centre.set("anna", json!({ "phoneBarNoReply": "600" }));
    let (mut anna, mut ben) = two(&centre, &[]);
    ben.tell("dial 201");
    anna.rings();
    anna.says("call_forwarded");
    ben.call("up");
    ben.hang_up();
    ben.quit();
    anna.quit();
}
