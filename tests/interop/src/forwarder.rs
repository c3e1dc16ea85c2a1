//! A wire that can be cut.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Carries TCP connections from a port of its own to another port of this machine.
pub struct Forwarder {
    port: u16,
    wire: Arc<Mutex<Wire>>,
}

#[derive(Default)]
struct Wire {
    cut: bool,
    links: Vec<TcpStream>,
}

impl Forwarder {
    /// Opens a port that leads to `target`.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let wire = Arc::new(Mutex::new(Wire::default()));
        let carried = Arc::clone(&wire);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // A connection that cannot be carried is dropped, as a dead server would.
                let _ = carry(near, target, &carried);
            }
        });
        Self { port, wire }
    }

    /// The port of its own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        wire.cut = true;
        for link in wire.links.drain(..) {
            // It may be closed already.
            let _ = link.shutdown(Shutdown::Both);
        }
    }

    /// Carries again.
    pub fn mend(&self) {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner).cut = false;
    }
}

fn carry(near: TcpStream, target: u16, wire: &Mutex<Wire>) -> io::Result<()> {
    let mut wire = wire.lock().unwrap_or_else(PoisonError::into_inner);
    if wire.cut {
        return Ok(());
    }
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    wire.links.extend([near.try_clone()?, far.try_clone()?]);
    for (mut from, mut to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        std::thread::spawn(move || {
            // Either end may go at any time.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
