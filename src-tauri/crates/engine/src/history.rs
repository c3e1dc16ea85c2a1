use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, params};
use sidetone_agent::{CallDirection, HistoryEntry};

use crate::clock::wall_ms;
use crate::private;

const FILE: &str = "history.db";
/// Entries of an account that are kept.
const ENTRIES: i64 = 500;
const DAYS: u64 = 90;
/// The letter that stands for a masked one: a number with it cannot be called.
const MASK: char = '•';

/// Calls of the past, one list for each account, in a database beside the settings.
///
/// What comes in is masked already. Losing it must not cost a call: whatever goes wrong is said and gone on from.
#[derive(Debug)]
pub(crate) struct History {
    /// `None` where nothing is kept.
    database: Option<Connection>,
    /// Whose list is written.
    account: Option<String>,
}

impl History {
    /// Opens the database; one that is damaged is set aside. The words say what went wrong.
    pub(crate) fn open(dir: Option<&Path>) -> (Self, Option<String>) {
        let (database, fault) = match dir {
            None => (None, None),
            Some(dir) => open_or_renew(dir),
        };
        let history = Self {
            database,
            account: None,
        };
        (history, fault)
    }

    /// Goes on with this account's list, newest first.
    pub(crate) fn begin(&mut self, account: &str) -> Vec<HistoryEntry> {
        self.account = Some(account.to_owned());
        self.with(|database, account| {
            prune(database, account)?;
            let mut rows = database.prepare_cached(
                "SELECT id, direction, name, number, queue, at_ms, talk_ms, missed, seen, callable FROM entry \
                 WHERE account = ?1 ORDER BY at_ms DESC, id DESC",
            )?;
            rows.query_map([account], entry)?.collect()
        })
        .unwrap_or_default()
    }

    /// Keeps an entry, in place of the one of the same number.
    pub(crate) fn remember(&self, entry: &HistoryEntry) {
        self.with(|database, account| {
            database
                .prepare_cached(
                    "INSERT OR REPLACE INTO entry (account, id, direction, name, number, queue, at_ms, talk_ms, \
                     missed, seen, callable) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    account,
                    whole(entry.id),
                    match entry.direction {
                        CallDirection::Incoming => "incoming",
                        CallDirection::Outgoing => "outgoing",
                    },
                    entry.name,
                    entry.number,
                    entry.queue,
                    whole(entry.at_ms),
                    entry.talk_ms.map(whole),
                    entry.missed,
                    entry.seen,
                    entry.callable,
                ])?;
            prune(database, account)
        });
    }

    /// Every missed call was seen.
    pub(crate) fn missed_seen(&self) {
        self.with(|database, account| {
            database.execute("UPDATE entry SET seen = 1 WHERE account = ?1", [account])
        });
    }

    /// Forgets the list of the account.
    pub(crate) fn clear(&self) {
        self.with(|database, account| {
            database.execute("DELETE FROM entry WHERE account = ?1", [account])?;
            // What was deleted must not be found in the file.
            database.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
        });
    }

    fn with<T>(&self, job: impl FnOnce(&Connection, &str) -> rusqlite::Result<T>) -> Option<T> {
        let (Some(database), Some(account)) = (&self.database, &self.account) else {
            return None;
        };
        job(database, account)
            .inspect_err(|fault| tracing::warn!(%fault, "the call history could not be used"))
            .ok()
    }
}

