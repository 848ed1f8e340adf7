//! One database: its instance, if it runs, and who needs it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::Client;

use super::binaries::{self, Binaries};
use super::places::Home;
use super::process::Process;
use super::{Site, files, superuser};
use crate::{Error, schema};

/// A database, as the engine knows it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) home: Home,
    holds: watch::Sender<Holds>,
    /// Whether the instance runs and takes sessions.
    up: watch::Sender<bool>,
    /// Locked by whoever starts or stops the instance.
    state: Arc<Mutex<State>>,
    /// The engine's own session, which is opened by the first question that needs it.
    client: Mutex<Option<Arc<Client>>>,
}

#[derive(Debug, Default)]
struct State {
    /// The files are gone: whoever comes late must not make new ones.
    removed: bool,
    /// Asks the instance that runs, or ran last, to stop.
    stop: Option<oneshot::Sender<()>>,
}

/// How many need the instance.
#[derive(Clone, Copy, Debug, Default)]
struct Holds {
    sessions: u32,
    work: u32,
}

/// What an instance is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A session of a client, whose first one makes the database.
    Session,
    /// Something of the engine's own.
    Work,
}

/// Keeps an instance from being stopped as idle until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    slot: Arc<Slot>,
    need: Need,
    /// How many needed the instance for the same when this one came, this one included.
    pub(crate) number: u32,
}

impl Lease {
    pub(crate) fn new(slot: &Arc<Slot>, need: Need) -> Self {
        let mut number = 0;
        slot.holds.send_modify(|holds| {
            let count = holds.count(need);
            *count = count.saturating_add(1);
            number = *count;
        });
        Self {
            slot: Arc::clone(slot),
            need,
            number,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.slot.holds.send_modify(|holds| {
            let count = holds.count(self.need);
            *count = count.saturating_sub(1);
        });
    }
}

impl Holds {
    fn count(&mut self, need: Need) -> &mut u32 {
        match need {
            Need::Session => &mut self.sessions,
            Need::Work => &mut self.work,
        }
    }

    fn none(&self) -> bool {
        self.sessions == 0 && self.work == 0
    }
}

impl Slot {
    pub(crate) fn new(home: Home) -> Self {
        Self {
            home,
            holds: watch::Sender::default(),
            up: watch::Sender::new(false),
            state: Arc::default(),
            client: Mutex::default(),
        }
    }

    pub(crate) fn has_sessions(&self) -> bool {
        self.holds.borrow().sessions > 0
    }

    pub(crate) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Returns whether the instance is known to be down, after a while in which news of its end
    /// can arrive.
    pub(crate) async fn is_down_soon(&self) -> bool {
        let mut up = self.up.subscribe();
        timeout(Duration::from_secs(1), up.wait_for(|up| !up))
            .await
            .is_ok()
    }

    /// Returns when the instance takes sessions. The caller holds a [`Lease`].
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn reach(self: &Arc<Self>, site: &Arc<Site>, need: Need) -> Result<(), Error> {
        let state = Arc::clone(&self.state).lock_owned().await;
        if self.is_up() {
            return Ok(());
        }
        // A client that gives up does not undo the start.
        let start = tokio::spawn(Arc::clone(self).start(Arc::clone(site), state, need));
        start
            .await
            .map_err(|cause| Error::io("start PostgreSQL")(cause.into()))?
    }

    async fn start(
        self: Arc<Self>,
        site: Arc<Site>,
        mut state: OwnedMutexGuard<State>,
        need: Need,
    ) -> Result<(), Error> {
        site.check_open(&self.home.name)?;
        let has_files = self.home.data().exists();
        if state.removed || (!has_files && need != Need::Session) {
            return Err(self.failure("there is no such database"));
        }
        if !has_files {
            self.create(&site).await?;
        }
        let process = match self.run(&site).await {
            Err(error) if !has_files => {
                tracing::warn!(%error, "a new database does not start: its template is made anew");
                site.template.discard().await?;
                files::clear(&self.home.root).map_err(Error::io("remove a new database"))?;
                self.create(&site).await?;
                self.run(&site).await?
            }
            other => other?,
        };
        let (stop, stopped) = oneshot::channel();
        state.stop = Some(stop);
        self.up.send_replace(true);
        tokio::spawn(Arc::clone(&self).supervise(process, stopped, site.options.idle_stop));
        // Nobody listens when the engine is gone.
        let _gone = site.started.send(self.home.name.clone());
        Ok(())
    }

    fn failure(&self, reason: impl Into<String>) -> Error {
        Error::Instance {
            database: self.home.name.clone(),
            reason: reason.into(),
        }
    }

