//! From the backend to the client: messages pass as they are, but for those that a decision of
//! the gateway changes.

use std::collections::HashMap;

use bytes::{Buf, Bytes, BytesMut};
use dialect::Reply;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::block::Ground;
use super::failure::Failure;
use super::fields::Fields;
use super::pending::{Before, Expect};
use super::statements::Prepared;
use super::{End, Rules, Shared, State, notes};
use crate::frames;

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;
/// Buffers that have grown beyond this are given back when they are empty.
const LARGE: usize = 64 << 10;

/// Of a longer error or notice the client gets the beginning: its message may have any value of a
/// client's, as long as memory allows.
const LONGEST_ERROR: usize = 64 << 10;
/// Other messages but rows are never that long: a note has a row in hexadecimal.
const LONGEST: usize = 16 << 20;

/// What is left of a message that is longer than what has been read of it.
#[derive(Default)]
struct Remainder {
    /// How many bytes of it pass as they come.
    keep: usize,
    /// How many bytes of it go nowhere.
    drop: usize,
}

/// What becomes of a message.
pub(super) enum Passage {
    Keep,
    Drop,
    Replace(Bytes),
}

/// Reads messages of the backend until there are no more. `writing` is true while a message may
/// have reached the client in part.
pub(super) async fn relay(
    mut backend: impl AsyncRead + Unpin,
    client: &mut (impl AsyncWrite + Unpin),
    shared: &Shared<'_>,
    writing: &mut bool,
) -> End {
    let mut input = BytesMut::new();
    let mut output = BytesMut::new();
    let mut rest = Remainder::default();
    loop {
        if input.is_empty() && input.capacity() > LARGE {
            input = BytesMut::new();
        }
        input.reserve(CHUNK);
        match backend.read_buf(&mut input).await {
            Ok(0) | Err(_) => return End::Closed,
            Ok(_) => {}
        }
        let unwanted = rest.drop.min(input.len());
        rest.drop -= unwanted;
        input.advance(unwanted);
        if input.len() > LONGEST {
            tracing::error!("a message of the backend is too long");
            return End::Closed;
        }
        let (done, changed) = pass(&input, &mut output, &mut rest, shared);
        let written = if changed {
            &output
        } else {
            input.get(..done).unwrap_or_default()
        };
        if !written.is_empty() {
            *writing = true;
            if client.write_all(written).await.is_err() || client.flush().await.is_err() {
                return End::Closed;
            }
            *writing = rest.keep > 0;
        }
        input.advance(done);
        output.clear();
        if output.capacity() > LARGE {
            output = BytesMut::new();
        }
    }
}

/// How many bytes of `input` are dealt with, and whether the client gets something else in their
/// place, which then is in `output`.
fn pass(
    input: &[u8],
    output: &mut BytesMut,
    rest: &mut Remainder,
    shared: &Shared<'_>,
) -> (usize, bool) {
    let mut at = rest.keep.min(input.len());
    rest.keep -= at;
    let mut kept_from = 0;
    let mut changed = false;
    let mut state = shared.state();
    while let Some(following) = input.get(at..)
        && let Some((tag, length)) = frames::header(following)
    {
        let length = length.max(frames::HEADER);
        let complete = following.get(..length);
        // Rows may be long and pass as they come.
        if complete.is_none() && matches!(tag, b'D' | b'd') && !state.drops_rows() {
            if let Some(held) = state.release() {
                output.extend_from_slice(input.get(kept_from..at).unwrap_or_default());
                output.extend_from_slice(&held);
                kept_from = at;
                changed = true;
            }
            rest.keep = length - following.len();
            at = input.len();
            break;
        }
        let (passage, end) = if let Some(message) = complete {
            let passage = match tag {
                b'D' if state.is_own() => {
                    state.own_row(message);
                    Passage::Drop
                }
                b'D' if state.drops_rows() => Passage::Drop,
                b'D' | b'd' => Passage::Keep,
                _ => state.backend(tag, message, shared.rules),
            };
            (state.exchanged(tag, message, passage), at + length)
        } else if tag == b'D' && following.len() > LONGEST_ERROR {
            // It is for nobody, or for the gateway, which has no use for so long a row.
            rest.drop = length - following.len();
            state.lose_row();
            (Passage::Drop, input.len())
        } else if matches!(tag, b'E' | b'N')
            && following.len() > LONGEST_ERROR
            && Fields::of(following).get(b'C') != notes::SQLSTATE
        {
            rest.drop = length - following.len();
            let beginning = Fields::of(following).beginning(LONGEST_ERROR);
            let message = frames::whole(tag, &beginning);
            let passage = match state.backend(tag, &message, shared.rules) {
                Passage::Keep => Passage::Replace(message.clone()),
                other @ (Passage::Drop | Passage::Replace(_)) => other,
            };
            (state.exchanged(tag, &message, passage), input.len())
        } else {
            break;
        };
        match passage {
            Passage::Keep => {}
            Passage::Drop | Passage::Replace(_) => {
                output.extend_from_slice(input.get(kept_from..at).unwrap_or_default());
                if let Passage::Replace(message) = &passage {
                    output.extend_from_slice(message);
                }
                kept_from = end;
                changed = true;
            }
        }
        at = end;
    }
    if changed {
        output.extend_from_slice(input.get(kept_from..at).unwrap_or_default());
    }
    (at, changed)
}

