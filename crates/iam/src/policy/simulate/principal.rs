//! The principal of a question, from its ARN.

use std::collections::BTreeMap;

use base::Arn;

use crate::policy::PrincipalPolicies;
use crate::{Inheritance, Principal, PrincipalKind};

/// Reads the ARN of a root user, user, role or session; `None` when it is something else. The
/// unique id of a root user is its account; that of others is not known.
pub(super) fn parse(text: &str, policies: PrincipalPolicies) -> Option<Principal> {
    let arn = Arn::parse(text).filter(|arn| arn.region.is_empty())?;
    let account = arn.account.parse().ok()?;
    let kind = kind(text, &arn)?;
    let user_id = match kind {
        PrincipalKind::Root => arn.account.to_owned(),
        PrincipalKind::User { .. } | PrincipalKind::AssumedRole { .. } => String::new(),
    };
    Some(Principal {
        account,
        arn: text.to_owned(),
        user_id,
        kind,
        tags: BTreeMap::new(),
        organization: None,
        inheritance: Inheritance::default(),
        policies,
    })
}

fn kind(text: &str, arn: &Arn<'_>) -> Option<PrincipalKind> {
    let (kind, path) = match arn.resource.split_once('/') {
        Some((kind, path)) => (kind, path),
        None => (arn.resource, ""),
    };
    let kind = match (arn.service, kind) {
        ("iam", "root") if path.is_empty() => PrincipalKind::Root,
        ("iam", "user") => PrincipalKind::User {
            name: path.rsplit('/').next()?.to_owned(),
        },
        ("iam", "role") => PrincipalKind::AssumedRole {
            role_arn: text.to_owned(),
            session_name: String::new(),
        },
        ("sts", "assumed-role") => {
            let (role, session) = path.split_once('/')?;
            let well_formed = !role.is_empty() && !session.is_empty() && !session.contains('/');
            well_formed.then(|| PrincipalKind::AssumedRole {
                role_arn: format!("arn:{}:iam::{}:role/{role}", arn.partition, arn.account),
                session_name: session.to_owned(),
            })?
        }
        _ => return None,
    };
    let nameless = path.is_empty() || path.ends_with('/');
    (kind == PrincipalKind::Root || !nameless).then_some(kind)
}
