//! Decisions: Cedar's authorizer over a snapshot's policies.

use cedar_policy::{Authorizer, Decision, Entities, PolicySet, Request};
use model::verified_permissions::types;

/// A decision as the wire shows it.
pub(crate) struct Decided {
    pub(crate) decision: types::Decision,
    pub(crate) determining_policies: Vec<types::DeterminingPolicyItem>,
    pub(crate) errors: Vec<types::EvaluationErrorItem>,
}

/// Decides `request` over `policies`. Cannot fail: a policy whose evaluation fails is skipped and
/// reported in `errors`. Both lists are sorted, so that equal questions have equal answers.
pub(crate) fn decide(policies: &PolicySet, request: &Request, entities: &Entities) -> Decided {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let mut ids: Vec<String> = response
        .diagnostics()
        .reason()
        .map(|id| AsRef::<str>::as_ref(id).to_owned())
        .collect();
    ids.sort_unstable();
    let mut errors: Vec<String> = response
        .diagnostics()
        .errors()
        .map(ToString::to_string)
        .collect();
    errors.sort_unstable();
    Decided {
        decision: match response.decision() {
            Decision::Allow => types::Decision::Allow,
            Decision::Deny => types::Decision::Deny,
        },
        determining_policies: ids
            .into_iter()
            .map(|policy_id| types::DeterminingPolicyItem { policy_id })
            .collect(),
        errors: errors
            .into_iter()
            .map(|error_description| types::EvaluationErrorItem { error_description })
            .collect(),
    }
}
