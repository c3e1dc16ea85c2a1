//! The agents' pictures.

use rusqlite::{OptionalExtension as _, params};

use super::Store;

impl Store {
    pub(crate) fn avatar(&self, agent: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.db
            .query_row(
                "SELECT picture FROM avatar WHERE agent = ?1",
                [agent],
                |row| row.get(0),
            )
            .optional()
    }

    /// Keeps the picture in place of the one before; `None` takes that away.
    pub(crate) fn set_avatar(&self, agent: i64, picture: Option<&[u8]>) -> rusqlite::Result<()> {
        match picture {
            Some(picture) => self.db.execute(
                "INSERT INTO avatar (agent, picture) VALUES (?1, ?2)
                 ON CONFLICT (agent) DO UPDATE SET picture = excluded.picture",
                params![agent, picture],
            )?,
            None => self
                .db
                .execute("DELETE FROM avatar WHERE agent = ?1", [agent])?,
        };
        Ok(())
    }
}
