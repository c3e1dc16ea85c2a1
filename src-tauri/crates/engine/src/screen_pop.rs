use std::path::Path;
use std::process::Stdio;

use sidetone_profile::{PopAllowList, PopTarget};
use url::Url;

/// What a screen pop may open on this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    /// IT's word.
    pub(crate) allowed: PopAllowList,
    /// The contact-centre server; its own pages may always be opened.
    pub(crate) server: Option<Url>,
    /// The web desktop, where the server says that it is elsewhere.
    pub(crate) desktop: Option<Url>,
}

/// Something that may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// In the system's browser.
    Address(Url),
    /// To be started as it is.
    Program { path: String, args: Vec<String> },
}

impl Gate {
    /// Lets through what may be opened; the words of an error say why not.
    pub(crate) fn check(&self, target: PopTarget) -> Result<Opening, String> {
        match target {
            PopTarget::Url(text) => self.address(&text).map(Opening::Address),
            PopTarget::Program { path, args } => {
                let target = PopTarget::Program {
                    path: path.clone(),
                    args: Vec::new(),
                };
                self.program(&target, &path)?;
                Ok(Opening::Program { path, args })
            }
        }
    }

    /// A page of the server, named by its path, or another address that may be opened.
    pub(crate) fn page(&self, address: &str) -> Result<Url, String> {
        match self.desktop.as_ref().or(self.server.as_ref()) {
            Some(desktop) => {
                let page = desktop
                    .join(address)
                    .map_err(|fault| format!("{address} is not an address: {fault}"))?;
                let own = page.scheme() == "https" && page.origin() == desktop.origin();
                if own {
                    Ok(page)
                } else {
                    self.address(page.as_str())
                }
            }
            None => self.address(address),
        }
    }

    fn address(&self, text: &str) -> Result<Url, String> {
        let url = Url::parse(text).map_err(|fault| format!("{text} is not an address: {fault}"))?;
        if url.scheme() != "https" {
            return Err(format!(
                "an address must begin with https://, this one begins with {}:",
                url.scheme()
            ));
        }
        // As the browser will read it, not as it was written.
        let target = PopTarget::Url(url.to_string());
        self.permits(&target)?;
        Ok(url)
    }

    fn program(&self, target: &PopTarget, path: &str) -> Result<(), String> {
        self.permits(target)?;
        let script = Path::new(path).extension().is_some_and(|ending| {
            ["bat", "cmd"]
                .iter()
                .any(|known| ending.eq_ignore_ascii_case(known))
        });
        if cfg!(windows) && script {
            return Err(format!("{path} would be read by a shell"));
        }
        Ok(())
    }

    fn permits(&self, target: &PopTarget) -> Result<(), String> {
        let own = self.server.as_ref().map(Url::as_str);
        self.allowed
            .permits(target, own)
            .map_err(|refusal| format!("your IT does not allow it: {refusal}"))
    }
}

/// Starts a program with these arguments, on its own: no shell, nothing of our input and output, and it lives on
/// when the phone ends. Must be called in a tokio runtime, which takes note of its end.
pub(crate) fn start(path: &str, args: &[String]) -> Result<(), String> {
    let mut command = tokio::process::Command::new(path);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(false);
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    let mut child = command
        .spawn()
        .map_err(|fault| format!("{path} could not be started: {fault}"))?;
    tokio::spawn(async move {
        match child.wait().await {
            Ok(end) => tracing::debug!(%end, "a program of a screen pop ended"),
            Err(fault) => tracing::debug!(%fault, "a program of a screen pop"),
        }
    });
    Ok(())
}

