//! Digest authentication: published vectors and hostile challenges.

use std::time::Instant;

use digest_auth::Algorithm;
use sidetone_profile::Secret;

use super::Users;
use crate::api::Credentials;
use crate::core::digest::{ClientDigest, ServerDigest, Verdict};
use crate::core::message::Message;

fn credentials(secret: &str) -> Credentials {
    Credentials {
        user: "1001".to_owned(),
        secret: Secret::new(secret),
    }
}

fn challenged(headers: &[(&str, &str)]) -> Message {
    let mut response = Message::request("OPTIONS", "sip:x").reply(401);
    for (name, value) in headers {
        response.push(name, *value);
    }
    response
}

#[test]
fn answers_without_qop_as_rfc_2617() {
    // Known values: HA1 = MD5(1001:sandbox:right), HA2 = MD5(REGISTER:sip:sandbox).
    let mut digest = ClientDigest::default();
    assert!(digest.learn(&challenged(&[(
        "WWW-Authenticate",
        "Digest realm=\"sandbox\", nonce=\"abc\""
    )])));
    let mut request = Message::request("REGISTER", "sip:sandbox");
    digest.authorize(&mut request, &credentials("right"));
    let answer = request.get("Authorization").expect("an answer");
    assert!(
        answer.contains("response=\"a33fd2ab807025183dff19c70ed76501\""),
        "{answer}"
    );
}

#[test]
fn takes_the_topmost_algorithm_that_it_knows_and_counts() {
    let cases = [
        ("SHA-512-256", "SHA-512-256", 64),
        ("SHA-256", "SHA-256", 64),
        ("sha-256", "SHA-256", 64),
        ("MD5-sess", "MD5-sess", 32),
    ];
    for (offered, answered, length) in cases {
        let mut digest = ClientDigest::default();
        let first = "Digest realm=\"r\", nonce=\"n\", algorithm=WHIRLPOOL, qop=\"auth\"";
        let second =
            format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int,auth\", algorithm={offered}");
        let third = "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"";
        let other = "Digest realm=\"proxy, inc\", nonce=\"p\", qop=auth";
        assert!(digest.learn(&challenged(&[
            ("WWW-Authenticate", first),
            ("WWW-Authenticate", &second),
            ("WWW-Authenticate", third),
            ("Proxy-Authenticate", other),
        ])));
        for count in ["nc=00000001", "nc=00000002"] {
            let mut request = Message::request("INVITE", "sip:600@x");
            digest.authorize(&mut request, &credentials("right"));
            assert_eq!(request.all("Authorization").count(), 1);
            assert_eq!(request.all("Proxy-Authorization").count(), 1);
            let answer = request.get("Authorization").expect("an answer");
            assert!(
                answer.contains(&format!("algorithm={answered}")),
                "{answer}"
            );
            assert!(
                answer.contains(count) && answer.contains("qop=auth,"),
                "{answer}"
            );
            let hash = answer
                .split("response=\"")
                .nth(1)
                .and_then(|r| r.split('"').next());
            assert_eq!(hash.map(str::len), Some(length), "{answer}");
        }
    }
}

#[test]
fn survives_hostile_challenges() {
    for value in [
        "Digest",
        "Basic realm=\"x\"",
        "Digest realm=\"é\", nónce=\"ü\"",
        "Digest realm=\"unclosed, nonce=x",
        "Digest =,=,=",
        "Digest nonce=\"only\"",
    ] {
        let mut digest = ClientDigest::default();
        assert!(
            !digest.learn(&challenged(&[("WWW-Authenticate", value)])),
            "{value}"
        );
    }
}

#[test]
fn the_server_tells_right_wrong_stale_and_replayed() {
    let now = Instant::now();
    let mut server = ServerDigest::default();
    let mut client = ClientDigest::default();
    let mut challenge = challenged(&[]);
    server.challenge(now, "n1".to_owned(), &Users, false, &mut challenge);
    assert!(client.learn(&challenge));
    let request = |client: &mut ClientDigest, secret: &str| {
        let mut request = Message::request("REGISTER", "sip:sandbox");
        client.authorize(&mut request, &credentials(secret));
        request
    };
    let bare = Message::request("REGISTER", "sip:sandbox");
    assert_eq!(
        server.check(now, &bare, &Users),
        Verdict::Challenge { stale: false }
    );
    let wrong = request(&mut client, "wrong");
    assert_eq!(server.check(now, &wrong, &Users), Verdict::Wrong);
    let right = request(&mut client, "right");
    assert_eq!(
        server.check(now, &right, &Users),
        Verdict::User("1001".to_owned())
    );
    assert_eq!(
        server.check(now, &right, &Users),
        Verdict::Challenge { stale: true },
        "replayed"
    );
    let next = request(&mut client, "right");
    assert_eq!(
        server.check(now, &next, &Users),
        Verdict::User("1001".to_owned())
    );
    let late = now + std::time::Duration::from_secs(301);
    let old = request(&mut client, "right");
    assert_eq!(
        server.check(late, &old, &Users),
        Verdict::Challenge { stale: true }
    );
}

/// RFC 7616 section 3.4.3: with `auth-int` the body is part of what is signed.
#[test]
fn a_challenge_for_the_whole_message_is_answered_with_its_body_in_it() {
    let md5 = |text: String| Algorithm::default().hash(text.as_bytes());
    let signed = |body: &str| {
        let mut digest = ClientDigest::default();
        assert!(digest.learn(&challenged(&[(
            "WWW-Authenticate",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""
        )])));
        let mut request = Message::request("INVITE", "sip:600@x").with_sdp(body);
        digest.authorize(&mut request, &credentials("right"));
        request.get("Authorization").expect("an answer").to_owned()
    };
    for body in ["v=0\r\n", "v=0\r\ns=-\r\n"] {
        let answer = signed(body);
        let field = |name: &str| {
            let rest = answer.split(&format!("{name}=\"")).nth(1).expect("a field");
            rest.split('"').next().expect("its value").to_owned()
        };
        assert!(answer.contains("qop=auth-int,"), "{answer}");
        let who = md5("1001:r:right".to_owned());
        let what = md5(format!("INVITE:sip:600@x:{}", md5(body.to_owned())));
        let wanted = md5(format!(
            "{who}:n:00000001:{}:auth-int:{what}",
            field("cnonce")
        ));
        // Not that of `cnonce`.
        let response = answer.split(" response=\"").nth(1).expect("a response");
        assert!(response.starts_with(&wanted), "{answer}");
    }
}
