//! The browser, an old password, and an agent who is signed in elsewhere.

use crate::desk::{Desk, accepted, code, profile, ready, sign_in};
use serde_json::json;
use sidetone_agent::{
    CallEnd, Command, Effect, Input, Notice, Phase, SignIn, SignInOffer, SignInRefusal,
};
use sidetone_profile::{PasswordRules, Secret, SignInWays};

fn refused(refusal: SignInRefusal) -> Input {
    Input::SignIn(SignIn::Refused(refusal))
}

fn with_browser() -> Command {
    Command::SignInWithBrowser {
        server: "https://cc.example.com".to_owned(),
    }
}

fn new_password(new: &str) -> Command {
    Command::ChangePassword {
        current: None,
        new: Secret::new(new),
    }
}

fn strict() -> PasswordRules {
    PasswordRules {
        min_length: 12,
        digit: true,
        ..PasswordRules::default()
    }
}

#[test]
fn the_browser_signs_in_or_says_why_not() {
    let mut desk = Desk::empty();
    let effects = desk.command(with_browser());
    assert!(matches!(&effects[..], [Effect::SignInWithBrowser { .. }]));
    let view = desk.view();
    assert_eq!(view.phase, Phase::InBrowser);
    assert_eq!(view.sign_in_notice, Some(Notice::InBrowser));
    desk.give(Input::SignIn(accepted(profile(json!({})), ready())));
    assert_eq!(desk.view().phase, Phase::SignedIn);
    assert!(
        !desk.view().permissions.password,
        "who has no password here cannot change it"
    );

    for (refusal, expected) in [
        (
            SignInRefusal::Browser("cancelled".to_owned()),
            "browser_sign_in_failed",
        ),
        (SignInRefusal::NoBrowserSignIn, "no_browser_sign_in"),
        (SignInRefusal::Disabled, "account_disabled"),
        (SignInRefusal::Locked, "account_locked"),
    ] {
        let mut desk = Desk::empty();
        desk.command(with_browser());
        desk.give(refused(refusal));
        let view = desk.view();
        assert_eq!(view.phase, Phase::SignedOut);
        assert_eq!(code(&view.sign_in_notice.expect("a reason")), expected);
    }
}

#[test]
fn what_a_server_offers_is_shown_for_it_alone() {
    let ask = |server: &str| Command::AskSignInWays {
        server: server.to_owned(),
    };
    let offered = |desk: &Desk| desk.view().sign_in_offer;
    let mut desk = Desk::empty();
    let (one, other) = ("cc.example.com", "other.example.com");
    assert_eq!(offered(&desk), None);
    let server = one.to_owned();
    assert_eq!(
        desk.command(ask(one)),
        [Effect::AskSignInWays {
            server: server.clone()
        }]
    );
    let ways = SignInWays {
        password: false,
        browser: Some("Company sign-in".to_owned()),
    };
    desk.give(Input::SignInWays {
        server: server.clone(),
        ways: ways.clone(),
    });
    let offer = Some(SignInOffer { server, ways });
    assert_eq!(offered(&desk), offer);
    // Asked once more it stays until there is another answer; for another server it goes.
    desk.command(ask(one));
    assert_eq!(offered(&desk), offer);
    desk.command(ask(other));
    assert_eq!(offered(&desk), None);
}

#[test]
fn a_browser_that_is_left_open_holds_nobody_up() {
    let mut desk = Desk::empty();
    desk.command(with_browser());
    assert_eq!(desk.command(Command::SignOut), [Effect::SignOut]);
    // The page is finished after all: nobody is signed in by it.
    let effects = desk.give(Input::SignIn(accepted(profile(json!({})), ready())));
    assert_eq!(effects, [Effect::SignOut]);

    let mut desk = Desk::empty();
    desk.command(with_browser());
    assert_eq!(desk.command(sign_in()).len(), 1);
    assert_eq!(desk.view().phase, Phase::SigningIn);
}

