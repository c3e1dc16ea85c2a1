//! Callbacks, previews, interactions, dispositions, teams, and documents of the whole centre.

use rusqlite::{OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use super::Store;

/// One thing that waits for an agent.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) agent: i64,
    pub(crate) document: Map<String, Value>,
}

/// What an agent said that a call was about.
#[derive(Clone, Debug)]
pub(crate) struct Disposed<'a> {
    pub(crate) agent: i64,
    pub(crate) reference: &'a str,
    pub(crate) path: &'a [i64],
    pub(crate) names: &'a [String],
    pub(crate) note: &'a str,
}

impl Store {
    pub(crate) fn document(&self, name: &str) -> rusqlite::Result<Option<Value>> {
        let text: Option<String> = self
            .db
            .query_row("SELECT text FROM document WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(crate) fn save_centre_document(
        &self,
        name: &str,
        document: &Value,
    ) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT INTO document (name, text) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET text = excluded.text",
            params![name, document.to_string()],
        )?;
        Ok(())
    }

    pub(crate) fn add_item(
        &self,
        agent: i64,
        kind: &str,
        document: &Map<String, Value>,
    ) -> rusqlite::Result<i64> {
        self.db.execute(
            "INSERT INTO item (agent, kind, document) VALUES (?1, ?2, ?3)",
            params![agent, kind, Value::Object(document.clone()).to_string()],
        )?;
        Ok(self.db.last_insert_rowid())
    }

    pub(crate) fn items(&self, agent: i64, kind: &str) -> rusqlite::Result<Vec<Item>> {
        self.db
            .prepare_cached(
                "SELECT id, agent, document FROM item WHERE agent = ?1 AND kind = ?2 ORDER BY id",
            )?
            .query_map(params![agent, kind], read_item)?
            .collect()
    }

    /// Everybody's items of a kind.
    pub(crate) fn all_items(&self, kind: &str) -> rusqlite::Result<Vec<Item>> {
        self.db
            .prepare_cached("SELECT id, agent, document FROM item WHERE kind = ?1 ORDER BY id")?
            .query_map([kind], read_item)?
            .collect()
    }

    pub(crate) fn save_item(&self, id: i64, document: &Map<String, Value>) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE item SET document = ?2 WHERE id = ?1",
            params![id, Value::Object(document.clone()).to_string()],
        )?;
        Ok(())
    }

    pub(crate) fn remove_item(&self, id: i64) -> rusqlite::Result<()> {
        self.db.execute("DELETE FROM item WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Whether an item with this number has ever been.
    pub(crate) fn item_was(&self, id: i64) -> rusqlite::Result<bool> {
        self.db.query_row(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'item'), 0) >= ?1 AND ?1 > 0",
            [id],
            |row| row.get(0),
        )
    }

    pub(crate) fn dispose(&self, disposed: &Disposed<'_>) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT OR REPLACE INTO disposed (agent, reference, path, names, note, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                disposed.agent,
                disposed.reference,
                json!(disposed.path).to_string(),
                json!(disposed.names).to_string(),
                disposed.note,
                crate::clock::now_text()
            ],
        )?;
        Ok(())
    }

    /// What an agent disposed, the latest first.
    pub(crate) fn disposed(&self, agent: i64) -> rusqlite::Result<Vec<Value>> {
        let value = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_default();
        self.db
            .prepare_cached(
                "SELECT reference, path, names, note, at FROM disposed WHERE agent = ?1 ORDER BY at DESC",
            )?
            .query_map([agent], |row| {
                Ok(json!({
                    "reference": row.get::<_, String>(0)?,
                    "path": value(row.get(1)?),
                    "names": value(row.get(2)?),
                    "note": row.get::<_, String>(3)?,
                    "at": row.get::<_, String>(4)?,
                }))
            })?
            .collect()
    }

    /// The number of a team, which is made when it is new.
    pub(crate) fn team(&self, name: &str) -> rusqlite::Result<i64> {
        self.db
            .execute("INSERT OR IGNORE INTO team (name) VALUES (?1)", [name])?;
        self.db
            .query_row("SELECT id FROM team WHERE name = ?1", [name], |row| {
                row.get(0)
            })
    }
}

fn read_item(row: &rusqlite::Row<'_>) -> rusqlite::Result<Item> {
    let document: String = row.get(2)?;
    Ok(Item {
        id: row.get(0)?,
        agent: row.get(1)?,
        document: serde_json::from_str(&document).unwrap_or_default(),
    })
}
