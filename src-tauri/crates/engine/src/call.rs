use std::time::Duration;

use sidetone_agent::{AnswerWish, CallEnd, CallId, IncomingCall, OneWay, Registration};
use sidetone_media::{Direction, Session};
use sidetone_sip::{AnswerMode, DialogEnd, DialogId, IncomingInvite, RegistrationState};

use crate::phone::Counted;

/// One call: its dialog in `sip` and its sound in `media`.
#[derive(Debug)]
pub(crate) struct Call {
    /// `None` until our INVITE is on its way.
    pub(crate) dialog: Option<DialogId>,
    /// Whom to call, until the INVITE is on its way.
    pub(crate) number: Option<String>,
    /// The caller's offer, until the sound is being made.
    pub(crate) offer: Option<String>,
    pub(crate) sound: Sound,
    /// Answer as soon as the sound is ready.
    pub(crate) answer_when_ready: bool,
    /// An early answer was applied.
    pub(crate) early_media: bool,
    /// We hold it.
    pub(crate) held: bool,
    /// We asked to hold (`true`) or resume (`false`), and wait for the far end.
    pub(crate) asked_hold: Option<bool>,
    /// How often that could not be sent because another offer was open.
    pub(crate) hold_tries: u32,
    /// Packets as of the last second.
    pub(crate) counted: Counted,
    /// What `agent` knows of one side that does not hear the other.
    pub(crate) one_way: Option<OneWay>,
    /// Its sound has to move to the network of now.
    pub(crate) moving: Moving,
    /// Whom it is being handed over to.
    pub(crate) referred: Option<Referred>,
}

/// How far a call is with moving to another network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    /// It stays.
    No,
    /// It has to, for the so many'th time.
    Wanted(u32),
    /// The far end was asked, for the so many'th time.
    Asked(u32),
}

/// Whom a call is being handed over to.
#[derive(Clone, Debug)]
pub(crate) struct Referred {
    pub(crate) to: ReferTo,
    /// It was refused once, and asked for again.
    pub(crate) again: bool,
}

/// Where a call goes when it is handed over.
#[derive(Clone, Debug)]
pub(crate) enum ReferTo {
    /// To a number.
    Number(String),
    /// To whom we talk to in another call.
    Call(CallId),
}

/// How far the sound of a call is.
#[derive(Debug)]
pub(crate) enum Sound {
    /// Not begun.
    None,
    /// Sockets and candidates are being gathered.
    Preparing,
    /// Ready, with our description of it.
    Ready {
        /// The session.
        session: Session,
        /// Our offer or answer.
        sdp: String,
    },
    /// Impossible.
    Failed,
}

impl Call {
    pub(crate) fn incoming(dialog: DialogId, offer: Option<String>) -> Self {
        Self {
            dialog: Some(dialog),
            offer,
            ..Self::outgoing(None)
        }
    }

    pub(crate) fn outgoing(number: Option<String>) -> Self {
        Self {
            dialog: None,
            number,
            offer: None,
            sound: Sound::None,
            answer_when_ready: false,
            early_media: false,
            held: false,
            asked_hold: None,
            hold_tries: 0,
            counted: Counted::default(),
            one_way: None,
            moving: Moving::No,
            referred: None,
        }
    }

    /// Its session, once the sound is ready.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.sound {
            Sound::Ready { session, .. } => Some(session),
            Sound::None | Sound::Preparing | Sound::Failed => None,
        }
    }
}

/// The direction that we ask for.
pub(crate) fn wanted_direction(hold: bool) -> Direction {
    if hold {
        Direction::SendOnly
    } else {
        Direction::SendRecv
    }
}

/// Whether the far end holds us, when it chose the direction.
pub(crate) fn is_remote_hold(direction: Direction) -> bool {
    matches!(direction, Direction::RecvOnly | Direction::Inactive)
}

/// A new call in `agent`'s terms.
pub(crate) fn incoming(call: CallId, invite: &IncomingInvite) -> IncomingCall {
    // What somebody else than our registrar says of a call opens nothing and belongs to no queue.
    let headers = invite.trusted.then_some(&invite.headers);
    let variables: Vec<(String, String)> = headers
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| {
            let prefix = name.get(..2)?;
            prefix
                .eq_ignore_ascii_case("x-")
                .then(|| (name[2..].to_owned(), value.clone()))
        })
        .collect();
    let queue = variables
        .iter()
        .find(|(name, value)| {
            !value.is_empty()
                && (name.eq_ignore_ascii_case("queue") || name.eq_ignore_ascii_case("queue-name"))
        })
        .map(|(_, value)| value.clone());
    IncomingCall {
        call,
        caller_name: invite.from.display_name.clone(),
        caller_number: invite.from.user.clone(),
        queue,
        reference: invite.call_id.clone(),
        variables,
        answer: match invite.answer_mode {
            AnswerMode::Unsaid => AnswerWish::Any,
            AnswerMode::Manual => AnswerWish::ByHand,
            AnswerMode::Auto { after_s, required } => AnswerWish::ByItself {
                after: after_s.map(|s| Duration::from_secs(s.into())),
                required,
            },
        },
    }
}

