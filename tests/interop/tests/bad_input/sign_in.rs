//! Passwords that are wrong, codes, and sign-ins that run out.

use serde_json::{Value, json};

use crate::centre::Centre;
use crate::one_time_code;

#[test]
fn five_wrong_passwords_lock_the_agent() {
    let centre = Centre::open(&[]);
    for _ in 0..4 {
        let mut desk = centre.desk_at(centre.server(), "anna", "incorrect horse");
        let words = desk.says("wrong_password");
        assert_eq!(desk.ends(3), words);
    }
    for password in ["incorrect horse", centre.password()] {
        let mut desk = centre.desk_at(centre.server(), "anna", password);
        let words = desk.says("account_locked");
        assert!(words.contains("administrator"), "{words}");
        assert_eq!(desk.ends(3), words);
    }
    // Of this agent only.
    centre.ready("carla").quit();
}

#[test]
fn a_one_time_code_is_asked_for_and_may_be_wrong_once() {
    let centre = Centre::open(&[]);
    let secret = centre.require_code("anna");
    let mut desk = centre.desk("anna");
    desk.says("code_required");
    let code = one_time_code::now(&secret);
    let last = if code.ends_with('0') { '1' } else { '0' };
    desk.tell(&format!("code {}{last}", &code[..5]));
    desk.says("wrong_code");
    desk.tell(&format!("code {}", one_time_code::now(&secret)));
    desk.green();
    desk.quit();
}

#[test]
fn a_sign_in_that_runs_out_is_renewed_in_silence() {
    let centre = Centre::open(&["--token-life", "3"]);
    let mut desk = centre.ready("anna");
    desk.tell("dial 601");
    desk.call("up");
    let before = desk.said().len();
    for _ in 0..3 {
        desk.hears();
    }
    let news: Vec<&Value> = desk.said()[before..]
        .iter()
        .filter(|event| {
            !["media", "audio"]
                .iter()
                .any(|kind| event["event"] == *kind)
        })
        .collect();
    assert!(news.is_empty(), "the agent was told: {news:?}");
    assert!(centre.sign_ins("anna") >= 3, "nothing had run out");
    desk.tell("pause Lunch");
    desk.wait("the pause", |event| event["reason"] == "Lunch");
    desk.hang_up();
    assert!(
        desk.said()
            .iter()
            .all(|event| event["notice"]["code"] != "link_down"),
        "the contact centre was never away"
    );
    desk.quit();
}

#[test]
fn a_renewal_that_is_refused_waits_for_the_end_of_the_call() {
    let centre = Centre::open(&["--token-life", "3"]);
    let mut desk = centre.ready("anna");
    desk.tell("dial 601");
    desk.call("up");
    centre.set_password("anna", "another horse altogether");
    desk.says("wrong_password");
    desk.hears();
    desk.tell("hangup");
    let words = desk.ends(3);
    assert!(words.contains("password"), "{words}");
    // It was tried once, not until the account was locked.
    let mut desk = centre.desk_at(centre.server(), "anna", "another horse altogether");
    desk.green();
    desk.quit();
}

#[test]
fn a_second_phone_of_the_agent_takes_over_after_the_call() {
    let centre = Centre::open(&[]);
    let mut first = centre.ready("anna");
    first.tell("dial 601");
    first.call("up");
    let mut second = centre.desk("anna");
    second.says("signed_in_elsewhere");
    second.tell("take-over");
    second.green();
    let words = first.says("signed_in_elsewhere");
    assert!(words.contains("another device"), "{words}");
    first.hears();
    first.tell("hangup");
    assert_eq!(first.ends(7), words);
    // The first one does not sign in again behind the second one's back.
    second.tell("dial 601");
    second.call("up");
    second.hears();
    second.hang_up();
    second.quit();
}

#[test]
fn an_agent_who_is_switched_off_finishes_the_call() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    desk.tell("dial 601");
    desk.call("up");
    centre.set("anna", json!({ "disabled": true }));
    let words = desk.says("account_disabled");
    desk.hears();
    desk.tell("hangup");
    assert_eq!(desk.ends(3), words);
}
