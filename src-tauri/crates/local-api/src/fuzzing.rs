//! What tests/fuzz may call.

use std::sync::Arc;

use sidetone_engine::agent::{Agent, Time};
use sidetone_engine::{ChecksView, DevicesView, Snapshot};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use crate::connection::Door;
use crate::desk::Desk;
use crate::gate::Gate;

/// One connection with these bytes, to a phone that does nothing.
pub async fn connection(bytes: &[u8]) {
    let snapshot = Snapshot {
        revision: 1,
        at_ms: 0,
        view: Agent::new().view(Time(0)),
        devices: DevicesView::default(),
        checks: ChecksView::default(),
        media: None,
        last_server: None,
        last_name: None,
        avatar: None,
    };
    let (_keep, snapshots) = watch::channel(Arc::new(snapshot));
    let desk = Desk::new(snapshots, Arc::new(|_| {}), Arc::new(|_| {}));
    let gate = Gate {
        port: 9888,
        token: None,
    };
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let feed = async {
        // It may have hung up before the end.
        let _ = theirs.write_all(bytes).await;
        let _ = theirs.shutdown().await;
        let _ = tokio::io::copy(&mut theirs, &mut tokio::io::sink()).await;
    };
    tokio::join!(Arc::new(Door::new(desk, gate)).serve(ours), feed);
}
