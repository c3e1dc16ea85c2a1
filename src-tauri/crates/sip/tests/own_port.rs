//! The UDP port at which a phone is to be reached, over real sockets.

mod common;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use common::{account, phone, server};
use sidetone_sip::{Account, Listen, RegistrationState, ServerAddress};

fn socket() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let port = socket.local_addr().expect("its address").port();
    (socket, port)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    socket().1
}

fn at_port(server: u16, port: u16, register: bool) -> Account {
    let server = ServerAddress::Udp("127.0.0.1".to_owned(), server);
    Account {
        local_port: port,
        rport: true,
        register,
        ..account(server, "right")
    }
}

#[tokio::test]
async fn who_does_not_register_is_reached_at_the_port_of_the_profile() {
    let (centre, centre_port) = socket();
    centre
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a patience");
    let port = free_port();
    let mut phone = phone(None).await;
    phone
        .endpoint
        .set_account(Some(at_port(centre_port, port, false)));
    assert_eq!(
        phone.registration().await,
        RegistrationState::Registered { expires_s: 0 }
    );
    let call = format!(
        "INVITE sip:1001@127.0.0.1:{port} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:{centre_port};branch=z9hG4bKport\r\n\
         From: <sip:2025550100@127.0.0.1>;tag=c\r\nTo: <sip:1001@127.0.0.1>\r\n\
         Call-ID: port\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
         Contact: <sip:2025550100@127.0.0.1:{centre_port}>\r\nContent-Length: 0\r\n\r\n"
    );
    centre
        .send_to(call.as_bytes(), (Ipv4Addr::LOCALHOST, port))
        .expect("sent");
    let invite = phone.incoming().await;
    assert_eq!(invite.from.user, "2025550100");
}

#[tokio::test]
async fn a_port_that_is_taken_stops_only_who_is_called_there() {
    let (_taken, port) = socket();
    let centre = server(vec![Listen::Udp((Ipv4Addr::LOCALHOST, 0).into())]).await;
    let centre_port = centre.endpoint.listening()[0].port();

    let mut registering = phone(None).await;
    registering
        .endpoint
        .set_account(Some(at_port(centre_port, port, true)));
    assert_eq!(
        registering.registration().await,
        RegistrationState::Registered { expires_s: 120 }
    );

    let mut fixed = phone(None).await;
    fixed
        .endpoint
        .set_account(Some(at_port(centre_port, port, false)));
    match fixed.registration().await {
        RegistrationState::Unreachable { fault, .. } => {
            assert!(fault.contains(&format!("UDP port {port} ")), "{fault}");
        }
        other => panic!("it cannot be called, and says {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_of_the_answer_is_asked_for_only_where_the_account_says_so() {
    for rport in [true, false] {
        let (centre, centre_port) = socket();
        centre
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a patience");
        let phone = phone(None).await;
        phone.endpoint.set_account(Some(Account {
            rport,
            ..at_port(centre_port, 0, true)
        }));
        let mut datagram = [0; 4096];
        let (register, source) = loop {
            let (length, source) = centre.recv_from(&mut datagram).expect("a REGISTER");
            let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
            if text.starts_with("REGISTER ") {
                break (text, source);
            }
        };
        let via = register.lines().find(|line| line.starts_with("Via:"));
        let via = via.unwrap_or_else(|| panic!("no Via in {register}"));
        assert_eq!(via.contains("rport"), rport, "{via}");
        // Without it the answer goes to what the Via names: that must be where the phone is.
        assert!(via.contains(&source.to_string()), "{via} from {source}");
    }
}
