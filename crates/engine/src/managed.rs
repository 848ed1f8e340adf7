//! Databases on this machine: a PostgreSQL instance each, whose processes and files are the
//! server's own. Everything about processes is in here; the rest of the crate asks for a socket.

mod account;
mod binaries;
pub(crate) mod files;
mod orphans;
pub(crate) mod places;
mod process;
mod settings;
mod slot;
mod superuser;
mod template;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::{Error, Options, schema};
use account::RunAs;
use binaries::Binaries;
use places::Home;
use slot::Slot;
pub(crate) use slot::{Lease, Need};
use template::Template;

/// What all instances have in common.
#[derive(Debug)]
pub(crate) struct Site {
    options: Options,
    /// Absolute and without links, as the kernel names it.
    directory: PathBuf,
    sockets: PathBuf,
    /// The path of `postgresql.conf`.
    settings: PathBuf,
    run_as: RunAs,
    binaries: Binaries,
    template: Template,
    /// Nothing is started any more.
    closing: AtomicBool,
    /// Hears the names of databases whose instance has started.
    started: UnboundedSender<String>,
}

impl Site {
    /// What makes a new database a cluster's.
    pub(crate) fn script(&self) -> String {
        schema::script(&self.options, schema::Site::Alone)
    }

    fn check_open(&self, database: &str) -> Result<(), Error> {
        if self.closing.load(Ordering::Acquire) {
            let reason = "the server is stopping".to_owned();
            return Err(Error::Instance {
                database: database.to_owned(),
                reason,
            });
        }
        Ok(())
    }
}

/// All instances of this server.
#[derive(Debug)]
pub(crate) struct Managed {
    site: Arc<Site>,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    preparing: AbortHandle,
    /// Two servers in one directory would end each other's instances.
    _lock: Flock<File>,
}

impl Managed {
    /// Finds PostgreSQL, ends and clears what an earlier server left, begins to make the template.
    ///
    /// # Errors
    /// [`Error::NoBinaries`], [`Error::Io`].
    pub(crate) async fn start(
        options: Options,
        started: UnboundedSender<String>,
    ) -> Result<Self, Error> {
        let failed = Error::io(format!("use {}", options.directory.display()));
        files::make_passage(&options.directory).map_err(&failed)?;
        let directory = options.directory.canonicalize().map_err(&failed)?;
        let lock = lock(&directory).await?;
        let run_as = RunAs::choose(options.user.as_deref())?;
        let binaries = binaries::find(&options, &run_as).await?;
        run_as
            .check(&directory, &binaries.directory.join("postgres"))
            .await?;
        orphans::end(&directory, &run_as).await?;
        clear_halves(&directory).await.map_err(&failed)?;
        let sockets = places::socket_directory(&directory)?;
        let settings = settings::write(&options, &directory)?;
        let site = Arc::new(Site {
            options,
            directory,
            sockets,
            settings,
            run_as,
            binaries,
            template: Template::default(),
            closing: AtomicBool::new(false),
            started,
        });
        let preparing = tokio::spawn(prepare(Arc::clone(&site))).abort_handle();
        Ok(Self {
            site,
            slots: Mutex::default(),
            preparing,
            _lock: lock,
        })
    }

    pub(crate) fn describe(&self) -> String {
        let Binaries {
            directory, version, ..
        } = &self.site.binaries;
        format!("PostgreSQL {version} in {}", directory.display())
    }

    fn home(&self, database: &str) -> Home {
        Home {
            name: database.to_owned(),
            root: self.site.directory.join(database),
            sockets: self.site.sockets.join(database),
        }
    }

    fn with_slots<T>(&self, act: impl FnOnce(&mut HashMap<String, Arc<Slot>>) -> T) -> T {
        act(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of a database; nothing is made up for those that do not exist, unless
    /// somebody needs them to.
    fn slot(&self, database: &str, need: Need) -> Result<Arc<Slot>, Error> {
        let home = self.home(database);
        let exists = || need == Need::Session || home.root.exists();
        if !places::is_database(database) || !exists() {
            let reason = "there is no such database".to_owned();
            return Err(Error::Instance {
                database: database.to_owned(),
                reason,
            });
        }
        Ok(self.with_slots(|slots| {
            let slot = slots
                .entry(database.to_owned())
                .or_insert_with(|| Slot::new(home).into());
            Arc::clone(slot)
        }))
    }

    fn known(&self, database: &str) -> Option<Arc<Slot>> {
        self.with_slots(|slots| slots.get(database).cloned())
    }

    /// Where an instance listens, which takes sessions for as long as the lease.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn reach(
        &self,
        database: &str,
        need: Need,
    ) -> Result<(PathBuf, Lease), Error> {
        let slot = self.slot(database, need)?;
        let lease = Lease::new(&slot, need);
        if lease.number > self.site.options.max_sessions {
            let (sqlstate, message) = ("53300", "sorry, too many clients already");
            return Err(Error::Refused {
                sqlstate: sqlstate.into(),
                message: message.into(),
            });
        }
        slot.reach(&self.site, need).await?;
        Ok((slot.home.socket(), lease))
    }

    /// A new session of the superuser.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn superuser(&self, database: &str) -> Result<(Client, Lease), Error> {
        let connect = async |slot: Arc<Slot>| superuser::connect(&slot.home.sockets).await;
        self.own(database, connect).await
    }

