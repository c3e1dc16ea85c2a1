//! The contact centre's data in SQLite: agents, tokens, pause reasons, queues.

mod avatar;
mod migrations;
mod sessions;
mod work;

pub(crate) use sessions::Token;
pub(crate) use work::{Disposed, Item};

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value, json};
use sidetone_profile::Secret;

const SCHEMA: &str = "
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS agent (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        document TEXT NOT NULL,
        password TEXT NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        code_secret TEXT,
        sip_secret TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS token (
        hash TEXT PRIMARY KEY,
        agent INTEGER NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
        expires INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS pause (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS queue (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        extension TEXT NOT NULL UNIQUE,
        strategy TEXT NOT NULL,
        ring_s INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS member (
        queue INTEGER NOT NULL REFERENCES queue(id) ON DELETE CASCADE,
        agent INTEGER NOT NULL REFERENCES agent(id) ON DELETE CASCADE,
        PRIMARY KEY (queue, agent)
    );";

/// Wrong passwords in a row that lock an account.
pub(crate) const WRONG_PASSWORDS: u32 = 5;

pub(crate) struct Store {
    db: Connection,
}

/// An agent as stored.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// The settings under the server's field names.
    pub(crate) document: Map<String, Value>,
    pub(crate) sip_secret: Secret,
    /// Base32 secret of the one-time code; `None` when it is off.
    pub(crate) code_secret: Option<Secret>,
}

/// A queue as stored.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) extension: String,
    pub(crate) strategy: Strategy,
    pub(crate) ring_s: u32,
}

/// Whom a queue rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Every free member at once.
    RingAll,
    /// The free member whose last call is longest ago.
    LeastRecent,
    /// Every free member at once; phones never answer such a call by themselves.
    BeepAll,
    /// The free member with the fewest calls so far.
    FewestCalls,
    /// Each member in turn, going on after the one that was rung last.
    RrMemory,
    /// Any free member.
    Random,
    /// The free members in the order of the queue's list.
    Linear,
}

/// What a new agent starts with.
pub(crate) struct NewAgent<'a> {
    pub(crate) name: &'a str,
    pub(crate) document: &'a Map<String, Value>,
    pub(crate) password_hash: &'a str,
    pub(crate) sip_secret: &'a Secret,
}

impl Store {
    pub(crate) fn open(folder: Option<&Path>) -> rusqlite::Result<Self> {
        let mut db = match folder {
            Some(folder) => Connection::open(folder.join("sandbox.sqlite"))?,
            None => Connection::open_in_memory()?,
        };
        db.execute_batch(SCHEMA)?;
        migrations::run(&mut db)?;
        Ok(Self { db })
    }

