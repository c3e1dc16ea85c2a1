//! Sign-ins: tokens, what renews them, and earlier passwords.

use rusqlite::{OptionalExtension as _, params};

use super::Store;

/// Passwords kept for the rule against old ones.
const PASSWORDS_KEPT: u32 = 24;

/// A token as stored. All tokens that come from one sign-in share its session.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) agent: i64,
    pub(crate) session: String,
    /// Unix seconds.
    pub(crate) expires: i64,
}

impl Store {
    pub(crate) fn add_token(&self, hash: &str, token: &Token) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT INTO token (hash, agent, expires, session) VALUES (?1, ?2, ?3, ?4)",
            params![hash, token.agent, token.expires, token.session],
        )?;
        Ok(())
    }

    pub(crate) fn token(&self, hash: &str) -> rusqlite::Result<Option<Token>> {
        self.db
            .query_row(
                "SELECT agent, session, expires FROM token WHERE hash = ?1",
                [hash],
                |row| {
                    let session: String = row.get(1)?;
                    Ok(Token {
                        agent: row.get(0)?,
                        // One of a file that knew no sessions is a session of its own.
                        session: if session.is_empty() {
                            hash.to_owned()
                        } else {
                            session
                        },
                        expires: row.get(2)?,
                    })
                },
            )
            .optional()
    }

    pub(crate) fn add_refresh(&self, hash: &str, token: &Token) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT INTO refresh (hash, agent, session, expires) VALUES (?1, ?2, ?3, ?4)",
            params![hash, token.agent, token.session, token.expires],
        )?;
        Ok(())
    }

    /// No sign-in of this agent can be renewed any more without its password.
    pub(crate) fn forget_refreshes(&self, agent: i64) -> rusqlite::Result<()> {
        self.db
            .execute("DELETE FROM refresh WHERE agent = ?1", [agent])?;
        Ok(())
    }

    /// Takes a refresh token out: it is good for once.
    pub(crate) fn take_refresh(&self, hash: &str) -> rusqlite::Result<Option<Token>> {
        self.db
            .query_row(
                "DELETE FROM refresh WHERE hash = ?1 RETURNING agent, session, expires",
                [hash],
                |row| {
                    Ok(Token {
                        agent: row.get(0)?,
                        session: row.get(1)?,
                        expires: row.get(2)?,
                    })
                },
            )
            .optional()
    }

    /// When the last token of a session expires, in Unix seconds; `None`: it has none.
    pub(crate) fn session_expiry(&self, session: &str) -> rusqlite::Result<Option<i64>> {
        self.db.query_row(
            "SELECT max(expires) FROM token WHERE session = ?1 OR hash = ?1",
            [session],
            |row| row.get(0),
        )
    }

    pub(crate) fn forget_session(&self, session: &str) -> rusqlite::Result<()> {
        self.db.execute(
            "DELETE FROM token WHERE session = ?1 OR hash = ?1",
            [session],
        )?;
        self.db
            .execute("DELETE FROM refresh WHERE session = ?1", [session])?;
        Ok(())
    }

    pub(crate) fn forget_tokens(&self, agent: i64) -> rusqlite::Result<()> {
        self.db
            .execute("DELETE FROM token WHERE agent = ?1", [agent])?;
        self.db
            .execute("DELETE FROM refresh WHERE agent = ?1", [agent])?;
        Ok(())
    }

    pub(crate) fn forget_expired(&self, now: i64) -> rusqlite::Result<()> {
        self.db
            .execute("DELETE FROM token WHERE expires <= ?1", [now])?;
        self.db
            .execute("DELETE FROM refresh WHERE expires <= ?1", [now])?;
        Ok(())
    }

    /// The hashes of the last `count` passwords before the present one, the latest first.
    pub(crate) fn old_passwords(&self, agent: i64, count: u32) -> rusqlite::Result<Vec<String>> {
        self.db
            .prepare_cached(
                "SELECT hash FROM old_password WHERE agent = ?1 ORDER BY id DESC LIMIT ?2",
            )?
            .query_map(params![agent, count], |row| row.get(0))?
            .collect()
    }

    /// Sets a new password and keeps the old one's hash.
    pub(crate) fn replace_password(&self, agent: i64, hash: &str) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT INTO old_password (agent, hash) SELECT id, password FROM agent WHERE id = ?1",
            [agent],
        )?;
        self.db.execute(
            "DELETE FROM old_password WHERE agent = ?1 AND id NOT IN
                (SELECT id FROM old_password WHERE agent = ?1 ORDER BY id DESC LIMIT ?2)",
            params![agent, PASSWORDS_KEPT],
        )?;
        self.db.execute(
            "UPDATE agent SET password = ?2 WHERE id = ?1",
            params![agent, hash],
        )?;
        Ok(())
    }
}
