use sidetone_engine::agent::CallId;

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
    Dtmf(String),
    Pause(String),
    Play,
    Code(String),
    Quit,
}

/// Reads a line; `None` is an empty one, and the words of an error say what would be right.
pub(crate) fn parse(line: &str) -> Result<Option<Line>, String> {
    let line = line.trim();
    let (verb, rest) = match line.split_once(char::is_whitespace) {
        Some((verb, rest)) => (verb, rest.trim()),
        None => (line, ""),
    };
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
        "mute" => Line::Mute(match rest {
            "on" => true,
            "off" => false,
            _ => return Err("mute needs on or off".to_owned()),
        }),
        "dtmf" => Line::Dtmf(digits(&needed("digits")?)?),
        "pause" => Line::Pause(needed("a reason")?),
        "play" => alone(Line::Play)?,
        "code" => Line::Code(needed("the one-time code")?),
        "quit" => alone(Line::Quit)?,
        other => {
            return Err(format!(
                "{other:?} is no command; there are dial, answer, decline, hangup, hold, resume, mute, dtmf, \
                 pause, play, code and quit"
            ));
        }
    };
    Ok(Some(parsed))
}

fn call(verb: &str, text: &str) -> Result<Option<CallId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(|id| Some(CallId(id)))
        .map_err(|_| format!("{verb} takes the number of a call, not {text:?}"))
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
            ("dtmf 19*0d#", Some(Line::Dtmf("19*0D#".to_owned()))),
            (
                "pause Lunch break",
                Some(Line::Pause("Lunch break".to_owned())),
            ),
            ("play", Some(Line::Play)),
            ("code 123456", Some(Line::Code("123456".to_owned()))),
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
            ("dtmf", "digits"),
            ("dtmf 12x", "0-9"),
            ("pause", "reason"),
            ("play now", "nothing after"),
            ("quit!", "no command"),
            ("sing", "dial"),
        ] {
            let fault = parse(line).unwrap_err();
            assert!(fault.contains(word), "{line}: {fault}");
        }
    }
}
