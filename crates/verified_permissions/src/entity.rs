//! Entity references and policy scopes as they are persisted.

use cedar_policy::{
    ActionConstraint, Effect, EntityId, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
    Template, TemplatePrincipalConstraint, TemplateResourceConstraint,
};
use cedar_policy_core::ast::EntityType;
use model::verified_permissions::types::{ActionIdentifier, EntityIdentifier, PolicyEffect};
use serde::{Deserialize, Serialize};
use wire::shape_check::Violation;

use crate::cedar::entity_types;
use crate::error::Error;

/// A reference to an entity, as in `Type::"id"`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntityRef {
    #[serde(rename = "type")]
    pub(crate) entity_type: String,
    pub(crate) id: String,
}

impl EntityRef {
    /// The Cedar value; `None` when the type is no Cedar entity type name.
    pub(crate) fn to_uid(&self) -> Option<EntityUid> {
        let entity_type = EntityType::clone(entity_types::parse(&self.entity_type).ok()?.as_ref());
        Some(EntityUid::from_type_name_and_id(
            entity_type.into(),
            EntityId::new(&self.id),
        ))
    }

    /// `Type::"id"`, the form whose bytes count against the quota per resource.
    pub(crate) fn text(&self) -> String {
        format!("{}::\"{}\"", self.entity_type, self.id)
    }

    pub(crate) fn to_identifier(&self) -> EntityIdentifier {
        EntityIdentifier {
            entity_type: self.entity_type.clone(),
            entity_id: self.id.clone(),
        }
    }

    pub(crate) fn to_action(&self) -> ActionIdentifier {
        ActionIdentifier {
            action_type: self.entity_type.clone(),
            action_id: self.id.clone(),
        }
    }
}

impl From<&EntityUid> for EntityRef {
    fn from(uid: &EntityUid) -> Self {
        Self {
            entity_type: uid.type_name().to_string(),
            id: uid.id().unescaped().to_owned(),
        }
    }
}

impl From<EntityIdentifier> for EntityRef {
    fn from(identifier: EntityIdentifier) -> Self {
        Self {
            entity_type: identifier.entity_type,
            id: identifier.entity_id,
        }
    }
}

/// The principal or resource part of a scope. In a template, an entity that is `None` is the slot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntityScope {
    Any,
    Eq(Option<EntityRef>),
    In(Option<EntityRef>),
    Is(String),
    IsIn(String, Option<EntityRef>),
}

impl EntityScope {
    /// The entity that the scope names: the fixed one, or `slot` where the template has its slot.
    pub(crate) fn entity<'a>(&'a self, slot: Option<&'a EntityRef>) -> Option<&'a EntityRef> {
        match self {
            Self::Any | Self::Is(_) => None,
            Self::Eq(entity) | Self::In(entity) | Self::IsIn(_, entity) => entity.as_ref().or(slot),
        }
    }

    /// The scope with `slot` where the template has its slot.
    fn filled(self, slot: Option<&EntityRef>) -> Self {
        match self {
            Self::Eq(None) => Self::Eq(slot.cloned()),
            Self::In(None) => Self::In(slot.cloned()),
            Self::IsIn(name, None) => Self::IsIn(name, slot.cloned()),
            Self::Any | Self::Is(_) | Self::Eq(_) | Self::In(_) | Self::IsIn(..) => self,
        }
    }

    pub(crate) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    pub(crate) fn has_slot(&self) -> bool {
        matches!(self, Self::Eq(None) | Self::In(None) | Self::IsIn(_, None))
    }
}

/// The action part of a scope.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionScope {
    Any,
    Of(Vec<EntityRef>),
}

/// What a policy's head says, kept beside its text so that lists and updates need no parser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyScope {
    pub(crate) forbids: bool,
    pub(crate) principal: EntityScope,
    pub(crate) action: ActionScope,
    pub(crate) resource: EntityScope,
}

impl PolicyScope {
    pub(crate) fn effect(&self) -> PolicyEffect {
        if self.forbids {
            PolicyEffect::Forbid
        } else {
            PolicyEffect::Permit
        }
    }

    /// The scope of a policy that fills a template's slots.
    pub(crate) fn filled(
        self,
        principal: Option<&EntityRef>,
        resource: Option<&EntityRef>,
    ) -> Self {
        Self {
            principal: self.principal.filled(principal),
            resource: self.resource.filled(resource),
            ..self
        }
    }

