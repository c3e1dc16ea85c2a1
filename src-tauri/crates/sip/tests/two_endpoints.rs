//! Two endpoints over real sockets: registration, calls both ways, and their ends.

mod common;

use std::net::{Ipv4Addr, SocketAddr};

use common::{Side, account, contact, phone, server, tls};
use sidetone_sip::{CallTarget, DialogEnd, Event, Listen, RegistrationState, ServerAddress};

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A registered phone and its server over each transport.
async fn pair(kind: &str) -> (Side, Side) {
    let tls = tls(|_| {});
    let on = loopback();
    let listen = match kind {
        "wss" => Listen::Wss(on, tls.server.clone()),
        "ws" => Listen::Ws(on),
        "tls" => Listen::Tls(on, tls.server.clone()),
        "tcp" => Listen::Tcp(on),
        _ => Listen::Udp(on),
    };
    let server = server(vec![listen]).await;
    let port = server.endpoint.listening()[0].port();
    let url = |scheme: &str| {
        format!("{scheme}://localhost:{port}/ws")
            .parse()
            .expect("url")
    };
    let address = match kind {
        "wss" => ServerAddress::WebSocket(url("wss")),
        "ws" => ServerAddress::WebSocket(url("ws")),
        "tls" => ServerAddress::Tls("localhost".to_owned(), port),
        "tcp" => ServerAddress::Tcp("127.0.0.1".to_owned(), port),
        _ => ServerAddress::Udp("127.0.0.1".to_owned(), port),
    };
    let phone = phone(Some(tls.client)).await;
    phone.endpoint.set_account(Some(account(address, "right")));
    (server, phone)
}

async fn calls_over(kind: &str) {
    let (mut server, mut phone) = pair(kind).await;
    assert_eq!(
        phone.registration().await,
        RegistrationState::Registered { expires_s: 120 },
        "{kind}"
    );
    let binding = server.registered().await;
    assert_eq!((binding.user.as_str(), binding.expires_s), ("1001", 120));

    // The phone calls, the far end hangs up.
    let headers = vec![("X-Queue".to_owned(), "support".to_owned())];
    let call = CallTarget::Account("600".to_owned());
    let out = phone
        .endpoint
        .invite(call, "offer".to_owned(), headers)
        .await
        .expect("a call");
    let invite = server.incoming().await;
    assert_eq!(invite.request_user, "600");
    assert_eq!(invite.authenticated_user.as_deref(), Some("1001"));
    assert_eq!(invite.from.display_name, "Agent \"One\"");
    assert_eq!(invite.sdp.as_deref(), Some("offer"));
    assert!(
        invite
            .headers
            .contains(&("X-Queue".to_owned(), "support".to_owned()))
    );
    server
        .endpoint
        .ringing(invite.dialog, None)
        .expect("ringing");
    server
        .endpoint
        .ringing(invite.dialog, Some("early".to_owned()))
        .expect("early");
    for (status, sdp) in [(180, None), (183, Some("early"))] {
        match phone.next().await {
            Event::Provisional {
                dialog,
                status: s,
                sdp: d,
            } => {
                assert_eq!((dialog, s, d.as_deref()), (out, status, sdp), "{kind}");
            }
            other => panic!("{kind}: {other:?}"),
        }
    }
    server
        .endpoint
        .accept(invite.dialog, "answer".to_owned())
        .expect("accept");
    assert!(
        matches!(phone.next().await, Event::Answered { sdp: Some(sdp), .. } if sdp == "answer")
    );
    assert!(matches!(server.next().await, Event::Confirmed { .. }));
    // Both sides offer anew in turn.
    phone
        .endpoint
        .reoffer(out, "hold".to_owned())
        .expect("hold");
    assert!(matches!(server.next().await, Event::Reoffer { sdp: Some(sdp), .. } if sdp == "hold"));
    server
        .endpoint
        .answer_reoffer(invite.dialog, Some("held".to_owned()))
        .expect("held");
    assert!(matches!(phone.next().await, Event::ReofferAnswered { sdp, .. } if sdp == "held"));
    server
        .endpoint
        .info(
            invite.dialog,
            "application/dtmf-relay",
            b"Signal=1".to_vec(),
        )
        .expect("info");
    assert!(matches!(phone.next().await, Event::Info { body, .. } if body == b"Signal=1"));
    server
        .endpoint
        .hang_up(invite.dialog, None)
        .expect("hang up");
    assert_eq!(phone.ended(out).await, DialogEnd::RemoteBye);
    assert_eq!(server.ended(invite.dialog).await, DialogEnd::Local);

    // The server calls over the phone's flow, the phone answers and hangs up.
    let target = contact(binding.flow, &binding.contact);
    let ring = server
        .endpoint
        .invite(target, "offer 2".to_owned(), vec![])
        .await
        .expect("a call");
    let invite = phone.incoming().await;
    assert_eq!(
        (invite.from.user.as_str(), invite.from.display_name.as_str()),
        ("2025550100", "Customer")
    );
    phone
        .endpoint
        .ringing(invite.dialog, None)
        .expect("ringing");
    phone
        .endpoint
        .accept(invite.dialog, "answer 2".to_owned())
        .expect("accept");
    let answer = server
        .until(|e| match e {
            Event::Answered { dialog, sdp } => Some((dialog, sdp)),
            _ => None,
        })
        .await;
    assert_eq!(answer, (ring, Some("answer 2".to_owned())));
    assert!(matches!(phone.next().await, Event::Confirmed { .. }));
    phone
        .endpoint
        .hang_up(invite.dialog, None)
        .expect("hang up");
    assert_eq!(server.ended(ring).await, DialogEnd::RemoteBye);
    assert_eq!(phone.ended(invite.dialog).await, DialogEnd::Local);

    // The server gives up while it rings; the reason is told.
    let target = contact(binding.flow, &binding.contact);
    let ring = server
        .endpoint
        .invite(target, "offer 3".to_owned(), vec![])
        .await
        .expect("a call");
    let invite = phone.incoming().await;
    let reason = "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned();
    server
        .endpoint
        .hang_up(ring, Some(reason.clone()))
        .expect("cancel");
    assert_eq!(
        phone.ended(invite.dialog).await,
        DialogEnd::Cancelled(Some(reason))
    );
    assert_eq!(server.ended(ring).await, DialogEnd::Local);

    // The phone is refused.
    let call = CallTarget::Account("608".to_owned());
    let out = phone
        .endpoint
        .invite(call, "offer".to_owned(), vec![])
        .await
        .expect("a call");
    let invite = server.incoming().await;
    server.endpoint.reject(invite.dialog, 486).expect("busy");
    let busy = DialogEnd::Refused {
        status: 486,
        reason: "Busy Here".to_owned(),
    };
    assert_eq!(phone.ended(out).await, busy);

    phone.endpoint.shut_down().await;
    let gone = server.registered().await;
    assert_eq!(gone.expires_s, 0, "{kind}: unregistered on the way out");
    if kind != "udp" {
        server
            .until(|e| matches!(e, Event::FlowClosed(flow) if flow == binding.flow).then_some(()))
            .await;
    }
}

#[tokio::test]
async fn calls_over_secure_web_socket() {
    calls_over("wss").await;
}

#[tokio::test]
async fn calls_over_web_socket() {
    calls_over("ws").await;
}

#[tokio::test]
async fn calls_over_tls() {
    calls_over("tls").await;
}

#[tokio::test]
async fn calls_over_tcp() {
    calls_over("tcp").await;
}

#[tokio::test]
async fn calls_over_udp() {
    calls_over("udp").await;
}
