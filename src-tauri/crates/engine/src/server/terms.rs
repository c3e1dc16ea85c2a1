//! The server's terms in `agent`'s.

use sidetone_agent::SignInRefusal;
use sidetone_motion::{Fault, SignInError};

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
