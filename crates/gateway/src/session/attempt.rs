//! A step as it is put to the backend.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::Said;
use super::exchange::{Exchange, Outcome, Wait};
use super::line::Line;
use super::pending::Expect;
use super::unit::{Step, said, tag};
use super::{End, State, own};
use crate::frames::{self, Body};

/// A text in the place of a client's, and the types of its parameters.
#[derive(Clone, Copy)]
pub(super) struct Instead<'a> {
    pub(super) text: &'a str,
    pub(super) types: &'a Bytes,
    /// The `Bind` of the statement, of a step in messages.
    pub(super) bind: Option<&'a Bytes>,
}

/// How a step is put to the backend.
pub(super) struct Attempt<'a> {
    pub(super) step: &'a Step,
    /// A text in the place of the client's, of a step with one statement, and the types of its
    /// parameters.
    pub(super) instead: Option<Instead<'a>>,
    /// Whether the savepoint is set first.
    pub(super) savepoint: bool,
    /// Whether it was tried before, so that names may be taken.
    pub(super) again: bool,
    pub(super) exchange: Exchange,
    pub(super) wait: Wait,
}

/// What a step does for the client's `ReadyForQuery`: if all is well, and if not.
pub(super) type Ready = (bool, bool);

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Puts a step to the backend.
    pub(super) async fn attempt(&mut self, attempt: Attempt<'_>) -> Result<Outcome, End> {
        let Attempt {
            step,
            instead,
            savepoint,
            again,
            exchange,
            wait,
        } = attempt;
        let rules = self.shared.rules;
        {
            let mut guard = self.shared.state();
            let state = &mut *guard;
            let output = &mut self.output;
            state.exchange = Some(exchange);
            if savepoint {
                own::save(output, std::mem::replace(&mut state.saver, true));
                state.pending.push(Expect::Own {
                    until: b'C',
                    told: true,
                });
                state.block.savepoint = true;
            }
            match step {
                Step::Query {
                    message,
                    reading,
                    range,
                } => {
                    let whole = range.len() == reading.script.statements.len();
                    let said = match instead {
                        Some(instead) => Said::Instead(instead.text),
                        None if whole => said(reading, message),
                        None => Said::Texts,
                    };
                    state.ask(reading, range.clone(), said, output);
                }
                Step::Messages(messages) => {
                    if let Some(Instead { text, types, .. }) = instead {
                        own::prepare(output, own::INSTEAD, text, types);
                        state.pending.push(Expect::Own {
                            until: b'1',
                            told: true,
                        });
                    }
                    for message in messages {
                        if again && tag(message) == b'P' {
                            state.forget(message, output);
                        }
                        if instead.is_some_and(|instead| instead.bind == Some(message)) {
                            state.bind_instead(message, output);
                        } else {
                            state.client(tag(message), message, rules, output)?;
                        }
                    }
                    if !messages
                        .last()
                        .is_some_and(|last| matches!(tag(last), b'S' | b'Q'))
                    {
                        state.sync(output);
                    }
                }
            }
        }
        self.exchange(wait).await
    }
}

impl State {
    /// Makes a name free again that a step takes, which was undone.
    fn forget(&mut self, parse: &Bytes, output: &mut BytesMut) {
        if let Ok(name) = Body::of(parse.clone()).string()
            && !name.is_empty()
        {
            own::close(output, &name);
            self.pending.push(Expect::own(b'3'));
        }
    }

    /// Binds a portal to the statement that stands for the client's.
    fn bind_instead(&mut self, message: &Bytes, output: &mut BytesMut) {
        let mut body = Body::of(message.clone());
        if let (Ok(portal), Ok(name)) = (body.string(), body.string()) {
            self.bind(&portal, &name);
            let parts: [&[u8]; 5] = [&portal, b"\0", own::INSTEAD, b"\0", &body.0];
            frames::message(output, b'B', &parts);
            self.pending.push(Expect::Bind);
        }
    }
}