    /// A session of the superuser that is shared by those who ask short questions.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn shared(&self, database: &str) -> Result<(Arc<Client>, Lease), Error> {
        self.own(database, async |slot: Arc<Slot>| slot.client().await)
            .await
    }

    /// Opens a session of the engine's own, also if the instance ends just now.
    async fn own<T>(
        &self,
        database: &str,
        connect: impl AsyncFn(Arc<Slot>) -> Result<T, Error>,
    ) -> Result<(T, Lease), Error> {
        let slot = self.slot(database, Need::Work)?;
        let lease = Lease::new(&slot, Need::Work);
        slot.reach(&self.site, Need::Work).await?;
        match connect(Arc::clone(&slot)).await {
            Err(_) if slot.is_down_soon().await => {
                slot.reach(&self.site, Need::Work).await?;
                Ok((connect(slot).await?, lease))
            }
            result => Ok((result?, lease)),
        }
    }

    /// Keeps the instance running if it runs.
    pub(crate) fn hold(&self, database: &str) -> Option<Lease> {
        self.known(database)
            .map(|slot| Lease::new(&slot, Need::Work))
    }

    /// Whether the database has files.
    pub(crate) fn exists(&self, database: &str) -> bool {
        places::is_database(database) && self.home(database).root.exists()
    }

    pub(crate) fn is_running(&self, database: &str) -> bool {
        self.known(database).is_some_and(|slot| slot.is_up())
    }

    /// The socket of an instance that runs.
    pub(crate) fn socket(&self, database: &str) -> Option<PathBuf> {
        let slot = self.known(database)?;
        slot.is_up().then(|| slot.home.socket())
    }

    /// Whether an instance that a client could not reach has ended.
    pub(crate) async fn has_ended(&self, database: &str) -> bool {
        match self.known(database) {
            Some(slot) => slot.is_down_soon().await,
            None => true,
        }
    }

    /// The databases that have files.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn databases(&self) -> Result<Vec<String>, Error> {
        let names = names(&self.site.directory).map_err(Error::io("list databases"))?;
        Ok(names
            .into_iter()
            .filter(|name| places::is_database(name))
            .collect())
    }

    pub(crate) fn in_use(&self) -> Vec<String> {
        self.with_slots(|slots| {
            let used = slots.values().filter(|slot| slot.has_sessions());
            used.map(|slot| slot.home.name.clone()).collect()
        })
    }

    /// Stops the instance and removes its files.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) async fn remove(&self, database: &str) -> Result<(), Error> {
        if !places::is_database(database) {
            return Ok(());
        }
        // A slot even if there are no files: somebody may be about to make them.
        let slot = self.slot(database, Need::Session)?;
        slot.remove(&self.site).await?;
        self.with_slots(|slots| {
            if slots
                .get(database)
                .is_some_and(|present| Arc::ptr_eq(present, &slot))
            {
                slots.remove(database);
            }
        });
        Ok(())
    }

    pub(crate) async fn stop(&self) {
        self.site.closing.store(true, Ordering::Release);
        self.preparing.abort();
        let slots: Vec<_> = self.with_slots(|slots| slots.values().cloned().collect());
        let mut stops = JoinSet::new();
        for slot in slots {
            stops.spawn(async move { slot.stop().await });
        }
        stops.join_all().await;
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        self.preparing.abort();
    }
}

/// The first connection would do it as well, and report what goes wrong; this saves it the time.
async fn prepare(site: Arc<Site>) {
    if let Err(error) = site.template.ready(&site).await {
        tracing::error!(%error, "no database can be made: there is no template");
    }
}

/// A server that is being replaced may need a moment to be gone.
pub(crate) async fn lock(directory: &Path) -> Result<Flock<File>, Error> {
    let path = directory.join("lock");
    let failed = Error::io(format!("use {}", directory.display()));
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let mut file = file.map_err(&failed)?;
    for _ in 0..50 {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((unlocked, Errno::EAGAIN)) => file = unlocked,
            Err((_, cause)) => return Err(failed(cause.into())),
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err(failed(std::io::Error::new(
        ErrorKind::ResourceBusy,
        "another server uses it",
    )))
}

fn names(directory: &Path) -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?;
    let names = entries.map(|entry| entry.map(|it| it.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}

/// Clears what an earlier server has begun to make or to remove.
async fn clear_halves(directory: &Path) -> std::io::Result<()> {
    for name in names(directory)? {
        if name.starts_with("making-") || name.starts_with("removing-") {
            let path = directory.join(name);
            spawn_blocking(move || files::clear(&path)).await??;
        }
    }
    Ok(())
}
