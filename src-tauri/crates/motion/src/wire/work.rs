use sidetone_profile::{
    Callback, Disposition, Interaction, PauseReason, PreviewCall, QueueMembership,
};

use super::presence::channel_named;
use super::row::{BadField, Fields, Row};

/// Levels of dispositions that are shown; deeper ones are left out.
const DISPOSITION_LEVELS: u8 = 3;

impl Row for PauseReason {
    fn read(fields: Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.number_id("id")?,
            name: fields.id("name")?,
        })
    }
}

impl Row for QueueMembership {
    fn read(fields: Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.number_id("id")?,
            name: fields.id("name")?,
            waiting: fields.number("waiting"),
            strategy: fields.optional_text("strategy"),
        })
    }
}

impl Row for Interaction {
    fn read(fields: Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id("id")?,
            channel: channel_named(&fields.text("channel")).ok_or(BadField {
                field: "channel",
                allowed: "chat, email, sms, openchannel, fax or whatsapp",
            })?,
            offered: fields.flag("offered"),
            from: fields.text("from"),
            queue: fields.optional_text("queue"),
            strategy: fields.optional_text("strategy"),
            address: fields.optional_text("address"),
        })
    }
}

impl Row for PreviewCall {
    fn read(fields: Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id("id")?,
            name: fields.text("name"),
            number: fields.id("number")?,
            campaign: fields.optional_text("campaign"),
        })
    }
}

impl Row for Callback {
    fn read(fields: Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id("id")?,
            name: fields.text("name"),
            number: fields.id("number")?,
            queue: fields.optional_text("queue"),
            due_ms: fields.time_ms("dueAt"),
            note: fields.text("note"),
        })
    }
}

impl Row for Disposition {
    fn read(fields: Fields<'_>) -> Result<Self, BadField> {
        disposition(fields, DISPOSITION_LEVELS)
    }
}

fn disposition(fields: Fields<'_>, levels: u8) -> Result<Disposition, BadField> {
    let children = fields.get("children").and_then(|rows| rows.as_array());
    let children = children.filter(|_| levels > 1).into_iter().flatten();
    Ok(Disposition {
        id: fields.number_id("id")?,
        name: fields.id("name")?,
        children: children
            .filter_map(|row| disposition(Fields(row.as_object()?), levels - 1).ok())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sidetone_profile::Channel;

    use super::super::rows;
    use super::*;

    #[test]
    fn lists_come_wrapped_or_bare_and_missing_ones_are_empty() {
        for (document, found) in [
            (json!({"count": 1, "rows": [{"id": 3, "name": "Lunch"}]}), 1),
            (json!([{"id": "3", "name": "Lunch"}]), 1),
            (json!({"count": 0}), 0),
            (json!({"rows": null}), 0),
        ] {
            let rows = rows::<PauseReason>("the pause reasons", &document).unwrap();
            assert_eq!(rows.len(), found);
            assert!(rows.iter().all(|row| row.id == 3 && row.name == "Lunch"));
        }
        assert!(rows::<PauseReason>("the pause reasons", &json!("no")).is_err());
    }

    #[test]
    fn a_row_of_no_use_is_left_out_and_the_others_stay() {
        let document = json!({"rows": [
            {"id": 7, "channel": "chat", "offered": true, "from": "Ms Doe", "queue": "web", "more": {}},
            {"channel": "chat", "from": "nobody"},
            {"id": "x", "channel": "pigeon"},
            "nothing",
            {"id": "c-9", "channel": "WhatsApp", "offered": "no", "from": 39010, "strategy": "beepall"},
        ]});
        let rows = rows::<Interaction>("the interactions", &document).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].id.as_str(), rows[0].offered), ("7", true));
        assert_eq!(rows[0].queue.as_deref(), Some("web"));
        assert_eq!(rows[1].channel, Channel::Whatsapp);
        assert_eq!(rows[1].from, "39010");
        assert_eq!(rows[1].strategy.as_deref(), Some("beepall"));
    }

    #[test]
    fn callbacks_say_when_they_are_due() {
        let document = json!([{"id": 1, "name": "Ada", "number": 5550100, "dueAt": "2031-05-01T12:00:00.5+02:00"},
            {"id": 2, "number": "5550101", "dueAt": "soon"}]);
        let rows = rows::<Callback>("the callbacks", &document).unwrap();
        assert_eq!(rows[0].due_ms, Some(1_935_396_000_500));
        assert_eq!(rows[0].number, "5550100");
        assert_eq!(rows[1].due_ms, None);
    }

    #[test]
    fn dispositions_have_three_levels_at_most() {
        let document = json!([{"id": 1, "name": "Sale", "children": [{"id": 2, "name": "New", "children":
            [{"id": 3, "name": "Gold", "children": [{"id": 4, "name": "too deep"}]}, {"name": "no id"}]}]}]);
        let rows = rows::<Disposition>("the dispositions", &document).unwrap();
        let third = &rows[0].children[0].children;
        assert_eq!(third.len(), 1);
        assert_eq!(third[0].name, "Gold");
        assert!(third[0].children.is_empty());
    }

    #[test]
    fn a_fault_does_not_say_what_stood_there() {
        let fields = json!({"name": "Ada Secret", "number": {"clear": "5550100"}, "id": 1});
        let fault = PreviewCall::read(Fields(fields.as_object().unwrap())).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "number is missing or not text or a number"
        );
    }
}
