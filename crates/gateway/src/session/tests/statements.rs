//! What is passed, refused and reworded.

use super::*;

#[tokio::test]
async fn what_is_accepted_passes_as_it_is() {
    let mut ends = session();
    ends.works().await;
    let pipeline = [
        parse("s", "SELECT 1"),
        bind("", "s"),
        describe(""),
        execute(""),
        sync(),
    ];
    ends.forwards(&pipeline, &pipeline).await;
    let answer = [
        message(b'1', b""),
        message(b'2', b""),
        columns(),
        row(),
        complete("SELECT 1"),
        ready(b'I'),
    ];
    ends.answers(&answer, &answer).await;
    ends.works().await;
}

#[tokio::test]
async fn a_refused_statement_fails_in_the_backend() {
    let mut ends = session();
    ends.forwards(&[query("TRUNCATE t")], &[query(FAILING)])
        .await;
    ends.answers(&[failed(), ready(b'I')], &[truncate_refused(), ready(b'I')])
        .await;
    ends.works().await;
}

#[tokio::test]
async fn an_aborted_transaction_comes_first() {
    let mut ends = session();
    ends.forwards(&[query("BEGIN")], &[query("BEGIN")]).await;
    let begun = [complete("BEGIN"), ready(b'T')];
    ends.answers(&begun, &begun).await;
    ends.forwards(&[query("TRUNCATE t")], &[query(FAILING)])
        .await;
    let aborted = [
        error("25P02", "current transaction is aborted"),
        ready(b'E'),
    ];
    ends.answers(&aborted, &aborted).await;
    // A text that cannot be parsed fails before PostgreSQL looks at the transaction.
    ends.forwards(&[query("SELEC 1")], &[query(")")]).await;
    let failed = [error("42601", "syntax error at or near \")\""), ready(b'E')];
    ends.backend.write_all(&failed.concat()).await.unwrap();
    let (tag, length) = frames::header(&get(&mut ends.client, 5).await).unwrap();
    assert_eq!(tag, b'E');
    let body = text(&get(&mut ends.client, length - 5).await);
    assert!(body.contains("syntax error at or near \"SELEC\""), "{body}");
    get(&mut ends.client, ready(b'E').len()).await;
}

