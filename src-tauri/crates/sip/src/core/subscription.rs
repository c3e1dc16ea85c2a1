//! Subscriptions of the account: waiting messages (RFC 3842) and the state of other phones (RFC 4235), kept fresh and
//! made anew after an outage (RFC 6665).

use std::time::{Duration, Instant};

use super::address::{param, write_name_addr};
use super::call::contact_of;
use super::invite_client::request_uri;
use super::message::Message;
use super::transaction::{Answer, Owner, TxKey};
use super::{Core, branch, token};
use crate::api::{Event, LineState, Package, SipError, SubscriptionId};

/// How long a subscription is asked for, in seconds.
const WANTED: u32 = 600;
/// When one that was refused or lost is asked for again.
const RETRY: Duration = Duration::from_secs(60);

/// A subscription that those above want.
pub(crate) struct Subscription {
    package: Package,
    uri: String,
    call_id: String,
    tag: String,
    /// The notifier's tag, target and route, once it is known.
    remote: Option<(String, String, Vec<String>)>,
    seq: u32,
    expires: u32,
    /// A SUBSCRIBE is on its way.
    asking: bool,
    at: Option<Instant>,
    /// Version of the last dialog-info document.
    version: Option<u64>,
}

impl Package {
    const fn event(self) -> &'static str {
        match self {
            Self::MessageSummary => "message-summary",
            Self::DialogInfo => "dialog",
        }
    }

    const fn accept(self) -> &'static str {
        match self {
            Self::MessageSummary => "application/simple-message-summary",
            Self::DialogInfo => "application/dialog-info+xml",
        }
    }
}

impl Core {
    pub(crate) fn subscribe(
        &mut self,
        now: Instant,
        target: &str,
        package: Package,
    ) -> Result<SubscriptionId, SipError> {
        let registration = self.registration.as_ref().ok_or(SipError::NoAccount)?;
        let uri = if target.is_empty() {
            registration.address()
        } else {
            request_uri(target, &registration.account.domain)?
        };
        let id = SubscriptionId(self.next_subscription);
        self.next_subscription += 1;
        let subscription = Subscription {
            package,
            uri,
            call_id: token(&mut self.rng),
            tag: token(&mut self.rng),
            remote: None,
            seq: 0,
            expires: WANTED,
            asking: false,
            at: Some(now),
            version: None,
        };
        self.subscriptions.insert(id, subscription);
        self.subscription_timeouts(now);
        Ok(id)
    }

