//! The client's side of a session: reads messages, and either passes them at once or, where they
//! write or conflict, has them done one after the other ([`super::work`]).

use bytes::{Bytes, BytesMut};
use dialect::Effect;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant, sleep};

use super::client::malformed;
use super::exchange::{Outcome, Wait};
use super::failure::Failure;
use super::plan::Plans;
use super::unit::{Unit, said};
use super::{End, Shared};
use crate::conflicts::{Lost, Party, Yield};
use crate::frames;

/// How many bytes are read at once.
const CHUNK: usize = 8 << 10;
/// Buffers that have grown beyond this are given back when they are empty.
const LARGE: usize = 64 << 10;
/// How long something may take before it is asked whom it waits for, and how often then.
const POLL: Duration = Duration::from_millis(3);
/// For how long holders of locks are left alone while others commit.
const HURRY: Duration = Duration::from_millis(20);
/// How long something waits for another session's statement before that is cancelled.
const FORCE: Duration = Duration::from_millis(40);

/// The two ends of a session as the client's side has them.
pub(super) struct Line<'l, 's, R, W> {
    client: &'l mut R,
    backend: W,
    pub(super) shared: &'l Shared<'s>,
    /// The session among the others of its database.
    pub(super) party: Option<Party>,
    input: BytesMut,
    pub(super) output: BytesMut,
    /// What statements are in a slot.
    pub(super) plans: Plans,
    /// Messages up to the next `Sync` or `Flush`.
    unit: Vec<Bytes>,
    /// Their bytes.
    size: usize,
    /// Since when something has been tried again and again, for which others have to make way.
    pub(super) contending: Option<Instant>,
    /// Whether a transaction without a block is under way, up to the next `Sync`.
    piped: bool,
    /// What was lost of late.
    pub(super) lost: Option<Lost>,
}

/// Reads messages of the client until there are no more.
pub(super) async fn relay<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    client: &mut R,
    backend: W,
    shared: &Shared<'_>,
    party: Option<Party>,
) -> End {
    let mut line = Line {
        client,
        backend,
        shared,
        party,
        input: BytesMut::new(),
        output: BytesMut::new(),
        plans: Plans::default(),
        unit: Vec::new(),
        size: 0,
        contending: None,
        piped: false,
        lost: None,
    };
    loop {
        if let Err(end) = line.turn().await {
            return end;
        }
    }
}

