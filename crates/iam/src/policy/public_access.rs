//! Whether a resource's policy lets everyone in, found by analysis as AWS's Block Public Access
//! does.

use std::sync::Arc;

use super::document::{Document, Effect, Statement};

/// Condition keys whose values a caller cannot choose, in lower case. A statement for everyone is
/// not public when one of them limits it to fixed values.
const TRUSTED_KEYS: &[&str] = &[
    "aws:ec2instancesourcevpc",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
];

/// The trusted key that is a Boolean.
const IS_AWS_SERVICE: &str = "aws:principalisawsservice";

/// A statement that lets everyone in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicStatement {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<Arc<str>>,
}

/// The first statement of a resource's policy that is public.
///
/// A statement is public when it allows, its principal is a wildcard (`"*"`, `{"AWS": "*"}`, or
/// any `NotPrincipal`), and no condition on a trusted key limits it to fixed values. Limiting are
/// the positive `String…` and `Arn…` operators, plain or with `ForAnyValue:`, when all their values
/// are free of wildcards and policy variables, and `Bool` with `true` for
/// `aws:PrincipalIsAWSService`. Negated operators, `…IfExists`, `ForAllValues:` and `Null` hold for
/// requests that lack the key, and limit nothing. The keys and the rule about fixed values are
/// those of the Amazon S3 User Guide, "The meaning of public".
pub fn public_statement(document: &Document) -> Option<PublicStatement> {
    let public = |(_, statement): &(usize, &Statement)| is_public(statement);
    let (index, statement) = document.statements.iter().enumerate().find(public)?;
    Some(PublicStatement {
        index,
        sid: statement.sid.clone(),
    })
}

fn is_public(statement: &Statement) -> bool {
    let everyone = |principals: &super::principal::Principals| principals.is_wildcard();
    let limits = |condition: &super::condition::Condition| {
        let limited = condition.fixed_key();
        limited.is_some_and(|key| {
            if condition.is_bool() {
                key == IS_AWS_SERVICE
            } else {
                TRUSTED_KEYS.contains(&key)
            }
        })
    };
    statement.effect == Effect::Allow
        && statement.principals.as_ref().is_some_and(everyone)
        && !statement.conditions.iter().any(limits)
}
