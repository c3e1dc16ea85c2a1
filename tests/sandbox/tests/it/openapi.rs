//! What openapi.json says is what the server answers, and every route stands in it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sidetone_profile::Secret;
use sidetone_sandbox::{Config, CustomerCall, DEMO_PASSWORD, admin, contract};

use crate::client::Bench;
use crate::phone::{Phone, record_of};
use crate::sign_on;

const DESCRIPTION: &str = include_str!("../../openapi.json");

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).expect("JSON")
}

fn documented(description: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            all.push((method.clone(), path.clone()));
        }
    }
    all
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let routes: BTreeSet<(String, String)> = contract::ROUTES
        .iter()
        .chain(admin::ROUTES)
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    let documented: BTreeSet<_> = documented(&description()).into_iter().collect();
    assert_eq!(routes, documented);
}

/// The first bytes of a picture.
const PNG: &str = "iVBORw0KGgo=";

/// Method, documented path, status, address asked, token, body.
type Probe = (
    &'static str,
    &'static str,
    u16,
    String,
    Option<String>,
    Option<Value>,
);

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_answer_is_given_in_its_documented_shape() {
    let description = description();
    let bench = Bench::start(Config::default()).await;
    let guarded = Bench::start(Config {
        admin_token: Some(Secret::new("only me")),
        ..Config::default()
    })
    .await;
    let token = bench.log_in("anna").await;
    let offline = bench.sign_in("emil").await;
    // A sign-in that none of the requests below ends.
    let stays = bench.sign_in("anna").await;
    // One call with sound in it, for the recordings.
    let mut phone = Phone::register(&bench, &token).await;
    let short = CustomerCall {
        talk_seconds: Some(3.0),
        ..CustomerCall::default()
    };
    bench.handle.call_in(short).expect("a customer calls");
    let invite = phone.rings().await;
    let mut sound = phone.answer(&invite).await;
    sound.talk(&[0.1, -0.1], Duration::from_secs(2)).await;
    phone.ended().await;
    let call = record_of(&bench, "customer").await["id"].clone();
    let change = json!({"settings": {"disabled": true}});
    bench
        .call("PATCH", "/admin/api/agents/dana", None, Some(change))
        .await;
    let picture = json!({"picture": PNG});
    bench
        .call("PUT", "/admin/api/agents/1/avatar", None, Some(picture))
        .await;
    let change = json!({"settings": {"blocked": true}});
    bench
        .call("PATCH", "/admin/api/agents/carla", None, Some(change))
        .await;

    let me = Some(token.clone());
    let login = |name: &str, password: &str| Some(json!({"name": name, "password": password}));
    let mut probes: Vec<Probe> = Vec::new();
    let mut add = |method, path, status, asked: &str, token: Option<String>, body| {
        probes.push((method, path, status, asked.to_owned(), token, body));
    };
    let auth = "/api/auth/local";
    for (status, body) in [
        (200, login("anna", DEMO_PASSWORD)),
        (400, Some(json!([]))),
        (401, login("anna", "wrong")),
        (403, login("dana", DEMO_PASSWORD)),
        (423, login("carla", DEMO_PASSWORD)),
    ] {
        add("post", auth, status, auth, None, body);
    }
    let own = [
        "/api/auth/",
        "/callbacks/{",
        "/previews/{",
        "/interactions/{",
        "/calls/{",
    ];
    for (method, path) in contract::ROUTES
        .iter()
        .filter(|(_, path)| !own.iter().any(|part| path.contains(part)))
    {
        let found = path.replace("{id}", "1");
        add(
            method,
            path,
            401,
            &found,
            Some("stale".to_owned()),
            Some(json!({"reason": "Lunch"})),
        );
        if *path != "/api/realtime" {
            add(
                method,
                path,
                200,
                &found,
                me.clone(),
                Some(json!({"reason": "Lunch"})),
            );
        }
        if path.contains("{id}") {
            add(
                method,
                path,
                404,
                &path.replace("{id}", "99"),
                me.clone(),
                None,
            );
        }
    }
    // The order of the routes has logged Anna out before her pause; she is back for it here.
    probes.retain(|(_, path, status, ..)| !(path.starts_with("/api/agent/") && *status == 200));
    let mut add = |method, path, status, asked: &str, token: Option<String>, body| {
        probes.push((method, path, status, asked.to_owned(), token, body));
    };
    let (pause, unpause) = ("/api/agent/pause", "/api/agent/unpause");
    let lunch = || Some(json!({"reason": "Lunch"}));
    add(
        "post",
        "/api/agent/login",
        200,
        "/api/agent/login",
        me.clone(),
        None,
    );
    add("post", pause, 200, pause, me.clone(), lunch());
    add("post", pause, 400, pause, me.clone(), Some(json!({})));
    add("post", pause, 409, pause, Some(offline.clone()), lunch());
    add(
        "post",
        pause,
        422,
        pause,
        me.clone(),
        Some(json!({"reason": "Fishing"})),
    );
    add(
        "post",
        unpause,
        422,
        unpause,
        me.clone(),
        Some(json!({"channel": "smoke"})),
    );
    let (settings, tidy) = ("/admin/api/settings", || {
        Some(json!({"partialPause": false}))
    });
    add("patch", settings, 200, settings, None, tidy());
    let chat = || Some(json!({"reason": "Lunch", "channel": "chat"}));
    add("post", pause, 403, pause, me.clone(), chat());
    add("post", unpause, 403, unpause, me.clone(), chat());
    add("post", unpause, 200, unpause, me.clone(), None);
    add("post", unpause, 409, unpause, Some(offline), None);
    add(
        "get",
        "/api/agent/presence",
        200,
        "/api/agent/presence",
        me.clone(),
        None,
    );
    add(
        "post",
        "/api/agent/logout",
        200,
        "/api/agent/logout",
        me.clone(),
        None,
    );
    add(
        "get",
        "/api/users",
        400,
        "/api/users?limit=many",
        me.clone(),
        None,
    );
    add(
        "get",
        "/api/realtime",
        400,
        "/api/realtime?since=then",
        me.clone(),
        None,
    );
    add("get", "/api/realtime", 426, "/api/realtime", me, None);

    let (agent, queue, customers) = (
        "/admin/api/agents/{id}",
        "/admin/api/queues/{id}",
        "/admin/api/customers",
    );
    let calls = format!("/admin/api/calls/{call}");
    for path in ["settings", "agents", "pauses", "queues", "speech", "calls"] {
        let path: &'static str = admin::ROUTES
            .iter()
            .map(|(_, route)| *route)
            .find(|route| route.ends_with(&format!("/api/{path}")))
            .expect("a route");
        add("get", path, 200, path, None, None);
    }
    add("get", agent, 200, "/admin/api/agents/anna", None, None);
    add("get", agent, 404, "/admin/api/agents/99", None, None);
    add(
        "patch",
        agent,
        200,
        "/admin/api/agents/1",
        None,
        Some(json!({"settings": {"alias": "A"}})),
    );
    add(
        "patch",
        agent,
        400,
        "/admin/api/agents/1",
        None,
        Some(json!({"settings": 1})),
    );
    add(
        "patch",
        agent,
        404,
        "/admin/api/agents/99",
        None,
        Some(json!({"settings": {}})),
    );
    add(
        "patch",
        agent,
        422,
        "/admin/api/agents/1",
        None,
        Some(json!({"settings": {"wssPort": 0}})),
    );
    let (password, code, out) = (
        "/admin/api/agents/{id}/password",
        "/admin/api/agents/{id}/code",
        "/admin/api/agents/{id}/sign-out",
    );
    add(
        "put",
        password,
        200,
        "/admin/api/agents/2/password",
        None,
        Some(json!({"password": "long enough"})),
    );
    add(
        "put",
        password,
        422,
        "/admin/api/agents/2/password",
        None,
        Some(json!({"password": "short"})),
    );
    add(
        "put",
        code,
        200,
        "/admin/api/agents/2/code",
        None,
        Some(json!({"on": true})),
    );
    add("post", out, 200, "/admin/api/agents/3/sign-out", None, None);
    add(
        "post",
        out,
        404,
        "/admin/api/agents/99/sign-out",
        None,
        None,
    );
    let pauses = "/admin/api/pauses";
    add(
        "put",
        pauses,
        200,
        pauses,
        None,
        Some(json!({"names": ["Lunch"]})),
    );
    add(
        "put",
        pauses,
        422,
        pauses,
        None,
        Some(json!({"names": [" "]})),
    );
    add(
        "patch",
        queue,
        200,
        "/admin/api/queues/1",
        None,
        Some(json!({"strategy": "ringall"})),
    );
    add(
        "patch",
        queue,
        404,
        "/admin/api/queues/99",
        None,
        Some(json!({})),
    );
    add(
        "patch",
        queue,
        422,
        "/admin/api/queues/1",
        None,
        Some(json!({"ringSeconds": 0})),
    );
    add("post", customers, 201, customers, None, Some(json!({})));
    add(
        "post",
        customers,
        400,
        customers,
        None,
        Some(json!({"colour": "red"})),
    );
    add(
        "post",
        customers,
        404,
        customers,
        None,
        Some(json!({"queue": "sales"})),
    );
    add(
        "post",
        customers,
        422,
        customers,
        None,
        Some(json!({"talkSeconds": -1})),
    );
    add_of_second_contract(&bench, &mut probes, &stays).await;
    let mut add = |method, path, status, asked: &str, token: Option<String>, body| {
        probes.push((method, path, status, asked.to_owned(), token, body));
    };
    let (speech, one) = ("/admin/api/speech/{name}", "/admin/api/calls/{id}");
    let (heard, alike) = (
        "/admin/api/calls/{id}/heard.wav",
        "/admin/api/calls/{id}/likeness",
    );
    add(
        "get",
        speech,
        200,
        "/admin/api/speech/en-male.wav",
        None,
        None,
    );
    add("get", speech, 404, "/admin/api/speech/nobody", None, None);
    add("get", one, 200, &calls, None, None);
    add("get", one, 404, "/admin/api/calls/9999", None, None);
    add("get", heard, 200, &format!("{calls}/heard.wav"), None, None);
    add(
        "get",
        heard,
        404,
        "/admin/api/calls/9999/heard.wav",
        None,
        None,
    );
    add(
        "get",
        alike,
        200,
        &format!("{calls}/likeness?speech=en-male"),
        None,
        None,
    );
    add(
        "get",
        alike,
        404,
        &format!("{calls}/likeness?speech=nobody"),
        None,
        None,
    );

    let mut seen = BTreeSet::new();
    for (method, path, status, asked, token, body) in probes {
        let response = bench.send(method, &asked, token.as_deref(), body).await;
        let what = format!("{method} {asked}");
        assert_eq!(response.status().as_u16(), status, "{what}");
        assert!(response.headers().contains_key("date"), "{what}");
        let answer = &description["paths"][path][method]["responses"][status.to_string()];
        assert!(answer.is_object(), "{what}: {status} is not documented");
        seen.insert((method.to_owned(), path.to_owned(), status.to_string()));
        if answer.get("content").is_none() {
            continue;
        }
        let kind = response.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        let bytes = response.bytes().await.expect("a body");
        let content = answer["content"].as_object().expect("content");
        let schema = content
            .get(&kind)
            .unwrap_or_else(|| panic!("{what}: {kind}"));
        if let Some(schema) = schema.get("schema") {
            let document = serde_json::from_slice(&bytes).expect("JSON");
            fits(&description, schema, &document, &what);
        }
    }
    for path in [
        "settings",
        "dispositions",
        "callbacks",
        "previews",
        "interactions",
    ] {
        let path = format!("/api/{path}");
        unchanged(&bench, &path, &stays).await;
        seen.insert(("get".to_owned(), path, "304".to_owned()));
    }
    let form = sign_on::Browser::new();
    let page = "/api/auth/sso/authorize";
    for (status, answer) in [
        (
            302,
            form.send(&bench, "anna", DEMO_PASSWORD, "sign-in").await,
        ),
        (401, form.send(&bench, "anna", "wrong", "sign-in").await),
        (
            400,
            sign_on::Browser::towards("https://attacker.example/")
                .send(&bench, "anna", "", "cancel")
                .await,
        ),
    ] {
        assert_eq!(answer.status().as_u16(), status, "{page}");
        seen.insert(("post".to_owned(), page.to_owned(), status.to_string()));
    }
    let redeemed = form.redeem(&bench, "anna").await;
    assert_eq!(redeemed.0, 200, "{}", redeemed.1);
    fits(
        &description,
        &json!({"$ref": "#/components/schemas/Token"}),
        &redeemed.1,
        "sso",
    );
    seen.insert((
        "post".to_owned(),
        "/api/auth/sso/token".to_owned(),
        "200".to_owned(),
    ));
    let refused = guarded.send("GET", "/admin/api/settings", None, None).await;
    assert_eq!(refused.status(), 403);
    seen.insert((
        "get".to_owned(),
        "/admin/api/settings".to_owned(),
        "403".to_owned(),
    ));
    // Covered by the tests of the contract, which need a second request.
    seen.insert((
        "get".to_owned(),
        "/api/users/me".to_owned(),
        "304".to_owned(),
    ));

    for (method, path) in documented(&description) {
        let responses = description["paths"][&path][&method]["responses"].as_object();
        for status in responses.expect("responses").keys() {
            let answer = (method.clone(), path.clone(), status.clone());
            assert!(seen.contains(&answer), "never asked for: {answer:?}");
        }
    }
}