/// Why a dialog is over, in `agent`'s terms.
pub(crate) fn end(end: DialogEnd) -> CallEnd {
    match end {
        DialogEnd::Local => CallEnd::Local,
        DialogEnd::RemoteBye => CallEnd::Remote,
        DialogEnd::Cancelled(reason) if reason.as_deref().is_some_and(is_elsewhere) => {
            CallEnd::AnsweredElsewhere
        }
        DialogEnd::Cancelled(_) => CallEnd::CallerGaveUp,
        DialogEnd::Refused { status, reason } => CallEnd::Refused { status, reason },
        DialogEnd::Unreachable(fault) => CallEnd::Unreachable(fault),
    }
}

/// `Reason: SIP;cause=200` (RFC 3326), or Asterisk's `Q.850;cause=26`: answered by somebody else.
fn is_elsewhere(reason: &str) -> bool {
    let squeezed: String = reason
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    let has = |protocol: &str, cause: &str| {
        squeezed.split(',').any(|one| {
            let mut parts = one.split(';');
            parts.next() == Some(protocol) && parts.any(|p| p == cause)
        })
    };
    has("sip", "cause=200") || has("q.850", "cause=26")
}

/// The digit of an `application/dtmf-relay` (`Signal=5`) or `application/dtmf` (`5`) body.
pub(crate) fn relayed_digit(body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body).ok()?;
    let value = text
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then_some(value)
        })
        .unwrap_or(text)
        .trim();
    let mut chars = value.chars();
    match (chars.next(), chars.next()) {
        (Some(digit @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => Some(digit),
        _ => None,
    }
}

/// The registration in `agent`'s terms.
pub(crate) fn registration(state: RegistrationState) -> Registration {
    match state {
        RegistrationState::Unregistered => Registration::None,
        RegistrationState::Trying => Registration::Trying,
        RegistrationState::Registered { .. } => Registration::Registered,
        RegistrationState::Refused { status: 404, .. } => Registration::UnknownUser,
        RegistrationState::Refused { status, reason } => Registration::Refused { status, reason },
        RegistrationState::Unreachable { fault, .. } => Registration::Unreachable(fault),
        RegistrationState::Certificate { fault } => Registration::Certificate(fault),
    }
}

#[cfg(test)]
mod tests {
    use sidetone_sip::{FlowId, NameAddr};

    use super::*;

    #[test]
    fn a_call_taken_by_a_colleague_is_not_a_missed_one() {
        for (reason, expected) in [
            (
                Some("SIP;cause=200;text=\"Call completed elsewhere\""),
                CallEnd::AnsweredElsewhere,
            ),
            (
                Some("Q.850;cause=26, SIP ;cause=200"),
                CallEnd::AnsweredElsewhere,
            ),
            (Some("SIP;cause=487"), CallEnd::CallerGaveUp),
            (Some("SIP;cause=2000"), CallEnd::CallerGaveUp),
            (None, CallEnd::CallerGaveUp),
        ] {
            assert_eq!(
                end(DialogEnd::Cancelled(reason.map(str::to_owned))),
                expected
            );
        }
    }

    #[test]
    fn digits_come_by_info_in_either_form() {
        for (body, digit) in [
            ("Signal=5\r\nDuration=160\r\n", Some('5')),
            ("signal = #\n", Some('#')),
            ("7", Some('7')),
            ("Signal=55", None),
            ("Duration=160", None),
            ("", None),
        ] {
            assert_eq!(relayed_digit(body.as_bytes()), digit, "{body}");
        }
    }

    #[test]
    fn headers_become_variables_and_the_queue() {
        let invite = IncomingInvite {
            dialog: DialogId(1),
            flow: FlowId(1),
            trusted: true,
            from: NameAddr {
                display_name: "Casey".to_owned(),
                user: "5550100".to_owned(),
                uri: "sip:5550100@cc.example".to_owned(),
            },
            to: NameAddr::default(),
            request_user: "1001".to_owned(),
            authenticated_user: None,
            sdp: None,
            headers: vec![
                ("x-Queue".to_owned(), "support".to_owned()),
                ("Diversion".to_owned(), "<sip:1@d>".to_owned()),
                ("X-Order".to_owned(), "77".to_owned()),
                ("é".to_owned(), "odd".to_owned()),
            ],
            ..IncomingInvite::default()
        };
        let call = incoming(CallId(4), &invite);
        assert_eq!(call.queue.as_deref(), Some("support"));
        assert_eq!(call.variables.len(), 2);
        assert_eq!(call.variables[1], ("Order".to_owned(), "77".to_owned()));
        assert_eq!(call.caller_name, "Casey");
        let stranger = IncomingInvite {
            trusted: false,
            ..invite
        };
        let call = incoming(CallId(5), &stranger);
        assert_eq!((call.queue, call.variables.len()), (None, 0));
    }
}
