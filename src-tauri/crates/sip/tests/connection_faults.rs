//! What the agent reads when the server cannot be reached or trusted, and what survives it.

mod common;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use common::{Side, Tls, account, contact, phone, server, tls};
use rcgen::date_time_ymd;
use sidetone_sip::{DialogEnd, Event, Listen, RegistrationState, ServerAddress};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The registration state of a phone that tries this server with these trusted roots.
async fn state_of(address: ServerAddress, tls: &Tls) -> RegistrationState {
    let mut phone = phone(Some(tls.client.clone())).await;
    phone.endpoint.set_account(Some(account(address, "right")));
    phone.registration().await
}

fn wss(host: &str, port: u16) -> ServerAddress {
    let url = format!("wss://{host}:{port}/ws");
    ServerAddress::WebSocket(url.parse().expect("a URL"))
}

async fn wss_server(tls: &Tls) -> (Side, u16) {
    let on = (Ipv4Addr::LOCALHOST, 0).into();
    let server = server(vec![Listen::Wss(on, tls.server.clone())]).await;
    let port = server.endpoint.listening()[0].port();
    (server, port)
}

fn certificate(state: RegistrationState) -> String {
    match state {
        RegistrationState::Certificate { fault } => fault,
        other => panic!("{other:?}"),
    }
}

fn unreachable(state: RegistrationState) -> String {
    match state {
        RegistrationState::Unreachable { fault, retry_in_ms } => {
            assert!((300..=1250).contains(&retry_in_ms), "{retry_in_ms}");
            fault
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_expired_certificate_is_named_with_its_date() {
    let tls = tls(|params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 3, 4);
    });
    let (_server, port) = wss_server(&tls).await;
    let fault = certificate(state_of(wss("localhost", port), &tls).await);
    assert_eq!(
        fault,
        format!("the certificate of localhost:{port} expired on 2021-03-04")
    );
}

#[tokio::test]
async fn an_unknown_issuer_is_named() {
    let ours = tls(|_| {});
    let theirs = tls(|params| params.distinguished_name = rcgen::DistinguishedName::new());
    let (_server, port) = wss_server(&theirs).await;
    let fault = certificate(state_of(wss("localhost", port), &ours).await);
    assert!(
        fault.contains("self-signed or its issuer is unknown"),
        "{fault}"
    );
    // The same name, another key: a server that was set up anew.
    let (_server, port) = wss_server(&tls(|_| {})).await;
    let fault = certificate(state_of(wss("localhost", port), &ours).await);
    assert!(
        fault.contains("not signed by the trusted authority"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_wrong_host_name_is_named_with_the_right_one() {
    let tls = tls(|_| {});
    let (_server, port) = wss_server(&tls).await;
    let fault = certificate(state_of(wss("127.0.0.1", port), &tls).await);
    assert_eq!(
        fault,
        format!("the certificate of 127.0.0.1:{port} is not for 127.0.0.1 but for localhost")
    );
}

#[tokio::test]
async fn a_refused_connection_and_an_unknown_name_are_told_apart() {
    let tls = tls(|_| {});
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let fault = unreachable(state_of(wss("127.0.0.1", port), &tls).await);
    assert_eq!(
        fault,
        format!("the server at 127.0.0.1:{port} refuses connections")
    );
    let fault = unreachable(state_of(wss("no-such-host.invalid", 443), &tls).await);
    assert_eq!(
        fault,
        "the server name no-such-host.invalid cannot be found"
    );
}

#[tokio::test]
async fn a_web_server_that_is_no_sip_server_is_named() {
    let tls = tls(|_| {});
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut request = [0; 1024];
            drop(tcp.read(&mut request).await);
            drop(
                tcp.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    .await,
            );
        }
    });
    let url = format!("ws://127.0.0.1:{port}/ws").parse().expect("a URL");
    let fault = unreachable(state_of(ServerAddress::WebSocket(url), &tls).await);
    assert_eq!(
        fault,
        format!("the server at 127.0.0.1:{port} does not speak SIP at /ws (HTTP 404)")
    );
}

#[tokio::test]
async fn a_wrong_secret_is_refused_for_good() {
    let tls = tls(|_| {});
    let (_server, port) = wss_server(&tls).await;
    let mut phone = phone(Some(tls.client.clone())).await;
    phone
        .endpoint
        .set_account(Some(account(wss("localhost", port), "wrong")));
    let state = phone.registration().await;
    assert!(
        matches!(state, RegistrationState::Refused { status: 403, .. }),
        "{state:?}"
    );
}

/// A way to the server that can be frozen (nothing passes, nothing closes) or cut.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Open,
    Frozen,
    Cut,
}

async fn way_to(port: u16) -> (u16, watch::Sender<Way>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let ours = listener.local_addr().expect("bound").port();
    let (control, state) = watch::channel(Way::Open);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut state = state.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .expect("the server");
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = state.wait_for(|way| *way != Way::Open) => {}
                }
                if *state.borrow() == Way::Frozen {
                    // Both ends stay open and hear nothing any more.
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (ours, control)
}

#[tokio::test]
async fn a_call_outlives_a_cut_connection() {
    let tls = tls(|_| {});
    let (mut server, port) = wss_server(&tls).await;
    let (port, way) = way_to(port).await;
    let mut phone = phone(Some(tls.client.clone())).await;
    phone
        .endpoint
        .set_account(Some(account(wss("localhost", port), "right")));
    let binding = server.registered().await;
    let target = contact(binding.flow, &binding.contact);
    let ring = server
        .endpoint
        .invite(target, "offer".to_owned(), vec![])
        .await
        .expect("a call");
    let invite = phone.incoming().await;
    phone
        .endpoint
        .accept(invite.dialog, "answer".to_owned())
        .expect("accept");
    phone
        .until(|e| matches!(e, Event::Confirmed { .. }).then_some(()))
        .await;
    way.send(Way::Cut).expect("a way");
    unreachable(phone.registration().await);
    way.send(Way::Open).expect("a way");
    assert_eq!(
        phone.registration().await,
        RegistrationState::Registered { expires_s: 120 }
    );
    let new = server.registered().await;
    assert_ne!(new.flow, binding.flow);
    // The dialog goes on over the new connection, in both directions.
    phone
        .endpoint
        .reoffer(invite.dialog, "hold".to_owned())
        .expect("hold");
    server
        .until(|e| matches!(e, Event::Reoffer { .. }).then_some(()))
        .await;
    server.endpoint.hang_up(ring, None).expect("hang up");
    assert_eq!(phone.ended(invite.dialog).await, DialogEnd::RemoteBye);
}

#[tokio::test]
async fn a_dead_connection_is_noticed_within_ten_seconds() {
    let tls = tls(|_| {});
    let (mut server, port) = wss_server(&tls).await;
    let (port, way) = way_to(port).await;
    let mut phone = phone(Some(tls.client.clone())).await;
    phone
        .endpoint
        .set_account(Some(account(wss("localhost", port), "right")));
    assert!(matches!(
        phone.registration().await,
        RegistrationState::Registered { .. }
    ));
    let binding = server.registered().await;
    way.send(Way::Frozen).expect("a way");
    let frozen = Instant::now();
    let fault = unreachable(phone.registration().await);
    // The last sign of life is at most one ping older than the freeze; a slow machine may take longer.
    assert!(
        frozen.elapsed() < Duration::from_secs(14),
        "{:?}",
        frozen.elapsed()
    );
    assert_eq!(
        fault,
        format!("the server at localhost:{port} does not answer any more")
    );
    server
        .until(|e| matches!(e, Event::FlowClosed(flow) if flow == binding.flow).then_some(()))
        .await;
}
