//! Which cluster a client means.

use base::Region;

use super::parameters::Requested;
use crate::endpoints::{Endpoints, is_cluster_id};
use crate::refusal::Refusal;

/// A client that has named a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Routed {
    /// What it asks for.
    pub(crate) requested: Requested,
    /// The identifier of the cluster.
    pub(crate) cluster: String,
    /// Its Region, when the host name says it; else it is the token's.
    pub(crate) region: Option<Region>,
}

impl Routed {
    /// Takes the cluster from the host name that the client sent in TLS, else from its options:
    /// through AWS PrivateLink the host may be named otherwise.
    ///
    /// # Errors
    /// Neither names a cluster.
    pub(crate) fn new(
        requested: Requested,
        host: Option<&str>,
        endpoints: &Endpoints,
    ) -> Result<Self, Refusal> {
        if let Some(endpoint) = host.and_then(|host| endpoints.parse(host)) {
            return Ok(Self {
                requested,
                cluster: endpoint.cluster,
                region: Some(endpoint.region),
            });
        }
        match (requested.cluster.clone(), host) {
            (Some(cluster), _) if is_cluster_id(&cluster) => Ok(Self {
                requested,
                cluster,
                region: None,
            }),
            (Some(_), _) => Err(Refusal::access_denied(
                "The startup option amzn-cluster-id is not the identifier of a cluster.",
            )),
            (None, None) => Err(Refusal::no_server_name(&endpoints.example())),
            (None, Some(host)) => Err(Refusal::access_denied(format!(
                "The host name {host} is not that of a cluster, which is {}.",
                endpoints.example()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_name_comes_before_the_options() {
        const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
        const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbb";
        let name = format!("{A}.dsql.us-east-1.on.aws");
        let private = format!("{A}.dsql-abc123.eu-west-1.on.aws");
        let denied = "unable to accept connection, access denied";
        for (host, option, expected) in [
            (Some(&*name), None, Ok((A, Some("us-east-1")))),
            (Some(&*name), Some(B), Ok((A, Some("us-east-1")))),
            (Some(&*private), None, Ok((A, Some("eu-west-1")))),
            (
                Some("vpce-1.dsql-x.us-east-1.vpce.amazonaws.com"),
                Some(B),
                Ok((B, None)),
            ),
            (None, Some(B), Ok((B, None))),
            (
                None,
                None,
                Err("unable to accept connection, sni was not received"),
            ),
            (Some("localhost"), None, Err(denied)),
            (None, Some("b"), Err(denied)),
            (Some("localhost"), Some("B"), Err(denied)),
        ] {
            let requested = Requested {
                user: "admin".to_owned(),
                settings: Vec::new(),
                cluster: option.map(str::to_owned),
            };
            let routed = Routed::new(requested, host, &Endpoints::new("on.aws"));
            let found = routed
                .as_ref()
                .map(|routed| (&*routed.cluster, routed.region.as_ref().map(Region::as_str)))
                .map_err(|refusal| &*refusal.message);
            assert_eq!(found, expected, "{host:?} {option:?}");
        }
    }
}