    pub(crate) fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) {
        if self
            .subscriptions
            .get(&id)
            .is_some_and(|s| s.remote.is_some())
        {
            self.send_subscribe(now, id, 0);
        }
        self.subscriptions.remove(&id);
    }

    pub(super) fn next_subscription_timeout(&self) -> Option<Instant> {
        let reachable = self.account_flow().is_some();
        self.subscriptions
            .values()
            .filter(|s| !s.asking && reachable)
            .filter_map(|s| s.at)
            .min()
    }

    pub(super) fn subscription_timeouts(&mut self, now: Instant) {
        let due: Vec<SubscriptionId> = self
            .subscriptions
            .iter()
            .filter(|(_, s)| !s.asking && s.at.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let expires = self.subscriptions[&id].expires;
            self.send_subscribe(now, id, expires);
        }
    }

    /// The account is registered on a new connection: the notifier must learn our address.
    pub(super) fn renew_subscriptions(&mut self, now: Instant) {
        for subscription in self.subscriptions.values_mut() {
            subscription.at = Some(now);
            subscription.asking = false;
        }
        self.subscription_timeouts(now);
    }

    fn send_subscribe(&mut self, now: Instant, id: SubscriptionId, expires: u32) {
        let (Some(registration), Some(subscription)) =
            (&mut self.registration, self.subscriptions.get_mut(&id))
        else {
            return;
        };
        let Some((flow_id, flow)) = registration
            .flow()
            .and_then(|flow| self.flows.get(&flow).map(|f| (flow, f)))
        else {
            return;
        };
        subscription.seq += 1;
        let account = &registration.account;
        let aor = write_name_addr(&account.display_name, &registration.address());
        let (target, to, routes) = match &subscription.remote {
            Some((tag, target, routes)) => {
                let to = format!("<{}>;tag={tag}", subscription.uri);
                (target.clone(), to, routes.clone())
            }
            None => (
                subscription.uri.clone(),
                format!("<{}>", subscription.uri),
                registration.service_route.clone(),
            ),
        };
        let mut request = Message::request("SUBSCRIBE", &target)
            .with("Via", flow.via(&branch(&mut self.rng)))
            .with("Max-Forwards", "70");
        for route in routes {
            request.push("Route", route);
        }
        request.push("From", format!("{aor};tag={}", subscription.tag));
        request.push("To", to);
        request.push("Call-ID", subscription.call_id.clone());
        request.push("CSeq", format!("{} SUBSCRIBE", subscription.seq));
        request.push("Contact", flow.contact(&account.user));
        request.push("Event", subscription.package.event());
        request.push("Accept", subscription.package.accept());
        request.push("Expires", expires.to_string());
        if !self.user_agent.is_empty() {
            request.push("User-Agent", self.user_agent.clone());
        }
        registration
            .digest
            .authorize(&mut request, &registration.account.credentials);
        subscription.asking = expires > 0;
        let reliable = flow.kind.reliable();
        let owner = Owner::Subscribe(id);
        self.tx.send(now, flow_id, reliable, request, owner, 0);
    }

    pub(super) fn subscribe_answered(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        answer: &Answer,
        response: &Message,
    ) {
        let status = response.status();
        if matches!(status, 401 | 407)
            && let Some(key) = self.send_authorized(now, answer, response)
        {
            if let (Some(subscription), Some((request, _))) =
                (self.subscriptions.get_mut(&id), self.tx.request(&key))
            {
                subscription.seq = request.seq();
            }
            return;
        }
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        // One that ended meanwhile waits for no answer any more.
        if status < 200 || subscription.call_id != response.call_id() {
            return;
        }
        subscription.asking = false;
        match status {
            200..=299 => {
                let granted = response.number("Expires").unwrap_or(subscription.expires);
                subscription.at = Some(now + refresh_after(granted));
                if subscription.remote.is_none()
                    && let Some(tag) = response.to_tag()
                {
                    let mut routes = response.list("Record-Route");
                    routes.reverse();
                    let target = contact_of(response).unwrap_or_else(|| subscription.uri.clone());
                    subscription.remote = Some((tag.to_owned(), target, routes));
                }
            }
            423 => {
                let least = response.number("Min-Expires").unwrap_or(0);
                if least > subscription.expires {
                    subscription.expires = least;
                    subscription.at = Some(now);
                    self.subscription_timeouts(now);
                } else {
                    subscription.at = None;
                }
            }
            // The notifier forgot it: from the beginning.
            481 if subscription.remote.is_some() => {
                subscription.start_over(&mut self.rng);
                subscription.at = Some(now);
                self.subscription_timeouts(now);
            }
            408 | 480 | 500.. => {
                subscription.start_over(&mut self.rng);
                let asked = response.number("Retry-After").unwrap_or(0);
                let asked = Duration::from_secs(u64::from(asked.min(3600)));
                subscription.at = Some(now + RETRY.max(asked));
            }
            // The notifier has no such thing, now or ever.
            _ => {
                subscription.at = None;
                tracing::debug!(status, "a subscription was refused");
                self.event(Event::SubscriptionRefused {
                    subscription: id,
                    status,
                });
            }
        }
    }

    pub(super) fn subscribe_expired(&mut self, now: Instant, id: SubscriptionId, answer: &Answer) {
        if let Some(subscription) = self.subscriptions.get_mut(&id)
            && subscription.call_id == answer.request.call_id()
        {
            subscription.start_over(&mut self.rng);
            subscription.at = Some(now + RETRY);
        }
    }

    /// A NOTIFY outside of any call: of a subscription, or unasked as Asterisk reports waiting messages.
    pub(super) fn notified(&mut self, now: Instant, trusted: bool, key: &TxKey, request: &Message) {
        let local = request.to_tag().unwrap_or_default();
        let found = self
            .subscriptions
            .iter()
            .find(|(_, s)| s.call_id == request.call_id() && s.tag == local)
            .map(|(id, _)| *id);
        let Some(id) = found else {
            let summary = request.has_token("Event", "message-summary");
            let status = match (summary, request.to_tag()) {
                (true, None) if trusted => 200,
                (_, Some(_)) => 481,
                _ => 489,
            };
            self.refuse(now, key, request, status);
            if status == 200 && !request.body.is_empty() {
                self.event(message_summary(None, request));
            }
            return;
        };
        self.refuse(now, key, request, 200);
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        if subscription.remote.is_none()
            && let Some(tag) = request.sender_tag()
        {
            // The NOTIFY may be faster than the answer to our SUBSCRIBE.
            let target = contact_of(request).unwrap_or_else(|| subscription.uri.clone());
            let routes = request.list("Record-Route");
            subscription.remote = Some((tag.to_owned(), target, routes));
        }
        let state = request.get("Subscription-State").unwrap_or_default();
        let kind = state.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("terminated") {
            subscription.start_over(&mut self.rng);
            let reason = param(state, "reason").unwrap_or_default().to_lowercase();
            let after = param(state, "retry-after").and_then(|s| s.parse().ok());
            let after = after.map_or(RETRY, |s: u64| Duration::from_secs(s.min(3600)));
            // RFC 6665 §4.1.3: some ends are meant for ever.
            subscription.at = match reason.as_str() {
                "rejected" | "noresource" | "invariant" => None,
                "deactivated" | "timeout" => Some(now),
                _ => Some(now + after),
            };
        } else if let Some(left) = param(state, "expires").and_then(|s| s.parse().ok()) {
            subscription.at = Some(now + refresh_after(left));
        }
        let package = subscription.package;
        match package {
            Package::MessageSummary if !request.body.is_empty() => {
                self.event(message_summary(Some(id), request));
            }
            Package::DialogInfo if !request.body.is_empty() => {
                let document = String::from_utf8_lossy(&request.body);
                let root = document
                    .find("<dialog-info")
                    .map_or("", |at| &document[at..]);
                let version = attribute(root, "version").and_then(|v| v.parse().ok());
                let old = version.is_some()
                    && subscription.version.is_some()
                    && version < subscription.version;
                subscription.version = version.or(subscription.version);
                if !old {
                    let state = line_state(&document);
                    self.event(Event::LineState {
                        subscription: id,
                        state,
                    });
                }
            }
            _ => {}
        }
        self.subscription_timeouts(now);
    }
}

