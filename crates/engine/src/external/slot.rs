//! One database of the external server, and who needs it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::Client;

use crate::Error;

/// A database, as the engine knows it.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Locked by whoever makes or removes the database, or changes its roles.
    pub(crate) state: tokio::sync::Mutex<State>,
    holds: Mutex<Holds>,
}

/// What is known of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing.
    #[default]
    Unknown,
    /// It is there, with the schema in it.
    Ready,
    /// It is gone: whoever comes late must not make a new one.
    Removed,
}

/// How many need the database.
#[derive(Debug, Default)]
struct Holds {
    sessions: u32,
    work: u32,
    /// The engine's own session.
    client: Option<Arc<Client>>,
}

impl Slot {
    fn holds<T>(&self, act: impl FnOnce(&mut Holds) -> T) -> T {
        act(&mut self.holds.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn has_sessions(&self) -> bool {
        self.holds(|holds| holds.sessions > 0)
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.holds(|holds| holds.sessions > 0 || holds.work > 0)
    }

    pub(crate) async fn is_ready(&self) -> bool {
        *self.state.lock().await == State::Ready
    }

    /// The server may be another one when it is back, and jobs wait for it.
    pub(crate) async fn lose(&self) {
        let mut state = self.state.lock().await;
        if *state == State::Ready {
            *state = State::Unknown;
        }
        self.holds(|holds| holds.client = None);
    }

    /// The engine's own session, if it is open.
    pub(crate) fn kept_client(&self) -> Option<Arc<Client>> {
        self.holds(|holds| holds.client.clone())
            .filter(|client| !client.is_closed())
    }

    /// Keeps a session of the engine's own for the next question.
    pub(crate) fn keep_client(&self, client: &Arc<Client>) {
        self.holds(|holds| holds.client = Some(Arc::clone(client)));
    }
}

/// Somebody needs the database until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    slot: Arc<Slot>,
    is_session: bool,
}

impl Lease {
    /// For a session of a client.
    ///
    /// # Errors
    /// [`Error::Refused`]: there are `most` already.
    pub(crate) fn session(slot: &Arc<Slot>, most: u32) -> Result<Self, Error> {
        let granted = slot.holds(|holds| {
            let granted = holds.sessions < most;
            holds.sessions += u32::from(granted);
            granted
        });
        if !granted {
            return Err(Error::Refused {
                sqlstate: "53300".to_owned(),
                message: "sorry, too many clients already".to_owned(),
            });
        }
        Ok(Self {
            slot: Arc::clone(slot),
            is_session: true,
        })
    }

    /// For something of the engine's own.
    pub(crate) fn work(slot: &Arc<Slot>) -> Self {
        slot.holds(|holds| holds.work = holds.work.saturating_add(1));
        Self {
            slot: Arc::clone(slot),
            is_session: false,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The connection is ended outside the lock.
        let _client = self.slot.holds(|holds| {
            let count = if self.is_session {
                &mut holds.sessions
            } else {
                &mut holds.work
            };
            *count = count.saturating_sub(1);
            let needed = holds.sessions > 0 || holds.work > 0;
            if needed { None } else { holds.client.take() }
        });
    }
}
