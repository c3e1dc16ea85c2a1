use sidetone_engine::agent::{CallState, Command, Phase};
use sidetone_media::{Direction, MediaConfig, Session, SessionEvent};
use sidetone_profile::Codec;
use sidetone_sip::{CallTarget, DialogEnd, Event, NameAddr};
use tokio::time::timeout;

use crate::far_end::{Files, LONG, Peer, Phone, Talker, media};

#[tokio::test(flavor = "multi_thread")]
async fn a_placed_call_is_heard_held_resumed_keyed_and_ended_by_the_far_end() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("placed", &peer, "right").await;
    phone.until_green().await;
    assert_eq!(
        phone.engine.snapshots().borrow().view.phase,
        Phase::SignedIn
    );

    phone.ask(Command::Dial {
        number: "600".to_owned(),
    });
    let invite = peer.incoming().await;
    assert_eq!(invite.request_user, "600");
    peer.endpoint.ringing(invite.dialog, None).unwrap();
    phone.until_state(CallState::RemoteRinging).await;
    let (session, answer, mut heard) = Session::answer(media(), &invite.sdp.unwrap())
        .await
        .unwrap();
    peer.endpoint.accept(invite.dialog, answer).unwrap();
    let talker = Talker::start(&session);
    let call = phone.until_state(CallState::Up).await;
    phone
        .until("the far end's tone", |s| {
            let media = s.media.as_ref()?;
            (media.codec.eq_ignore_ascii_case("opus") && media.level_in_dbov > -30.0).then_some(())
        })
        .await;

    phone.ask(Command::Dtmf {
        call,
        digits: "42#".to_owned(),
    });
    let mut digits = String::new();
    while digits.len() < 3 {
        match timeout(LONG, heard.recv()).await.expect("digits in time") {
            Some(SessionEvent::Dtmf(digit)) => digits.push(digit),
            Some(_) => {}
            None => panic!("the session ended after {digits:?}"),
        }
    }
    assert_eq!(digits, "42#");

    for (hold, ours, after) in [
        (true, Direction::RecvOnly, CallState::Held),
        (false, Direction::SendRecv, CallState::Up),
    ] {
        phone.ask(if hold {
            Command::Hold { call }
        } else {
            Command::Resume { call }
        });
        let offer = peer
            .until("a new offer", |event| match event {
                Event::Reoffer { sdp, .. } => sdp,
                _ => None,
            })
            .await;
        let answer = session.answer_reoffer(&offer, false).unwrap();
        assert_eq!(session.direction(), ours);
        let shown = phone.engine.snapshots().borrow().view.calls[0].state;
        assert_ne!(shown, after, "shown before the far end agreed");
        peer.endpoint
            .answer_reoffer(invite.dialog, Some(answer))
            .unwrap();
        phone.until_state(after).await;
    }

    drop(talker);
    peer.endpoint.hang_up(invite.dialog, None).unwrap();
    phone.until_state(CallState::Ended).await;
    assert!(phone.engine.snapshots().borrow().media.is_none());
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_in_rings_is_answered_and_hung_up() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("incoming", &peer, "right").await;
    let binding = peer.registered().await;
    phone.until_green().await;

    let (session, offer, _heard) = Session::offer(media()).await.unwrap();
    let target = CallTarget::Contact {
        uri: binding.contact,
        flow: binding.flow,
        from: NameAddr {
            display_name: "Casey Caller".to_owned(),
            user: "5550100".to_owned(),
            uri: "sip:5550100@127.0.0.1".to_owned(),
        },
    };
    let headers = vec![("X-Queue".to_owned(), "support".to_owned())];
    let dialog = peer.endpoint.invite(target, offer, headers).await.unwrap();
    peer.until("180", |event| match event {
        Event::Provisional { status: 180, .. } => Some(()),
        _ => None,
    })
    .await;
    let call = phone.until_state(CallState::Ringing).await;
    let shown = phone.engine.snapshots().borrow().view.calls[0].clone();
    assert_eq!(
        (
            shown.name.as_str(),
            shown.number.as_str(),
            shown.queue.as_deref()
        ),
        ("Casey Caller", "5550100", Some("support"))
    );

    phone.ask(Command::Answer { call });
    let answer = peer
        .until("200", |event| match event {
            Event::Answered { sdp, .. } => sdp,
            _ => None,
        })
        .await;
    session.apply_answer(&answer).unwrap();
    let _talker = Talker::start(&session);
    phone.until_state(CallState::Up).await;
    phone
        .until("the caller's voice", |s| {
            (s.media.as_ref()?.level_in_dbov > -30.0).then_some(())
        })
        .await;

    phone.ask(Command::HangUp { call });
    peer.until("BYE", |event| match event {
        Event::Ended { dialog: over, .. } if over == dialog => Some(()),
        _ => None,
    })
    .await;
    phone.until_state(CallState::Ended).await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_codec_in_common_is_told_and_the_phone_goes_on() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("codec", &peer, "right").await;
    let binding = peer.registered().await;
    phone.until_green().await;
    let odd = MediaConfig {
        codecs: vec![Codec::G722],
        ..media()
    };
    let (_session, offer, _heard) = Session::offer(odd).await.unwrap();
    let target = CallTarget::Contact {
        uri: binding.contact,
        flow: binding.flow,
        from: NameAddr::default(),
    };
    peer.endpoint
        .invite(target, offer, Vec::new())
        .await
        .unwrap();
    let status = peer
        .until("the refusal", |event| match event {
            Event::Ended {
                end: DialogEnd::Refused { status, .. },
                ..
            } => Some(status),
            _ => None,
        })
        .await;
    assert_eq!(status, 488);
    phone.until_green().await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_a_red_light_with_its_reason() {
    let peer = Peer::start().await;
    let phone = Phone::start("refused", &peer, "wrong").await;
    let words = phone
        .until("the refusal", |s| {
            let light = &s.view.light;
            let words = sidetone_engine::words::sentence(&light.notice, "en");
            (!light.green && words.contains("refused")).then_some(words)
        })
        .await;
    assert!(words.contains("password"), "{words}");
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_and_a_new_offer_of_the_far_end_at_the_same_moment_both_come_through() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("collision", &peer, "right").await;
    let binding = peer.registered().await;
    phone.until_green().await;
    let (dialog, session) = peer.call(&binding, &[]).await;
    let call = phone.until_state(CallState::Ringing).await;
    phone.ask(Command::Answer { call });
    peer.answered(&session).await;
    phone.until_state(CallState::Up).await;

    // Whether two offers really cross is up to the network; in six rounds some do.
    let mut overtaken = false;
    for round in 0..6 {
        let (command, state) = if round % 2 == 0 {
            (Command::Hold { call }, CallState::Held)
        } else {
            (Command::Resume { call }, CallState::Up)
        };
        let offer = session.reoffer(Direction::SendRecv);
        phone.ask(command);
        if let Ok(offer) = offer
            && peer.endpoint.reoffer(dialog, offer).is_err()
        {
            session.roll_back();
        }
        let mut settled = std::pin::pin!(phone.until_state(state));
        loop {
            let event = tokio::select! {
                _ = &mut settled => break,
                event = peer.events.recv() => event.expect("the peer runs"),
            };
            match event {
                Event::Reoffer {
                    sdp: Some(offer), ..
                } => {
                    session.roll_back();
                    overtaken = true;
                    let answer = session.answer_reoffer(&offer, false).unwrap();
                    peer.endpoint.answer_reoffer(dialog, Some(answer)).unwrap();
                }
                Event::ReofferAnswered { sdp, .. } => {
                    if std::mem::take(&mut overtaken) {
                        // The one of before, which is sent again by itself.
                        let _ = session.reoffer(Direction::SendRecv);
                    }
                    session.apply_answer(&sdp).unwrap();
                }
                Event::ReofferRefused { status, .. } => {
                    panic!("the phone refused an offer with {status}")
                }
                Event::Ended { end, .. } => panic!("the call ended: {end:?}"),
                _ => {}
            }
        }
    }
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_says_itself_how_it_wants_to_be_answered() {
    let mut peer = Peer::start().await;
    let files = Files {
        profile: "phoneBarAutoAnswer = true\nphoneBarAutoAnswerDelay = 600",
        ..Files::default()
    };
    let phone = Phone::with("answer-mode", &peer, "right", files).await;
    let binding = peer.registered().await;
    phone.until_green().await;

    // Long before the settings would.
    let now = [
        ("Priv-Answer-Mode", "Auto;require"),
        ("Call-Info", "<sip:x>;answer-after=0"),
    ];
    let (dialog, session) = peer.invite(&binding, &now).await;
    peer.answered(&session).await;
    phone.until_state(CallState::Up).await;
    peer.endpoint.hang_up(dialog, None).unwrap();
    phone.until_state(CallState::Ended).await;

    let (_dialog, _session) = peer.call(&binding, &[("Priv-Answer-Mode", "Manual")]).await;
    phone.until_state(CallState::Ringing).await;
    let calls = phone.engine.snapshots().borrow().view.calls.clone();
    let ringing = calls.iter().rfind(|call| call.state == CallState::Ringing);
    assert_eq!(ringing.unwrap().auto_answer, None, "it is counted down");
    phone.engine.shut_down().await;
}
