//! What happened, as lines on standard output.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use sidetone_engine::agent::{
    CallId, CallState, CallView, ChannelPresenceView, Countdown, HistoryEntry, InteractionView,
    Light, Notice, Phase, PresenceView, RecordingState, SettingGroup, View, WrapUpView,
};
use sidetone_engine::words::sentence;
use sidetone_engine::{Avatar, ChecksView, MediaView, MicrophoneCheckState, Snapshot};

/// Tells the difference between one snapshot and the next.
#[derive(Debug)]
pub(crate) struct Reporter {
    json: bool,
    state: Option<State>,
    calls: Vec<CallView>,
    media: Option<MediaView>,
    warnings: Vec<Notice>,
    last_toast: Option<u32>,
    checks: ChecksView,
    /// What was last said of interactions, previews, callbacks, wrap-up and missed calls.
    desk: Desk,
    /// The call whose first sound was told.
    sounded: Option<CallId>,
    /// The number of the agent's picture that was told.
    picture: Option<u32>,
}

/// What is louder, dBov, is sound and not the quiet of a line.
const QUIET_DBOV: f32 = -60.0;

/// What a `state` line says.
#[derive(Clone, Debug, PartialEq)]
struct State {
    phase: Phase,
    light: Light,
    presence: PresenceView,
    muted: bool,
    masked: bool,
    sign_in_notice: Option<Notice>,
}

/// Work that waits, as it is told: each list whenever it changes.
#[derive(Debug, Default, PartialEq)]
struct Desk {
    interactions: Value,
    previews: Value,
    callbacks: Value,
    wrap_up: Value,
    missed: u32,
}

impl Desk {
    fn of(view: &View) -> Self {
        let wrap_up = view.wrap_up.as_ref().map(|wrap_up| WrapUpView {
            left: wrap_up.left.map(whole),
            ..wrap_up.clone()
        });
        let interactions: Vec<_> = view
            .interactions
            .iter()
            .map(|one| InteractionView {
                auto_answer: one.auto_answer.map(whole),
                ..one.clone()
            })
            .collect();
        Self {
            interactions: json_of(&interactions),
            previews: json_of(&view.previews),
            callbacks: json_of(&view.callbacks),
            wrap_up: json_of(&wrap_up),
            missed: view.missed,
        }
    }
}

/// A countdown as it began: the seconds that run are no news.
fn whole(countdown: Countdown) -> Countdown {
    Countdown {
        left_ms: countdown.total_ms,
        ..countdown
    }
}

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

