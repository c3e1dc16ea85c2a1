use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sidetone_engine::{Engine, LocalAccess, Snapshot};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::connection::Door;
use crate::desk::Desk;
use crate::gate::Gate;

/// How often a port that another program holds is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Connections at the same time; the next ones wait.
const MOST_CONNECTIONS: usize = 32;

/// Opens the interface while the agent's profile wants it, at the port of the profile, until the handle is dropped;
/// must be called in a tokio runtime. IT's policy fixes the profile's fields where it wants, and sets the token.
#[must_use = "the interface closes when the handle is dropped"]
pub fn serve(engine: &Engine) -> Handle {
    start(engine.clone().into(), engine.local_access())
}

/// The running interface; it closes when this is dropped.
#[derive(Debug)]
pub struct Handle {
    task: AbortHandle,
    status: watch::Receiver<Status>,
}

impl Handle {
    /// Whether it is open, now and later.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the interface is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It is not wanted.
    #[default]
    Off,
    /// It listens here.
    Open(SocketAddr),
    /// It cannot be opened and is tried again; the sentence says why.
    Failed(String),
}

pub(crate) fn start(desk: Desk, access: watch::Receiver<LocalAccess>) -> Handle {
    let (tell, status) = watch::channel(Status::Off);
    let task = tokio::spawn(supervise(desk, access, tell)).abort_handle();
    Handle { task, status }
}

async fn supervise(
    desk: Desk,
    mut access: watch::Receiver<LocalAccess>,
    status: watch::Sender<Status>,
) {
    let mut snapshots = desk.snapshots();
    loop {
        let allowed = access.borrow_and_update().clone();
        let wanted = snapshots.borrow_and_update().view.remote_control_port;
        let other = until_other(&mut snapshots, wanted, &mut access);
        let Some(port) = wanted else {
            settle(&desk, &status, Status::Off);
            if other.await.is_err() {
                return;
            }
            continue;
        };
        let token = match allowed {
            LocalAccess::Everybody => None,
            LocalAccess::WithToken(token) => Some(token),
            LocalAccess::Nobody(fault) => {
                settle(&desk, &status, Status::Failed(fault));
                if other.await.is_err() {
                    return;
                }
                continue;
            }
        };
        let ended = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let address = listener.local_addr();
                let address = address.unwrap_or_else(|_| (Ipv4Addr::LOCALHOST, port).into());
                tracing::info!(%address, "the local interface is open");
                settle(&desk, &status, Status::Open(address));
                let gate = Gate {
                    port: address.port(),
                    token,
                };
                tokio::select! {
                    ended = other => ended,
                    () = accept(listener, Arc::new(Door::new(desk.clone(), gate))) => Ok(()),
                }
            }
            Err(fault) => {
                let words = words(port, &fault);
                tracing::warn!(port, %fault, "the local interface cannot be opened");
                settle(&desk, &status, Status::Failed(words));
                tokio::select! {
                    ended = other => ended,
                    () = tokio::time::sleep(RETRY) => Ok(()),
                }
            }
        };
        if ended.is_err() {
            return;
        }
    }
}

/// Waits until something else is wanted or allowed; the error is the end of the phone.
async fn until_other(
    snapshots: &mut watch::Receiver<Arc<Snapshot>>,
    before: Option<u16>,
    access: &mut watch::Receiver<LocalAccess>,
) -> Result<(), watch::error::RecvError> {
    let wanted = snapshots.wait_for(|snapshot| snapshot.view.remote_control_port != before);
    tokio::select! {
        ended = wanted => ended.map(|_| ()),
        // Nobody can change it any more when the phone has ended, which the snapshots tell.
        Ok(()) = access.changed() => Ok(()),
    }
}

/// Says how it stands, to the agent only when that is news.
fn settle(desk: &Desk, status: &watch::Sender<Status>, now: Status) {
    let before = status.send_replace(now.clone());
    if before == now {
        return;
    }
    match now {
        Status::Failed(words) => desk.warn(Some(words)),
        Status::Off | Status::Open(_) if matches!(before, Status::Failed(_)) => desk.warn(None),
        Status::Off | Status::Open(_) => {}
    }
}

fn words(port: u16, fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::AddrInUse => format!("another program uses port {port}"),
        io::ErrorKind::PermissionDenied => format!("the system does not allow port {port}"),
        _ => format!("port {port} cannot be opened: {fault}"),
    }
}

/// Ends only with the select around it; its connections end with it.
async fn accept(listener: TcpListener, door: Arc<Door>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let door = Arc::clone(&door);
                connections.spawn(async move {
                    door.serve(stream).await;
                    drop(place);
                });
            }
            Err(fault) => {
                tracing::warn!(%fault, "the local interface could not take a connection");
                // Out of descriptors: not at once again.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}