#[tokio::test]
async fn the_statements_before_a_refused_one_are_answered() {
    let mut ends = session();
    ends.forwards(
        &[query("SELECT 1; TRUNCATE t; SELECT 2")],
        &[query(&format!("SELECT 1\n;\n{FAILING}"))],
    )
    .await;
    let first = [columns(), row(), complete("SELECT 1")].concat();
    ends.answers(
        &[first.clone(), failed(), ready(b'I')],
        &[first, truncate_refused(), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn an_error_of_an_earlier_statement_is_the_backends() {
    let mut ends = session();
    ends.forwards(
        &[query("SELECT nothing; TRUNCATE t")],
        &[query(&format!("SELECT nothing\n;\n{FAILING}"))],
    )
    .await;
    let own = [
        error("42703", "column \"nothing\" does not exist"),
        ready(b'I'),
    ];
    ends.answers(&own, &own).await;
    ends.works().await;
}

#[tokio::test]
async fn command_tags_are_those_of_the_statement() {
    let mut ends = session();
    ends.forwards(
        &[query("SHOW server_version")],
        &[query("SELECT '16.15'::text AS \"server_version\"")],
    )
    .await;
    ends.answers(
        &[columns(), row(), complete("SELECT 1"), ready(b'I')],
        &[columns(), row(), complete("SHOW"), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn rows_that_stand_for_nothing_are_dropped() {
    let mut ends = session();
    ends.client.write_all(&query("DROP ROLE a")).await.unwrap();
    let (_, length) = frames::header(&get(&mut ends.backend, 5).await).unwrap();
    let sent = text(&get(&mut ends.backend, length - 5).await);
    assert!(sent.contains("pg_treeline.drop_roles"), "{sent}");
    ends.answers(
        &[columns(), row(), complete("SELECT 1"), ready(b'I')],
        &[complete("DROP ROLE"), ready(b'I')],
    )
    .await;
    ends.works().await;
    // A client of the extended protocol is told that there are no rows.
    let pipeline = [
        parse("", "DROP ROLE a"),
        bind("", ""),
        describe(""),
        execute(""),
        sync(),
    ];
    ends.client.write_all(&pipeline.concat()).await.unwrap();
    let (tag, length) = frames::header(&get(&mut ends.backend, 5).await).unwrap();
    assert_eq!(tag, b'P');
    get(&mut ends.backend, length - 5).await;
    let rest = pipeline[1..].concat();
    assert_eq!(get(&mut ends.backend, rest.len()).await, rest);
    let ok = [message(b'1', b""), message(b'2', b"")].concat();
    ends.answers(
        &[
            ok.clone(),
            columns(),
            row(),
            complete("SELECT 1"),
            ready(b'I'),
        ],
        &[ok, message(b'n', b""), complete("DROP ROLE"), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn a_pipeline_ends_at_what_is_refused() {
    let mut ends = session();
    let rest = [bind("", "s"), execute(""), sync()].concat();
    ends.forwards(
        &[parse("s", "TRUNCATE t"), rest.clone()],
        &[parse("s", FAILING), rest],
    )
    .await;
    ends.answers(&[failed(), ready(b'I')], &[truncate_refused(), ready(b'I')])
        .await;
    ends.works().await;
    // The name is free: the statement never came into being.
    let again = [parse("s", "SELECT 1"), sync()];
    ends.forwards(&again, &again).await;
    let done = [message(b'1', b""), ready(b'I')];
    ends.answers(&done, &done).await;
    ends.works().await;
}

#[tokio::test]
async fn of_a_long_error_the_beginning_passes() {
    let mut ends = session();
    ends.forwards(&[query("SELECT 1")], &[query("SELECT 1")])
        .await;
    // Its last character is cut in half.
    let whole = error("22P02", &"ä".repeat(500_000));
    let sent = [whole, ready(b'I')].concat();
    let (client, backend) = (&mut ends.client, &mut ends.backend);
    let got = async {
        let (tag, length) = frames::header(&get(client, 5).await).unwrap();
        assert_eq!(tag, b'E');
        let body = get(client, length - 5).await;
        get(client, ready(b'I').len()).await;
        body
    };
    let (sent, got) = tokio::join!(backend.write_all(&sent), got);
    sent.unwrap();
    assert!(got.len() < 70_000, "{}", got.len());
    let got = String::from_utf8(got).unwrap();
    assert!(got.starts_with("SERROR\0VERROR\0C22P02\0Mää"));
    assert!(got.ends_with("ä\0\0"));
    ends.works().await;
}

#[tokio::test]
async fn what_comes_while_the_backend_skips_is_not_waited_for() {
    let mut ends = session();
    let bad = [parse("", "SELECT nothing"), message(b'H', b"")];
    ends.forwards(&bad, &bad).await;
    let told = [error("42703", "column \"nothing\" does not exist")];
    ends.answers(&told, &told).await;
    // The rest of the pipeline comes after the error: PostgreSQL ignores it up to the Sync.
    ends.forwards(
        &[
            parse("s", "TRUNCATE t"),
            bind("", ""),
            execute(""),
            query("SELECT 1"),
            sync(),
        ],
        &[sync()],
    )
    .await;
    ends.answers(&[ready(b'I')], &[ready(b'I')]).await;
    ends.forwards(&[query("TRUNCATE t")], &[query(FAILING)])
        .await;
    ends.answers(&[failed(), ready(b'I')], &[truncate_refused(), ready(b'I')])
        .await;
    ends.works().await;
}

#[tokio::test]
async fn the_end_of_copying_is_where_the_client_says() {
    let copy_in = message(b'G', b"\0\0\0");
    let rows = [message(b'd', b"1\n"), message(b'd', b"2\n")].concat();
    let end = message(b'c', b"");
    let start = [parse("", "COPY t FROM STDIN"), bind("", ""), execute("")].concat();
    let begun = [message(b'1', b""), message(b'2', b""), copy_in].concat();
    let done = [complete("COPY 2"), ready(b'I')].concat();
    // With a Sync before the rows, as libpq does it: PostgreSQL ignores that.
    let mut ends = session();
    let first = [start.clone(), sync()];
    ends.forwards(&first, &first).await;
    ends.answers(std::slice::from_ref(&begun), std::slice::from_ref(&begun))
        .await;
    let second = [rows.clone(), end.clone(), sync()];
    ends.forwards(&second, &second).await;
    ends.answers(std::slice::from_ref(&done), std::slice::from_ref(&done))
        .await;
    ends.works().await;
    // With a Sync in the midst of them.
    let mut ends = session();
    ends.forwards(std::slice::from_ref(&start), std::slice::from_ref(&start))
        .await;
    ends.answers(std::slice::from_ref(&begun), std::slice::from_ref(&begun))
        .await;
    ends.forwards(
        &[sync(), rows.clone(), end.clone(), sync()],
        &[rows.clone(), end.clone(), sync()],
    )
    .await;
    ends.answers(std::slice::from_ref(&done), std::slice::from_ref(&done))
        .await;
    ends.works().await;
    // All at once.
    let mut ends = session();
    let all = [start, rows, end, sync()];
    ends.forwards(&all, &all).await;
    let answer = [begun, done];
    ends.answers(&answer, &answer).await;
    ends.works().await;
}

#[tokio::test]
async fn copying_that_fails_ends_at_the_sync() {
    let mut ends = session();
    let start = [
        parse("", "COPY t FROM STDIN"),
        bind("", ""),
        execute(""),
        message(b'H', b""),
    ];
    ends.forwards(&start, &start).await;
    let begun = [
        message(b'1', b""),
        message(b'2', b""),
        message(b'G', b"\0\0\0"),
        error("22P02", "invalid input"),
    ];
    ends.answers(&begun, &begun).await;
    ends.forwards(
        &[message(b'd', b"x\n"), message(b'c', b""), sync()],
        &[sync()],
    )
    .await;
    ends.answers(&[ready(b'I')], &[ready(b'I')]).await;
    ends.works().await;
}

#[tokio::test]
async fn a_portal_ends_with_its_transaction() {
    for (status, tag) in [(b'T', "SHOW"), (b'I', "SELECT 1")] {
        let mut ends = session();
        let text = "SELECT '16.15'::text AS \"server_version\"";
        ends.forwards(
            &[parse("s", "SHOW server_version"), bind("p", "s"), sync()],
            &[parse("s", text), bind("p", "s"), sync()],
        )
        .await;
        let bound = [message(b'1', b""), message(b'2', b""), ready(status)];
        ends.answers(&bound, &bound).await;
        // Whatever has the name now is not the statement.
        let pipeline = [execute("p"), sync()];
        ends.forwards(&pipeline, &pipeline).await;
        ends.answers(
            &[row(), complete("SELECT 1"), ready(status)],
            &[row(), complete(tag), ready(status)],
        )
        .await;
    }
}
