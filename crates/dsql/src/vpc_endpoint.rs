//! Names for connections through AWS PrivateLink. There is no PrivateLink behind them.

use frontdoor::Scope;
use sha2::{Digest, Sha256};

/// `dsql-` and six hexadecimal digits: the same for all clusters of an account in a Region.
fn group(scope: &Scope) -> String {
    let digest = Sha256::digest(format!("{}/{}", scope.account, scope.region));
    let digits: String = digest
        .iter()
        .take(3)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("dsql-{digits}")
}

/// The name of the endpoint service.
pub(crate) fn service_name(scope: &Scope) -> String {
    format!("com.amazonaws.{}.{}", scope.region, group(scope))
}

/// The host name of a cluster within the VPC.
pub(crate) fn host_name(scope: &Scope, id: &str, suffix: &str) -> String {
    format!("{id}.{}.{}.{suffix}", group(scope), scope.region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clusters_of_an_account_in_a_region_share_a_service() {
        let scope = |region: &str, account: &str| Scope {
            region: region.parse().unwrap(),
            account: account.parse().unwrap(),
        };
        let one = scope("us-east-1", "111122223333");
        let name = service_name(&one);
        let digits = name.strip_prefix("com.amazonaws.us-east-1.dsql-").unwrap();
        assert_eq!(digits.len(), 6, "{name}");
        assert!(digits.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        assert_eq!(name, service_name(&one));
        assert_ne!(digits, group(&scope("us-east-2", "111122223333")));
        assert_ne!(name, service_name(&scope("us-east-1", "444455556666")));
        let host = host_name(&one, "abc", "on.aws");
        assert_eq!(host, format!("abc.dsql-{digits}.us-east-1.on.aws"));
    }
}
