use sidetone_engine::LocalAccess;
use sidetone_profile::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::client::{get, with};
use super::phone::{FakePhone, fixed};
use crate::serve::{Status, start};

/// A port that nobody has at the moment.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn it_opens_and_closes_as_the_profile_says() {
    let phone = FakePhone::new();
    let port = free_port().await;
    let handle = start(phone.desk(), fixed(LocalAccess::Everybody));
    let mut status = handle.status();
    assert_eq!(*status.borrow_and_update(), Status::Off);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());

    phone.change(|view| view.remote_control_port = Some(port));
    let open = status
        .wait_for(|now| matches!(now, Status::Open(_)))
        .await
        .unwrap()
        .clone();
    assert_eq!(open, Status::Open(([127, 0, 0, 1], port).into()));
    assert_eq!(get(port, "/api/calls").await.status, 200);

    // To another port, and off.
    let other = free_port().await;
    phone.change(|view| view.remote_control_port = Some(other));
    let there = Status::Open(([127, 0, 0, 1], other).into());
    status.wait_for(|now| *now == there).await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    assert_eq!(get(other, "/api/calls").await.status, 200);
    phone.change(|view| view.remote_control_port = None);
    status.wait_for(|now| *now == Status::Off).await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", other)).await.is_err());
    assert!(phone.warned.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_keeps_it_shut() {
    let phone = FakePhone::new();
    let port = free_port().await;
    phone.change(|view| view.remote_control_port = Some(port));
    let fault = "IT's policy cannot be read".to_owned();
    let handle = start(phone.desk(), fixed(LocalAccess::Nobody(fault.clone())));
    let mut status = handle.status();
    let shut = Status::Failed(fault.clone());
    status.wait_for(|now| *now == shut).await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    assert_eq!(*phone.warned.lock().unwrap(), [Some(fault)]);
}

#[tokio::test]
async fn another_policy_holds_without_a_restart() {
    let phone = FakePhone::new();
    let port = free_port().await;
    phone.change(|view| view.remote_control_port = Some(port));
    let (policy, access) = watch::channel(LocalAccess::Everybody);
    let handle = start(phone.desk(), access);
    let mut status = handle.status();
    let open = Status::Open(([127, 0, 0, 1], port).into());
    status.wait_for(|now| *now == open).await.unwrap();
    assert_eq!(get(port, "/api/calls").await.status, 200);

    let fault = "IT's policy cannot be read".to_owned();
    policy.send_replace(LocalAccess::Nobody(fault.clone()));
    let shut = Status::Failed(fault);
    status.wait_for(|now| *now == shut).await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());

    policy.send_replace(LocalAccess::WithToken(Secret::new("9f1c0d5e")));
    status.wait_for(|now| *now == open).await.unwrap();
    get(port, "/api/calls")
        .await
        .is_refusal(401, "token_required");
    let header = ["Authorization: Bearer 9f1c0d5e"];
    let answer = with(port, "GET /api/calls", &header).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_port_in_use_is_told_and_tried_again() {
    let phone = FakePhone::new();
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = holder.local_addr().unwrap().port();
    phone.change(|view| view.remote_control_port = Some(port));
    let handle = start(phone.desk(), fixed(LocalAccess::Everybody));
    let mut status = handle.status();
    let words = format!("another program uses port {port}");
    status
        .wait_for(|now| *now == Status::Failed(words.clone()))
        .await
        .unwrap();
    drop(holder);
    status
        .wait_for(|now| matches!(now, Status::Open(_)))
        .await
        .unwrap();
    assert_eq!(*phone.warned.lock().unwrap(), [Some(words), None]);
}
