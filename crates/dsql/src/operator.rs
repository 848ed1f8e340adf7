//! What the operator can do to a cluster whose policy lets nobody in any more.

use std::sync::Arc;

use base::Timestamp;

use crate::arn::ResourceArn;
use crate::error::{Error, ResourceType};
use crate::state::Dsql;
use crate::{cluster, cluster_policy};

impl Dsql {
    /// Removes a cluster's policy without asking any policy, and returns the version it had. No
    /// request leads here: it is for who holds the database.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such cluster or it has no policy, and [`Error::Store`].
    pub async fn remove_cluster_policy(
        self: &Arc<Self>,
        cluster_arn: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        let unknown = || Error::NotFound(ResourceType::Cluster, cluster_arn.to_owned());
        let arn = ResourceArn::parse(cluster_arn).filter(|arn| arn.stream.is_none());
        let arn = arn.ok_or_else(unknown)?;
        let shared = Arc::clone(self);
        let write = self.store.write(move |tx| {
            let mut found = cluster::find(&*tx, &arn.scope, &arn.cluster, shared.at(now))?;
            cluster_policy::delete(tx, &mut found)
        });
        write.await.map(|version: u64| version.to_string())
    }
}
