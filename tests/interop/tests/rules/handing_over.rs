//! Calls that change hands.

use serde_json::json;
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;

/// A customer, who makes pauses, is heard.
fn is_heard(desk: &mut Desk) {
    desk.wait("the customer's voice", |event| {
        event["event"] == "media" && event["level_in_dbov"].as_f64() > Some(-50.0)
    });
}

#[test]
fn a_call_is_handed_over_and_goes_on_without_the_agent() {
    let centre = Centre::open(&[]);
    let mut anna = centre.ready_with("anna", &[]);
    centre.customer(json!({ "talkSeconds": 60.0 }));
    anna.rings();
    anna.tell("answer");
    anna.call("up");
    centre.set("carla", json!({ "loginInPause": false }));
    let mut carla = centre.ready_with("carla", &[]);
    // Nobody there: the customer is still anna's.
    anna.tell("transfer 299");
    anna.says("transfer_failed");
    is_heard(&mut anna);
    anna.tell("transfer 203");
    carla.rings();
    carla.tell("answer");
    carla.call("up");
    anna.says("call_transferred");
    // The customer is heard by the one who took over.
    is_heard(&mut carla);
    carla.hang_up();
    carla.quit();
    anna.quit();
}

#[test]
fn a_colleague_is_asked_before_a_call_is_handed_over() {
    let centre = Centre::open(&[]);
    let mut anna = centre.ready_with("anna", &[]);
    centre.customer(json!({ "talkSeconds": 60.0 }));
    let customer = anna.rings()["id"].clone();
    anna.tell("answer");
    anna.call("up");
    centre.set("carla", json!({ "loginInPause": false }));
    let mut carla = centre.ready_with("carla", &[]);
    anna.tell("hold");
    anna.call("held");
    anna.tell("dial 203");
    carla.rings();
    carla.tell("answer");
    carla.call("up");
    let colleague = anna.call("up")["id"].clone();
    anna.tell(&format!("transfer-to {customer} {colleague}"));
    anna.says("call_transferred");
    is_heard(&mut carla);
    carla.hang_up();
    carla.quit();
    anna.quit();
}

#[test]
fn a_call_is_picked_up_from_a_colleague() {
    let centre = Centre::open(&[]);
    let mut anna = centre.ready_with("anna", &[]);
    anna.tell("pickup");
    anna.says("no_pickup");
    for name in ["anna", "carla"] {
        centre.set(
            name,
            json!({ "callgroup": "1", "pickupgroup": "1", "loginInPause": false }),
        );
    }
    anna.says("settings_changed");
    let mut carla = centre.ready_with("carla", &[]);
    let members = json!([centre.agent("carla")["id"]]);
    centre.set_queue(json!({ "members": members }));
    let call = centre.customer(json!({ "talkSeconds": 60.0 }));
    carla.rings();
    anna.tell("pickup");
    anna.call("up");
    is_heard(&mut anna);
    carla.call("ended");
    assert_eq!(centre.call(call)["answeredBy"], "anna");
    anna.hang_up();
    carla.quit();
    anna.quit();
}
