//! IT's policy: what it may say, and what a screen pop may open; what an avatar may be.

use serde_json::json;
use sidetone_profile::{
    AVATAR_LIMIT, AvatarError, AvatarKind, Policy, PopAllowList, PopRefusal, PopTarget,
};

#[test]
fn a_policy_is_read_whole() {
    let (policy, faults) = Policy::read(&json!({
        "profile": {"phoneBarRemoteControl": true, "privacyEnabled": "partial"},
        "screenPop": {"hosts": ["*.crm.example.com", "wiki"], "programs": ["/usr/bin/crm", "C:\\crm\\crm.exe"]},
        "offlineHours": 8,
        "localInterface": {"token": "0123456789abcdef"},
        "routes": {"agent": "/api/v2/agent"},
    }));
    assert_eq!(faults, []);
    assert_eq!(policy.profile.len(), 2);
    assert_eq!(policy.screen_pop.hosts.len(), 2);
    assert_eq!(policy.screen_pop.programs.len(), 2);
    assert_eq!(policy.offline_hours, 8);
    assert_eq!(
        policy.local_token.expect("a token").reveal(),
        "0123456789abcdef"
    );
    assert_eq!(policy.routes["agent"], "/api/v2/agent");
    assert_eq!(Policy::read(&json!({})), (Policy::default(), vec![]));
    assert_eq!(Policy::default().offline_hours, 24);
}

#[test]
fn what_a_policy_says_wrongly_is_named_and_the_rest_holds() {
    for (policy, said) in [
        (
            json!([]),
            "policy: policy: [] cannot be used; allowed: a table",
        ),
        (
            json!({"ofline": 1}),
            "policy: ofline: 1 cannot be used; allowed: profile, screenPop, offlineHours, localInterface, recordings, routes",
        ),
        (
            json!({"offlineHours": -1}),
            "policy: offlineHours: -1 cannot be used; allowed: hours, a whole number from 0 to 8784",
        ),
        (
            json!({"screenPop": {"hosts": ["https://crm"]}}),
            "policy: screenPop.hosts: https://crm cannot be used; allowed: hosts such as example.com or *.example.com",
        ),
        (
            json!({"screenPop": {"hosts": "*"}}),
            "policy: screenPop.hosts: * cannot be used; allowed: hosts such as example.com or *.example.com",
        ),
        (
            json!({"screenPop": {"programs": ["crm"]}}),
            "policy: screenPop.programs: crm cannot be used; allowed: full paths of programs",
        ),
        (
            json!({"localInterface": {"token": "short secret"}}),
            "policy: localInterface.token: *** cannot be used; allowed: text of at least 16 characters",
        ),
        (
            json!({"routes": {"agent": "//evil.example/agent"}}),
            "policy: routes.agent: //evil.example/agent cannot be used; allowed: a path that begins with one slash, \
             without blanks and ..",
        ),
    ] {
        let mut document = policy.clone();
        if let Some(fields) = document.as_object_mut() {
            fields.insert("profile".to_owned(), json!({"nat": "no"}));
        }
        let (read, faults) = Policy::read(&document);
        assert_eq!(faults.len(), 1, "{policy}");
        assert_eq!(faults[0].to_string(), said);
        assert_eq!(read.profile.len(), usize::from(policy.is_object()));
    }
}

