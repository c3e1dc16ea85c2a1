//! Opening an address in the system's browser.

use tauri::Url;

/// Opens it, when it is one that may leave for the browser; the engine has allowed it already, and this is the
/// last door.
pub(crate) fn open(address: &str) {
    let Some(address) = checked(address) else {
        tracing::warn!("an address that is not https was not opened");
        return;
    };
    // Some systems' openers wait for the browser to end: not on this thread.
    let started = std::thread::Builder::new()
        .name("browser".to_owned())
        .spawn(move || {
            if let Err(fault) = open::that_detached(address.as_str()) {
                tracing::warn!(%fault, host = address.host_str(), "the browser could not be opened");
            }
        });
    if let Err(fault) = started {
        tracing::warn!(%fault, "the browser could not be opened");
    }
}

/// An `https:` address with a host and without a name or password in it; everything else could start a program.
fn checked(address: &str) -> Option<Url> {
    let address = Url::parse(address).ok()?;
    let plain = address.username().is_empty() && address.password().is_none();
    (address.scheme() == "https" && address.host_str().is_some() && plain).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn only_https_addresses_leave_for_the_browser() {
        for address in [
            "https://crm.example.com/contact?number=%2B15550100",
            "HTTPS://crm.example.com",
            "https://127.0.0.1:8443/api/auth/sso/authorize?state=x",
        ] {
            assert!(checked(address).is_some(), "{address}");
        }
        for address in [
            "http://crm.example.com",
            "http://127.0.0.1:9888/api/hangup",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "ms-settings:privacy",
            "https://",
            "https://alice@crm.example.com",
            "https://alice:secret@crm.example.com",
            "C:\\Windows\\notepad.exe",
            "--help",
            "",
        ] {
            assert!(checked(address).is_none(), "{address}");
        }
    }

    #[test]
    fn what_a_shell_or_an_opener_could_misread_is_written_as_an_address() {
        let address = checked("https://crm.example.com/a b\"&calc|\n").expect("still an address");
        assert!(!address.as_str().contains([' ', '"', '\n']), "{address}");
    }
}
