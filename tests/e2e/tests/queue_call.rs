//! An agent's first minutes: signs in, sees green, takes a queue call and hears the customer, pauses, and is told
//! when the contact centre goes away.

use sidetone_e2e::bar::Bar;
use sidetone_e2e::centre::Centre;
use sidetone_e2e::desk::Desk;
use sidetone_interop::compare::{Sound, compare};
use sidetone_interop::speech;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const PASSWORD: &str = "sidetone-demo";
/// Width and height in pixels.
const RINGING_WINDOW: (u32, u32) = (380, 132);

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_signs_in_takes_a_queue_call_and_hears_the_customer() -> Outcome {
    let desk = Desk::set_up()?;
    let mut centre = Centre::open(desk.folder(), &[])?;
    let pictures = desk.pictures()?;
    let ca = centre.ca.display().to_string();
    let bar = Bar::open(&desk, &["--ca", &ca]).await?;

    // Sign in, first with a wrong password: the reason comes in words.
    sign_in(&bar, &centre, "wrong-password").await?;
    bar.wait_for("sign-in-notice", "data-code", "wrong_password")
        .await?;
    desk.photograph(&pictures.join("sign-in.png"))?;
    sign_in(&bar, &centre, PASSWORD).await?;
    bar.wait_for("light", "data-light", "green").await?;
    bar.wait_for("state-button", "data-state", "ready").await?;
    desk.photograph(&pictures.join("idle.png"))?;

    // A customer calls the queue: it rings, in the bar and in a window of its own.
    let (said, heard) = (speech::agent()?, desk.folder().join("heard-by-agent.wav"));
    let mouth = desk.speak(&said)?;
    let customer = centre
        .customer_calls("Grace Holloway", "+15550100", 12)
        .await?;
    bar.wait_for("call", "data-state", "ringing").await?;
    desk.photograph(&pictures.join("ringing.png"))?;
    desk.wait_for_window(RINGING_WINDOW, true)?;
    desk.photograph(&pictures.join("ringing-window.png"))?;
    assert_eq!(bar.words("call-name").await?, "Grace Holloway");

    bar.press("answer").await?;
    bar.wait_for("call", "data-state", "up").await?;
    // From here on: the ringtone before is not the customer.
    let ear = desk.listen(&heard)?;
    desk.wait_for_window(RINGING_WINDOW, false)?;
    desk.photograph(&pictures.join("in-call.png"))?;

    // The customer speaks, and hangs up after some seconds; the call leaves the bar by itself.
    let record = centre.wait_for_end(&customer)?;
    assert_eq!(record["result"], "answered", "{record}");
    bar.wait_until_gone("hang-up").await?;
    drop(mouth);
    drop(ear);
    let heard = Sound::read(&heard)?;
    let by_agent = likeness(&heard, &Sound::read(&customer.speech())?);
    assert!(
        by_agent > 0.8,
        "the agent did not hear the customer: likeness {by_agent}"
    );
    let by_customer = likeness(&centre.heard_by(&customer).await?, &Sound::read(&said)?);
    assert!(
        by_customer > 0.8,
        "the customer did not hear the agent: likeness {by_customer}"
    );

    // Pause with a reason, as the server confirms it, and back.
    bar.press("state-button").await?;
    bar.press_first("pause-reason-").await?;
    bar.wait_for("state-button", "data-state", "paused").await?;
    desk.photograph(&pictures.join("paused.png"))?;
    bar.press("state-button").await?;
    bar.wait_for("state-button", "data-state", "ready").await?;

    // The contact centre goes away: the light turns red and says why.
    drop(centre);
    bar.wait_for("light", "data-light", "red").await?;
    desk.photograph(&pictures.join("red-light.png"))?;
    bar.close().await?;
    Ok(())
}

/// The best correlation of four seconds in a row: whether the speech is in there. How evenly it plays on a machine
/// that does other work at the time is for the benchmarks to say.
fn likeness(heard: &Sound, said: &Sound) -> f32 {
    let (window, step) = (4 * heard.rate as usize, heard.rate as usize / 2);
    let starts = (0..heard.samples.len().saturating_sub(window)).step_by(step.max(1));
    starts
        .filter_map(|start| {
            let samples = heard.samples[start..start + window].to_vec();
            compare(
                &Sound {
                    rate: heard.rate,
                    samples,
                },
                said,
            )
        })
        .filter(|comparison| comparison.compared_s > 3.0)
        .map(|comparison| comparison.correlation)
        .fold(0.0, f32::max)
}

async fn sign_in(bar: &Bar, centre: &Centre, password: &str) -> Outcome {
    bar.type_into("sign-in-server", &centre.server).await?;
    bar.type_into("sign-in-name", "anna").await?;
    bar.type_into("sign-in-password", password).await?;
    bar.press("sign-in-submit").await?;
    Ok(())
}