/// What the additions of issue 3 answer, in an order in which each finds what it needs.
async fn add_of_second_contract(bench: &Bench, probes: &mut Vec<Probe>, token: &str) {
    let (_, tokens) = bench
        .call(
            "POST",
            "/api/auth/local",
            None,
            Some(json!({"name": "emil", "password": DEMO_PASSWORD})),
        )
        .await;
    let give = async |list: &str, item: Value| {
        let path = format!("/admin/api/agents/anna/{list}");
        let (status, row) = bench.call("POST", &path, None, Some(item)).await;
        assert_eq!(status, 201, "{row}");
        row["id"].to_string()
    };
    let someone = || json!({"name": "Marta Vidal", "number": "+12025550100"});
    let chat = || json!({"channel": "chat", "from": "Marta Vidal"});
    let callback = give("callbacks", someone()).await;
    let preview = give("previews", someone()).await;
    let withdrawn = give("previews", someone()).await;
    let (chat_one, chat_two) = (
        give("interactions", chat()).await,
        give("interactions", chat()).await,
    );
    let of = |id: &str, path: &str| path.replace("{id}", id);
    let change = |old: &str, new: &str, name: &str| {
        Some(json!({"name": name, "password": old, "newPassword": new}))
    };
    let (password, refresh, sso) = (
        "/api/auth/password",
        "/api/auth/refresh",
        "/api/auth/sso/token",
    );
    let (page, wish) = ("/api/auth/sso/authorize", sign_on::Browser::new().address());
    let free: &[(&'static str, &'static str, u16, String, Option<Value>)] = &[
        (
            "get",
            "/api/auth/methods",
            200,
            "/api/auth/methods".into(),
            None,
        ),
        (
            "get",
            "/api/auth/password-rules",
            200,
            "/api/auth/password-rules".into(),
            None,
        ),
        ("post", refresh, 400, refresh.into(), Some(json!({}))),
        (
            "post",
            refresh,
            401,
            refresh.into(),
            Some(json!({"refreshToken": "stale"})),
        ),
        (
            "post",
            refresh,
            200,
            refresh.into(),
            Some(json!({"refreshToken": tokens["refreshToken"]})),
        ),
        ("post", password, 400, password.into(), Some(json!({}))),
        (
            "post",
            password,
            401,
            password.into(),
            change("wrong", "long enough", "emil"),
        ),
        (
            "post",
            password,
            403,
            password.into(),
            change(DEMO_PASSWORD, "long enough", "dana"),
        ),
        (
            "post",
            password,
            422,
            password.into(),
            change(DEMO_PASSWORD, "short", "emil"),
        ),
        (
            "post",
            password,
            423,
            password.into(),
            change(DEMO_PASSWORD, "long enough", "carla"),
        ),
        (
            "post",
            password,
            204,
            password.into(),
            change(DEMO_PASSWORD, "long enough", "emil"),
        ),
        ("get", page, 200, wish.clone(), None),
        ("get", page, 400, wish.replace("S256", "plain"), None),
        (
            "post",
            sso,
            400,
            sso.into(),
            Some(json!({"code": "x", "codeVerifier": "x", "redirectUri": "x"})),
        ),
    ];
    for (method, path, status, asked, body) in free {
        probes.push((method, path, *status, asked.clone(), None, body.clone()));
    }
    let (login, dispose) = ("/api/agent/login", "/api/calls/{reference}/disposition");
    let (start, finish) = ("/api/callbacks/{id}/start", "/api/callbacks/{id}/finish");
    let (go, accept) = ("/api/previews/{id}/start", "/api/interactions/{id}/accept");
    let (decline, pause) = ("/api/interactions/{id}/decline", "/api/agent/pause");
    let mut as_anna = vec![
        (
            login,
            400,
            login.to_owned(),
            Some(json!({"device": "a\nb"})),
        ),
        (
            login,
            200,
            login.to_owned(),
            Some(json!({"takeOver": true})),
        ),
        (
            dispose,
            204,
            dispose.replace("{reference}", "a%40b"),
            Some(json!({"path": [1, 2]})),
        ),
        (
            dispose,
            400,
            dispose.replace("{reference}", "a"),
            Some(json!({"path": "1"})),
        ),
        (
            dispose,
            422,
            dispose.replace("{reference}", "a"),
            Some(json!({"path": [2]})),
        ),
        (start, 204, of(&callback, start), None),
        (start, 404, of("9999", start), None),
        (finish, 400, of(&callback, finish), Some(json!({"done": 1}))),
        (
            finish,
            204,
            of(&callback, finish),
            Some(json!({"done": true})),
        ),
        (
            finish,
            404,
            of(&callback, finish),
            Some(json!({"done": true})),
        ),
        (accept, 204, of(&chat_one, accept), None),
        (accept, 404, of("9999", accept), None),
        (decline, 409, of(&chat_one, decline), None),
        (decline, 204, of(&chat_two, decline), None),
        (decline, 404, of("no", decline), None),
        (accept, 409, of(&chat_two, accept), None),
        (
            pause,
            200,
            pause.to_owned(),
            Some(json!({"reason": "Lunch"})),
        ),
        (go, 409, of(&preview, go), None),
        (
            "/api/agent/unpause",
            200,
            "/api/agent/unpause".to_owned(),
            None,
        ),
        (go, 204, of(&preview, go), None),
        (go, 404, of(&preview, go), None),
    ];
    for path in [dispose, start, finish, go, accept, decline] {
        let asked = of("1", path).replace("{reference}", "a");
        let body = Some(json!({"path": [1], "done": true}));
        probes.push(("post", path, 401, asked, Some("stale".to_owned()), body));
    }
    for (path, status, asked, body) in as_anna.drain(..) {
        probes.push(("post", path, status, asked, Some(token.to_owned()), body));
    }
    // Ben's queues are somebody else's in the meantime.
    let first = bench.log_in("ben").await;
    bench.socket(&first, None).await.stay();
    let second = bench.sign_in("ben").await;
    probes.push(("post", login, 409, login.to_owned(), Some(second), None));

    let (settings, tree) = ("/admin/api/settings", "/admin/api/dispositions");
    let (expire, secret) = (
        "/admin/api/agents/{id}/expire-password",
        "/admin/api/agents/{id}/sip-secret",
    );
    let avatar = "/admin/api/agents/{id}/avatar";
    let picture = |file: &str| Some(json!({"picture": file}));
    let disposed = "/admin/api/agents/{id}/dispositions";
    let (list, item) = (
        "/admin/api/agents/{id}/{list}",
        "/admin/api/agents/{id}/{list}/{item}",
    );
    let of_list = |agent: &str, name: &str| of(agent, list).replace("{list}", name);
    let taken = of_list("anna", "previews") + "/" + &withdrawn;
    let as_admin: &[(&'static str, &'static str, u16, String, Option<Value>)] = &[
        ("patch", settings, 400, settings.into(), Some(json!([]))),
        (
            "patch",
            settings,
            422,
            settings.into(),
            Some(json!({"tabLimit": -1})),
        ),
        ("get", tree, 200, tree.into(), None),
        ("put", tree, 400, tree.into(), Some(json!({"rows": 1}))),
        ("put", tree, 422, tree.into(), Some(json!([{"name": ""}]))),
        (
            "put",
            tree,
            200,
            tree.into(),
            Some(json!({"rows": [{"name": "Sale"}]})),
        ),
        ("post", expire, 200, of("4", expire), None),
        ("post", expire, 404, of("99", expire), None),
        ("put", secret, 200, of("4", secret), None),
        ("put", secret, 404, of("99", secret), None),
        (
            "put",
            secret,
            422,
            of("4", secret),
            Some(json!({"secret": ""})),
        ),
        ("put", avatar, 200, of("4", avatar), picture(PNG)),
        ("put", avatar, 400, of("4", avatar), picture("no base64")),
        ("put", avatar, 404, of("99", avatar), picture(PNG)),
        ("put", avatar, 422, of("4", avatar), picture("PHN2Zy8+")),
        ("get", disposed, 200, of("anna", disposed), None),
        ("get", disposed, 404, of("99", disposed), None),
        ("get", list, 200, of_list("anna", "callbacks"), None),
        ("get", list, 404, of_list("anna", "wishes"), None),
        (
            "post",
            list,
            201,
            of_list("anna", "callbacks"),
            Some(someone()),
        ),
        (
            "post",
            list,
            400,
            of_list("anna", "callbacks"),
            Some(json!([])),
        ),
        (
            "post",
            list,
            404,
            of_list("99", "callbacks"),
            Some(someone()),
        ),
        (
            "post",
            list,
            422,
            of_list("anna", "interactions"),
            Some(someone()),
        ),
        ("delete", item, 204, taken.clone(), None),
        ("delete", item, 404, taken, None),
    ];
    for (method, path, status, asked, body) in as_admin {
        probes.push((method, path, *status, asked.clone(), None, body.clone()));
    }
}

