//! The desktop notification during an automatic answer's delay, on a thread of its own: the desktop may take its
//! time to show one, and neither a window nor a call may wait for that.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify_rust::{Notification, NotificationHandle, Timeout};
use sidetone_engine::agent::{CallId, CallView};

use crate::words::say;

/// The way to the thread that shows notifications.
#[derive(Debug)]
pub(crate) struct Notifications(Sender<Job>);

#[derive(Debug)]
enum Job {
    Show(Offer),
    Hide(CallId),
    HideAll,
}

/// What a notification says.
#[derive(Clone, Debug)]
struct Offer {
    call: CallId,
    who: String,
    queue: Option<String>,
    /// When the call is answered by itself.
    answers_at: Instant,
}

impl Notifications {
    /// Starts the thread; it ends with this value. The icon is kept in `folder`: an icon theme knows it only once
    /// Sidetone is installed.
    pub(crate) fn start(folder: Option<PathBuf>) -> Self {
        let (jobs, inbox) = channel();
        let started = std::thread::Builder::new()
            .name("notifications".to_owned())
            .spawn(move || run(&inbox, &icon(folder)));
        if let Err(fault) = started {
            tracing::warn!(%fault, "there will be no desktop notifications");
        }
        Self(jobs)
    }

    /// Shows that this call is about to be answered.
    pub(crate) fn show(&self, call: &CallView) {
        let known = [&call.name, &call.number];
        let who = known.into_iter().find(|text| !text.is_empty());
        let left = call.auto_answer.map_or(0, |countdown| countdown.left_ms);
        self.send(Job::Show(Offer {
            call: call.id,
            who: who.cloned().unwrap_or_else(|| say("unknown_caller", &[])),
            queue: call.queue.clone(),
            answers_at: Instant::now() + Duration::from_millis(left),
        }));
    }

    /// Takes it away: the call was answered or is gone.
    pub(crate) fn hide(&self, call: CallId) {
        self.send(Job::Hide(call));
    }

    /// Takes away whatever is shown.
    pub(crate) fn hide_all(&self) {
        self.send(Job::HideAll);
    }

    fn send(&self, job: Job) {
        if self.0.send(job).is_err() {
            tracing::debug!("no thread shows notifications");
        }
    }
}

impl Offer {
    fn title(&self) -> String {
        say("notification_title", &[("who", &self.who)])
    }

    fn body(&self) -> String {
        let left = self.answers_at.saturating_duration_since(Instant::now());
        let seconds = left.as_millis().div_ceil(1000).to_string();
        match &self.queue {
            Some(queue) => say(
                "notification_body",
                &[("queue", queue), ("seconds", &seconds)],
            ),
            None => say("notification_body_no_queue", &[("seconds", &seconds)]),
        }
    }
}

/// What stands on the desktop.
struct Shown {
    offer: Offer,
    handle: NotificationHandle,
}

fn icon(folder: Option<PathBuf>) -> String {
    let written = folder.and_then(|folder| {
        let file = folder.join("notification.png");
        std::fs::create_dir_all(&folder).ok()?;
        std::fs::write(&file, include_bytes!("../../icons/128x128.png")).ok()?;
        Some(file.to_str()?.to_owned())
    });
    written.unwrap_or_else(|| "sidetone".to_owned())
}

fn run(inbox: &Receiver<Job>, icon: &str) {
    let mut shown: Option<Shown> = None;
    loop {
        let job = match &shown {
            Some(_) => inbox.recv_timeout(Duration::from_secs(1)),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match job {
            Ok(Job::Show(offer)) => {
                withdraw(shown.take());
                shown = put_up(offer, icon);
            }
            Ok(Job::Hide(call)) => {
                if shown.as_ref().is_some_and(|shown| shown.offer.call == call) {
                    withdraw(shown.take());
                }
            }
            Ok(Job::HideAll) => withdraw(shown.take()),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(shown) = &mut shown {
                    count_down(shown);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                withdraw(shown.take());
                return;
            }
        }
    }
}

fn put_up(offer: Offer, icon: &str) -> Option<Shown> {
    let mut notification = Notification::new();
    notification
        .appname("Sidetone")
        .summary(&offer.title())
        .body(&offer.body())
        .icon(icon)
        .timeout(Timeout::Never);
    #[cfg(all(unix, not(target_os = "macos")))]
    notification
        .hint(notify_rust::Hint::Category("call.incoming".to_owned()))
        .hint(notify_rust::Hint::Transient(true))
        .hint(notify_rust::Hint::SuppressSound(true))
        .urgency(notify_rust::Urgency::Critical);
    match notification.show() {
        Ok(handle) => Some(Shown { offer, handle }),
        Err(fault) => {
            tracing::info!(%fault, "the desktop shows no notifications");
            None
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn count_down(shown: &mut Shown) {
    let body = shown.offer.body();
    shown.handle.body(&body);
    if let Err(fault) = shown.handle.update() {
        tracing::debug!(%fault, "the notification could not be updated");
    }
}

/// Elsewhere a notification cannot be changed once it stands; the ringing window counts down.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn count_down(_: &mut Shown) {}

#[cfg(all(unix, not(target_os = "macos")))]
fn withdraw(shown: Option<Shown>) {
    if let Some(shown) = shown {
        shown.handle.close();
    }
}

/// Elsewhere it cannot be withdrawn; the ringing window is the one that must be gone in time.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn withdraw(shown: Option<Shown>) {
    drop(shown);
}
