//! Programs and pages that open with a call.

use std::path::Path;

use serde_json::json;
use sidetone_interop::centre::Centre;

/// A program that writes its arguments down, one a line.
#[cfg(unix)]
fn program(folder: &Path, name: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let path = folder.join(name);
    let out = folder.join(format!("{name}.out"));
    // Written beside and moved, so that nobody reads half of it.
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n",
        out.display()
    );
    std::fs::write(&path, text).expect("a program");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("it can be run");
    path.display().to_string()
}

#[cfg(unix)]
#[test]
fn only_permitted_programs_open_and_they_get_the_calls_variables() {
    let centre = Centre::open(&[]);
    let (crm, other) = (
        program(centre.folder(), "crm"),
        program(centre.folder(), "other"),
    );
    let policy = centre.policy(&format!("[screenPop]\nprograms = ['{crm}']\n"));
    let mut desk = centre.ready_with("anna", &["--policy", &policy]);
    let args = json!(["{number}", "{queue}", "{Ticket}", "; rm -rf {name}"]);
    centre.set_centre(json!({ "screenPops": [
        { "on": "ringing", "queue": "support", "direction": "incoming", "open": { "program": { "path": crm, "args": args } } },
        { "on": "answered", "open": { "program": { "path": other, "args": [] } } },
    ] }));
    // The settings of the centre come without a word: the next call is theirs once they are there.
    centre.customer(json!({
        "number": "5550142", "name": "Ida $(id)", "variables": { "Ticket": "T 42" }, "talkSeconds": 60.0,
    }));
    desk.rings();
    let opened = centre.until("the program", || {
        std::fs::read_to_string(centre.folder().join("crm.out")).ok()
    });
    assert_eq!(opened, "5550142\nsupport\nT 42\n; rm -rf Ida $(id)\n");
    desk.tell("answer");
    let words = desk.says("not_allowed_here");
    assert!(words.contains("other"), "{words}");
    desk.hears();
    assert!(!centre.folder().join("other.out").exists());
    desk.hang_up();
    desk.quit();
}
