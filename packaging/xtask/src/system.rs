//! What machine this is: its package manager, its rights.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A system's own package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// Debian, Ubuntu and their kin.
    Apt,
    /// Fedora and its kin.
    Dnf,
    /// Arch and its kin.
    Pacman,
    /// macOS.
    Brew,
    /// Windows.
    Winget,
}

impl Manager {
    /// This machine's.
    pub(crate) fn detect() -> Option<Self> {
        match std::env::consts::OS {
            "macos" => Some(Self::Brew),
            "windows" => Some(Self::Winget),
            "linux" => {
                Self::of_release(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
            }
            _ => None,
        }
    }

    fn of_release(text: &str) -> Option<Self> {
        let words = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("ID=")
                    .or_else(|| line.strip_prefix("ID_LIKE="))
            })
            .flat_map(|value| value.trim_matches('"').split_whitespace());
        for word in words {
            match word {
                "debian" | "ubuntu" => return Some(Self::Apt),
                "fedora" | "rhel" => return Some(Self::Dnf),
                "arch" => return Some(Self::Pacman),
                _ => {}
            }
        }
        None
    }

    /// What keeps services from starting when their packages are installed, now and at the next start; nothing where no
    /// systemd would start them. One that is there already is its owner's. `systemctl unmask` takes it back.
    pub(crate) fn keep_stopped(services: &[&str]) -> Option<Line> {
        let is_there = |service: &str| {
            ["/etc/systemd/system", "/usr/lib/systemd/system"]
                .iter()
                .any(|folder| std::path::Path::new(folder).join(service).exists())
        };
        let new: Vec<&str> = services
            .iter()
            .copied()
            .filter(|service| !is_there(service))
            .collect();
        let systemd = std::path::Path::new("/run/systemd/system").exists();
        (systemd && !new.is_empty()).then(|| Line {
            name: "keeping the packages' services from starting",
            administrator: true,
            words: ["systemctl", "mask"]
                .iter()
                .chain(&new)
                .map(|word| (*word).to_owned())
                .collect(),
        })
    }

    /// The command lines that install `packages`, in order; those that need the administrator are marked.
    pub(crate) fn install(self, packages: &[&str]) -> Vec<Line> {
        let line = |administrator: bool, words: &[&str], packages: &[&str]| Line {
            name: if words.last() == Some(&"update") {
                "fetching the lists of packages"
            } else {
                "installing the packages"
            },
            administrator,
            words: words
                .iter()
                .chain(packages)
                .map(|word| (*word).to_owned())
                .collect(),
        };
        match self {
            Self::Apt => vec![
                line(
                    true,
                    &["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "update"],
                    &[],
                ),
                line(
                    true,
                    &[
                        "env",
                        "DEBIAN_FRONTEND=noninteractive",
                        "apt-get",
                        "-q",
                        "-y",
                        "-o",
                        "DPkg::Lock::Timeout=600",
                        "install",
                        "--no-install-recommends",
                    ],
                    packages,
                ),
            ],
            Self::Dnf => vec![line(true, &["dnf", "-y", "install"], packages)],
            Self::Pacman => vec![line(
                true,
                &["pacman", "-S", "--needed", "--noconfirm"],
                packages,
            )],
            Self::Brew => vec![line(false, &["brew", "install"], packages)],
            // winget takes one package a call.
            Self::Winget => packages
                .iter()
                .map(|package| {
                    line(
                        false,
                        &[
                            "winget",
                            "install",
                            "--exact",
                            "--accept-package-agreements",
                            "--id",
                        ],
                        &[package],
                    )
                })
                .collect(),
        }
    }
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    name: &'static str,
    administrator: bool,
    words: Vec<String>,
}

impl Line {
    /// What it does, in words.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// As it is run: with sudo when it needs the administrator and this user is not.
    pub(crate) fn words(&self) -> Vec<String> {
        if self.administrator && !is_root() {
            std::iter::once("sudo".to_owned())
                .chain(self.words.iter().cloned())
                .collect()
        } else {
            self.words.clone()
        }
    }
}

/// Whether this user is the administrator (on Unix).
pub(crate) fn is_root() -> bool {
    cfg!(unix) && output("id", &["-u"]).is_some_and(|text| text.trim() == "0")
}

/// Whether somebody can be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        // On Debian a user's own PATH lacks these.
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .flat_map(|folder| [folder.join(&name), folder.join(program)])
        .find(|file| file.is_file())
}

/// What a program prints, when it succeeds.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_names_the_package_manager() {
        let table = [
            ("PRETTY_NAME=\"Debian\"\nID=debian\n", Some(Manager::Apt)),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                Some(Manager::Apt),
            ),
            ("ID=fedora\n", Some(Manager::Dnf)),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                Some(Manager::Dnf),
            ),
            ("ID=manjaro\nID_LIKE=arch\n", Some(Manager::Pacman)),
            ("ID=nixos\n", None),
            ("", None),
        ];
        for (text, manager) in table {
            assert_eq!(Manager::of_release(text), manager, "{text}");
        }
    }
}
