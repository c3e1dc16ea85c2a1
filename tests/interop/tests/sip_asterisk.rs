//! The SIP user agent alone against a real Asterisk 22: what it registers with, and what Asterisk makes of its holds,
//! transfers and redirections. Of sound there is only what Asterisk's own ends say.

use std::time::Duration;

use sidetone_interop::asterisk::{Asterisk, Message, isolated};
use sidetone_interop::compare::{Sound, compare};
use sidetone_interop::namespace::ADDRESS;
use sidetone_interop::phone::{Identity, Phone as HeadlessPhone};
use sidetone_interop::{WorkDir, certificates, speech};
use sidetone_profile::Secret;
use sidetone_sip::{
    Account, CallTarget, DialogEnd, DialogId, Endpoint, EndpointConfig, Event, IncomingInvite,
    RegistrationState, ServerAddress,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Only a broken test waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// An offer or answer of one G.711 stream; nobody listens there.
fn sdp(version: u32, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 {version} IN IP4 {ADDRESS}\r\ns=-\r\nc=IN IP4 {ADDRESS}\r\nt=0 0\r\nm=audio 49170 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}

struct Phone {
    endpoint: Endpoint,
    events: UnboundedReceiver<Event>,
}

impl Phone {
    async fn registered(asterisk: &Asterisk, user: &str, server: ServerAddress) -> Self {
        Self::asking(asterisk, user, server, None).await
    }

    /// Asks for a session interval of so many seconds.
    async fn asking(
        asterisk: &Asterisk,
        user: &str,
        server: ServerAddress,
        session_interval_s: Option<u32>,
    ) -> Self {
        let tls = certificates::client(&asterisk.ca()).expect("Asterisk's authority");
        let config = EndpointConfig {
            user_agent: "sidetone-interop".to_owned(),
            tls: Some(tls),
            session_interval_s,
            ..EndpointConfig::default()
        };
        let (endpoint, events) = Endpoint::start(config).await.expect("an endpoint");
        let secret = Secret::new(asterisk.secret(user));
        endpoint.set_account(Some(Account::new(user, ADDRESS, secret, server)));
        let mut phone = Self { endpoint, events };
        let state = phone
            .until("the registration", |event| match event {
                Event::Registration(RegistrationState::Trying) => None,
                Event::Registration(state) => Some(state),
                _ => None,
            })
            .await;
        assert!(
            matches!(state, RegistrationState::Registered { .. }),
            "{user}: {state:?}"
        );
        phone
    }

    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("a running endpoint");
                if let Some(found) = pick(event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("no sign of {what}"))
    }

    async fn rings(&mut self) -> IncomingInvite {
        self.until("a call", |event| match event {
            Event::Incoming(call) => Some(call),
            _ => None,
        })
        .await
    }

    /// Answers the next call and waits until that is confirmed.
    async fn answers(&mut self) -> DialogId {
        let dialog = self.rings().await.dialog;
        self.endpoint.ringing(dialog, None).expect("it rings");
        self.endpoint
            .accept(dialog, sdp(1, "sendrecv"))
            .expect("it rings");
        self.until("the confirmation", |event| match event {
            Event::Confirmed { dialog: of } if of == dialog => Some(()),
            _ => None,
        })
        .await;
        dialog
    }

    /// Follows a transfer to its end; gives the last status and how many dialogs ended after it.
    async fn transferred(&mut self, of: DialogId) -> u16 {
        self.until("the end of the transfer", |event| match event {
            Event::ReferProgress {
                dialog,
                status,
                done: true,
                ..
            } if dialog == of => Some(status),
            _ => None,
        })
        .await
    }

    async fn ended(&mut self, of: DialogId) -> DialogEnd {
        self.until("the end of the call", |event| match event {
            Event::Ended { dialog, end } if dialog == of => Some(end),
            _ => None,
        })
        .await
    }
}

fn udp() -> ServerAddress {
    ServerAddress::Udp(ADDRESS.to_owned(), 5060)
}

