//! The administrator changes what an agent's phone must do while the agent is signed in, and the window follows: it
//! answers by itself, may record, hides who calls, and says to the contact centre what a call was about.

use std::path::PathBuf;

use serde_json::json;
use sidetone_e2e::bar::Bar;
use sidetone_e2e::centre::Centre;
use sidetone_e2e::desk::Desk;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const AGENT: &str = "anna";
const PASSWORD: &str = "sidetone-demo";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_administrator_changes_holds_for_the_next_call() -> Outcome {
    let desk = Desk::set_up()?;
    let mut centre = Centre::open(desk.folder(), &[])?;
    let pictures = desk.pictures()?;
    let ca = centre.ca.display().to_string();
    centre
        .configure(AGENT, &json!({ "phoneBarEnableRecording": false }))
        .await?;
    let bar = Bar::open(&desk, &["--ca", &ca]).await?;
    sign_in(&bar, &centre).await?;

    // Auto answer is switched on: the agent is told, and the next call counts down and is answered by itself.
    centre
        .configure(
            AGENT,
            &json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 4 }),
        )
        .await?;
    bar.wait_for("toast", "data-code", "settings_changed")
        .await?;
    let customer = centre
        .customer_calls("Grace Holloway", "+15550100", 60)
        .await?;
    bar.wait_for("call", "data-state", "ringing").await?;
    let countdown = bar.words("call-state").await?;
    assert!(
        countdown.chars().any(|c| ('1'..='4').contains(&c)),
        "no seconds are counted down: {countdown}"
    );
    desk.photograph(&pictures.join("rules-countdown.png"))?;
    bar.wait_for("call", "data-state", "up").await?;
    centre.wait_for_talk(&customer)?;

    // Recording is allowed: the button comes into the call that is up, and records.
    assert!(!bar.shows("record").await?, "recording was not allowed yet");
    centre
        .configure(AGENT, &json!({ "phoneBarEnableRecording": true }))
        .await?;
    bar.press("record").await?;
    bar.wait_for("call", "data-recording", "on").await?;
    desk.photograph(&pictures.join("rules-recorded.png"))?;
    bar.press("pause-recording").await?;
    bar.wait_for("call", "data-recording", "paused").await?;
    bar.press("hang-up").await?;
    bar.wait_until_gone("hang-up").await?;

    // Customers' data is hidden: neither name nor number of the next one is anywhere on the screen.
    centre
        .configure(AGENT, &json!({ "privacyEnabled": true }))
        .await?;
    centre
        .configure_all(&json!({ "wrapUpSeconds": 600, "dispositionRequired": true }))
        .await?;
    bar.press("more").await?;
    bar.press("settings").await?;
    bar.press("group-security").await?;
    bar.wait_for("setting-privacyEnabled", "data-layer", "server")
        .await?;
    bar.press("more").await?;
    bar.press("more").await?;
    let customer = centre
        .customer_calls("Oscar Whitfield", "+15550101", 60)
        .await?;
    bar.wait_for("call", "data-state", "ringing").await?;
    let screen = bar.screen_text().await;
    for clear in ["Oscar", "Whitfield", "15550101", "555 0101", "0101"] {
        assert!(
            !screen.contains(clear),
            "the screen shows {clear}: {screen}"
        );
    }
    desk.photograph(&pictures.join("rules-masked.png"))?;
    bar.wait_for("call", "data-state", "up").await?;
    centre.wait_for_talk(&customer)?;
    bar.press("hang-up").await?;

    // After the call the agent has to say what it was about before going on; the contact centre gets to know.
    bar.wait_for("wrap-up", "data-required", "true").await?;
    bar.press("dispose").await?;
    bar.press("disposition-1").await?;
    bar.press("disposition-2").await?;
    bar.press("disposition-3").await?;
    bar.type_into("disposition-note", "wants a second one")
        .await?;
    desk.photograph(&pictures.join("rules-disposition.png"))?;
    bar.press("disposition-save").await?;
    bar.wait_for("wrap-up", "data-disposed", "true").await?;
    let kept = centre.disposed_by(AGENT).await?;
    assert_eq!(kept["count"], 1, "{kept}");
    assert_eq!(kept["rows"][0]["path"], json!([1, 2, 3]), "{kept}");
    assert_eq!(kept["rows"][0]["note"], "wants a second one", "{kept}");
    bar.press("finish-wrap-up").await?;
    bar.wait_until_gone("wrap-up").await?;

    // What was not answered or was, stands in the history, hidden too.
    bar.press("work").await?;
    bar.find("work-list").await?;
    let screen = bar.screen_text().await;
    assert!(!screen.contains("0101"), "the history shows {screen}");

    // The messages of the calls can be read and kept for the administrator, without who called.
    bar.press("light").await?;
    bar.press("trace").await?;
    bar.find("trace-lines").await?;
    bar.wait_for("trace-lines", "data-read", "true").await?;
    let lines = bar.words("trace-lines").await?;
    for word in ["REGISTER", "INVITE", "SIP/2.0 200 OK", "BYE"] {
        assert!(lines.contains(word), "no {word} in {lines}");
    }
    desk.photograph(&pictures.join("rules-trace.png"))?;
    for (button, ending) in [
        ("trace-keep", "pcap"),
        ("trace-text", "txt"),
        ("trace-text", "txt"),
    ] {
        bar.press(button).await?;
        bar.wait_for("trace-outcome", "data-kept", "true").await?;
        let file = PathBuf::from(bar.words("trace-file").await?);
        assert_eq!(file.parent(), Some(desk.downloads().as_path()));
        assert_eq!(file.extension(), Some(ending.as_ref()), "{file:?}");
        let trace = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        assert!(trace.contains("INVITE") && trace.contains("m=audio"));
        for clear in ["Whitfield", "15550101", "Holloway", "15550100", PASSWORD] {
            assert!(!trace.contains(clear), "{file:?} has {clear}");
            assert!(!lines.contains(clear), "the list shows {clear}: {lines}");
        }
    }
    assert_eq!(std::fs::read_dir(desk.downloads())?.count(), 3);
    bar.close().await?;
    Ok(())
}

async fn sign_in(bar: &Bar, centre: &Centre) -> Outcome {
    bar.type_into("sign-in-server", &centre.server).await?;
    bar.type_into("sign-in-name", AGENT).await?;
    bar.type_into("sign-in-password", PASSWORD).await?;
    bar.press("sign-in-submit").await?;
    bar.wait_for("light", "data-light", "green").await?;
    bar.wait_for("state-button", "data-state", "ready").await?;
    Ok(())
}
