use std::path::PathBuf;

use serde_json::Value;
use sidetone_engine::agent::CallId;
use sidetone_profile::Channel;

/// One line of standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Dial(String),
    Answer(Option<CallId>),
    Decline(Option<CallId>),
    HangUp(Option<CallId>),
    Hold(Option<CallId>),
    Resume(Option<CallId>),
    Mute(bool),
    ProcessVoice(bool),
    Dtmf(String),
    Transfer(Option<CallId>, String),
    TransferTo(CallId, CallId),
    Conference(Option<(CallId, CallId)>),
    CheckNetwork(Option<String>),
    CheckMicrophone(bool),
    Record(bool, Option<CallId>),
    PauseRecording(bool, Option<CallId>),
    Pickup,
    Pause(String),
    Play,
    PauseChannel(Channel, String),
    UnpauseChannel(Channel),
    AcceptInteraction(String),
    DeclineInteraction(String),
    OpenInteraction(String),
    Preview(String),
    Callback(String),
    FinishCallback(String, bool),
    Dispose(Vec<i64>, String),
    WrapUpEnd,
    History,
    Trace(PathBuf),
    CallAgain(u64),
    MissedSeen,
    ClearHistory,
    Settings,
    Setting(String, Value),
    Code(String),
    TakeOver,
    NewPassword,
    Quit,
}

/// Every command, as it is typed.
const VERBS: &[&str] = &[
    "dial",
    "answer",
    "decline",
    "hangup",
    "hold",
    "resume",
    "mute",
    "process-voice",
    "dtmf",
    "transfer",
    "transfer-to",
    "conference",
    "check",
    "record",
    "pause-recording",
    "pickup",
    "pause",
    "play",
    "pause-channel",
    "unpause-channel",
    "accept-interaction",
    "decline-interaction",
    "open-interaction",
    "preview",
    "callback",
    "callback-done",
    "callback-later",
    "dispose",
    "wrap-up-end",
    "history",
    "trace",
    "call-again",
    "missed-seen",
    "clear-history",
    "settings",
    "setting",
    "code",
    "take-over",
    "new-password",
    "quit",
];

