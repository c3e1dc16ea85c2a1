//! What later versions added to the data: an older file is brought up to date when it is opened.

use rusqlite::Connection;

/// In order; `user_version` of the file counts how many of them it has.
const MIGRATIONS: &[&str] = &[
    "
    ALTER TABLE token ADD COLUMN session TEXT NOT NULL DEFAULT '';
    CREATE TABLE refresh (
        hash TEXT PRIMARY KEY,
        agent INTEGER NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
        session TEXT NOT NULL,
        expires INTEGER NOT NULL
    );
    CREATE TABLE old_password (
        id INTEGER PRIMARY KEY,
        agent INTEGER NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
        hash TEXT NOT NULL
    );
    CREATE TABLE document (name TEXT PRIMARY KEY, text TEXT NOT NULL);
    CREATE TABLE item (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        agent INTEGER NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        document TEXT NOT NULL
    );
    CREATE TABLE disposed (
        agent INTEGER NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
        reference TEXT NOT NULL,
        path TEXT NOT NULL,
        names TEXT NOT NULL,
        note TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (agent, reference)
    );
    CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);",
    "
    CREATE TABLE avatar (
        agent INTEGER PRIMARY KEY REFERENCES agent(id) ON DELETE CASCADE,
        picture BLOB NOT NULL
    );",
];

pub(super) fn run(db: &mut Connection) -> rusqlite::Result<()> {
    let done: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (at, migration) in (1_u32..).zip(MIGRATIONS).skip(done as usize) {
        let change = db.transaction()?;
        change.execute_batch(migration)?;
        change.pragma_update(None, "user_version", at)?;
        change.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{SCHEMA, Store};

    #[test]
    fn a_file_of_the_first_version_still_opens_with_its_people() {
        let folder = std::env::temp_dir().join(format!("sandbox-old-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("sandbox.sqlite");
        let old = rusqlite::Connection::open(&file).expect("a file");
        old.execute_batch(SCHEMA).expect("the first version");
        old.execute_batch(
            "INSERT INTO agent (name, document, password, sip_secret) VALUES ('anna', '{}', 'h', 's');
             INSERT INTO token (hash, agent, expires) VALUES ('t', 1, 5000000000);",
        )
        .expect("its people");
        drop(old);
        for opening in ["first", "second"] {
            let store = Store::open(Some(&folder)).expect(opening);
            let token = store.token("t").expect("read").expect("still there");
            assert_eq!((token.agent, token.session.as_str()), (1, "t"), "{opening}");
            assert!(store.items(1, "callbacks").expect("read").is_empty());
            assert_eq!(store.avatar(1).expect("read"), None);
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}
