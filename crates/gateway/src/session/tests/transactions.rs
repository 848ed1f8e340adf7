//! The rules of the transaction.

use super::*;

#[tokio::test]
async fn rules_of_the_transaction_hold_where_a_statement_runs() {
    let mut ends = session();
    let prepared = [
        parse("b", "BEGIN"),
        parse("d", "CREATE TABLE t (id int)"),
        parse("w", "INSERT INTO t VALUES (1)"),
        sync(),
    ];
    ends.forwards(&prepared, &prepared).await;
    let done = [message(b'1', b"").repeat(3), ready(b'I')];
    ends.answers(&done, &done).await;
    let sent = [
        [bind("", "b"), execute("")].concat(),
        [bind("", "d"), execute("")].concat(),
        [bind("", "w"), execute("")].concat(),
        sync(),
    ];
    let mut got = sent.clone();
    got[2] = [bind("", "w"), parse("refused by the gateway", FAILING)].concat();
    ends.forwards(&sent, &got).await;
    let bound = || message(b'2', b"");
    ends.answers(
        &[
            [bound(), complete("BEGIN")].concat(),
            [bound(), complete("CREATE TABLE")].concat(),
            [bound(), failed()].concat(),
            ready(b'E'),
        ],
        &[
            [bound(), complete("BEGIN")].concat(),
            [bound(), complete("CREATE TABLE")].concat(),
            [
                bound(),
                refused(
                    "0A000",
                    "ddl and dml are not supported in the same transaction",
                ),
            ]
            .concat(),
            ready(b'E'),
        ],
    )
    .await;
    ends.forwards(&[query("ROLLBACK")], &[query("ROLLBACK")])
        .await;
    let done = [complete("ROLLBACK"), ready(b'I')];
    ends.answers(&done, &done).await;
    assert_eq!(ends.catalog_changes.load(Ordering::SeqCst), 1);
    ends.works().await;
}

/// A session whose transactions are too old as soon as they have begun.
fn hasty_session() -> Ends {
    session_with(|rules| rules.transaction_limit = Duration::ZERO)
}

fn age_error() -> Vec<u8> {
    let fields = "SERROR\0VERROR\0C54000\0Mtransaction age limit of 0s exceeded\0\
                  DCurrent transaction age 0s exceeds 0s\0\0";
    message(b'E', fields.as_bytes())
}

#[tokio::test]
async fn a_commit_that_is_refused_ends_the_transaction() {
    let mut ends = hasty_session();
    ends.forwards(&[query("BEGIN")], &[query("BEGIN")]).await;
    let begun = [complete("BEGIN"), ready(b'T')];
    ends.answers(&begun, &begun).await;
    ends.forwards(&[query("COMMIT")], &[query(FAILING), query("ROLLBACK")])
        .await;
    ends.answers(
        &[failed(), ready(b'E'), complete("ROLLBACK"), ready(b'I')],
        &[age_error(), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn a_commit_that_is_refused_ends_the_transaction_of_a_pipeline_at_its_sync() {
    let mut ends = hasty_session();
    ends.forwards(&[query("BEGIN")], &[query("BEGIN")]).await;
    let begun = [complete("BEGIN"), ready(b'T')];
    ends.answers(&begun, &begun).await;
    let commit = [parse("", "COMMIT"), bind("", "")].concat();
    ends.forwards(
        &[commit.clone(), execute(""), sync()],
        &[
            commit,
            parse("refused by the gateway", FAILING),
            sync(),
            query("ROLLBACK"),
        ],
    )
    .await;
    let bound = [message(b'1', b""), message(b'2', b"")].concat();
    ends.answers(
        &[
            bound.clone(),
            failed(),
            ready(b'E'),
            complete("ROLLBACK"),
            ready(b'I'),
        ],
        &[bound, age_error(), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn conflicts_are_dsqls() {
    let mut ends = session();
    for code in ["40001", "40P01", "55P03"] {
        let update = query("UPDATE t SET a = 1");
        ends.forwards(std::slice::from_ref(&update), std::slice::from_ref(&update))
            .await;
        let conflict = "change conflicts with another transaction (OC000)";
        ends.answers(
            &[error(code, "in PostgreSQL's words"), ready(b'I')],
            &[error("40001", conflict), ready(b'I')],
        )
        .await;
    }
    ends.works().await;
}