    pub(crate) fn is_empty(&self) -> rusqlite::Result<bool> {
        self.db
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM agent)", [], |row| {
                row.get(0)
            })
    }

    pub(crate) fn add_agent(&self, new: &NewAgent<'_>) -> rusqlite::Result<i64> {
        self.db.execute(
            "INSERT INTO agent (name, document, password, sip_secret) VALUES (?1, ?2, ?3, ?4)",
            params![
                new.name,
                Value::Object(new.document.clone()).to_string(),
                new.password_hash,
                new.sip_secret.reveal()
            ],
        )?;
        Ok(self.db.last_insert_rowid())
    }

    pub(crate) fn agents(&self) -> rusqlite::Result<Vec<Agent>> {
        self.db
            .prepare_cached(
                "SELECT id, name, document, sip_secret, code_secret FROM agent ORDER BY id",
            )?
            .query_map([], read_agent)?
            .collect()
    }

    pub(crate) fn agent(&self, id: i64) -> rusqlite::Result<Option<Agent>> {
        self.db
            .query_row(
                "SELECT id, name, document, sip_secret, code_secret FROM agent WHERE id = ?1",
                [id],
                read_agent,
            )
            .optional()
    }

    pub(crate) fn agent_named(&self, name: &str) -> rusqlite::Result<Option<Agent>> {
        self.db
            .query_row(
                "SELECT id, name, document, sip_secret, code_secret FROM agent WHERE name = ?1",
                [name],
                read_agent,
            )
            .optional()
    }

    pub(crate) fn save_document(
        &self,
        id: i64,
        document: &Map<String, Value>,
    ) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE agent SET document = ?2 WHERE id = ?1",
            params![id, Value::Object(document.clone()).to_string()],
        )?;
        Ok(())
    }

    pub(crate) fn password_hash(&self, id: i64) -> rusqlite::Result<String> {
        self.db
            .query_row("SELECT password FROM agent WHERE id = ?1", [id], |row| {
                row.get(0)
            })
    }

    pub(crate) fn set_sip_secret(&self, id: i64, secret: &Secret) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE agent SET sip_secret = ?2 WHERE id = ?1",
            params![id, secret.reveal()],
        )?;
        Ok(())
    }

    pub(crate) fn set_code_secret(&self, id: i64, secret: Option<&str>) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE agent SET code_secret = ?2 WHERE id = ?1",
            params![id, secret],
        )?;
        Ok(())
    }

    /// Counts a wrong password; at [`WRONG_PASSWORDS`] the account is locked. Says whether it is locked now.
    pub(crate) fn count_failure(&self, id: i64) -> rusqlite::Result<bool> {
        let failures: u32 = self.db.query_row(
            "UPDATE agent SET failures = failures + 1 WHERE id = ?1 RETURNING failures",
            [id],
            |row| row.get(0),
        )?;
        if failures < WRONG_PASSWORDS {
            return Ok(false);
        }
        if let Some(mut agent) = self.agent(id)? {
            agent.document.insert("blocked".to_owned(), json!(true));
            self.save_document(id, &agent.document)?;
        }
        Ok(true)
    }

    pub(crate) fn forget_failures(&self, id: i64) -> rusqlite::Result<()> {
        self.db
            .execute("UPDATE agent SET failures = 0 WHERE id = ?1", [id])?;
        Ok(())
    }

    pub(crate) fn pauses(&self) -> rusqlite::Result<Vec<(i64, String)>> {
        self.db
            .prepare_cached("SELECT id, name FROM pause ORDER BY id")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    pub(crate) fn set_pauses(&mut self, names: &[String]) -> rusqlite::Result<()> {
        let change = self.db.transaction()?;
        change.execute("DELETE FROM pause", [])?;
        for name in names {
            change.execute("INSERT OR IGNORE INTO pause (name) VALUES (?1)", [name])?;
        }
        change.commit()
    }

    pub(crate) fn add_queue(&self, queue: &Queue, members: &[i64]) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT INTO queue (id, name, extension, strategy, ring_s) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                queue.id,
                queue.name,
                queue.extension,
                queue.strategy.name(),
                queue.ring_s
            ],
        )?;
        self.set_members(queue.id, members)
    }

    pub(crate) fn set_strategy(
        &self,
        queue: i64,
        strategy: Strategy,
        ring_s: u32,
    ) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE queue SET strategy = ?2, ring_s = ?3 WHERE id = ?1",
            params![queue, strategy.name(), ring_s],
        )?;
        Ok(())
    }

    pub(crate) fn set_members(&self, queue: i64, members: &[i64]) -> rusqlite::Result<()> {
        self.db
            .execute("DELETE FROM member WHERE queue = ?1", [queue])?;
        for agent in members {
            self.db.execute(
                "INSERT OR IGNORE INTO member (queue, agent) VALUES (?1, ?2)",
                [queue, *agent],
            )?;
        }
        Ok(())
    }

    /// Makes these the queues; one that is new has every agent as a member.
    pub(crate) fn adopt_queues(&self, wanted: &[(String, Strategy)]) -> rusqlite::Result<()> {
        let known = self.queues()?;
        for queue in &known {
            if !wanted.iter().any(|(name, _)| *name == queue.name) {
                self.db
                    .execute("DELETE FROM queue WHERE id = ?1", [queue.id])?;
            }
        }
        let everybody: Vec<i64> = self.agents()?.iter().map(|agent| agent.id).collect();
        let mut next = known.iter().map(|queue| queue.id).max().unwrap_or(0) + 1;
        for (name, strategy) in wanted {
            match known.iter().find(|queue| queue.name == *name) {
                Some(queue) => self.set_strategy(queue.id, *strategy, queue.ring_s)?,
                None => {
                    self.add_queue(
                        &Queue {
                            id: next,
                            name: name.clone(),
                            extension: name.clone(),
                            strategy: *strategy,
                            ring_s: 15,
                        },
                        &everybody,
                    )?;
                    next += 1;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn queues(&self) -> rusqlite::Result<Vec<Queue>> {
        self.db
            .prepare_cached("SELECT id, name, extension, strategy, ring_s FROM queue ORDER BY id")?
            .query_map([], |row| {
                Ok(Queue {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    extension: row.get(2)?,
                    strategy: Strategy::named(&row.get::<_, String>(3)?),
                    ring_s: row.get(4)?,
                })
            })?
            .collect()
    }

    /// Agents that belong to a queue, logged in or not.
    pub(crate) fn members(&self, queue: i64) -> rusqlite::Result<Vec<i64>> {
        self.db
            .prepare_cached("SELECT agent FROM member WHERE queue = ?1 ORDER BY agent")?
            .query_map([queue], |row| row.get(0))?
            .collect()
    }
}

impl Agent {
    /// A text setting; empty when it is not set.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.document
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, field: &str) -> impl Iterator<Item = &str> {
        self.document
            .get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// A setting that is on or off.
    pub(crate) fn is(&self, field: &str) -> bool {
        match self.document.get(field) {
            Some(Value::Bool(on)) => *on,
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    /// The extension; also the SIP user.
    pub(crate) fn extension(&self) -> &str {
        self.text("internal")
    }
}

impl Strategy {
    /// Every free member rings at once.
    pub(crate) const fn rings_all(self) -> bool {
        matches!(self, Self::RingAll | Self::BeepAll)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RingAll => "ringall",
            Self::LeastRecent => "leastrecent",
            Self::BeepAll => "beepall",
            Self::FewestCalls => "fewestcalls",
            Self::RrMemory => "rrmemory",
            Self::Random => "random",
            Self::Linear => "linear",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        match name {
            "ringall" => Self::RingAll,
            "beepall" => Self::BeepAll,
            "fewestcalls" => Self::FewestCalls,
            "rrmemory" | "rrordered" => Self::RrMemory,
            "random" | "wrandom" => Self::Random,
            "linear" => Self::Linear,
            _ => Self::LeastRecent,
        }
    }
}

fn read_agent(row: &Row<'_>) -> rusqlite::Result<Agent> {
    let document: String = row.get(2)?;
    Ok(Agent {
        id: row.get(0)?,
        name: row.get(1)?,
        document: serde_json::from_str(&document).unwrap_or_default(),
        sip_secret: Secret::new(row.get::<_, String>(3)?),
        code_secret: row.get::<_, Option<String>>(4)?.map(Secret::new),
    })
}
