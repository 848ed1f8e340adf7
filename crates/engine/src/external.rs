//! Databases on a server that somebody else runs: one database and one set of roles per cluster.

mod database;
mod key;
mod server;
mod slot;
mod tls;

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::fcntl::Flock;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

pub(crate) use database::suffix;
use key::Key;
use server::Server;
use slot::{Lease, Slot, State};

use crate::login::{self, Backend};
use crate::managed::{files, places::is_database};
use crate::session::{Login, Session};
use crate::{Error, External as Where, Options, PATIENCE};

/// How many databases' jobs run at once: each needs a connection.
const RUNNERS: usize = 8;
/// As in an instance of the engine's own.
const CLIENTS_PATH: &str = "SET search_path = \"$user\", public";
/// Names of roles have 63 bytes for a suffix of 27.
const LONGEST_ROLE: usize = 36;

/// All databases of this engine on the server.
#[derive(Debug)]
pub(crate) struct External {
    options: Options,
    server: Server,
    version: String,
    key: Key,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    runners: Arc<Semaphore>,
    /// Nothing is begun any more.
    closing: AtomicBool,
    /// Hears the names of databases whose jobs may be unfinished.
    started: UnboundedSender<String>,
    /// The directory is that of one engine, until it stops.
    lock: Mutex<Option<Flock<File>>>,
}

/// A failure of the server as a whole.
pub(crate) fn failure(reason: impl Into<String>) -> Error {
    Error::Instance {
        database: "the external databases".to_owned(),
        reason: reason.into(),
    }
}

fn none(database: &str) -> Error {
    Error::Instance {
        database: database.to_owned(),
        reason: "there is no such database".to_owned(),
    }
}

impl External {
    /// Looks at the server, and has the jobs gone on with that an earlier engine left.
    ///
    /// # Errors
    /// Any [`Error`]: the server cannot be reached or will not do.
    pub(crate) async fn start(
        options: Options,
        place: &Where,
        started: UnboundedSender<String>,
    ) -> Result<Self, Error> {
        let failed = Error::io(format!("use {}", options.directory.display()));
        files::make_passage(&options.directory).map_err(&failed)?;
        let lock = crate::managed::lock(&options.directory).await?;
        let key = Key::load(&options.directory, place.entropy.as_ref()).map_err(&failed)?;
        let server = Server::new(place.connection.expose())?;
        let client = server.superuser(None).await?;
        let version = database::check_server(&client).await?;
        for name in database::all(&client, &key.mark()).await? {
            // The receiver is the engine that is being made.
            let _sent = started.send(name);
        }
        Ok(Self {
            options,
            server,
            version,
            key,
            slots: Mutex::default(),
            runners: Arc::new(Semaphore::new(RUNNERS)),
            closing: AtomicBool::new(false),
            started,
            lock: Mutex::new(Some(lock)),
        })
    }

    pub(crate) fn describe(&self) -> String {
        format!("PostgreSQL {} at {}", self.version, self.server.place())
    }

