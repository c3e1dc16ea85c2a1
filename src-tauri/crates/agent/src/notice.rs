use serde::Serialize;

/// Everything the phone says to the agent, as a code and its arguments.
///
/// The words stand in one catalogue a language (`ui/src/words`), keyed by `code`; `{argument}` in them is
/// replaced by the argument of that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Notice {
    /// Nobody is signed in.
    SignedOut,
    /// Sign-in is on its way.
    SigningIn,
    /// Name or password wrong.
    WrongPassword,
    /// A one-time code is needed.
    CodeRequired,
    /// The one-time code is wrong.
    WrongCode,
    /// The account is locked.
    AccountLocked,
    /// The account is disabled.
    AccountDisabled,
    /// The contact-centre server's certificate cannot be trusted.
    ServerCertificate {
        /// What is wrong with it.
        fault: String,
    },
    /// The contact-centre server does not answer.
    ServerUnreachable {
        /// What happened.
        fault: String,
    },
    /// What answered is not a contact-centre server, or broke the contract.
    ServerBadAnswer {
        /// What was wrong.
        fault: String,
    },
    /// The server address is not one.
    BadServerAddress {
        /// What was typed.
        address: String,
    },
    /// The server ended the session.
    SessionEnded {
        /// What it said.
        fault: String,
    },
    /// Registered and ready.
    Registered,
    /// Registration is on its way.
    Registering,
    /// The SIP server refused the password.
    RegistrationRefused {
        /// SIP status, for the details.
        status: u16,
        /// SIP reason, for the details.
        reason: String,
    },
    /// The SIP server does not know the extension.
    RegistrationUnknownUser {
        /// The extension.
        internal: String,
    },
    /// The SIP server does not answer; tried again by itself.
    RegistrationUnreachable {
        /// What happened.
        fault: String,
    },
    /// The SIP server's certificate cannot be trusted.
    RegistrationCertificate {
        /// What is wrong with it.
        fault: String,
    },
    /// The phone's configuration cannot work.
    Misconfigured {
        /// What is wrong.
        fault: String,
    },
    /// The agent's kind of phone is elsewhere: voice is off here.
    VoiceElsewhere,
    /// The server leaves no usable codec.
    NoCodec,
    /// Codecs that the server allows but this phone cannot use.
    CodecsLeftOut {
        /// Their names, separated by commas.
        codecs: String,
    },
    /// Part of the profile could not be used.
    ProfileFault {
        /// Which field, and why.
        fault: String,
    },
    /// Microphone or speaker cannot be used.
    DeviceFault {
        /// What happened.
        fault: String,
    },
    /// The bar's connection to the contact-centre server is down; calls still work.
    LinkDown {
        /// What happened.
        fault: String,
    },
    /// The server refused to pause or unpause.
    PresenceFailed {
        /// What it said.
        fault: String,
    },
    /// This agent may not place calls.
    MayNotCall,
    /// This agent may not be called; a call was refused.
    MayNotBeCalled,
    /// The agent must press Play first, or sign in, or register.
    NotReadyToCall,
    /// What was typed is not a number.
    BadNumber {
        /// What was typed.
        number: String,
    },
    /// Another call is up.
    AlreadyInCall,
    /// The called party is busy.
    CallBusy,
    /// The called party did not answer.
    CallNoAnswer,
    /// The called party declined.
    CallDeclined,
    /// The number does not exist.
    CallUnknownNumber,
    /// The called party cannot be reached now.
    CallUnavailable,
    /// The server did not allow the call.
    CallForbidden,
    /// No codec in common, or another offer problem.
    CallIncompatible,
    /// The call failed for another reason.
    CallFailed {
        /// SIP status, for the details.
        status: u16,
        /// SIP reason, for the details.
        reason: String,
    },
    /// The network does not answer.
    CallUnreachable {
        /// What happened.
        fault: String,
    },
    /// The sound path could not be made.
    CallNoSound {
        /// What happened.
        fault: String,
    },
    /// The call ended normally.
    CallEnded,
    /// The caller gave up.
    CallMissed,
    /// Somebody else answered.
    CallAnsweredElsewhere,
    /// The system's browser is open for the sign-in.
    InBrowser,
    /// The browser's sign-in failed.
    BrowserSignInFailed {
        /// What happened.
        fault: String,
    },
    /// This server has no sign-in through the browser.
    NoBrowserSignIn,
    /// A new password has to be set before work.
    PasswordRequired,
    /// The new password was refused.
    PasswordRefused {
        /// What happened.
        fault: String,
    },
    /// The new password holds.
    PasswordChanged,
    /// The password has to be changed within so many days.
    PasswordAges {
        /// How many.
        days: u32,
    },
    /// The agent is signed in elsewhere.
    SignedInElsewhere {
        /// Where.
        device: String,
    },
    /// The administrator changed settings, and they hold now.
    SettingsChanged {
        /// The settings' field names, separated by commas.
        fields: String,
    },
    /// The administrator changed settings that hold after the call.
    SettingsChangeAfterCall {
        /// The settings' field names, separated by commas.
        fields: String,
    },
    /// The agent may not change this setting.
    SettingLocked {
        /// The setting's field name.
        field: String,
    },
    /// What was typed cannot be used for a setting.
    SettingRefused {
        /// What happened.
        fault: String,
    },
    /// A preview call cannot be started while paused.
    NoPreviewInPause,
    /// There is no call to say anything about.
    NotInWrapUp,
    /// A disposition has to be chosen first.
    DispositionRequired,
    /// The server did not keep the disposition.
    DispositionFailed {
        /// What happened.
        fault: String,
    },
    /// The call was handed over.
    TransferDone,
    /// The call could not be handed over and is still here.
    TransferFailed {
        /// SIP status, for the details.
        status: u16,
        /// SIP reason, for the details.
        reason: String,
    },
    /// The call was forwarded.
    CallForwarded {
        /// Where to.
        number: String,
    },
    /// The call was handed over and is over here.
    CallTransferred,
    /// The call could not be recorded.
    RecordingFailed {
        /// What happened.
        fault: String,
    },
    /// The agent may not record.
    RecordingNotAllowed,
    /// IT's policy does not allow what should be opened.
    NotAllowedHere {
        /// What happened.
        fault: String,
    },
    /// Something that was asked of the server did not work.
    RequestFailed {
        /// What happened.
        fault: String,
    },
    /// The server is away; the phone works with what it last said.
    WorkingOffline {
        /// What happened.
        fault: String,
    },
    /// Channels cannot be paused one by one here.
    ChannelNotPausable,
    /// There is no pickup group.
    NoPickup,
    /// A call was refused during the wrap-up time.
    WrappingUp,
    /// The local HTTP interface could not be opened.
    LocalInterfaceFailed {
        /// What happened.
        fault: String,
    },
    /// The number of this entry is masked and no longer known.
    CannotCallAgain,
    /// The server had logged the agent out while it could not be reached; the phone has logged in again.
    LoggedInAgain,
    /// The microphone gives silence in a call.
    MicrophoneSilent,
    /// What is sent in a call does not arrive.
    SoundNotArriving,
    /// Nothing comes in in a call.
    NothingHeard,
    /// Somebody was joined to a conference.
    ConferenceJoined {
        /// Name or number, masked where it must be.
        name: String,
    },
    /// The server is asked for changes, since it cannot tell them by itself.
    LinkPolling {
        /// Why it cannot.
        fault: String,
    },
    /// The server could not be reached for longer than IT allows.
    OfflineTooLong {
        /// How long that is.
        hours: u32,
    },
}

