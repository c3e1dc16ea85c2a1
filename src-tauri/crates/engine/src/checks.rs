//! Checks of network and microphone, outside of calls.

use sidetone_media::{ServerReport, check_servers};

use crate::api::{NetworkCheckView, ServerCheckView};
use crate::phone::{Message, Phone};

impl Phone {
    /// Looks at the network, unless that goes on already.
    pub(crate) fn check_network(&mut self, echo_number: Option<String>) {
        if self.checks.network.as_ref().is_some_and(|it| it.running) {
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
            network.running = false;
        }
    }

    /// Records and plays back the microphone, or stops.
    pub(crate) fn check_microphone(&mut self, _on: bool) {}
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
