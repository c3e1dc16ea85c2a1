//! What an INVITE says about itself: who calls, on which way, and how it wants to be met.

use super::address::{name_addr, param, percent_decoded, split_list, uri_of};
use super::message::Message;
use crate::api::{AnswerMode, Diversion, NameAddr};

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

/// How the INVITE wants to be answered. What asks for more rights counts first (RFC 5373 §4); who says that a person
/// shall answer has the last word.
pub(super) fn answer_mode(request: &Message) -> AnswerMode {
    let asked = ["Priv-Answer-Mode", "Answer-Mode"]
        .into_iter()
        .find_map(|name| mode(request.get(name)?));
    let alert = request
        .list("Alert-Info")
        .into_iter()
        .find(|value| asks_to_answer(value));
    let delay = || any_param(alert.as_ref()?, "delay").and_then(seconds);
    let after_s = answer_after(request).or_else(delay);
    match asked {
        Some(AnswerMode::Auto { required, .. }) => AnswerMode::Auto { after_s, required },
        None if after_s.is_some() || alert.is_some() => AnswerMode::Auto {
            after_s,
            required: false,
        },
        Some(mode) => mode,
        None => AnswerMode::Unsaid,
    }
}

/// What Answer-Mode says; a mode that nobody has heard of counts as none.
fn mode(value: &str) -> Option<AnswerMode> {
    let mut parts = value.split(';').map(str::trim);
    let mode = parts.next()?;
    if mode.eq_ignore_ascii_case("manual") {
        return Some(AnswerMode::Manual);
    }
    mode.eq_ignore_ascii_case("auto").then(|| AnswerMode::Auto {
        after_s: None,
        required: parts.any(|part| part.eq_ignore_ascii_case("require")),
    })
}

fn answer_after(request: &Message) -> Option<u16> {
    request
        .all("Call-Info")
        .chain(request.all("Alert-Info"))
        .flat_map(split_list)
        .find_map(|value| any_param(&value, "answer-after").and_then(seconds))
}

/// Whether an Alert-Info asks to be answered, as Asterisk dialplans, Polycom, Yealink and Snom write it.
fn asks_to_answer(value: &str) -> bool {
    let info = any_param(value, "info").unwrap_or_default();
    let info = info.trim_matches('"').to_ascii_lowercase();
    let named = value.to_ascii_lowercase();
    matches!(
        info.as_str(),
        "alert-autoanswer" | "auto-answer" | "auto answer"
    ) || ["alert-autoanswer", "ring answer", "auto answer"]
        .iter()
        .any(|words| named.contains(words))
}

/// Nobody lets a phone ring for longer.
const LONGEST_RING_S: u16 = 3600;

fn seconds(text: &str) -> Option<u16> {
    let whole: u64 = text.trim_matches('"').trim().parse().ok()?;
    Some(u16::try_from(whole).map_or(LONGEST_RING_S, |s| s.min(LONGEST_RING_S)))
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
        use AnswerMode::{Manual, Unsaid};
        let auto = |after_s: Option<u16>| AnswerMode::Auto {
            after_s,
            required: false,
        };
        let required = AnswerMode::Auto {
            after_s: None,
            required: true,
        };
        let call = |value| [("Call-Info", value)];
        let alert = |value| [("Alert-Info", value)];
        let icon = "<http://i/a.png>;purpose=icon, <sip:x>; answer-after=3";
        let delayed = "<http://x>;info=alert-autoanswer;delay=5";
        let cases: [(&[(&str, &str)], AnswerMode); 25] = [
            (&[], Unsaid),
            (&call("<sip:x>;answer-after=0"), auto(Some(0))),
            (&call(icon), auto(Some(3))),
            (&call("answer-after=2"), auto(Some(2))),
            (&call("answer-after=99999999999"), auto(Some(3600))),
            (&call("<sip:x>;answer-after=soon"), Unsaid),
            (&alert(delayed), auto(Some(5))),
            (&alert("info=alert-autoanswer"), auto(None)),
            (&alert("<sip:x>;info=\"Auto-Answer\""), auto(None)),
            (&alert("Ring Answer"), auto(None)),
            (&alert("<http://x/ring.wav>;info=external"), Unsaid),
            (&alert("<http://x>;answer-after=1"), auto(Some(1))),
            (&[("Answer-Mode", "Auto")], auto(None)),
            (&[("Answer-Mode", "AUTO ; x=y ; Require")], required),
            (&[("Answer-Mode", "Manual;require")], Manual),
            (&[("Answer-Mode", "Robot;require")], Unsaid),
            (&[("Priv-Answer-Mode", "auto")], auto(None)),
            (&[("Priv-Answer-Mode", "auto;require")], required),
            (&[("Priv-Answer-Mode", "Manual")], Manual),
            // The privileged one counts first, unless it says nothing that is known.
            (
                &[("Answer-Mode", "Manual"), ("Priv-Answer-Mode", "Auto")],
                auto(None),
            ),
            (
                &[("Priv-Answer-Mode", "Manual"), ("Answer-Mode", "Auto")],
                Manual,
            ),
            (
                &[("Priv-Answer-Mode", "Robot"), ("Answer-Mode", "Auto")],
                auto(None),
            ),
            // A time to ring is no contradiction of Auto, but one of Manual.
            (
                &[("Answer-Mode", "Auto"), ("Call-Info", "answer-after=4")],
                auto(Some(4)),
            ),
            (
                &[("Answer-Mode", "Manual"), ("Call-Info", "answer-after=4")],
                Manual,
            ),
            (
                &[
                    ("Priv-Answer-Mode", "Manual"),
                    ("Alert-Info", "Ring Answer"),
                ],
                Manual,
            ),
        ];
        for (fields, wanted) in cases {
            assert_eq!(answer_mode(&invite(fields)), wanted, "{fields:?}");
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
