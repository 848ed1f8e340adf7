//! What the gateway asks of the control plane.

use std::collections::BTreeMap;

use base::{AccountId, Region, Timestamp};
use iam::policy::NamedDocument;

/// A cluster that somebody wants to connect to.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The identifier: 26 characters.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its Region.
    pub region: Region,
    /// Whether clients can be let in: it is ACTIVE, IDLE, INACTIVE or UPDATING.
    pub available: bool,
    /// Its status in AWS's words, for instance `CREATING`.
    pub status: &'static str,
    /// Its policy.
    pub policy: Option<NamedDocument>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The database behind it: its own identifier, or of linked clusters the one they share.
    pub database: String,
}

/// Where clusters are looked up.
pub trait Catalog: Send + Sync + 'static {
    /// The cluster with this id in `region`, of whatever account; `None` if there is none.
    ///
    /// # Errors
    /// A text for the log.
    fn find(
        &self,
        region: &Region,
        id: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Cluster>, String>> + Send;

    /// Records that the cluster is in use, before its database is connected to.
    ///
    /// # Errors
    /// A text for the log; nobody is let in then.
    fn touch(
        &self,
        cluster: &Cluster,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), String>> + Send;
}
