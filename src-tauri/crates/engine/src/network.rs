use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use sidetone_media::network_addresses;
use tokio::sync::mpsc;

use crate::phone::Message;

/// Reading the addresses takes microseconds, and a call over a new network is wanted within seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A wall clock this far ahead of the monotonic one has slept, or was set: both are reason enough to look.
const SLEPT: Duration = Duration::from_secs(10);

/// Tells when this computer's addresses change or it wakes up, as long as somebody listens.
pub(crate) fn watch(tell: mpsc::UnboundedSender<Message>) {
    tokio::spawn(async move {
        let mut before = Look::now();
        while !tell.is_closed() {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = Look::now();
            if now.differs_from(&before) {
                // Without an address there is nowhere to go yet; the next one will be a change again.
                let addresses = now.addresses != before.addresses && !now.addresses.is_empty();
                let changed = Message::NetworkChanged { addresses };
                if tell.send(changed).is_err() {
                    return;
                }
            }
            before = now;
        }
    });
}

/// What the network and the clocks say at one moment.
#[derive(Debug)]
struct Look {
    addresses: BTreeSet<IpAddr>,
    monotonic: Instant,
    wall: SystemTime,
}

impl Look {
    fn now() -> Self {
        let addresses = network_addresses().into_iter().collect();
        Self {
            addresses,
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    fn differs_from(&self, before: &Self) -> bool {
        let ran = self.monotonic.duration_since(before.monotonic);
        // A clock that was set back says nothing about sleep.
        let passed = self.wall.duration_since(before.wall).unwrap_or(ran);
        self.addresses != before.addresses || passed.saturating_sub(ran) > SLEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_address_and_a_sleep_are_noticed_and_a_quiet_moment_is_not() {
        let start = (Instant::now(), SystemTime::now());
        let look = |addresses: &[&str], ran: u64, passed: u64| Look {
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            monotonic: start.0 + Duration::from_secs(ran),
            wall: start.1 + Duration::from_secs(passed),
        };
        let before = look(&["192.0.2.1"], 100, 100);
        assert!(!look(&["192.0.2.1"], 103, 103).differs_from(&before));
        assert!(!look(&["192.0.2.1"], 103, 40).differs_from(&before));
        assert!(look(&["192.0.2.2"], 103, 103).differs_from(&before));
        assert!(look(&[], 103, 103).differs_from(&before));
        assert!(look(&["192.0.2.1"], 103, 3700).differs_from(&before));
    }
}
