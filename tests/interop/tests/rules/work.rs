//! What waits for an agent, and the time after a call.

use serde_json::{Value, json};
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;

/// The rows of a list, once they are as wanted.
fn rows(desk: &mut Desk, list: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let event = desk.wait(&format!("{list} as wanted"), |event| {
        event["event"] == list && event["rows"].as_array().is_some_and(|rows| wanted(rows))
    });
    event["rows"].as_array().cloned().unwrap_or_default()
}

fn announced<'a>(id: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |event| event["event"] == "offer" && event["interaction"] == id && event["shown"] == true
}

#[test]
fn a_preview_call_waits_for_the_end_of_the_pause_unless_the_server_lets_it() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    let contact = json!({ "name": "Vera Lind", "number": "5550142", "campaign": "spring" });
    let first = centre.give("anna", "previews", contact.clone());
    let shown = rows(&mut desk, "previews", |rows| rows.len() == 1);
    assert_eq!(shown[0]["campaign"], "spring", "{shown:?}");
    desk.tell("pause Lunch");
    desk.state("reason", "Lunch");
    desk.tell(&format!("preview {first}"));
    desk.says("no_preview_in_pause");
    centre.set("anna", json!({ "phoneBarIgnoreBreakPreview": true }));
    desk.says("settings_changed");
    desk.tell(&format!("preview {first}"));
    let call = desk.call("up");
    assert_eq!(call["number"], "5550142", "{call}");
    desk.hang_up();
    // Ready, it is allowed anyhow.
    centre.set(
        "anna",
        json!({ "phoneBarIgnoreBreakPreview": false, "phoneBarDnd": true }),
    );
    desk.says("settings_changed");
    desk.tell("play");
    desk.state("presence", "ready");
    let second = centre.give("anna", "previews", contact);
    rows(&mut desk, "previews", |rows| {
        rows.iter().any(|row| row["id"] == second.as_str())
    });
    desk.tell(&format!("preview {second}"));
    desk.call("up");
    desk.hang_up();
    desk.quit();
}

#[test]
fn a_callback_is_called_and_done() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    let id = centre.give(
        "anna",
        "callbacks",
        json!({ "name": "Vera Lind", "number": "5550142", "note": "about the invoice" }),
    );
    let shown = rows(&mut desk, "callbacks", |rows| rows.len() == 1);
    assert_eq!(shown[0]["note"], "about the invoice");
    desk.tell(&format!("callback {id}"));
    let call = desk.call("up");
    assert_eq!(call["number"], "5550142", "{call}");
    desk.hang_up();
    desk.tell(&format!("callback-done {id}"));
    rows(&mut desk, "callbacks", <[Value]>::is_empty);
    assert_eq!(centre.list("anna", "callbacks"), json!([]));
    desk.quit();
}

#[test]
fn missed_calls_are_counted_until_they_are_seen() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    centre.customer(json!({ "number": "5550142", "patienceSeconds": 1.0 }));
    desk.wait("the count", |event| {
        event["event"] == "missed" && event["count"] == 1
    });
    desk.tell("missed-seen");
    desk.wait("no count", |event| {
        event["event"] == "missed" && event["count"] == 0
    });
    desk.tell("history");
    let history = desk.wait("the history", |event| event["event"] == "history");
    assert_eq!(history["entries"][0]["number"], "5550142", "{history}");
    assert_eq!(history["entries"][0]["missed"], true, "{history}");
    centre.set("anna", json!({ "phoneBarUnansweredCallBadge": false }));
    desk.says("settings_changed");
    centre.customer(json!({ "patienceSeconds": 1.0 }));
    desk.says("call_missed");
    assert_ne!(desk.said().last().expect("a line")["event"], "missed");
    desk.quit();
}

#[test]
fn a_call_is_described_before_the_next_one_comes() {
    let centre = Centre::open(&[]);
    centre.set_centre(json!({ "wrapUpSeconds": 120, "dispositionRequired": true }));
    let tree = centre.set_dispositions(json!([
        { "name": "Sale", "children": [{ "name": "Phone", "children": [{ "name": "Prepaid" }] }] },
        { "name": "Complaint" },
    ]));
    let id = |pointer: &str| {
        tree.pointer(pointer)
            .and_then(Value::as_i64)
            .expect("an identifier")
    };
    let path = [
        id("/0/id"),
        id("/0/children/0/id"),
        id("/0/children/0/children/0/id"),
    ];
    let mut desk = centre.ready("anna");
    // A call of one's own is no call of a queue.
    desk.tell("dial 601");
    desk.call("up");
    desk.hang_up();
    centre.customer(json!({ "talkSeconds": 60.0 }));
    desk.rings();
    desk.tell("answer");
    desk.call("up");
    desk.hang_up();
    let after = desk.wait("the time after the call", |event| {
        event["event"] == "wrap_up" && !event["wrap_up"].is_null()
    });
    assert_eq!(after["wrap_up"]["disposition_required"], true, "{after}");
    desk.tell("wrap-up-end");
    desk.says("disposition_required");
    let next = centre.customer(json!({ "patienceSeconds": 120.0 }));
    desk.says("wrapping_up");
    assert_eq!(centre.call(next)["answeredBy"], Value::Null);
    let [a, b, c] = path;
    desk.tell(&format!("dispose {a}/{b}/{c} wants a second one"));
    desk.wait("the server's word", |event| {
        event["event"] == "wrap_up" && event["wrap_up"]["disposed"] == true
    });
    let disposed = centre.list("anna", "dispositions");
    assert_eq!(disposed[0]["path"], json!(path), "{disposed}");
    assert_eq!(disposed[0]["note"], "wants a second one", "{disposed}");
    desk.tell("wrap-up-end");
    desk.rings();
    desk.tell("decline");
    desk.quit();
}

