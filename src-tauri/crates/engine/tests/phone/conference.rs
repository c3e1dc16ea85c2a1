//! Two calls joined into one, and the far end that only knows keys by INFO.

use sidetone_engine::agent::{CallId, CallState, Command};
use sidetone_media::{Session, SessionEvent};
use sidetone_sip::{DialogId, Event};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::far_end::{LONG, Peer, Phone, Talker, media};

/// A call that the phone placed and the far end answered.
struct Placed {
    call: CallId,
    dialog: DialogId,
    session: Session,
    events: UnboundedReceiver<SessionEvent>,
}

impl Placed {
    async fn place(
        phone: &Phone,
        peer: &mut Peer,
        number: &str,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        phone.ask(Command::Dial {
            number: number.to_owned(),
        });
        let invite = peer.incoming().await;
        let offer = invite.sdp.expect("an offer");
        let (session, answer, events) = Session::answer(media(), &offer).await.unwrap();
        peer.endpoint.accept(invite.dialog, edit(answer)).unwrap();
        Self {
            call: phone.until_state(CallState::Up).await,
            dialog: invite.dialog,
            session,
            events,
        }
    }

    /// Agrees to the phone's next offer.
    async fn agree(&self, peer: &mut Peer) {
        let offer = peer
            .until("a new offer", |event| match event {
                Event::Reoffer { dialog, sdp } if dialog == self.dialog => sdp,
                _ => None,
            })
            .await;
        let answer = self.session.answer_reoffer(&offer, false).unwrap();
        let answer = Some(answer);
        peer.endpoint.answer_reoffer(self.dialog, answer).unwrap();
    }

    /// Waits until something loud is heard here.
    async fn hears(&mut self) {
        loop {
            let event = timeout(LONG, self.events.recv()).await;
            match event.expect("sound in time").expect("the call is up") {
                SessionEvent::Stats(stats) if stats.level_in_dbov > -30.0 => return,
                _ => {}
            }
        }
    }
}

async fn until_joined(phone: &Phone, calls: &[CallId]) {
    phone
        .until(&format!("{calls:?} joined"), |s| {
            let inside = |call: &CallId| {
                s.view
                    .calls
                    .iter()
                    .any(|c| c.id == *call && c.in_conference && c.state == CallState::Up)
            };
            let count = s.view.calls.iter().filter(|c| c.in_conference).count();
            (count == calls.len() && calls.iter().all(inside)).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn joined_calls_hear_each_other_until_one_is_hung_up() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("conference", &peer, "right").await;
    phone.until_green().await;
    let mut first = Placed::place(&phone, &mut peer, "600", |answer| answer).await;
    let call = first.call;
    phone.ask(Command::Hold { call });
    first.agree(&mut peer).await;
    phone.until_state(CallState::Held).await;
    let mut second = Placed::place(&phone, &mut peer, "601", |answer| answer).await;

    let other = first.call;
    let call = second.call;
    phone.ask(Command::Conference { call, other });
    first.agree(&mut peer).await;
    until_joined(&phone, &[first.call, second.call]).await;
    // The phone's microphone is silent: what they hear is each other.
    let _one = Talker::start(&first.session);
    let two = Talker::start(&second.session);
    first.hears().await;
    second.hears().await;

    phone.ask(Command::HangUp { call });
    peer.ended(second.dialog).await;
    drop(two);
    until_joined(&phone, &[]).await;
    phone
        .until("the first call alone", |s| {
            let media = s.media.as_ref()?;
            let up = s
                .view
                .calls
                .iter()
                .any(|c| c.id == first.call && c.state == CallState::Up);
            let scored = media.mos.is_some_and(|mos| mos > 1.0);
            (up && scored && media.call == first.call && media.level_in_dbov > -30.0).then_some(())
        })
        .await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_by_info_where_the_far_end_knows_no_telephone_event() {
    let mut peer = Peer::start().await;
    let phone = Phone::start("info", &peer, "right").await;
    phone.until_green().await;
    let placed = Placed::place(&phone, &mut peer, "600", without_telephone_event).await;
    phone.ask(Command::Dtmf {
        call: placed.call,
        digits: "4#".to_owned(),
    });
    for digit in ["4", "#"] {
        let body = peer
            .until("INFO", |event| match event {
                Event::Info {
                    dialog,
                    content_type,
                    body,
                } if dialog == placed.dialog && content_type == "application/dtmf-relay" => {
                    Some(body)
                }
                _ => None,
            })
            .await;
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(&format!("Signal={digit}\r\n")), "{body}");
    }
    phone.engine.shut_down().await;
}

/// The description of somebody who never heard of RFC 4733.
fn without_telephone_event(sdp: String) -> String {
    let types: Vec<&str> = sdp
        .lines()
        .filter(|line| line.contains(" telephone-event/"))
        .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split(' ').next())
        .collect();
    assert!(!types.is_empty(), "{sdp}");
    let mut left = String::new();
    for line in sdp.lines() {
        let about = |kind: &str| {
            types
                .iter()
                .any(|number| line.starts_with(&format!("a={kind}:{number} ")))
        };
        if about("rtpmap") || about("fmtp") {
            continue;
        }
        if let Some(media) = line.strip_prefix("m=audio ") {
            let words: Vec<&str> = media.split(' ').collect();
            let (port, formats) = words.split_at(2);
            let kept = formats.iter().filter(|word| !types.contains(word));
            let words: Vec<&str> = port.iter().chain(kept).copied().collect();
            left.push_str(&format!("m=audio {}\r\n", words.join(" ")));
        } else {
            left.push_str(&format!("{line}\r\n"));
        }
    }
    left
}
