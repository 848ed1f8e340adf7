//! What holds for anything that a client or a backend sends in a session.

use std::collections::HashSet;
use std::io;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use dialect::Dialect;
use tokio::io::ReadBuf;

use super::*;
use crate::frames;

mod conversation;
mod postgres;

pub(crate) use conversation::conversation;

/// The messages that a backend may be sent.
const FRONTEND: &[u8] = b"QPBDECSHdcf";
/// How statements are separated where the gateway writes a text anew.
const SEPARATOR: &str = "\n;\n";

static STATEMENTS: LazyLock<Arc<Statements>> =
    LazyLock::new(|| Arc::new(Statements::new(Dialect::default())));

/// What a client sends, in pieces of any size: it is cut by its first byte.
///
/// # Panics
/// A property does not hold.
pub(crate) fn client_messages(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else {
        return;
    };
    let rules = rules();
    let (whole, end) = to_backend(&Shared::new(&rules), stream, usize::MAX);
    let (pieces, same_end) = to_backend(&Shared::new(&rules), stream, usize::from(*cut) + 1);
    assert_eq!(whole, pieces);
    assert_eq!(format!("{end:?}"), format!("{same_end:?}"));
    check_end(&end);
    check_for_backend(&whole, &rewritten_texts(stream));
}

/// What a client sends, up to the length in the first two bytes, and what its backend answers to
/// that.
///
/// # Panics
/// A property does not hold.
pub(crate) fn backend_messages(bytes: &[u8]) {
    let Some(([high, low, cut], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let asked = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let (asked, answers) = rest.split_at_checked(asked).unwrap_or_default();
    let rules = rules();
    let client = |size| {
        let shared = Shared::new(&rules);
        to_backend(&shared, asked, usize::MAX);
        to_client(&shared, answers, size)
    };
    let (whole, writing) = client(usize::MAX);
    assert_eq!((whole.clone(), writing), client(usize::from(*cut) + 1));
    check_for_client(&whole, writing);
}

fn rules() -> Rules {
    Rules {
        statements: Arc::clone(&STATEMENTS),
        message_limit: 1 << 20,
        transaction_limit: Duration::from_secs(300),
        session_limit: Duration::from_secs(3600),
        catalog_changed: Box::new(|| {}),
    }
}

impl<'a> Shared<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self {
            state: Mutex::new(State::new(rules.transaction_limit, None)),
            changed: Arc::default(),
            rules,
        }
    }
}

/// Bytes that come in pieces of a size.
struct Pieces<'b> {
    bytes: &'b [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.size.min(self.bytes.len()).min(buffer.remaining());
        let (piece, rest) = self.bytes.split_at_checked(size).unwrap_or_default();
        buffer.put_slice(piece);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

/// The outcome of what never waits.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn to_backend(shared: &Shared<'_>, bytes: &[u8], size: usize) -> (Vec<u8>, End) {
    let mut output = Vec::new();
    let mut pieces = Pieces { bytes, size };
    let end = now(line::relay(&mut pieces, &mut output, shared, None));
    assert!(end.is_some(), "nothing to wait for");
    (output, end.unwrap_or(End::Closed))
}

fn to_client(shared: &Shared<'_>, bytes: &[u8], size: usize) -> (Vec<u8>, bool) {
    let (mut output, mut writing) = (Vec::new(), false);
    let pieces = Pieces { bytes, size };
    let end = now(backend::relay(pieces, &mut output, shared, &mut writing));
    assert!(matches!(end, Some(End::Closed)));
    (output, writing)
}

fn check_end(end: &End) {
    if let End::Fatal(failure) = end {
        check_for_client(&failure.message("FATAL"), false);
    }
}

/// The messages of a stream: tag, the length as it says itself, body. The last may be cut off.
fn messages(mut stream: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, length) = frames::header(stream)?;
        let said = stream.get(1..)?.first_chunk::<4>()?;
        let said = u32::from_be_bytes(*said) as usize;
        let (message, rest) = stream.split_at(length.max(frames::HEADER).min(stream.len()));
        stream = rest;
        Some((tag, said, message.get(frames::HEADER..)?))
    })
}

/// What reaches the client is whole messages, but for a row that the backend has not finished.
fn check_for_client(stream: &[u8], unfinished: bool) {
    let mut total = 0;
    let mut cut = false;
    for (tag, said, body) in messages(stream) {
        assert!(!cut);
        total += frames::HEADER + body.len();
        cut = body.len() + 4 < said;
        assert!(!cut || (unfinished && matches!(tag, b'D' | b'd')), "{tag}");
    }
    assert_eq!(cut, unfinished);
    assert_eq!(total, stream.len());
}

/// What reaches the backend is whole messages of the right kinds, and their texts are accepted.
fn check_for_backend(stream: &[u8], rewritten: &HashSet<Box<str>>) {
    let mut total = 0;
    for (tag, said, body) in messages(stream) {
        assert!(FRONTEND.contains(&tag), "{tag}");
        assert_eq!(said, body.len() + 4, "{tag}");
        total += frames::HEADER + body.len();
        let texts: Vec<&[u8]> = body.split(|byte| *byte == 0).collect();
        let text = match (tag, texts.as_slice()) {
            (b'Q', [text, _, ..]) | (b'P', [_, text, _, ..]) => *text,
            _ => continue,
        };
        let text = std::str::from_utf8(text);
        assert!(text.is_ok());
        check_text(text.unwrap_or_default(), rewritten);
    }
    assert_eq!(total, stream.len());
}

fn check_text(text: &str, rewritten: &HashSet<Box<str>>) {
    if text == ")" {
        return;
    }
    // The statement that fails by its syntax is always the last.
    let text = text
        .strip_suffix(")")
        .and_then(|rest| rest.strip_suffix(SEPARATOR))
        .unwrap_or(text);
    for statement in Dialect::default().read(text).statements {
        let fine = statement.refusal.is_none() || rewritten.contains(&*statement.sql);
        assert!(fine, "{text:?}: {statement:?}");
    }
}

/// What the dialect puts in the place of the client's statements and would not take from it.
fn rewritten_texts(stream: &[u8]) -> HashSet<Box<str>> {
    let texts = messages(stream)
        .flat_map(|(_, _, body)| body.split(|byte| *byte == 0))
        .filter_map(|text| std::str::from_utf8(text).ok());
    let statements = texts.flat_map(|text| STATEMENTS.read(text).script.statements.clone());
    let accepted = statements.filter(|statement| statement.refusal.is_none());
    accepted
        .map(|statement| statement.sql.as_ref().into())
        .collect()
}
