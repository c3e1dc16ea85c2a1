use sidetone_profile::{PasswordRules, Secret};

use super::clause::clause;
use super::desk::{Desk, Welcome};
use super::turn::Turn;
use super::{Outside, password};
use crate::{Effect, Notice, SignIn, SignInRefusal};

/// How the agent signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With name and password.
    Password,
    /// Through the system's browser.
    Browser,
}

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
    SigningIn {
        /// How.
        way: Way,
        /// What a new password needs, when one was asked for.
        rules: Option<PasswordRules>,
    },
    /// Waiting for the system's browser.
    InBrowser,
    /// The sign-in screen, asking for a one-time code.
    CodeRequired(Notice),
    /// The sign-in screen, asking for a new password.
    PasswordRequired {
        /// Why.
        notice: Notice,
        /// What it needs.
        rules: PasswordRules,
    },
    /// Signed in elsewhere: here or there.
    Elsewhere {
        /// Where.
        notice: Notice,
        /// How the agent was about to sign in here.
        way: Way,
    },
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

    pub(super) fn signed_in(&self) -> bool {
        matches!(self, Self::In(_))
    }

    pub(super) fn sign_in(&mut self, turn: &mut Turn<'_>, request: Effect, way: Way) {
        // Another agent's session is left by signing out, never by signing in over it.
        if self.signed_in() {
            return;
        }
        *self = match way {
            Way::Password => Self::SigningIn { way, rules: None },
            Way::Browser => Self::InBrowser,
        };
        turn.act(request);
    }

    /// The agent wants to go on here.
    pub(super) fn take_over(&mut self, turn: &mut Turn<'_>) {
        if let Self::Elsewhere { way, .. } = self {
            *self = Self::SigningIn {
                way: *way,
                rules: None,
            };
            turn.act(Effect::TakeOver);
        }
    }

    /// The agent chose the new password that the sign-in asked for.
    pub(super) fn change_password(&mut self, turn: &mut Turn<'_>, new: Secret) {
        let Self::PasswordRequired { notice, rules } = self else {
            return;
        };
        if let Some(fault) = password::fault(rules, &new) {
            *notice = fault;
            return;
        }
        *self = Self::SigningIn {
            way: Way::Password,
            rules: Some(std::mem::take(rules)),
        };
        turn.act(Effect::ChangePassword { current: None, new });
    }

    pub(super) fn sign_out(&mut self, turn: &mut Turn<'_>, outside: &mut Outside) {
        match self {
            Self::In(desk) => {
                desk.sign_out(turn, outside);
                *self = Self::out(None);
            }
            Self::SigningIn { .. } | Self::InBrowser => {
                *self = Self::Out {
                    notice: None,
                    abandoned: true,
                };
                turn.act(Effect::SignOut);
            }
            Self::CodeRequired(_) | Self::PasswordRequired { .. } | Self::Elsewhere { .. } => {
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
                outside.away = false;
                outside.pushed = None;
                if let Some(notice) = barred(&profile) {
                    self.bar(turn, notice);
                    return;
                }
                let welcome = Welcome {
                    profile,
                    profile_faults,
                    reasons,
                    queues,
                    presence,
                };
                // The same agent's token was renewed: the calls go on.
                if let Self::In(desk) = self {
                    desk.renewed(turn, outside, welcome);
                } else {
                    let with_password = self.way() == Way::Password;
                    let desk = Desk::new(turn, outside, welcome, with_password);
                    *self = Self::In(Box::new(desk));
                }
            }
            SignIn::Refused(refusal) => self.refused(outside, refusal),
        }
    }

    /// Carries out what waits for the end of a call, and brings tones and windows up to date.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>, outside: &mut Outside) {
        if let Self::In(desk) = self
            && let Some(notice) = desk.settle(turn, outside)
        {
            desk.sign_out(turn, outside);
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
        let way = self.way();
        match (self, refusal) {
            // The session as such is not refused: the engine goes on trying.
            (
                Self::In(_),
                SignInRefusal::Certificate(fault)
                | SignInRefusal::Unreachable(fault)
                | SignInRefusal::BadAnswer(fault)
                | SignInRefusal::BadAddress(fault),
            ) => outside.link_fault = Some(fault),
            (Self::In(desk), refusal) => desk.leave_after_call(notice_of(refusal)),
            (stage, SignInRefusal::PasswordExpired(rules)) => {
                *stage = Self::PasswordRequired {
                    notice: Notice::PasswordRequired,
                    rules,
                };
            }
            (stage, refusal) => {
                let rules = match stage {
                    Self::SigningIn { rules, .. } => rules.take(),
                    _ => None,
                };
                *stage = match (rules, refusal) {
                    (Some(rules), SignInRefusal::PasswordRefused(fault)) => {
                        Self::PasswordRequired {
                            notice: Notice::PasswordRefused {
                                fault: clause(&fault),
                            },
                            rules,
                        }
                    }
                    (_, refusal @ (SignInRefusal::CodeRequired | SignInRefusal::WrongCode)) => {
                        Self::CodeRequired(notice_of(refusal))
                    }
                    (_, refusal @ SignInRefusal::Elsewhere(_)) => Self::Elsewhere {
                        notice: notice_of(refusal),
                        way,
                    },
                    (_, refusal) => Self::out(Some(notice_of(refusal))),
                };
            }
        }
    }

    /// How the agent is signing in.
    fn way(&self) -> Way {
        match self {
            Self::InBrowser => Way::Browser,
            Self::SigningIn { way, .. } | Self::Elsewhere { way, .. } => *way,
            Self::Out { .. }
            | Self::CodeRequired(_)
            | Self::PasswordRequired { .. }
            | Self::In(_) => Way::Password,
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
        SignInRefusal::OfflineTooLong { hours } => Notice::OfflineTooLong { hours },
        SignInRefusal::SessionEnded(fault) => Notice::SessionEnded {
            fault: clause(&fault),
        },
    }
}
