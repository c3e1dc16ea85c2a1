//! Checks of network and microphone, outside of calls.

use std::time::Duration;

use sidetone_media::{MediaError, MicrophoneCheck, ServerReport, check_servers};

use crate::api::{
    EchoCheckView, MicrophoneCheckState, MicrophoneCheckView, NetworkCheckView, ServerCheckView,
};
use crate::phone::{Message, Phone};

/// How long the microphone is recorded.
const RECORDED: Duration = Duration::from_secs(4);
/// Nothing is checked beside a call: it would disturb the call, or be disturbed by it.
const NOT_NOW: &str = "this can be checked only while there is no call";

impl Phone {
    /// Looks at the network, unless that goes on already.
    pub(crate) fn check_network(&mut self, echo_number: Option<String>) {
        if self.checks.network.as_ref().is_some_and(|it| it.running) {
            return;
        }
        if self.in_call() {
            self.checks.network = Some(NetworkCheckView {
                fault: Some(NOT_NOW.to_owned()),
                ..NetworkCheckView::default()
            });
            return;
        }
        if echo_number.is_some() {
            self.settings
                .change(|choices| choices.echo_number = echo_number);
            self.show_choices();
        }
        self.checks.network = Some(NetworkCheckView {
            running: true,
            ..NetworkCheckView::default()
        });
        let servers = self.ice_servers();
        let tls = self.server.tls();
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let reports = check_servers(&servers, Some(&tls)).await;
            let _ = tell.send(Message::ServersChecked(reports));
        });
    }

    /// The STUN and TURN servers have answered, or not.
    pub(crate) fn servers_checked(&mut self, reports: Vec<ServerReport>) {
        if let Some(network) = &mut self.checks.network {
            network.servers = reports.into_iter().map(server).collect();
        }
        match self.settings.choices().echo_number.clone() {
            Some(number) if !number.is_empty() => self.call_echo(number),
            _ => self.network_checked(None),
        }
    }

    /// Nothing is left to be looked at.
    pub(crate) fn network_checked(&mut self, echo: Option<EchoCheckView>) {
        if let Some(network) = &mut self.checks.network {
            network.running = false;
            network.echo = echo;
        }
    }

    /// Records and plays back the microphone, or stops.
    pub(crate) fn check_microphone(&mut self, on: bool) {
        if let Some(before) = self.microphone_check.take() {
            before.abort();
        }
        self.check_count += 1;
        self.checks.microphone = MicrophoneCheckView::default();
        if !on {
            return;
        }
        if self.in_call() {
            self.checks.microphone.fault = Some(NOT_NOW.to_owned());
            return;
        }
        self.checks.microphone.state = MicrophoneCheckState::Recording;
        let (number, tell) = (self.check_count, self.tell.clone());
        let check = self.voice.check_microphone(RECORDED);
        let task = tokio::spawn(async move {
            let mut check = std::pin::pin!(check);
            let found = tokio::select! {
                found = &mut check => found,
                () = tokio::time::sleep(RECORDED) => {
                    let _ = tell.send(Message::MicrophonePlays(number));
                    check.await
                }
            };
            let _ = tell.send(Message::MicrophoneChecked(number, found));
        });
        self.microphone_check = Some(task.abort_handle());
    }

    /// What was recorded is played.
    pub(crate) fn microphone_plays(&mut self, number: u64) {
        if number == self.check_count {
            self.checks.microphone.state = MicrophoneCheckState::Playing;
        }
    }

    /// The microphone's check is over.
    pub(crate) fn microphone_checked(
        &mut self,
        number: u64,
        found: Result<MicrophoneCheck, MediaError>,
    ) {
        if number != self.check_count {
            return;
        }
        self.microphone_check = None;
        self.checks.microphone = match found {
            Ok(found) => MicrophoneCheckView {
                loudest_dbov: Some(found.loudest),
                heard: Some(found.heard),
                clipping: found.clipping,
                ..MicrophoneCheckView::default()
            },
            Err(fault) => MicrophoneCheckView {
                fault: Some(fault.to_string()),
                ..MicrophoneCheckView::default()
            },
        };
    }
}

fn server(report: ServerReport) -> ServerCheckView {
    ServerCheckView {
        url: report.url,
        round_trip_ms: report.round_trip_ms,
        seen_as: report.seen_as.map(|address| address.to_string()),
        relays: report.relays,
        fault: report.fault,
    }
}
