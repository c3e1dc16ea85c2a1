use std::sync::Arc;
use std::time::Duration;

use sidetone_engine::agent::{self, CallId, CallState, CallView, View};
use sidetone_engine::words::sentence;
use sidetone_engine::{Command, Engine, Snapshot};
use tokio::sync::watch;

use crate::problem::Problem;

/// The phone decides in microseconds; this is for a machine that is out of breath.
const PATIENCE: Duration = Duration::from_secs(5);

/// The phone, as far as the interface needs it.
#[derive(Clone)]
pub(crate) struct Desk {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    ask: Arc<dyn Fn(agent::Command) + Send + Sync>,
    warn: Arc<dyn Fn(Option<String>) + Send + Sync>,
}

impl Desk {
    pub(crate) fn new(
        snapshots: watch::Receiver<Arc<Snapshot>>,
        ask: Arc<dyn Fn(agent::Command) + Send + Sync>,
        warn: Arc<dyn Fn(Option<String>) + Send + Sync>,
    ) -> Self {
        Self {
            snapshots,
            ask,
            warn,
        }
    }

    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    pub(crate) fn now(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Tells the agent why the interface is not open, or that it is.
    pub(crate) fn warn(&self, fault: Option<String>) {
        (self.warn)(fault);
    }

    pub(crate) fn ask(&self, command: agent::Command) {
        (self.ask)(command);
    }

    /// Asks for something and waits until it shows: what `done` finds, or the sentence with which the phone refused.
    pub(crate) async fn carry_out<T>(
        &self,
        command: agent::Command,
        done: impl Fn(&View) -> Option<T>,
    ) -> Result<T, Problem> {
        let mut snapshots = self.snapshots();
        let toasts_before = last_toast(&snapshots.borrow_and_update().view);
        self.ask(command);
        let shown = async {
            loop {
                if snapshots.changed().await.is_err() {
                    return Err(Problem::stopped());
                }
                let snapshot = snapshots.borrow_and_update().clone();
                if let Some(outcome) = done(&snapshot.view) {
                    return Ok(outcome);
                }
                let refusal = snapshot
                    .view
                    .toasts
                    .iter()
                    .find(|toast| Some(toast.id) > toasts_before);
                if let Some(toast) = refusal {
                    return Err(Problem::refused(&sentence(&toast.notice, "en")));
                }
            }
        };
        tokio::time::timeout(PATIENCE, shown)
            .await
            .unwrap_or_else(|_| Err(Problem::no_effect()))
    }
}

impl From<Engine> for Desk {
    fn from(engine: Engine) -> Self {
        let snapshots = engine.snapshots();
        let warner = engine.clone();
        Self::new(
            snapshots,
            Arc::new(move |command| engine.command(Command::Agent(command))),
            Arc::new(move |fault| warner.local_interface(fault)),
        )
    }
}

/// The call with this number.
pub(crate) fn find(view: &View, id: CallId) -> Option<&CallView> {
    view.calls.iter().find(|call| call.id == id)
}

/// The oldest call in one of these states.
pub(crate) fn oldest<'a>(view: &'a View, states: &[CallState]) -> Option<&'a CallView> {
    view.calls.iter().find(|call| states.contains(&call.state))
}

fn last_toast(view: &View) -> Option<u32> {
    view.toasts.iter().map(|toast| toast.id).max()
}
