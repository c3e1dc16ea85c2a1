use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use sidetone_engine::agent::{CallView, Command, Notice, Phase};
use sidetone_engine::words::sentence;
use sidetone_engine::{
    Command as EngineCommand, DeviceCommand, EchoCanceller, Engine, EngineConfig, EngineEvent,
    SecretStore, Snapshot, sign_in_account,
};
use sidetone_profile::Secret;
use tokio::sync::{broadcast, mpsc};

use crate::command::{self, Line};
use crate::options::Options;
use crate::password::{self, KeychainAndPrompt};
use crate::report::Reporter;
use crate::select;

/// How the process ends; the numbers stand in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    CannotStart = 1,
    SignInRefused = 3,
    NotRegistered = 4,
    ServerUnreachable = 5,
    SessionEnded = 6,
    Elsewhere = 7,
    NewPasswordNeeded = 8,
}

/// Runs the phone to its end.
pub(crate) async fn run(options: Options) -> Exit {
    let mut reporter = Reporter::new(options.json);
    if options.forget_password {
        let (exit, words) = forget_password(&options);
        reporter.end(exit as u8, &words);
        return exit;
    }
    let (exit, words) = match Headless::start(&options).await {
        Ok((mut phone, events)) => {
            let end = phone.live(&options, &mut reporter, events).await;
            phone.engine.shut_down().await;
            end
        }
        Err(fault) => (Exit::CannotStart, as_sentence(&fault)),
    };
    reporter.end(exit as u8, &words);
    exit
}

/// Nothing kept is the same as forgotten.
fn forget_password(options: &Options) -> (Exit, String) {
    let (Some(server), Some(user)) = (&options.server, &options.user) else {
        return (Exit::CannotStart, "Nobody is named.".to_owned());
    };
    let account = sign_in_account(server, user);
    match KeychainAndPrompt.forget(&account) {
        Ok(()) => (
            Exit::Done,
            format!("The keychain keeps no password of {account}."),
        ),
        Err(fault) => (Exit::CannotStart, as_sentence(&fault)),
    }
}

struct Headless {
    engine: Engine,
    secrets: Arc<dyn SecretStore>,
    /// Kept for the sign-in that a one-time code completes.
    password: Option<Secret>,
    signed_in: bool,
    /// What `--take-over` and `--new-password-fd` say was said.
    took_over: bool,
    new_password_given: bool,
}

impl Headless {
    /// Starts the phone and signs in; the events are those from the very first on.
    async fn start(options: &Options) -> Result<(Self, broadcast::Receiver<EngineEvent>), String> {
        let secrets: Arc<dyn SecretStore> = Arc::new(KeychainAndPrompt);
        let password = match (&options.server, &options.user) {
            (Some(server), Some(user)) => {
                let (store, server, user) = (Arc::clone(&secrets), server.clone(), user.clone());
                let descriptor = options.password_fd;
                // It may wait for a person.
                let found = tokio::task::spawn_blocking(move || {
                    password::find(&store, descriptor, &server, &user)
                });
                Some(found.await.map_err(|e| e.to_string())??)
            }
            _ => None,
        };
        let engine = Engine::start(EngineConfig {
            audio: options.audio.clone(),
            ca: options.ca.clone(),
            settings_dir: options.data.clone(),
            secrets: Arc::clone(&secrets),
            standalone: options.sip_profile.clone(),
            policy: options.policy.clone(),
        })
        .await
        .map_err(|e| e.to_string())?;
        // A server that is quick may open the browser before anybody listens.
        let events = engine.events();
        let phone = Self {
            engine,
            secrets,
            password,
            signed_in: false,
            took_over: false,
            new_password_given: false,
        };
        match &options.server {
            Some(server) if options.browser => phone.ask(Command::SignInWithBrowser {
                server: server.clone(),
            }),
            _ => phone.sign_in(options, None),
        }
        Ok((phone, events))
    }

