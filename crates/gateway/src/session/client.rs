//! From the client to the backend: every message is looked at, and passed, replaced or refused.

use bytes::{BufMut, Bytes, BytesMut};
use dialect::{Reply, Statement};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::failure::Failure;
use super::pending::{Before, Expect, failing_statement};
use super::statements::{Prepared, Reading};
use super::{End, Rules, Shared, State};
use crate::frames::{self, Body, Malformed};

/// How many bytes are read at once.
const CHUNK: usize = 8 << 10;
/// Buffers that have grown beyond this are given back when they are empty.
const LARGE: usize = 64 << 10;

/// Reads messages of the client until there are no more.
pub(super) async fn relay(
    client: &mut (impl AsyncRead + Unpin),
    mut backend: impl AsyncWrite + Unpin,
    shared: &Shared<'_>,
) -> End {
    let mut input = BytesMut::new();
    let mut output = BytesMut::new();
    loop {
        let passed = pass(&mut input, &mut output, shared);
        if !output.is_empty() {
            if backend.write_all(&output).await.is_err() || backend.flush().await.is_err() {
                return wait_for_last_words().await;
            }
            output.clear();
        }
        if let Err(end) = passed {
            return end;
        }
        if input.is_empty() && input.capacity() > LARGE {
            input = BytesMut::new();
        }
        if output.capacity() > LARGE {
            output = BytesMut::new();
        }
        input.reserve(CHUNK);
        match client.read_buf(&mut input).await {
            Ok(0) | Err(_) => return End::Closed,
            Ok(_) => {}
        }
    }
}

/// The backend has closed the connection. What it said before is still on its way to the client,
/// and the other loop ends the session when it has passed that on.
async fn wait_for_last_words() -> End {
    std::future::pending().await
}

/// Passes all messages that are complete.
fn pass(input: &mut BytesMut, output: &mut BytesMut, shared: &Shared<'_>) -> Result<(), End> {
    if input.is_empty() {
        return Ok(());
    }
    let mut state = shared.state();
    while let Some((tag, length)) = frames::header(input) {
        if length < frames::HEADER || length > shared.rules.message_limit {
            let failure = Failure::protocol_violation("invalid message length");
            return Err(End::Fatal(failure));
        }
        if input.len() < length {
            break;
        }
        let message = input.split_to(length).freeze();
        state.client(tag, &message, shared.rules, output)?;
    }
    Ok(())
}

impl State {
    /// Decides on a message of the client, and writes what the backend gets.
    fn client(
        &mut self,
        tag: u8,
        message: &Bytes,
        rules: &Rules,
        output: &mut BytesMut,
    ) -> Result<(), End> {
        if self.ignores(tag) {
            return Ok(());
        }
        if self.copying && !matches!(tag, b'd' | b'c' | b'f' | b'X') {
            // PostgreSQL takes it for the end of the copying, whatever it asks.
            frames::message(output, b'f', &[b"unexpected message\0"]);
            self.copying = false;
            self.pending.push(Expect::CopyEnd);
            return Ok(());
        }
        let malformed =
            |_: Malformed| End::Fatal(Failure::protocol_violation("invalid message format"));
        match tag {
            b'Q' => self.query(message, rules, output).map_err(malformed)?,
            b'P' => self.parse(message, rules, output).map_err(malformed)?,
            b'B' => {
                let mut body = Body::of(message.clone());
                let portal = body.string().map_err(malformed)?;
                let name = body.string().map_err(malformed)?;
                self.bind(&portal, &name);
                self.pass(message, Expect::Bind, output);
            }
            b'D' => {
                let statement = self.named(message).map_err(malformed)?;
                let reply = statement.map_or(Reply::AsIs, |statement| statement.reply);
                self.pass(message, Expect::Describe(reply), output);
            }
            b'E' => self.execute(message, output).map_err(malformed)?,
            b'C' => {
                let before = self.close(message).map_err(malformed)?;
                self.pass(message, Expect::Close(before), output);
            }
            b'S' => {
                self.transaction.sync();
                self.pass(message, Expect::Sync, output);
                if std::mem::take(&mut self.rollback_at_sync) {
                    self.rollback(output);
                }
            }
            b'F' => self.refuse_query(Failure::function_call(), output),
            b'c' | b'f' => {
                self.copying = false;
                self.pass(message, Expect::CopyEnd, output);
            }
            b'H' | b'd' => output.extend_from_slice(message),
            b'X' => return Err(End::Closed),
            other => {
                let message = format!("invalid frontend message type {other}");
                return Err(End::Fatal(Failure::protocol_violation(message)));
            }
        }
        Ok(())
    }

