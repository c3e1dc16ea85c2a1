//! Whom a call goes on with: transfers (RFC 3515, RFC 3891), forwarding (302) and pick-up.

use std::sync::Arc;
use std::time::Duration;

use sidetone_profile::wire;
use sidetone_sip::{DialogId, ReferRequest};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::leg::{About, Leg};
use super::registrar::Contact;
use super::service::is_service;
use super::{Mail, SmallPbx};
use crate::calls::CallId;
use crate::store::Agent;

/// Another conversation answers at once or not at all.
const TAKE_LIMIT: Duration = Duration::from_secs(5);
/// How often a call is forwarded.
pub(super) const FORWARDS: u8 = 5;

/// Where a number leads.
pub(super) enum Route {
    /// An agent whose phone is registered.
    Phone(Box<Agent>, Contact),
    /// One of the numbers that the system answers itself.
    Service(String),
}

/// Asks a conversation for one of its sides.
pub(super) struct Take {
    /// Takes the place of the phone that is asked; `None`: who talks to that phone is wanted.
    pub(super) leg: Option<Box<Leg>>,
    /// Who talked to it, when that is a phone.
    pub(super) reply: oneshot::Sender<Option<Box<Leg>>>,
}

/// What becomes of a phone's wish to transfer.
pub(super) enum Referral {
    /// It was refused; the call goes on.
    Refused,
    /// A phone rings for it.
    Ringing(Box<Leg>),
    /// The far side goes on with one of the system's own numbers.
    Service(String),
    /// The far side goes on with this phone.
    Joined(Box<Leg>),
    /// Whom the other call is with is no phone: the far side goes there, in place of this phone of that call.
    Simulated(DialogId),
}

/// Where a URI or a number leads; `None`: nowhere now.
pub(super) fn route(pbx: &SmallPbx, target: &str) -> Option<Route> {
    let number = user_of(target);
    if let Some(agent) = pbx.centre.agent_at(&number) {
        let contact = pbx.registrar.contact(&number)?;
        return Some(Route::Phone(Box::new(agent), contact));
    }
    is_service(&number).then_some(Route::Service(number))
}

/// Carries out a phone's wish to transfer whom it talks to, as far as that can be done at once.
pub(super) async fn refer(pbx: &Arc<SmallPbx>, asker: &Leg, wish: &ReferRequest) -> Referral {
    if wish
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("Replaces"))
    {
        let taken = match wish.replaces {
            Some(other) => pbx.take(other, None).await.map(|leg| (other, leg)),
            None => None,
        };
        return match taken {
            Some((_, Some(mut leg))) => {
                leg.call = asker.call;
                through(pbx, wish);
                Referral::Joined(leg)
            }
            Some((other, None)) => Referral::Simulated(other),
            None => refused(pbx, wish),
        };
    }
    match route(pbx, &wish.target) {
        Some(Route::Phone(agent, contact)) if agent.id != asker.agent => {
            let mut about = asker.about.clone();
            let by = wish
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("Referred-By"));
            about.headers.extend(by.cloned());
            match Leg::calling(pbx, &agent, contact, about, asker.call).await {
                Ok(leg) => {
                    let _ = pbx.endpoint.answer_refer(wish.dialog, Some(leg.dialog));
                    Referral::Ringing(Box::new(leg))
                }
                Err(error) => {
                    tracing::warn!(error, "cannot transfer");
                    refused(pbx, wish)
                }
            }
        }
        Some(Route::Service(number)) => {
            through(pbx, wish);
            Referral::Service(number)
        }
        _ => refused(pbx, wish),
    }
}

/// Says that a transfer is through: the call it was asked in is up, and stands for one that needs no phone.
pub(super) fn through(pbx: &SmallPbx, wish: &ReferRequest) {
    let _ = pbx.endpoint.answer_refer(wish.dialog, Some(wish.dialog));
}

pub(super) fn refused(pbx: &SmallPbx, wish: &ReferRequest) -> Referral {
    let _ = pbx.endpoint.answer_refer(wish.dialog, None);
    Referral::Refused
}

/// Notes who goes on with a call.
pub(super) fn note(pbx: &SmallPbx, id: CallId, to: &str) {
    pbx.centre
        .calls
        .change(id, |call| call.transfers.push(to.to_owned()));
}

/// What the next phone is told of a call that this agent's phone sent elsewhere, as the last of some: who did
/// (RFC 5806), and how often it may still be passed on. `None`: no more.
pub(super) fn diverted(
    pbx: &SmallPbx,
    agent: &Agent,
    about: &About,
    forwards: u8,
) -> Option<About> {
    let mut about = about.clone();
    about.max_forwards = about.max_forwards.checked_sub(forwards)?;
    let value = format!(
        "<sip:{}@{}>;reason=deflection",
        agent.extension(),
        pbx.centre.rules.domain
    );
    about.headers.push(("Diversion".to_owned(), value));
    Some(about)
}

/// A phone that rings and whose group this agent may pick up.
pub(super) fn to_pick_up(pbx: &SmallPbx, agent: &Agent) -> Option<DialogId> {
    let wanted = groups(agent).1;
    let ringing = pbx.ringing().clone();
    ringing.into_iter().find_map(|(dialog, rung)| {
        let rung = pbx.centre.store().agent(rung).ok().flatten()?;
        let fits =
            rung.id != agent.id && groups(&rung).0.iter().any(|group| wanted.contains(group));
        fits.then_some(dialog)
    })
}

/// Call groups and pick-up groups.
fn groups(agent: &Agent) -> (Vec<u8>, Vec<u8>) {
    let mut document = agent.document.clone();
    document.insert("id".to_owned(), agent.id.into());
    document.insert("name".to_owned(), agent.name.clone().into());
    wire::read(&document.into())
        .map(|(profile, _)| (profile.voice.call_groups, profile.voice.pickup_groups))
        .unwrap_or_default()
}

/// The user part of a URI, or the number itself.
fn user_of(target: &str) -> String {
    let text = target.trim();
    let text = ["sip:", "sips:", "tel:"]
        .into_iter()
        .find_map(|scheme| {
            text.get(..scheme.len())
                .filter(|start| start.eq_ignore_ascii_case(scheme))
                .map(|_| &text[scheme.len()..])
        })
        .unwrap_or(text);
    let user = text.split('@').next().unwrap_or_default();
    let user = user.split(';').next().unwrap_or_default();
    url::form_urlencoded::parse(format!("u={}", user.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, user)| user.into_owned())
        .unwrap_or_default()
}

impl SmallPbx {
    /// Asks the conversation of a dialog; the outer `None`: nobody is there to ask, or it does not want to.
    pub(super) async fn take(
        &self,
        dialog: DialogId,
        leg: Option<Box<Leg>>,
    ) -> Option<Option<Box<Leg>>> {
        let (reply, answer) = oneshot::channel();
        let sender = self.dialogs().get(&dialog)?.sender.clone();
        sender.send(Mail::Take(Take { leg, reply })).ok()?;
        timeout(TAKE_LIMIT, answer).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::user_of;

    #[test]
    fn the_number_of_a_target_is_found() {
        for (target, number) in [
            ("600", "600"),
            ("sip:202@sandbox.example", "202"),
            ("SIP:+12025550100@x;user=phone", "+12025550100"),
            ("tel:+1202;phone-context=x", "+1202"),
            ("sip:%2A8@x", "*8"),
            ("é", "é"),
        ] {
            assert_eq!(user_of(target), number, "{target}");
        }
    }
}
