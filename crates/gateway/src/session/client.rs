//! What becomes of a message of the client: it is passed, replaced or refused.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use dialect::{Effect, Reply, Statement};

use super::failure::Failure;
use super::pending::{Before, Expect, failing_statement};
use super::statements::{Kind, Prepared, Reading};
use super::{End, Rules, State, own};
use crate::frames::{self, Body, Malformed};

/// The name under which what fails is prepared.
const REFUSED: &[u8] = b"refused by the gateway";

impl State {
    /// Decides on a message of the client, and writes what the backend gets.
    pub(super) fn client(
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
        if self.conflicts.is_some() && names_own(tag, message).map_err(malformed)? {
            self.refuse(REFUSED, Failure::reserved_name(), output);
            return Ok(());
        }
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
                let kind = statement.and_then(|statement| statement.kind);
                let reply = kind.map_or(Reply::AsIs, |kind| kind.reply);
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
        self.settings += u64::from(statement.sets);
        self.begins(statement);
        self.admit(statement.effect)
    }

    /// Takes a statement with this effect into the transaction, unless something is against it.
    fn admit(&mut self, effect: Effect) -> Result<(), Failure> {
        let starts = !matches!(effect, Effect::Begin | Effect::Commit | Effect::Rollback);
        if let Some(conflicts) = &self.conflicts
            && starts
        {
            self.block
                .since
                .get_or_insert_with(|| conflicts.clock.now());
        }
        let version = match &self.conflicts {
            _ if self.block.expelled => None,
            Some(conflicts) => Some(conflicts.version()),
            None => Some(0),
        };
        // INVARIANT: a slot is settled before COMMIT, or rows would be lost and come to whoever has the
        // slot next. Messages that are passed without care end here.
        let unsettled = self.block.is_unsettled() && !self.block.settled;
        let doomed = self.block.doomed || unsettled;
        self.transaction.take(effect, version, doomed)
    }

    /// Remembers how a block begins.
    fn begins(&mut self, statement: &Statement) {
        if statement.effect == Effect::Begin {
            self.block.begun = Some(Arc::clone(&statement.sql));
        }
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
        let all = 0..reading.script.statements.len();
        let said = if reading.passes {
            Said::Whole(message)
        } else {
            Said::Texts
        };
        self.ask(&reading, all, said, output);
        Ok(())
    }

    /// Asks for some of the statements of a `Query`.
    pub(super) fn ask(
        &mut self,
        reading: &Arc<Reading>,
        range: Range<usize>,
        said: Said<'_>,
        output: &mut BytesMut,
    ) {
        let statements = reading.script.statements.get(range.clone());
        let statements = statements.unwrap_or_default();
        let mut refused = None;
        for (at, statement) in statements.iter().enumerate() {
            if let Err(failure) = self.take(statement) {
                refused = Some((at, Box::new(failure)));
                break;
            }
        }
        match (&refused, said) {
            (None, Said::Whole(message)) => output.extend_from_slice(message),
            (None, Said::Texts) => write_query(output, &texts(statements)),
            (None, Said::Instead(text)) => write_query(output, &[text]),
            (Some((at, failure)), _) => {
                let mut texts = texts(statements.get(..*at).unwrap_or_default());
                texts.push(failing_statement(failure).0);
                write_query(output, &texts);
            }
        }
        self.transaction.sync();
        let ends = matches!(&refused, Some((_, failure)) if failure.ends_transaction);
        self.pending.push(Expect::Query {
            reading: Some(Arc::clone(reading)),
            answered: range.start,
            refused: refused.map(|(at, failure)| (range.start + at, failure)),
        });
        if ends {
            self.rollback(output);
        }
    }

    /// Has the backend fail as in answer to a `Query`.
    pub(super) fn refuse_query(&mut self, failure: Failure, output: &mut BytesMut) {
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
        let remembers = self.conflicts.is_some();
        self.settings += u64::from(statement.is_some_and(|statement| statement.sets));
        let prepared = Prepared {
            kind: statement.map(Kind::of),
            reading: remembers.then(|| Arc::clone(&reading)),
            // Of its own, as the name is.
            types: if remembers {
                Bytes::copy_from_slice(&body.0)
            } else {
                Bytes::new()
            },
        };
        let before = self.prepare(&name, prepared);
        self.pending.push(Expect::Parse {
            before,
            rewritten: !reading.passes,
        });
        Ok(())
    }

