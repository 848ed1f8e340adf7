//! Names of customers' KMS keys. There is no AWS KMS behind them.

use base::{AccountId, Arn, Region};

/// The ARN of `key`, which is an ARN already, a key id, or an alias (`alias/…`). Ids and aliases
/// are taken to be of this account and Region.
pub fn key_arn(key: &str, region: &Region, account: &AccountId) -> String {
    if Arn::parse(key).is_some() {
        return key.to_owned();
    }
    let prefix = if key.starts_with("alias/") {
        ""
    } else {
        "key/"
    };
    let arn = Arn {
        partition: region.partition(),
        service: "kms",
        region: region.as_str(),
        account: account.as_str(),
        resource: &format!("{prefix}{key}"),
    };
    arn.to_string()
}