impl Reporter {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            state: None,
            calls: Vec::new(),
            media: None,
            warnings: Vec::new(),
            last_toast: None,
            checks: ChecksView::default(),
            desk: Desk {
                interactions: json!([]),
                previews: json!([]),
                callbacks: json!([]),
                ..Desk::default()
            },
            sounded: None,
            picture: None,
        }
    }

    /// Tells what changed.
    pub(crate) fn snapshot(&mut self, snapshot: &Snapshot) {
        let view = &snapshot.view;
        let state = State {
            phase: view.phase,
            light: view.light.clone(),
            presence: ageless(&view.presence),
            muted: view.muted,
            masked: view.masked,
            sign_in_notice: view.sign_in_notice.clone(),
        };
        if self.state.as_ref() != Some(&state) {
            self.tell_state(&state, view.agent.as_ref().map(|a| a.internal.as_str()));
            self.state = Some(state);
        }
        for notice in &view.warnings {
            if !self.warnings.contains(notice) {
                self.tell_notice(notice);
            }
        }
        self.warnings.clone_from(&view.warnings);
        for toast in &view.toasts {
            if self.last_toast.is_none_or(|last| toast.id > last) {
                self.last_toast = Some(toast.id);
                self.tell_notice(&toast.notice);
            }
        }
        for call in &view.calls {
            let before = self.calls.iter().find(|c| c.id == call.id);
            if before.is_none_or(|before| differs(before, call)) {
                self.tell_call(call);
            }
        }
        self.calls.clone_from(&view.calls);
        self.tell_desk(view);
        self.tell_checks(&snapshot.checks);
        if let Some(media) = &snapshot.media
            && self.media.as_ref() != Some(media)
        {
            self.tell_media(media);
        }
        self.media.clone_from(&snapshot.media);
    }

    /// Tells, once a call, that its first sound went to the speaker; `speaker`: level of the last 50 ms, dBov.
    pub(crate) fn level(&mut self, speaker: f32) {
        if speaker < QUIET_DBOV {
            return;
        }
        let up = self.calls.iter().find(|call| call.state == CallState::Up);
        let Some(id) = up
            .map(|call| call.id)
            .filter(|id| self.sounded != Some(*id))
        else {
            return;
        };
        self.sounded = Some(id);
        self.line(
            "audio",
            json!({ "call": id.0, "level_dbov": speaker }),
            &format!("call {}: its first sound", id.0),
        );
    }

    /// Tells that the far end pressed a key.
    pub(crate) fn digit(&self, call: u32, digit: char) {
        self.line(
            "dtmf",
            json!({ "call": call, "digit": digit }),
            &format!("call {call}: key {digit}"),
        );
    }

    /// Tells an address to be opened in a browser.
    pub(crate) fn open(&self, address: &str) {
        self.line(
            "open",
            json!({ "address": address }),
            &format!("open {address}"),
        );
    }

    /// Tells that a call's ringing window would stand, with a desktop notification or without, or no longer.
    pub(crate) fn ringing(&self, call: u32, shown: bool, notification: bool) {
        let what = match (shown, notification) {
            (true, true) => "shown, with a notification",
            (true, false) => "shown",
            (false, _) => "no longer shown",
        };
        self.line(
            "ringing",
            json!({ "call": call, "shown": shown, "notification": notification }),
            &format!("call {call}: {what}"),
        );
    }

    /// Tells that the agent's picture of this number is there, or none.
    pub(crate) fn picture(&mut self, number: Option<u32>, picture: Option<&Avatar>) {
        let picture = number.and(picture);
        if self.picture == number || number.is_some() && picture.is_none() {
            return;
        }
        self.picture = number;
        let (kind, bytes) = picture.map_or((None, 0), |picture| {
            (Some(picture.media_type()), picture.bytes().len())
        });
        self.line(
            "picture",
            json!({ "kind": kind, "bytes": bytes }),
            &format!("picture: {}, {bytes} bytes", kind.unwrap_or("none")),
        );
    }

    /// Tells that an interaction is announced, or no longer.
    pub(crate) fn offer(&self, interaction: &str, shown: bool) {
        let what = if shown { "offered" } else { "gone" };
        self.line(
            "offer",
            json!({ "interaction": interaction, "shown": shown }),
            &format!("interaction {interaction}: {what}"),
        );
    }

    /// Tells the calls of the past.
    pub(crate) fn history(&self, entries: &[HistoryEntry]) {
        let lines: Vec<String> = entries
            .iter()
            .map(|entry| {
                let kind = match (entry.missed, entry.direction) {
                    (true, _) => "missed",
                    (false, sidetone_engine::agent::CallDirection::Incoming) => "incoming",
                    (false, sidetone_engine::agent::CallDirection::Outgoing) => "outgoing",
                };
                format!("entry {}: {kind} {} {}", entry.id, entry.name, entry.number)
            })
            .collect();
        let human = if lines.is_empty() {
            "no calls".to_owned()
        } else {
            lines.join("\n")
        };
        self.line("history", json!({ "entries": entries }), &human);
    }

    /// Tells that the SIP trace was written.
    pub(crate) fn trace(&self, path: &Path, messages: usize) {
        self.line(
            "trace",
            json!({ "file": path, "messages": messages }),
            &format!("{messages} SIP messages are in {}", path.display()),
        );
    }

    /// Tells every setting.
    pub(crate) fn settings(&self, groups: &[SettingGroup]) {
        let rows = groups.iter().flat_map(|group| &group.rows);
        let lines: Vec<String> = rows
            .map(|row| {
                let value = json_of(&row.value)["value"].to_string();
                let layer = json_of(&row.layer);
                let lock = if row.changeable { "" } else { ", locked" };
                format!(
                    "{} = {value} ({}{lock})",
                    row.field,
                    layer.as_str().unwrap_or_default()
                )
            })
            .collect();
        self.line("settings", json!({ "groups": groups }), &lines.join("\n"));
    }

    /// Tells what is wrong with a command.
    pub(crate) fn error(&self, words: &str) {
        self.line("error", json!({ "words": words }), &format!("! {words}"));
    }

    /// Tells the end of the process.
    pub(crate) fn end(&self, code: u8, words: &str) {
        self.line("end", json!({ "code": code, "words": words }), words);
    }

    fn tell_state(&self, state: &State, extension: Option<&str>) {
        let notice = match &state.sign_in_notice {
            Some(notice) if state.phase != Phase::SignedIn => notice,
            _ => &state.light.notice,
        };
        let words = sentence(notice, "en");
        let light = if state.light.green { "green" } else { "red" };
        let mut human = format!("{light}: {words}");
        if let Some(reason) = &state.presence.reason {
            human.push_str(&format!(" Paused: {reason}."));
        }
        if state.muted {
            human.push_str(" Muted.");
        }
        self.line(
            "state",
            json!({
                "phase": state.phase,
                "light": light,
                "notice": notice,
                "words": words,
                "extension": extension,
                "presence": state.presence.state,
                "reason": state.presence.reason,
                "pending": state.presence.pending,
                "stale": state.presence.stale,
                "channels": state.presence.channels,
                "muted": state.muted,
                "masked": state.masked,
            }),
            &human,
        );
    }

    fn tell_desk(&mut self, view: &View) {
        let desk = Desk::of(view);
        for (kind, before, now) in [
            ("interactions", &self.desk.interactions, &desk.interactions),
            ("previews", &self.desk.previews, &desk.previews),
            ("callbacks", &self.desk.callbacks, &desk.callbacks),
        ] {
            if before != now {
                let ids: Vec<&str> = now
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|row| row["id"].as_str())
                    .collect();
                self.line(
                    kind,
                    json!({ "rows": now }),
                    &format!("{kind}: {}", ids.join(" ")),
                );
            }
        }
        if self.desk.wrap_up != desk.wrap_up {
            let human = match &view.wrap_up {
                Some(wrap_up) => format!("after the call with {}", wrap_up.name),
                None => "after the call: over".to_owned(),
            };
            self.line(
                "wrap_up",
                json!({ "wrap_up": desk.wrap_up, "dispositions": view.dispositions }),
                &human,
            );
        }
        if self.desk.missed != desk.missed {
            self.line(
                "missed",
                json!({ "count": desk.missed }),
                &format!("missed calls: {}", desk.missed),
            );
        }
        self.desk = desk;
    }

    fn tell_checks(&mut self, checks: &ChecksView) {
        if self.checks.network != checks.network
            && let Some(network) = &checks.network
        {
            let mut human = if network.running {
                "the network is being checked".to_owned()
            } else {
                "the network was checked".to_owned()
            };
            for server in &network.servers {
                let said = match (&server.fault, server.round_trip_ms) {
                    (Some(fault), _) => fault.clone(),
                    (None, Some(ms)) => format!("answers in {ms:.0} ms"),
                    (None, None) => "was not asked".to_owned(),
                };
                human.push_str(&format!("; {}: {said}", server.url));
            }
            if let Some(echo) = &network.echo {
                let said = match (&echo.fault, echo.mos) {
                    (Some(fault), _) => fault.clone(),
                    (None, mos) => format!(
                        "loss {:.1} %, jitter {:.1} ms, score {:.1}",
                        echo.loss * 100.0,
                        echo.jitter_ms,
                        mos.unwrap_or_default()
                    ),
                };
                human.push_str(&format!("; echo test {}: {said}", echo.number));
            }
            if let Some(fault) = &network.fault {
                human.push_str(&format!("; {fault}"));
            }
            self.line("check_network", json_of(network), &human);
        }
        if self.checks.microphone != checks.microphone {
            let check = &checks.microphone;
            let human = match (check.state, &check.fault, check.loudest_dbov) {
                (MicrophoneCheckState::Recording, ..) => "speak now".to_owned(),
                (MicrophoneCheckState::Playing, ..) => "listen".to_owned(),
                (MicrophoneCheckState::Off, Some(fault), _) => fault.clone(),
                (MicrophoneCheckState::Off, None, Some(level)) => {
                    format!("the microphone was checked: loudest {level:.0} dBov")
                }
                (MicrophoneCheckState::Off, None, None) => "no microphone check".to_owned(),
            };
            self.line("check_microphone", json_of(check), &human);
        }
        self.checks.clone_from(checks);
    }

    fn tell_notice(&self, notice: &Notice) {
        let words = sentence(notice, "en");
        self.line(
            "notice",
            json!({ "notice": notice, "words": words }),
            &format!("note: {words}"),
        );
    }

    fn tell_call(&self, call: &CallView) {
        let words = call.end.as_ref().map(|end| sentence(end, "en"));
        let mut value = serde_json::to_value(call).unwrap_or_default();
        value["words"] = json!(words);
        let state = serde_json::to_value(call.state).unwrap_or_default();
        let who = match (call.name.is_empty(), call.number.is_empty()) {
            (false, false) => format!("{} {}", call.name, call.number),
            (false, true) => call.name.clone(),
            (true, false) => call.number.clone(),
            (true, true) => "unknown caller".to_owned(),
        };
        let mut human = format!(
            "call {}: {} {who}",
            call.id.0,
            state.as_str().unwrap_or_default()
        );
        if let Some(queue) = &call.queue {
            human.push_str(&format!(" (queue {queue})"));
        }
        if let Some(countdown) = &call.auto_answer {
            human.push_str(&format!(
                ", answered in {} s",
                countdown.left_ms.div_ceil(1000)
            ));
        }
        match call.recording {
            RecordingState::On => human.push_str(", recorded"),
            RecordingState::Paused => human.push_str(", recording paused"),
            RecordingState::Off | RecordingState::Failed { .. } => {}
        }
        if call.in_conference {
            human.push_str(", in the conference");
        }
        if let Some(fault) = &call.sound_fault {
            human.push_str(&format!(". {}", sentence(fault, "en")));
        }
        if let Some(words) = words {
            human.push_str(&format!(": {words}"));
        }
        self.line("call", value, &human);
    }

    fn tell_media(&self, media: &MediaView) {
        let value = serde_json::to_value(media).unwrap_or_default();
        let human = format!(
            "call {}: {} {}, sent {} received {} lost {}, jitter {:.1} ms, heard {:.0} dBov, score {}",
            media.call.0,
            media.codec,
            media.keying,
            media.packets_sent,
            media.packets_received,
            media.packets_lost,
            media.jitter_ms,
            media.level_in_dbov,
            media
                .mos
                .map_or_else(|| "-".to_owned(), |mos| format!("{mos:.1}"))
        );
        self.line("media", value, &human);
    }

    fn line(&self, event: &str, value: Value, human: &str) {
        let mut out = io::stdout().lock();
        let written = if self.json {
            writeln!(out, "{}", as_event(event, &value))
        } else {
            writeln!(out, "{human}")
        };
        // A reader that went away does not end a call.
        if let Err(fault) = written.and_then(|()| out.flush()) {
            tracing::debug!(%fault, "standard output is closed");
        }
    }
}