impl Notice {
    /// One of each kind, so that whoever translates or draws them can check that none is forgotten.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        vec![
            Self::SignedOut,
            Self::SigningIn,
            Self::WrongPassword,
            Self::CodeRequired,
            Self::WrongCode,
            Self::AccountLocked,
            Self::AccountDisabled,
            Self::ServerCertificate {
                fault: "the clock is wrong".to_owned(),
            },
            Self::ServerUnreachable {
                fault: "the clock is wrong".to_owned(),
            },
            Self::ServerBadAnswer {
                fault: "the clock is wrong".to_owned(),
            },
            Self::BadServerAddress {
                address: "example".to_owned(),
            },
            Self::SessionEnded {
                fault: "the clock is wrong".to_owned(),
            },
            Self::Registered,
            Self::Registering,
            Self::RegistrationRefused {
                status: 500,
                reason: "Server Internal Error".to_owned(),
            },
            Self::RegistrationUnknownUser {
                internal: "1001".to_owned(),
            },
            Self::RegistrationUnreachable {
                fault: "the clock is wrong".to_owned(),
            },
            Self::RegistrationCertificate {
                fault: "the clock is wrong".to_owned(),
            },
            Self::Misconfigured {
                fault: "the clock is wrong".to_owned(),
            },
            Self::VoiceElsewhere,
            Self::NoCodec,
            Self::CodecsLeftOut {
                codecs: "g729".to_owned(),
            },
            Self::ProfileFault {
                fault: "the clock is wrong".to_owned(),
            },
            Self::DeviceFault {
                fault: "the clock is wrong".to_owned(),
            },
            Self::LinkDown {
                fault: "the clock is wrong".to_owned(),
            },
            Self::PresenceFailed {
                fault: "the clock is wrong".to_owned(),
            },
            Self::MayNotCall,
            Self::MayNotBeCalled,
            Self::NotReadyToCall,
            Self::BadNumber {
                number: "12 abc".to_owned(),
            },
            Self::AlreadyInCall,
            Self::CallBusy,
            Self::CallNoAnswer,
            Self::CallDeclined,
            Self::CallUnknownNumber,
            Self::CallUnavailable,
            Self::CallForbidden,
            Self::CallIncompatible,
            Self::CallFailed {
                status: 500,
                reason: "Server Internal Error".to_owned(),
            },
            Self::CallUnreachable {
                fault: "the clock is wrong".to_owned(),
            },
            Self::CallNoSound {
                fault: "the clock is wrong".to_owned(),
            },
            Self::CallEnded,
            Self::CallMissed,
            Self::CallAnsweredElsewhere,
            Self::InBrowser,
            Self::BrowserSignInFailed {
                fault: "the clock is wrong".to_owned(),
            },
            Self::NoBrowserSignIn,
            Self::PasswordRequired,
            Self::PasswordRefused {
                fault: "the clock is wrong".to_owned(),
            },
            Self::PasswordChanged,
            Self::PasswordAges { days: 9 },
            Self::SignedInElsewhere {
                device: "Windows, desk 12".to_owned(),
            },
            Self::SettingsChanged {
                fields: "allow, host".to_owned(),
            },
            Self::SettingsChangeAfterCall {
                fields: "allow, host".to_owned(),
            },
            Self::SettingLocked {
                field: "callerid".to_owned(),
            },
            Self::SettingRefused {
                fault: "the clock is wrong".to_owned(),
            },
            Self::NoPreviewInPause,
            Self::NotInWrapUp,
            Self::DispositionRequired,
            Self::DispositionFailed {
                fault: "the clock is wrong".to_owned(),
            },
            Self::TransferDone,
            Self::TransferFailed {
                status: 500,
                reason: "Server Internal Error".to_owned(),
            },
            Self::CallForwarded {
                number: "+15550100".to_owned(),
            },
            Self::CallTransferred,
            Self::RecordingFailed {
                fault: "the clock is wrong".to_owned(),
            },
            Self::RecordingNotAllowed,
            Self::NotAllowedHere {
                fault: "the clock is wrong".to_owned(),
            },
            Self::RequestFailed {
                fault: "the clock is wrong".to_owned(),
            },
            Self::WorkingOffline {
                fault: "the clock is wrong".to_owned(),
            },
            Self::ChannelNotPausable,
            Self::NoPickup,
            Self::WrappingUp,
            Self::LocalInterfaceFailed {
                fault: "the clock is wrong".to_owned(),
            },
            Self::CannotCallAgain,
            Self::LoggedInAgain,
            Self::MicrophoneSilent,
            Self::SoundNotArriving,
            Self::NothingHeard,
            Self::ConferenceJoined {
                name: "Grace Hopper".to_owned(),
            },
            Self::LinkPolling {
                fault: "the clock is wrong".to_owned(),
            },
            Self::OfflineTooLong { hours: 12 },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Notice;

