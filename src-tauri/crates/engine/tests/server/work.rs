use serde_json::json;
use sidetone_engine::agent::Command;
use sidetone_sandbox::Config;

use crate::centre::{Centre, agent};

#[tokio::test(flavor = "multi_thread")]
async fn work_lists_come_to_the_bar_and_what_the_agent_says_of_them_comes_to_the_server() {
    let centre = Centre::start("work", Config::default()).await;
    let phone = centre.phone("anna").await;
    phone.sign_in(&centre, "anna");
    phone.until_green().await;
    let path = format!("/agents/{}", agent(&centre, "anna").await["id"]);

    let chat = json!({"channel": "chat", "from": "Ms Doe", "queue": "web", "offered": true});
    centre
        .admin("POST", &format!("{path}/interactions"), chat)
        .await;
    let interaction = phone
        .until("the offer", |s| {
            Some(s.view.interactions.first()?.id.clone())
        })
        .await;
    phone.ask(Command::AcceptInteraction { interaction });
    phone
        .until("the server's word", |s| {
            let taken = s.view.interactions.first()?;
            (!taken.offered && taken.from == "Ms Doe").then_some(())
        })
        .await;

    let callback = json!({"name": "Ada", "number": "+1 202 555 0199", "note": "after lunch"});
    centre
        .admin("POST", &format!("{path}/callbacks"), callback)
        .await;
    let callback = phone
        .until("the callback", |s| {
            Some(s.view.callbacks.first()?.id.clone())
        })
        .await;
    phone.ask(Command::FinishCallback {
        callback,
        done: true,
    });
    phone
        .until("its end", |s| s.view.callbacks.is_empty().then_some(()))
        .await;
    phone.engine.shut_down().await;
}
