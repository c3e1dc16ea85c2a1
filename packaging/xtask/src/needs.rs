//! What this machine must have, for which purpose, and what the packages are called where.

use crate::system::{self, Manager};

/// What it is needed for; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// The phone without a window, and the sandbox.
    Headless,
    /// The bar.
    Bar,
    /// Every test.
    Test,
}

/// One thing a machine must have.
#[derive(Debug)]
pub(crate) struct Need {
    /// As people call it.
    pub(crate) name: &'static str,
    pub(crate) purpose: Purpose,
    /// Only Linux needs it.
    linux_only: bool,
    /// Services that its packages would start, with everything listening at every address; the tests start their own.
    services: &'static str,
    probe: Probe,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    brew: &'static str,
    winget: &'static str,
}

#[derive(Debug)]
enum Probe {
    Program(&'static str),
    /// One of them.
    Programs(&'static [&'static str]),
    /// By pkg-config.
    Library(&'static str),
    /// One of these files.
    File(&'static [&'static str]),
    /// At least this version.
    Node(u32, u32),
    /// `cargo NAME --version` works.
    CargoCommand(&'static str),
}

impl Need {
    pub(crate) fn is_met(&self) -> bool {
        match self.probe {
            Probe::Program(name) => system::find(name).is_some(),
            Probe::Programs(names) => names.iter().any(|name| system::find(name).is_some()),
            Probe::Library(name) => system::output("pkg-config", &["--modversion", name]).is_some(),
            Probe::File(files) => files.iter().any(|file| std::path::Path::new(file).exists()),
            Probe::Node(major, minor) => system::output("node", &["--version"])
                .and_then(|text| version(&text))
                .is_some_and(|found| found >= (major, minor)),
            Probe::CargoCommand(name) => system::output("cargo", &[name, "--version"]).is_some(),
        }
    }

    /// Its packages; empty when the package manager has none.
    pub(crate) fn packages(&self, manager: Manager) -> Vec<&'static str> {
        match manager {
            Manager::Apt => self.apt,
            Manager::Dnf => self.dnf,
            Manager::Pacman => self.pacman,
            Manager::Brew => self.brew,
            Manager::Winget => self.winget,
        }
        .split_whitespace()
        .collect()
    }

    /// The services that must not start when it is installed.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'static str> {
        self.services.split_whitespace()
    }

    /// How to get it where no package manager has it.
    pub(crate) fn by_hand(&self) -> String {
        match self.probe {
            Probe::Node(major, minor) => format!(
                "Install Node {major}.{minor} or newer from nodejs.org or with a version manager (nvm, fnm, volta)."
            ),
            Probe::CargoCommand("fmt") => "rustup component add rustfmt".to_owned(),
            Probe::CargoCommand("clippy") => "rustup component add clippy".to_owned(),
            _ => format!("Install {} with your system's package manager.", self.name),
        }
    }
}

/// What is missing here for a purpose.
pub(crate) fn missing(purpose: Purpose) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| need.purpose <= purpose && (!need.linux_only || cfg!(target_os = "linux")))
        .filter(|need| !need.is_met())
        .collect()
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

const fn need(name: &'static str, purpose: Purpose, probe: Probe) -> Need {
    Need {
        name,
        purpose,
        linux_only: false,
        services: "",
        probe,
        apt: "",
        dnf: "",
        pacman: "",
        brew: "",
        winget: "",
    }
}

const fn linux(
    name: &'static str,
    purpose: Purpose,
    probe: Probe,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
) -> Need {
    Need {
        name,
        purpose,
        linux_only: true,
        services: "",
        probe,
        apt,
        dnf,
        pacman,
        brew: "",
        winget: "",
    }
}