impl State {
    /// Whether the rows that come are for nobody.
    fn drops_rows(&self) -> bool {
        match self.pending.front() {
            Some(Expect::Rollback | Expect::Own { .. }) => true,
            Some(expect) => matches!(expect.reply(), Reply::TagOnly(_)),
            None => false,
        }
    }

    /// Decides on a message of the backend.
    fn backend(&mut self, tag: u8, message: &[u8], rules: &Rules) -> Passage {
        self.pending.pass_copy_ends();
        if let Some(Expect::Own { until, told }) = self.pending.front() {
            return self.own_answer(tag, *until, *told, message);
        }
        match tag {
            b'G' => {
                let Self {
                    pending, prepared, ..
                } = self;
                self.copying = pending.begin_copy(|before| restore(prepared, before));
                Passage::Keep
            }
            b'T' => self.row_description(),
            b'C' => self.command_complete(message),
            b'E' => self.error(message),
            b'N' => self.notice(message),
            b'Z' => self.ready(message, rules),
            b'1' | b'2' | b'3' | b'n' | b's' => {
                self.pending.pop();
                Passage::Keep
            }
            b'I' => {
                if matches!(self.pending.front(), Some(Expect::Execute(_))) {
                    self.pending.pop();
                }
                Passage::Keep
            }
            // LISTEN is refused: nobody waits for notifications.
            b'A' => Passage::Drop,
            _ => Passage::Keep,
        }
    }

    /// A message in answer to a statement of the gateway's own.
    fn own_answer(&mut self, tag: u8, until: u8, told: bool, message: &[u8]) -> Passage {
        if tag == b'E' && told {
            return self.error(message);
        }
        if tag == b'E' {
            let fields = Fields::of(message);
            self.exchange_failed(fields.get(b'C'));
            self.pending.skip_own();
            return Passage::Drop;
        }
        if tag == b'N' {
            return self.notice(message);
        }
        if tag == b'S' && !Fields::of(message).tells_of_machinery() {
            // A parameter that the client knows of is another now.
            return Passage::Keep;
        }
        if tag == until {
            self.pending.pop();
            if tag == b'Z' {
                self.block.status = message.last().copied().unwrap_or(b'I');
            }
        }
        Passage::Drop
    }

    fn row_description(&mut self) -> Passage {
        let drops = self.drops_rows();
        match self.pending.front() {
            Some(Expect::Describe(_)) => {
                self.pending.pop();
                if drops {
                    return Passage::Replace(frames::whole(b'n', b""));
                }
                Passage::Keep
            }
            _ if drops => Passage::Drop,
            _ => Passage::Keep,
        }
    }

