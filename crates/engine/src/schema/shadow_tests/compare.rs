//! A table of statements, natively and in the shadow.

use super::*;

/// Numbers that sequences gave differ from run to run.
fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        masked.push_str(if digits.len() >= 4 { "N" } else { &digits });
        digits.clear();
        masked.push(c);
    }
    masked
}

/// What the gateway takes out of an error.
fn error(error: &tokio_postgres::Error) -> String {
    let db = error.as_db_error().unwrap();
    let prefix = ["pg_treeline_seen_1_", "pg_treeline_over_1_"];
    let schema = db.schema().unwrap_or_default();
    let schema = prefix
        .iter()
        .find_map(|p| schema.strip_prefix(p))
        .unwrap_or(schema);
    mask(&format!(
        "{} {} / {} / {schema} {} {}",
        db.code().code(),
        db.message().replace("for view", "for table"),
        db.detail().unwrap_or_default(),
        db.table().unwrap_or_default(),
        db.constraint().unwrap_or_default()
    ))
}

async fn answer(session: &Session, sql: &str) -> String {
    let messages = match session.client.simple_query(sql).await {
        Ok(messages) => messages,
        Err(failure) => return error(&failure),
    };
    let mut lines = Vec::new();
    for message in messages {
        match message {
            SimpleQueryMessage::Row(row) => lines.push(
                (0..row.len())
                    .map(|i| row.get(i).unwrap_or("NULL"))
                    .collect::<Vec<_>>()
                    .join("|"),
            ),
            SimpleQueryMessage::CommandComplete(rows) => lines.push(format!("{rows} rows")),
            SimpleQueryMessage::RowDescription(_) | _ => {}
        }
    }
    if !sql.contains("ORDER BY") {
        lines.sort();
    }
    mask(&lines.join(";"))
}

impl Lab {
    /// A statement in the shadow, as the gateway has it run.
    async fn shadow(&self, session: &Session, sql: &str) -> String {
        let Some((head, rest)) = sql
            .strip_prefix("INSERT INTO ")
            .filter(|_| sql.contains("ON CONFLICT"))
            .and_then(|rest| rest.find(['(', ' ']).map(|at| rest.split_at(at)))
        else {
            return answer(session, sql).await;
        };
        let key = &self.key;
        let hydrate = |begins| format!("SELECT pg_treeline.shadow_hydrate('{key}', {begins})");
        let sql = format!("INSERT INTO pg_treeline_over_1_public.{head}{rest}");
        session.run(&hydrate(true)).await;
        let first = answer(session, &sql).await;
        if first.starts_with(|c: char| c.is_ascii_digit()) && !first.contains(" rows") {
            return first;
        }
        session.run(&hydrate(false)).await;
        let second = answer(session, &sql).await;
        if second.contains(" rows") {
            let unhydrate = format!(
                "SELECT pg_treeline.shadow_unhydrate('{key}', {SLOT}, 'public.{head}'::regclass)"
            );
            session.run(&unhydrate).await;
        }
        second
    }

    /// The answers to all statements, and the tables after them.
    async fn play(&self, shadow: bool) -> (Vec<String>, Vec<String>) {
        let restart =
            "ALTER SEQUENCE par_i_seq RESTART 1000; ALTER SEQUENCE allk_al_seq RESTART 1000";
        self.control.batch_execute(restart).await.unwrap();
        let session = self.session().await;
        session.run("BEGIN; SELECT 1 FROM par; SAVEPOINT t").await;
        if shadow {
            self.enter(&session, &[], 0).await;
        }
        let mut answers = Vec::new();
        for sql in include_str!("../tests/shadow.txt").lines() {
            session.run("SAVEPOINT s").await;
            let answer = match shadow {
                true => self.shadow(&session, sql).await,
                false => answer(&session, sql).await,
            };
            let failed = !answer.contains(" rows");
            session
                .run(if failed { "ROLLBACK TO s" } else { "RELEASE s" })
                .await;
            answers.push(answer);
        }
        if shadow {
            assert_eq!(self.apply(&session).await, "");
        }
        let mut tables: Vec<String> = self.tables().await.into_keys().collect();
        tables.sort();
        let mut dumps = Vec::new();
        for table in tables {
            let sql = format!("SELECT to_jsonb(x) - 'k' - 'i' FROM {table} x ORDER BY 1");
            dumps.push(format!("{table}: {}", answer(&session, &sql).await));
        }
        session.run("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK").await;
        (answers, dumps)
    }
}

#[tokio::test]
async fn statements_answer_in_the_shadow_as_natively() {
    let Some(lab) = Lab::new().await else { return };
    let version = "SELECT last_value FROM pg_treeline.catalog_version";
    let before = ask(&lab.control, version).await;
    for _ in 0..2 {
        for table in lab.tables().await.keys() {
            lab.make(table).await;
        }
    }
    assert_eq!(ask(&lab.control, version).await, before);
    let (native, tables) = lab.play(false).await;
    let (shadow, after) = lab.play(true).await;
    let mut wrong = String::new();
    let statements = include_str!("../tests/shadow.txt").lines();
    for ((sql, native), shadow) in statements.zip(&native).zip(&shadow) {
        if native != shadow {
            wrong.push_str(&format!("{sql}\n  native {native}\n  shadow {shadow}\n"));
        }
    }
    for (native, shadow) in tables.iter().zip(&after).filter(|(a, b)| a != b) {
        wrong.push_str(&format!("native {native}\nshadow {shadow}\n"));
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(native.len() > 130 && tables.len() > 10);
}

#[tokio::test]
async fn nothing_remains_of_a_slot() {
    let Some(lab) = Lab::new().await else { return };
    for table in lab.tables().await.keys() {
        lab.make(table).await;
    }
    lab.play(true).await;
    assert_eq!(lab.left().await, "0");
    let objects = "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pg_treeline_'";
    assert_ne!(ask(&lab.control, objects).await, "0");
    let drop = "SELECT pg_treeline.shadow_drop(7); SELECT pg_treeline.shadow_drop()";
    assert_eq!(ask(&lab.control, drop).await, ";");
    assert_eq!(ask(&lab.control, objects).await, "0");
}