static NEEDS: &[Need] = &[
    Need {
        apt: "build-essential",
        dnf: "gcc gcc-c++ make",
        pacman: "base-devel",
        winget: "Microsoft.VisualStudio.2022.BuildTools",
        ..need(
            "a C compiler",
            Purpose::Headless,
            // On Windows cargo finds Visual Studio's by itself; this program could not be built without it.
            Probe::Programs(if cfg!(windows) {
                &["cargo"]
            } else {
                &["cc", "gcc", "clang"]
            }),
        )
    },
    Need {
        apt: "cmake",
        dnf: "cmake",
        pacman: "cmake",
        brew: "cmake",
        winget: "Kitware.CMake",
        ..need(
            "cmake (builds the Opus codec)",
            Purpose::Headless,
            Probe::Program("cmake"),
        )
    },
    linux(
        "pkg-config",
        Purpose::Headless,
        Probe::Program("pkg-config"),
        "pkg-config",
        "pkgconf-pkg-config",
        "pkgconf",
    ),
    linux(
        "ALSA's headers (sound)",
        Purpose::Headless,
        Probe::Library("alsa"),
        "libasound2-dev",
        "alsa-lib-devel",
        "alsa-lib",
    ),
    linux(
        "D-Bus's headers (thread priority, keychain)",
        Purpose::Headless,
        Probe::Library("dbus-1"),
        "libdbus-1-dev",
        "dbus-devel",
        "dbus",
    ),
    Need {
        dnf: "nodejs npm",
        pacman: "nodejs npm",
        brew: "node",
        winget: "OpenJS.NodeJS.LTS",
        ..need("Node 20.19 or newer", Purpose::Bar, Probe::Node(20, 19))
    },
    linux(
        "WebKitGTK 4.1's headers (the window)",
        Purpose::Bar,
        Probe::Library("webkit2gtk-4.1"),
        "libwebkit2gtk-4.1-dev",
        "webkit2gtk4.1-devel",
        "webkit2gtk-4.1",
    ),
    linux(
        "librsvg's headers (icons)",
        Purpose::Bar,
        Probe::Library("librsvg-2.0"),
        "librsvg2-dev",
        "librsvg2-devel",
        "librsvg",
    ),
    linux(
        "the tray's library",
        Purpose::Bar,
        Probe::Library("ayatana-appindicator3-0.1"),
        "libayatana-appindicator3-dev",
        "libayatana-appindicator-gtk3-devel",
        "libayatana-appindicator",
    ),
    linux(
        "libxdo (keyboard)",
        Purpose::Bar,
        Probe::File(&["/usr/include/xdo.h"]),
        "libxdo-dev",
        "libxdo-devel",
        "xdotool",
    ),
    need("rustfmt", Purpose::Test, Probe::CargoCommand("fmt")),
    need("clippy", Purpose::Test, Probe::CargoCommand("clippy")),
    linux(
        "a display without a screen",
        Purpose::Test,
        Probe::Program("Xvfb"),
        "xvfb",
        "xorg-x11-server-Xvfb",
        "xorg-server-xvfb",
    ),
    linux(
        "a window manager",
        Purpose::Test,
        Probe::Program("openbox"),
        "openbox",
        "openbox",
        "openbox",
    ),
    linux(
        "a session bus",
        Purpose::Test,
        Probe::Program("dbus-daemon"),
        "dbus",
        "dbus-daemon",
        "dbus",
    ),
    linux(
        "a notification server",
        Purpose::Test,
        Probe::File(&[
            "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd",
            "/usr/lib/aarch64-linux-gnu/xfce4/notifyd/xfce4-notifyd",
            "/usr/lib64/xfce4/notifyd/xfce4-notifyd",
            "/usr/lib/xfce4/notifyd/xfce4-notifyd",
        ]),
        "xfce4-notifyd",
        "xfce4-notifyd",
        "xfce4-notifyd",
    ),
    linux(
        "a tray host",
        Purpose::Test,
        Probe::File(&[
            "/usr/libexec/ayatana-indicator-application/ayatana-indicator-application-service",
        ]),
        "ayatana-indicator-application",
        "ayatana-indicator-application",
        "ayatana-indicator-application",
    ),
    linux(
        "WebKit's WebDriver",
        Purpose::Test,
        Probe::Program("WebKitWebDriver"),
        "webkit2gtk-driver",
        "webkit2gtk-driver",
        "webkit2gtk-4.1",
    ),
    linux(
        "a sound server",
        Purpose::Test,
        Probe::Program("pulseaudio"),
        "pulseaudio",
        "pulseaudio",
        "pulseaudio",
    ),
    linux(
        "the sound server's tools",
        Purpose::Test,
        Probe::Program("pactl"),
        "pulseaudio-utils",
        "pulseaudio-utils",
        "libpulse",
    ),
    linux(
        "ALSA's way to the sound server",
        Purpose::Test,
        Probe::File(&[
            "/usr/lib/x86_64-linux-gnu/alsa-lib/libasound_module_pcm_pulse.so",
            "/usr/lib/aarch64-linux-gnu/alsa-lib/libasound_module_pcm_pulse.so",
            "/usr/lib64/alsa-lib/libasound_module_pcm_pulse.so",
            "/usr/lib/alsa-lib/libasound_module_pcm_pulse.so",
        ]),
        "libasound2-plugins",
        "alsa-plugins-pulseaudio",
        "alsa-plugins",
    ),
    linux(
        "ImageMagick (pictures of the screen)",
        Purpose::Test,
        Probe::Program("import"),
        "imagemagick",
        "ImageMagick",
        "imagemagick",
    ),
    linux(
        "Chromium (looks at every screen)",
        Purpose::Test,
        Probe::Program("chromium"),
        "chromium",
        "chromium",
        "chromium",
    ),
    linux(
        "a keychain",
        Purpose::Test,
        Probe::Program("gnome-keyring-daemon"),
        "gnome-keyring",
        "gnome-keyring",
        "gnome-keyring",
    ),
    linux(
        "ip (network namespaces)",
        Purpose::Test,
        Probe::Program("ip"),
        "iproute2",
        "iproute",
        "iproute2",
    ),
    linux(
        "unshare",
        Purpose::Test,
        Probe::Program("unshare"),
        "util-linux",
        "util-linux",
        "util-linux",
    ),
    linux(
        "debootstrap (the root folder of a real Asterisk)",
        Purpose::Test,
        Probe::Program("debootstrap"),
        "debootstrap",
        "debootstrap",
        "debootstrap",
    ),
    linux(
        "nft (loses packets on purpose)",
        Purpose::Test,
        Probe::File(&["/usr/sbin/nft", "/usr/bin/nft"]),
        "nftables",
        "nftables",
        "nftables",
    ),
    linux(
        "openssl (RSA certificates)",
        Purpose::Test,
        Probe::Program("openssl"),
        "openssl",
        "openssl",
        "openssl",
    ),
    linux(
        "a TURN server",
        Purpose::Test,
        Probe::Program("turnserver"),
        "coturn",
        "coturn",
        "coturn",
    ),
    linux(
        "baresip",
        Purpose::Test,
        Probe::Program("baresip"),
        "baresip-core",
        "baresip",
        "baresip",
    ),
    Need {
        services: "kamailio.service",
        ..linux(
            "Kamailio with TLS and WebSockets",
            Purpose::Test,
            Probe::File(&[
                "/usr/lib/x86_64-linux-gnu/kamailio/modules/websocket.so",
                "/usr/lib/aarch64-linux-gnu/kamailio/modules/websocket.so",
            ]),
            "kamailio kamailio-tls-modules kamailio-websocket-modules",
            "kamailio kamailio-tls kamailio-websocket",
            "",
        )
    },
    Need {
        services: "rtpengine.service rtpengine-daemon.service",
        ..linux(
            "rtpengine",
            Purpose::Test,
            Probe::Program("rtpengine"),
            "rtpengine-daemon",
            "",
            "",
        )
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(version("v20.19.2\n"), Some((20, 19)));
        assert!(version("v9.11.1") < Some((20, 19)));
        assert!(version("v24.1.0") > Some((20, 19)));
        assert_eq!(version("nonsense"), None);
    }

    #[test]
    fn debian_has_a_package_for_everything_that_only_linux_needs() {
        for need in NEEDS.iter().filter(|need| need.linux_only) {
            assert!(!need.packages(Manager::Apt).is_empty(), "{}", need.name);
        }
    }
}