fn stage<F: Future<Output = ()>>(name: &str, body: impl FnOnce(Asterisk) -> F) {
    isolated(name, || {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = WorkDir::new("sip").expect("a folder for the run");
        let speech = speech::customer().expect("the customer's speech");
        let asterisk =
            Asterisk::start(folder.path(), &speech).unwrap_or_else(|error| panic!("{error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(body(asterisk));
    });
}

/// A customer calls extension 220.
fn customer_calls(asterisk: &mut Asterisk, number: &str) {
    calls(asterisk, "talk", number, "220");
}

/// Someone whose end is that extension of `customers` calls one of the agents' numbers.
fn calls(asterisk: &mut Asterisk, end: &str, number: &str, called: &str) {
    asterisk
        .ami
        .action(&[
            ("Action", "Originate"),
            ("Channel", &format!("Local/{end}@customers/n")),
            ("Context", "agents"),
            ("Exten", called),
            ("Priority", "1"),
            ("CallerID", number),
            ("Async", "true"),
        ])
        .expect("Asterisk calls");
}

fn succeeded(asterisk: &mut Asterisk, event: &str) {
    let is = |message: &Message| message.is_event(event);
    let told = asterisk.ami.wait_for(PATIENCE, is).expect(event);
    assert_eq!(told.get("Result"), Some("Success"), "{event}");
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn registers_with_md5_and_sha_256_over_wss_udp_and_tls() {
    stage(
        "registers_with_md5_and_sha_256_over_wss_udp_and_tls",
        async |asterisk: Asterisk| {
            let wss = ServerAddress::WebSocket(asterisk.wss_url().parse().expect("a URL"));
            let tls = ServerAddress::Tls(ADDRESS.to_owned(), 5061);
            for (user, server) in [
                ("201", wss.clone()),
                ("202", wss),
                ("220", udp()),
                ("220", tls),
            ] {
                let phone = Phone::registered(&asterisk, user, server).await;
                phone.endpoint.shut_down().await;
            }
        },
    );
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn a_call_is_held_resumed_and_changed_to_another_codec() {
    stage(
        "a_call_is_held_resumed_and_changed_to_another_codec",
        async |asterisk: Asterisk| {
            let mut phone = Phone::registered(&asterisk, "220", udp()).await;
            let target = CallTarget::Account("600".to_owned());
            let dialog = phone
                .endpoint
                .invite(target, sdp(1, "sendrecv"), Vec::new())
                .await
                .expect("a call");
            phone
                .until("the answer", |e| {
                    matches!(e, Event::Answered { .. }).then_some(())
                })
                .await;
            let other_codec = sdp(4, "sendrecv")
                .replace("RTP/AVP 8", "RTP/AVP 0")
                .replace("rtpmap:8 PCMA", "rtpmap:0 PCMU");
            for (offer, wanted) in [
                (sdp(2, "sendonly"), "a=recvonly"),
                (sdp(3, "sendrecv"), "a=sendrecv"),
                (other_codec, "PCMU/8000"),
                (sdp(5, "inactive"), "a=inactive"),
            ] {
                phone.endpoint.reoffer(dialog, offer).expect("an offer");
                let answer = phone
                    .until("the answer", |event| match event {
                        Event::ReofferAnswered { sdp, .. } => Some(sdp),
                        Event::ReofferRefused { status, .. } => panic!("refused with {status}"),
                        _ => None,
                    })
                    .await;
                assert!(answer.contains(wanted), "{wanted} in {answer}");
            }
            phone.endpoint.hang_up(dialog, None).expect("it is up");
            assert_eq!(phone.ended(dialog).await, DialogEnd::Local);
            phone.endpoint.shut_down().await;
        },
    );
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn a_customer_is_transferred_blind_and_a_wrong_number_leaves_the_call_up() {
    stage(
        "a_customer_is_transferred_blind_and_a_wrong_number_leaves_the_call_up",
        async |mut asterisk: Asterisk| {
            let mut phone = Phone::registered(&asterisk, "220", udp()).await;
            customer_calls(&mut asterisk, "Casey <2025550100>");
            let dialog = phone.answers().await;
            joined(&mut asterisk);
            phone
                .endpoint
                .refer(dialog, "99999", None)
                .expect("a transfer");
            let status = phone.transferred(dialog).await;
            assert!(status >= 300, "nobody has that number: {status}");
            phone
                .endpoint
                .refer(dialog, "600", None)
                .expect("the call is still up");
            let (mut result, mut end) = (None, None);
            phone
                .until("the transfer's result and the end", |event| {
                    match event {
                        Event::Ended {
                            dialog: of,
                            end: how,
                        } if of == dialog => end = Some(how),
                        Event::ReferProgress {
                            status, done: true, ..
                        } => result = Some(status),
                        _ => {}
                    }
                    (result.is_some() && end.is_some()).then_some(())
                })
                .await;
            assert_eq!(result, Some(200));
            // The first, failed one is told too.
            succeeded_at_last(&mut asterisk, "BlindTransfer");
            phone.endpoint.shut_down().await;
        },
    );
}

/// The next of the phone's calls is joined with its caller. Asterisk does that after the answer; before, it refuses
/// every transfer with 400.
fn joined(asterisk: &mut Asterisk) {
    let phone = |message: &Message| {
        message.is_event("BridgeEnter")
            && message
                .get("Channel")
                .is_some_and(|channel| channel.starts_with("PJSIP/220"))
    };
    asterisk.ami.wait_for(PATIENCE, phone).expect("a bridge");
}

/// The first event of that name that tells of success.
fn succeeded_at_last(asterisk: &mut Asterisk, event: &str) {
    let success =
        |message: &Message| message.is_event(event) && message.get("Result") == Some("Success");
    asterisk.ami.wait_for(PATIENCE, success).expect(event);
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn two_callers_are_joined_by_an_attended_transfer() {
    stage(
        "two_callers_are_joined_by_an_attended_transfer",
        async |mut asterisk: Asterisk| {
            let mut phone = Phone::registered(&asterisk, "220", udp()).await;
            customer_calls(&mut asterisk, "Casey <2025550100>");
            let customer = phone.answers().await;
            customer_calls(&mut asterisk, "Robin <2025550101>");
            let colleague = phone.answers().await;
            joined(&mut asterisk);
            joined(&mut asterisk);
            phone
                .endpoint
                .refer(customer, "", Some(colleague))
                .expect("a transfer");
            // The ends come on two dialogs, the result on one of them: in any order.
            let (mut over, mut result) = (Vec::new(), None);
            phone
                .until("the transfer's result and the end of both", |event| {
                    match event {
                        Event::Ended { dialog, .. } => over.push(dialog),
                        Event::ReferProgress {
                            dialog,
                            status,
                            done: true,
                            ..
                        } if dialog == customer => result = Some(status),
                        _ => {}
                    }
                    (over.len() == 2 && result.is_some()).then_some(())
                })
                .await;
            assert_eq!(result, Some(200));
            over.sort();
            assert_eq!(over, [customer, colleague]);
            succeeded(&mut asterisk, "AttendedTransfer");
            phone.endpoint.shut_down().await;
        },
    );
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn a_caller_is_sent_elsewhere_by_302() {
    stage(
        "a_caller_is_sent_elsewhere_by_302",
        async |mut asterisk: Asterisk| {
            let mut phone = Phone::registered(&asterisk, "220", udp()).await;
            customer_calls(&mut asterisk, "Casey <2025550100>");
            let call = phone.rings().await;
            assert!(call.trusted && !call.call_id.is_empty());
            assert_eq!(call.from.user, "2025550100");
            phone
                .endpoint
                .redirect(call.dialog, "600")
                .expect("it rings");
            assert_eq!(phone.ended(call.dialog).await, DialogEnd::Local);
            let echoes = |message: &Message| {
                message.is_event("Newexten")
                    && message.get("Extension") == Some("600")
                    && message.get("Application") == Some("Echo")
            };
            asterisk
                .ami
                .wait_for(PATIENCE, echoes)
                .expect("Asterisk calls 600 instead");
            phone.endpoint.shut_down().await;
        },
    );
}

/// Placed to this number and answered; the dialog.
async fn talks_to(phone: &mut Phone, number: &str) -> DialogId {
    let target = CallTarget::Account(number.to_owned());
    let dialog = phone
        .endpoint
        .invite(target, sdp(1, "sendrecv"), Vec::new())
        .await
        .expect("a call");
    phone
        .until("the answer", |event| match event {
            Event::Answered { dialog: of, .. } if of == dialog => Some(()),
            Event::Ended { dialog: of, end } if of == dialog => panic!("{number}: {end:?}"),
            _ => None,
        })
        .await;
    dialog
}

/// Waits until a message with this start and all of these texts has passed in that direction.
async fn passes(phone: &Phone, sent: bool, start: &str, texts: &[&str]) {
    let passed = || {
        let trace = phone.endpoint.trace();
        trace.messages.iter().any(|message| {
            message.sent == sent
                && message.text.starts_with(start)
                && texts.iter().all(|text| message.text.contains(text))
        })
    };
    let wait = async {
        while !passed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(PATIENCE, wait).await.is_err() {
        panic!(
            "no {start} with {texts:?} in\n{}",
            phone.endpoint.trace().to_text()
        );
    }
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn what_comes_before_the_answer_is_acknowledged_over_tls() {
    stage(
        "what_comes_before_the_answer_is_acknowledged_over_tls",
        async |mut asterisk: Asterisk| {
            let tls = ServerAddress::Tls(ADDRESS.to_owned(), 5061);
            let mut phone = Phone::registered(&asterisk, "230", tls).await;
            // 611 speaks before the answer, and is busy then.
            let target = CallTarget::Account("611".to_owned());
            let dialog = phone
                .endpoint
                .invite(target, sdp(1, "sendrecv"), Vec::new())
                .await
                .expect("a call");
            let early = phone
                .until("early sound", |event| match event {
                    Event::Provisional { sdp, .. } => sdp,
                    _ => None,
                })
                .await;
            assert!(early.contains("PCMA/8000"), "{early}");
            passes(&phone, false, "SIP/2.0 183", &["RSeq:", "100rel"]).await;
            passes(&phone, true, "PRACK ", &["RAck:"]).await;
            passes(&phone, false, "SIP/2.0 200", &["CSeq: 3 PRACK"]).await;
            // It may have been told that 611 is busy meanwhile.
            let _ = phone.endpoint.hang_up(dialog, None);
            phone.ended(dialog).await;

            // The other way: Asterisk wants our ringing acknowledged, and acknowledges it.
            calls(&mut asterisk, "talk", "Casey <2025550100>", "230");
            let called = phone.answers().await;
            passes(&phone, true, "SIP/2.0 180", &["RSeq:", "100rel"]).await;
            passes(&phone, false, "PRACK ", &["RAck:"]).await;
            phone.endpoint.hang_up(called, None).expect("it is up");
            assert_eq!(phone.ended(called).await, DialogEnd::Local);
            phone.endpoint.shut_down().await;
        },
    );
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn a_ringing_call_is_picked_up_by_another_of_the_group() {
    stage(
        "a_ringing_call_is_picked_up_by_another_of_the_group",
        async |mut asterisk: Asterisk| {
            let mut rung = Phone::registered(&asterisk, "220", udp()).await;
            let mut other = Phone::registered(&asterisk, "230", udp()).await;
            customer_calls(&mut asterisk, "Casey <2025550100>");
            let ringing = rung.rings().await.dialog;
            rung.endpoint.ringing(ringing, None).expect("it rings");
            // Asterisk knows that it rings once it has taken our 180.
            let told = |message: &Message| {
                message.is_event("Newstate")
                    && message.get("ChannelStateDesc") == Some("Ringing")
                    && message
                        .get("Channel")
                        .is_some_and(|channel| channel.starts_with("PJSIP/220"))
            };
            asterisk.ami.wait_for(PATIENCE, told).expect("it rings");
            let taken = talks_to(&mut other, "*8").await;
            let end = rung.ended(ringing).await;
            assert!(matches!(end, DialogEnd::Cancelled(_)), "{end:?}");
            let picked = |message: &Message| message.is_event("Pickup");
            let pickup = asterisk.ami.wait_for(PATIENCE, picked).expect("a pickup");
            let by = pickup.get("Channel").unwrap_or_default();
            assert!(by.starts_with("PJSIP/230"), "{by}");
            other.endpoint.hang_up(taken, None).expect("it is up");
            rung.endpoint.shut_down().await;
            other.endpoint.shut_down().await;
        },
    );
}

#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn a_queue_rings_a_phone_that_talks_only_with_ring_in_use() {
    stage(
        "a_queue_rings_a_phone_that_talks_only_with_ring_in_use",
        async |mut asterisk: Asterisk| {
            let mut phone = Phone::registered(&asterisk, "220", udp()).await;
            for queue in ["support", "waiting"] {
                let add = [
                    ("Action", "QueueAdd"),
                    ("Queue", queue),
                    ("Interface", "PJSIP/220"),
                ];
                asterisk.ami.action(&add).expect("a member");
            }
            let talk = talks_to(&mut phone, "600").await;
            let in_use = |message: &Message| {
                message.is_event("QueueMemberStatus")
                    && message.get("Queue") == Some("support")
                    && message.get("Status") == Some("2")
            };
            asterisk.ami.wait_for(PATIENCE, in_use).expect("it talks");
            calls(&mut asterisk, "talk", "Robin <2025550101>", "604");
            let waits = |message: &Message| {
                message.is_event("QueueCallerJoin") && message.get("Queue") == Some("support")
            };
            asterisk.ami.wait_for(PATIENCE, waits).expect("a caller");
            let early = timeout(Duration::from_secs(3), phone.rings()).await;
            assert!(early.is_err(), "rung while it talks: {early:?}");
            phone.endpoint.hang_up(talk, None).expect("it is up");
            let free = phone.rings().await;
            assert_eq!(free.from.user, "2025550101");
            let queue = ("X-Queue".to_owned(), "support".to_owned());
            assert!(free.headers.contains(&queue), "{:?}", free.headers);
            asterisk.hang_up_all().expect("Asterisk hangs up");

            talks_to(&mut phone, "600").await;
            calls(&mut asterisk, "talk", "Casey <2025550100>", "605");
            phone
                .until("a call beside the one that is up", |event| match event {
                    Event::Incoming(call) if call.from.user == "2025550100" => Some(()),
                    _ => None,
                })
                .await;
            phone.endpoint.shut_down().await;
        },
    );
}

/// The customer's speech, heard by whoever this file is of, after all sound before it was silence.
async fn hears_the_customer(file: &std::path::Path) {
    let said = Sound::read(&speech::customer().expect("the customer's speech")).expect("a WAV");
    let mut last = None;
    for _ in 0..300 {
        // Asterisk writes the length into the head of the file when the call is over.
        if let Ok(heard) = Sound::read(file) {
            last = compare(&heard, &said);
            if last.as_ref().is_some_and(|c| c.is_good(4.0)) {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}: {last:?}", file.display());
}

/// Waits until a recording has grown by six seconds of 8 kHz sound.
async fn goes_on(file: &std::path::Path) {
    let length = || std::fs::metadata(file).map_or(0, |data| data.len());
    let enough = length() + 6 * 16_000;
    for _ in 0..600 {
        if length() >= enough {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} does not grow: {} bytes", file.display(), length());
}

/// This phone sends no sound at all: what the customer hears comes from where the call was transferred to.
#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn the_customer_hears_the_new_far_end_after_each_transfer() {
    stage(
        "the_customer_hears_the_new_far_end_after_each_transfer",
        async |mut asterisk: Asterisk| {
            let mut phone = Phone::registered(&asterisk, "220", udp()).await;
            customer_calls(&mut asterisk, "Casey <2025550100>");
            let dialog = phone.answers().await;
            joined(&mut asterisk);
            phone
                .endpoint
                .refer(dialog, "600", None)
                .expect("a transfer");
            assert_eq!(phone.transferred(dialog).await, 200);
            let heard = asterisk.customer_heard();
            goes_on(&heard).await;
            asterisk.hang_up_all().expect("Asterisk hangs up");
            // From the echo: the customer's own voice.
            hears_the_customer(&heard).await;
            std::fs::remove_file(&heard).expect("a recording");

            customer_calls(&mut asterisk, "Casey <2025550100>");
            let customer = phone.answers().await;
            joined(&mut asterisk);
            calls(&mut asterisk, "other", "Robin <2025550101>", "220");
            let colleague = phone.answers().await;
            joined(&mut asterisk);
            phone
                .endpoint
                .refer(customer, "", Some(colleague))
                .expect("a transfer");
            succeeded(&mut asterisk, "AttendedTransfer");
            let other = asterisk.other_heard();
            goes_on(&heard).await;
            asterisk.hang_up_all().expect("Asterisk hangs up");
            hears_the_customer(&heard).await;
            hears_the_customer(&other).await;
            phone.endpoint.shut_down().await;
        },
    );
}

/// Asterisk refreshes a call of its own, and we refresh ours. An interval is at least 90 seconds, so this
/// takes 50 and runs in the long mode only (`cargo xtask test --long`).
#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn long_calls_are_refreshed_by_whoever_is_to_do_it() {
    if std::env::var_os("SIDETONE_LONG").is_none() {
        return;
    }
    stage(
        "long_calls_are_refreshed_by_whoever_is_to_do_it",
        async |mut asterisk: Asterisk| {
            let mut phone = Phone::asking(&asterisk, "230", udp(), Some(90)).await;
            let ours = talks_to(&mut phone, "600").await;
            let agreed = [" INVITE", "Session-Expires: 90;refresher=uac"];
            passes(&phone, false, "SIP/2.0 200", &agreed).await;
            calls(&mut asterisk, "talk", "Casey <2025550100>", "230");
            let theirs = phone.answers().await;
            let agreed = [" INVITE", "Session-Expires: 90;refresher=uac"];
            passes(&phone, true, "SIP/2.0 200", &agreed).await;
            let refreshed = |sent: bool| {
                let trace = phone.endpoint.trace();
                trace.messages.iter().any(|message| {
                    message.sent == sent
                        && message.text.contains("Session-Expires: 90")
                        && (message.text.starts_with("UPDATE ")
                            || (message.text.starts_with("INVITE ")
                                && message
                                    .text
                                    .lines()
                                    .any(|line| line.starts_with("To:") && line.contains(";tag="))))
                })
            };
            let wait = async {
                while !(refreshed(true) && refreshed(false)) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            timeout(Duration::from_secs(120), wait)
                .await
                .expect("a refresh of both");
            for dialog in [ours, theirs] {
                phone.endpoint.hang_up(dialog, None).expect("still up");
                assert_eq!(phone.ended(dialog).await, DialogEnd::Local);
            }
            phone.endpoint.shut_down().await;
        },
    );
}

/// The whole phone, with a profile that names its own address: Asterisk has that address in its configuration.
#[test]
#[ignore = "needs root, network namespaces and Asterisk"]
fn an_agent_at_a_fixed_address_is_called_there_without_registering() {
    stage(
        "an_agent_at_a_fixed_address_is_called_there_without_registering",
        async |mut asterisk: Asterisk| {
            let folder = WorkDir::new("fixed").expect("a folder for the run");
            let identity = Identity::Profile {
                secret: "none",
                profile: serde_json::json!({
                    "sip": {
                        "user": "240", "secret": { "fd": 0 }, "domain": ADDRESS,
                        "host": ADDRESS, "port": 5060, "transport": "udp",
                    },
                    "typology": "phonebar", "host": ADDRESS, "phoneBarListenPort": 5160,
                    "encryption": "no", "allow": ["alaw"],
                }),
            };
            let said = speech::agent().expect("the agent's speech");
            let ca = asterisk.ca();
            let mut phone =
                HeadlessPhone::start(&identity, folder.path(), &ca, &said).expect("it starts");
            phone.green().unwrap_or_else(|said| panic!("{said}"));
            calls(&mut asterisk, "talk", "Casey <2025550100>", "240");
            phone
                .call("ringing")
                .unwrap_or_else(|said| panic!("{said}"));
            phone.tell("answer").expect("the phone runs");
            phone.call("up").unwrap_or_else(|said| panic!("{said}"));
            phone.listen(1).unwrap_or_else(|said| panic!("{said}"));
            assert!(phone.quit().expect("the phone ends").success());
        },
    );
}
