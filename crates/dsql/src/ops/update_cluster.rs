//! `UpdateCluster`: changes what is named; what is left out stays.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{UpdateClusterInput, UpdateClusterOutput};
use store::WriteTx;

use crate::access::{self, Target};
use crate::arn::ResourceArn;
use crate::cluster::{self, Answer};
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::lifecycle::Lifecycle;
use crate::multi_region::{self, Wanted};
use crate::state::Dsql;
use crate::{encryption, metric_groups};

pub(super) struct UpdateCluster;

impl Operation for UpdateCluster {
    type State = Dsql;
    type Input = UpdateClusterInput;
    type Output = UpdateClusterOutput;
    type Error = Error;

    const NAME: &'static str = "UpdateCluster";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a UpdateClusterInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        let properties = input.multi_region_properties.as_ref();
        let witness = properties.and_then(multi_region::witness);
        let mut update = target.permission("dsql:UpdateCluster");
        update.keys = access::witness_key(witness);
        let mut permissions = vec![update, target.permission("dsql:GetCluster")];
        let Some(properties) = properties else {
            return Ok(permissions);
        };
        permissions.push(target.permission("dsql:PutMultiRegionProperties"));
        if let Some(witness) = witness {
            permissions.extend(target.witness(witness));
        }
        if properties.clusters.is_some() {
            permissions.extend(peers(state, asked, input, &target).await?);
        }
        Ok(permissions)
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: UpdateClusterInput,
    ) -> Result<UpdateClusterOutput, Error> {
        let (token, id) = (input.client_token.take(), input.identifier.clone());
        let resource = (ResourceType::Cluster, id.as_str());
        let request = Idempotent::about(Self::NAME, resource, token, &input);
        let update = Update::read(&input, &context)?;
        let (shared, scope) = (Arc::clone(state), context.scope.clone());
        let write = state.store.write(move |tx| {
            let at = shared.at(context.now);
            request.run(tx, &context, &id, |tx| update.apply(tx, &context, &id, at))
        });
        let answer = write.await?;
        let at = answer.at;
        let described = answer.describe(&scope, state.at(at));
        Ok(UpdateClusterOutput {
            identifier: described.identifier,
            arn: described.arn,
            status: described.status,
            creation_time: described.creation_time,
        })
    }
}

/// Permissions to add the peers that are listed and to remove the one that is not.
async fn peers<'a>(
    state: &Arc<Dsql>,
    asked: &Asked,
    input: &UpdateClusterInput,
    target: &Target,
) -> Result<Vec<Permission<'a>>, Error> {
    const ADD: &str = "dsql:AddPeerCluster";
    const REMOVE: &str = "dsql:RemovePeerCluster";
    let properties = input.multi_region_properties.as_ref();
    let added = multi_region::listed(properties, &asked.scope, Some(&input.identifier));
    let own = target.cluster.as_ref();
    let current = own.and_then(|own| own.record.peer.as_deref());
    let current = current.and_then(ResourceArn::parse);
    let removed = current.filter(|current| !added.contains(current));
    let to_itself = (!added.is_empty()).then(|| target.permission(ADD));
    let mut actions = vec![ADD; added.len()];
    actions.push(REMOVE);
    let peers = added.into_iter().chain(removed).collect();
    let peers = access::targets(state, asked, peers).await?;
    let peers = peers.iter().zip(actions);
    let to_peers = peers.map(|(peer, action)| peer.permission(action));
    Ok(to_itself.into_iter().chain(to_peers).collect())
}

/// What is to be changed, checked as far as that goes without the cluster.
struct Update {
    deletion_protection: Option<bool>,
    /// The new key; `Some(None)` for the service's own.
    key: Option<Option<String>>,
    statement_statistics: Option<bool>,
    multi_region: Wanted,
}

impl Update {
    fn read(input: &UpdateClusterInput, context: &RequestContext) -> Result<Self, Error> {
        let scope = &context.scope;
        let key = input.kms_encryption_key.as_deref();
        let groups = input.metric_groups.as_deref();
        let own = Some(input.identifier.as_str());
        Ok(Self {
            deletion_protection: input.deletion_protection_enabled,
            key: key.map(|key| encryption::key(key, scope)).transpose()?,
            statement_statistics: groups
                .map(metric_groups::statement_statistics)
                .transpose()?,
            multi_region: Wanted::read(input.multi_region_properties.as_ref(), scope, own)?,
        })
    }

    fn apply(
        self,
        tx: &mut dyn WriteTx,
        context: &RequestContext,
        id: &str,
        at: Lifecycle<'_>,
    ) -> Result<Answer, Error> {
        let mut found = cluster::find(&*tx, &context.scope, id, at)?;
        found.check_changeable()?;
        multi_region::apply(tx, context, &mut found, self.multi_region, at)?;
        let record = &mut found.record;
        if let Some(protection) = self.deletion_protection {
            record.deletion_protection = protection;
        }
        if let Some(statement_statistics) = self.statement_statistics {
            record.statement_statistics = statement_statistics;
        }
        if let Some(key) = self.key
            && key != record.kms_key_arn
        {
            record.kms_key_arn = key;
            record.key_changed = Some(at.now);
            record.changed = Some(at.now);
        }
        record.activity = at.now;
        found.put(tx)?;
        Ok(Answer::new(found, at))
    }
}
