//! The first call, from end to end: starts the sandbox and the phone, takes a simulated customer's queue call and
//! compares the sound both sides heard with what the other said. Ends with one line of JSON on standard output:
//! `{"event":"result","queue_call":"taken","correlation":…,"level_db":…}`; exit code 1 when the call was not good.

use std::process::ExitCode;

use serde_json::{Value, json};
use sidetone_interop::compare::{Comparison, Sound, compare};
use sidetone_interop::phone::{Identity, Phone};
use sidetone_interop::sandbox::Sandbox;
use sidetone_interop::{WorkDir, speech};

/// Seconds of speech that must have come through.
const ENOUGH_S: f32 = 4.0;

fn main() -> ExitCode {
    let result = match WorkDir::new("first-call") {
        Ok(mut folder) => {
            let result = take_call(&folder);
            if !result.as_ref().is_ok_and(|(_, good)| *good) {
                folder.keep();
            }
            result
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok((line, good)) => {
            println!("{line}");
            if good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(reason) => {
            eprintln!("{reason}");
            println!(
                "{}",
                json!({ "event": "result", "queue_call": "failed", "reason": reason.to_string() })
            );
            ExitCode::FAILURE
        }
    }
}

fn take_call(folder: &WorkDir) -> Result<(Value, bool), Box<dyn std::error::Error>> {
    let agent_speech = speech::agent()?;
    let mut sandbox = Sandbox::open(folder.path(), &["--customers-every", "3", "--talk", "8"])?;
    eprintln!("the contact centre is open at {}", sandbox.server);
    let identity = Identity::Agent {
        server: &sandbox.server,
        name: "anna",
        password: &sandbox.password,
    };
    let mut phone = Phone::start(&identity, folder.path(), &sandbox.ca, &agent_speech)?;
    phone.green()?;
    eprintln!("the agent is signed in and registered: green light");
    let ringing = phone.call("ringing")?;
    eprintln!(
        "{} calls the queue; it rings",
        ringing["name"].as_str().unwrap_or("a customer")
    );
    phone.tell("answer")?;
    phone.call("up")?;
    eprintln!("answered; listening until the customer hangs up");
    let ended = sandbox.customer("ended")?;
    phone.call("ended")?;
    let media = phone
        .program()
        .said()
        .iter()
        .rfind(|event| event["event"] == "media")
        .cloned()
        .unwrap_or_default();

    let customer_said = speech::named(
        ended["speech"]
            .as_str()
            .ok_or("the sandbox names no speech for the customer")?,
    )?;
    let heard = folder.file("customer-heard.wav");
    std::fs::write(
        &heard,
        sandbox.fetch(&format!("/admin/api/calls/{}/heard.wav", ended["id"]))?,
    )?;
    let agent = compare(&Sound::read(phone.heard())?, &Sound::read(&customer_said)?)
        .ok_or("the agent heard nothing")?;
    let customer = compare(&Sound::read(&heard)?, &Sound::read(&agent_speech)?)
        .ok_or("the customer heard nothing")?;
    phone.quit()?;
    let good = agent.is_good(ENOUGH_S) && customer.is_good(ENOUGH_S);
    let figures = figures(&agent);
    let mut line = json!({
        "event": "result",
        "queue_call": "taken",
        "good": good,
        "codec": media["codec"],
        "keying": media["keying"],
        "customer_heard": self::figures(&customer),
    });
    if let (Some(line), Value::Object(figures)) = (line.as_object_mut(), figures) {
        line.extend(figures);
    }
    Ok((line, good))
}

fn figures(comparison: &Comparison) -> Value {
    let rounded = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
    json!({
        "correlation": rounded(comparison.correlation),
        "level_db": rounded(comparison.level_db),
        "missing": rounded(comparison.missing),
        "compared_s": rounded(comparison.compared_s),
    })
}
