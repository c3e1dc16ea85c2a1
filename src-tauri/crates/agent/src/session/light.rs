use sidetone_profile::{Profile, Typology};

use super::clause::clause;
use crate::{Light, Notice, Registration};

/// Red, with the reason.
pub(super) fn off(notice: Notice) -> Light {
    Light {
        green: false,
        notice,
    }
}

/// Why this phone cannot make calls whatever the SIP server says.
pub(super) fn voice_fault(profile: &Profile) -> Option<Notice> {
    match profile.account.typology {
        Typology::External | Typology::Mobile => Some(Notice::VoiceElsewhere),
        Typology::Webrtc | Typology::Phonebar if profile.voice.codecs.is_empty() => {
            Some(Notice::NoCodec)
        }
        Typology::Webrtc | Typology::Phonebar => None,
    }
}

/// The registration light of a signed-in agent: green only when a call can come in and be heard.
pub(super) fn of(profile: &Profile, registration: &Registration) -> Light {
    if let Some(fault) = voice_fault(profile) {
        return off(fault);
    }
    match registration {
        Registration::Registered => Light {
            green: true,
            notice: Notice::Registered,
        },
        Registration::None | Registration::Trying => off(Notice::Registering),
        Registration::Refused { status, reason } => off(Notice::RegistrationRefused {
            status: *status,
            reason: reason.clone(),
        }),
        Registration::UnknownUser => off(Notice::RegistrationUnknownUser {
            internal: profile.account.internal.clone(),
        }),
        Registration::Unreachable(fault) => off(Notice::RegistrationUnreachable {
            fault: clause(fault),
        }),
        Registration::Certificate(fault) => off(Notice::RegistrationCertificate {
            fault: clause(fault),
        }),
        Registration::Misconfigured(fault) => off(Notice::Misconfigured {
            fault: clause(fault),
        }),
    }
}
