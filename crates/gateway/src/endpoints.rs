//! The names of clusters: `<id>.dsql.<region>.<suffix>`, and through AWS PrivateLink
//! `<id>.dsql-<group>.<region>.<suffix>`.

use base::Region;

/// The names that end with one suffix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Endpoints {
    suffix: String,
}

/// A name, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Endpoint {
    /// The identifier of the cluster: 26 characters `a-z0-9`.
    pub(crate) cluster: String,
    /// The Region.
    pub(crate) region: Region,
    /// `dsql`, or `dsql-<group>`.
    pub(crate) service: String,
}

impl Endpoints {
    /// The names that end with `.<suffix>`; case does not matter.
    pub(crate) fn new(suffix: &str) -> Self {
        Self {
            suffix: suffix.to_ascii_lowercase(),
        }
    }

    /// Takes a host name apart; `None` when it names no cluster.
    pub(crate) fn parse(&self, name: &str) -> Option<Endpoint> {
        // A name of the DNS has at most 253 characters.
        let name = name.get(..254).map_or(name, |_| "").to_ascii_lowercase();
        let rest = name.strip_suffix(&self.suffix)?.strip_suffix('.')?;
        let mut labels = rest.split('.');
        let (cluster, service, region) = (labels.next()?, labels.next()?, labels.next()?);
        let known = labels.next().is_none() && is_cluster_id(cluster) && is_service(service);
        let region = region
            .parse()
            .ok()
            .filter(|_| !region.starts_with('-') && !region.ends_with('-'))?;
        known.then(|| Endpoint {
            cluster: cluster.to_owned(),
            region,
            service: service.to_owned(),
        })
    }

    /// The name that a certificate for all clusters of a Region has.
    pub(crate) fn pattern(&self, service: &str, region: &Region) -> String {
        format!("*.{service}.{region}.{}", self.suffix)
    }

    /// How the name of a cluster looks, for hints.
    pub(crate) fn example(&self) -> String {
        format!("<cluster identifier>.dsql.<Region>.{}", self.suffix)
    }
}

/// Whether the text can be the identifier of a cluster. Source: `ClusterId` in the service's model.
pub(crate) fn is_cluster_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_service(label: &str) -> bool {
    let Some(rest) = label.strip_prefix("dsql") else {
        return false;
    };
    let group = rest.strip_prefix('-').unwrap_or("");
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    rest.is_empty() || (1..=16).contains(&group.len()) && group.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_cluster_a_service_and_a_region() {
        let endpoints = Endpoints::new("On.AWS");
        for (name, found) in [
            (
                "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws",
                Some("dsql us-east-1"),
            ),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ.DSQL.US-EAST-1.ON.AWS",
                Some("dsql us-east-1"),
            ),
            (
                "abcdefghijklmnopqrstuvwxyz.dsql-fnh4.eu-west-1.on.aws",
                Some("dsql-fnh4 eu-west-1"),
            ),
            ("", None),
            (".on.aws", None),
            ("localhost", None),
            ("127.0.0.1", None),
            (
                "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws.example",
                None,
            ),
            (
                "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws:5432",
                None,
            ),
            ("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws.", None),
            ("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.xon.aws", None),
            ("x.abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws", None),
            ("abcdefghijklmnopqrstuvwxy.dsql.us-east-1.on.aws", None),
            ("abcdefghijklmnopqrstuvwxy_.dsql.us-east-1.on.aws", None),
            ("abcdefghijklmnopqrstuvwxyz.dsql-.us-east-1.on.aws", None),
            ("abcdefghijklmnopqrstuvwxyz.dsqlx.us-east-1.on.aws", None),
            ("abcdefghijklmnopqrstuvwxyz.rds.us-east-1.on.aws", None),
            (
                "abcdefghijklmnopqrstuvwxyz.dsql-12345678901234567.us-east-1.on.aws",
                None,
            ),
            ("abcdefghijklmnopqrstuvwxyz.dsql.-us.on.aws", None),
            ("abcdefghijklmnopqrstuvwxyz.dsql.us-.on.aws", None),
            ("abcdefghijklmnopqrstuvwxyz.dsql..on.aws", None),
            ("abcdefghijklmnopqrstuvwxyz.dsql.us/east.on.aws", None),
            (
                "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.\u{e9}on.aws",
                None,
            ),
        ] {
            let parsed = endpoints.parse(name);
            let text = parsed
                .as_ref()
                .map(|endpoint| format!("{} {}", endpoint.service, endpoint.region));
            assert_eq!(text.as_deref(), found, "{name}");
            if let Some(endpoint) = parsed {
                assert_eq!(endpoint.cluster, "abcdefghijklmnopqrstuvwxyz");
            }
        }
        assert_eq!(endpoints.parse(&"a.".repeat(10_000)), None);
    }
}
