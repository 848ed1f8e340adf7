//! The keys that clusters are encrypted with. Nothing is encrypted; they are kept and reported.

use base::Arn;
use frontdoor::Scope;
use model::dsql::types::{EncryptionDetails, EncryptionType};
use resources::kms;

use crate::cluster::ClusterRecord;
use crate::error::Error;
use crate::lifecycle::Lifecycle;

/// The word that stands for the service's own key.
const AWS_OWNED: &str = "AWS_OWNED_KMS_KEY";

/// The key that `kmsEncryptionKey` names, as an ARN; `None` for the service's own.
pub(crate) fn key(name: &str, scope: &Scope) -> Result<Option<String>, Error> {
    if name == AWS_OWNED {
        return Ok(None);
    }
    let arn = kms::key_arn(name, &scope.region, &scope.account);
    let in_region = |arn: Arn<'_>| arn.service == "kms" && arn.region == scope.region.as_str();
    if Arn::parse(&arn).is_some_and(in_region) {
        Ok(Some(arn))
    } else {
        let text = "The key must be an AWS KMS key of the cluster's Region.";
        Err(Error::field("kmsEncryptionKey", text))
    }
}

/// `encryptionDetails`
pub(crate) fn details(record: &ClusterRecord, at: Lifecycle<'_>) -> EncryptionDetails {
    EncryptionDetails {
        encryption_type: match record.kms_key_arn {
            Some(_) => EncryptionType::CustomerManagedKmsKey,
            None => EncryptionType::AwsOwnedKmsKey,
        },
        kms_key_arn: record.kms_key_arn.clone(),
        encryption_status: at.encryption(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_arn_id_or_alias() {
        let scope = Scope {
            region: "us-east-1".parse().unwrap(),
            account: "111122223333".parse().unwrap(),
        };
        let of = |resource: &str| format!("arn:aws:kms:us-east-1:111122223333:{resource}");
        for (name, found) in [
            ("AWS_OWNED_KMS_KEY", Ok(None)),
            ("1234abcd-12ab", Ok(Some(of("key/1234abcd-12ab")))),
            ("alias/mine", Ok(Some(of("alias/mine")))),
            (&of("key/1"), Ok(Some(of("key/1")))),
            (
                "arn:aws:kms:us-east-1:444455556666:key/1",
                Ok(Some("arn:aws:kms:us-east-1:444455556666:key/1".to_owned())),
            ),
            ("arn:aws:kms:us-east-2:111122223333:key/1", Err(())),
            ("arn:aws:iam:us-east-1:111122223333:key/1", Err(())),
        ] {
            assert_eq!(key(name, &scope).map_err(|_| ()), found, "{name}");
        }
    }
}
