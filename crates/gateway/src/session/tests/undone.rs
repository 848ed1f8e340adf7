//! What the backend skips has not happened.

use super::*;

const DDL_WITH_DML: &str = "ddl and dml are not supported in the same transaction";

fn close(name: &str) -> Vec<u8> {
    message(b'C', format!("S{name}\0").as_bytes())
}

/// Prepares `ddl`, and then has the backend fail and skip `skipped`; what `ddl` names is known
/// still, so that it cannot run beside DML.
async fn check_known(skipped: &[Vec<u8>]) {
    let mut ends = session();
    let prepared = [parse("ddl", "CREATE TABLE t (a int)"), sync()];
    ends.forwards(&prepared, &prepared).await;
    let done = [message(b'1', b""), ready(b'I')];
    ends.answers(&done, &done).await;
    let pipeline = [&[bind("", "none")], skipped, &[sync()]].concat();
    ends.forwards(&pipeline, &pipeline).await;
    let failed = [error("26000", "m"), ready(b'I')];
    ends.answers(&failed, &failed).await;
    let write = "INSERT INTO t VALUES (1)";
    let mixed = [
        parse("", write),
        bind("", ""),
        execute(""),
        bind("", "ddl"),
        execute(""),
        sync(),
    ];
    let mut got = mixed.clone();
    got[4] = parse("refused by the gateway", FAILING);
    ends.forwards(&mixed, &got).await;
    let [one, two] = [message(b'1', b""), message(b'2', b"")];
    let before = [one, two.clone(), complete("INSERT 0 1"), two].concat();
    ends.answers(
        &[before.clone(), super::failed(), ready(b'I')],
        &[before, refused("0A000", DDL_WITH_DML), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn a_statement_that_was_not_closed_is_known() {
    check_known(&[close("ddl")]).await;
    check_known(&[close("ddl"), parse("ddl", "SELECT 1")]).await;
    check_known(&[parse("ddl", "SELECT 1"), close("ddl"), close("ddl")]).await;
}

#[tokio::test]
async fn any_message_ends_copying() {
    let copy_in = message(b'G', b"\0\0\0");
    let fail = message(b'f', b"unexpected message\0");
    let failed = [error("57014", "COPY from stdin failed"), ready(b'I')];
    let mut ends = session();
    ends.forwards(&[query("COPY t FROM STDIN")], &[query("COPY t FROM STDIN")])
        .await;
    let begun = [copy_in];
    ends.answers(&begun, &begun).await;
    ends.forwards(&[query("SELECT 1")], &[fail]).await;
    ends.answers(&failed, &failed).await;
    ends.works().await;
    // The backend has it before it is known that it copies.
    let both = [query("COPY t FROM STDIN"), query("SELECT 1")];
    ends.forwards(&both, &both).await;
    let answers = [begun.concat(), failed.concat()];
    ends.answers(&answers, &answers).await;
    ends.works().await;
}
