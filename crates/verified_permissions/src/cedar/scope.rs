//! Scopes of policies, decided without Cedar's evaluator.
//!
//! Most policies are nothing but a scope, which is made of `==`, `in` and `is` over entities that
//! are there: the answer needs no expressions, and cannot fail. It is the evaluator's: `in` is
//! being that entity or having it as an ancestor, and what the request's entities do not describe
//! has no ancestors.

use cedar_policy_core::ast::{
    ActionConstraint, EntityReference, EntityType, EntityUID,
    PrincipalOrResourceConstraint as Constraint, Template,
};
use cedar_policy_core::entities::{Dereference, Entities};

use crate::cedar::asked::Asked;
use crate::cedar::compiled_policy::SlotValue;

/// The scope of a static policy, or of all links of a template.
pub(in crate::cedar) struct Scope {
    principal: Constraint,
    action: ActionConstraint,
    resource: Constraint,
}

/// What fills the slots of a scope.
#[derive(Clone, Copy, Default)]
pub(in crate::cedar) struct Slots<'a> {
    pub(in crate::cedar) principal: Option<&'a SlotValue>,
    pub(in crate::cedar) resource: Option<&'a SlotValue>,
}

impl Scope {
    pub(in crate::cedar) fn new(template: &Template) -> Self {
        Self {
            principal: template.principal_constraint().as_inner().clone(),
            action: template.action_constraint().clone(),
            resource: template.resource_constraint().as_inner().clone(),
        }
    }

    /// About how many nodes of Cedar's syntax tree it is as large as.
    pub(in crate::cedar) fn nodes(&self) -> usize {
        let actions = match &self.action {
            ActionConstraint::Any => 0,
            ActionConstraint::Eq(_) => 1,
            ActionConstraint::In(actions) => actions.len(),
        };
        actions.saturating_add(10)
    }

    /// Whether it matches.
    pub(in crate::cedar) fn matches(
        &self,
        slots: Slots<'_>,
        asked: &Asked<'_>,
        entities: &Entities,
    ) -> bool {
        let (principal, resource) = (&asked.principal.uid, &asked.resource.uid);
        let is_met = |constraint, uid, slot| {
            let side = Side {
                uid,
                slot,
                entities,
            };
            side.meets(constraint)
        };
        is_met(&self.principal, principal, slots.principal)
            && self.acts(&asked.action.uid, entities)
            && is_met(&self.resource, resource, slots.resource)
    }

    fn acts(&self, action: &EntityUID, entities: &Entities) -> bool {
        match &self.action {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(one) => *action == **one,
            ActionConstraint::In(all) => all.iter().any(|one| is_in(action, one, entities)),
        }
    }
}

/// The principal or the resource of a question, and what fills the policy's slot for it.
struct Side<'a> {
    uid: &'a EntityUID,
    slot: Option<&'a SlotValue>,
    entities: &'a Entities,
}

impl Side<'_> {
    fn meets(&self, constraint: &Constraint) -> bool {
        match constraint {
            Constraint::Any => true,
            Constraint::Eq(to) => self.equals(to),
            Constraint::In(to) => self.is_in(to),
            Constraint::Is(kind) => self.is(kind),
            Constraint::IsIn(kind, to) => self.is(kind) && self.is_in(to),
        }
    }

    fn is(&self, kind: &EntityType) -> bool {
        self.uid.entity_type() == kind
    }

    fn equals(&self, to: &EntityReference) -> bool {
        match to {
            EntityReference::EUID(uid) => *self.uid == **uid,
            EntityReference::Slot(_) => self.slot.is_some_and(|value| value.is(self.uid)),
        }
    }

    fn is_in(&self, to: &EntityReference) -> bool {
        self.equals(to)
            || match to {
                EntityReference::EUID(uid) => is_in(self.uid, uid, self.entities),
                EntityReference::Slot(_) => self
                    .slot
                    .is_some_and(|value| is_in(self.uid, &value.to_uid(), self.entities)),
            }
    }
}

fn is_in(uid: &EntityUID, ancestor: &EntityUID, entities: &Entities) -> bool {
    uid == ancestor
        || match entities.entity(uid) {
            Dereference::Data(entity) => entity.is_descendant_of(ancestor),
            Dereference::NoSuchEntity | Dereference::Residual(_) => false,
        }
}
