//! The desktop notifications of a call that is about to be answered and of another channel's offer, on a thread of
//! their own: the desktop may take its time to show one, and neither a window nor a call may wait for that.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify_rust::{Notification, NotificationHandle, Timeout};
use sidetone_engine::agent::{CallId, CallView, Countdown, InteractionView};
use sidetone_profile::Channel;

use crate::words::say;

/// The way to the thread that shows notifications.
#[derive(Debug)]
pub(crate) struct Notifications(Sender<Job>);

#[derive(Debug)]
enum Job {
    Show(Text),
    Hide(Subject),
    HideAll,
}

/// What a notification is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A call that is answered by itself.
    Call(CallId),
    /// An offered interaction, by the server's identifier.
    Offer(String),
}

/// What a notification says.
#[derive(Clone, Debug)]
struct Text {
    subject: Subject,
    title: String,
    queue: Option<String>,
    /// When it is answered by itself.
    answers_at: Option<Instant>,
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
        let who = known.into_iter().find(|text| !text.is_empty()).cloned();
        let who = who.unwrap_or_else(|| say("unknown_caller", &[]));
        self.send(Job::Show(Text {
            subject: Subject::Call(call.id),
            title: say("notification_title", &[("who", &who)]),
            queue: call.queue.clone(),
            answers_at: call.auto_answer.map(end_of),
        }));
    }

    /// Shows that another channel offers something.
    pub(crate) fn show_offer(&self, offer: &InteractionView) {
        let channel = say(channel_key(offer.channel), &[]);
        self.send(Job::Show(Text {
            subject: Subject::Offer(offer.id.clone()),
            title: say(
                "offer_title",
                &[("channel", &channel), ("who", &offer.from)],
            ),
            queue: offer.queue.clone(),
            answers_at: offer.auto_answer.map(end_of),
        }));
    }

    /// Takes it away: it was answered or is gone.
    pub(crate) fn hide(&self, subject: &Subject) {
        self.send(Job::Hide(subject.clone()));
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

impl Text {
    fn body(&self) -> String {
        let seconds = self.answers_at.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            left.as_millis().div_ceil(1000).to_string()
        });
        match (&self.queue, &seconds) {
            (Some(queue), Some(seconds)) => say(
                "notification_body",
                &[("queue", queue), ("seconds", seconds)],
            ),
            (Some(queue), None) => say("queue_of", &[("queue", queue)]),
            (None, Some(seconds)) => say("notification_body_no_queue", &[("seconds", seconds)]),
            (None, None) => String::new(),
        }
    }
}

fn end_of(countdown: Countdown) -> Instant {
    Instant::now() + Duration::from_millis(countdown.left_ms)
}

fn channel_key(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "channel_voice",
        Channel::Chat => "channel_chat",
        Channel::Email => "channel_email",
        Channel::Sms => "channel_sms",
        Channel::Openchannel => "channel_openchannel",
        Channel::Fax => "channel_fax",
        Channel::Whatsapp => "channel_whatsapp",
    }
}

/// What stands on the desktop.
struct Shown {
    text: Text,
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
    let mut shown: Vec<Shown> = Vec::new();
    loop {
        let counting = shown.iter().any(|shown| shown.text.answers_at.is_some());
        let job = if counting {
            inbox.recv_timeout(Duration::from_secs(1))
        } else {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match job {
            Ok(Job::Show(text)) => {
                withdraw_where(&mut shown, |other| replaces(&text.subject, other));
                shown.extend(put_up(text, icon));
            }
            Ok(Job::Hide(subject)) => withdraw_where(&mut shown, |other| *other == subject),
            Ok(Job::HideAll) => withdraw_where(&mut shown, |_| true),
            Err(RecvTimeoutError::Timeout) => {
                for shown in shown.iter_mut().filter(|it| it.text.answers_at.is_some()) {
                    count_down(shown);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                withdraw_where(&mut shown, |_| true);
                return;
            }
        }
    }
}

/// Only one call is about to be answered at a time; offers stand beside each other.
fn replaces(new: &Subject, old: &Subject) -> bool {
    match (new, old) {
        (Subject::Call(_), Subject::Call(_)) => true,
        _ => new == old,
    }
}

fn withdraw_where(shown: &mut Vec<Shown>, gone: impl Fn(&Subject) -> bool) {
    for shown in shown.extract_if(.., |shown| gone(&shown.text.subject)) {
        withdraw(shown);
    }
}

fn put_up(text: Text, icon: &str) -> Option<Shown> {
    let mut notification = Notification::new();
    notification
        .appname("Sidetone")
        .summary(&text.title)
        .body(&text.body())
        .icon(icon)
        .timeout(Timeout::Never);
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        let (category, urgency) = match text.subject {
            Subject::Call(_) => ("call.incoming", notify_rust::Urgency::Critical),
            Subject::Offer(_) => ("im.received", notify_rust::Urgency::Normal),
        };
        notification
            .hint(notify_rust::Hint::Category(category.to_owned()))
            .hint(notify_rust::Hint::Transient(true))
            .hint(notify_rust::Hint::SuppressSound(true))
            .urgency(urgency);
    }
    match notification.show() {
        Ok(handle) => Some(Shown { text, handle }),
        Err(fault) => {
            tracing::info!(%fault, "the desktop shows no notifications");
            None
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn count_down(shown: &mut Shown) {
    let body = shown.text.body();
    shown.handle.body(&body);
    if let Err(fault) = shown.handle.update() {
        tracing::debug!(%fault, "the notification could not be updated");
    }
}

/// Elsewhere a notification cannot be changed once it stands; the ringing window counts down.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn count_down(_: &mut Shown) {}

#[cfg(all(unix, not(target_os = "macos")))]
fn withdraw(shown: Shown) {
    shown.handle.close();
}

/// Elsewhere it cannot be withdrawn; the ringing window is the one that must be gone in time.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn withdraw(shown: Shown) {
    drop(shown);
}