    /// Whether PostgreSQL would ignore the message: then it does not get there, and no answer to
    /// it is expected. After an error of the extended protocol that is everything up to `Sync`;
    /// while it copies from the client, `Sync` and `Flush`.
    fn ignores(&mut self, tag: u8) -> bool {
        match tag {
            b'X' => false,
            b'S' if self.skipping => {
                self.skipping = false;
                false
            }
            b'S' | b'H' if self.copying => true,
            _ => self.skipping,
        }
    }

    fn pass(&mut self, message: &Bytes, expect: Expect, output: &mut BytesMut) {
        output.extend_from_slice(message);
        self.pending.push(expect);
    }

    /// Takes a statement into the transaction, unless something is against it.
    fn take(&mut self, statement: &Statement) -> Result<(), Failure> {
        if let Some(refusal) = &statement.refusal {
            return Err(Failure::from(refusal));
        }
        self.transaction.take(statement.effect)
    }

    fn query(
        &mut self,
        message: &Bytes,
        rules: &Rules,
        output: &mut BytesMut,
    ) -> Result<(), Malformed> {
        let text = Body::of(message.clone()).string()?;
        let Ok(text) = std::str::from_utf8(&text) else {
            self.refuse_query(Failure::invalid_encoding(), output);
            return Ok(());
        };
        let reading = rules.statements.read(text);
        let mut refused = None;
        for (at, statement) in reading.script.statements.iter().enumerate() {
            if let Err(failure) = self.take(statement) {
                refused = Some((at, Box::new(failure)));
                break;
            }
        }
        match &refused {
            None if reading.passes => output.extend_from_slice(message),
            None => write_query(output, &texts(&reading, usize::MAX)),
            Some((at, failure)) => {
                let mut texts = texts(&reading, *at);
                texts.push(failing_statement(failure).0);
                write_query(output, &texts);
            }
        }
        self.transaction.sync();
        let ends = matches!(&refused, Some((_, failure)) if failure.ends_transaction);
        self.pending.push(Expect::Query {
            reading: Some(reading),
            answered: 0,
            refused,
        });
        if ends {
            self.rollback(output);
        }
        Ok(())
    }

    /// Has the backend fail as in answer to a `Query`.
    fn refuse_query(&mut self, failure: Failure, output: &mut BytesMut) {
        write_query(output, &[failing_statement(&failure).0]);
        self.pending.push(Expect::Query {
            reading: None,
            answered: 0,
            refused: Some((0, Box::new(failure))),
        });
    }

    /// Ends the transaction behind the client's back.
    fn rollback(&mut self, output: &mut BytesMut) {
        write_query(output, &["ROLLBACK"]);
        self.pending.push(Expect::Rollback);
    }