    fn sign_in(&self, options: &Options, code: Option<Secret>) {
        if let (Some(server), Some(user), Some(password)) =
            (&options.server, &options.user, &self.password)
        {
            self.ask(Command::SignIn {
                server: server.clone(),
                name: user.clone(),
                password: password.clone(),
                code,
            });
        }
    }

    async fn live(
        &mut self,
        options: &Options,
        reporter: &mut Reporter,
        mut events: broadcast::Receiver<EngineEvent>,
    ) -> (Exit, String) {
        // It closes when this function ends.
        let _local = sidetone_local_api::serve(&self.engine);
        let mut snapshots = self.engine.snapshots();
        snapshots.mark_changed();
        let mut lines = read_lines();
        let mut stop = std::pin::pin!(stop_signal());
        let mut end = std::pin::pin!(end_of(options.run_for));
        let mut input_open = true;
        let mut tried = false;
        loop {
            tokio::select! {
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        return (Exit::CannotStart, "The phone stopped.".to_owned());
                    }
                    let snapshot = snapshots.borrow_and_update().clone();
                    reporter.snapshot(&snapshot);
                    reporter.picture(snapshot.avatar, self.engine.avatar().as_deref());
                    // A quick refusal may leave no snapshot between the first one and its own.
                    tried |= snapshot.view.phase != Phase::SignedOut
                        || snapshot.view.sign_in_notice.is_some();
                    self.keep_password(options, &snapshot, reporter);
                    self.go_on(options, &snapshot, reporter);
                    if let Some(end) = self.over(&snapshot, tried, input_open) {
                        return end;
                    }
                }
                event = events.recv() => match event {
                    Ok(EngineEvent::DtmfReceived { call, digit }) => reporter.digit(call.0, digit),
                    Ok(EngineEvent::Levels { speaker, .. }) => reporter.level(speaker),
                    Ok(EngineEvent::OpenAddress { address }) => reporter.open(&address),
                    Ok(EngineEvent::ShowRinging { call, notify }) => {
                        reporter.ringing(call.0, true, notify);
                    }
                    Ok(EngineEvent::HideRinging { call }) => reporter.ringing(call.0, false, false),
                    Ok(EngineEvent::ShowOffer { interaction }) => reporter.offer(&interaction, true),
                    Ok(EngineEvent::HideOffer { interaction }) => reporter.offer(&interaction, false),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => {
                        return (Exit::CannotStart, "The phone stopped.".to_owned());
                    }
                },
                line = lines.recv(), if input_open => match line {
                    Some(line) => match command::parse(&line) {
                        Ok(Some(Line::Quit)) => return (Exit::Done, "Signed out.".to_owned()),
                        Ok(Some(line)) => self.carry_out(options, line, reporter),
                        Ok(None) => {}
                        Err(words) => reporter.error(&words),
                    },
                    None => input_open = false,
                },
                () = &mut stop => return (Exit::Done, "Stopped by a signal.".to_owned()),
                () = &mut end => {
                    let light = snapshots.borrow().view.light.clone();
                    return if light.green {
                        (Exit::Done, "The time is over.".to_owned())
                    } else {
                        (Exit::NotRegistered, sentence(&light.notice, "en"))
                    };
                }
            }
        }
    }

    /// Whether the session came to its end by itself.
    fn over(&self, snapshot: &Snapshot, tried: bool, input_open: bool) -> Option<(Exit, String)> {
        let view = &snapshot.view;
        match view.phase {
            Phase::SignedOut if tried => {
                let notice = view.sign_in_notice.as_ref().unwrap_or(&Notice::SignedOut);
                Some((exit_of(notice), sentence(notice, "en")))
            }
            Phase::Elsewhere if !input_open && !self.took_over => {
                let notice = view.sign_in_notice.as_ref().unwrap_or(&Notice::SignedOut);
                Some((Exit::Elsewhere, sentence(notice, "en")))
            }
            Phase::PasswordRequired if !input_open && !self.new_password_given => {
                let notice = Notice::PasswordRequired;
                let notice = view.sign_in_notice.as_ref().unwrap_or(&notice);
                Some((Exit::NewPasswordNeeded, sentence(notice, "en")))
            }
            // Nobody can give the code any more.
            Phase::CodeRequired if !input_open => {
                Some((Exit::SignInRefused, sentence(&Notice::CodeRequired, "en")))
            }
            _ => None,
        }
    }

    /// Says what the options say already, once.
    fn go_on(&mut self, options: &Options, snapshot: &Snapshot, reporter: &Reporter) {
        match snapshot.view.phase {
            Phase::Elsewhere if options.take_over && !self.took_over => {
                self.took_over = true;
                self.ask(Command::TakeOver);
            }
            Phase::PasswordRequired
                if options.new_password_fd.is_some() && !self.new_password_given =>
            {
                self.new_password_given = true;
                self.new_password(options, Phase::PasswordRequired, reporter);
            }
            _ => {}
        }
    }

    /// Asks for a new password where that disturbs nobody, and sets it.
    fn new_password(&self, options: &Options, phase: Phase, reporter: &Reporter) {
        let with_current = phase != Phase::PasswordRequired;
        match password::new(&self.secrets, options.new_password_fd, with_current) {
            Ok((current, new)) => self.ask(Command::ChangePassword { current, new }),
            Err(fault) => reporter.error(&fault),
        }
    }

    fn keep_password(&mut self, options: &Options, snapshot: &Snapshot, reporter: &Reporter) {
        if self.signed_in || snapshot.view.phase != Phase::SignedIn {
            return;
        }
        self.signed_in = true;
        // Not needed any more: the session has its token.
        let password = self.password.take();
        if options.save_password
            && let (Some(server), Some(user), Some(password)) =
                (&options.server, &options.user, password)
            && let Err(fault) = self.secrets.set(&sign_in_account(server, user), &password)
        {
            reporter.error(&format!("the password was not kept: {fault}"));
        }
    }

    fn carry_out(&self, options: &Options, line: Line, reporter: &Reporter) {
        let snapshot = self.engine.snapshots().borrow().clone();
        let calls = &snapshot.view.calls;
        let pick = |named, choose: fn(&[CallView]) -> Option<_>, none: &str| {
            let call = Option::or_else(named, || choose(calls));
            if call.is_none() {
                reporter.error(none);
            }
            call
        };
        let command = match line {
            Line::Dial(number) => Some(Command::Dial { number }),
            Line::Answer(id) => {
                pick(id, select::ringing, "no call rings").map(|call| Command::Answer { call })
            }
            Line::Decline(id) => {
                pick(id, select::ringing, "no call rings").map(|call| Command::Decline { call })
            }
            Line::HangUp(id) => pick(id, select::to_hang_up, "there is no call to end")
                .map(|call| Command::HangUp { call }),
            Line::Hold(id) => {
                pick(id, select::up, "no call is up").map(|call| Command::Hold { call })
            }
            Line::Resume(id) => {
                pick(id, select::held, "no call is on hold").map(|call| Command::Resume { call })
            }
            Line::Mute(on) => Some(Command::Mute { on }),
            Line::Dtmf(digits) => pick(None, select::for_digits, "no call is up")
                .map(|call| Command::Dtmf { call, digits }),
            Line::Pause(reason) => Some(Command::Pause { reason }),
            Line::Play => Some(Command::Unpause),
            Line::Transfer(id, number) => pick(id, select::in_hand, "no call is up")
                .map(|call| Command::Transfer { call, number }),
            Line::TransferTo(call, other) => Some(Command::TransferTo { call, other }),
            Line::Conference(Some((call, other))) => Some(Command::Conference { call, other }),
            Line::Conference(None) => {
                let pair = select::to_join(calls);
                if pair.is_none() {
                    reporter.error("there are no two calls to join");
                }
                pair.map(|(call, other)| Command::Conference { call, other })
            }
            Line::CheckNetwork(echo_number) => {
                self.ask_device(DeviceCommand::CheckNetwork { echo_number });
                None
            }
            Line::ProcessVoice(on) => {
                let canceller = match on {
                    true => EchoCanceller::Auto,
                    false => EchoCanceller::Off,
                };
                self.ask_device(DeviceCommand::ProcessVoice {
                    echo_canceller: Some(canceller),
                    noise_suppression: Some(on),
                    automatic_gain: Some(on),
                });
                None
            }
            Line::CheckMicrophone(on) => {
                self.ask_device(DeviceCommand::CheckMicrophone { on });
                None
            }
            Line::Record(on, id) => {
                pick(id, select::in_hand, "no call is up").map(|call| Command::Record { call, on })
            }
            Line::PauseRecording(on, id) => pick(id, select::in_hand, "no call is up")
                .map(|call| Command::PauseRecording { call, on }),
            Line::Pickup => Some(Command::Pickup),
            Line::PauseChannel(channel, reason) => Some(Command::PauseChannel { channel, reason }),
            Line::UnpauseChannel(channel) => Some(Command::UnpauseChannel { channel }),
            Line::AcceptInteraction(interaction) => {
                Some(Command::AcceptInteraction { interaction })
            }
            Line::DeclineInteraction(interaction) => {
                Some(Command::DeclineInteraction { interaction })
            }
            Line::OpenInteraction(interaction) => Some(Command::OpenInteraction { interaction }),
            Line::Preview(preview) => Some(Command::StartPreview { preview }),
            Line::Callback(callback) => Some(Command::StartCallback { callback }),
            Line::FinishCallback(callback, done) => {
                Some(Command::FinishCallback { callback, done })
            }
            Line::Dispose(path, note) => Some(Command::Dispose { path, note }),
            Line::WrapUpEnd => Some(Command::FinishWrapUp),
            Line::CallAgain(entry) => Some(Command::CallAgain { entry }),
            Line::MissedSeen => Some(Command::MissedSeen),
            Line::ClearHistory => Some(Command::ClearHistory),
            Line::Setting(field, value) => Some(Command::ChangeSetting { field, value }),
            Line::TakeOver => Some(Command::TakeOver),
            Line::History => {
                reporter.history(&snapshot.view.history);
                None
            }
            Line::Trace(path) => {
                match self.engine.save_sip_trace(&path) {
                    Ok(messages) => reporter.trace(&path, messages),
                    Err(fault) => reporter.error(&fault.to_string()),
                }
                None
            }
            Line::Settings => {
                reporter.settings(&snapshot.view.settings);
                None
            }
            Line::NewPassword => {
                self.new_password(options, snapshot.view.phase, reporter);
                None
            }
            Line::Code(code) => {
                self.sign_in(options, Some(Secret::new(code)));
                None
            }
            // The loop ends on it.
            Line::Quit => None,
        };
        if let Some(command) = command {
            self.ask(command);
        }
    }

    fn ask_device(&self, command: DeviceCommand) {
        self.engine.command(EngineCommand::Device(command));
    }

    fn ask(&self, command: Command) {
        self.engine.command(EngineCommand::Agent(command));
    }
}

/// The words of an error, written as the last words of a program.
fn as_sentence(fault: &str) -> String {
    let mut letters = fault.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

fn exit_of(notice: &Notice) -> Exit {
    match notice {
        Notice::WrongPassword
        | Notice::CodeRequired
        | Notice::WrongCode
        | Notice::AccountLocked
        | Notice::AccountDisabled
        | Notice::BrowserSignInFailed { .. }
        | Notice::NoBrowserSignIn => Exit::SignInRefused,
        Notice::SignedInElsewhere { .. } => Exit::Elsewhere,
        Notice::PasswordRequired | Notice::PasswordRefused { .. } => Exit::NewPasswordNeeded,
        Notice::ServerCertificate { .. }
        | Notice::ServerUnreachable { .. }
        | Notice::ServerBadAnswer { .. }
        | Notice::BadServerAddress { .. } => Exit::ServerUnreachable,
        _ => Exit::SessionEnded,
    }
}

/// Standard input, read by a thread of its own: nothing can end a blocking read.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (tell, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

async fn end_of(run_for: Option<Duration>) {
    match run_for {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Ends with the first signal that asks the process to stop.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