    /// Makes the files of a new database, all or nothing.
    async fn create(&self, site: &Site) -> Result<(), Error> {
        let template = site.template.ready(site).await?;
        let (home, owner) = (self.home.clone(), site.run_as.owner());
        let making = site.directory.join(format!("making-{}", home.name));
        let schema = schema::fingerprint(&site.script());
        let copy = move || {
            files::clear(&making)?;
            DirBuilder::new().mode(0o711).create(&making)?;
            files::copy(&template, &making.join("data"), owner)?;
            files::synchronize_all(&making.join("data"))?;
            files::replace(&making.join("schema"), &schema)?;
            files::settle(&making, &home.root)
        };
        let failed = Error::io(format!("make database {}", self.home.name));
        spawn_blocking(copy)
            .await
            .map_err(|cause| failed(cause.into()))?
            .map_err(&failed)
    }

    /// Starts the instance, and brings its schema up to date before anybody can look at it.
    async fn run(&self, site: &Site) -> Result<Process, Error> {
        let binaries = self.binaries(site).await?;
        let mut process = Process::start(site, &binaries, &self.home, &[]).await?;
        let script = site.script();
        let schema = schema::fingerprint(&script);
        if fs::read_to_string(self.home.schema()).is_ok_and(|present| present == schema) {
            return Ok(process);
        }
        tracing::info!(
            database = self.home.name,
            "brings the schema of a database up to date"
        );
        let updated = async {
            let client = superuser::connect(&self.home.sockets).await?;
            client.batch_execute(&script).await?;
            files::replace(&self.home.schema(), &schema)
                .map_err(Error::io("note the schema of a database"))
        };
        if let Err(error) = updated.await {
            process.stop().await;
            return Err(error);
        }
        Ok(process)
    }

    /// A data directory belongs to one major version for life.
    async fn binaries(&self, site: &Site) -> Result<Binaries, Error> {
        let version = fs::read_to_string(self.home.data().join("PG_VERSION"));
        let version = version.map_err(|cause| self.failure(format!("no PG_VERSION: {cause}")))?;
        if version.trim_end() == site.binaries.major.to_string() {
            return Ok(site.binaries.clone());
        }
        let Ok(major) = version.trim_end().parse() else {
            return Err(self.failure(format!("PG_VERSION is {version:?}")));
        };
        let found = binaries::find_major(major, &site.options, &site.run_as).await;
        found.map_err(|looked_at| {
            self.failure(format!(
                "PostgreSQL {major} has made its files and no other version can read them, but \
                 there is none: looked at {looked_at}"
            ))
        })
    }

    /// Owns the process until it ends: by itself, when asked, or as nobody needs it.
    async fn supervise(
        self: Arc<Self>,
        mut process: Process,
        mut stopped: oneshot::Receiver<()>,
        idle_stop: Duration,
    ) {
        let mut holds = self.holds.subscribe();
        let mut minute = interval(Duration::from_secs(60));
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = process.ended() => {
                    tracing::warn!(database = self.home.name, "PostgreSQL has ended by itself");
                    break;
                }
                _asked = &mut stopped => {
                    process.stop().await;
                    break;
                }
                () = idle(&mut holds, idle_stop) => {
                    // Whoever needs it from now on waits for the lock, and starts it again.
                    let Ok(_state) = self.state.try_lock() else { continue };
                    if self.holds.borrow().none() {
                        process.stop().await;
                        self.down().await;
                        return;
                    }
                }
                _ = minute.tick() => process.trim_log(),
            }
        }
        self.down().await;
    }

    async fn down(&self) {
        *self.client.lock().await = None;
        self.up.send_replace(false);
    }

    /// Stops the instance, whoever needs it.
    pub(crate) async fn stop(&self) {
        let mut state = self.state.lock().await;
        self.halt(&mut state).await;
    }

    async fn halt(&self, state: &mut State) {
        if let Some(stop) = state.stop.take() {
            // It may have ended by itself.
            let _ended = stop.send(());
            // The sender is a field of `self`.
            let mut up = self.up.subscribe();
            let _down = up.wait_for(|up| !up).await;
        }
    }

    /// Stops the instance and removes its files, for good.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) async fn remove(&self, site: &Site) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        state.removed = true;
        self.halt(&mut state).await;
        let home = self.home.clone();
        let removing = site.directory.join(format!("removing-{}", home.name));
        let remove = move || {
            files::clear(&home.sockets)?;
            if home.root.exists() {
                files::clear(&removing)?;
                files::settle(&home.root, &removing)?;
            }
            files::clear(&removing)
        };
        let failed = Error::io(format!("remove database {}", self.home.name));
        spawn_blocking(remove)
            .await
            .map_err(|cause| failed(cause.into()))?
            .map_err(&failed)
    }

    /// The engine's own session, shared by those who ask short questions.
    pub(crate) async fn client(&self) -> Result<Arc<Client>, Error> {
        let mut kept = self.client.lock().await;
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(superuser::connect(&self.home.sockets).await?);
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }
}

/// Returns when nobody has needed the instance for `idle_stop`.
async fn idle(holds: &mut watch::Receiver<Holds>, idle_stop: Duration) {
    loop {
        if holds.wait_for(Holds::none).await.is_err() {
            return;
        }
        if timeout(idle_stop, holds.changed()).await.is_err() {
            return;
        }
    }
}