/// Reads a line; `None` is an empty one, and the words of an error say what would be right.
pub(crate) fn parse(line: &str) -> Result<Option<Line>, String> {
    let line = line.trim();
    let (verb, rest) = split(line);
    let needed = |what: &str| {
        if rest.is_empty() {
            Err(format!("{verb} needs {what}"))
        } else {
            Ok(rest.to_owned())
        }
    };
    let alone = |command: Line| {
        if rest.is_empty() {
            Ok(command)
        } else {
            Err(format!("{verb} takes nothing after it"))
        }
    };
    let parsed = match verb {
        "" => return Ok(None),
        "dial" => Line::Dial(needed("a number")?),
        "answer" => Line::Answer(call(verb, rest)?),
        "decline" => Line::Decline(call(verb, rest)?),
        "hangup" => Line::HangUp(call(verb, rest)?),
        "hold" => Line::Hold(call(verb, rest)?),
        "resume" => Line::Resume(call(verb, rest)?),
        "mute" | "process-voice" => {
            let (on, rest) = switch(verb, rest)?;
            if !rest.is_empty() {
                return Err(format!("{verb} takes nothing after on or off"));
            }
            match verb {
                "mute" => Line::Mute(on),
                _ => Line::ProcessVoice(on),
            }
        }
        "dtmf" => Line::Dtmf(digits(&needed("digits")?)?),
        "transfer" => {
            needed("a number")?;
            let (first, number) = split(rest);
            match first.parse() {
                // One word alone is the number.
                Ok(id) if !number.is_empty() => Line::Transfer(Some(CallId(id)), number.to_owned()),
                _ => Line::Transfer(None, rest.to_owned()),
            }
        }
        "transfer-to" => {
            let (one, other) = split(rest);
            match (call(verb, one)?, call(verb, other)?) {
                (Some(one), Some(other)) => Line::TransferTo(one, other),
                _ => return Err("transfer-to needs the numbers of two calls".to_owned()),
            }
        }
        "conference" => {
            let (one, other) = split(rest);
            match (call(verb, one)?, call(verb, other)?) {
                (Some(one), Some(other)) => Line::Conference(Some((one, other))),
                (None, None) => Line::Conference(None),
                _ => return Err("conference needs the numbers of two calls, or none".to_owned()),
            }
        }
        "check" => match split(rest) {
            ("network", "") => Line::CheckNetwork(None),
            ("network", number) => Line::CheckNetwork(Some(number.to_owned())),
            ("microphone", "") => Line::CheckMicrophone(true),
            ("microphone", "off") => Line::CheckMicrophone(false),
            _ => return Err("check needs network or microphone".to_owned()),
        },
        "record" => {
            let (on, rest) = switch(verb, rest)?;
            Line::Record(on, call(verb, rest)?)
        }
        "pause-recording" => {
            let (on, rest) = switch(verb, rest)?;
            Line::PauseRecording(on, call(verb, rest)?)
        }
        "pickup" => alone(Line::Pickup)?,
        "pause" => Line::Pause(needed("a reason")?),
        "play" => alone(Line::Play)?,
        "pause-channel" => {
            let (name, reason) = split(rest);
            if reason.is_empty() {
                return Err("pause-channel needs a channel and a reason".to_owned());
            }
            Line::PauseChannel(channel(name)?, reason.to_owned())
        }
        "unpause-channel" => Line::UnpauseChannel(channel(rest)?),
        "accept-interaction" => Line::AcceptInteraction(needed("an interaction")?),
        "decline-interaction" => Line::DeclineInteraction(needed("an interaction")?),
        "open-interaction" => Line::OpenInteraction(needed("an interaction")?),
        "preview" => Line::Preview(needed("a preview call")?),
        "callback" => Line::Callback(needed("a callback")?),
        "callback-done" => Line::FinishCallback(needed("a callback")?, true),
        "callback-later" => Line::FinishCallback(needed("a callback")?, false),
        "dispose" => {
            let (path, note) = split(rest);
            let path: Result<Vec<i64>, _> = path.split('/').map(str::parse).collect();
            let path = path.map_err(|_| "dispose needs identifiers such as 4/17/2".to_owned())?;
            Line::Dispose(path, note.to_owned())
        }
        "wrap-up-end" => alone(Line::WrapUpEnd)?,
        "history" => alone(Line::History)?,
        "trace" => Line::Trace(needed("a file")?.into()),
        "call-again" => Line::CallAgain(
            rest.parse()
                .map_err(|_| "call-again needs the number of an entry".to_owned())?,
        ),
        "missed-seen" => alone(Line::MissedSeen)?,
        "clear-history" => alone(Line::ClearHistory)?,
        "settings" => alone(Line::Settings)?,
        "setting" => {
            let (field, text) = split(rest);
            if text.is_empty() {
                return Err("setting needs a field and a value".to_owned());
            }
            Line::Setting(field.to_owned(), value(text))
        }
        "code" => Line::Code(needed("the one-time code")?),
        "take-over" => alone(Line::TakeOver)?,
        "new-password" => alone(Line::NewPassword)?,
        "quit" => alone(Line::Quit)?,
        other => {
            return Err(format!(
                "{other:?} is no command; there are {}",
                VERBS.join(", ")
            ));
        }
    };
    Ok(Some(parsed))
}

/// The first word, and what stands behind it.
fn split(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim()),
        None => (text, ""),
    }
}

fn call(verb: &str, text: &str) -> Result<Option<CallId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(|id| Some(CallId(id)))
        .map_err(|_| format!("{verb} takes the number of a call, not {text:?}"))
}

fn switch<'a>(verb: &str, text: &'a str) -> Result<(bool, &'a str), String> {
    match split(text) {
        ("on", rest) => Ok((true, rest)),
        ("off", rest) => Ok((false, rest)),
        _ => Err(format!("{verb} needs on or off")),
    }
}

fn channel(name: &str) -> Result<Channel, String> {
    serde_json::from_value(Value::from(name)).map_err(|_| {
        format!(
            "{name:?} is no channel; there are voice, chat, email, sms, openchannel, fax and whatsapp"
        )
    })
}

/// The value of a setting; `default` goes back to the server's.
fn value(text: &str) -> Value {
    match text {
        "on" | "true" => true.into(),
        "off" | "false" => false.into(),
        "default" => Value::Null,
        _ => text
            .parse::<u64>()
            .map_or_else(|_| text.into(), Value::from),
    }
}

