//! Policies, static and template-linked.

pub(crate) mod keys;

use std::collections::HashMap;
use std::sync::Arc;

use base::Timestamp;
use cedar_policy::{EntityUid, SlotId};
use model::verified_permissions::types::{
    ActionIdentifier, EntityIdentifier, PolicyDefinitionDetail, PolicyDefinitionItem, PolicyEffect,
    PolicyType, StaticPolicyDefinitionDetail, StaticPolicyDefinitionItem,
    TemplateLinkedPolicyDefinitionDetail, TemplateLinkedPolicyDefinitionItem,
};
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, StoreError, WriteRecords, WriteTx};

use self::keys::Named;
use crate::cedar::snapshot::CompiledPolicy;
use crate::entity::{EntityRef, PolicyScope};
use crate::error::{Error, ResourceType};
use crate::name::{self, PolicyNameRecord};
use crate::policy_template::TemplateRecord;
use crate::quota::Quotas;
use crate::resource_bytes;

/// A policy: parent = the policy store, id = the policy's id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    #[serde(with = "resources::micros")]
    pub(crate) created: Timestamp,
    #[serde(with = "resources::micros")]
    pub(crate) updated: Timestamp,
    pub(crate) name: Option<String>,
    pub(crate) definition: Definition,
}

/// What a policy says.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Definition {
    Static {
        description: Option<String>,
        /// The text, byte for byte as it was given.
        statement: String,
        scope: PolicyScope,
    },
    Linked {
        template_id: String,
        /// What was given for the slots; nothing where the template has none.
        principal: Option<EntityRef>,
        resource: Option<EntityRef>,
    },
}

impl Record for PolicyRecord {
    const KIND: &'static str = "vp.policy";
    const VERSION: u32 = 1;
}

impl PolicyRecord {
    /// The policy as snapshots take it; its text was checked when it was written.
    pub(crate) fn compile(&self) -> Result<CompiledPolicy, Error> {
        match &self.definition {
            Definition::Static {
                statement, scope, ..
            } => Ok(CompiledPolicy::Static {
                statement: Arc::from(statement.as_str()),
                scope: scope.clone(),
            }),
            Definition::Linked {
                template_id,
                principal,
                resource,
            } => {
                let slots = (principal.as_ref(), resource.as_ref());
                let link = CompiledPolicy::linked(Arc::from(template_id.as_str()), slots);
                link.ok_or_else(|| {
                    let (kind, part) = (Self::KIND, "slots");
                    StoreError::Corrupt { kind, part }.into()
                })
            }
        }
    }

    pub(crate) fn policy_type(&self) -> PolicyType {
        match self.definition {
            Definition::Static { .. } => PolicyType::Static,
            Definition::Linked { .. } => PolicyType::TemplateLinked,
        }
    }

    /// The id of the template that this policy links.
    pub(crate) fn template_id(&self) -> Option<&str> {
        match &self.definition {
            Definition::Static { .. } => None,
            Definition::Linked { template_id, .. } => Some(template_id),
        }
    }

    /// The definition with the statement, as GetPolicy and BatchGetPolicy return it.
    pub(crate) fn to_detail(&self) -> PolicyDefinitionDetail {
        match &self.definition {
            Definition::Static {
                description,
                statement,
                ..
            } => PolicyDefinitionDetail::Static(StaticPolicyDefinitionDetail {
                description: description.clone(),
                statement: statement.clone(),
            }),
            Definition::Linked {
                template_id,
                principal,
                resource,
            } => PolicyDefinitionDetail::TemplateLinked(TemplateLinkedPolicyDefinitionDetail {
                policy_template_id: template_id.clone(),
                principal: principal.as_ref().map(EntityRef::to_identifier),
                resource: resource.as_ref().map(EntityRef::to_identifier),
            }),
        }
    }

    /// The definition without the statement, as ListPolicies returns it.
    pub(crate) fn to_item(&self) -> PolicyDefinitionItem {
        match &self.definition {
            Definition::Static { description, .. } => {
                let description = description.clone();
                PolicyDefinitionItem::Static(StaticPolicyDefinitionItem { description })
            }
            Definition::Linked {
                template_id,
                principal,
                resource,
            } => PolicyDefinitionItem::TemplateLinked(TemplateLinkedPolicyDefinitionItem {
                policy_template_id: template_id.clone(),
                principal: principal.as_ref().map(EntityRef::to_identifier),
                resource: resource.as_ref().map(EntityRef::to_identifier),
            }),
        }
    }

    /// The bytes that count against the quota per resource.
    pub(crate) fn bytes(&self) -> usize {
        let length = |entity: &Option<EntityRef>| entity.as_ref().map_or(0, |e| e.text().len());
        match &self.definition {
            Definition::Static { statement, .. } => statement.len(),
            Definition::Linked {
                principal,
                resource,
                ..
            } => length(principal) + length(resource),
        }
    }
}

/// The slots of a template filled; `None` when a type is no entity type name.
pub(crate) fn slots(
    principal: Option<&EntityRef>,
    resource: Option<&EntityRef>,
) -> Option<HashMap<SlotId, EntityUid>> {
    let mut slots = HashMap::new();
    for (slot, entity) in [
        (SlotId::principal(), principal),
        (SlotId::resource(), resource),
    ] {
        if let Some(entity) = entity {
            slots.insert(slot, entity.to_uid()?);
        }
    }
    Some(slots)
}

