use std::path::{Path, PathBuf};

use sidetone_media::{Recording, RecordingChannels, RecordingFormat};
use sidetone_profile::RecordingFormat as Wanted;

use crate::{clock, private};

const FOLDER: &str = "recordings";
/// Letters of a label that a file name takes.
const LABEL: usize = 60;

/// Where recordings go; `None` when the phone keeps nothing on this machine.
pub(crate) fn folder(policy: Option<&Path>, settings: Option<&Path>) -> Option<PathBuf> {
    policy
        .map(Path::to_owned)
        .or_else(|| settings.map(|dir| dir.join(FOLDER)))
}

/// A recording that can begin: its folder is there, and its name is free.
pub(crate) fn plan(
    folder: Option<&Path>,
    unix_ms: u64,
    label: &str,
    wanted: Wanted,
) -> Result<Recording, String> {
    let folder = folder.ok_or("there is no folder for recordings")?;
    let format = match wanted {
        Wanted::Inactive => return Err("no recording format is set".to_owned()),
        Wanted::Wav => RecordingFormat::Wav,
        Wanted::Wav49 => RecordingFormat::Wav49,
        Wanted::Gsm => RecordingFormat::Gsm,
    };
    private::folder(folder)
        .map_err(|fault| format!("the folder {} cannot be used: {fault}", folder.display()))?;
    let stem = stem(unix_ms, label);
    let ending = format.extension();
    let path = (1_u32..)
        .map(|n| match n {
            1 => folder.join(format!("{stem}.{ending}")),
            n => folder.join(format!("{stem}_{n}.{ending}")),
        })
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join(&stem));
    Ok(Recording {
        path,
        format,
        channels: match wanted {
            Wanted::Wav => RecordingChannels::AgentLeftCustomerRight,
            _ => RecordingChannels::MonoMix,
        },
    })
}

/// `2026-11-22T18-46-43Z_xxx100_support`: sorted by time, and a name on every file system.
fn stem(unix_ms: u64, label: &str) -> String {
    let time = clock::stamp(unix_ms);
    let label = cleaned(label);
    if label.is_empty() {
        time
    } else {
        format!("{time}_{label}")
    }
}

/// Letters, digits and few more; what masks a letter becomes an `x`.
fn cleaned(label: &str) -> String {
    let mut clean = String::new();
    for c in label.chars() {
        let c = match c {
            '•' => 'x',
            c if c.is_alphanumeric() || matches!(c, '+' | '-') => c,
            _ => '_',
        };
        if c != '_' || !clean.is_empty() && !clean.ends_with('_') {
            clean.push(c);
        }
        if clean.chars().count() == LABEL {
            break;
        }
    }
    clean.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_time_and_what_may_be_said() {
        let at = 1_795_373_203_999;
        for (label, name) in [
            ("•••100 support", "2026-11-22T18-46-43Z_xxx100_support"),
            ("../../etc/passwd", "2026-11-22T18-46-43Z_etc_passwd"),
            ("C:\\con: <a>|b?*\"\0", "2026-11-22T18-46-43Z_C_con_a_b"),
            ("+49 (0)555 -- Zoë", "2026-11-22T18-46-43Z_+49_0_555_--_Zoë"),
            ("...", "2026-11-22T18-46-43Z"),
            ("", "2026-11-22T18-46-43Z"),
        ] {
            assert_eq!(stem(at, label), name, "{label}");
        }
        assert!(stem(at, &"é/".repeat(500)).len() < 200);
    }

    #[test]
    fn a_second_recording_of_the_same_second_has_a_name_of_its_own() {
        let dir = std::env::temp_dir().join(format!("sidetone-recordings-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let first = plan(Some(&dir), 0, "a", Wanted::Gsm).unwrap();
        std::fs::write(&first.path, "x").unwrap();
        let second = plan(Some(&dir), 0, "a", Wanted::Gsm).unwrap();
        assert_ne!(first.path, second.path);
        assert_eq!(second.path.extension().unwrap(), "gsm");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&dir).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(plan(None, 0, "a", Wanted::Wav).is_err());
        assert!(plan(Some(&dir), 0, "a", Wanted::Inactive).is_err());
    }
}
