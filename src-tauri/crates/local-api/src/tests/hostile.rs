use sidetone_engine::LocalAccess;
use sidetone_engine::agent::CallState;
use sidetone_profile::Secret;

use super::client::{get, raw, with};
use super::phone::FakePhone;

#[tokio::test]
async fn a_hostile_page_gets_nothing_done() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    phone.rings("5550100");
    for (line, headers) in [
        // fetch() of a page, readable or not.
        ("GET /api/answer", &["Origin: https://evil.example"][..]),
        ("GET /api/calls", &["Origin: null"]),
        (
            "GET /api/calls",
            &["Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"],
        ),
        // <img>, <script>, <form method=get>, a link.
        (
            "GET /api/hangup",
            &[
                "Sec-Fetch-Site: cross-site",
                "Sec-Fetch-Mode: no-cors",
                "Sec-Fetch-Dest: image",
            ],
        ),
        (
            "GET /api/originate/666",
            &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
        ),
        ("GET /api/originate/666", &["Sec-Fetch-Site: same-site"]),
        // A browser without Sec-Fetch.
        (
            "GET /api/originate/666",
            &["Referer: https://evil.example/page"],
        ),
        // <form method=post enctype=text/plain>.
        (
            "POST /api/v2/calls",
            &[
                "Origin: https://evil.example",
                "Content-Type: text/plain",
                "Content-Length: 0",
            ],
        ),
        // EventSource.
        (
            "GET /api/v2/events",
            &["Origin: https://evil.example", "Accept: text/event-stream"],
        ),
    ] {
        with(port, line, headers).await.is_refusal(403, "web_page");
    }
    // The preflight of a page, with and without the wish for a private network.
    for more in [
        "X-Nothing: 1",
        "Access-Control-Request-Private-Network: true",
    ] {
        with(
            port,
            "OPTIONS /api/v2/calls",
            &[
                "Origin: https://evil.example",
                "Access-Control-Request-Method: POST",
                more,
            ],
        )
        .await
        .is_refusal(403, "web_page");
    }
    with(
        port,
        "OPTIONS /api/v2/calls",
        &["Access-Control-Request-Method: POST"],
    )
    .await
    .is_refusal(405, "method_not_allowed");
    // A name of the page's own that means this machine.
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "localhost",
        "127.0.0.1:1",
        &format!("[::1]:{port}"),
    ] {
        raw(
            port,
            &format!("GET /api/answer HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        )
        .await
        .is_refusal(421, "wrong_host");
    }
    raw(
        port,
        &format!("GET http://evil.example/api/answer HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"),
    )
    .await
    .is_refusal(421, "wrong_host");
    raw(port, "GET /api/answer HTTP/1.0\r\n\r\n")
        .await
        .is_refusal(400, "malformed_request");

    let calls = phone.views().calls;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].state, CallState::Ringing);
    // Even what is answered gives no page a right to read it.
    get(port, "/api/calls").await.grants_nothing();
}

#[tokio::test]
async fn the_token_of_the_policy_is_needed_everywhere() {
    let phone = FakePhone::new();
    let (_open, port) = phone
        .open(LocalAccess::WithToken(Secret::new("9f1c0d5e")))
        .await;
    for line in [
        "GET /api/calls",
        "GET /api/answer",
        "GET /api/v2/events",
        "GET /api/v2/openapi.json",
        "GET /nothing",
    ] {
        let refused = with(port, line, &[]).await;
        refused.is_refusal(401, "token_required");
        assert!(
            refused.head.contains("www-authenticate: bearer"),
            "{refused:?}"
        );
        with(port, line, &["Authorization: Bearer 9f1c0d5f"])
            .await
            .is_refusal(401, "wrong_token");
    }
    for header in [
        "Authorization: Bearer 9f1c0d5e",
        "X-Sidetone-Token: 9f1c0d5e",
    ] {
        assert_eq!(with(port, "GET /api/calls", &[header]).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_too_large_or_no_http_is_refused() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    let long = "6".repeat(2000);
    get(port, &format!("/api/originate/{long}"))
        .await
        .is_refusal(414, "target_too_long");
    let header = format!("X-Long: {}", "x".repeat(9000));
    with(port, "GET /api/calls", &[&header])
        .await
        .is_refusal(431, "headers_too_large");
    let many: Vec<String> = (0..100).map(|n| format!("X-{n}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    with(port, "GET /api/calls", &many)
        .await
        .is_refusal(431, "headers_too_large");
    // Beyond all measure the connection is closed with a bare status.
    let header = format!("X-Long: {}", "x".repeat(60_000));
    assert_eq!(with(port, "GET /api/calls", &[&header]).await.status, 431);
    assert_eq!(raw(port, "\u{16}\u{3}\u{1}\r\n\r\n").await.status, 400);
    assert_eq!(get(port, "/api/calls").await.status, 200, "it goes on");
}
