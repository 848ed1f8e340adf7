//! Decisions: Cedar's evaluator over the slice of a snapshot, and the authorizer's rules.

use cedar_policy::{AuthorizationError, Entities};
use cedar_policy_core::ast::{Effect, Literal, SlotEnv, Value, ValueKind};
use cedar_policy_core::authorizer;
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use model::verified_permissions::types;
use store::StoreError;

use crate::cedar::asked::Asked;
use crate::cedar::slice::index::Item;
use crate::cedar::snapshot::{Candidate, Slice, Snapshot};

/// A decision as the wire shows it.
pub(crate) struct Decided {
    pub(crate) decision: types::Decision,
    pub(crate) determining_policies: Vec<types::DeterminingPolicyItem>,
    pub(crate) errors: Vec<types::EvaluationErrorItem>,
}

/// Decides what is asked over the slice that `snapshot` gave for it.
///
/// As Cedar's authorizer does: a policy whose evaluation fails is skipped and reported in
/// `errors`; one `forbid` that is satisfied denies, else one `permit` allows, and those of the
/// effect that decided are the determining policies. Both lists are sorted, so that equal
/// questions have equal answers.
///
/// # Errors
/// [`StoreError::Corrupt`] when the text of a candidate is no policy.
pub(crate) fn decide(
    snapshot: &Snapshot,
    Slice(candidates): &Slice,
    asked: &Asked<'_>,
    entities: &Entities,
) -> Result<Decided, StoreError> {
    if candidates.is_empty() {
        return Ok(Decided {
            decision: types::Decision::Deny,
            determining_policies: Vec::new(),
            errors: Vec::new(),
        });
    }
    let entities = entities.as_ref();
    let mut evaluator = None;
    let (mut permits, mut forbids, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for Candidate { policy, body } in candidates {
        let compiled;
        let body = match body {
            Some(body) => body,
            None => {
                compiled = snapshot.body(policy)?;
                &compiled
            }
        };
        if !body.scope.matches(policy.slots(), asked, entities) {
            continue;
        }
        let satisfied = match &body.condition {
            None => Ok(true),
            Some(condition) => {
                let evaluator = evaluator.get_or_insert_with(|| {
                    Evaluator::new(asked.to_request(), entities, Extensions::all_available())
                });
                let value = evaluator.interpret(condition, &SlotEnv::new());
                value.map(|value| is_true(&value))
            }
        };
        match satisfied {
            Ok(false) => {}
            Ok(true) => match body.effect {
                Effect::Permit => permits.push(policy.id().to_owned()),
                Effect::Forbid => forbids.push(policy.id().to_owned()),
            },
            Err(error) => {
                let id = policy.id.clone();
                let error = authorizer::AuthorizationError::PolicyEvaluationError { id, error };
                errors.push(AuthorizationError::from(error).to_string());
            }
        }
    }
    let (decision, mut determining) = match (permits, forbids) {
        (permits, forbids) if forbids.is_empty() && !permits.is_empty() => {
            (types::Decision::Allow, permits)
        }
        (_, forbids) => (types::Decision::Deny, forbids),
    };
    determining.sort_unstable();
    errors.sort_unstable();
    let item = |policy_id| types::DeterminingPolicyItem { policy_id };
    let error = |error_description| types::EvaluationErrorItem { error_description };
    Ok(Decided {
        decision,
        determining_policies: determining.into_iter().map(item).collect(),
        errors: errors.into_iter().map(error).collect(),
    })
}

/// INVARIANT: a condition is a conjunction, whose value is a Boolean or an error.
fn is_true(value: &Value) -> bool {
    matches!(value.value, ValueKind::Lit(Literal::Bool(true)))
}