#[test]
fn a_channel_can_be_paused_alone_where_the_server_allows_it() {
    let centre = Centre::open(&[]);
    let mut desk = centre.ready("anna");
    let chat = |event: &Value| -> Option<bool> {
        let channels = event["channels"].as_array()?;
        let chat = channels.iter().find(|one| one["channel"] == "chat")?;
        chat["paused"].as_bool()
    };
    desk.tell("pause-channel chat Training");
    desk.wait("a pause of chat alone", |event| {
        event["event"] == "state" && chat(event) == Some(true) && event["presence"] == "ready"
    });
    assert_eq!(
        centre.agent("anna")["presence"]["channels"]["chat"]["paused"],
        true
    );
    // Calls come as before.
    centre.customer(json!({ "talkSeconds": 60.0 }));
    desk.rings();
    desk.tell("decline");
    desk.call("ended");
    desk.tell("unpause-channel chat");
    desk.wait("the end of it", |event| {
        event["event"] == "state" && chat(event) == Some(false)
    });
    centre.set_centre(json!({ "partialPause": false }));
    desk.wait("the server's change of mind", |event| {
        event["event"] == "state" && event["channels"] == json!([])
    });
    desk.tell("pause-channel chat Training");
    desk.says("channel_not_pausable");
    desk.quit();
}

#[test]
fn interactions_are_announced_as_far_as_capacity_and_tabs_go() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "chatCapacity": 1, "emailCapacity": 0 }));
    let mut desk = centre.ready("anna");
    let first = centre.give(
        "anna",
        "interactions",
        json!({ "channel": "chat", "from": "Vera Lind" }),
    );
    desk.wait("the offer", announced(&first));
    desk.tell(&format!("accept-interaction {first}"));
    rows(&mut desk, "interactions", |rows| {
        rows.iter().any(|row| row["offered"] == false)
    });
    // One more than the capacity of its channel waits unseen.
    let chat = json!({ "channel": "chat", "from": "Ida Berg" });
    let over = centre.give("anna", "interactions", chat);
    let mail = json!({ "channel": "email", "from": "m@ex.example" });
    let mail = centre.give("anna", "interactions", mail);
    desk.wait("the mail's offer", announced(&mail));
    assert!(!desk.has_said(announced(&over)), "over capacity");
    desk.tell(&format!("accept-interaction {mail}"));
    rows(&mut desk, "interactions", |rows| {
        rows.iter().filter(|row| row["offered"] == false).count() == 2
    });
    // The tabs are full: room on the channel alone does not help.
    centre.set_centre(json!({ "tabLimit": 2 }));
    desk.says("settings_changed");
    centre.set("anna", json!({ "chatCapacity": 2 }));
    desk.wait("more room on the channel", |event| {
        event["notice"]["fields"] == "chatCapacity"
    });
    assert!(!desk.has_said(announced(&over)), "over the tab limit");
    centre.set_centre(json!({ "tabLimit": 3 }));
    desk.wait("the offer at last", announced(&over));
    desk.quit();
}

#[test]
fn interactions_are_accepted_by_themselves_but_never_of_beepall() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "chatAutoanswer": true, "chatAutoanswerDelay": 1 }),
    );
    let mut desk = centre.ready("anna");
    let beep =
        json!({ "channel": "chat", "from": "Ida Berg", "queue": "web", "strategy": "beepall" });
    let beep = centre.give("anna", "interactions", beep);
    desk.wait("its offer", announced(&beep));
    let chat = json!({ "channel": "chat", "from": "Vera Lind", "queue": "web", "strategy": "leastrecent" });
    let chat = centre.give("anna", "interactions", chat);
    let taken = rows(&mut desk, "interactions", |rows| {
        rows.iter()
            .any(|row| row["id"] == chat.as_str() && row["offered"] == false)
    });
    let beep = taken.iter().find(|row| row["id"] == beep.as_str());
    assert_eq!(
        beep.map(|row| &row["offered"]),
        Some(&json!(true)),
        "{taken:?}"
    );
    desk.quit();
}
