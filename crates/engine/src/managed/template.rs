//! The template: a data directory with the schema in it, which new databases are copies of.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::places::{Home, TEMPLATE};
use super::process::Process;
use super::{Site, files, superuser};
use crate::{Error, SUPERUSER, schema};

/// How directories of templates begin.
pub(crate) const PREFIX: &str = "template-";
/// The file that says what a whole template weighs.
const MANIFEST: &str = "manifest";
/// Nothing but `postgres` is ever used; without the others a copy is half the size. `DROP
/// DATABASE` wants a statement of its own.
const STRIP: [&str; 4] = [
    "UPDATE pg_database SET datistemplate = false WHERE datname <> 'postgres'",
    "DROP DATABASE template0",
    "DROP DATABASE template1",
    "VACUUM (ANALYZE)",
];
/// Until it is complete the template is worth nothing: [`files::synchronize_all`] comes last.
const HASTE: [&str; 3] = ["--fsync=off", "--autovacuum=off", "--max_wal_size=2MB"];

/// Where the template is, once it is known to be there.
#[derive(Debug, Default)]
pub(crate) struct Template(Mutex<Option<PathBuf>>);

impl Template {
    /// The template's data directory, and the schema in it. Whoever is the first to ask makes it;
    /// the others wait.
    ///
    /// # Errors
    /// Any [`Error`]: the next one who asks tries again.
    pub(crate) async fn ready(&self, site: &Site) -> Result<PathBuf, Error> {
        let mut known = self.0.lock().await;
        if let Some(path) = &*known {
            return Ok(path.join("data"));
        }
        site.check_open(TEMPLATE)?;
        let schema = schema::fingerprint(&site.script());
        let path = site
            .directory
            .join(format!("{PREFIX}{}-{schema}", site.binaries.version));
        if !is_whole(&path) {
            make(site, &path).await?;
        }
        clear_others(site, &path).await;
        *known = Some(path.clone());
        Ok(path.join("data"))
    }

    /// Removes the template: a copy of it does not work.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) async fn discard(&self) -> Result<(), Error> {
        let mut known = self.0.lock().await;
        match known.take() {
            Some(path) => files::clear(&path).map_err(Error::io("remove a template")),
            None => Ok(()),
        }
    }
}

fn manifest(path: &Path) -> std::io::Result<String> {
    let (files, bytes) = files::weigh(&path.join("data"))?;
    Ok(format!("{files} files, {bytes} bytes\n"))
}

fn is_whole(path: &Path) -> bool {
    let written = fs::read_to_string(path.join(MANIFEST));
    matches!((written, manifest(path)), (Ok(written), Ok(found)) if written == found)
}

async fn make(site: &Site, path: &Path) -> Result<(), Error> {
    let failed = Error::io("make a template");
    let home = Home {
        name: TEMPLATE.to_owned(),
        root: site.directory.join("making-template"),
        sockets: site.sockets.join(TEMPLATE),
    };
    let data = home.data();
    files::clear(&home.root).map_err(&failed)?;
    DirBuilder::new()
        .mode(0o711)
        .create(&home.root)
        .map_err(&failed)?;
    DirBuilder::new()
        .mode(0o700)
        .create(&data)
        .map_err(&failed)?;
    site.run_as.give(&data).map_err(&failed)?;
    initdb(site, &data).await?;

    let mut process = Process::start(site, &site.binaries, &home, &HASTE).await?;
    let filled = fill(site, &home).await;
    process.stop().await;
    filled?;

    let (root, path) = (home.root.clone(), path.to_owned());
    let finish = move || {
        files::synchronize_all(&root.join("data"))?;
        files::replace(&root.join(MANIFEST), &manifest(&root)?)?;
        files::forget(&home.log())?;
        files::clear(&home.sockets)?;
        files::clear(&path)?;
        files::settle(&root, &path)
    };
    spawn_blocking(finish)
        .await
        .map_err(|cause| failed(cause.into()))?
        .map_err(&failed)
}

async fn initdb(site: &Site, data: &Path) -> Result<(), Error> {
    let mut command = site
        .run_as
        .command(&site.binaries.directory.join("initdb"), data);
    command
        .arg("-D")
        .arg(data)
        .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"])
        .args(["--wal-segsize=1", "--no-sync", "--no-instructions"])
        .kill_on_drop(true);
    let output = command.output().await.map_err(Error::io("run initdb"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let reason = format!("initdb ended with {}: {}", output.status, lines.join("; "));
    Err(Error::Instance {
        database: TEMPLATE.to_owned(),
        reason,
    })
}

async fn fill(site: &Site, home: &Home) -> Result<(), Error> {
    let client = superuser::connect(&home.sockets).await?;
    client.batch_execute(&site.script()).await?;
    for statement in STRIP {
        client.batch_execute(statement).await?;
    }
    Ok(())
}

/// Templates of other versions or schemas are of no use any more.
async fn clear_others(site: &Site, current: &Path) {
    let Ok(entries) = fs::read_dir(&site.directory) else {
        return;
    };
    for entry in entries.flatten() {
        let other = entry.path();
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && other != current {
            // It would be in the way of nobody; the next start tries again.
            let _left = spawn_blocking(move || files::clear(&other)).await;
        }
    }
}