/// Asks twice; the second time there is nothing new.
async fn unchanged(bench: &Bench, path: &str, token: &str) {
    let tag = bench.send("GET", path, Some(token), None).await.headers()["etag"].clone();
    let again = bench
        .http
        .get(format!("{}{path}", bench.handle.https_url))
        .bearer_auth(token)
        .header("If-None-Match", tag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(again.status(), 304, "{path}");
}

/// Checks a document against the part of JSON Schema that the description uses.
fn fits(description: &Value, schema: &Value, document: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = description.pointer(name.trim_start_matches('#'));
        return fits(description, target.expect("a schema"), document, at);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(
            allowed.contains(document),
            "{at}: {document} is none of {allowed:?}"
        );
    }
    let kind = match document {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    let number = kind == "integer" && allowed.contains(&"number");
    assert!(
        number || allowed.contains(&kind),
        "{at}: {document} is not {allowed:?}"
    );
    if let Value::Object(fields) = document {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("text");
            assert!(
                fields.contains_key(name),
                "{at}: {name} is missing in {document}"
            );
        }
        for (name, value) in fields {
            let inner = schema["properties"]
                .get(name)
                .or_else(|| schema.get("additionalProperties"));
            if let Some(inner) = inner {
                fits(description, inner, value, &format!("{at} {name}"));
            }
        }
    }
    if let Value::Array(items) = document {
        for item in items.iter().filter(|_| schema["items"].is_object()) {
            fits(description, &schema["items"], item, at);
        }
    }
}
