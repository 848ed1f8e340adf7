//! `CreateCluster`: makes a cluster, perhaps with a policy, a witness Region and a peer.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use iam::policy::Document;
use model::dsql::types::{
    ClusterStatus, CreateClusterInput, CreateClusterOutput, GetClusterOutput,
};
use store::WriteTx;

use crate::access;
use crate::cluster::{self, Answer, Census, Cluster, ClusterRecord};
use crate::cluster_policy::LockoutCheck;
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::lifecycle::Lifecycle;
use crate::multi_region::{self, Wanted};
use crate::quota::code;
use crate::state::Dsql;
use crate::{cluster_policy, encryption, metric_groups, tags};

pub(super) struct CreateCluster;

impl Operation for CreateCluster {
    type State = Dsql;
    type Input = CreateClusterInput;
    type Output = CreateClusterOutput;
    type Error = Error;

    const NAME: &'static str = "CreateCluster";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a CreateClusterInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let new = |action| access::new_cluster(asked, action);
        let properties = input.multi_region_properties.as_ref();
        let witness = properties.and_then(multi_region::witness);
        let mut create = new("dsql:CreateCluster").setting(input.tags.as_ref());
        create.keys = access::witness_key(witness);
        let mut permissions = vec![create];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            permissions.push(new("dsql:TagResource").setting(input.tags.as_ref()));
        }
        if properties.is_some() {
            permissions.push(new("dsql:PutMultiRegionProperties"));
        }
        if let Some(witness) = witness {
            permissions.extend(access::new_witness(asked, witness));
        }
        let peers = multi_region::listed(properties, &asked.scope, None);
        if !peers.is_empty() {
            permissions.push(new("dsql:AddPeerCluster"));
            let peers = access::targets(state, asked, peers).await?;
            permissions.extend(
                peers
                    .iter()
                    .map(|peer| peer.permission("dsql:AddPeerCluster")),
            );
        }
        if input.policy.is_some() {
            permissions.push(new("dsql:PutClusterPolicy"));
        }
        Ok(permissions)
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: CreateClusterInput,
    ) -> Result<CreateClusterOutput, Error> {
        let token = input.client_token.take();
        let request = Idempotent::new(Self::NAME, ResourceType::Cluster, token, &input);
        let new = NewCluster::read(input, &context, cluster::new_id(state.entropy.as_ref()))?;
        let (shared, scope) = (Arc::clone(state), context.scope.clone());
        let write = state.store.write(move |tx| {
            let (at, id) = (shared.at(context.now), new.cluster.id.clone());
            request.run(tx, &context, &id, |tx| new.create(tx, &context, at))
        });
        let answer = write.await?;
        let at = answer.at;
        Ok(output(answer.describe(&scope, state.at(at))))
    }
}

/// A cluster that is to be made, with what it must be checked against.
struct NewCluster {
    cluster: Cluster,
    wanted: Wanted,
    policy: Option<(String, Arc<Document>)>,
    lockout: Option<LockoutCheck>,
}

impl NewCluster {
    /// Checks all that can be checked without a look at what there is.
    fn read(
        input: CreateClusterInput,
        context: &RequestContext,
        id: String,
    ) -> Result<Self, Error> {
        let scope = &context.scope;
        let mut record = ClusterRecord::new(context.now);
        record.deletion_protection = input.deletion_protection_enabled.unwrap_or(true);
        record.tags = input.tags.unwrap_or_default();
        tags::check_all(&record.tags)?;
        if let Some(key) = &input.kms_encryption_key {
            record.kms_key_arn = encryption::key(key, scope)?;
        }
        let groups = input.metric_groups.unwrap_or_default();
        record.statement_statistics = metric_groups::statement_statistics(&groups)?;
        let properties = input.multi_region_properties.as_ref();
        let wanted = Wanted::read(properties, scope, None)?;
        record.witness.clone_from(&wanted.witness);
        let policy = match input.policy {
            Some(text) => Some((cluster_policy::check(&text)?, text)),
            None => None,
        };
        let cluster = Cluster {
            scope: scope.clone(),
            id,
            record,
            status: ClusterStatus::Creating,
        };
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        let checked = policy.as_ref().filter(|_| !bypass);
        Ok(Self {
            lockout: checked.map(|(document, _)| LockoutCheck::new(context, &cluster, document)),
            cluster,
            wanted,
            policy: policy.map(|(document, text)| (text, document)),
        })
    }

    fn create(
        self,
        tx: &mut dyn WriteTx,
        context: &RequestContext,
        at: Lifecycle<'_>,
    ) -> Result<Answer, Error> {
        let Self {
            mut cluster,
            wanted,
            policy,
            lockout,
        } = self;
        let census = Census::take(&*tx, &cluster.scope, at)?;
        check_quota(&census, &cluster, at)?;
        census.sweep(tx, &cluster.scope)?;
        multi_region::apply(tx, context, &mut cluster, wanted, at)?;
        match policy {
            None => cluster.put(tx)?,
            Some((text, document)) => {
                if let Some(lockout) = lockout {
                    lockout.settle(context, &cluster, &document)?;
                }
                cluster_policy::put(tx, &mut cluster, text)?;
            }
        }
        Ok(Answer::new(cluster, at))
    }
}

fn check_quota(census: &Census, cluster: &Cluster, at: Lifecycle<'_>) -> Result<(), Error> {
    let quotas = &at.options.quotas;
    let (count, most, quota_code) = match cluster.record.witness {
        None => (
            census.single_region,
            quotas.single_region_clusters,
            code::SINGLE_REGION_CLUSTERS,
        ),
        Some(_) => (
            census.multi_region,
            quotas.multi_region_clusters,
            code::MULTI_REGION_CLUSTERS,
        ),
    };
    if count < most {
        return Ok(());
    }
    Err(Error::QuotaExceeded {
        message: "You have reached the cluster limit.".to_owned(),
        resource: (ResourceType::Cluster, cluster.id.clone()),
        quota_code,
    })
}

fn output(described: GetClusterOutput) -> CreateClusterOutput {
    CreateClusterOutput {
        identifier: described.identifier,
        arn: described.arn,
        status: described.status,
        creation_time: described.creation_time,
        multi_region_properties: described.multi_region_properties,
        encryption_details: described.encryption_details,
        deletion_protection_enabled: described.deletion_protection_enabled,
        endpoint: described.endpoint,
        metric_groups: described.metric_groups,
    }
}