    #[test]
    fn the_examples_have_one_of_each_kind() {
        let kinds: Vec<_> = Notice::examples().iter().map(kind).collect();
        assert_eq!(kinds, (0..81).collect::<Vec<_>>());
    }

    /// Does not compile until a new kind has its number here, and then its example above.
    fn kind(notice: &Notice) -> usize {
        match notice {
            Notice::SignedOut => 0,
            Notice::SigningIn => 1,
            Notice::WrongPassword => 2,
            Notice::CodeRequired => 3,
            Notice::WrongCode => 4,
            Notice::AccountLocked => 5,
            Notice::AccountDisabled => 6,
            Notice::ServerCertificate { .. } => 7,
            Notice::ServerUnreachable { .. } => 8,
            Notice::ServerBadAnswer { .. } => 9,
            Notice::BadServerAddress { .. } => 10,
            Notice::SessionEnded { .. } => 11,
            Notice::Registered => 12,
            Notice::Registering => 13,
            Notice::RegistrationRefused { .. } => 14,
            Notice::RegistrationUnknownUser { .. } => 15,
            Notice::RegistrationUnreachable { .. } => 16,
            Notice::RegistrationCertificate { .. } => 17,
            Notice::Misconfigured { .. } => 18,
            Notice::VoiceElsewhere => 19,
            Notice::NoCodec => 20,
            Notice::CodecsLeftOut { .. } => 21,
            Notice::ProfileFault { .. } => 22,
            Notice::DeviceFault { .. } => 23,
            Notice::LinkDown { .. } => 24,
            Notice::PresenceFailed { .. } => 25,
            Notice::MayNotCall => 26,
            Notice::MayNotBeCalled => 27,
            Notice::NotReadyToCall => 28,
            Notice::BadNumber { .. } => 29,
            Notice::AlreadyInCall => 30,
            Notice::CallBusy => 31,
            Notice::CallNoAnswer => 32,
            Notice::CallDeclined => 33,
            Notice::CallUnknownNumber => 34,
            Notice::CallUnavailable => 35,
            Notice::CallForbidden => 36,
            Notice::CallIncompatible => 37,
            Notice::CallFailed { .. } => 38,
            Notice::CallUnreachable { .. } => 39,
            Notice::CallNoSound { .. } => 40,
            Notice::CallEnded => 41,
            Notice::CallMissed => 42,
            Notice::CallAnsweredElsewhere => 43,
            Notice::InBrowser => 44,
            Notice::BrowserSignInFailed { .. } => 45,
            Notice::NoBrowserSignIn => 46,
            Notice::PasswordRequired => 47,
            Notice::PasswordRefused { .. } => 48,
            Notice::PasswordChanged => 49,
            Notice::PasswordAges { .. } => 50,
            Notice::SignedInElsewhere { .. } => 51,
            Notice::SettingsChanged { .. } => 52,
            Notice::SettingsChangeAfterCall { .. } => 53,
            Notice::SettingLocked { .. } => 54,
            Notice::SettingRefused { .. } => 55,
            Notice::NoPreviewInPause => 56,
            Notice::NotInWrapUp => 57,
            Notice::DispositionRequired => 58,
            Notice::DispositionFailed { .. } => 59,
            Notice::TransferDone => 60,
            Notice::TransferFailed { .. } => 61,
            Notice::CallForwarded { .. } => 62,
            Notice::CallTransferred => 63,
            Notice::RecordingFailed { .. } => 64,
            Notice::RecordingNotAllowed => 65,
            Notice::NotAllowedHere { .. } => 66,
            Notice::RequestFailed { .. } => 67,
            Notice::WorkingOffline { .. } => 68,
            Notice::ChannelNotPausable => 69,
            Notice::NoPickup => 70,
            Notice::WrappingUp => 71,
            Notice::LocalInterfaceFailed { .. } => 72,
            Notice::CannotCallAgain => 73,
            Notice::LoggedInAgain => 74,
            Notice::MicrophoneSilent => 75,
            Notice::SoundNotArriving => 76,
            Notice::NothingHeard => 77,
            Notice::ConferenceJoined { .. } => 78,
            Notice::LinkPolling { .. } => 79,
            Notice::OfflineTooLong { .. } => 80,
        }
    }
}