/// The backend has closed the connection. What it said before is still on its way to the client,
/// and the other loop ends the session when it has passed that on.
async fn wait_for_last_words() -> End {
    std::future::pending().await
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Deals with the messages that are complete, and waits for more.
    async fn turn(&mut self) -> Result<(), End> {
        let done = if self.party.is_some() {
            self.take_all().await
        } else {
            self.pass_all()
        };
        self.flush().await?;
        done?;
        if self.input.is_empty() && self.input.capacity() > LARGE {
            self.input = BytesMut::new();
        }
        self.input.reserve(CHUNK);
        tokio::select! {
            read = self.client.read_buf(&mut self.input) => match read {
                Ok(0) | Err(_) => Err(End::Closed),
                Ok(_) => Ok(()),
            },
            Some(request) = next_request(&mut self.party) => self.yield_idle(request).await,
        }
    }

    /// The next message that is complete.
    fn next(&mut self) -> Result<Option<(u8, Bytes)>, End> {
        let Some((tag, length)) = frames::header(&self.input) else {
            return Ok(None);
        };
        if length < frames::HEADER || length > self.shared.rules.message_limit {
            let failure = Failure::protocol_violation("invalid message length");
            return Err(End::Fatal(failure));
        }
        if self.input.len() < length {
            return Ok(None);
        }
        Ok(Some((tag, self.input.split_to(length).freeze())))
    }

    /// Passes messages: the backend deals with conflicts.
    fn pass_all(&mut self) -> Result<(), End> {
        if self.input.is_empty() {
            return Ok(());
        }
        let shared = self.shared;
        let mut state = shared.state();
        while let Some((tag, message)) = self.next()? {
            state.client(tag, &message, shared.rules, &mut self.output)?;
        }
        Ok(())
    }

    /// Takes messages together that belong together.
    async fn take_all(&mut self) -> Result<(), End> {
        while let Some((tag, message)) = self.next()? {
            let direct = {
                let state = self.shared.state();
                state.copying || state.skipping || self.piped
            };
            match tag {
                b'P' | b'B' | b'D' | b'E' | b'C' if !direct => {
                    self.size += message.len();
                    self.unit.push(message);
                    if self.size > 2 * self.shared.rules.message_limit {
                        self.pass_unit()?;
                    }
                }
                b'H' if !direct && self.is_implicit() => {
                    self.pass_unit()?;
                    self.pass(&[message])?;
                    self.piped = true;
                }
                b'S' | b'H' if !direct && !self.unit.is_empty() => {
                    self.unit.push(message);
                    self.size = 0;
                    let messages = std::mem::take(&mut self.unit);
                    self.unit(Unit::Messages(messages)).await?;
                }
                b'Q' if !direct => {
                    self.end_unit().await?;
                    let unit = Unit::of_query(message, self.shared.rules);
                    self.unit(unit.map_err(malformed)?).await?;
                }
                _ => {
                    self.piped &= !matches!(tag, b'S' | b'Q');
                    self.pass_unit()?;
                    self.pass(&[message])?;
                }
            }
        }
        Ok(())
    }

    /// Whether messages up to a `Flush` begin a transaction that only ends at a later `Sync`. It is
    /// the backend's alone: a `Sync` of the gateway's would end it.
    fn is_implicit(&self) -> bool {
        let runs = |message: &Bytes| matches!(message.first(), Some(b'B' | b'E'));
        let state = self.shared.state();
        self.unit.iter().any(runs)
            && !state.transaction.is_block()
            && !state.summary(&self.unit, self.shared.rules).begins
    }

    /// Does what has been taken together without a `Sync` behind it. Outside a block it is a
    /// transaction that is not over.
    async fn end_unit(&mut self) -> Result<(), End> {
        if self.unit.is_empty() || !self.shared.state().transaction.is_block() {
            return self.pass_unit();
        }
        self.size = 0;
        let messages = std::mem::take(&mut self.unit);
        self.unit(Unit::Messages(messages)).await
    }

    /// Passes what has been taken together.
    fn pass_unit(&mut self) -> Result<(), End> {
        self.size = 0;
        let unit = std::mem::take(&mut self.unit);
        self.pass(&unit)
    }

    fn pass(&mut self, messages: &[Bytes]) -> Result<(), End> {
        let mut state = self.shared.state();
        for message in messages {
            let tag = message.first().copied().unwrap_or_default();
            state.client(tag, message, self.shared.rules, &mut self.output)?;
        }
        Ok(())
    }

    async fn unit(&mut self, unit: Unit) -> Result<(), End> {
        let summary = {
            let state = self.shared.state();
            unit.summary(&state, self.shared.rules)
        };
        self.foresee(&summary).await;
        let faults = self
            .party
            .as_ref()
            .is_some_and(|party| party.injection.faults.any());
        if self.shared.state().needs_care(&summary, faults) {
            self.flush().await?;
            self.drain().await?;
            return self.work(unit).await;
        }
        match unit {
            Unit::Messages(messages) => self.pass(&messages),
            Unit::Unreadable(message) => self.pass(&[message]),
            Unit::Query { message, reading } => {
                let said = said(&reading, &message);
                let all = 0..reading.script.statements.len();
                let mut state = self.shared.state();
                state.ask(&reading, all, said, &mut self.output);
                Ok(())
            }
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        let sent = self.backend.write_all(&self.output).await;
        if sent.is_err() || self.backend.flush().await.is_err() {
            return Err(wait_for_last_words().await);
        }
        self.output.clear();
        if self.output.capacity() > LARGE {
            self.output = BytesMut::new();
        }
        Ok(())
    }

    /// Waits until everything that was asked for is answered.
    pub(super) async fn drain(&mut self) -> Result<(), End> {
        if !self.shared.state().pending.is_empty() {
            // The backend keeps answers back until it is asked for them.
            frames::message(&mut self.output, b'H', &[]);
            self.flush().await?;
        }
        loop {
            {
                let mut state = self.shared.state();
                state.pending.pass_copy_ends();
                if state.pending.is_empty() {
                    return Ok(());
                }
            }
            self.wait(Wait::YIELDING, Instant::now(), &mut 0).await?;
        }
    }

    /// Sends what there is, and waits until the exchange is over.
    pub(super) async fn exchange(&mut self, wait: Wait) -> Result<Outcome, End> {
        self.flush().await?;
        let began = self.contending.unwrap_or_else(Instant::now);
        let conflicts = self.party.as_ref().map(|party| &party.conflicts);
        let mut seen = conflicts.map_or(0, |conflicts| conflicts.commits());
        loop {
            if let Some(outcome) = self.shared.state().outcome() {
                return Ok(outcome);
            }
            self.wait(wait, began, &mut seen).await?;
        }
    }

    /// Waits for something to happen.
    async fn wait(&mut self, wait: Wait, began: Instant, seen: &mut u64) -> Result<(), End> {
        let Self {
            client,
            input,
            shared,
            party,
            ..
        } = self;
        let shared = *shared;
        tokio::select! {
            biased;
            () = shared.changed.notified() => Ok(()),
            Some(request) = next_request(party) => {
                if request.force && wait.yields && let Some(party) = party {
                    shared.state().block.cancels(request);
                    party.cancel().await;
                } else if request.all {
                    shared.state().block.unwanted = true;
                }
                Ok(())
            }
            read = client.read_buf(input), if input.len() < LARGE => match read {
                // Nobody waits for what the backend does.
                Ok(0) | Err(_) => Err(End::Closed),
                Ok(_) => Ok(()),
            },
            () = sleep(POLL), if wait.displaces.is_some() => {
                if let (Some(request), Some(party)) = (wait.displaces, party) {
                    // While others commit, whoever holds a lock may be about to.
                    let commits = party.conflicts.commits();
                    let seen = std::mem::replace(seen, commits);
                    if seen != commits && !request.all && began.elapsed() < HURRY {
                        return Ok(());
                    }
                    let force = began.elapsed() > FORCE;
                    let request = Yield { force, ..request };
                    party.conflicts.displace(party.process, request).await;
                }
                Ok(())
            }
        }
    }

    /// Another session needs what this one holds, and the client is not waiting for anything.
    async fn yield_idle(&mut self, request: Yield) -> Result<(), End> {
        let (busy, open, failed, displaceable) = {
            let state = self.shared.state();
            let block = &state.block;
            (
                self.piped || !state.pending.is_empty(),
                block.is_open(),
                block.status == b'E',
                block.savepoint && block.is_plain(),
            )
        };
        if busy {
            if request.force
                && let Some(party) = &self.party
            {
                self.shared.state().block.cancels(request);
                party.cancel().await;
            }
            return Ok(());
        }
        if request.all && (open || failed) {
            let _ended = self.call("ROLLBACK", &[], Wait::PLAIN).await?;
            // The client is in a block until it hears otherwise.
            let _begun = self.call("BEGIN", &[], Wait::PLAIN).await?;
            if failed {
                let _failed = self.call("SELECT \"over\"", &[], Wait::PLAIN).await?;
            }
            let mut state = self.shared.state();
            state.block.end();
            state.block.expelled = true;
        } else if open && displaceable {
            self.displace().await?;
        }
        Ok(())
    }
}

/// What another session wants of this one.
async fn next_request(party: &mut Option<Party>) -> Option<Yield> {
    match party {
        Some(party) => party.requests.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether a statement with this effect may leave something that another would have to wait for.
pub(super) fn leaves_locks(effect: Effect) -> bool {
    matches!(effect, Effect::Write | Effect::Ddl | Effect::Job)
}
