//! The ARNs of clusters and streams.

use std::fmt;

use base::Arn;
use frontdoor::Scope;

/// What an ARN of the service names: a cluster, or a stream of it. It prints as the ARN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ResourceArn {
    /// Where it is.
    pub(crate) scope: Scope,
    /// The cluster's id.
    pub(crate) cluster: String,
    /// The stream's id.
    pub(crate) stream: Option<String>,
}

impl ResourceArn {
    /// The ARN of a cluster.
    pub(crate) fn cluster(scope: &Scope, cluster: &str) -> Self {
        Self {
            scope: scope.clone(),
            cluster: cluster.to_owned(),
            stream: None,
        }
    }

    /// The ARN of a stream.
    pub(crate) fn stream(scope: &Scope, cluster: &str, stream: &str) -> Self {
        Self {
            stream: Some(stream.to_owned()),
            ..Self::cluster(scope, cluster)
        }
    }

    /// Reads an ARN; `None` when it is not one of a cluster or stream.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        let rest = arn.resource.strip_prefix("cluster/")?;
        let (cluster, stream) = match rest.split_once("/stream/") {
            None => (rest, None),
            Some((cluster, stream)) => (cluster, Some(stream)),
        };
        let scope = Scope {
            region: arn.region.parse().ok()?,
            account: arn.account.parse().ok()?,
        };
        let ours = arn.service == "dsql" && arn.partition == scope.region.partition();
        if !ours || !is_id(cluster) || !stream.is_none_or(is_id) {
            return None;
        }
        Some(Self {
            scope,
            cluster: cluster.to_owned(),
            stream: stream.map(str::to_owned),
        })
    }
}

impl fmt::Display for ResourceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scope,
            cluster,
            stream,
        } = self;
        let (partition, region, account) =
            (scope.region.partition(), &scope.region, &scope.account);
        write!(
            f,
            "arn:{partition}:dsql:{region}:{account}:cluster/{cluster}"
        )?;
        match stream {
            Some(stream) => write!(f, "/stream/{stream}"),
            None => Ok(()),
        }
    }
}

/// What requests that make a cluster are decided on: `cluster/*`, since it has no id yet.
pub(crate) fn new_cluster(scope: &Scope) -> String {
    ResourceArn::cluster(scope, "*").to_string()
}

fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "abcdefghijklmnopqrstuvwxyz";

    #[test]
    fn arns_of_clusters_and_streams_survive_their_text() {
        for text in [
            format!("arn:aws:dsql:us-east-1:111122223333:cluster/{ID}"),
            format!("arn:aws-cn:dsql:cn-north-1:111122223333:cluster/{ID}"),
            format!("arn:aws:dsql:home:111122223333:cluster/{ID}/stream/{ID}"),
        ] {
            assert_eq!(ResourceArn::parse(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_no_such_arn() {
        for text in [
            "",
            ID,
            &format!("arn:aws:rds:us-east-1:111122223333:cluster/{ID}"),
            &format!("arn:aws:dsql:us-east-1:111122223333:stream/{ID}"),
            &format!("arn:aws:dsql:us-east-1:111122223333:cluster:{ID}"),
            &format!("arn:aws:dsql:us-east-1:111122223333:cluster/{ID}a"),
            &format!(
                "arn:aws:dsql:us-east-1:111122223333:cluster/{}",
                ID.to_uppercase()
            ),
            &format!("arn:aws:dsql:us-east-1:111122223333:cluster/{ID}/stream/"),
            &format!("arn:aws:dsql:us-east-1:111122223333:cluster/{ID}/stream/{ID}/x"),
            &format!("arn:aws:dsql:us-east-1:1111:cluster/{ID}"),
            &format!("arn:aws:dsql::111122223333:cluster/{ID}"),
            &format!("arn:aws-cn:dsql:us-east-1:111122223333:cluster/{ID}"),
        ] {
            assert_eq!(ResourceArn::parse(text), None, "{text}");
        }
    }
}
