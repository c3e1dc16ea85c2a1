//! The session: one turn of the machine, and what the screen shows.

mod call;
mod calls;
mod clause;
mod contacts;
mod desk;
mod ending;
mod history;
mod incoming;
mod interactions;
mod light;
mod number;
mod outgoing;
mod party;
mod password;
mod presence;
mod recording;
mod screen_pops;
mod server_clock;
mod settings_page;
mod stage;
mod toasts;
mod transfer;
mod turn;
mod wrap_up;

use sidetone_profile::{Disposition, Masking, ServerSettings};

use crate::{
    CallId, Command, Effect, Input, LinkState, LinkView, LinkWord, Notice, Permissions, Phase,
    SignInOffer, Time, TimerId, View,
};
use clause::clause;
use history::History;
use server_clock::ServerClock;
use stage::{Stage, Way};
use toasts::Toasts;
use turn::Turn;

/// One agent's session.
#[derive(Debug, Default)]
pub struct Agent {
    next_call: u32,
    stage: Stage,
    toasts: Toasts,
    outside: Outside,
}

impl Agent {
    /// A session with nobody signed in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the next call, in either direction.
    pub fn new_call(&mut self) -> CallId {
        self.next_call = self.next_call.wrapping_add(1);
        CallId(self.next_call)
    }