    /// Refuses an update that changes what an update may not change. Scopes are compared as they
    /// mean, not as they are written.
    pub(crate) fn check_update(&self, new: &Self, path: &str, noun: &str) -> Result<(), Error> {
        let changed = [
            ("effect", self.forbids != new.forbids),
            ("principal", self.principal != new.principal),
            ("resource", self.resource != new.resource),
        ];
        let violation = |part| Violation {
            path: path.to_owned(),
            message: format!("You can't change the {part} of an existing {noun}."),
        };
        let violations: Vec<Violation> = changed
            .iter()
            .filter(|(_, changed)| *changed)
            .map(|(part, _)| violation(part))
            .collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::fields(violations))
        }
    }

    /// The actions that the scope names; `None` when any action will do.
    pub(crate) fn actions(&self) -> Option<Vec<ActionIdentifier>> {
        match &self.action {
            ActionScope::Any => None,
            ActionScope::Of(actions) => Some(actions.iter().map(EntityRef::to_action).collect()),
        }
    }
}

impl From<&Policy> for PolicyScope {
    fn from(policy: &Policy) -> Self {
        let entity = |uid: &EntityUid| Some(EntityRef::from(uid));
        Self {
            forbids: policy.effect() == Effect::Forbid,
            principal: match policy.principal_constraint() {
                PrincipalConstraint::Any => EntityScope::Any,
                PrincipalConstraint::Eq(uid) => EntityScope::Eq(entity(&uid)),
                PrincipalConstraint::In(uid) => EntityScope::In(entity(&uid)),
                PrincipalConstraint::Is(name) => EntityScope::Is(name.to_string()),
                PrincipalConstraint::IsIn(name, uid) => {
                    EntityScope::IsIn(name.to_string(), entity(&uid))
                }
            },
            action: policy.action_constraint().into(),
            resource: match policy.resource_constraint() {
                ResourceConstraint::Any => EntityScope::Any,
                ResourceConstraint::Eq(uid) => EntityScope::Eq(entity(&uid)),
                ResourceConstraint::In(uid) => EntityScope::In(entity(&uid)),
                ResourceConstraint::Is(name) => EntityScope::Is(name.to_string()),
                ResourceConstraint::IsIn(name, uid) => {
                    EntityScope::IsIn(name.to_string(), entity(&uid))
                }
            },
        }
    }
}

impl From<&Template> for PolicyScope {
    fn from(template: &Template) -> Self {
        let entity = |uid: Option<EntityUid>| uid.as_ref().map(EntityRef::from);
        Self {
            forbids: template.effect() == Effect::Forbid,
            principal: match template.principal_constraint() {
                TemplatePrincipalConstraint::Any => EntityScope::Any,
                TemplatePrincipalConstraint::Eq(uid) => EntityScope::Eq(entity(uid)),
                TemplatePrincipalConstraint::In(uid) => EntityScope::In(entity(uid)),
                TemplatePrincipalConstraint::Is(name) => EntityScope::Is(name.to_string()),
                TemplatePrincipalConstraint::IsIn(name, uid) => {
                    EntityScope::IsIn(name.to_string(), entity(uid))
                }
            },
            action: template.action_constraint().into(),
            resource: match template.resource_constraint() {
                TemplateResourceConstraint::Any => EntityScope::Any,
                TemplateResourceConstraint::Eq(uid) => EntityScope::Eq(entity(uid)),
                TemplateResourceConstraint::In(uid) => EntityScope::In(entity(uid)),
                TemplateResourceConstraint::Is(name) => EntityScope::Is(name.to_string()),
                TemplateResourceConstraint::IsIn(name, uid) => {
                    EntityScope::IsIn(name.to_string(), entity(uid))
                }
            },
        }
    }
}

impl From<ActionConstraint> for ActionScope {
    fn from(constraint: ActionConstraint) -> Self {
        match constraint {
            ActionConstraint::Any => Self::Any,
            ActionConstraint::Eq(uid) => Self::Of(vec![EntityRef::from(&uid)]),
            ActionConstraint::In(uids) => Self::Of(uids.iter().map(EntityRef::from).collect()),
        }
    }
}