fn open_or_renew(dir: &Path) -> (Option<Connection>, Option<String>) {
    if let Err(fault) = private::folder(dir) {
        return (
            None,
            Some(format!("the call history cannot be kept: {fault}")),
        );
    }
    let path = dir.join(FILE);
    match open(&path) {
        Ok(database) => (Some(database), None),
        Err(fault) if is_damage(&fault) => {
            let (renewed, kept) = set_aside(&path);
            let words = match &renewed {
                Ok(_) => {
                    format!("the call history was damaged and begins anew; the old one is {kept}")
                }
                Err(again) => {
                    format!("the call history is damaged and cannot be made anew: {again}")
                }
            };
            (renewed.ok(), Some(words))
        }
        Err(fault) => (
            None,
            Some(format!("the call history cannot be opened: {fault}")),
        ),
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    database.busy_timeout(Duration::from_millis(500))?;
    // The files beside it take over what the main one allows.
    private::file(path).unwrap_or_else(|fault| tracing::debug!(%fault, "the history's file mode"));
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;
         CREATE TABLE IF NOT EXISTS entry (
             account TEXT NOT NULL, id INTEGER NOT NULL, direction TEXT NOT NULL, name TEXT NOT NULL,
             number TEXT NOT NULL, queue TEXT, at_ms INTEGER NOT NULL, talk_ms INTEGER,
             missed INTEGER NOT NULL, seen INTEGER NOT NULL, callable INTEGER NOT NULL,
             PRIMARY KEY (account, id)
         ) STRICT;",
    )?;
    let word: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if word == "ok" {
        // An older or a foreign table shows itself here, and not in the middle of a call.
        database
            .prepare("SELECT id, direction, name, number, queue, at_ms, talk_ms, missed, seen, callable, account FROM entry")?;
        Ok(database)
    } else {
        Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(word),
        ))
    }
}

fn is_damage(fault: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
    match fault {
        // A table of other columns.
        rusqlite::Error::SqlInputError { .. } => true,
        fault => matches!(
            fault.sqlite_error_code(),
            // `Unknown` is the plain error: a format of the future, for example.
            Some(DatabaseCorrupt | NotADatabase | Unknown)
        ),
    }
}

/// Moves the files away and begins anew; also gives the name of what was moved.
fn set_aside(path: &Path) -> (rusqlite::Result<Connection>, String) {
    let aside = path.with_file_name(format!("{FILE}.damaged-{}", wall_ms()));
    if let Err(fault) = fs::rename(path, &aside) {
        tracing::warn!(%fault, "the damaged history could not be set aside");
    }
    for more in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(more);
        // Usually there is none, and without its main file it is worth nothing.
        let _ = fs::remove_file(PathBuf::from(beside));
    }
    let name = aside
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    (open(path), name.unwrap_or_default())
}