fn digits(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    match upper
        .chars()
        .find(|c| !matches!(c, '0'..='9' | '*' | '#' | 'A'..='D'))
    {
        None => Ok(upper),
        Some(wrong) => Err(format!("{wrong:?} is no key; there are 0-9 * # A-D")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_commands() {
        let id = |n| Some(CallId(n));
        for (line, command) in [
            ("", None),
            ("   ", None),
            ("dial 600", Some(Line::Dial("600".to_owned()))),
            (
                "dial  +1 555 0100 ",
                Some(Line::Dial("+1 555 0100".to_owned())),
            ),
            ("answer", Some(Line::Answer(None))),
            ("answer 3", Some(Line::Answer(id(3)))),
            ("decline", Some(Line::Decline(None))),
            ("hangup 12", Some(Line::HangUp(id(12)))),
            ("hold", Some(Line::Hold(None))),
            ("resume 1", Some(Line::Resume(id(1)))),
            ("mute on", Some(Line::Mute(true))),
            ("mute\toff", Some(Line::Mute(false))),
            ("process-voice on", Some(Line::ProcessVoice(true))),
            ("dtmf 19*0d#", Some(Line::Dtmf("19*0D#".to_owned()))),
            (
                "pause Lunch break",
                Some(Line::Pause("Lunch break".to_owned())),
            ),
            ("play", Some(Line::Play)),
            ("code 123456", Some(Line::Code("123456".to_owned()))),
            ("transfer 600", Some(Line::Transfer(None, "600".to_owned()))),
            (
                "transfer 2 600",
                Some(Line::Transfer(id(2), "600".to_owned())),
            ),
            (
                "transfer +1 555 0100",
                Some(Line::Transfer(id(1), "555 0100".to_owned())),
            ),
            (
                "conference 1 2",
                Some(Line::Conference(Some((CallId(1), CallId(2))))),
            ),
            ("conference", Some(Line::Conference(None))),
            ("check network", Some(Line::CheckNetwork(None))),
            (
                "check network *43",
                Some(Line::CheckNetwork(Some("*43".to_owned()))),
            ),
            ("check microphone", Some(Line::CheckMicrophone(true))),
            (
                "transfer-to 1 2",
                Some(Line::TransferTo(CallId(1), CallId(2))),
            ),
            ("record on", Some(Line::Record(true, None))),
            ("record off 3", Some(Line::Record(false, id(3)))),
            ("pause-recording on", Some(Line::PauseRecording(true, None))),
            (
                "pause-channel chat Lunch break",
                Some(Line::PauseChannel(Channel::Chat, "Lunch break".to_owned())),
            ),
            (
                "unpause-channel fax",
                Some(Line::UnpauseChannel(Channel::Fax)),
            ),
            (
                "callback-later c 7",
                Some(Line::FinishCallback("c 7".to_owned(), false)),
            ),
            (
                "dispose 1/4/17 sold two",
                Some(Line::Dispose(vec![1, 4, 17], "sold two".to_owned())),
            ),
            ("dispose 1", Some(Line::Dispose(vec![1], String::new()))),
            ("call-again 12", Some(Line::CallAgain(12))),
            (
                "setting phoneBarAutoAnswer on",
                Some(Line::Setting("phoneBarAutoAnswer".to_owned(), true.into())),
            ),
            (
                "setting phoneBarAutoAnswerDelay 7",
                Some(Line::Setting(
                    "phoneBarAutoAnswerDelay".to_owned(),
                    7.into(),
                )),
            ),
            (
                "setting callerid \"Anna\" <1001>",
                Some(Line::Setting(
                    "callerid".to_owned(),
                    "\"Anna\" <1001>".into(),
                )),
            ),
            (
                "setting callerid default",
                Some(Line::Setting("callerid".to_owned(), Value::Null)),
            ),
            ("take-over", Some(Line::TakeOver)),
            ("new-password", Some(Line::NewPassword)),
            ("quit\r", Some(Line::Quit)),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn wrong_lines_say_what_would_be_right() {
        for (line, word) in [
            ("dial", "number"),
            ("answer me", "number of a call"),
            ("hangup -1", "number of a call"),
            ("mute", "on or off"),
            ("mute maybe", "on or off"),
            ("process-voice off now", "nothing after"),
            ("dtmf", "digits"),
            ("trace", "a file"),
            ("dtmf 12x", "0-9"),
            ("pause", "reason"),
            ("play now", "nothing after"),
            ("transfer", "number"),
            ("transfer-to 1", "two calls"),
            ("conference 1", "two calls"),
            ("check", "network or microphone"),
            ("transfer-to 1 x", "number of a call"),
            ("record", "on or off"),
            ("record maybe", "on or off"),
            ("pause-channel chat", "reason"),
            ("pause-channel radio Lunch", "whatsapp"),
            ("unpause-channel", "whatsapp"),
            ("dispose", "4/17/2"),
            ("dispose 1/x", "4/17/2"),
            ("call-again me", "entry"),
            ("setting callerid", "value"),
            ("new-password hunter2", "nothing after"),
            ("quit!", "no command"),
            ("sing", "dial"),
        ] {
            let fault = parse(line).unwrap_err();
            assert!(fault.contains(word), "{line}: {fault}");
        }
    }
}
