//! Transfers, forwarding and pick-up at the telephone system.

use std::time::Duration;

use serde_json::{Value, json};
use sidetone_media::KeyingPlan;
use sidetone_sandbox::{Config, CustomerCall, PbxConfig, SmallConfig, likeness, speech};
use sidetone_sip::{DialogEnd, DialogId, Event};
use tokio::time::Instant;

use crate::client::{Bench, PATIENCE};
use crate::phone::{Phone, record_of};

const TALK: Duration = Duration::from_secs(5);

async fn bench(talk: Duration) -> Bench {
    Bench::start(Config {
        pbx: PbxConfig::Small(SmallConfig {
            talk,
            ..SmallConfig::default()
        }),
        ..Config::default()
    })
    .await
}

/// How a transfer went, and the end of the call it was asked in.
async fn transferred(phone: &mut Phone, asked: DialogId) -> (u16, DialogEnd) {
    let mut told = 0;
    loop {
        match phone.next().await {
            Event::ReferProgress { status, .. } => told = status,
            Event::Ended { dialog, end } if dialog == asked => return (told, end),
            _ => {}
        }
    }
}

async fn call_with(bench: &Bench, expected: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let (_, calls) = bench.call("GET", "/admin/api/calls", None, None).await;
        let rows = calls["rows"].as_array().expect("rows").clone();
        if let Some(call) = rows.into_iter().find(|call| expected(call)) {
            return call;
        }
        assert!(Instant::now() < until, "{calls}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The phones of anna and ben, who take calls.
async fn two(bench: &Bench) -> (Phone, Phone) {
    let (anna, ben) = (bench.log_in("anna").await, bench.log_in("ben").await);
    (
        Phone::register(bench, &anna).await,
        Phone::register(bench, &ben).await,
    )
}

async fn queue_of_anna(bench: &Bench) {
    let members = json!({"members": [1]});
    let (status, _) = bench
        .call("PATCH", "/admin/api/queues/1", None, Some(members))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_call_is_transferred_to_another_agent_with_its_data() {
    let bench = bench(Duration::from_secs(60)).await;
    queue_of_anna(&bench).await;
    let (mut first, mut second) = two(&bench).await;
    let body = json!({"number": "+12025550123", "name": "Marta Vidal", "speech": "en-female",
        "talkSeconds": 60, "variables": {"Customer-Level": "gold"}});
    bench
        .call("POST", "/admin/api/customers", None, Some(body))
        .await;
    let invite = first.rings().await;
    let header = |invite: &sidetone_sip::IncomingInvite, name: &str| {
        let found = invite
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let reference = header(&invite, "X-Interaction-Id").expect("a reference");
    assert_eq!(header(&invite, "X-Customer-Level").as_deref(), Some("gold"));
    let _sound = first.answer(&invite).await;
    loop {
        if let Event::Confirmed { .. } = first.next().await {
            break;
        }
    }
    first
        .endpoint
        .refer(invite.dialog, "202", None)
        .expect("REFER");
    let handed = second.rings().await;
    assert_eq!(
        handed.from.user, "+12025550123",
        "the customer, not the agent"
    );
    assert_eq!(header(&handed, "X-Interaction-Id"), Some(reference.clone()));
    let mut sound = second.answer(&handed).await;
    let (status, end) = transferred(&mut first, invite.dialog).await;
    assert_eq!(status, 200, "{end:?}");
    let heard = sound.talk(&[0.0], TALK).await;
    let found = likeness(&heard, &speech("en-female").expect("a voice")).expect("sound");
    assert!(found.correlation > 0.8, "{found:?}");
    let (_, live) = bench
        .call("GET", "/admin/api/agents/anna", None, None)
        .await;
    assert_eq!(live["live"]["phoneStatus"], "registered", "free again");
    second.endpoint.hang_up(handed.dialog, None).expect("BYE");
    let record = record_of(&bench, "customer").await;
    assert_eq!(record["transfers"], json!(["202"]));
    assert_eq!(record["interactionId"], json!(reference));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_to_nobody_is_refused_and_the_call_goes_on() {
    let bench = bench(Duration::from_secs(60)).await;
    let anna = bench.sign_in("anna").await;
    let mut phone = Phone::register(&bench, &anna).await;
    let (dialog, mut sound) = phone.call("600", KeyingPlan::Webrtc).await;
    phone.endpoint.refer(dialog, "203", None).expect("REFER");
    loop {
        if let Event::ReferProgress { status, done, .. } = phone.next().await
            && done
        {
            assert_eq!(status, 603);
            break;
        }
    }
    let said = speech("en-male").expect("a voice");
    let heard = sound.talk(&said, TALK).await;
    let found = likeness(&heard, &said).expect("sound");
    assert!(found.correlation > 0.8, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sends_another_one_to_the_echo() {
    let bench = bench(TALK).await;
    let (mut caller, mut callee) = two(&bench).await;
    let answering = async {
        let invite = callee.rings().await;
        (callee.answer(&invite).await, invite.dialog)
    };
    let ((dialog, _sound), (mut far, _)) =
        tokio::join!(caller.call("202", KeyingPlan::Webrtc), answering);
    caller.endpoint.refer(dialog, "600", None).expect("REFER");
    assert_eq!(transferred(&mut caller, dialog).await.0, 200);
    let said = speech("it-female").expect("a voice");
    let heard = far.talk(&said, TALK).await;
    let found = likeness(&heard, &said).expect("an echo");
    assert!(found.correlation > 0.8, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consultation_is_joined_with_the_customer() {
    let bench = bench(Duration::from_secs(60)).await;
    queue_of_anna(&bench).await;
    let (mut first, mut second) = two(&bench).await;
    bench
        .handle
        .call_in(CustomerCall {
            speech: Some("it-male".to_owned()),
            talk_seconds: Some(60.0),
            ..CustomerCall::default()
        })
        .expect("a customer calls");
    let invite = first.rings().await;
    let _sound = first.answer(&invite).await;
    let answering = async {
        let invite = second.rings().await;
        second.answer(&invite).await
    };
    let ((consultation, _near), mut far) =
        tokio::join!(first.call("202", KeyingPlan::Webrtc), answering);
    first
        .endpoint
        .refer(invite.dialog, "", Some(consultation))
        .expect("REFER");
    assert_eq!(transferred(&mut first, invite.dialog).await.0, 200);
    let heard = far.talk(&[0.0], TALK).await;
    let found = likeness(&heard, &speech("it-male").expect("a voice")).expect("sound");
    assert!(found.correlation > 0.8, "{found:?}");
    call_with(&bench, |call| {
        call["kind"] == "customer" && call["transfers"] == json!(["202"])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_call_goes_where_the_phone_sends_it() {
    let bench = bench(TALK).await;
    queue_of_anna(&bench).await;
    let (mut first, mut second) = two(&bench).await;
    bench
        .handle
        .call_in(CustomerCall::default())
        .expect("a customer calls");
    let invite = first.rings().await;
    first.endpoint.redirect(invite.dialog, "202").expect("302");
    let forwarded = second.rings().await;
    assert_eq!(forwarded.diversions[0].from.user, "201");
    let _sound = second.answer(&forwarded).await;
    second.ended().await;
    let record = record_of(&bench, "customer").await;
    assert_eq!(record["answeredBy"], "ben");
    assert_eq!(record["rung"], json!(["anna", "ben"]));

    // An agent's own call, to a number of the system.
    let said = speech("en-male").expect("a voice");
    let forwarding = async {
        let invite = first.rings().await;
        first.endpoint.redirect(invite.dialog, "600").expect("302");
    };
    let ((_, mut sound), ()) = tokio::join!(second.call("201", KeyingPlan::Webrtc), forwarding);
    let heard = sound.talk(&said, TALK).await;
    let found = likeness(&heard, &said).expect("an echo");
    assert!(found.correlation > 0.8, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ringing_call_of_the_group_is_picked_up() {
    let bench = bench(TALK).await;
    queue_of_anna(&bench).await;
    for (agent, field) in [("anna", "callgroup"), ("ben", "pickupgroup")] {
        let change = json!({"settings": {field: "3"}});
        let path = format!("/admin/api/agents/{agent}");
        assert_eq!(bench.call("PATCH", &path, None, Some(change)).await.0, 200);
    }
    let (mut first, mut second) = two(&bench).await;
    bench
        .handle
        .call_in(CustomerCall {
            speech: Some("en-female".to_owned()),
            talk_seconds: Some(60.0),
            ..CustomerCall::default()
        })
        .expect("a customer calls");
    first.rings().await;
    let (_, mut sound) = second.call("*8", KeyingPlan::Webrtc).await;
    assert!(matches!(first.ended().await, DialogEnd::Cancelled(_)));
    let heard = sound.talk(&[0.0], TALK).await;
    let found = likeness(&heard, &speech("en-female").expect("a voice")).expect("sound");
    assert!(found.correlation > 0.8, "{found:?}");
    call_with(&bench, |call| {
        call["kind"] == "customer" && call["answeredBy"] == "ben"
    })
    .await;

    let (dialog, _) = first.dial("*8", KeyingPlan::Webrtc).await;
    match first.ended().await {
        DialogEnd::Refused { status, .. } => assert_eq!(status, 404, "{dialog:?}: no group"),
        end => panic!("{end:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_rings_a_busy_phone_and_goes_on_after_its_486() {
    let bench = bench(Duration::from_secs(60)).await;
    queue_of_anna(&bench).await;
    let anna = bench.log_in("anna").await;
    let mut phone = Phone::register(&bench, &anna).await;
    let (own, _sound) = phone.call("600", KeyingPlan::Webrtc).await;
    bench
        .handle
        .call_in(CustomerCall::default())
        .expect("a customer calls");
    for _ in 0..2 {
        let invite = phone.rings().await;
        phone.endpoint.reject(invite.dialog, 486).expect("busy");
    }
    phone.endpoint.hang_up(own, None).expect("BYE");
    let invite = phone.rings().await;
    let _sound = phone.answer(&invite).await;
    call_with(&bench, |call| {
        call["kind"] == "customer" && call["answeredBy"] == "anna"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sip_secret_shuts_out_the_old_one() {
    let bench = bench(TALK).await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let (_, old) = bench
        .call("GET", "/api/users/me/sip", Some(&token), None)
        .await;
    let (status, new) = bench
        .call("PUT", "/admin/api/agents/anna/sip-secret", None, None)
        .await;
    assert_eq!(status, 200);
    socket.next_of("sip").await;
    let (_, sip) = bench
        .call("GET", "/api/users/me/sip", Some(&token), None)
        .await;
    assert_eq!(sip["secret"], new["secret"]);
    assert_ne!(sip["secret"], old["secret"]);
    assert_eq!(Phone::refused(&bench, &old).await, 403);
    Phone::register(&bench, &token).await;
}
