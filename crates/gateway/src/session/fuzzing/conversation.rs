//! A client that does anything in any order, and a backend that answers as PostgreSQL does, now or
//! later: after all of it, what the gateway knows of the session is what the backend knows.

use bytes::BytesMut;
use dialect::{Dialect, Reply};

use super::super::statements::Kind;
use super::postgres::Postgres;
use super::*;

/// What is asked.
const TEXTS: &[&str] = &[
    "SELECT 1",
    "INSERT INTO t VALUES (1)",
    "CREATE TABLE t (a int)",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "TRUNCATE t",
    "SELEC",
    "",
    "SELECT 1; SELECT 1/0; SELECT 1",
    "INSERT INTO t VALUES (1); TRUNCATE t",
    "SELECT 1/0",
    "AWS IAM GRANT r TO 'arn:aws:iam::111122223333:role/r'",
    "COPY t FROM STDIN",
    "SHOW server_version",
    "DEALLOCATE ALL",
    "BEGIN; INSERT INTO t VALUES (1); COMMIT; CREATE TABLE t (a int)",
];

const NAMES: &[&str] = &["", "a", "b"];

/// After the first byte, two are one deed: what, and with what. The first says whether the client
/// waits after `Sync`.
///
/// # Panics
/// A property does not hold.
pub(crate) fn conversation(bytes: &[u8]) {
    let rules = rules();
    let shared = Shared::new(&rules);
    let mut postgres = Postgres::default();
    let Some((first, deeds)) = bytes.split_first() else {
        return;
    };
    let waits = first % 2 == 0;
    let (deeds, _) = deeds.as_chunks::<2>();
    for [what, with] in deeds.iter().take(64) {
        let Some(message) = deed(what % 16, usize::from(*with)) else {
            answer(&shared, &mut postgres, usize::from(*with) + 1);
            continue;
        };
        let (sent, end) = to_backend(&shared, &message, usize::MAX);
        assert!(matches!(end, End::Closed), "{end:?}");
        postgres.input.extend_from_slice(&sent);
        if waits && matches!(message.first(), Some(b'S' | b'Q')) {
            answer(&shared, &mut postgres, usize::MAX);
        }
    }
    answer(&shared, &mut postgres, usize::MAX);
    check_agreement(&mut shared.state(), &postgres);
    // Who goes on after a failure that it has not heard of deceives the gateway about what is
    // prepared, to nobody's harm.
    assert!(!waits || !postgres.mixed);
}

/// What the client sends; nothing when it is the backend's turn.
fn deed(what: u8, with: usize) -> Option<Vec<u8>> {
    let pick = |from: &[&'static str], at: usize| from.get(at % from.len()).copied();
    let name = pick(NAMES, with)?;
    let portal = pick(NAMES, with / NAMES.len())?;
    let text = pick(TEXTS, with / NAMES.len())?;
    let (tag, body) = match what {
        0 | 1 => (b'Q', format!("{}\0", pick(TEXTS, with)?)),
        2 | 3 => (b'P', format!("{name}\0{text}\0\0\0")),
        4 | 5 => (b'B', format!("{portal}\0{name}\0\0\0\0\0\0\0")),
        6 | 7 => (b'E', format!("{name}\0\0\0\0\0")),
        8 => (b'D', format!("{}{name}\0", pick(&["S", "P"], with / 3)?)),
        9 => (b'C', format!("{}{name}\0", pick(&["S", "P"], with / 3)?)),
        10 | 11 => (b'S', String::new()),
        12 => match with % 4 {
            0 => (b'H', String::new()),
            1 => (b'd', "1\n".to_owned()),
            2 => (b'c', String::new()),
            _ => (b'f', "gone\0".to_owned()),
        },
        _ => return None,
    };
    let mut message = BytesMut::new();
    frames::message(&mut message, tag, &[body.as_bytes()]);
    Some(message.to_vec())
}

/// The backend looks at this many messages, and its answers go to the client.
fn answer(shared: &Shared<'_>, postgres: &mut Postgres, count: usize) {
    for _ in 0..count {
        if !postgres.step() {
            break;
        }
    }
    let answers = postgres.output.split();
    let (seen, writing) = to_client(shared, &answers, usize::MAX);
    assert!(!writing);
    check_for_client(&seen, false);
    let text = String::from_utf8_lossy(&seen);
    assert!(!text.contains("refused by the gateway"), "{text:?}");
}

/// Everything is answered, so both sides know the same.
fn check_agreement(state: &mut State, postgres: &Postgres) {
    state.pending.pass_copy_ends();
    if postgres.waits() {
        assert!(state.pending.is_empty(), "{:?}", state.pending);
    }
    for (name, statement) in &state.prepared {
        // The unnamed one also goes when another cannot be parsed.
        let Some(own) = postgres.prepared.get(name) else {
            assert!(name.is_empty(), "{name:?} is nothing and {statement:?}");
            continue;
        };
        // What is rewritten says something else to the dialect.
        if statement.kind.is_none_or(|kind| kind.reply == Reply::AsIs) {
            let read = Dialect::default().read(own);
            let same = read.statements.first().map(Kind::of);
            assert_eq!(statement.kind, same, "{name:?} is {own:?}");
        }
    }
}