/// One JSON object on one line, its kind first so that a person can follow.
fn as_event(event: &str, fields: &Value) -> String {
    let fields = fields.to_string();
    match fields.strip_prefix('{') {
        Some("}") | None => format!(r#"{{"event":"{event}"}}"#),
        Some(rest) => format!(r#"{{"event":"{event}",{rest}"#),
    }
}

/// Presence without its running times, which change with every snapshot.
fn ageless(presence: &PresenceView) -> PresenceView {
    PresenceView {
        online_for_ms: None,
        paused_for_ms: None,
        channels: presence
            .channels
            .iter()
            .map(|channel| ChannelPresenceView {
                paused_for_ms: None,
                ..channel.clone()
            })
            .collect(),
        ..presence.clone()
    }
}

/// Whether a call changed in more than its running times.
fn differs(before: &CallView, now: &CallView) -> bool {
    let timeless = |call: &CallView| CallView {
        age_ms: 0,
        talk_ms: None,
        auto_answer: None,
        ..call.clone()
    };
    // A countdown that only ends because the call is being answered shows by the state.
    let countdown_changed = before.auto_answer.map(|c| c.total_ms)
        != now.auto_answer.map(|c| c.total_ms)
        && now.state == CallState::Ringing;
    countdown_changed || timeless(before) != timeless(now)
}

#[cfg(test)]
mod tests {
    use sidetone_engine::agent::CallDirection;

    use super::*;

    fn ringing(left_ms: u64) -> CallView {
        CallView {
            id: CallId(1),
            direction: CallDirection::Incoming,
            state: CallState::Ringing,
            name: String::new(),
            number: "5550100".to_owned(),
            queue: None,
            age_ms: 3000 - left_ms,
            talk_ms: None,
            auto_answer: Some(Countdown {
                left_ms,
                total_ms: 3000,
            }),
            interrupted: false,
            held_by_remote: false,
            in_conference: false,
            sound_fault: None,
            end: None,
            recording: sidetone_engine::agent::RecordingState::Off,
            recording_fixed: false,
            transfer: None,
            variables: Vec::new(),
        }
    }

    #[test]
    fn an_event_is_one_json_object_with_its_kind_first() {
        for (fields, line) in [
            (json!({}), r#"{"event":"state"}"#),
            (json!(null), r#"{"event":"state"}"#),
            (
                json!({ "a": 1, "b": "x\ny" }),
                r#"{"event":"state","a":1,"b":"x\ny"}"#,
            ),
        ] {
            let got = as_event("state", &fields);
            assert_eq!(got, line);
            assert!(serde_json::from_str::<Value>(&got).is_ok());
        }
    }

    #[test]
    fn running_times_alone_are_no_news() {
        assert!(!differs(&ringing(3000), &ringing(1000)));
        let mut waiting = ringing(1000);
        waiting.auto_answer = None;
        assert!(
            differs(&ringing(1000), &waiting),
            "the countdown was stopped"
        );
        let mut up = ringing(0);
        up.state = CallState::Up;
        assert!(differs(&ringing(0), &up));
    }
}
