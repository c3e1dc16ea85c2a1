//! The table in `tests/README.md` is true: each test that it names exists, and no setting of the profile is missing.

use std::fs;
use std::path::{Path, PathBuf};

use sidetone_interop::workspace_root;

fn table() -> String {
    let text = fs::read_to_string(workspace_root().join("tests/README.md")).expect("the table");
    let at = text.find("## Every setting").expect("its heading");
    text[at..].to_owned()
}

/// Where the tests of a place are.
fn folder(place: &str) -> PathBuf {
    let root = workspace_root();
    match place {
        "agent" | "profile" => root.join("src-tauri/crates").join(place).join("tests"),
        "rules" | "bad_input" => root.join("tests/interop/tests").join(place),
        "asterisk" => root.join("tests/interop/tests"),
        "sandbox" | "e2e" => root.join("tests").join(place).join("tests"),
        "shell" => root.join("src-tauri/src"),
        "ui" => root.join("ui/src"),
        krate => root.join("src-tauri/crates").join(krate),
    }
}

/// Whether a file of this name below the folder has the test.
fn has(folder: &Path, stem: &str, test: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.filter_map(Result::ok).any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return has(&path, stem, test);
        }
        let of_page = path
            .file_name()
            .is_some_and(|name| *name == *format!("{stem}.test.ts"));
        let named = of_page || path.file_stem().is_some_and(|name| name == stem);
        named
            && fs::read_to_string(&path).is_ok_and(|text| {
                if of_page {
                    text.contains(&format!("it(\"{test}\""))
                } else {
                    is_test(&text, test)
                }
            })
    })
}

/// A function of this name with the attribute of a test in front of it.
fn is_test(text: &str, test: &str) -> bool {
    let Some(at) = text.find(&format!("fn {test}(")) else {
        return false;
    };
    let before = text[..at].trim_end();
    let before = before.strip_suffix("async").unwrap_or(before);
    before
        .lines()
        .rev()
        .map(str::trim)
        .take_while(|line| line.starts_with("#[") || line.is_empty())
        .any(|line| line.contains("test"))
}

/// What stands in backticks in the column of this number.
fn column(row: &str, number: usize) -> Vec<&str> {
    let cell = row.split('|').nth(number).unwrap_or_default();
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_test_that_the_table_names_exists() {
    let table = table();
    let mut missing = Vec::new();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        if row.starts_with("| setting or rule") {
            continue;
        }
        rows += 1;
        let proofs = column(row, 3);
        assert!(!proofs.is_empty(), "no proof: {row}");
        for proof in proofs {
            let found = proof.split_once("::").and_then(|(place, test)| {
                let (place, stem) = place.split_once('/')?;
                has(&folder(place), stem, test).then_some(())
            });
            if found.is_none() {
                missing.push(proof.to_owned());
            }
        }
    }
    assert!(rows > 60, "the table has only {rows} rows");
    assert!(
        missing.is_empty(),
        "named in the table and nowhere else: {missing:#?}"
    );
}

#[test]
fn every_setting_of_the_profile_has_its_row() {
    let table = table();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let listed: Vec<&str> = rows.flat_map(|row| column(row, 2)).collect();
    let page = workspace_root().join("src-tauri/crates/profile/tests/wire.rs");
    let text = fs::read_to_string(page).expect("the test of the wire names");
    let from = text
        .find("fn every_setting_is_read_by_its_wire_name")
        .expect("the list of names");
    let body = text[from..].split("\n}\n").next().unwrap_or_default();
    let names = body
        .split("json!({\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    // Who it is, and not how it is set.
    let settings: Vec<&str> = names
        .filter(|name| !["id", "name"].contains(name))
        .collect();
    assert!(settings.len() > 60, "too few settings: {settings:?}");
    let missing: Vec<&&str> = settings
        .iter()
        .filter(|name| !listed.contains(name))
        .collect();
    assert!(missing.is_empty(), "settings without a row: {missing:?}");
}