#[cfg(windows)]
const DETACHED_PROCESS: u32 = 0x0000_0008;
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate {
            allowed: PopAllowList {
                hosts: vec!["crm.example".to_owned(), "*.apps.example".to_owned()],
                programs: vec![program("crm")],
            },
            server: Some("https://cc.example:8443/".parse().unwrap()),
            desktop: None,
        }
    }

    fn program(name: &str) -> String {
        if cfg!(windows) {
            format!("C:\\crm\\{name}.exe")
        } else {
            format!("/opt/crm/{name}")
        }
    }

    #[test]
    fn only_what_it_allows_opens() {
        for address in [
            "https://cc.example/x?number=1",
            "https://CC.example:9/x",
            "https://crm.example/?q=a%20b",
            "https://a.b.apps.example/",
        ] {
            assert!(
                gate().check(PopTarget::Url(address.to_owned())).is_ok(),
                "{address}"
            );
        }
        for (address, word) in [
            ("http://cc.example/", "https"),
            ("file:///etc/passwd", "https"),
            ("javascript:alert(1)", "https"),
            ("ms-calculator://x", "https"),
            ("https://cc.example.evil.example/", "not on the list"),
            ("https://evil.example/cc.example", "not on the list"),
            ("https://cc.example@evil.example/", "a name stands before"),
            ("https://apps.example/", "not on the list"),
            ("https://evilapps.example/", "not on the list"),
            ("https://cc.example\\@evil.example/", "name|list"),
            ("cc.example", "not an address"),
            ("", "not an address"),
        ] {
            match gate().check(PopTarget::Url(address.to_owned())) {
                // Browsers read a backslash as a slash, and so does the check.
                Ok(Opening::Address(url)) => {
                    assert_eq!(url.host_str(), Some("cc.example"), "{address}");
                }
                Ok(other) => panic!("{other:?}"),
                Err(fault) => assert!(
                    word.split('|').any(|w| fault.contains(w)),
                    "{address}: {fault}"
                ),
            }
        }
    }

    #[test]
    fn without_a_policy_only_the_server_itself_opens() {
        let gate = Gate {
            allowed: PopAllowList::default(),
            ..gate()
        };
        assert!(
            gate.check(PopTarget::Url("https://cc.example/a".to_owned()))
                .is_ok()
        );
        assert!(
            gate.check(PopTarget::Url("https://crm.example/a".to_owned()))
                .is_err()
        );
        let target = PopTarget::Program {
            path: program("crm"),
            args: Vec::new(),
        };
        assert!(gate.check(target).unwrap_err().contains("not on the list"));
    }

    #[test]
    fn a_program_is_the_one_that_it_named_and_its_arguments_stay_as_they_are() {
        let args = vec!["; rm -rf /".to_owned(), "$(id)".to_owned(), String::new()];
        let path = program("crm");
        let target = PopTarget::Program {
            path: path.clone(),
            args: args.clone(),
        };
        assert_eq!(gate().check(target), Ok(Opening::Program { path, args }));
        for path in [
            "crm",
            "./crm",
            "/opt/crm/../crm/crm",
            "/opt/crm/crm2",
            "/bin/sh",
            "",
        ] {
            let target = PopTarget::Program {
                path: path.to_owned(),
                args: Vec::new(),
            };
            assert!(gate().check(target).is_err(), "{path}");
        }
    }

    #[test]
    fn pages_of_the_desktop_are_relative_to_the_server() {
        assert_eq!(
            gate().page("/desktop/chat/7").unwrap().as_str(),
            "https://cc.example:8443/desktop/chat/7"
        );
        assert!(gate().page("https://crm.example/7").is_ok());
        let elsewhere = Gate {
            desktop: Some("https://desk.example/app/".parse().unwrap()),
            ..gate()
        };
        assert_eq!(
            elsewhere.page("chat/7").unwrap().as_str(),
            "https://desk.example/app/chat/7"
        );
        assert!(elsewhere.page("https://cc.example/x").is_ok());
        for address in [
            "//evil.example/7",
            "https://evil.example/",
            "javascript:alert(1)",
        ] {
            assert!(gate().page(address).is_err(), "{address}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn no_shell_reads_the_arguments() {
        let said = std::env::temp_dir().join(format!("sidetone-pop-{}", std::process::id()));
        let said = said.display().to_string();
        // `cp` makes the file; a shell would have run what stands behind the name.
        let source = format!("{said} ; touch shell-was-here");
        std::fs::write(&source, "x").unwrap();
        start("/bin/cp", &[source.clone(), said.clone()]).unwrap();
        let made = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while !Path::new(&said).exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
        made.await.expect("the program ran");
        assert!(!Path::new("shell-was-here").exists());
        for file in [source, said] {
            std::fs::remove_file(file).unwrap();
        }
        assert!(
            start("/nonexistent/program", &[])
                .unwrap_err()
                .contains("could not be started")
        );
    }
}
