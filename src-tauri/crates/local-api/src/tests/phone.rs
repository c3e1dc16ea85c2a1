//! A phone that does what it is told, at once.

use std::sync::{Arc, Mutex};

use sidetone_engine::agent::{
    Agent, CallDirection, CallId, CallState, CallView, Command, Notice, PauseReason, PresenceState,
    RecordingState, Time, Toast, TransferState, View,
};
use sidetone_engine::{ChecksView, DevicesView, LocalAccess, Snapshot};
use tokio::sync::watch;

use crate::desk::Desk;
use crate::serve::{Handle, Status, start};

/// What a policy allows that nobody changes.
pub(super) fn fixed(access: LocalAccess) -> watch::Receiver<LocalAccess> {
    watch::channel(access).1
}

pub(super) struct FakePhone {
    snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) warned: Arc<Mutex<Vec<Option<String>>>>,
}

impl FakePhone {
    pub(super) fn new() -> Arc<Self> {
        let snapshot = Snapshot {
            revision: 1,
            at_ms: 1_700_000_000_000,
            view: Agent::new().view(Time(0)),
            devices: DevicesView::default(),
            checks: ChecksView::default(),
            media: None,
            last_server: None,
            last_name: None,
            avatar: None,
        };
        Arc::new(Self {
            snapshots: watch::channel(Arc::new(snapshot)).0,
            warned: Arc::default(),
        })
    }

    /// Opens the interface at a port of the system's choice.
    pub(super) async fn open(self: &Arc<Self>, access: LocalAccess) -> (Handle, u16) {
        self.change(|view| view.remote_control_port = Some(0));
        let handle = start(self.desk(), fixed(access));
        let mut status = handle.status();
        let open = status
            .wait_for(|status| matches!(status, Status::Open(_)))
            .await
            .unwrap()
            .clone();
        let Status::Open(address) = open else {
            unreachable!("it was waited for")
        };
        (handle, address.port())
    }

    pub(super) fn desk(self: &Arc<Self>) -> Desk {
        let (phone, warned) = (Arc::clone(self), Arc::clone(&self.warned));
        Desk::new(
            self.snapshots.subscribe(),
            Arc::new(move |command| phone.change(|view| obey(view, command))),
            Arc::new(move |fault| warned.lock().unwrap().push(fault)),
        )
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut View)) {
        self.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.revision += 1;
            change(&mut snapshot.view);
        });
    }

    pub(super) fn rings(&self, number: &str) {
        self.change(|view| {
            let id = next(view);
            view.calls.push(call(
                id,
                CallDirection::Incoming,
                CallState::Ringing,
                number,
            ));
        });
    }

    pub(super) fn views(&self) -> View {
        self.snapshots.borrow().view.clone()
    }

    pub(super) fn watchers(&self) -> usize {
        self.snapshots.receiver_count()
    }
}

pub(super) fn call(id: u32, direction: CallDirection, state: CallState, number: &str) -> CallView {
    CallView {
        id: CallId(id),
        direction,
        state,
        name: "Maria Rossi".to_owned(),
        number: number.to_owned(),
        queue: Some("support".to_owned()),
        age_ms: 1000,
        talk_ms: None,
        auto_answer: None,
        interrupted: false,
        held_by_remote: false,
        in_conference: false,
        sound_fault: None,
        end: None,
        recording: RecordingState::Off,
        recording_fixed: false,
        transfer: None,
        variables: vec![("Customer".to_owned(), "42".to_owned())],
    }
}

fn next(view: &View) -> u32 {
    view.calls.iter().map(|call| call.id.0).max().unwrap_or(0) + 1
}

fn obey(view: &mut View, command: Command) {
    let mut put = |id: CallId, state: CallState| {
        for call in view.calls.iter_mut().filter(|call| call.id == id) {
            call.state = state;
            if state == CallState::Up {
                call.talk_ms = Some(0);
            }
        }
    };
    match command {
        Command::Answer { call } | Command::Resume { call } => put(call, CallState::Up),
        Command::Decline { call } | Command::HangUp { call } => put(call, CallState::Ended),
        Command::Hold { call } => put(call, CallState::Held),
        // Numbers with a 9 are forbidden here, and the phone says so.
        Command::Dial { number } if number.starts_with('9') => view.toasts.push(Toast {
            id: 7,
            notice: Notice::NotReadyToCall,
        }),
        Command::Dial { number } => {
            let id = next(view);
            view.calls.push(call(
                id,
                CallDirection::Outgoing,
                CallState::Dialling,
                &number,
            ));
        }
        Command::Transfer { call, .. } | Command::TransferTo { call, .. } => {
            for call in view.calls.iter_mut().filter(|known| known.id == call) {
                call.transfer = Some(TransferState::Asked);
            }
        }
        Command::Record { call, on } => {
            for call in view.calls.iter_mut().filter(|known| known.id == call) {
                call.recording = if on {
                    RecordingState::On
                } else {
                    RecordingState::Off
                };
            }
        }
        Command::Mute { on } => view.muted = on,
        Command::Pause { .. } | Command::Unpause => view.presence.pending = true,
        _ => {}
    }
}

/// A view with everything in it that can be there.
pub(super) fn rich(view: &mut View) {
    view.pause_reasons = vec![PauseReason {
        id: 1,
        name: "Lunch".to_owned(),
    }];
    view.presence.state = PresenceState::Paused;
    view.presence.reason = Some("Lunch".to_owned());
    view.presence.paused_for_ms = Some(10);
    view.permissions.recording = true;
    view.warnings = vec![Notice::NotReadyToCall];
    let mut over = call(90, CallDirection::Outgoing, CallState::Ended, "600");
    over.end = Some(Notice::CallEnded);
    over.transfer = Some(TransferState::Done);
    view.calls.push(over);
}
