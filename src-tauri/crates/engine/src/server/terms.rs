//! The server's terms in `agent`'s.

use sidetone_agent::{
    ChannelPresence, PauseReason, PresenceReport, QueueMembership, SignInRefusal,
};
use sidetone_motion::{Fault, Presence, SignInError};

use super::FromServer;

/// The end of a session.
pub(super) fn ended(code: &str, detail: String) -> FromServer {
    FromServer::Ended(match code {
        "account_disabled" => SignInRefusal::Disabled,
        "account_locked" => SignInRefusal::Locked,
        "signed_in_elsewhere" => SignInRefusal::Elsewhere(detail),
        // A renewal that was refused.
        "wrong_password" => SignInRefusal::WrongPassword,
        "code_required" | "wrong_code" => SignInRefusal::CodeRequired,
        _ => SignInRefusal::SessionEnded(detail),
    })
}

/// A refused sign-in.
pub(crate) fn refusal(error: SignInError) -> SignInRefusal {
    match error {
        SignInError::WrongPassword => SignInRefusal::WrongPassword,
        SignInError::CodeRequired => SignInRefusal::CodeRequired,
        SignInError::WrongCode => SignInRefusal::WrongCode,
        SignInError::Locked => SignInRefusal::Locked,
        SignInError::Disabled => SignInRefusal::Disabled,
        SignInError::PasswordExpired(rules) => SignInRefusal::PasswordExpired(rules),
        SignInError::PasswordRefused(why) => SignInRefusal::PasswordRefused(why),
        SignInError::NoBrowserSignIn => SignInRefusal::NoBrowserSignIn,
        SignInError::Browser(why) => SignInRefusal::Browser(why),
        SignInError::Elsewhere(device) => SignInRefusal::Elsewhere(device),
        SignInError::Fault(fault) => match fault {
            Fault::BadAddress { typed, .. } => SignInRefusal::BadAddress(typed),
            Fault::Certificate(fault) => SignInRefusal::Certificate(fault.to_string()),
            Fault::Unreachable(fault) => SignInRefusal::Unreachable(fault.to_string()),
            Fault::SessionEnded { detail, .. } => SignInRefusal::SessionEnded(detail),
            Fault::PasswordExpired(rules) => SignInRefusal::PasswordExpired(rules),
            Fault::NotSuchServer { .. }
            | Fault::NotJson { .. }
            | Fault::BadJson { .. }
            | Fault::BadProfile(_)
            | Fault::Refused { .. }
            | Fault::Status { .. } => SignInRefusal::BadAnswer(fault.to_string()),
        },
    }
}

pub(super) fn presence(from: Presence) -> PresenceReport {
    PresenceReport {
        online: from.online,
        paused: from.paused,
        reason: from.reason,
        online_for_ms: from.online_for_ms,
        paused_for_ms: from.paused_for_ms,
        channels: from
            .channels
            .into_iter()
            .map(|state| ChannelPresence {
                channel: state.channel,
                paused: state.paused,
                reason: state.reason,
                paused_for_ms: state.paused_for_ms,
            })
            .collect(),
    }
}

pub(super) fn reasons(from: Vec<sidetone_motion::PauseReason>) -> Vec<PauseReason> {
    from.into_iter()
        .map(|r| PauseReason {
            id: r.id,
            name: r.name,
        })
        .collect()
}

pub(super) fn queues(from: Vec<sidetone_motion::Queue>) -> Vec<QueueMembership> {
    from.into_iter()
        .map(|q| QueueMembership {
            id: q.id,
            name: q.name,
            waiting: q.waiting,
            strategy: q.strategy,
        })
        .collect()
}
