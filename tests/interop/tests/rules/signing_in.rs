//! Ways in, and what holds from the first moment.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sidetone_interop::browser::{self, Typed};
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;
use sidetone_interop::forwarder::Forwarder;
use sidetone_interop::one_time_code;

#[test]
fn login_in_pause_lasts_until_play() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "loginInPause": true }));
    let mut desk = centre.desk("anna");
    desk.state("presence", "paused");
    desk.green();
    let shown_ready = |event: &Value| event["event"] == "state" && event["presence"] == "ready";
    assert!(!desk.has_said(shown_ready), "never ready before Play");
    assert_eq!(centre.agent("anna")["presence"]["paused"], true);
    desk.tell("play");
    desk.state("presence", "ready");
    centre.customer(json!({}));
    desk.rings();
    desk.quit();
}

#[test]
fn a_password_that_grows_old_warns_in_its_last_fifteen_days() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "passwordResetAt": days_ago(80) }));
    let mut desk = centre.desk("anna");
    let words = desk.says("password_ages");
    assert!(
        words.contains("10 days") || words.contains("9 days"),
        "{words}"
    );
    desk.green();
    desk.quit();
    centre.set("anna", json!({ "passwordResetAt": days_ago(74) }));
    let mut desk = centre.ready("anna");
    assert!(!desk.has_said(|event| event["notice"]["code"] == "password_ages"));
    desk.quit();
}

/// RFC 3339, by the calendar of the proleptic Gregorian days since 1970.
fn days_ago(days: u64) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock after 1970");
    let then = now - Duration::from_secs(days * 86_400);
    let (day, second) = (then.as_secs() / 86_400, then.as_secs() % 86_400);
    // Howard Hinnant's civil_from_days.
    let z = day + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let y = yoe + era * 400 + u64::from(m <= 2);
    format!(
        "{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[test]
fn a_one_time_code_is_asked_for_once_a_shift() {
    let centre = Centre::open(&["--token-life", "3"]);
    let secret = centre.require_code("anna");
    let mut desk = centre.desk("anna");
    desk.says("code_required");
    desk.tell(&format!("code {}", one_time_code::now(&secret)));
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    let before = desk.said().len();
    for _ in 0..4 {
        desk.hears();
    }
    desk.tell("pause Lunch");
    desk.state("reason", "Lunch");
    let asked = |event: &Value| event["notice"]["code"] == "code_required";
    assert!(
        !desk.said()[before..].iter().any(asked),
        "the sign-in was renewed without a code"
    );
    desk.hang_up();
    desk.quit();
}

#[test]
fn an_expired_password_is_changed_by_the_security_rules() {
    let centre = Centre::open(&[]);
    centre.set_centre(json!({ "passwordRules": { "min_length": 12 } }));
    centre.expire_password("anna");
    let refused = centre.folder().join("short");
    std::fs::write(&refused, "short\n").expect("a file");
    let mut desk = centre.desk_with_file("anna", &refused, &["--new-password-fd", "3"]);
    desk.says("password_refused");
    drop(desk);
    let good = centre.folder().join("good");
    std::fs::write(&good, "A longer Horse 1!\n").expect("a file");
    let mut desk = centre.desk_with_file("anna", &good, &["--new-password-fd", "3"]);
    desk.says("password_required");
    desk.green();
    desk.quit();
    // The new one holds, the old one does not.
    let mut desk = centre.desk_at(centre.server(), "anna", "A longer Horse 1!");
    desk.green();
    desk.quit();
    centre.desk("anna").says("wrong_password");
}

#[test]
fn the_browser_signs_in_and_may_say_no() {
    let centre = Centre::open(&[]);
    let address = |desk: &mut Desk| {
        let open = desk.wait("the address", |event| event["event"] == "open");
        open["address"].as_str().expect("an address").to_owned()
    };
    let typed = |button| Typed {
        name: "anna",
        password: centre.password(),
        button,
    };
    let ca = Path::new(centre.ca());
    let mut desk = centre.desk_by_browser();
    let page = browser::sign_in(&address(&mut desk), ca, typed("sign-in")).expect("the way back");
    assert!(!page.is_empty(), "the browser says that it is done");
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    desk.hears();
    desk.hang_up();
    desk.quit();

    let mut desk = centre.desk_by_browser();
    browser::sign_in(&address(&mut desk), ca, typed("cancel")).expect("the way back");
    let words = desk.says("browser_sign_in_failed");
    assert!(words.contains("cancel"), "{words}");
}

#[test]
fn of_two_sessions_one_rings() {
    let centre = Centre::open(&[]);
    let mut first = centre.ready("anna");
    let mut second = centre.desk("anna");
    let words = second.says("signed_in_elsewhere");
    assert!(words.contains("another device"), "{words}");
    // Until the agent has chosen, calls go where they went.
    centre.customer(json!({ "talkSeconds": 60.0 }));
    first.rings();
    first.tell("answer");
    first.call("up");
    first.wait("the customer's voice", |event| event["event"] == "audio");
    assert!(!second.has_said(|event| event["event"] == "call"));
    second.tell("take-over");
    second.green();
    first.says("signed_in_elsewhere");
    // The call is finished where it was.
    first.wait("the call that goes on", |event| event["event"] == "media");
    first.tell("hangup");
    first.ends(7);
    centre.customer(json!({}));
    second.rings();
    second.quit();
}

#[test]
fn an_agent_who_was_away_too_long_is_logged_in_again() {
    let centre = Centre::open(&["--grace", "1"]);
    let wire = Forwarder::to(centre.port());
    let server = format!("https://localhost:{}", wire.port());
    let mut desk = centre.desk_at(&server, "anna", centre.password());
    desk.green();
    let online = || centre.agent("anna")["presence"]["online"] == true;
    assert!(online());
    wire.cut();
    desk.says("link_down");
    centre.until("the server to give up", || (!online()).then_some(()));
    wire.mend();
    desk.says("logged_in_again");
    centre.until("the login", || online().then_some(()));
    centre.customer(json!({}));
    desk.rings();
    desk.quit();
}

#[test]
fn the_phone_rings_while_the_web_server_is_down() {
    let centre = Centre::open(&[]);
    let wire = Forwarder::to(centre.port());
    let server = format!("https://localhost:{}", wire.port());
    let mut desk = centre.desk_at(&server, "anna", centre.password());
    desk.green();
    let mut ben = centre.ready_with("ben", &[]);
    wire.cut();
    desk.says("link_down");
    ben.tell("dial 201");
    desk.rings();
    desk.tell("answer");
    desk.call("up");
    ben.hang_up();
    ben.quit();
    desk.quit();
}