    fn command_complete(&mut self, message: &[u8]) -> Passage {
        let reply = self.pending.front().map_or(Reply::AsIs, Expect::reply);
        match self.pending.front_mut() {
            Some(Expect::Rollback) => return Passage::Drop,
            Some(Expect::Query { answered, .. }) => *answered += 1,
            Some(_) => {
                self.pending.pop();
            }
            None => {}
        }
        if message.ends_with(b"DEALLOCATE ALL\0") {
            self.saver = false;
            // The unnamed one stays.
            let coming = self.pending.deallocated();
            self.prepared
                .retain(|name, _| name.is_empty() || coming.contains(name));
        }
        match reply {
            Reply::AsIs => Passage::Keep,
            Reply::Tag(tag) | Reply::TagOnly(tag) => {
                Passage::Replace(frames::whole(b'C', &[tag.as_bytes(), b"\0"].concat()))
            }
        }
    }

    fn error(&mut self, message: &[u8]) -> Passage {
        let fields = Fields::of(message);
        let cancelled = fields.get(b'C') == b"57014" && self.block.takes_blame();
        let code = if cancelled {
            b"55P03"
        } else {
            fields.get(b'C')
        };
        let for_driver = self.exchange_failed(code);
        let front = self.pending.front();
        let refusal = front.and_then(|expect| expect.refusal(fields.get(b'C')));
        let passage = if for_driver {
            Passage::Drop
        } else if cancelled {
            Passage::Replace(self.block.blamed().message("ERROR"))
        } else if let Some(failure) = refusal {
            Passage::Replace(failure.message("ERROR"))
        } else if let Some(failure) = fields.reworded(front.is_some_and(Expect::is_ddl)) {
            Passage::Replace(failure.message("ERROR"))
        } else if code == b"34000" && !self.block.is_plain() {
            // The portal was open when the transaction lost what it had.
            Passage::Replace(Failure::conflict().message("ERROR"))
        } else if matches!(self.block.ground, Ground::Shadow(_)) {
            slot_error(&fields)
        } else {
            cleaned(b'E', &fields, front.is_some_and(Expect::rewritten))
        };
        let Self {
            pending, prepared, ..
        } = self;
        self.skipping = pending.skip(|before| restore(prepared, before));
        self.copying = false;
        passage
    }

    fn notice(&mut self, message: &[u8]) -> Passage {
        let fields = Fields::of(message);
        if fields.get(b'C') == notes::SQLSTATE {
            self.block.note(fields.get(b'M'), fields.get(b'D'));
            return Passage::Drop;
        }
        if fields.is_about_machinery() || matches!(self.pending.front(), Some(Expect::Rollback)) {
            return Passage::Drop;
        }
        cleaned(b'N', &fields, false)
    }

    fn ready(&mut self, message: &[u8], rules: &Rules) -> Passage {
        self.pending.pop();
        self.pending.pass_copy_ends();
        if matches!(self.pending.front(), Some(Expect::Rollback)) {
            // The client gets the one that follows.
            return Passage::Drop;
        }
        let status = message.get(frames::HEADER).copied().unwrap_or(b'I');
        if self.pending.is_empty() {
            self.block.status = status;
            if status == b'I' {
                // They end with their transaction.
                self.portals.clear();
                if let Some(conflicts) = self.conflicts.as_ref().filter(|_| self.block.savepoint) {
                    conflicts.committed();
                }
                self.block.end();
            }
            self.changed.notify_one();
            if self.transaction.settle(status) {
                (rules.catalog_changed)();
                if let Some(conflicts) = self.conflicts.as_ref().filter(|_| self.exchange.is_none())
                {
                    conflicts.catalog_changed();
                }
            }
        }
        Passage::Keep
    }
}

fn restore(prepared: &mut HashMap<Bytes, Prepared>, (name, before): Before) {
    match before {
        Some(statement) => prepared.insert(name, statement),
        None => prepared.remove(&name),
    };
}

/// What the client is told of an error in a slot.
fn slot_error(fields: &Fields<'_>) -> Passage {
    match fields.of_slot() {
        Err(failure) => Passage::Replace(failure.message("ERROR")),
        Ok(body) => {
            let message = frames::whole(b'E', &body);
            let cleaned = Fields::of(&message).cleaned(true);
            Passage::Replace(cleaned.map_or(message, |body| frames::whole(b'E', &body)))
        }
    }
}

/// The message without what the client must not see.
fn cleaned(tag: u8, fields: &Fields<'_>, rewritten: bool) -> Passage {
    let body = fields.cleaned(rewritten);
    body.map_or(Passage::Keep, |body| {
        Passage::Replace(frames::whole(tag, &body))
    })
}
