use sidetone_engine::agent::{Command, PresenceState};
use sidetone_media::Session;

use crate::far_end::{Files, Peer, Phone, media};

const CODES: &str = "[codes]\nlogin = \"*45{extension}\"\nlogout = \"*46{extension}\"\n\
                     pause = \"*47{queue}*{reason}\"\nunpause = \"*48\"";

impl Peer {
    /// Takes the call of a feature code as a PBX does: answers and hangs up.
    async fn code(&mut self) -> String {
        let invite = self.incoming().await;
        let (_session, answer, _events) = Session::answer(media(), &invite.sdp.unwrap())
            .await
            .unwrap();
        self.endpoint.accept(invite.dialog, answer).unwrap();
        self.until("ACK", |event| match event {
            sidetone_sip::Event::Confirmed { dialog } if dialog == invite.dialog => Some(()),
            _ => None,
        })
        .await;
        self.endpoint.hang_up(invite.dialog, None).unwrap();
        invite.request_user
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_and_pauses_are_dialled_and_shown_only_when_the_pbx_took_them() {
    let mut peer = Peer::start().await;
    let files = Files {
        profile: "queues = [\"600\", \"601\"]\npauses = [{ name = \"Lunch\", code = \"7\" }]",
        tables: CODES,
        ..Files::default()
    };
    let phone = Phone::with("codes", &peer, "right", files).await;
    assert_eq!(peer.code().await, "*451001");
    let view = phone
        .until("the queues", |s| {
            (s.view.presence.state == PresenceState::Ready).then(|| s.view.clone())
        })
        .await;
    assert_eq!(view.pause_reasons[0].name, "Lunch");
    assert_eq!(view.queues.len(), 2);
    assert!(view.calls.is_empty(), "nobody sees the call of a code");

    let reason = "Lunch".to_owned();
    phone.ask(Command::Pause { reason });
    assert_eq!(peer.code().await, "*47600*7");
    let pending = phone.engine.snapshots().borrow().view.presence.clone();
    assert_ne!(pending.state, PresenceState::Paused, "only one queue knows");
    assert_eq!(peer.code().await, "*47601*7");
    phone
        .until("the pause", |s| {
            let presence = &s.view.presence;
            let paused = presence.state == PresenceState::Paused && !presence.pending;
            (paused && presence.reason.as_deref() == Some("Lunch")).then_some(())
        })
        .await;

    phone.ask(Command::Unpause);
    let refused = peer.incoming().await;
    assert_eq!(refused.request_user, "*48");
    peer.endpoint.reject(refused.dialog, 404).unwrap();
    let words = phone
        .until("the failure", |s| {
            let toast = s.view.toasts.last()?;
            Some(sidetone_engine::words::sentence(&toast.notice, "en"))
        })
        .await;
    assert!(words.contains("404"), "{words}");
    let presence = phone.engine.snapshots().borrow().view.presence.clone();
    assert_eq!(presence.state, PresenceState::Paused, "as it was");

    let engine = phone.engine.clone();
    let leaving = tokio::spawn(async move { engine.shut_down().await });
    assert_eq!(peer.code().await, "*461001");
    leaving.await.unwrap();
}
