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
}
