//! The made-up people, queue and pause reasons that a new sandbox starts with.

use serde_json::{Map, Value, json};
use sidetone_profile::{Secret, wire};

use crate::password;
use crate::store::{NewAgent, Queue, Store, Strategy};

pub(crate) const PAUSES: [&str; 5] = ["Lunch", "Break", "Training", "Meeting", "Back office"];

/// Fills an empty store.
pub(crate) fn plant(
    store: &mut Store,
    password: &Secret,
    sip_secrets: impl Fn(&str) -> Option<Secret>,
) -> rusqlite::Result<()> {
    let hash = password::hash(password.reveal());
    let mut members = Vec::new();
    for (name, own) in people() {
        let document = settings(name, own);
        let extension = document["internal"].as_str().unwrap_or_default().to_owned();
        members.push(store.add_agent(&NewAgent {
            name,
            document: &document,
            password_hash: &hash,
            sip_secret: &sip_secrets(&extension).unwrap_or_else(password::token),
        })?);
    }
    let names: Vec<String> = PAUSES.iter().map(|name| (*name).to_owned()).collect();
    store.set_pauses(&names)?;
    store.add_queue(
        &Queue {
            id: 1,
            name: "support".to_owned(),
            extension: "604".to_owned(),
            strategy: Strategy::LeastRecent,
            ring_s: 15,
        },
        &members,
    )
}

/// Their telephone numbers are reserved for fiction (NANP 555-0100 to 0199, Ofcom's drama numbers).
fn people() -> [(&'static str, Value); 5] {
    [
        (
            "anna",
            json!({
                "fullname": "Anna Keller", "alias": "Anna", "email": "anna@contact.example", "internal": "201",
                "phone": "+1 202 555 0101", "mobile": "+44 7700 900101", "description": "Support, first line",
                "callerid": "\"Anna Keller\" <201>", "samlId": "anna@contact.example",
            }),
        ),
        (
            "ben",
            json!({
                "fullname": "Ben Osei", "alias": "Ben", "email": "ben@contact.example", "internal": "202",
                "phone": "+1 202 555 0102", "callerid": "\"Ben Osei\" <202>", "adSsoEnabled": true,
                "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 3, "phoneBarAutoAnswerNotification": true,
            }),
        ),
        (
            "carla",
            json!({
                "fullname": "Carla Russo", "alias": "Carla", "email": "carla@contact.example", "internal": "203",
                "phone": "+44 20 7946 0103", "callerid": "\"Carla Russo\" <203>",
                "loginInPause": true, "phoneBarRingInUse": true, "phoneBarDnd": true,
            }),
        ),
        (
            "dana",
            json!({
                "fullname": "Dana Novak", "alias": "Dana", "email": "dana@contact.example", "internal": "204",
                "phone": "+44 20 7946 0104", "callerid": "\"Dana Novak\" <204>",
                "typology": "phonebar", "allow": ["alaw", "ulaw"], "phoneBarExpires": 120,
            }),
        ),
        (
            "emil",
            json!({
                "fullname": "Emil Brandt", "alias": "Emil", "email": "emil@contact.example", "internal": "205",
                "phone": "+44 20 7946 0105", "callerid": "\"Emil Brandt\" <205>",
                "allow": ["g722", "opus", "g729", "gsm"], "privacyEnabled": true,
            }),
        ),
    ]
}

/// An agent's settings: the defaults of the profile, then what all have, then what this one has.
fn settings(name: &str, own: Value) -> Map<String, Value> {
    let mut document = json!({
        "id": 0, "name": name, "passwordResetAt": crate::clock::now_text(), "allow": ["opus", "alaw", "ulaw"],
        "phoneBarEnableSettings": true, "phoneBarEnableRecording": true, "phoneBarEnableDtmfTone": true,
        "phoneBarUnansweredCallBadge": true,
    });
    if let (Value::Object(document), Value::Object(own)) = (&mut document, own) {
        document.extend(own);
    }
    let mut settings = wire::read(&document)
        .map(|(profile, _)| wire::write(&profile))
        .unwrap_or_default();
    settings.remove("id");
    settings.remove("name");
    settings.extend(memberships(name));
    settings
}

/// Where an agent belongs, which a phone only shows.
fn memberships(name: &str) -> Map<String, Value> {
    let (teams, bot) = match name {
        "anna" | "ben" => (json!(["First line"]), json!("Reply helper")),
        "carla" => (json!(["First line", "Evening"]), Value::Null),
        _ => (json!(["Second line"]), Value::Null),
    };
    let fields = [
        ("teams", teams),
        ("profile", json!("Agents")),
        ("aiBot", bot),
        ("queues", json!([])),
    ];
    fields
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_settings_that_a_phone_can_use() {
        for (name, own) in people() {
            let mut document = own.clone();
            document["id"] = json!(1);
            document["name"] = json!(name);
            let (_, faults) = wire::read(&document).expect("an agent");
            assert_eq!(faults, [], "{name}");
            let settings = settings(name, own.clone());
            for field in own.as_object().expect("an object").keys() {
                assert!(
                    settings.contains_key(field),
                    "{name}: {field} is no setting"
                );
            }
        }
    }
}