    fn with_slots<T>(&self, act: impl FnOnce(&mut HashMap<String, Arc<Slot>>) -> T) -> T {
        act(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn slot(&self, database: &str) -> Result<Arc<Slot>, Error> {
        if !self.is_open() {
            return Err(failure("the server is stopping"));
        }
        if !is_database(database) {
            return Err(none(database));
        }
        Ok(self.with_slots(|slots| {
            let slot = slots.entry(database.to_owned()).or_default();
            Arc::clone(slot)
        }))
    }

    /// Returns when the database is there and up to date; only `create` makes a new one.
    async fn prepare(&self, name: &str, slot: &Slot, create: bool) -> Result<(), Error> {
        let mut state = slot.state.lock().await;
        match *state {
            State::Ready => return Ok(()),
            State::Removed => return Err(none(name)),
            State::Unknown => {}
        }
        let mark = self.key.mark();
        let client = self.server.superuser(None).await?;
        if !create && !database::exists(&client, name, &mark).await? {
            return Err(none(name));
        }
        database::make(&client, name, &mark).await?;
        let client = self.server.superuser(Some(&database::name(name))).await?;
        database::bring_up_to_date(&client, &self.options, name).await?;
        *state = State::Ready;
        // Nobody listens when the engine is gone.
        let _gone = self.started.send(name.to_owned());
        Ok(())
    }

    /// Logs a client in, to a database that is made if it is new.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn connect(&self, name: &str, login: &Login) -> Result<Session, Error> {
        let slot = self.slot(name)?;
        let deadline = Instant::now() + PATIENCE;
        let mut admitted = false;
        loop {
            let lease = Lease::session(&slot, self.options.max_sessions)?;
            self.prepare(name, &slot, true).await?;
            match self.log_in(name, login, lease).await {
                Err(Error::Refused { sqlstate, .. }) if is_locked_out(&sqlstate) && !admitted => {
                    self.admit(name, &slot, login).await?;
                    admitted = true;
                }
                Err(error @ Error::Refused { .. })
                    if error.is_passing() && Instant::now() < deadline =>
                {
                    sleep(Duration::from_millis(50)).await;
                }
                Err(error) => {
                    if !is_an_answer(&error) {
                        slot.lose().await;
                    }
                    return Err(error);
                }
                Ok(session) => return Ok(session),
            }
        }
    }

    async fn log_in(&self, name: &str, login: &Login, lease: Lease) -> Result<Session, Error> {
        let role = format!("{}{}", login.role, suffix(name));
        let backend = Backend {
            role: &role,
            database: &database::name(name),
            parameters: &login.parameters,
            password: Some(&self.key.password(&role)),
        };
        let stream = self.server.open().await?;
        login::open(stream, &backend, Box::new(lease)).await
    }

    /// Gives the role of a login what it needs to get in.
    async fn admit(&self, name: &str, slot: &Slot, login: &Login) -> Result<(), Error> {
        let role = format!("{}{}", login.role, suffix(name));
        let _one_at_a_time = slot.state.lock().await;
        let client = self.client(name, slot).await?;
        let fits = login.role.len() <= LONGEST_ROLE;
        if fits && database::admit(&client, name, &role, &self.key.password(&role)).await? {
            return Ok(());
        }
        Err(Error::Refused {
            sqlstate: "28000".to_owned(),
            message: format!("role \"{}\" is not permitted to log in", login.role),
        })
    }

    /// The session of the superuser that is kept as long as anybody needs the database.
    async fn client(&self, name: &str, slot: &Slot) -> Result<Arc<Client>, Error> {
        if let Some(client) = slot.kept_client() {
            return Ok(client);
        }
        let client = Arc::new(self.server.superuser(Some(&database::name(name))).await?);
        slot.keep_client(&client);
        Ok(client)
    }

    /// A session of the superuser that is shared by those who ask short questions; `None` when
    /// there is no such database.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn shared(&self, name: &str) -> Result<Option<(Arc<Client>, Lease)>, Error> {
        let slot = self.slot(name)?;
        let lease = Lease::work(&slot);
        if !slot.is_ready().await {
            let client = self.server.superuser(None).await?;
            if !database::exists(&client, name, &self.key.mark()).await? {
                return Ok(None);
            }
            self.prepare(name, &slot, false).await?;
        }
        let client = self.client(name, &slot).await;
        if client.is_err() {
            slot.lose().await;
        }
        Ok(Some((client?, lease)))
    }

    /// A session of the superuser for jobs, of which there are so many at once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn superuser(&self, name: &str) -> Result<(Client, Box<dyn Send>), Error> {
        let permit = Arc::clone(&self.runners).acquire_owned().await;
        let slot = self.slot(name)?;
        let lease = Lease::work(&slot);
        self.prepare(name, &slot, false).await?;
        let client = self.server.superuser(Some(&database::name(name))).await;
        if client.is_err() {
            slot.lose().await;
        }
        let client = client?;
        // What clients have in their indexes and constraints finds names as everywhere else.
        client.batch_execute(CLIENTS_PATH).await?;
        Ok((client, Box::new((lease, permit))))
    }

    /// Forgets what is known of a database whose session has ended by itself.
    pub(crate) async fn lose(&self, name: &str) {
        if let Ok(slot) = self.slot(name) {
            slot.lose().await;
        }
    }

    pub(crate) async fn cancel(&self, process: i32, secret: i32) {
        if let Ok(stream) = self.server.open().await {
            let _told = login::cancel(stream, process, secret).await;
        }
    }

    /// The clusters that have a database.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn databases(&self) -> Result<Vec<String>, Error> {
        let client = self.server.superuser(None).await?;
        database::all(&client, &self.key.mark()).await
    }

    pub(crate) fn in_use(&self) -> Vec<String> {
        self.with_slots(|slots| {
            let used = slots.iter().filter(|(_, slot)| slot.has_sessions());
            used.map(|(name, _)| name.clone()).collect()
        })
    }

    /// Removes the database and its roles.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Error> {
        if !is_database(name) {
            return Ok(());
        }
        let slot = self.slot(name)?;
        let mut state = slot.state.lock().await;
        *state = State::Removed;
        let client = self.server.superuser(None).await?;
        database::remove(&client, name, &self.key.mark()).await?;
        self.with_slots(|slots| slots.remove(name));
        Ok(())
    }

    /// Ends all sessions; begins nothing any more.
    pub(crate) async fn stop(&self) {
        self.closing.store(true, Ordering::Release);
        let needed = self.with_slots(|slots| {
            let needed = slots.iter().filter(|(_, slot)| slot.is_needed());
            needed.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        });
        let end = async {
            let client = self.server.superuser(None).await?;
            database::end_sessions(&client, &needed).await
        };
        if !needed.is_empty() {
            // They end with this process at the latest.
            let _ended = timeout(Duration::from_secs(5), end).await;
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closing.load(Ordering::Acquire)
    }
}

/// What a role hears that has no password yet or another, or may not connect yet.
fn is_locked_out(sqlstate: &str) -> bool {
    ["28P01", "28000", "42501"].contains(&sqlstate)
}

/// Whether the server and the database are where they were.
fn is_an_answer(error: &Error) -> bool {
    matches!(error, Error::Refused { sqlstate, .. } if sqlstate != "3D000")
}
