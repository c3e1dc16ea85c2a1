//! Requests that are too long for a datagram, over real sockets: TCP to the same address where the server takes it,
//! datagrams where it does not (RFC 3261 §18.1.1).

mod common;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use common::{Side, Users, account, phone};
use sidetone_sip::{
    CallTarget, DialogEnd, Endpoint, EndpointConfig, Event, Listen, RegistrationState,
    ServerAddress,
};
use socket2::{Domain, Socket, Type};

/// A server with the same port for datagrams and, when wanted, for connections. Without, the port is kept by a socket
/// that does not listen: whoever connects is refused.
async fn server(tcp: bool) -> (Side, u16, Option<Socket>) {
    for _ in 0..50 {
        let probe = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        probe.bind(&any.into()).expect("a free port");
        let on = probe.local_addr().expect("bound").as_socket();
        let on = on.expect("an address");
        let mut listen = vec![Listen::Udp(on)];
        let closed = (!tcp).then_some(probe);
        if tcp {
            listen.push(Listen::Tcp(on));
        }
        let config = EndpointConfig {
            listen,
            authenticator: Some(Arc::new(Users)),
            ..EndpointConfig::default()
        };
        // Somebody else may have taken the port meanwhile.
        if let Ok((endpoint, events)) = Endpoint::start(config).await {
            return (Side { endpoint, events }, on.port(), closed);
        }
    }
    panic!("no port is free for both");
}

async fn long_call(tcp: bool) {
    let (mut server, port, _closed) = server(tcp).await;
    let mut phone = phone(None).await;
    let address = ServerAddress::Udp("127.0.0.1".to_owned(), port);
    phone.endpoint.set_account(Some(account(address, "right")));
    assert_eq!(
        phone.registration().await,
        RegistrationState::Registered { expires_s: 120 }
    );
    let offer = "a=candidate:".repeat(150);
    let target = CallTarget::Account("600".to_owned());
    let out = phone
        .endpoint
        .invite(target, offer.clone(), vec![])
        .await
        .expect("a call");
    let invite = server.incoming().await;
    assert_eq!(invite.sdp.as_ref(), Some(&offer));
    server
        .endpoint
        .accept(invite.dialog, "answer".to_owned())
        .expect("accept");
    phone
        .until(|event| matches!(event, Event::Answered { .. }).then_some(()))
        .await;
    server
        .until(|event| matches!(event, Event::Confirmed { .. }).then_some(()))
        .await;
    // The other way, in the call: the server reaches the phone as before.
    server
        .endpoint
        .hang_up(invite.dialog, None)
        .expect("hang up");
    assert_eq!(phone.ended(out).await, DialogEnd::RemoteBye);
    assert_eq!(server.ended(invite.dialog).await, DialogEnd::Local);
    let trace = phone.endpoint.trace().messages;
    let sent: Vec<&str> = trace
        .iter()
        .filter(|message| message.sent && message.text.starts_with("INVITE "))
        .map(|message| message.transport)
        .collect();
    // Challenged first, so there are two at least; a datagram may be repeated.
    assert!(sent.len() >= 2, "{sent:?}");
    let wanted = if tcp { "TCP" } else { "UDP" };
    assert!(
        sent.iter().all(|transport| *transport == wanted),
        "{sent:?}"
    );
    phone.endpoint.shut_down().await;
}

#[tokio::test]
async fn a_long_offer_goes_over_tcp() {
    long_call(true).await;
}

#[tokio::test]
async fn a_long_offer_is_a_datagram_where_tcp_is_refused() {
    long_call(false).await;
}
