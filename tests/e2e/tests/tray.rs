//! A call outlives its window: the bar is closed to the tray while a customer speaks, the call goes on, and the bar
//! comes back with it.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use sidetone_e2e::centre::Centre;
use sidetone_e2e::desk::Desk;
use sidetone_interop::compare::{Sound, compare};
use sidetone_interop::program::beside;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Width and height in pixels.
const BAR: (u32, u32) = (1100, 56);
const RINGING_WINDOW: (u32, u32) = (380, 132);

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_while_the_bar_is_in_the_tray() -> Outcome {
    let desk = Desk::set_up()?;
    let mut centre = Centre::open(desk.folder(), &[])?;
    let pictures = desk.pictures()?;

    // Ben answers by himself after three seconds; the password comes through a pipe.
    let mut bar = desk
        .command(beside("sidetone"))
        .args([
            "--server",
            &centre.server,
            "--name",
            "ben",
            "--password-fd",
            "0",
            "--ca",
        ])
        .arg(&centre.ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    bar.stdin
        .take()
        .ok_or("no standard input")?
        .write_all(b"sidetone-demo\n")?;
    let bar = KilledAtTheEnd(bar);
    desk.wait_for_window(BAR, true)?;

    // The customer waits in the queue until ben is ready. It rings in a window of its own, which goes when the
    // call is answered.
    let customer = centre
        .customer_calls("Oscar Whitfield", "+15550101", 25)
        .await?;
    desk.wait_for_window(RINGING_WINDOW, true)?;
    desk.photograph(&pictures.join("auto-answer.png"))?;
    desk.wait_for_window(RINGING_WINDOW, false)?;
    centre.wait_for_talk(&customer)?;

    // Closed: no window is left, and neither is its page.
    let pages = desk.pages(bar.0.id());
    desk.focus_window(BAR.1)?;
    desk.press_keys("alt+F4")?;
    desk.wait_for_window(BAR, false)?;
    desk.wait_until(
        || desk.pages(bar.0.id()) < pages,
        "the end of the bar's page",
    )?;

    // The customer is still heard.
    let heard = desk.folder().join("heard-in-the-tray.wav");
    let ear = desk.listen(&heard)?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    drop(ear);
    let comparison = compare(&Sound::read(&heard)?, &Sound::read(&customer.speech())?)
        .ok_or("nothing was heard while the bar was in the tray")?;
    assert!(comparison.compared_s > 2.0, "{comparison:?}");
    assert!(comparison.correlation > 0.6, "{comparison:?}");

    // A second start brings the first one's bar back, in the call; it ends by itself.
    let again = desk.command(beside("sidetone")).status()?;
    assert!(again.success(), "the second start ended with {again}");
    desk.wait_for_window(BAR, true)?;
    desk.photograph(&pictures.join("back-from-the-tray.png"))?;
    let record = centre.wait_for_end(&customer)?;
    assert_eq!(record["result"], "answered", "{record}");
    assert_eq!(
        record["endedBy"], "customer",
        "the call did not last: {record}"
    );
    Ok(())
}

struct KilledAtTheEnd(std::process::Child);

impl Drop for KilledAtTheEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
