//! Whether the policies let the caller in, and the cluster has room.

use iam::Caller;
use iam::condition_keys::{Facts, Network};
use iam::decision_log;
use iam::policy::{Outcome, Request, decide};

use super::parameters::Requested;
use super::token::Proven;
use crate::catalog::{Catalog, Cluster};
use crate::gateway::Gateway;
use crate::quotas::Place;
use crate::refusal::Refusal;

/// A client that may connect to its cluster.
pub(crate) struct Admitted {
    /// What it asks for.
    pub(crate) requested: Requested,
    /// Who it is.
    pub(crate) caller: Caller,
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// Its place among the cluster's connections.
    pub(crate) place: Place,
}

impl Proven {
    /// Looks the cluster up and asks the policies of the caller and of the cluster.
    ///
    /// # Errors
    /// There is no such cluster, it is another account's, the policies do not allow it, it is not
    /// there yet or no longer, or it has too many connections.
    pub(crate) async fn admit<C: Catalog>(
        self,
        network: &Network,
        gateway: &Gateway<C>,
    ) -> Result<Admitted, Refusal> {
        let now = gateway.clock.now();
        let found = gateway.catalog.find(&self.region, &self.cluster, now).await;
        let cluster = found
            .map_err(|error| {
                tracing::error!(error, "a cluster cannot be looked up");
                Refusal::unavailable()
            })?
            .ok_or_else(|| Refusal::not_your_cluster(&self.caller.principal.arn))?;
        self.decide(&cluster, network, gateway)?;
        if !cluster.available {
            let status = cluster.status;
            return Err(Refusal::access_denied(format!("The cluster is {status}.")));
        }
        let place = gateway.quotas.take(&cluster.id, now)?;
        Ok(Admitted {
            requested: self.requested,
            caller: self.caller,
            cluster,
            place,
        })
    }

    fn decide<C: Catalog>(
        &self,
        cluster: &Cluster,
        network: &Network,
        gateway: &Gateway<C>,
    ) -> Result<(), Refusal> {
        let principal = &*self.caller.principal;
        let mut facts = Facts::new(principal, network, gateway.clock.now());
        facts.region = cluster.region.as_str();
        facts.resource_account = cluster.account.as_str();
        facts.resource_tags = Some(&cluster.tags);
        let request = Request {
            principal,
            action: self.action.permission(),
            resource: &cluster.arn,
            resource_account: cluster.account.as_str(),
            context: &facts,
        };
        let decision = decide(&request, cluster.policy.as_ref());
        if decision.outcome == Outcome::Allow {
            return Ok(());
        }
        gateway.decisions.refused(&decision_log::Refusal {
            time: facts.now,
            request_id: &base::request_id(gateway.entropy.as_ref()),
            request: &request,
            decision: &decision,
            source_address: Some(network.source_ip),
        });
        // What another account's policy says is no business of the caller's.
        Err(if cluster.account == principal.account {
            Refusal::access_denied(decision.refusal(&request).to_string())
        } else {
            Refusal::not_your_cluster(&principal.arn)
        })
    }
}
