//! The session: one turn of the machine, and what the screen shows.

mod call;
mod calls;
mod clause;
mod desk;
mod ending;
mod incoming;
mod light;
mod number;
mod outgoing;
mod presence;
mod stage;
mod toasts;
mod turn;

use crate::{
    CallId, Command, Effect, Input, LinkState, Notice, Permissions, Phase, Time, TimerId, View,
};
use clause::clause;
use stage::Stage;
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
        // Only a dialled call is named here; a name that is not used is not missed.
        let next_call = match input {
            Input::Command(Command::Dial { .. }) => self.new_call(),
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
                stage.sign_in(&mut turn, request);
            }
            Input::Command(Command::SignOut) => stage.sign_out(&mut turn),
            Input::Command(Command::DismissToast { toast }) => turn.dismiss(toast),
            Input::Timer(TimerId::ToastEnd(toast)) => turn.toast_ended(toast),
            Input::SignIn(answer) => stage.answered(&mut turn, outside, answer),
            Input::Link(link) => {
                outside.link_fault = match link {
                    LinkState::Up => None,
                    LinkState::Down(fault) => Some(fault),
                };
                if let Stage::In(desk) = stage {
                    desk.link_changed();
                }
            }
            Input::DeviceFault(fault) => outside.device_fault = fault,
            Input::LocalInterface(fault) => outside.local_fault = fault,
            input => match stage {
                Stage::In(desk) => desk.handle(&mut turn, outside, next_call, input),
                _ => refuse(&mut turn, &input),
            },
        }
        stage.settle(&mut turn);
        turn.into_effects()
    }

    /// What the screen shows at this time.
    #[must_use]
    pub fn view(&self, now: Time) -> View {
        let mut view = View {
            phase: Phase::SignedOut,
            sign_in_notice: None,
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
        };
        match &self.stage {
            Stage::Out { notice, .. } => view.sign_in_notice.clone_from(notice),
            Stage::SigningIn => {
                view.phase = Phase::SigningIn;
                view.light = light::off(Notice::SigningIn);
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
    /// Why the contact-centre server cannot be asked now.
    link_fault: Option<String>,
    /// Why there is no sound device.
    device_fault: Option<String>,
    /// Why the local HTTP interface is not open.
    local_fault: Option<String>,
}

impl Outside {
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
        Input::Command(Command::Dial { .. }) => turn.toast(Notice::NotReadyToCall),
        _ => {}
    }
}