impl Subscription {
    /// The dialog with the notifier is over; the next SUBSCRIBE makes a new one.
    fn start_over(&mut self, rng: &mut rand::rngs::StdRng) {
        self.remote = None;
        self.asking = false;
        self.version = None;
        self.call_id = token(rng);
        self.tag = token(rng);
    }
}

/// Early enough that a lost request may be repeated.
fn refresh_after(granted: u32) -> Duration {
    let granted = Duration::from_secs(u64::from(granted.max(10)));
    (granted * 4 / 5).min(granted.saturating_sub(Duration::from_secs(5)))
}

/// RFC 3842 §5.2: `Messages-Waiting: yes` and `Voice-Message: 2/8 (0/2)`.
pub(super) fn message_summary(subscription: Option<SubscriptionId>, notify: &Message) -> Event {
    let body = String::from_utf8_lossy(&notify.body);
    let field = |wanted: &str| {
        body.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim().to_owned())
        })
    };
    let voice = field("Voice-Message").unwrap_or_default();
    let (new, rest) = voice.split_once('/').unwrap_or(("0", "0"));
    let old = rest.split([' ', '(']).next().unwrap_or_default();
    let new = new.trim().parse().unwrap_or(0);
    let waiting = field("Messages-Waiting").map_or(new > 0, |w| w.eq_ignore_ascii_case("yes"));
    Event::MessagesWaiting {
        subscription,
        waiting,
        new,
        old: old.trim().parse().unwrap_or(0),
    }
}

/// The busiest dialog of a dialog-info document (RFC 4235 §4.1).
pub(super) fn line_state(document: &str) -> LineState {
    document
        .split("<dialog ")
        .skip(1)
        .filter_map(|dialog| {
            let at = dialog.find("<state")?;
            let text = dialog[at..].split_once('>')?.1.split('<').next()?.trim();
            let incoming = attribute(dialog, "direction") == Some("recipient");
            Some(match text.to_ascii_lowercase().as_str() {
                "confirmed" => LineState::Talking,
                "early" if incoming => LineState::Ringing,
                "trying" | "proceeding" | "early" => LineState::Calling,
                _ => LineState::Free,
            })
        })
        .max()
        .unwrap_or(LineState::Free)
}

/// The first attribute of that name.
pub(super) fn attribute<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    for quote in ['"', '\''] {
        if let Some((_, rest)) = xml.split_once(&format!(" {name}={quote}")) {
            return rest.split(quote).next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_dialog_is_the_state_of_a_line() {
        let head = "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"3\" state=\"full\" entity=\"sip:200@x\">";
        let dialog = |direction: &str, state: &str| {
            format!("<dialog id=\"1\" direction=\"{direction}\">\n <state>{state}</state></dialog>")
        };
        let cases = [
            (String::new(), LineState::Free),
            (dialog("initiator", "terminated"), LineState::Free),
            (dialog("recipient", "early"), LineState::Ringing),
            (dialog("initiator", "early"), LineState::Calling),
            (
                dialog("recipient", "early") + &dialog("initiator", "confirmed"),
                LineState::Talking,
            ),
            (
                "<dialog id='1'><state event='x'> Confirmed ".to_owned(),
                LineState::Talking,
            ),
            ("<dialog <state".to_owned(), LineState::Free),
        ];
        for (dialogs, state) in cases {
            let document = format!("{head}{dialogs}</dialog-info>");
            assert_eq!(line_state(&document), state, "{document}");
            assert_eq!(attribute(&document[20..], "version"), Some("3"));
        }
    }
}
