use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A server that is started anew is not away, whatever the policy says of working without one.
const SHORTEST: Duration = Duration::from_secs(5 * 60);

/// How long a session that has begun goes on while the server cannot be reached. The time that the computer sleeps does
/// not count: nobody works then.
#[derive(Debug)]
pub(super) struct Alone {
    allowed: watch::Receiver<Duration>,
    since: Option<Instant>,
}

impl Alone {
    /// With the time that the policy allows, now and later.
    pub(super) fn new(allowed: watch::Receiver<Duration>) -> Self {
        Self {
            allowed,
            since: None,
        }
    }

    /// The server does not answer; said again while it does not, that changes nothing.
    pub(super) fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// The server answers.
    pub(super) fn end(&mut self) {
        self.since = None;
    }

    /// Ends when the phone has worked without the server for as long as it may; never while the server answers.
    pub(super) async fn too_long(&self) {
        let Some(since) = self.since else {
            return std::future::pending().await;
        };
        let mut allowed = self.allowed.clone();
        loop {
            let limit = (*allowed.borrow_and_update()).max(SHORTEST);
            tokio::select! {
                () = tokio::time::sleep_until(since + limit) => return,
                Ok(()) = allowed.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// With hours that nobody changes.
    fn alone(allowed: Duration) -> Alone {
        Alone::new(watch::channel(allowed).1)
    }

    /// Whether the time is up within so long.
    async fn is_up(alone: &Alone, within: Duration) -> bool {
        tokio::time::timeout(within, alone.too_long()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_after_the_hours_of_the_policy_without_a_server() {
        let mut alone = alone(8 * HOUR);
        assert!(!is_up(&alone, 100 * HOUR).await, "the server answers");
        alone.begin();
        assert!(!is_up(&alone, 5 * HOUR).await);
        // Every failed try says so again.
        alone.begin();
        assert!(!is_up(&alone, 2 * HOUR).await);
        assert!(is_up(&alone, 2 * HOUR).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answered_in_between_is_waited_for_anew() {
        let mut alone = alone(HOUR);
        alone.begin();
        assert!(!is_up(&alone, HOUR / 2).await);
        alone.end();
        alone.begin();
        assert!(!is_up(&alone, HOUR * 3 / 4).await);
        assert!(is_up(&alone, HOUR / 2).await);
    }

    #[tokio::test(start_paused = true)]
    async fn other_hours_hold_at_once() {
        let (policy, allowed) = watch::channel(8 * HOUR);
        let mut alone = Alone::new(allowed);
        alone.begin();
        assert!(!is_up(&alone, 4 * HOUR).await);
        policy.send_replace(12 * HOUR);
        assert!(!is_up(&alone, 6 * HOUR).await, "ten of twelve");
        let ((), shortened) = tokio::join!(
            async {
                tokio::time::sleep(HOUR / 2).await;
                policy.send_replace(2 * HOUR);
            },
            is_up(&alone, HOUR)
        );
        assert!(shortened, "while it is waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_of_the_server_ends_no_session() {
        let mut alone = alone(Duration::ZERO);
        alone.begin();
        assert!(!is_up(&alone, Duration::from_secs(60)).await);
        assert!(is_up(&alone, Duration::from_secs(600)).await);
    }
}