#[test]
fn a_screen_pop_opens_only_what_the_policy_lists() {
    let list = PopAllowList {
        hosts: vec![
            "*.crm.example".to_owned(),
            "Wiki.example".to_owned(),
            "[::1]".to_owned(),
        ],
        programs: vec!["/usr/bin/crm".to_owned(), "C:\\crm\\crm.exe".to_owned()],
    };
    let own = Some("https://motion.example:8443");
    let not_an_address = Err(PopRefusal::NotAnAddress);
    let host = |host: &str| Err(PopRefusal::Host(host.to_owned()));
    for (address, expected) in [
        ("https://a.crm.example/x?n=1#y", Ok(())),
        ("HTTP://A.CRM.Example:8080", Ok(())),
        ("https://wiki.example./", Ok(())),
        ("https://motion.example/tickets", Ok(())),
        ("http://[::1]:80/", Ok(())),
        ("https://crm.example/", host("crm.example")),
        ("https://evilcrm.example/", host("evilcrm.example")),
        (
            "https://a.crm.example.evil.example/",
            host("a.crm.example.evil.example"),
        ),
        ("https://sub.wiki.example/", host("sub.wiki.example")),
        (
            "https://wiki.example@evil.example/",
            Err(PopRefusal::UserInfo),
        ),
        (
            "https://wiki.example:pw@wiki.example/",
            Err(PopRefusal::UserInfo),
        ),
        (
            "https://evil.example\\@wiki.example/",
            not_an_address.clone(),
        ),
        ("https://wiki.example:x/", not_an_address.clone()),
        ("https://wiki.example%2eevil/", not_an_address.clone()),
        ("https:///wiki.example", not_an_address.clone()),
        ("javascript:alert(1)", not_an_address.clone()),
        ("file:///etc/passwd", not_an_address.clone()),
        ("ftp://wiki.example/", not_an_address.clone()),
        ("https://wiki.example/\nx", not_an_address.clone()),
        (" https://wiki.example/", not_an_address.clone()),
        ("wiki.example", not_an_address.clone()),
        ("", not_an_address),
    ] {
        assert_eq!(
            list.permits(&PopTarget::Url(address.to_owned()), own),
            expected,
            "{address}"
        );
    }
    let nobody = PopAllowList::default();
    let wiki = PopTarget::Url("https://wiki.example/".to_owned());
    assert_eq!(nobody.permits(&wiki, Some("wiki.example:443")), Ok(()));
    assert!(nobody.permits(&wiki, None).is_err());

    for (path, expected) in [
        ("/usr/bin/crm", Ok(())),
        ("C:\\crm\\crm.exe", Ok(())),
        (
            "/usr/bin/sh",
            Err(PopRefusal::Program("/usr/bin/sh".to_owned())),
        ),
        ("/usr/bin/../bin/crm", Err(PopRefusal::NotAFullPath)),
        ("/usr/./bin/crm", Err(PopRefusal::NotAFullPath)),
        ("//usr/bin/crm", Err(PopRefusal::NotAFullPath)),
        ("crm", Err(PopRefusal::NotAFullPath)),
        ("", Err(PopRefusal::NotAFullPath)),
    ] {
        let program = PopTarget::Program {
            path: path.to_owned(),
            args: vec!["--; rm -rf /".to_owned()],
        };
        assert_eq!(list.permits(&program, own), expected, "{path}");
    }
}

#[test]
fn an_avatar_is_png_or_jpg_of_at_most_8_mb_by_its_content() {
    let png = b"\x89PNG\r\n\x1a\n and so on".to_vec();
    let jpg = b"\xff\xd8\xff\xe0 and so on".to_vec();
    let sized = |mut picture: Vec<u8>, size: usize| {
        picture.resize(size, 0);
        picture
    };
    for (bytes, expected) in [
        (png.clone(), Ok(AvatarKind::Png)),
        (jpg.clone(), Ok(AvatarKind::Jpeg)),
        (sized(png.clone(), AVATAR_LIMIT), Ok(AvatarKind::Png)),
        (sized(png, AVATAR_LIMIT + 1), Err(AvatarError::TooLarge)),
        (sized(jpg, AVATAR_LIMIT + 1), Err(AvatarError::TooLarge)),
        (b"GIF89a".to_vec(), Err(AvatarError::OtherKind)),
        (
            b"<svg onload=alert(1)>".to_vec(),
            Err(AvatarError::OtherKind),
        ),
        (Vec::new(), Err(AvatarError::OtherKind)),
    ] {
        assert_eq!(AvatarKind::of(&bytes), expected);
    }
}