    /// Remembers a statement, until the backend says that the name is taken, or skips it.
    fn prepare(&mut self, name: &[u8], prepared: Prepared) -> Before {
        // Of its own: a part of the message would keep all that was read with it.
        let name = Bytes::copy_from_slice(name);
        let before = self.prepared.insert(name.clone(), prepared);
        (name, before)
    }

    /// Has the backend fail as in answer to a `Parse`, which is sent in the place of a message.
    fn refuse(&mut self, name: &[u8], failure: Failure, output: &mut BytesMut) {
        let text = failing_statement(&failure).0.as_bytes();
        frames::message(output, b'P', &[name, b"\0", text, b"\0\0\0"]);
        self.rollback_at_sync |= failure.ends_transaction;
        self.pending.push(Expect::Refused(Box::new(failure)));
    }

    /// Has the backend fail in the place of a step of the extended protocol.
    pub(super) fn refuse_step(&mut self, failure: Failure, output: &mut BytesMut) {
        self.refuse(REFUSED, failure, output);
        self.sync(output);
    }

    /// Ends what was asked for in messages of the extended protocol, in the client's place.
    pub(super) fn sync(&mut self, output: &mut BytesMut) {
        frames::message(output, b'S', &[]);
        self.pending.push(Expect::Sync);
        if std::mem::take(&mut self.rollback_at_sync) {
            self.rollback(output);
        }
    }

    pub(super) fn bind(&mut self, portal: &[u8], name: &Bytes) {
        match self.prepared.get(name) {
            Some(statement) => {
                let portal = Bytes::copy_from_slice(portal);
                self.portals.insert(portal, statement.clone())
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
            b'S' => self.prepared.get(&name).cloned(),
            _ => self.portals.get(&name).cloned(),
        })
    }

    fn execute(&mut self, message: &Bytes, output: &mut BytesMut) -> Result<(), Malformed> {
        let portal = Body::of(message.clone()).string()?;
        let bound = self.portals.get(&portal);
        let kind = bound.and_then(|portal| portal.kind);
        let reading = bound.and_then(|portal| portal.reading.clone());
        if let Some(statement) = reading.iter().find_map(|it| it.script.statements.first()) {
            self.begins(statement);
        }
        match kind.map_or(Ok(()), |kind| self.admit(kind.effect)) {
            Ok(()) => self.pass(message, Expect::Execute(kind), output),
            // A name, so that the client's unnamed statement stays.
            Err(failure) => self.refuse(REFUSED, failure, output),
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

/// In which words the backend is asked.
#[derive(Clone, Copy)]
pub(super) enum Said<'s> {
    /// In the client's message.
    Whole(&'s Bytes),
    /// In the texts of the statements.
    Texts,
    /// In others.
    Instead(&'s str),
}

/// What breaks the protocol ends the session.
pub(super) fn malformed(_: Malformed) -> End {
    End::Fatal(Failure::protocol_violation("invalid message format"))
}

/// Whether a message names a statement or portal of the gateway's own.
fn names_own(tag: u8, message: &Bytes) -> Result<bool, Malformed> {
    let mut body = Body::of(message.clone());
    match tag {
        b'P' | b'E' => Ok(own::is_reserved(&body.string()?)),
        b'B' => Ok(own::is_reserved(&body.string()?) || own::is_reserved(&body.string()?)),
        b'D' | b'C' => {
            body.byte()?;
            Ok(own::is_reserved(&body.string()?))
        }
        _ => Ok(false),
    }
}

/// The texts of statements for the backend.
fn texts(statements: &[Statement]) -> Vec<&str> {
    statements.iter().map(|statement| &*statement.sql).collect()
}

/// A `Query` of several statements. Each ends with a line of its own: a text may end in a comment.
pub(super) fn write_query(output: &mut BytesMut, texts: &[&str]) {
    let mut body = BytesMut::new();
    for (at, text) in texts.iter().enumerate() {
        body.put_slice(if at == 0 { b"" } else { b"\n;\n" });
        body.put_slice(text.as_bytes());
    }
    body.put_u8(0);
    frames::message(output, b'Q', &[&body]);
}
