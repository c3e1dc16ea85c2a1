use std::time::Duration;

use rand::Rng;
use sidetone_agent::SignInRefusal;
use sidetone_motion::{Client, Fault, SignInError};

use super::kept::Keeper;
use super::signing_in::Again;
use super::{FromServer, Teller, terms};
use crate::clock::wall_ms;

const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Signs in as soon as the server is back, for as long as the phone may work without it.
pub(super) async fn wait(
    client: Result<Client, Fault>,
    mut again: Again,
    last_contact_ms: u64,
    keeper: Keeper,
    teller: Teller,
) {
    let mut retry = FIRST_RETRY;
    loop {
        // A whole floor must not come back at the same moment.
        let wait = retry.mul_f64(rand::rng().random_range(0.5..=1.0));
        // The policy may be another one by now.
        let until_ms = keeper.until_ms(last_contact_ms);
        let left = Duration::from_millis(until_ms.saturating_sub(wall_ms()));
        tokio::time::sleep(wait.min(left)).await;
        if wall_ms() >= keeper.until_ms(last_contact_ms) {
            let hours = keeper.offline_hours();
            teller.say(FromServer::Ended(SignInRefusal::OfflineTooLong { hours }));
            return;
        }
        retry = (retry * 2).min(LAST_RETRY);
        match again.sign_in(client.clone()).await {
            Ok(FromServer::Elsewhere(_, device)) => {
                teller.say(FromServer::Ended(SignInRefusal::Elsewhere(device)));
                return;
            }
            Ok(done) => {
                tracing::info!("the server is back");
                teller.say(done);
                return;
            }
            Err(SignInError::Fault(fault)) => tracing::debug!(%fault, "the server is still away"),
            Err(refused) => {
                teller.say(FromServer::Ended(terms::refusal(refused)));
                return;
            }
        }
    }
}
