use super::Outside;
use super::clause::clause;
use super::desk::Desk;
use super::turn::Turn;
use crate::{Effect, Notice, SignIn, SignInRefusal};

/// How far the agent is with signing in.
#[derive(Debug)]
pub(super) enum Stage {
    /// The sign-in screen.
    Out {
        /// Why it is shown, when it is not simply the first time.
        notice: Option<Notice>,
        /// The agent gave up a sign-in whose answer may still come.
        abandoned: bool,
    },
    /// Waiting for the server.
    SigningIn,
    /// The sign-in screen, asking for a one-time code.
    CodeRequired(Notice),
    /// The bar.
    In(Box<Desk>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::out(None)
    }
}

impl Stage {
    fn out(notice: Option<Notice>) -> Self {
        Self::Out {
            notice,
            abandoned: false,
        }
    }

    pub(super) fn sign_in(&mut self, turn: &mut Turn<'_>, request: Effect) {
        // Another agent's session is left by signing out, never by signing in over it.
        if matches!(self, Self::In(_)) {
            return;
        }
        *self = Self::SigningIn;
        turn.act(request);
    }

    pub(super) fn sign_out(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::In(desk) => {
                desk.sign_out(turn);
                *self = Self::out(None);
            }
            Self::SigningIn => {
                *self = Self::Out {
                    notice: None,
                    abandoned: true,
                };
                turn.act(Effect::SignOut);
            }
            Self::CodeRequired(_) => {
                *self = Self::out(None);
                turn.act(Effect::SignOut);
            }
            Self::Out { .. } => {}
        }
    }

    /// The server's answer to a sign-in, or its end of a session.
    pub(super) fn answered(&mut self, turn: &mut Turn<'_>, outside: &mut Outside, answer: SignIn) {
        if let Self::Out { abandoned, .. } = self
            && *abandoned
        {
            *abandoned = false;
            if matches!(answer, SignIn::Accepted { .. }) {
                turn.act(Effect::SignOut);
            }
            return;
        }
        match answer {
            SignIn::Accepted {
                profile,
                profile_faults,
                reasons,
                queues,
                presence,
            } => {
                outside.link_fault = None;
                if let Some(notice) = barred(&profile) {
                    self.bar(turn, notice);
                    return;
                }
                // The same agent's token was renewed: the calls go on.
                if let Self::In(desk) = self {
                    desk.renewed(turn, profile, profile_faults, reasons, queues, presence);
                } else {
                    let desk =
                        Desk::new(turn.now, profile, profile_faults, reasons, queues, presence);
                    *self = Self::In(Box::new(desk));
                }
            }
            SignIn::Refused(refusal) => self.refused(outside, refusal),
        }
    }

    /// Carries out what waits for the end of a call, and brings tones and windows up to date.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) {
        if let Self::In(desk) = self
            && let Some(notice) = desk.settle(turn)
        {
            desk.sign_out(turn);
            *self = Self::out(Some(notice));
        }
    }

    /// The server accepted the password, but says that this agent may not work.
    fn bar(&mut self, turn: &mut Turn<'_>, notice: Notice) {
        if let Self::In(desk) = self {
            desk.leave_after_call(notice);
        } else {
            *self = Self::out(Some(notice));
            turn.act(Effect::SignOut);
        }
    }

    fn refused(&mut self, outside: &mut Outside, refusal: SignInRefusal) {
        let asks_for_code = matches!(
            refusal,
            SignInRefusal::CodeRequired | SignInRefusal::WrongCode
        );
        match self {
            Self::In(desk) => match refusal {
                // The session as such is not refused: the engine goes on trying.
                SignInRefusal::Certificate(fault)
                | SignInRefusal::Unreachable(fault)
                | SignInRefusal::BadAnswer(fault)
                | SignInRefusal::BadAddress(fault) => outside.link_fault = Some(fault),
                refusal => desk.leave_after_call(notice_of(refusal)),
            },
            _ if asks_for_code => *self = Self::CodeRequired(notice_of(refusal)),
            _ => *self = Self::out(Some(notice_of(refusal))),
        }
    }
}

/// Why this agent may not work, when the profile says so.
pub(super) fn barred(profile: &sidetone_profile::Profile) -> Option<Notice> {
    if profile.security.disabled {
        Some(Notice::AccountDisabled)
    } else if profile.security.locked {
        Some(Notice::AccountLocked)
    } else {
        None
    }
}

fn notice_of(refusal: SignInRefusal) -> Notice {
    match refusal {
        SignInRefusal::WrongPassword => Notice::WrongPassword,
        SignInRefusal::CodeRequired => Notice::CodeRequired,
        SignInRefusal::WrongCode => Notice::WrongCode,
        SignInRefusal::Locked => Notice::AccountLocked,
        SignInRefusal::Disabled => Notice::AccountDisabled,
        SignInRefusal::Certificate(fault) => Notice::ServerCertificate {
            fault: clause(&fault),
        },
        SignInRefusal::Unreachable(fault) => Notice::ServerUnreachable {
            fault: clause(&fault),
        },
        SignInRefusal::BadAnswer(fault) => Notice::ServerBadAnswer {
            fault: clause(&fault),
        },
        SignInRefusal::BadAddress(address) => Notice::BadServerAddress { address },
        SignInRefusal::PasswordExpired(_) => Notice::PasswordRequired,
        SignInRefusal::PasswordRefused(fault) => Notice::PasswordRefused {
            fault: clause(&fault),
        },
        SignInRefusal::Elsewhere(device) => Notice::SignedInElsewhere { device },
        SignInRefusal::Browser(fault) => Notice::BrowserSignInFailed {
            fault: clause(&fault),
        },
        SignInRefusal::NoBrowserSignIn => Notice::NoBrowserSignIn,
        SignInRefusal::SessionEnded(fault) => Notice::SessionEnded {
            fault: clause(&fault),
        },
    }
}
