//! The local HTTP interface of a real phone.

use serde_json::json;
use sidetone_interop::centre::Centre;
use sidetone_interop::local::{Local, free_port};

#[test]
fn an_old_integration_drives_real_calls() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    let port = free_port();
    let phone = Local::at(port);
    assert!(!phone.is_open(), "it is off by default");
    centre.set(
        "anna",
        json!({ "phoneBarRemoteControl": true, "phoneBarRemoteControlPort": port }),
    );
    desk.says("settings_changed");
    centre.until("the interface", || phone.is_open().then_some(()));

    // A customer's call, taken by another program.
    let customer = centre.customer(json!({ "number": "5550142", "talkSeconds": 60.0 }));
    desk.rings();
    let (_, calls) = phone.get("/api/calls");
    let ringing = json!([{
        "sessionId": "1", "callingNumber": "5550142", "duration": 0, "stateId": 32, "incoming": true,
    }]);
    assert_eq!(calls, ringing);
    assert_eq!(phone.get("/api/answer/1").0, 200);
    desk.call("up");
    desk.hears();
    assert_eq!(phone.get("/api/hold").0, 200);
    desk.call("held");
    assert_eq!(phone.get("/api/calls").1[0]["stateId"], 64);
    assert_eq!(phone.get("/api/hold").0, 200);
    desk.call("up");
    // What a page of another site could send.
    let page = phone.with("Sec-Fetch-Site: cross-site");
    assert_eq!(page.get("/api/hangup").0, 403);
    desk.hears();
    assert_eq!(phone.get("/api/hangup").0, 200);
    desk.call("ended");
    assert_eq!(centre.call(customer)["answeredBy"], "anna");

    let (status, placed) = phone.get("/api/originate/601");
    assert_eq!((status, &placed["stateId"]), (200, &json!(2)), "{placed}");
    desk.call("up");
    desk.hears();
    assert_eq!(phone.get("/api/hangup").0, 200);
    desk.call("ended");

    centre.set("anna", json!({ "phoneBarRemoteControl": false }));
    desk.says("settings_changed");
    centre.until("it to close", || (!phone.is_open()).then_some(()));
    desk.quit();
}

#[test]
fn a_new_program_listens_and_acts_with_the_policys_token() {
    let centre = Centre::open(&[]);
    let port = free_port();
    let policy = centre.policy(&format!(
        "[profile]\nphoneBarRemoteControl = true\nphoneBarRemoteControlPort = {port}\n\
         [localInterface]\ntoken = 'correct horse battery staple'\n"
    ));
    let mut desk = centre.ready_with("anna", &["--policy", &policy]);
    let stranger = Local::at(port);
    assert_eq!(stranger.get("/api/calls").0, 401);
    let program = stranger.with("X-Sidetone-Token: correct horse battery staple");
    let mut states = program.states();
    states.wait("the green light", |state| state["ready"] == true);
    assert_eq!(program.post("/api/v2/calls", r#"{"number":"600"}"#).0, 201);
    states.wait("the call", |state| state["calls"][0]["state"] == "up");
    assert_eq!(
        program.post("/api/v2/calls/1/dtmf", r#"{"digits":"42"}"#).0,
        200
    );
    centre.until_last_call("the keys", |call| call["digits"] == "42");
    assert_eq!(program.post("/api/v2/calls/1/hangup", "").0, 200);
    states.wait("its end", |state| state["calls"][0]["state"] == "ended");
    assert_eq!(
        program.post("/api/v2/pause", r#"{"reason":"Lunch"}"#).0,
        202
    );
    states.wait("the pause", |state| state["presence"]["reason"] == "Lunch");
    assert_eq!(program.post("/api/v2/unpause", "").0, 202);
    states.wait("the end of it", |state| {
        state["presence"]["state"] == "ready"
    });
    // The server wants it off, the policy has the last word.
    centre.set(
        "anna",
        json!({ "phoneBarRemoteControl": false, "phoneBarDnd": true }),
    );
    desk.says("settings_changed");
    assert_eq!(program.get("/api/v2/state").0, 200);
    desk.quit();
}

#[test]
fn a_port_in_use_is_told_to_the_agent() {
    let centre = Centre::open(&[]);
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("its address").port();
    centre.set(
        "anna",
        json!({ "phoneBarRemoteControl": true, "phoneBarRemoteControlPort": port }),
    );
    let mut desk = centre.ready("anna");
    let words = match desk
        .said()
        .iter()
        .find(|e| e["notice"]["code"] == "local_interface_failed")
    {
        Some(event) => event["words"].as_str().unwrap_or_default().to_owned(),
        None => desk.says("local_interface_failed"),
    };
    assert!(words.contains(&port.to_string()), "{words}");
    drop(holder);
    let phone = Local::at(port);
    centre.until("the interface", || phone.is_open().then_some(()));
    desk.quit();
}
