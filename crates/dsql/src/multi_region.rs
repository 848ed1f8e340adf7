//! Multi-Region clusters: a witness Region, and a peer in another Region that names this one back.
//!
//! The rules are those of the Aurora DSQL User Guide (*Configuring multi-Region clusters*): two
//! Regions with a cluster each and one witness, which neither of them is and both of them name.

use base::Region;
use frontdoor::{RequestContext, Scope};
use model::dsql::types::MultiRegionProperties;
use store::WriteTx;

use crate::arn::ResourceArn;
use crate::cluster::{Cluster, Deletion, lookup};
use crate::error::{Error, ResourceType};
use crate::lifecycle::Lifecycle;

const WITNESS: &str = "multiRegionProperties.witnessRegion";
const CLUSTERS: &str = "multiRegionProperties.clusters";

/// What a request says about other Regions; it keeps the rules that need no look at other clusters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Wanted {
    /// The witness Region, if it names one.
    pub(crate) witness: Option<String>,
    /// The peer, if it lists clusters; `Some(None)` if it lists none but the cluster itself.
    pub(crate) peer: Option<Option<ResourceArn>>,
}

impl Wanted {
    /// Reads what a request about the cluster `own` says; `own` is `None` when it is to be made.
    pub(crate) fn read(
        properties: Option<&MultiRegionProperties>,
        scope: &Scope,
        own: Option<&str>,
    ) -> Result<Self, Error> {
        let Some(properties) = properties else {
            return Ok(Self::default());
        };
        let clusters = properties.clusters.as_deref();
        let wanted = Self {
            witness: witness(properties)
                .map(|name| check_witness(name, scope))
                .transpose()?,
            peer: clusters.map(|list| peer(list, scope, own)).transpose()?,
        };
        Ok(wanted)
    }
}

/// The witness Region that a request names. The empty text names none.
pub(crate) fn witness(properties: &MultiRegionProperties) -> Option<&str> {
    properties
        .witness_region
        .as_deref()
        .filter(|name| !name.is_empty())
}

/// The clusters that a request lists as peers and whose permission is asked for: the first two,
/// since a list of more is refused in any case, as are clusters of other accounts.
pub(crate) fn listed(
    properties: Option<&MultiRegionProperties>,
    scope: &Scope,
    own: Option<&str>,
) -> Vec<ResourceArn> {
    let clusters = properties.and_then(|properties| properties.clusters.as_deref());
    let clusters = clusters.unwrap_or_default().iter();
    let mut listed: Vec<ResourceArn> = Vec::new();
    for arn in clusters.filter_map(|text| ResourceArn::parse(text)) {
        let asked = arn.scope.account == scope.account && !is_own(&arn, scope, own);
        if asked && listed.len() < 2 && !listed.contains(&arn) {
            listed.push(arn);
        }
    }
    listed
}

fn is_own(arn: &ResourceArn, scope: &Scope, own: Option<&str>) -> bool {
    arn.scope == *scope && own == Some(arn.cluster.as_str())
}

fn check_witness(name: &str, scope: &Scope) -> Result<String, Error> {
    let region: Region = name
        .parse()
        .map_err(|_| Error::field(WITNESS, "The witness Region is not the name of a Region."))?;
    if region == scope.region {
        let text = "The witness Region must not be the Region of the cluster.";
        return Err(Error::field(WITNESS, text));
    }
    if region.partition() != scope.region.partition() {
        let text = "The witness Region must be in the same partition as the cluster.";
        return Err(Error::field(WITNESS, text));
    }
    Ok(name.to_owned())
}

fn peer(list: &[String], scope: &Scope, own: Option<&str>) -> Result<Option<ResourceArn>, Error> {
    let mut peer: Option<ResourceArn> = None;
    for text in list {
        let invalid =
            |fault: &str| Error::field(CLUSTERS, format!("The cluster `{text}` {fault}."));
        let arn = ResourceArn::parse(text).ok_or_else(|| invalid("is not the ARN of a cluster"))?;
        if is_own(&arn, scope, own) || peer.as_ref() == Some(&arn) {
            continue;
        }
        if arn.scope.account != scope.account {
            return Err(invalid("belongs to another account"));
        }
        if arn.scope.region == scope.region {
            return Err(invalid("is in the same Region"));
        }
        if arn.scope.region.partition() != scope.region.partition() {
            return Err(invalid("is in another partition"));
        }
        if peer.is_some() {
            let text = "A multi-Region cluster has exactly one peer.";
            return Err(Error::field(CLUSTERS, text));
        }
        peer = Some(arn);
    }
    Ok(peer)
}

