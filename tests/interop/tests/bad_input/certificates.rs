//! Servers that cannot be trusted, and addresses where something else answers.

use sidetone_interop::WorkDir;

use crate::desk::Desk;
use crate::false_server::{Authority, Identity};

const PAGE: &str = "<!doctype html><title>Please sign in to the network</title>";

/// What the phone says of this address: the notice, its words and the words of its end are one.
fn verdict(authority: &Authority, server: &str, code: &str) -> String {
    let folder = WorkDir::new("bad-input").expect("a folder for the test");
    let ca = authority.keep_in(folder.path());
    let arguments = [
        ["--server", server],
        ["--user", "anna"],
        ["--password-fd", "0"],
        ["--audio", "null"],
        ["--ca", ca.to_str().expect("a folder with a plain name")],
    ];
    let mut desk = Desk::start(folder.path(), "correct horse", &arguments.concat());
    let words = desk.says(code);
    assert_eq!(desk.ends(5), words);
    words
}

#[track_caller]
fn assert_names(words: &str, wanted: &[&str]) {
    for word in wanted {
        assert!(words.contains(word), "{words:?} does not name {word}");
    }
}

fn page(identity: Identity) -> String {
    identity.serve("200 OK", "text/html; charset=utf-8", PAGE)
}

#[test]
fn an_expired_certificate_is_named() {
    let authority = Authority::new();
    let server = page(authority.issue_expired("localhost"));
    let words = verdict(&authority, &server, "server_certificate");
    assert_names(&words, &["expired", "localhost"]);
}

#[test]
fn a_self_signed_certificate_is_named() {
    let server = page(Identity::self_signed("localhost"));
    let words = verdict(&Authority::new(), &server, "server_certificate");
    assert_names(&words, &["self-signed"]);
}

#[test]
fn an_unknown_authority_is_named() {
    let server = page(Authority::new().issue("localhost"));
    let words = verdict(&Authority::new(), &server, "server_certificate");
    assert_names(&words, &["localhost", "authority"]);
}

#[test]
fn a_wrong_host_name_is_named_with_the_right_one() {
    let authority = Authority::new();
    let server = page(authority.issue("cc.example"));
    let words = verdict(&authority, &server, "server_certificate");
    assert_names(&words, &["localhost", "cc.example"]);
}

#[test]
fn a_web_page_is_no_contact_centre() {
    let authority = Authority::new();
    let server = page(authority.issue("localhost"));
    let words = verdict(&authority, &server, "server_bad_answer");
    assert_names(&words, &["HTML"]);
}

#[test]
fn a_server_that_knows_no_such_path_is_named() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let server = identity.serve("404 Not Found", "text/html", PAGE);
    let words = verdict(&authority, &server, "server_bad_answer");
    assert_names(&words, &["localhost", "/api/auth/local"]);
}

#[test]
fn half_an_answer_is_no_answer() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let server = identity.serve("200 OK", "application/json", r#"{"token": "t0k"#);
    let words = verdict(&authority, &server, "server_bad_answer");
    assert_names(&words, &["line 1"]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = free.local_addr().expect("its address").port();
    drop(free);
    let server = format!("https://localhost:{port}");
    let words = verdict(&Authority::new(), &server, "server_unreachable");
    assert_names(&words, &["localhost"]);
}
