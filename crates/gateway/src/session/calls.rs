//! Statements of the gateway's own between those of the client.

use tokio::io::{AsyncRead, AsyncWrite};

use super::exchange::{Exchange, Outcome, Wait};
use super::line::Line;
use super::pending::Expect;
use super::shadow::{RELEASE, TRY, UNTRY};
use super::{End, own};
use crate::frames;

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Has the backend run a statement of the gateway's own. An error is its SQLSTATE.
    pub(super) async fn call(
        &mut self,
        sql: &str,
        parameters: &[Option<&str>],
        wait: Wait,
    ) -> Result<Outcome, End> {
        own::ask(&mut self.output, sql, parameters);
        self.called(wait).await
    }

    /// The same for several at once, of which the first that fails is the last.
    pub(super) async fn call_all(
        &mut self,
        statements: &[(&str, &[Option<&str>])],
    ) -> Result<Outcome, End> {
        let count = statements.len();
        for (at, (sql, parameters)) in statements.iter().enumerate() {
            own::ask(&mut self.output, sql, parameters);
            if at + 1 < count {
                self.shared.state().pending.push(Expect::own(b'C'));
            }
        }
        self.called(Wait::PLAIN).await
    }

    /// Asks for something of which the transaction does not depend, and keeps the last columns of
    /// its rows. If it fails, it is tried once more: it may have been hit by the cancellation of what
    /// ran before.
    pub(super) async fn guarded(
        &mut self,
        columns: usize,
        ask: impl Fn(&mut Self),
    ) -> Result<Outcome, End> {
        let mut tried = false;
        loop {
            own::ask(&mut self.output, TRY, &[]);
            self.shared.state().pending.push(Expect::own(b'C'));
            ask(self);
            self.shared.state().pending.push(Expect::own(b'C'));
            own::ask(&mut self.output, RELEASE, &[]);
            let rows = Exchange::own().keeping(columns);
            let outcome = self.called_as(rows, Wait::PLAIN).await?;
            if outcome.error.is_none() {
                return Ok(outcome);
            }
            self.call(UNTRY, &[], Wait::PLAIN).await?;
            if std::mem::replace(&mut tried, true) {
                return Ok(outcome);
            }
        }
    }

    /// Waits for the answer to a statement of the gateway's own.
    pub(super) async fn called(&mut self, wait: Wait) -> Result<Outcome, End> {
        self.called_as(Exchange::own(), wait).await
    }

    /// The same, as an exchange of another kind.
    pub(super) async fn called_as(
        &mut self,
        exchange: Exchange,
        wait: Wait,
    ) -> Result<Outcome, End> {
        frames::message(&mut self.output, b'S', &[]);
        {
            let mut state = self.shared.state();
            state.exchange = Some(exchange);
            state.pending.push(Expect::own(b'Z'));
        }
        self.exchange(wait).await
    }
}
