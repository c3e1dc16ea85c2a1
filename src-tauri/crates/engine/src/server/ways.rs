use std::time::Duration;

use sidetone_motion::{Client, Fault};
use sidetone_profile::SignInWays;
use tokio::sync::mpsc;

use super::kept::Keeper;
use crate::phone::Message;

/// Between two questions while the server is away.
const RETRY: Duration = Duration::from_secs(5);

/// Asks a server how its agents sign in, until it answers. While it is away, the browser is offered to whom a sign-in
/// through it was kept of; a server that cannot say takes names and passwords.
pub(super) async fn ask(
    client: Result<Client, Fault>,
    server: String,
    keeper: Keeper,
    tell: mpsc::UnboundedSender<Message>,
) {
    let say = |ways| tell.send(Message::SignInWays(server.clone(), ways)).is_ok();
    let client = match client {
        Ok(client) => client,
        Err(fault) => {
            tracing::debug!(%fault, "the ways to sign in cannot be asked for");
            // After the shutdown nobody is left to be told.
            say(SignInWays::default());
            return;
        }
    };
    loop {
        let (ways, away) = match client.sign_in_ways().await {
            Ok(ways) => (ways, false),
            Err(fault) => {
                tracing::debug!(%fault, "the server does not say how its agents sign in");
                let (keeper, url) = (keeper.clone(), client.url().to_string());
                let kept = tokio::task::spawn_blocking(move || keeper.open_browser(&url));
                let kept = kept.await.ok().flatten().is_some();
                let ways = SignInWays {
                    browser: kept.then(String::new),
                    ..SignInWays::default()
                };
                (ways, fault.is_away())
            }
        };
        if !say(ways) || !away {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}