    /// Takes one input and says what to do about it, in order.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        // Only a call that is placed is named here; a name that is not used is not missed.
        let next_call = match input {
            Input::Command(
                Command::Dial { .. }
                | Command::Pickup
                | Command::StartPreview { .. }
                | Command::StartCallback { .. }
                | Command::CallAgain { .. },
            ) => self.new_call(),
            _ => CallId::default(),
        };
        let Self {
            stage,
            toasts,
            outside,
            ..
        } = self;
        let mut turn = Turn::new(now, toasts);
        match input {
            Input::Command(Command::AskSignInWays { server }) if !stage.signed_in() => {
                // What another server offers is not shown for this one meanwhile.
                outside.offer = outside.offer.take().filter(|offer| offer.server == server);
                turn.act(Effect::AskSignInWays { server });
            }
            Input::SignInWays { server, ways } => {
                outside.offer = Some(SignInOffer { server, ways });
            }
            Input::Command(Command::SignIn {
                server,
                name,
                password,
                code,
            }) => {
                let request = Effect::SignIn {
                    server,
                    name,
                    password,
                    code,
                };
                stage.sign_in(&mut turn, request, Way::Password);
            }
            Input::Command(Command::SignInWithBrowser { server }) => {
                stage.sign_in(
                    &mut turn,
                    Effect::SignInWithBrowser { server },
                    Way::Browser,
                );
            }
            Input::Command(Command::TakeOver) => stage.take_over(&mut turn),
            Input::Command(Command::ChangePassword { new, .. }) if !stage.signed_in() => {
                stage.change_password(&mut turn, new);
            }
            Input::Command(Command::SignOut) => stage.sign_out(&mut turn, outside),
            Input::Command(Command::DismissToast { toast }) => turn.dismiss(toast),
            Input::Timer(TimerId::ToastEnd(toast)) => turn.toast_ended(toast),
            Input::SignIn(answer) => stage.answered(&mut turn, outside, answer),
            Input::Link(link) => {
                outside.away = matches!(link, LinkState::Away(_));
                outside.pushed = match &link {
                    LinkState::Up => Some(Ok(())),
                    LinkState::Polling(fault) => Some(Err(fault.clone())),
                    LinkState::Down(_) | LinkState::Away(_) => None,
                };
                outside.link_fault = match link {
                    LinkState::Up | LinkState::Polling(_) => None,
                    LinkState::Down(fault) | LinkState::Away(fault) => Some(fault),
                };
                if let Stage::In(desk) = stage {
                    desk.link_changed();
                }
            }
            Input::LoggedInAgain => turn.toast(Notice::LoggedInAgain),
            Input::DeviceFault(fault) => outside.device_fault = fault,
            Input::LocalInterface(fault) => outside.local_fault = fault,
            Input::ServerClock { unix_ms } => {
                outside.clock = Some(ServerClock::new(now, unix_ms));
                if let Stage::In(desk) = stage {
                    desk.watch_password(&mut turn, outside);
                }
            }
            Input::ServerSettings(settings) => {
                if let Stage::In(desk) = stage {
                    desk.settings_changed(&mut turn, outside.settings.as_ref(), &settings);
                }
                outside.settings = Some(*settings);
            }
            Input::Dispositions(tree) => outside.dispositions = tree,
            Input::History(entries) => {
                let masking = match stage {
                    Stage::In(desk) => desk.masking(),
                    _ => Masking::default(),
                };
                outside.history.loaded(&mut turn, entries, masking);
            }
            input => match stage {
                Stage::In(desk) => desk.handle(&mut turn, outside, next_call, input),
                _ => refuse(&mut turn, &input),
            },
        }
        stage.settle(&mut turn, outside);
        turn.into_effects()
    }

    /// What the screen shows at this time.
    #[must_use]
    pub fn view(&self, now: Time) -> View {
        let mut view = View {
            phase: Phase::SignedOut,
            sign_in_notice: None,
            sign_in_offer: self.outside.offer.clone(),
            light: light::off(Notice::SignedOut),
            agent: None,
            presence: presence::unknown(),
            pause_reasons: Vec::new(),
            queues: Vec::new(),
            calls: Vec::new(),
            muted: false,
            permissions: Permissions::default(),
            warnings: self.outside.warnings(),
            toasts: self.toasts.view(),
            toast_position: sidetone_profile::ToastPosition::default(),
            screen_reader_mode: false,
            password_rules: sidetone_profile::PasswordRules::default(),
            password_days_left: None,
            settings: Vec::new(),
            interactions: Vec::new(),
            previews: Vec::new(),
            callbacks: Vec::new(),
            history: Vec::new(),
            missed: 0,
            wrap_up: None,
            dispositions: Vec::new(),
            remote_control_port: None,
            masked: false,
            link: LinkView {
                state: LinkWord::None,
                notice: None,
            },
        };
        match &self.stage {
            Stage::Out { notice, .. } => view.sign_in_notice.clone_from(notice),
            Stage::SigningIn { .. } => {
                view.phase = Phase::SigningIn;
                view.light = light::off(Notice::SigningIn);
            }
            Stage::InBrowser => {
                view.phase = Phase::InBrowser;
                view.sign_in_notice = Some(Notice::InBrowser);
                view.light = light::off(Notice::InBrowser);
            }
            Stage::PasswordRequired { notice, rules } => {
                view.phase = Phase::PasswordRequired;
                view.sign_in_notice = Some(notice.clone());
                view.light = light::off(notice.clone());
                view.password_rules.clone_from(rules);
            }
            Stage::Elsewhere { notice, .. } => {
                view.phase = Phase::Elsewhere;
                view.sign_in_notice = Some(notice.clone());
                view.light = light::off(notice.clone());
            }
            Stage::CodeRequired(notice) => {
                view.phase = Phase::CodeRequired;
                view.sign_in_notice = Some(notice.clone());
                view.light = light::off(notice.clone());
            }
            Stage::In(desk) => {
                view.phase = Phase::SignedIn;
                desk.show(now, &self.outside, &mut view);
            }
        }
        view
    }
}

/// What is true of the machine and its network, whoever is signed in.
#[derive(Debug, Default)]
struct Outside {
    /// How the agents of a server sign in.
    offer: Option<SignInOffer>,
    /// Why the contact-centre server cannot be asked now.
    link_fault: Option<String>,
    /// The sign-in itself was answered with what the server last said.
    away: bool,
    /// The server tells by itself what changes, or why it has to be asked; `None` is not known.
    pushed: Option<Result<(), String>>,
    /// Why there is no sound device.
    device_fault: Option<String>,
    /// Why the local HTTP interface is not open.
    local_fault: Option<String>,
    /// The server's clock.
    clock: Option<ServerClock>,
    /// What the server sets for all agents; `None` until it has said so in this session.
    settings: Option<ServerSettings>,
    /// What holds until then.
    default_settings: ServerSettings,
    /// What a call can have been about.
    dispositions: Vec<Disposition>,
    history: History,
}

