//! The agent's ringtone: kept beside the settings, so that it rings when the file it came from is gone.

use std::path::{Path, PathBuf};

use tauri::ipc::{InvokeBody, Request};
use tauri::{AppHandle, Manager};

/// Minutes of sound; what is larger was chosen by mistake.
const MOST_BYTES: usize = 32 << 20;
/// Longest name that every file system takes with our ending.
const MOST_CHARACTERS: usize = 80;

/// Keeps the file in the request's body under the name in its header, and says where.
#[tauri::command(async)]
pub(crate) fn keep_ringtone(app: AppHandle, request: Request<'_>) -> Result<String, String> {
    let InvokeBody::Raw(sound) = request.body() else {
        return Err("it is no file".to_owned());
    };
    let name = request
        .headers()
        .get("name")
        .and_then(|name| name.to_str().ok())
        .unwrap_or_default();
    let folder = app
        .path()
        .app_config_dir()
        .map_err(|fault| fault.to_string())?;
    let kept = keep(&folder.join("ringtone"), name, sound)?;
    kept.into_os_string()
        .into_string()
        .map_err(|_| "the folder of the settings has no readable name".to_owned())
}

fn keep(folder: &Path, name: &str, sound: &[u8]) -> Result<PathBuf, String> {
    if sound.len() > MOST_BYTES {
        return Err("the file is larger than 32 MB".to_owned());
    }
    let kept = folder.join(file_name(name));
    let unwritable = |fault: std::io::Error| format!("it cannot be kept: {fault}");
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    std::fs::write(&kept, sound).map_err(unwritable)?;
    Ok(kept)
}

/// What is left of a percent-encoded name that is safe in a folder of ours; always a WAV file's.
fn file_name(encoded: &str) -> String {
    let name = percent_decoded(encoded);
    let stem = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = stem
        .get(..stem.len().saturating_sub(4))
        .filter(|_| stem.to_ascii_lowercase().ends_with(".wav"))
        .unwrap_or(stem);
    let safe: String = stem
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || " -_().".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(MOST_CHARACTERS)
        .collect();
    let safe = safe.trim_matches([' ', '.']);
    format!("{}.wav", if safe.is_empty() { "ringtone" } else { safe })
}

fn percent_decoded(encoded: &str) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_words_and_leaves_no_folder() {
        assert_eq!(file_name("Marimba%20%28loud%29.WAV"), "Marimba (loud).wav");
        assert_eq!(file_name("%C3%9Cbung.wav"), "Übung.wav");
        assert_eq!(file_name("..%2F..%2Fetc%2Fpasswd"), "passwd.wav");
        assert_eq!(file_name("C%3A%5Cx%3Ay.wav"), "x_y.wav");
        assert_eq!(file_name(""), "ringtone.wav");
        assert_eq!(file_name("%"), "_.wav");
        assert!(file_name(&"ä".repeat(500)).chars().count() < 100);
    }

    #[test]
    fn a_kept_file_is_the_one_that_was_given() {
        let folder = std::env::temp_dir().join(format!("sidetone-ringtone-{}", std::process::id()));
        let kept = keep(&folder, "Bell.wav", b"RIFF").expect("it is kept");
        assert_eq!(std::fs::read(&kept).expect("it is there"), b"RIFF");
        assert_eq!(kept, folder.join("Bell.wav"));
        assert!(keep(&folder, "Bell.wav", &vec![0; MOST_BYTES + 1]).is_err());
        std::fs::remove_dir_all(folder).expect("it is ours");
    }
}