/// What a policy's scope says, for the outputs that show it.
pub(crate) struct Summary {
    pub(crate) effect: PolicyEffect,
    pub(crate) principal: Option<EntityIdentifier>,
    pub(crate) resource: Option<EntityIdentifier>,
    pub(crate) actions: Option<Vec<ActionIdentifier>>,
}

impl Summary {
    /// Of a static policy, or of a link with its template's scope and what fills the slots.
    pub(crate) fn new(
        scope: &PolicyScope,
        principal: Option<&EntityRef>,
        resource: Option<&EntityRef>,
    ) -> Self {
        Self {
            effect: scope.effect(),
            principal: scope
                .principal
                .entity(principal)
                .map(EntityRef::to_identifier),
            resource: scope
                .resource
                .entity(resource)
                .map(EntityRef::to_identifier),
            actions: scope.actions(),
        }
    }
}

/// Looks summaries up; remembers the templates' scopes, so that a list reads each once.
#[derive(Default)]
pub(crate) struct Summaries {
    templates: HashMap<String, PolicyScope>,
}

impl Summaries {
    pub(crate) fn of(
        &mut self,
        tx: &dyn ReadTx,
        policy_store_id: &str,
        record: &PolicyRecord,
    ) -> Result<Summary, Error> {
        let (template_id, principal, resource) = match &record.definition {
            Definition::Static { scope, .. } => return Ok(Summary::new(scope, None, None)),
            Definition::Linked {
                template_id,
                principal,
                resource,
            } => (template_id, principal.as_ref(), resource.as_ref()),
        };
        if let Some(scope) = self.templates.get(template_id) {
            return Ok(Summary::new(scope, principal, resource));
        }
        let template = tx
            .get_record::<TemplateRecord>(policy_store_id, template_id)?
            // INVARIANT: a template's links are deleted in its own transaction.
            .ok_or_else(|| StoreError::Corrupt {
                kind: PolicyRecord::KIND,
                part: "template",
            })?;
        let summary = Summary::new(&template.record.scope, principal, resource);
        self.templates
            .insert(template_id.clone(), template.record.scope);
        Ok(summary)
    }
}

/// A policy that a request names, found.
pub(crate) struct FoundPolicy {
    pub(crate) id: String,
    pub(crate) record: PolicyRecord,
}

/// The policy that `reference`, an id or a name, stands for.
pub(crate) fn resolve(
    tx: &dyn ReadTx,
    policy_store_id: &str,
    reference: &str,
) -> Result<FoundPolicy, Error> {
    let id = name::resolve::<PolicyNameRecord>(tx, policy_store_id, reference)?;
    match tx.get_record::<PolicyRecord>(policy_store_id, &id)? {
        Some(found) => Ok(FoundPolicy {
            id,
            record: found.record,
        }),
        None => Err(Error::NotFound(ResourceType::Policy, reference.to_owned())),
    }
}

/// Writes a new policy with what belongs to it: its name, its bytes and its keys.
pub(crate) fn insert(
    tx: &mut dyn WriteTx,
    quotas: &Quotas,
    policy_store_id: &str,
    id: &str,
    record: &PolicyRecord,
    named: Named<'_>,
) -> Result<(), Error> {
    if let Some(name) = &record.name {
        name::claim::<PolicyNameRecord>(tx, policy_store_id, name, id)?;
    }
    let bytes = record.bytes();
    resource_bytes::change(tx, quotas, policy_store_id, named.resource, 0, bytes)?;
    tx.insert_keyed_record(policy_store_id, id, record, &keys::of(record, named))?;
    Ok(())
}

/// Removes a policy with what belongs to it: its name, its bytes and its keys.
pub(crate) fn delete(
    tx: &mut dyn WriteTx,
    quotas: &Quotas,
    policy_store_id: &str,
    policy: &FoundPolicy,
) -> Result<(), Error> {
    let mut summaries = Summaries::default();
    delete_one_of(tx, quotas, policy_store_id, policy, &mut summaries)
}

/// [`delete`] for one of many.
pub(crate) fn delete_one_of(
    tx: &mut dyn WriteTx,
    quotas: &Quotas,
    policy_store_id: &str,
    policy: &FoundPolicy,
    summaries: &mut Summaries,
) -> Result<(), Error> {
    let FoundPolicy { id, record } = policy;
    let resource = summaries.of(tx, policy_store_id, record)?.resource;
    let resource = resource.map(EntityRef::from);
    resource_bytes::change(
        tx,
        quotas,
        policy_store_id,
        resource.as_ref(),
        record.bytes(),
        0,
    )?;
    name::release::<PolicyNameRecord>(tx, policy_store_id, record.name.as_deref())?;
    tx.delete_record::<PolicyRecord>(policy_store_id, id)?;
    Ok(())
}

/// Refuses a statement over the quota.
pub(crate) fn check_size(
    statement: &str,
    quotas: &Quotas,
    policy_store_id: &str,
) -> Result<(), Error> {
    let limit = quotas.policy_bytes;
    if statement.len() <= limit {
        return Ok(());
    }
    let text = format!("A policy can have at most {limit} bytes.");
    Err(Error::quota(
        text,
        ResourceType::Policy,
        policy_store_id.to_owned(),
    ))
}
