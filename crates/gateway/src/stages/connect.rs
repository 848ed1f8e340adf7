//! The login to the database, and what the client is told of its session.

use bytes::{Bytes, BytesMut};
use engine::{Error, Login, Session};

use super::admit::Admitted;
use super::role::{Entitled, not_granted};
use crate::cancel::{CancelGuard, Target};
use crate::catalog::{Catalog, Cluster};
use crate::frames;
use crate::gateway::Gateway;
use crate::quotas::Place;
use crate::refusal::Refusal;

/// A session that is ready; the client has not been told yet.
pub(crate) struct Granted {
    /// The session at the database.
    pub(crate) backend: Session,
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// The role that the session acts as.
    pub(crate) role: String,
    /// Its cancel key.
    pub(crate) cancel: CancelGuard,
    /// Its place among the cluster's connections.
    pub(crate) place: Place,
}

impl Entitled {
    /// Logs in as the role.
    ///
    /// # Errors
    /// The database does not let the client in, or cannot be started.
    pub(crate) async fn connect<C: Catalog>(
        self,
        gateway: &Gateway<C>,
    ) -> Result<Granted, Refusal> {
        let Self(Admitted {
            requested,
            caller,
            cluster,
            place,
        }) = self;
        let touched = gateway.catalog.touch(&cluster, gateway.clock.now()).await;
        touched.map_err(|error| {
            tracing::error!(error, cluster = cluster.id, "a cluster cannot be woken");
            Refusal::unavailable()
        })?;
        let login = Login {
            role: requested.user,
            parameters: requested.settings,
        };
        let session = gateway.backends.connect(&cluster.database, &login).await;
        let backend = session.map_err(|error| {
            let database = &cluster.database;
            tracing::warn!(%error, database, "the database did not let a client in");
            refusal(error, &login.role, caller.principal.principal_arn())
        })?;
        let target = Target {
            database: cluster.database.clone(),
            process: backend.process,
            secret: backend.secret,
        };
        Ok(Granted {
            cancel: gateway.cancel_keys.issue(target, gateway.entropy.as_ref()),
            backend,
            cluster,
            role: login.role,
            place,
        })
    }
}

/// What the client hears of a login that failed: what it can change itself, and no more.
fn refusal(error: Error, role: &str, arn: &str) -> Refusal {
    match error {
        Error::Refused { sqlstate, message } => match sqlstate.as_bytes() {
            b"53300" => Refusal::too_many_connections(),
            // The role has been dropped, or its LOGIN, since it was looked up.
            b"28000" => not_granted(role, arn),
            // The value of a parameter.
            [b'2', b'2', ..] => Refusal::of_backend(sqlstate, message),
            _ => Refusal::unavailable(),
        },
        Error::NoBinaries(_) | Error::Io { .. } | Error::Instance { .. } | Error::Sql(_) => {
            Refusal::unavailable()
        }
    }
}

impl Granted {
    /// The messages from `AuthenticationOk` to `ReadyForQuery`.
    pub(crate) fn welcome(&self, server_version: &str) -> Bytes {
        let mut output = BytesMut::new();
        frames::message(&mut output, b'R', &[&0_u32.to_be_bytes()]);
        for (name, value) in &self.backend.parameters {
            let value = match name.as_str() {
                "server_version" => server_version,
                "is_superuser" => "off",
                "session_authorization" => &self.role,
                _ => value,
            };
            let parts = [name.as_bytes(), b"\0", value.as_bytes(), b"\0"];
            frames::message(&mut output, b'S', &parts);
        }
        let (process, secret) = self.cancel.key();
        let key = [process.to_be_bytes(), secret.to_be_bytes()].concat();
        frames::message(&mut output, b'K', &[&key]);
        frames::message(&mut output, b'Z', &[b"I"]);
        output.freeze()
    }
}
