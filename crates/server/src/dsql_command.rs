//! `treeline dsql`: what only the operator can do to clusters.

mod faults;

use std::io::Write;
use std::sync::Arc;

use base::Clock;
use dsql::Dsql;
use wire::error::WireError;

use crate::config::Config;
use crate::error::Error;
use crate::serve::open_store;
use crate::system::{SystemClock, SystemEntropy};

pub(crate) use faults::{FaultsCommand, FaultsRoute, faults};

/// The commands below `treeline dsql`.
#[derive(clap::Subcommand)]
pub(crate) enum DsqlCommand {
    /// Remove the policy of a cluster that lets nobody in any more; the server must be stopped
    #[command(mut_args = crate::cli::hide_unless_of_use)]
    RemoveClusterPolicy {
        /// The ARN of the cluster
        #[arg(long, value_name = "ARN")]
        cluster: String,
        #[command(flatten)]
        configuration: Box<crate::cli::Configuration>,
    },
    /// Conflicts that the running server brings about on purpose
    #[command(subcommand)]
    Faults(FaultsCommand),
}

/// Removes the policy, and says which version it was.
pub(crate) fn remove_cluster_policy(config: &Config, cluster: &str) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::process("start the runtime"))?;
    let version = runtime.block_on(async {
        let store = open_store(config)?;
        let dsql = Dsql::new(store.clone(), Arc::new(SystemEntropy), config.dsql.clone());
        let removed = Arc::new(dsql)
            .remove_cluster_policy(cluster, SystemClock.now())
            .await;
        store.close().await;
        removed.map_err(|error| Error::Refused(WireError::from(error).message))
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "removed version {version} of the policy of {cluster}")
        .map_err(Error::process("write to standard output"))
}
