//! Sessions of the engine itself.

use std::path::Path;

use tokio_postgres::{Client, Config, NoTls};

use crate::{DATABASE, Error, OWN_SESSION, SUPERUSER};

/// Opens a session of the superuser at the instance that listens in `sockets`.
///
/// # Errors
/// [`Error::Sql`].
pub(crate) async fn connect(sockets: &Path) -> Result<Client, Error> {
    let mut config = Config::new();
    config
        .host_path(sockets)
        .port(5432)
        .user(SUPERUSER)
        .dbname(DATABASE)
        .application_name("treeline")
        .options(OWN_SESSION);
    let (client, connection) = config.connect(NoTls).await?;
    // It ends with the client, or with an error that the client gets as well.
    tokio::spawn(async move {
        let _end = connection.await;
    });
    Ok(client)
}