/// Makes a cluster what a request wants it to be. The caller writes the record.
///
/// A new cluster may take a witness; later it cannot be changed, and a single-Region cluster stays
/// one.
pub(crate) fn apply(
    tx: &mut dyn WriteTx,
    context: &RequestContext,
    cluster: &mut Cluster,
    wanted: Wanted,
    at: Lifecycle<'_>,
) -> Result<(), Error> {
    let Wanted { witness, peer } = wanted;
    match (&cluster.record.witness, &witness) {
        (Some(own), Some(wanted)) if own != wanted => {
            let text = "The witness Region of a cluster cannot be changed.";
            return Err(Error::field(WITNESS, text));
        }
        (None, Some(_)) => {
            let text = "A single-Region cluster cannot become a multi-Region cluster.";
            return Err(Error::field(WITNESS, text));
        }
        (Some(_), _) | (None, None) => {}
    }
    let Some(peer) = peer else { return Ok(()) };
    let Some(witness) = cluster.record.witness.clone() else {
        return match peer {
            Some(_) => Err(Error::field(
                CLUSTERS,
                "A cluster with peers needs a witness Region.",
            )),
            None => Ok(()),
        };
    };
    let current = cluster.record.peer.as_deref().and_then(ResourceArn::parse);
    if peer != current {
        unlink(tx, context, cluster, current, at)?;
        cluster.record.peer = peer.as_ref().map(ToString::to_string);
    }
    match peer {
        Some(peer) if !cluster.record.linked => link(tx, cluster, &peer, &witness, at),
        Some(_) | None => Ok(()),
    }
}

/// Takes the peer away. A peer that is already deleted waits for nobody any more.
fn unlink(
    tx: &mut dyn WriteTx,
    context: &RequestContext,
    cluster: &mut Cluster,
    current: Option<ResourceArn>,
    at: Lifecycle<'_>,
) -> Result<(), Error> {
    let Some(current) = current else {
        return Ok(());
    };
    // Permission to remove a peer was asked for the one that there was then.
    if !context.authorized.covers(&current.to_string()) {
        return Err(Error::Conflict {
            message: "The peers of the cluster were changed by another request.".to_owned(),
            resource: (ResourceType::Cluster, cluster.id.clone()),
        });
    }
    if !std::mem::take(&mut cluster.record.linked) {
        return Ok(());
    }
    if let Some(mut other) = lookup(&*tx, &current.scope, &current.cluster, at)? {
        other.record.linked = false;
        if other.record.deletion == Some(Deletion::AwaitingPeer) {
            other.record.deletion = Some(Deletion::Since(at.now));
        }
        other.put(tx)?;
    }
    Ok(())
}

/// Links two clusters if the other one names this one, too.
fn link(
    tx: &mut dyn WriteTx,
    cluster: &mut Cluster,
    peer: &ResourceArn,
    witness: &str,
    at: Lifecycle<'_>,
) -> Result<(), Error> {
    let invalid = |fault: &str| Error::field(CLUSTERS, format!("The cluster `{peer}` {fault}."));
    if peer.scope.region.as_str() == witness {
        return Err(invalid("is in the witness Region"));
    }
    let other = lookup(&*tx, &peer.scope, &peer.cluster, at)?;
    let mut other = other.ok_or_else(|| invalid("does not exist"))?;
    if other.is_in_deletion() {
        return Err(invalid("is being deleted"));
    }
    match &other.record.witness {
        Some(its) if its == witness => {}
        Some(_) => return Err(invalid("has another witness Region")),
        None => return Err(invalid("is a single-Region cluster")),
    }
    if other.record.peer == Some(cluster.arn().to_string()) {
        for record in [&mut cluster.record, &mut other.record] {
            record.linked = true;
            record.changed = Some(at.now);
            record.activity = at.now;
        }
        other.put(tx)?;
    }
    Ok(())
}

/// Begins the deletion of a cluster: at once, or, while it has a linked peer that is not deleted,
/// when that one is. Writes the records.
pub(crate) fn delete(
    tx: &mut dyn WriteTx,
    cluster: &mut Cluster,
    at: Lifecycle<'_>,
) -> Result<(), Error> {
    let peer = cluster
        .record
        .peer
        .as_deref()
        .filter(|_| cluster.record.linked);
    let peer = match peer.and_then(ResourceArn::parse) {
        Some(arn) => lookup(&*tx, &arn.scope, &arn.cluster, at)?,
        None => None,
    };
    let deletion = match peer {
        Some(peer) if !peer.is_in_deletion() => Deletion::AwaitingPeer,
        Some(mut peer) => {
            peer.record.deletion = Some(Deletion::Since(at.now));
            peer.put(tx)?;
            Deletion::Since(at.now)
        }
        None => Deletion::Since(at.now),
    };
    cluster.record.deletion = Some(deletion);
    cluster.put(tx)
}

#[cfg(test)]
mod tests;
