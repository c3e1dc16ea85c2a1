mod schedule;

use std::time::Duration;

use rand::Rng;
use serde_json::Value;
use sidetone_profile::{
    Callback, Disposition, Interaction, PauseReason, PreviewCall, QueueMembership,
};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::fault::Fault;
use crate::realtime::RealtimeEvent;
use crate::routes::{Route, Routes};
use crate::session::Session;
use crate::wire::{Row, SettingsDocument, SipCredentials, rows};
use schedule::Subject;

/// Between two rounds, on the average.
const EVERY: Duration = Duration::from_secs(4);
/// Between two rounds while the server does not answer.
const EVERY_WHEN_AWAY: Duration = Duration::from_secs(10);

/// Asks the server every few seconds for what changed, where no WebSocket can be had; stops when dropped.
#[derive(Debug)]
pub(crate) struct Polling(AbortHandle);

impl Polling {
    pub(crate) fn start(
        session: Session,
        tell: mpsc::UnboundedSender<RealtimeEvent>,
        because: Fault,
    ) -> Self {
        let poller = Poller {
            session,
            tell,
            because,
            up: None,
            rounds: 0,
            sip: None,
            lists: LISTS.map(|list| Seen {
                list,
                etag: None,
                last: None,
                absent: false,
            }),
        };
        Self(tokio::spawn(poller.run()).abort_handle())
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Poller {
    session: Session,
    tell: mpsc::UnboundedSender<RealtimeEvent>,
    /// Why there is no WebSocket.
    because: Fault,
    /// Whether the last round was answered, and said so.
    up: Option<bool>,
    /// Since the server answers.
    rounds: u64,
    sip: Option<SipCredentials>,
    lists: [Seen; LISTS.len()],
}

/// A list and what was last seen of it.
struct Seen {
    list: List,
    etag: Option<String>,
    last: Option<Value>,
    /// The server does not have it.
    absent: bool,
}

/// Where a list is, and what it becomes.
struct List {
    subject: Subject,
    route: fn(&Routes) -> &Route,
    event: fn(&Route, &Value) -> Result<RealtimeEvent, Fault>,
}

const LISTS: [List; 7] = [
    List {
        subject: Subject::Queues,
        route: |routes| &routes.queues,
        event: |route, rows| Ok(RealtimeEvent::Queues(read::<QueueMembership>(route, rows)?)),
    },
    List {
        subject: Subject::Pauses,
        route: |routes| &routes.pauses,
        event: |route, rows| Ok(RealtimeEvent::Pauses(read::<PauseReason>(route, rows)?)),
    },
    List {
        subject: Subject::Settings,
        route: |routes| &routes.settings,
        event: |_, document| {
            SettingsDocument::read(document)
                .map(|settings| RealtimeEvent::Settings(Box::new(settings)))
        },
    },
    List {
        subject: Subject::Dispositions,
        route: |routes| &routes.dispositions,
        event: |route, rows| {
            Ok(RealtimeEvent::Dispositions(read::<Disposition>(
                route, rows,
            )?))
        },
    },
    List {
        subject: Subject::Callbacks,
        route: |routes| &routes.callbacks,
        event: |route, rows| Ok(RealtimeEvent::Callbacks(read::<Callback>(route, rows)?)),
    },
    List {
        subject: Subject::Previews,
        route: |routes| &routes.previews,
        event: |route, rows| Ok(RealtimeEvent::Previews(read::<PreviewCall>(route, rows)?)),
    },
    List {
        subject: Subject::Interactions,
        route: |routes| &routes.interactions,
        event: |route, rows| {
            Ok(RealtimeEvent::Interactions(read::<Interaction>(
                route, rows,
            )?))
        },
    },
];

fn read<T: Row>(route: &Route, document: &Value) -> Result<Vec<T>, Fault> {
    rows(route.job, document)
}

impl Poller {
    async fn run(mut self) {
        loop {
            let every = match self.round().await {
                Ok(()) => EVERY,
                Err(Fault::SessionEnded { code, detail }) => {
                    self.session.sign_on().end(&code, &detail);
                    self.say(RealtimeEvent::SignedOut { code, detail });
                    return;
                }
                Err(fault) => {
                    // Anything may have changed until it answers again.
                    self.rounds = 0;
                    if self.up != Some(false) {
                        tracing::info!(%fault, "the server does not answer other requests either");
                        self.up = Some(false);
                        self.say(RealtimeEvent::Disconnected(fault));
                    }
                    EVERY_WHEN_AWAY
                }
            };
            if self.tell.is_closed() {
                return;
            }
            // A whole floor behind one proxy must not ask at the same moment.
            let spread = rand::rng().random_range(0.75..=1.25);
            tokio::time::sleep(every.mul_f64(spread)).await;
        }
    }

    async fn round(&mut self) -> Result<(), Fault> {
        let presence = self.session.presence().await?;
        if self.up != Some(true) {
            self.up = Some(true);
            self.say(RealtimeEvent::Polling(self.because.clone()));
        }
        self.say(RealtimeEvent::Polled(presence));
        let round = self.rounds;
        if Subject::Profile.is_due(round)
            && let Some(document) = self.session.me().await?
        {
            self.say(RealtimeEvent::Profile(Box::new(document)));
        }
        for at in 0..self.lists.len() {
            if self.lists[at].list.subject.is_due(round) {
                self.look(at).await?;
            }
        }
        if Subject::SipAccount.is_due(round) {
            let sip = self.session.sip().await;
            match sip {
                Ok(sip) if self.sip.as_ref() != Some(&sip) => {
                    self.sip = Some(sip.clone());
                    self.say(RealtimeEvent::SipAccount(Box::new(sip)));
                }
                Err(fault @ Fault::SessionEnded { .. }) => return Err(fault),
                // An agent whose phone is elsewhere may have none.
                Ok(_) | Err(_) => {}
            }
        }
        self.rounds += 1;
        Ok(())
    }

    async fn look(&mut self, at: usize) -> Result<(), Fault> {
        let seen = &mut self.lists[at];
        if seen.absent {
            return Ok(());
        }
        let route = (seen.list.route)(self.session.routes());
        let document = match self.session.get_if_changed(route, &mut seen.etag).await {
            Ok(Some(document)) => document,
            Ok(None) => return Ok(()),
            Err(fault) if fault.is_absent() => {
                seen.absent = true;
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        if seen.last.as_ref() == Some(&document) {
            return Ok(());
        }
        let event = (seen.list.event)(route, &document);
        seen.last = Some(document);
        match event {
            Ok(event) => self.say(event),
            Err(fault) => tracing::warn!(%fault, "a list was left out"),
        }
        Ok(())
    }

    fn say(&self, event: RealtimeEvent) {
        // Who does not listen any more is noticed after the round.
        let _ = self.tell.send(event);
    }
}