    fn parse(
        &mut self,
        message: &Bytes,
        rules: &Rules,
        output: &mut BytesMut,
    ) -> Result<(), Malformed> {
        let mut body = Body::of(message.clone());
        let name = body.string()?;
        let text = body.string()?;
        let Ok(text) = std::str::from_utf8(&text) else {
            self.refuse(&name, Failure::invalid_encoding(), output);
            return Ok(());
        };
        let reading = rules.statements.read(text);
        let statement = match reading.script.statements.as_slice() {
            [] => None,
            [statement] => Some(statement),
            [_, _, ..] => {
                self.refuse(&name, Failure::several_prepared(), output);
                return Ok(());
            }
        };
        if let Some(refusal) = statement.and_then(|statement| statement.refusal.as_ref()) {
            self.refuse(&name, Failure::from(refusal), output);
            return Ok(());
        }
        if reading.passes {
            output.extend_from_slice(message);
        } else if let Some(statement) = statement {
            let parts: [&[u8]; 5] = [&name, b"\0", statement.sql.as_bytes(), b"\0", &body.0];
            frames::message(output, b'P', &parts);
        }
        let before = self.prepare(&name, statement);
        self.pending.push(Expect::Parse {
            before,
            rewritten: !reading.passes,
        });
        Ok(())
    }

    /// Remembers a statement, until the backend says that the name is taken, or skips it.
    fn prepare(&mut self, name: &[u8], statement: Option<&Statement>) -> Before {
        // Of its own: a part of the message would keep all that was read with it.
        let name = Bytes::copy_from_slice(name);
        let before = self.prepared.insert(name.clone(), Prepared::of(statement));
        (name, before)
    }

    /// Has the backend fail as in answer to a `Parse`, which is sent in the place of a message.
    fn refuse(&mut self, name: &[u8], failure: Failure, output: &mut BytesMut) {
        let text = failing_statement(&failure).0.as_bytes();
        frames::message(output, b'P', &[name, b"\0", text, b"\0\0\0"]);
        self.rollback_at_sync |= failure.ends_transaction;
        self.pending.push(Expect::Refused(Box::new(failure)));
    }

    fn bind(&mut self, portal: &[u8], name: &Bytes) {
        match self.prepared.get(name) {
            Some(statement) => {
                let portal = Bytes::copy_from_slice(portal);
                self.portals.insert(portal, *statement)
            }
            None => self.portals.remove(portal),
        };
    }

    /// The statement that a `Describe` or `Close` names.
    fn named(&self, message: &Bytes) -> Result<Option<Prepared>, Malformed> {
        let mut body = Body::of(message.clone());
        let kind = body.byte()?;
        let name = body.string()?;
        Ok(match kind {
            b'S' => self.prepared.get(&name).copied(),
            _ => self.portals.get(&name).copied(),
        })
    }

    fn execute(&mut self, message: &Bytes, output: &mut BytesMut) -> Result<(), Malformed> {
        let portal = Body::of(message.clone()).string()?;
        let statement = self.portals.get(&portal).copied();
        let taken = statement
            .as_ref()
            .map_or(Ok(()), |statement| self.transaction.take(statement.effect));
        match taken {
            Ok(()) => self.pass(message, Expect::Execute(statement), output),
            // A name, so that the client's unnamed statement stays.
            Err(failure) => self.refuse(b"refused by the gateway", failure, output),
        }
        Ok(())
    }

    fn close(&mut self, message: &Bytes) -> Result<Option<Before>, Malformed> {
        let mut body = Body::of(message.clone());
        let kind = body.byte()?;
        let name = body.string()?;
        if kind != b'S' {
            self.portals.remove(&name);
            return Ok(None);
        }
        let before = self.prepared.remove(&name);
        Ok(Some((name, before)))
    }
}

/// The texts of the first `count` statements for the backend.
fn texts(reading: &Reading, count: usize) -> Vec<&str> {
    let statements = reading.script.statements.iter();
    statements
        .take(count)
        .map(|statement| &*statement.sql)
        .collect()
}

/// A `Query` of several statements. Each ends with a line of its own: a text may end in a comment.
fn write_query(output: &mut BytesMut, texts: &[&str]) {
    let mut body = BytesMut::new();
    for (at, text) in texts.iter().enumerate() {
        body.put_slice(if at == 0 { b"" } else { b"\n;\n" });
        body.put_slice(text.as_bytes());
    }
    body.put_u8(0);
    frames::message(output, b'Q', &[&body]);
}
