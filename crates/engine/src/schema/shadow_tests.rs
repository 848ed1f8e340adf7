//! The shadow: what a transaction sees and does in a slot is what it would natively.

use std::collections::HashMap;
use std::future::poll_fn;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage};

use crate::testdb::{TestDb, ask};

mod compare;
mod effects;
mod keys;
mod keys_changes;
mod notes;
mod walls;

const SLOT: i32 = 1;

/// A client's session, and what `count_row` notes in it.
struct Session {
    client: Client,
    notices: UnboundedReceiver<DbError>,
}

impl Session {
    async fn new(db: &TestDb, role: &str) -> Self {
        let mut config = Config::new();
        config.host_path(db.path()).user(role).dbname("postgres");
        let (client, mut connection) = config.connect(NoTls).await.unwrap();
        let (sender, notices) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notice(notice) = message {
                    let _ = sender.send(notice);
                }
            }
        });
        // rather than for ever
        let wait = "SET lock_timeout = '5s'";
        client.batch_execute(wait).await.unwrap();
        Self { client, notices }
    }

    async fn ask(&self, sql: &str) -> String {
        ask(&self.client, sql).await
    }

    /// For statements that must succeed.
    async fn run(&self, sql: &str) {
        let answer = self.client.batch_execute(sql).await;
        assert!(answer.is_ok(), "{sql}: {answer:?}");
    }

    fn notes(&mut self) -> Vec<DbError> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }
}

/// One net change of a transaction, as the gateway hands it over.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    relation: u32,
    old: Option<String>,
    image: Option<String>,
}

/// What notes come to, and the work until then.
fn net(notes: &[DbError]) -> (Vec<Change>, i64) {
    let mut live: Vec<(u32, String, Change)> = Vec::new();
    let mut gone = Vec::new();
    for note in notes {
        assert_eq!(note.code().code(), "TL001");
        let parts: Vec<&str> = note.message().split(' ').collect();
        let [relation, old, new, image] = parts[..] else {
            panic!("{note}")
        };
        let relation = relation.parse().unwrap();
        let before = live
            .iter()
            .position(|(r, at, _)| (*r, at.as_str()) == (relation, old))
            .map(|at| live.remove(at).2.old);
        let old = before.unwrap_or((old != "-").then(|| old.to_owned()));
        let change = |image| Change {
            relation,
            old: old.clone(),
            image,
        };
        if new != "-" {
            live.push((relation, new.to_owned(), change(Some(image.to_owned()))));
        } else if old.is_some() {
            gone.push(change(None));
        }
    }
    gone.extend(live.into_iter().map(|(_, _, change)| change));
    let work = notes.last().and_then(DbError::detail).unwrap_or("0");
    (gone, work.parse().unwrap())
}

/// The three arrays of `shadow_enter` and `images_apply`.
fn arrays(changes: &[Change]) -> String {
    let list = |element: &dyn Fn(&Change) -> Option<String>| {
        let elements: Vec<String> = changes
            .iter()
            .map(|change| element(change).map_or("NULL".into(), |text| format!("'{text}'")))
            .collect();
        elements.join(",")
    };
    format!(
        "ARRAY[{}]::oid[], ARRAY[{}]::tid[], ARRAY[{}]::text[]",
        list(&|c| Some(c.relation.to_string())),
        list(&|c| c.old.clone()),
        list(&|c| c.image.clone())
    )
}

/// A database with tables and views of all kinds, and the gateway's side of it.
struct Lab {
    db: TestDb,
    control: Client,
    key: String,
}

impl Lab {
    async fn new() -> Option<Self> {
        let db = TestDb::start().await?;
        let admin = db.connect("admin").await;
        let tables = include_str!("tests/shadow_tables.sql");
        for statement in tables.split_inclusive(";\n") {
            admin.batch_execute(statement).await.unwrap();
        }
        let control = db.connect("treeline").await;
        let key = ask(&control, "SELECT pg_treeline.shadow_key()").await;
        Some(Self { db, control, key })
    }

    /// Tables of clients, by their names as SQL has them.
    async fn tables(&self) -> HashMap<String, u32> {
        let sql = "SELECT c.oid || ' ' || format('%I.%I', n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname IN ('public', 'Two words')";
        ask(&self.control, sql)
            .await
            .split(';')
            .map(|row| row.split_once(' ').unwrap())
            .map(|(oid, name)| (name.to_owned(), oid.parse().unwrap()))
            .collect()
    }

    async fn make(&self, table: &str) {
        let sql = format!("SELECT pg_treeline.shadow_make('{table}'::regclass, {SLOT})");
        assert_eq!(ask(&self.control, &sql).await, "");
    }

    async fn session(&self) -> Session {
        Session::new(&self.db, "admin").await
    }

    /// Into the slot, with what the transaction has done before.
    async fn enter(&self, session: &Session, changes: &[Change], work: i64) {
        let (rows, bytes) = (work >> 40, work & ((1 << 40) - 1));
        let (key, arrays) = (&self.key, arrays(changes));
        session
            .run(&format!(
                "SELECT pg_treeline.shadow_enter('{key}', {SLOT}, {arrays}, {rows}, {bytes})"
            ))
            .await;
    }

    /// The slot's changes onto the tables; an error's text if that fails.
    async fn apply(&self, session: &Session) -> String {
        let tables = self.tables().await;
        let oids: Vec<String> = tables.values().map(u32::to_string).collect();
        let (key, oids) = (&self.key, oids.join(","));
        let sql = format!("SELECT pg_treeline.shadow_apply('{key}', {SLOT}, ARRAY[{oids}]::oid[])");
        let answer = session.ask(&sql).await;
        session
            .ask("SET LOCAL search_path = \"$user\", public")
            .await;
        answer
    }

    async fn images(&self, session: &Session, changes: &[Change], work: i64) -> String {
        let (key, arrays, bytes) = (&self.key, arrays(changes), work & ((1 << 40) - 1));
        let sql = format!("SELECT pg_treeline.images_apply('{key}', {arrays}, {bytes})");
        session.ask(&sql).await
    }

    /// How many rows there are in the slot that somebody else sees.
    async fn left(&self) -> String {
        let sql = "SELECT string_agg(format('(SELECT count(*) FROM %s)', c.oid::regclass), ' + ')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname ~ '^pg_treeline_(over|hid)'";
        let sum = ask(&self.control, sql).await;
        ask(&self.control, &format!("SELECT {sum}")).await
    }
}
