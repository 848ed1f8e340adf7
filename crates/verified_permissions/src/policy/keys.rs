//! The keys by which policies are listed, so that a list costs what it shows and not what the
//! policy store holds.
//!
//! Each policy has a key for the principal and for the resource that its scope names, one for its
//! template, and one for its shape: whether it is a link, and which of the two it names. Nothing of
//! that changes in a policy's life, but by an import.

use model::verified_permissions::types::{EntityReference, PolicyFilter, PolicyType};
use serde::{Deserialize, Serialize};
use store::{ListKey, Position, ReadRecords, ReadTx, Record, Store, Stored, WriteRecords, WriteTx};

use super::{PolicyRecord, Summaries};
use crate::entity::{EntityRef, PolicyScope};
use crate::error::Error;

/// The entities that a policy's scope names.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) principal: Option<&'a EntityRef>,
    pub(crate) resource: Option<&'a EntityRef>,
}

impl<'a> Named<'a> {
    /// Those of a scope without open slots.
    pub(crate) fn of(scope: &'a PolicyScope) -> Self {
        Self {
            principal: scope.principal.entity(None),
            resource: scope.resource.entity(None),
        }
    }
}

/// The keys of a policy whose scope, with its template's slots filled, names these entities.
pub(crate) fn of(record: &PolicyRecord, named: Named<'_>) -> Vec<ListKey> {
    let Named {
        principal,
        resource,
    } = named;
    let entity = |part, entity: &EntityRef| entity_key(part, &entity.entity_type, &entity.id);
    let shape = Shape {
        linked: record.template_id().is_some(),
        principal: principal.is_some(),
        resource: resource.is_some(),
    };
    [
        principal.map(|principal| entity("principal", principal)),
        resource.map(|resource| entity("resource", resource)),
        record.template_id().map(template_key),
        Some(shape.key()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The key of the links of a template.
pub(crate) fn template_key(id: &str) -> ListKey {
    ListKey::of(&[PolicyRecord::KIND, "template", id])
}

fn entity_key(part: &str, entity_type: &str, id: &str) -> ListKey {
    ListKey::of(&[PolicyRecord::KIND, part, entity_type, id])
}

/// What the filter members that name nothing tell policies apart by.
#[derive(Clone, Copy)]
struct Shape {
    linked: bool,
    principal: bool,
    resource: bool,
}

impl Shape {
    fn all() -> impl Iterator<Item = Self> {
        (0_u8..8).map(|bits| Self {
            linked: bits & 1 != 0,
            principal: bits & 2 != 0,
            resource: bits & 4 != 0,
        })
    }

    fn key(self) -> ListKey {
        let digit = |set| if set { "1" } else { "0" };
        ListKey::of(&[
            PolicyRecord::KIND,
            "shape",
            digit(self.linked),
            digit(self.principal),
            digit(self.resource),
        ])
    }
}

/// The groups of keys that a policy must have one of each to pass the filter, whose template is an
/// id; `None` when no policy can.
pub(crate) fn groups(filter: &PolicyFilter) -> Option<Vec<Vec<ListKey>>> {
    let linked = filter.policy_type.map(|kind| match kind {
        PolicyType::Static => false,
        PolicyType::TemplateLinked => true,
    });
    let mut groups = Vec::new();
    if let Some(template) = &filter.policy_template_id {
        if linked == Some(false) {
            return None;
        }
        groups.push(vec![template_key(template)]);
    }
    let mut specified = |part, reference: &Option<EntityReference>| match reference {
        None => (None, false),
        Some(EntityReference::Unspecified(unspecified)) => (Some(!unspecified), true),
        Some(EntityReference::Identifier(wanted)) => {
            groups.push(vec![entity_key(
                part,
                &wanted.entity_type,
                &wanted.entity_id,
            )]);
            (Some(true), false)
        }
    };
    let (principal, by_principal) = specified("principal", &filter.principal);
    let (resource, by_resource) = specified("resource", &filter.resource);
    let by_type = linked.is_some() && filter.policy_template_id.is_none();
    if by_principal || by_resource || by_type {
        let fits = |wanted: Option<bool>, is| wanted.is_none_or(|wanted| wanted == is);
        let shapes = Shape::all().filter(|shape| {
            fits(linked, shape.linked)
                && fits(principal, shape.principal)
                && fits(resource, shape.resource)
        });
        groups.push(shapes.map(Shape::key).collect());
    }
    Some(groups)
}

/// How far the policies of a policy store that an older release has written were given their
/// keys: parent = the policy store, id = the empty text.
#[derive(Serialize, Deserialize)]
struct PolicyKeysRecord {
    /// The position of the last that has them, of those that were there before; `None` once all
    /// have.
    until: Option<String>,
}

impl Record for PolicyKeysRecord {
    const KIND: &'static str = "vp.policy_keys";
    const VERSION: u32 = 1;
}

/// Policies that are given their keys in one transaction, which holds other writes up.
const AT_ONCE: usize = 500;

/// Notes that all policies of a policy store have their keys, as they have in a new one.
pub(crate) fn set_complete(tx: &mut dyn WriteTx, policy_store_id: &str) -> Result<(), Error> {
    tx.put_record(policy_store_id, "", &PolicyKeysRecord { until: None })?;
    Ok(())
}

/// Whether all policies of a policy store have their keys.
pub(crate) fn are_complete(tx: &dyn ReadTx, policy_store_id: &str) -> Result<bool, Error> {
    let found = tx.get_record::<PolicyKeysRecord>(policy_store_id, "")?;
    Ok(found.is_some_and(|found| found.record.until.is_none()))
}

/// Gives all policies of a policy store their keys, if they lack them, between other writes.
pub(crate) async fn complete(store: &Store, policy_store_id: &str) -> Result<(), Error> {
    loop {
        let id = policy_store_id.to_owned();
        if store.write(move |tx| advance(tx, &id, AT_ONCE)).await? {
            return Ok(());
        }
    }
}

/// [`complete`] within a transaction.
pub(crate) fn complete_here(tx: &mut dyn WriteTx, policy_store_id: &str) -> Result<(), Error> {
    while !advance(tx, policy_store_id, AT_ONCE)? {}
    Ok(())
}

/// Gives the next policies their keys; whether all have them.
fn advance(tx: &mut dyn WriteTx, policy_store_id: &str, count: usize) -> Result<bool, Error> {
    let found = tx.get_record::<PolicyKeysRecord>(policy_store_id, "")?;
    let after: Option<Position> = match found.map(|found| found.record.until) {
        None => None,
        Some(None) => return Ok(true),
        // A text that is no position is as good as none: keys may be given twice.
        Some(Some(until)) => until.parse().ok(),
    };
    let policies = tx.list_records::<PolicyRecord>(policy_store_id, after.as_ref(), count)?;
    let last = policies.last().map(Stored::position);
    let mut summaries = Summaries::default();
    for Stored { id, record, .. } in policies {
        let summary = summaries.of(tx, policy_store_id, &record)?;
        let principal = summary.principal.map(EntityRef::from);
        let resource = summary.resource.map(EntityRef::from);
        let named = Named {
            principal: principal.as_ref(),
            resource: resource.as_ref(),
        };
        tx.put_keyed_record(policy_store_id, &id, &record, &of(&record, named))?;
    }
    let until = last.map(|position| position.to_string());
    let complete = until.is_none();
    tx.put_record(policy_store_id, "", &PolicyKeysRecord { until })?;
    Ok(complete)
}