impl Outside {
    fn settings(&self) -> &ServerSettings {
        self.settings.as_ref().unwrap_or(&self.default_settings)
    }

    /// The server's time at this moment, in milliseconds since 1970; 0 before its clock was read.
    fn unix_ms(&self, time: Time) -> u64 {
        self.clock.map_or(0, |clock| clock.unix_ms(time))
    }

    /// Nobody is signed in any more: what belongs to the session goes.
    fn forget_session(&mut self) {
        self.settings = None;
        self.pushed = None;
        self.dispositions.clear();
        self.history.forget_numbers();
    }

    /// How the server's word comes to a phone with somebody signed in.
    fn link(&self) -> LinkView {
        let fault = self.link_fault.as_deref().map(clause);
        let (state, notice) = match (fault, &self.pushed) {
            (Some(fault), _) if self.away => {
                (LinkWord::Offline, Some(Notice::WorkingOffline { fault }))
            }
            (Some(fault), _) => (LinkWord::Down, Some(Notice::LinkDown { fault })),
            (None, Some(Ok(()))) => (LinkWord::Live, None),
            (None, Some(Err(fault))) => {
                let fault = clause(fault);
                (LinkWord::Polling, Some(Notice::LinkPolling { fault }))
            }
            (None, None) => (LinkWord::None, None),
        };
        LinkView { state, notice }
    }

    fn warnings(&self) -> Vec<Notice> {
        let device = self.device_fault.iter().map(|fault| Notice::DeviceFault {
            fault: clause(fault),
        });
        let local = self
            .local_fault
            .iter()
            .map(|fault| Notice::LocalInterfaceFailed {
                fault: clause(fault),
            });
        device.chain(local).collect()
    }
}

/// What comes in while nobody is signed in.
fn refuse(turn: &mut Turn<'_>, input: &Input) {
    match input {
        Input::Incoming(incoming) => turn.act(Effect::Reject {
            call: incoming.call,
            status: incoming::UNAVAILABLE,
        }),
        Input::Command(
            Command::Dial { .. }
            | Command::Pickup
            | Command::StartPreview { .. }
            | Command::StartCallback { .. }
            | Command::CallAgain { .. },
        ) => turn.toast(Notice::NotReadyToCall),
        Input::Failed(fault) => turn.toast(Notice::RequestFailed {
            fault: clause(fault),
        }),
        // Left over from a session that is no more, or a command that means nothing here.
        Input::Command(_)
        | Input::SignIn(_)
        | Input::SignInWays { .. }
        | Input::Profile(_)
        | Input::ProfileFaults(_)
        | Input::ServerSettings(_)
        | Input::Dispositions(_)
        | Input::ServerClock { .. }
        | Input::PasswordChanged(_)
        | Input::Interactions(_)
        | Input::Previews(_)
        | Input::Callbacks(_)
        | Input::History(_)
        | Input::Transfer { .. }
        | Input::Recording { .. }
        | Input::Disposed(_)
        | Input::NotAllowed(_)
        | Input::LocalInterface(_)
        | Input::SipAccountChanged
        | Input::PauseReasons(_)
        | Input::Queues(_)
        | Input::Presence(_)
        | Input::PresenceFailed { .. }
        | Input::Link(_)
        | Input::Registration(_)
        | Input::Progress { .. }
        | Input::Answered { .. }
        | Input::Ended { .. }
        | Input::Media { .. }
        | Input::HoldConfirmed { .. }
        | Input::RemoteHold { .. }
        | Input::OneWay { .. }
        | Input::LoggedInAgain
        | Input::DeviceFault(_)
        | Input::Timer(_) => {}
    }
}
