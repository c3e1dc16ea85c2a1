//! The line comes back by itself: cables, addresses, routes, servers and packets are taken away and given back in
//! network namespaces, and the time from then to the next registration is measured.
#![cfg(target_os = "linux")]

mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Side, account, phone, server};
use sidetone_sip::{Event, Listen, RegistrationState, ServerAddress};

const INSIDE: &str = "SIDETONE_SIP_NAMESPACE";
/// Behind the router: reached over 10.9.0.1 only.
const SERVER: &str = "10.99.0.1";
/// What an agent is promised.
const PROMISED: Duration = Duration::from_secs(2);
/// What a machine that is busy with other things may add.
const SLACK: Duration = Duration::from_secs(3);

/// Runs a test program's own test in new namespaces.
fn isolated(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let status = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .arg(std::env::current_exe().expect("a path"))
        .args([test, "--exact", "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare");
    assert!(status.success(), "{status}");
}

fn sh(script: &str) {
    let status = Command::new("sh")
        .args(["-ec", script])
        .status()
        .expect("sh");
    assert!(status.success(), "{script}");
}

/// A phone and, in a namespace of its own, a server behind a cable and a route.
fn cable() {
    sh(
        "mount -t tmpfs none /run; ip link set lo up; ip netns add far; ip -n far link set lo up
        ip link add near type veth peer name far netns far
        ip addr add 10.9.0.2/24 dev near; ip link set near up
        ip -n far addr add 10.9.0.1/24 dev far; ip -n far link set far up
        ip -n far addr add 10.99.0.1/32 dev lo
        ip route add 10.99.0.1 via 10.9.0.1",
    );
}

/// The server's program, stopped with the value.
struct Far(Child);

impl Far {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a path");
        let child = Command::new("ip")
            .args(["netns", "exec", "far"])
            .arg(program)
            .args(["the_far_end", "--exact", "--include-ignored"])
            .env(INSIDE, "far")
            .stdout(Stdio::null())
            .spawn()
            .expect("ip");
        Self(child)
    }
}

impl Far {
    fn stop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Not a test of its own: the server of the others.
#[tokio::test]
#[ignore = "started by the tests of this file"]
async fn the_far_end() {
    if std::env::var(INSIDE).as_deref() != Ok("far") {
        return;
    }
    let at = |port| {
        (
            SERVER.parse::<std::net::IpAddr>().expect("an address"),
            port,
        )
            .into()
    };
    let mut server = server(vec![
        Listen::Ws(at(8080)),
        Listen::Udp(at(5060)),
        Listen::Tcp(at(5060)),
    ])
    .await;
    loop {
        server.next_ever().await;
    }
}

/// Breaks the way, waits, mends it, and gives the time until the next registration.
async fn outage(
    phone: &mut Side,
    wait: Duration,
    shut: impl FnOnce(),
    open: impl FnOnce(),
) -> Duration {
    shut();
    let until = Instant::now() + wait;
    // What happens meanwhile: it is noticed, or not.
    while Instant::now() < until {
        let left = until.saturating_duration_since(Instant::now());
        drop(tokio::time::timeout(left, phone.events.recv()).await);
    }
    open();
    let mended = Instant::now();
    loop {
        if let Event::Registration(RegistrationState::Registered { .. }) = phone.next().await {
            return mended.elapsed();
        }
    }
}

async fn registered(server: ServerAddress) -> Side {
    let mut phone = phone(None).await;
    phone.endpoint.set_account(Some(account(server, "right")));
    loop {
        if let RegistrationState::Registered { .. } = phone.registration().await {
            return phone;
        }
    }
}

/// Every way of losing the line, over this server address.
async fn lose_and_find(what: &str, server: &ServerAddress) {
    let mut far = Far::start();
    let mut phone = registered(server.clone()).await;
    let mut times = Vec::new();
    let secs = Duration::from_secs;
    let cut = outage(
        &mut phone,
        secs(20),
        || sh("ip link set near down"),
        || {
            sh("ip link set near up; ip route replace 10.99.0.1 via 10.9.0.1");
        },
    );
    times.push(("cable out for 20 s", cut.await));
    let handle = phone.endpoint.clone();
    let moved = outage(
        &mut phone,
        secs(0),
        || {
            sh(
                "ip addr del 10.9.0.2/24 dev near; ip addr add 10.9.0.3/24 dev near; ip route replace 10.99.0.1 via 10.9.0.1",
            );
        },
        || handle.network_changed(),
    );
    times.push(("another address, and told so", moved.await));
    let routed = outage(
        &mut phone,
        secs(15),
        || sh("ip route replace blackhole 10.99.0.1"),
        || {
            sh("ip route replace 10.99.0.1 via 10.9.0.1");
        },
    );
    times.push(("no route for 15 s", routed.await));
    let dropped = outage(
        &mut phone,
        secs(30),
        || {
            sh(
                "ip netns exec far nft 'add table inet t; add chain inet t i { type filter hook input priority 0; policy drop; }'",
            );
        },
        || sh("ip netns exec far nft delete table inet t"),
    );
    times.push(("packets dropped for 30 s", dropped.await));
    far.stop();
    let restarted = outage(&mut phone, secs(10), || {}, || far = Far::start());
    times.push(("server killed and started after 10 s", restarted.await));
    drop(far);
    for (how, time) in &times {
        println!(
            "{what}: {how}: registered again after {} ms",
            time.as_millis()
        );
    }
    for (how, time) in times {
        assert!(time < PROMISED + SLACK, "{what}: {how}: {time:?}");
    }
}

#[test]
#[ignore = "needs root, ip and nft; takes two minutes"]
fn a_web_socket_comes_back() {
    isolated("a_web_socket_comes_back", || {
        cable();
        let url = format!("ws://{SERVER}:8080/ws").parse().expect("a URL");
        run(lose_and_find("WebSocket", &ServerAddress::WebSocket(url)));
    });
}

#[test]
#[ignore = "needs root, ip and nft; takes two minutes"]
fn a_tcp_connection_comes_back() {
    isolated("a_tcp_connection_comes_back", || {
        cable();
        run(lose_and_find(
            "TCP",
            &ServerAddress::Tcp(SERVER.to_owned(), 5060),
        ));
    });
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test);
}
