//! What ends a session, and what must not.

use super::*;

#[tokio::test]
async fn long_rows_pass_as_they_come() {
    let mut ends = session();
    ends.forwards(&[query("SELECT 1")], &[query("SELECT 1")])
        .await;
    let row = message(b'D', &vec![b'x'; 300_000]);
    let whole = [columns(), row, complete("SELECT 1"), ready(b'I')].concat();
    let (client, backend) = (&mut ends.client, &mut ends.backend);
    let sent = whole.clone();
    let (_, got) = tokio::join!(
        async move { backend.write_all(&sent).await.unwrap() },
        get(client, whole.len())
    );
    assert!(got == whole);
    ends.works().await;
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_session() {
    for (sent, told) in [
        (message(b'Q', &vec![b' '; 2000]), "invalid message length"),
        (b"S\0\0\0\x03".to_vec(), "invalid message length"),
        (message(b'Q', b"SELECT 1"), "invalid message format"),
        (message(b'P', b"name\0"), "invalid message format"),
        (message(b'D', b""), "invalid message format"),
        (message(b'?', b""), "invalid frontend message type 63"),
        (
            message(b'p', b"token\0"),
            "invalid frontend message type 112",
        ),
    ] {
        let mut ends = session_with(|rules| rules.message_limit = 1000);
        ends.client.write_all(&sent).await.unwrap();
        let mut all = Vec::new();
        ends.client.read_to_end(&mut all).await.unwrap();
        let all = text(&all);
        assert!(all.contains("SFATAL\0VFATAL\0C08P01\0"), "{all}");
        assert!(all.contains(told), "{all}");
        let mut reached = Vec::new();
        ends.backend.read_to_end(&mut reached).await.unwrap();
        assert_eq!(text(&reached), "");
        drop(ends.client);
        ends.session.await.unwrap();
    }
}

#[tokio::test]
async fn calls_past_the_dialect_are_refused() {
    let mut ends = session();
    ends.forwards(&[message(b'F', b"\0\0\0\x01")], &[query(FAILING)])
        .await;
    let told = refused("0A000", "function call protocol is not supported");
    ends.answers(&[failed(), ready(b'I')], &[told, ready(b'I')])
        .await;
    // Several statements under one name would be read as one.
    ends.forwards(
        &[parse("", "SELECT 1; TRUNCATE t"), sync()],
        &[parse("", ")"), sync()],
    )
    .await;
    let told = "cannot insert multiple commands into a prepared statement";
    ends.answers(
        &[error("42601", "syntax error"), ready(b'I')],
        &[error("42601", told), ready(b'I')],
    )
    .await;
    ends.works().await;
}

#[tokio::test]
async fn a_client_that_goes_leaves_a_backend_that_is_busy_or_not() {
    for (sent, busy) in [(query("SELECT pg_sleep(60)"), true), (Vec::new(), false)] {
        let mut ends = session();
        ends.forwards(std::slice::from_ref(&sent), std::slice::from_ref(&sent))
            .await;
        drop(ends.client);
        assert_eq!(ends.session.await.unwrap(), busy);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_after_its_time() {
    let mut ends = session_with(|rules| rules.session_limit = Duration::from_secs(60));
    let mut all = Vec::new();
    ends.client.read_to_end(&mut all).await.unwrap();
    assert!(text(&all).contains("C57P01"), "{}", text(&all));
}
