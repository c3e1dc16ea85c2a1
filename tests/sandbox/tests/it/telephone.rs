//! The telephone system: numbers, queue, agents calling each other.

use std::time::Duration;

use serde_json::{Value, json};
use sidetone_media::KeyingPlan;
use sidetone_sandbox::{Config, CustomerCall, PbxConfig, SmallConfig, likeness, speech, write_wav};
use sidetone_sip::{DialogEnd, Event};

use crate::client::Bench;
use crate::phone::{Phone, record_of};

const TALK: Duration = Duration::from_secs(6);

async fn bench() -> Bench {
    Bench::start(Config {
        pbx: PbxConfig::Small(SmallConfig {
            talk: TALK,
            ..SmallConfig::default()
        }),
        ..Config::default()
    })
    .await
}

fn voice(name: &str) -> Vec<f32> {
    speech(name).expect("a voice")
}

fn same(heard: &[f32], original: &[f32], what: &str) {
    let found = likeness(heard, original).expect("there is sound");
    if found.correlation < 0.8 || found.level_difference_db.abs() > 6.0 {
        let path = std::env::temp_dir().join(format!("sandbox-{}.wav", what.replace(' ', "-")));
        let _ = std::fs::write(&path, write_wav(heard));
        panic!("{what}: {found:?}, heard: {}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_echo_says_what_it_hears() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let mut phone = Phone::register(&bench, &token).await;
    let said = voice("en-male");
    let (dialog, mut sound) = phone.call("600", KeyingPlan::Webrtc).await;
    let heard = sound.talk(&said, TALK).await;
    same(&heard, &said, "echo");
    phone.endpoint.hang_up(dialog, None).expect("hung up");
    let record = record_of(&bench, "service").await;
    assert_eq!(
        (&record["dialled"], &record["result"]),
        (&json!("600"), &json!("answered"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_bar_agent_gets_the_echo_over_udp_and_plain_rtp() {
    let bench = bench().await;
    let token = bench.sign_in("dana").await;
    let mut phone = Phone::register(&bench, &token).await;
    let said = voice("it-female");
    let (dialog, mut sound) = phone.call("600", KeyingPlan::Plain).await;
    let heard = sound.talk(&said, TALK).await;
    same(&heard, &said, "echo");
    phone.endpoint.hang_up(dialog, None).expect("hung up");
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_unknown_and_unanswered_numbers_end_as_they_should() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let mut phone = Phone::register(&bench, &token).await;
    for (number, expected) in [("608", 486), ("699", 404), ("202", 480)] {
        let (_, _sound) = phone.dial(number, KeyingPlan::Webrtc).await;
        match phone.ended().await {
            DialogEnd::Refused { status, .. } => assert_eq!(status, expected, "{number}"),
            end => panic!("{number}: {end:?}"),
        }
    }
    let (dialog, _sound) = phone.dial("609", KeyingPlan::Webrtc).await;
    loop {
        if let Event::Provisional { status, .. } = phone.next().await {
            assert_eq!(status, 180);
            break;
        }
    }
    phone.endpoint.hang_up(dialog, None).expect("given up");
    phone.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn early_media_comes_before_the_answer() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let mut phone = Phone::register(&bench, &token).await;
    let (dialog, _sound) = phone.dial("611", KeyingPlan::Webrtc).await;
    let mut early = false;
    loop {
        match phone.next().await {
            Event::Provisional { sdp, .. } => early |= sdp.is_some(),
            Event::Answered { .. } => break,
            Event::Ended { end, .. } => panic!("{end:?}"),
            _ => {}
        }
    }
    assert!(early, "a provisional answer carried SDP");
    phone.endpoint.hang_up(dialog, None).expect("hung up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_reaches_a_ready_member_and_both_hear_each_other() {
    let bench = bench().await;
    let said = voice("it-male");
    let (anna, ben) = (bench.log_in("anna").await, bench.log_in("ben").await);
    let pause = json!({"reason": "Lunch"});
    bench
        .call("POST", "/api/agent/pause", Some(&ben), Some(pause))
        .await;
    let mut ready = Phone::register(&bench, &anna).await;
    let mut paused = Phone::register(&bench, &ben).await;

    let body = json!({"number": "+12025550123", "name": "Marta Vidal", "speech": "en-female",
        "headers": {"X-Customer-Level": "gold"}});
    let (status, call) = bench
        .call("POST", "/admin/api/customers", None, Some(body))
        .await;
    assert_eq!(status, 201, "{call}");
    let invite = ready.rings().await;
    assert_eq!(
        (invite.from.user.as_str(), invite.from.display_name.as_str()),
        ("+12025550123", "Marta Vidal")
    );
    let header = |name: &str| {
        let found = invite
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(header("X-Queue"), Some("support"));
    assert_eq!(header("X-Customer-Level"), Some("gold"));
    ready
        .endpoint
        .ringing(invite.dialog, None)
        .expect("ringing");
    let mut sound = ready.answer(&invite).await;
    let heard = sound.talk(&said, TALK - Duration::from_millis(500)).await;
    same(&heard, &voice("en-female"), "the customer");
    assert_eq!(
        ready.ended().await,
        DialogEnd::RemoteBye,
        "the customer hangs up"
    );
    assert!(
        paused.stays_silent(Duration::from_millis(200)).await,
        "a paused member is not rung"
    );

    let record = record_of(&bench, "customer").await;
    assert_eq!(
        (&record["answeredBy"], &record["endedBy"]),
        (&json!("anna"), &json!("customer"))
    );
    assert_eq!(record["rung"], json!(["anna"]));
    let path = format!("/admin/api/calls/{}/likeness?speech=it-male", record["id"]);
    let (_, found) = bench.call("GET", &path, None, None).await;
    let correlation = found["likeness"]["correlation"].as_f64().expect("a number");
    assert!(correlation > 0.8, "{found}");
    let wav = bench
        .send(
            "GET",
            &format!("/admin/api/calls/{}/heard.wav", record["id"]),
            None,
            None,
        )
        .await;
    assert_eq!(wav.headers()["content-type"], "audio/wav");
}

#[tokio::test(flavor = "multi_thread")]
async fn ring_all_rings_everybody_and_tells_the_others_that_one_answered() {
    let bench = bench().await;
    let change = json!({"strategy": "ringall", "ringSeconds": 30});
    bench
        .call("PATCH", "/admin/api/queues/1", None, Some(change))
        .await;
    let (anna, ben) = (bench.log_in("anna").await, bench.log_in("ben").await);
    let mut first = Phone::register(&bench, &anna).await;
    let mut second = Phone::register(&bench, &ben).await;
    bench
        .handle
        .call_in(CustomerCall::default())
        .expect("a customer calls");
    let (invite, _) = (first.rings().await, second.rings().await);
    let _sound = first.answer(&invite).await;
    match second.ended().await {
        DialogEnd::Cancelled(Some(reason)) => {
            assert!(reason.contains("cause=200"), "{reason}");
            assert!(reason.contains("completed elsewhere"), "{reason}");
        }
        end => panic!("{end:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn least_recent_goes_on_to_the_next_member_after_a_refusal() {
    let bench = bench().await;
    let (anna, ben) = (bench.log_in("anna").await, bench.log_in("ben").await);
    let mut first = Phone::register(&bench, &anna).await;
    let mut second = Phone::register(&bench, &ben).await;
    bench
        .handle
        .call_in(CustomerCall::default())
        .expect("a customer calls");
    let invite = first.rings().await;
    assert!(
        second.stays_silent(Duration::from_millis(200)).await,
        "one at a time"
    );
    first.endpoint.reject(invite.dialog, 486).expect("refused");
    second.rings().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_customer_shows_and_is_taken_when_an_agent_logs_in() {
    let bench = bench().await;
    let anna = bench.sign_in("anna").await;
    let mut phone = Phone::register(&bench, &anna).await;
    let mut socket = bench.socket(&anna, None).await;
    bench
        .handle
        .call_in(CustomerCall::default())
        .expect("a customer calls");
    let waiting = async |socket: &mut crate::client::Socket, expected: u64| loop {
        let queues: Value = socket.next_of("queues").await;
        if queues["data"]["rows"][0]["waiting"] == expected {
            return;
        }
    };
    waiting(&mut socket, 1).await;
    bench
        .call("POST", "/api/agent/login", Some(&anna), None)
        .await;
    let invite = phone.rings().await;
    let _sound = phone.answer(&invite).await;
    waiting(&mut socket, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_call_each_other_by_extension() {
    let bench = bench().await;
    let (anna, ben) = (bench.sign_in("anna").await, bench.sign_in("ben").await);
    let mut caller = Phone::register(&bench, &anna).await;
    let mut callee = Phone::register(&bench, &ben).await;
    let (says, answers) = (voice("en-male"), voice("it-female"));
    let answering = async {
        let invite = callee.rings().await;
        assert_eq!(invite.from.user, "201");
        callee.answer(&invite).await
    };
    let ((dialog, mut near), mut far) =
        tokio::join!(caller.call("202", KeyingPlan::Webrtc), answering);
    let (heard_near, heard_far) = tokio::join!(near.talk(&says, TALK), far.talk(&answers, TALK));
    same(&heard_near, &answers, "what the caller hears");
    same(&heard_far, &says, "what the called one hears");
    caller.endpoint.hang_up(dialog, None).expect("hung up");
    assert_eq!(callee.ended().await, DialogEnd::RemoteBye);
}

/// RFC 3261 §16.3 step 3 and §16.6 step 3, as for a proxy: no two telephone systems send a call to each other for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_passed_on_only_as_often_as_its_caller_lets_it() {
    let bench = bench().await;
    let (anna, ben) = (bench.sign_in("anna").await, bench.sign_in("ben").await);
    let mut caller = Phone::register(&bench, &anna).await;
    let mut callee = Phone::register(&bench, &ben).await;
    let left = |count: &str| vec![("Max-Forwards".to_owned(), count.to_owned())];
    for number in ["202", "604"] {
        let plan = KeyingPlan::Webrtc;
        let (_, _sound) = caller.dial_with(number, plan, left("0")).await;
        match caller.ended().await {
            DialogEnd::Refused { status, .. } => assert_eq!(status, 483, "{number}"),
            end => panic!("{number}: {end:?}"),
        }
    }
    // Who is called takes the call that nobody may pass on.
    let (dialog, _sound) = caller.dial_with("600", KeyingPlan::Webrtc, left("0")).await;
    loop {
        match caller.next().await {
            Event::Answered { .. } => break,
            Event::Ended { end, .. } => panic!("{end:?}"),
            _ => {}
        }
    }
    caller.endpoint.hang_up(dialog, None).expect("hung up");
    caller.ended().await;
    for (given, arrives) in [(left("1"), 0), (left("12"), 11), (Vec::new(), 69)] {
        let (dialog, _sound) = caller.dial_with("202", KeyingPlan::Webrtc, given).await;
        assert_eq!(callee.rings().await.max_forwards, arrives);
        caller.endpoint.hang_up(dialog, None).expect("given up");
        caller.ended().await;
        callee.ended().await;
    }
    // A phone that sends the call elsewhere is one more.
    let (_, _sound) = caller.dial_with("202", KeyingPlan::Webrtc, left("1")).await;
    let invite = callee.rings().await;
    callee
        .endpoint
        .redirect(invite.dialog, "201")
        .expect("sent back");
    match caller.ended().await {
        DialogEnd::Refused { status, .. } => assert_eq!(status, 483),
        end => panic!("{end:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_and_report_plays_back_and_measures() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let mut phone = Phone::register(&bench, &token).await;
    let said = voice("en-female");
    let (_, mut sound) = phone.call("603", KeyingPlan::Webrtc).await;
    sound.talk(&said, Duration::from_secs(4)).await;
    assert!(sound.session.send_dtmf("#"), "digits are negotiated");
    let record = tokio::spawn(async move {
        let mut received = [0.0; sidetone_media::BLOCK];
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            sound
                .session
                .exchange(&[0.0; sidetone_media::BLOCK], &mut received);
        }
    });
    phone.ended().await;
    record.abort();
    let call = record_of(&bench, "service").await;
    assert_eq!(call["digits"], "#");
    let level = call["heardLevelDbov"].as_f64().expect("a number");
    assert!((-45.0..-10.0).contains(&level), "{call}");
}
