//! What an INVITE says about itself: who calls, on which way, and how it wants to be met.

use std::time::Duration;

use super::address::{name_addr, param, percent_decoded, split_list, uri_of};
use super::message::Message;
use crate::api::{Diversion, NameAddr};

/// Header fields that tell whoever decides about the call where it comes from.
const TOLD: [&str; 12] = [
    "Diversion",
    "History-Info",
    "Reason",
    "Call-Info",
    "Alert-Info",
    "Answer-Mode",
    "Priority",
    "Subject",
    "Referred-By",
    "User-to-User",
    "P-Called-Party-ID",
    "Priv-Answer-Mode",
];

/// All `X-` fields and those that those above know by name.
pub(super) fn told(request: &Message) -> Vec<(String, String)> {
    request
        .fields()
        .filter(|(name, _)| {
            let x = name.get(..2).is_some_and(|p| p.eq_ignore_ascii_case("x-"));
            x || TOLD.iter().any(|told| told.eq_ignore_ascii_case(name))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// P-Asserted-Identity (RFC 3325), Remote-Party-ID or From, in that order; only From of somebody untrusted.
pub(super) fn caller(request: &Message, trusted: bool) -> NameAddr {
    let from = name_addr(request.get("From").unwrap_or_default());
    if !trusted {
        return from;
    }
    let asserted = request.list("P-Asserted-Identity").into_iter().next();
    let party = request
        .list("Remote-Party-ID")
        .into_iter()
        .find(|value| param(value, "party").is_none_or(|p| p.eq_ignore_ascii_case("calling")));
    let mut best = asserted
        .or(party)
        .map_or_else(|| from.clone(), |v| name_addr(&v));
    if best.user.is_empty() && best.uri.is_empty() {
        return from;
    }
    if best.display_name.is_empty() && best.user == from.user {
        best.display_name = from.display_name;
    }
    best
}

/// Diversion (RFC 5806), or else the entries of History-Info (RFC 7044) that were left for a reason; the last first.
pub(super) fn diversions(request: &Message) -> Vec<Diversion> {
    let direct: Vec<Diversion> = request
        .list("Diversion")
        .iter()
        .map(|value| Diversion {
            from: name_addr(value),
            reason: param(value, "reason")
                .unwrap_or_default()
                .trim_matches('"')
                .to_owned(),
        })
        .collect();
    if !direct.is_empty() {
        return direct;
    }
    request
        .list("History-Info")
        .iter()
        .rev()
        .filter_map(|value| {
            let (_, fields) = uri_of(value).split_once('?')?;
            let reason = fields
                .split('&')
                .filter_map(|field| field.split_once('='))
                .find(|(name, _)| name.eq_ignore_ascii_case("Reason"))?;
            let reason = percent_decoded(reason.1);
            let mut from = name_addr(value);
            if let Some((bare, _)) = from.uri.split_once('?') {
                from.uri = bare.to_owned();
            }
            let cause = param(&reason, "cause").unwrap_or(&reason).to_owned();
            Some(Diversion {
                from,
                reason: cause,
            })
        })
        .collect()
}

/// How many servers may still pass the INVITE on (RFC 3261 §16.6 step 3).
pub(super) fn max_forwards(request: &Message) -> u8 {
    request
        .number("Max-Forwards")
        .map_or(70, |left| u8::try_from(left).unwrap_or(u8::MAX))
}

/// After how long the INVITE wants to be answered by itself.
pub(super) fn auto_answer(request: &Message) -> Option<Duration> {
    let mode = ["Answer-Mode", "Priv-Answer-Mode"].into_iter().any(|name| {
        request.get(name).is_some_and(|value| {
            let mode = value.split(';').next().unwrap_or_default().trim();
            mode.eq_ignore_ascii_case("auto")
        })
    });
    let seconds = |text: &str| {
        let whole: u64 = text.trim_matches('"').trim().parse().ok()?;
        Some(Duration::from_secs(whole))
    };
    for value in request
        .all("Call-Info")
        .chain(request.all("Alert-Info"))
        .flat_map(split_list)
    {
        if let Some(after) = any_param(&value, "answer-after").and_then(seconds) {
            return Some(after);
        }
    }
    for value in request.list("Alert-Info") {
        let info = any_param(&value, "info").unwrap_or_default();
        let info = info.trim_matches('"').to_ascii_lowercase();
        let named = value.to_ascii_lowercase();
        // As Asterisk dialplans, Polycom, Yealink and Snom write it.
        if matches!(
            info.as_str(),
            "alert-autoanswer" | "auto-answer" | "auto answer"
        ) || named.contains("alert-autoanswer")
            || named.contains("ring answer")
            || named.contains("auto answer")
        {
            let delay = any_param(&value, "delay").and_then(seconds);
            return Some(delay.unwrap_or_default());
        }
    }
    mode.then_some(Duration::ZERO)
}

/// A parameter behind the address, or of a value that has none.
fn any_param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    param(value, name).or_else(|| {
        // `;info=…` alone, without an address before it.
        value.split(';').find_map(|entry| {
            let (key, value) = entry.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(fields: &[(&str, &str)]) -> Message {
        let mut invite = Message::request("INVITE", "sip:1001@c")
            .with("From", "\"Shown\" <sip:2025550199@x>;tag=t");
        for (name, value) in fields {
            invite.push(name, *value);
        }
        invite
    }

    #[test]
    fn only_the_registrar_asserts_who_calls() {
        let call = invite(&[
            ("P-Asserted-Identity", "\"Ann\" <sip:2025550101@x>"),
            ("Remote-Party-ID", "<sip:2025550102@x>;party=calling"),
        ]);
        assert_eq!(caller(&call, true).user, "2025550101");
        assert_eq!(caller(&call, false).user, "2025550199");
        let called = invite(&[("Remote-Party-ID", "<sip:2025550102@x>;party=called")]);
        assert_eq!(caller(&called, true).user, "2025550199");
    }

    #[test]
    fn every_way_of_asking_for_an_answer_is_understood() {
        type Case = (&'static [(&'static str, &'static str)], Option<u64>);
        let cases: [Case; 14] = [
            (&[], None),
            (&[("Call-Info", "<sip:x>;answer-after=0")], Some(0)),
            (
                &[(
                    "Call-Info",
                    "<http://i/a.png>;purpose=icon, <sip:x>; answer-after=3",
                )],
                Some(3),
            ),
            (&[("Call-Info", "answer-after=2")], Some(2)),
            (&[("Call-Info", "<sip:x>;answer-after=soon")], None),
            (
                &[("Alert-Info", "<http://x>;info=alert-autoanswer;delay=5")],
                Some(5),
            ),
            (&[("Alert-Info", "info=alert-autoanswer")], Some(0)),
            (&[("Alert-Info", "<sip:x>;info=\"Auto-Answer\"")], Some(0)),
            (&[("Alert-Info", "Ring Answer")], Some(0)),
            (&[("Alert-Info", "<http://x/ring.wav>;info=external")], None),
            (&[("Alert-Info", "<http://x>;answer-after=1")], Some(1)),
            (&[("Answer-Mode", "Auto")], Some(0)),
            (&[("Priv-Answer-Mode", "auto;require")], Some(0)),
            (&[("Answer-Mode", "Manual")], None),
        ];
        for (fields, wanted) in cases {
            assert_eq!(
                auto_answer(&invite(fields)).map(|d| d.as_secs()),
                wanted,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn an_invite_without_a_count_may_be_passed_on_as_often_as_a_new_one() {
        for (field, left) in [("0", 0), ("1", 1), ("255", 255), ("4711", 255), ("x", 70)] {
            assert_eq!(
                max_forwards(&invite(&[("Max-Forwards", field)])),
                left,
                "{field}"
            );
        }
        assert_eq!(max_forwards(&invite(&[])), 70);
    }

    #[test]
    fn diversions_come_from_either_header_the_last_first() {
        let direct = invite(&[(
            "Diversion",
            "\"Front\" <sip:100@x>;reason=no-answer, <sip:200@x>;reason=\"unconditional\"",
        )]);
        let of = |call: &Message| -> Vec<(String, String)> {
            diversions(call)
                .into_iter()
                .map(|d| (d.from.user, d.reason))
                .collect()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            of(&direct),
            [pair("100", "no-answer"), pair("200", "unconditional")]
        );
        let history = invite(&[(
            "History-Info",
            "<sip:200@x?Reason=SIP%3Bcause%3D302>;index=1, <sip:100@x?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1.1, <sip:1001@x>;index=1.2",
        )]);
        assert_eq!(of(&history), [pair("100", "486"), pair("200", "302")]);
    }
}
