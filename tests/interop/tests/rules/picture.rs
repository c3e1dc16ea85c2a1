//! The agent's picture.

use reqwest::Method;
use serde_json::{Value, json};
use sidetone_interop::centre::Centre;

/// The first bytes of a PNG and of a JPG, and a file that is neither.
const PNG: &str = "iVBORw0KGgo=";
const JPG: &str = "/9j/";

#[test]
fn the_picture_is_fetched_when_the_server_has_another_one() {
    let centre = Centre::open(&[]);
    let give = |picture: Option<&str>| {
        let path = "/admin/api/agents/anna/avatar";
        let body = json!({ "picture": picture });
        centre.ask(Method::PUT, path, Some(body))["userpic"].clone()
    };
    let first = give(Some(PNG));
    let mut desk = centre.desk("anna");
    let shown = |event: &Value| event["event"] == "picture";
    let picture = desk.wait("the picture", shown);
    assert_eq!(picture["kind"], "image/png", "{picture}");
    let second = give(Some(JPG));
    assert_ne!(first, second, "another picture has another address");
    let picture = desk.wait("another picture", |event| {
        shown(event) && event["kind"] == "image/jpeg"
    });
    assert_eq!(picture["bytes"], 3, "{picture}");
    // Taken away, and one that is no picture.
    give(None);
    desk.wait("no picture", |event| {
        shown(event) && event["kind"].is_null()
    });
    centre.set("anna", json!({ "userpic": "/api/settings" }));
    let notice = desk.wait("words about it", |event| {
        event["words"].to_string().contains("neither PNG nor JPG")
    });
    assert_eq!(notice["event"], "notice");
    desk.quit();
}