#[test]
fn an_old_password_has_to_be_changed_before_work() {
    let mut desk = Desk::empty();
    desk.command(sign_in());
    desk.give(refused(SignInRefusal::PasswordExpired(strict())));
    let view = desk.view();
    assert_eq!(view.phase, Phase::PasswordRequired);
    assert_eq!(view.password_rules, strict());
    assert_eq!(view.sign_in_notice, Some(Notice::PasswordRequired));

    // What cannot hold is not even sent, and is said in words.
    assert_eq!(desk.command(new_password("too short")), []);
    let fault = "it needs at least 12 characters, a digit".to_owned();
    assert_eq!(
        desk.view().sign_in_notice,
        Some(Notice::PasswordRefused { fault })
    );

    let new = Secret::new("correct horse 7");
    let current = None;
    assert_eq!(
        desk.command(new_password("correct horse 7")),
        [Effect::ChangePassword { current, new }]
    );
    assert_eq!(desk.view().phase, Phase::SigningIn);
    // Only the server knows the last passwords.
    desk.give(refused(SignInRefusal::PasswordRefused(
        "It was used before.".to_owned(),
    )));
    let view = desk.view();
    assert_eq!(view.phase, Phase::PasswordRequired);
    assert_eq!(view.password_rules, strict());
    let fault = "It was used before".to_owned();
    assert_eq!(view.sign_in_notice, Some(Notice::PasswordRefused { fault }));

    desk.command(new_password("correct horse 8"));
    desk.give(Input::SignIn(accepted(profile(json!({})), ready())));
    assert_eq!(desk.view().phase, Phase::SignedIn);
    assert!(desk.view().permissions.password);
}

#[test]
fn giving_up_a_new_password_goes_back_to_the_sign_in_screen() {
    let mut desk = Desk::empty();
    desk.command(sign_in());
    desk.give(refused(SignInRefusal::PasswordExpired(strict())));
    assert_eq!(desk.command(Command::SignOut), [Effect::SignOut]);
    assert_eq!(desk.view().phase, Phase::SignedOut);
    assert_eq!(desk.command(new_password("correct horse 7")), []);
}

#[test]
fn an_agent_who_is_signed_in_elsewhere_chooses_here_or_there() {
    let device = || "Windows, desk 12".to_owned();
    let mut desk = Desk::empty();
    assert_eq!(desk.command(Command::TakeOver), []);
    desk.command(sign_in());
    desk.give(refused(SignInRefusal::Elsewhere(device())));
    let view = desk.view();
    assert_eq!(view.phase, Phase::Elsewhere);
    let notice = Notice::SignedInElsewhere { device: device() };
    assert_eq!(view.sign_in_notice, Some(notice.clone()));
    let (call, effects) = desk.ring();
    assert_eq!(
        effects,
        [Effect::Reject { call, status: 480 }],
        "it rings there, not here"
    );

    assert_eq!(desk.command(Command::TakeOver), [Effect::TakeOver]);
    assert_eq!(desk.view().phase, Phase::SigningIn);
    desk.give(Input::SignIn(accepted(profile(json!({})), ready())));
    assert_eq!(desk.view().phase, Phase::SignedIn);

    // Now somebody takes it over from here: after the call, and nothing rings any more.
    let call = desk.talk();
    desk.give(refused(SignInRefusal::Elsewhere(device())));
    let (second, effects) = desk.ring();
    assert_eq!(
        effects,
        [Effect::Reject {
            call: second,
            status: 480
        }]
    );
    let effects = desk.end(call, CallEnd::Remote);
    assert_eq!(
        effects[effects.len() - 2..],
        [Effect::Unregister, Effect::SignOut]
    );
    assert_eq!(desk.view().sign_in_notice, Some(notice));

    let mut desk = Desk::empty();
    desk.command(sign_in());
    desk.give(refused(SignInRefusal::Elsewhere(device())));
    assert_eq!(desk.command(Command::SignOut), [Effect::SignOut]);
    assert_eq!(desk.view().phase, Phase::SignedOut);
}
