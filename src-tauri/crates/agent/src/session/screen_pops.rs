use std::fmt::Write;

use sidetone_profile::{PopDirection, PopMoment, PopTarget, ScreenPop};

use super::call::Call;
use super::turn::Turn;
use crate::{CallDirection, Effect};

/// Opens what the rules say about this moment of a call.
pub(super) fn open(turn: &mut Turn<'_>, rules: &[ScreenPop], call: &Call, moment: PopMoment) {
    let direction = match call.direction {
        CallDirection::Incoming => PopDirection::Incoming,
        CallDirection::Outgoing => PopDirection::Outgoing,
    };
    for rule in rules {
        let queue_fits = rule.queue.as_deref().is_none_or(|queue| {
            call.queue
                .as_deref()
                .is_some_and(|of_call| of_call.eq_ignore_ascii_case(queue))
        });
        if rule.on == moment
            && queue_fits
            && rule.direction.is_none_or(|wanted| wanted == direction)
        {
            turn.act(Effect::ScreenPop(filled(&rule.open, call)));
        }
    }
}

fn filled(target: &PopTarget, call: &Call) -> PopTarget {
    match target {
        PopTarget::Url(address) => {
            PopTarget::Url(fill(address, |_, key| percent_encoded(&value(call, key))))
        }
        PopTarget::Program { path, args } => PopTarget::Program {
            // Never from a call: a caller could choose the program.
            path: path.clone(),
            args: args.iter().map(|arg| argument(arg, call)).collect(),
        },
    }
}

/// One argument stays one argument, and a caller's name does not become an option.
fn argument(template: &str, call: &Call) -> String {
    fill(template, |at_start, key| {
        let value: String = value(call, key)
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        if at_start {
            value.trim_start_matches(['-', '/', '@']).to_owned()
        } else {
            value
        }
    })
}

/// Puts a value in for each `{key}`; one that is not closed stays as it is.
fn fill(template: &str, value: impl Fn(bool, &str) -> String) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((key, after)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        let filled = value(out.is_empty(), key);
        out.push_str(&filled);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What is known under this key, as the agent may see it; empty when nothing is.
fn value(call: &Call, key: &str) -> String {
    match key {
        "name" => call.party.name.clone(),
        "number" => call.party.number.clone(),
        "queue" => call.queue.clone().unwrap_or_default(),
        "direction" => match call.direction {
            CallDirection::Incoming => "incoming".to_owned(),
            CallDirection::Outgoing => "outgoing".to_owned(),
        },
        "call" => call.reference.clone(),
        _ => call
            .variables
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map_or_else(String::new, |(_, value)| value.clone()),
    }
}

/// Everything but the unreserved characters of RFC 3986 section 2.3.
fn percent_encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