fn prune(database: &Connection, account: &str) -> rusqlite::Result<()> {
    let oldest = wall_ms().saturating_sub(DAYS * 24 * 3600 * 1000);
    database
        .prepare_cached(
            "DELETE FROM entry WHERE account = ?1 AND (at_ms < ?2 OR id NOT IN \
             (SELECT id FROM entry WHERE account = ?1 ORDER BY at_ms DESC, id DESC LIMIT ?3))",
        )?
        .execute(params![account, whole(oldest), ENTRIES])?;
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    let direction: String = row.get(1)?;
    let number: String = row.get(3)?;
    let callable: bool = row.get(9)?;
    Ok(HistoryEntry {
        id: unsigned(row.get(0)?),
        direction: match direction.as_str() {
            "outgoing" => CallDirection::Outgoing,
            _ => CallDirection::Incoming,
        },
        name: row.get(2)?,
        callable: callable && !number.is_empty() && !number.contains(MASK),
        number,
        queue: row.get(4)?,
        at_ms: unsigned(row.get(5)?),
        talk_ms: row.get::<_, Option<i64>>(6)?.map(unsigned),
        missed: row.get(7)?,
        seen: row.get(8)?,
    })
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("sidetone-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn call(id: u64, at_ms: u64) -> HistoryEntry {
        HistoryEntry {
            id,
            direction: CallDirection::Incoming,
            name: "Zoë".to_owned(),
            number: "5550100".to_owned(),
            queue: Some("support".to_owned()),
            at_ms,
            talk_ms: None,
            missed: true,
            seen: false,
            callable: true,
        }
    }

    #[test]
    fn calls_are_there_after_a_restart_for_the_one_whose_they_are() {
        let dir = folder("history");
        let now = wall_ms();
        let (mut history, fault) = History::open(Some(&dir));
        assert_eq!(fault, None);
        assert!(history.begin("anna@a").is_empty());
        let mut outgoing = call(2, now);
        outgoing.direction = CallDirection::Outgoing;
        outgoing.talk_ms = Some(61_000);
        let mut masked = call(3, now + 1);
        masked.number = "•••100".to_owned();
        history.remember(&call(1, now - 10));
        history.remember(&outgoing);
        history.remember(&masked);
        drop(history);

        let (mut history, _) = History::open(Some(&dir));
        masked.callable = false;
        assert_eq!(
            history.begin("anna@a"),
            [masked.clone(), outgoing, call(1, now - 10)]
        );
        history.missed_seen();
        assert!(history.begin("anna@a").iter().all(|e| e.seen));
        assert!(history.begin("ben@a").is_empty());
        history.begin("anna@a");
        history.clear();
        assert!(history.begin("anna@a").is_empty());
        drop(history);
        for file in fs::read_dir(&dir).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            assert!(
                !bytes.windows(7).any(|w| w == b"5550100"),
                "still in the file"
            );
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let dir = folder("history-bounds");
        let now = wall_ms();
        let (mut history, _) = History::open(Some(&dir));
        history.begin("anna@a");
        history.remember(&call(1, now - 91 * 24 * 3600 * 1000));
        assert!(history.begin("anna@a").is_empty(), "too old");
        let kept = u64::try_from(ENTRIES).unwrap();
        for id in 2..kept + 12 {
            history.remember(&call(id, now + id));
        }
        let list = history.begin("anna@a");
        assert_eq!(list.len() as u64, kept);
        assert_eq!(list.last().unwrap().id, 12);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_said() {
        for damage in [
            &b"this is no database at all, but it is long enough to be taken for one"[..],
            &b"SQLite format 3\0\x10\0\x02\x02\0@  \0\0\0\x01\0\0\0\x09garbage garbage garbage garbage"[..],
        ] {
            let dir = folder("history-damaged");
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join(FILE), damage).unwrap();
            let (mut history, fault) = History::open(Some(&dir));
            let fault = fault.expect("words");
            assert!(fault.contains("damaged"), "{fault}");
            history.begin("anna@a");
            history.remember(&call(1, wall_ms()));
            assert_eq!(history.begin("anna@a").len(), 1);
            let aside = fs::read_dir(&dir)
                .unwrap()
                .map(|file| file.unwrap().path())
                .find(|path| path.to_string_lossy().contains(".damaged-"))
                .expect("the old file");
            assert_eq!(fs::read(aside).unwrap(), damage);
            fs::remove_dir_all(dir).unwrap();
        }
    }

    #[test]
    fn a_foreign_table_is_damage_too() {
        let dir = folder("history-foreign");
        fs::create_dir_all(&dir).unwrap();
        Connection::open(dir.join(FILE))
            .unwrap()
            .execute_batch("CREATE TABLE entry (x TEXT)")
            .unwrap();
        let (mut history, fault) = History::open(Some(&dir));
        assert!(fault.unwrap().contains("damaged"));
        history.begin("anna@a");
        history.remember(&call(1, wall_ms()));
        assert_eq!(history.begin("anna@a").len(), 1);
        fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder("history-mode");
        let (mut history, _) = History::open(Some(&dir));
        history.begin("anna@a");
        history.remember(&call(1, wall_ms()));
        for file in fs::read_dir(&dir).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn without_a_folder_nothing_is_kept_and_nothing_breaks() {
        let (mut history, fault) = History::open(None);
        assert_eq!(fault, None);
        assert!(history.begin("anna@a").is_empty());
        history.remember(&call(1, 1));
        history.clear();
    }
}
