//! The AWS managed policies that Treeline knows without a document in the account file: those of
//! the two services, and those that administrators usually have.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::policy::{Document, DocumentKind};

/// Names and texts, as the AWS Managed Policy Reference Guide prints them (May 2026).
const POLICIES: &[(&str, &str)] = &[
    (
        "AdministratorAccess",
        include_str!("AdministratorAccess.json"),
    ),
    (
        "AmazonAuroraDSQLConsoleFullAccess",
        include_str!("AmazonAuroraDSQLConsoleFullAccess.json"),
    ),
    (
        "AmazonAuroraDSQLFullAccess",
        include_str!("AmazonAuroraDSQLFullAccess.json"),
    ),
    (
        "AmazonAuroraDSQLReadOnlyAccess",
        include_str!("AmazonAuroraDSQLReadOnlyAccess.json"),
    ),
    (
        "AmazonVerifiedPermissionsFullAccess",
        include_str!("AmazonVerifiedPermissionsFullAccess.json"),
    ),
    (
        "AmazonVerifiedPermissionsReadOnlyAccess",
        include_str!("AmazonVerifiedPermissionsReadOnlyAccess.json"),
    ),
    ("PowerUserAccess", include_str!("PowerUserAccess.json")),
];

const PARTITIONS: &[&str] = &["aws", "aws-cn", "aws-us-gov"];

/// By ARN.
static COMPILED: LazyLock<HashMap<String, Arc<Document>>> = LazyLock::new(|| {
    let all = POLICIES.iter().flat_map(|(name, text)| {
        PARTITIONS.iter().filter_map(move |partition| {
            // Each partition has its own copy, with its own ARNs.
            let text = text.replace("arn:aws:", &format!("arn:{partition}:"));
            let document = Document::parse(DocumentKind::Identity, &text).ok()?;
            let arn = format!("arn:{partition}:iam::aws:policy/{name}");
            Some((arn, Arc::new(document)))
        })
    });
    all.collect()
});

/// The built-in AWS managed policy of an ARN, for instance
/// `arn:aws:iam::aws:policy/AmazonAuroraDSQLFullAccess`, in the partitions `aws`, `aws-cn` and
/// `aws-us-gov`. It is compiled once and shared.
pub fn document(arn: &str) -> Option<Arc<Document>> {
    COMPILED.get(arn).map(Arc::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_compiles_in_every_partition() {
        assert_eq!(COMPILED.len(), POLICIES.len() * PARTITIONS.len());
        for (name, _) in POLICIES {
            for partition in PARTITIONS {
                let arn = format!("arn:{partition}:iam::aws:policy/{name}");
                let (one, two) = (document(&arn).unwrap(), document(&arn).unwrap());
                assert!(Arc::ptr_eq(&one, &two), "{arn}");
            }
        }
    }

    #[test]
    fn other_arns_are_not_built_in() {
        for arn in [
            "",
            "AdministratorAccess",
            "arn:aws:iam::aws:policy/administratoraccess",
            "arn:aws:iam::aws:policy/job-function/AdministratorAccess",
            "arn:aws:iam::111122223333:policy/AdministratorAccess",
            "arn:aws-iso:iam::aws:policy/AdministratorAccess",
        ] {
            assert!(document(arn).is_none(), "{arn}");
        }
    }
}
