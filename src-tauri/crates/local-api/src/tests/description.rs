//! `openapi.json` says what is true: the same paths as the table, and answers as its schemas have them.

use std::collections::BTreeSet;

use serde_json::Value;
use sidetone_engine::LocalAccess;
use sidetone_engine::agent::CallState;

use super::client::{get, post};
use super::phone::{FakePhone, rich};
use crate::act::OPENAPI;
use crate::route::TABLE;

fn description() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

#[test]
fn it_has_the_paths_of_the_table() {
    let described: BTreeSet<(String, String)> = description()["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| (path.clone(), method.to_uppercase()))
        })
        .collect();
    let served = TABLE
        .iter()
        .map(|(method, path, _)| ((*path).to_owned(), method.to_string()))
        .collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn answers_are_what_it_says() {
    let phone = FakePhone::new();
    phone.change(rich);
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    phone.rings("5550100");
    for (path, template) in [
        ("/api/v2/state", "/api/v2/state"),
        ("/api/v2/calls", "/api/v2/calls"),
        ("/api/v2/calls/90", "/api/v2/calls/{id}"),
        ("/api/v2/openapi.json", "/api/v2/openapi.json"),
        ("/api/calls", "/api/calls"),
        ("/api/answer", "/api/answer"),
        ("/api/hold", "/api/hold"),
        ("/api/hold/91", "/api/hold/{id}"),
        ("/api/transfer?number=1", "/api/transfer"),
        ("/api/originate/600", "/api/originate/{number}"),
        ("/api/hangup/91", "/api/hangup/{id}"),
        ("/api/hangup", "/api/hangup"),
        ("/api/v2/calls/1", "/api/v2/calls/{id}"),
    ] {
        let answered = get(port, path).await;
        conforms(template, "get", answered.status, &answered.json());
    }
    let placed = post(port, "/api/v2/calls", r#"{"number":"600"}"#).await;
    conforms("/api/v2/calls", "post", placed.status, &placed.json());
    phone.rings("5550101");
    let id = phone.views().calls.last().unwrap().id.0;
    for (action, body) in [
        ("answer", ""),
        ("dtmf", r#"{"digits":"1"}"#),
        ("record", r#"{"on":true}"#),
        ("hold", ""),
        ("resume", ""),
        ("transfer", r#"{"number":"1"}"#),
        ("hangup", ""),
        ("decline", ""),
    ] {
        let answered = post(port, &format!("/api/v2/calls/{id}/{action}"), body).await;
        let template = format!("/api/v2/calls/{{id}}/{action}");
        conforms(&template, "post", answered.status, &answered.json());
    }
    phone.rings("5550102");
    phone.rings("5550103");
    phone.change(|view| {
        let both = view.calls.iter_mut().rev().take(2);
        both.for_each(|call| call.state = CallState::Up);
    });
    let body = format!(r#"{{"call":{}}}"#, id + 2);
    let joined = post(
        port,
        &format!("/api/v2/calls/{}/transfer-to", id + 1),
        &body,
    )
    .await;
    assert_eq!(joined.status, 200, "{joined:?}");
    conforms(
        "/api/v2/calls/{id}/transfer-to",
        "post",
        200,
        &joined.json(),
    );
    for (path, body) in [
        ("/api/v2/mute", r#"{"on":true}"#),
        ("/api/v2/pause", r#"{"reason":"Lunch"}"#),
        ("/api/v2/pause", r#"{"reason":"Nap"}"#),
        ("/api/v2/unpause", ""),
    ] {
        let answered = post(port, path, body).await;
        conforms(path, "post", answered.status, &answered.json());
    }
}

/// Checks a document against the schema that the description gives for this answer.
fn conforms(path: &str, method: &str, status: u16, document: &Value) {
    let description = description();
    let responses = &description["paths"][path][method]["responses"];
    let response = match &responses[status.to_string()] {
        Value::Null => &responses["default"],
        known => known,
    };
    let content = response["content"]
        .as_object()
        .unwrap_or_else(|| panic!("{path} {status} is not described"));
    let schema = &content.values().next().unwrap()["schema"];
    fits(&description, schema, document, path).unwrap();
}

fn fits(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = root
            .pointer(&reference[1..])
            .ok_or_else(|| format!("no {reference}"))?;
        return fits(root, schema, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices
            .iter()
            .filter(|choice| fits(root, choice, value, at).is_ok());
        return if fitting.count() == 1 {
            Ok(())
        } else {
            Err(format!("{at}: {value} fits none"))
        };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Err(format!("{at}: no type")),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return Err(format!("{at}: {value} is no {kinds:?}"));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        return Err(format!("{at}: {value} is none of {choices:?}"));
    }
    if let Some(items) = value.as_array() {
        for item in items {
            fits(root, &schema["items"], item, &format!("{at}[]"))?;
        }
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for required in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(required.as_str().unwrap_or_default()) {
                return Err(format!("{at}: {required} is missing"));
            }
        }
        for (name, field) in fields {
            let schema = known
                .get(name)
                .ok_or_else(|| format!("{at}: {name} is not described"))?;
            fits(root, schema, field, &format!("{at}.{name}"))?;
        }
    }
    Ok(())
}
