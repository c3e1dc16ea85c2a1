use sidetone_engine::agent::{CallState, Command, Notice, TransferState};
use sidetone_sip::{DialogEnd, Event};

use crate::far_end::{Files, Peer, Phone};

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_refused_leaves_the_call_and_one_that_is_taken_ends_it() {
    let mut peer = Peer::start().await;
    peer.endpoint.allow_transfers(true);
    let phone = Phone::start("transfer", &peer, "right").await;
    let binding = peer.registered().await;
    phone.until_green().await;
    let (customer, session) = peer.call(&binding, &[]).await;
    let call = phone.until_state(CallState::Ringing).await;
    phone.ask(Command::Answer { call });
    peer.answered(&session).await;
    phone.until_state(CallState::Up).await;

    let number = "602".to_owned();
    phone.ask(Command::Transfer { call, number });
    let asked = peer
        .until("REFER", |event| match event {
            Event::Referred(request) => Some(request),
            _ => None,
        })
        .await;
    assert_eq!(asked.dialog, customer);
    assert!(asked.target.contains("602"), "{}", asked.target);
    peer.endpoint.answer_refer(customer, None).unwrap();
    phone
        .until("the refusal", |s| {
            let call = s.view.calls.iter().find(|c| c.id == call)?;
            let failed = matches!(
                call.transfer,
                Some(TransferState::Failed { status: 603, .. })
            );
            (failed && call.state == CallState::Up).then_some(())
        })
        .await;

    // The customer calls the new party, which answers: this phone is out of it.
    let second = Phone::start("transfer-target", &peer, "right").await;
    let there = peer.registered().await;
    let number = "603".to_owned();
    phone.ask(Command::Transfer { call, number });
    peer.until("REFER", |event| match event {
        Event::Referred(_) => Some(()),
        _ => None,
    })
    .await;
    let (placed, sound) = peer.invite(&there, &[]).await;
    peer.endpoint.answer_refer(customer, Some(placed)).unwrap();
    let target = second.until_state(CallState::Ringing).await;
    second.ask(Command::Answer { call: target });
    peer.answered(&sound).await;
    phone.until_state(CallState::Ended).await;
    let end = phone.engine.snapshots().borrow().view.calls[0].end.clone();
    assert_eq!(end, Some(Notice::CallTransferred));
    phone.engine.shut_down().await;
    second.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_forwarded_always_is_sent_there_without_a_ring() {
    let mut peer = Peer::start().await;
    let files = Files {
        profile: "phoneBarUnconditional = \"604\"",
        ..Files::default()
    };
    let phone = Phone::with("forward", &peer, "right", files).await;
    let binding = peer.registered().await;
    phone.until_green().await;
    let (caller, _session) = peer.invite(&binding, &[]).await;
    let end = peer.ended(caller).await;
    assert!(
        matches!(end, DialogEnd::Refused { status: 302, .. }),
        "{end:?}"
    );
    phone.engine.shut_down().await;
}
