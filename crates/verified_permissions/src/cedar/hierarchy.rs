//! The entities of a request, closed over their parents.
//!
//! Cedar can do this itself, at a cost that most requests need not bear: their entities have no
//! parents, or none that are described any further.

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy_core::ast::{Entity, EntityUID};
use cedar_policy_core::entities::{
    Dereference, Entities as Hierarchy, NoEntitiesSchema, TCComputation,
};
use cedar_policy_core::extensions::Extensions;

use crate::cedar::ancestors;
use crate::error::causes;
use crate::quota::TRANSITIVE_PARENTS;

/// The entities that a request gives, by their uids.
pub(crate) type Given = HashMap<EntityUID, Arc<Entity>>;

/// What the given entities lack to be closed.
pub(crate) enum Closure {
    /// These ancestors.
    Lacks(Vec<(EntityUID, Vec<EntityUID>)>),
    /// Nothing makes it closed: an entity is its own ancestor.
    Cycle,
}

/// What `given` lacks to be closed. `actions` are closed, and go on where `given` ends.
///
/// # Errors
/// An entity that has more transitive parents than the quota allows.
pub(crate) fn closure<'a>(
    given: &'a Given,
    actions: Option<&'a Hierarchy>,
) -> Result<Closure, &'a EntityUID> {
    let described = |uid: &EntityUID| {
        let action = actions.map(|actions| actions.entity(uid));
        given.contains_key(uid) || matches!(action, Some(Dereference::Data(_)))
    };
    let listed = |uid: &'a EntityUID| {
        let action = || match actions?.entity(uid) {
            Dereference::Data(action) => Some(action),
            Dereference::NoSuchEntity | Dereference::Residual(_) => None,
        };
        let entity = given.get(uid).map(AsRef::as_ref).or_else(action);
        entity.into_iter().flat_map(Entity::ancestors)
    };
    let mut lacks = Vec::new();
    let mut cycle = false;
    for (uid, entity) in given {
        let direct = entity.ancestors().count();
        if direct <= TRANSITIVE_PARENTS && !entity.ancestors().any(described) {
            continue;
        }
        let found = ancestors::of(uid, listed).ok_or(uid)?;
        cycle |= found.contains(uid);
        if found.len() > direct {
            let more = found
                .into_iter()
                .filter(|found| !entity.is_descendant_of(found));
            lacks.push((uid.clone(), more.cloned().collect()));
        }
    }
    Ok(if cycle {
        Closure::Cycle
    } else {
        Closure::Lacks(lacks)
    })
}

/// `given` with what it lacks, and `actions`.
///
/// # Errors
/// There is a cycle; Cedar's text says where.
pub(crate) fn close(
    mut given: Given,
    closure: Closure,
    actions: Option<&Hierarchy>,
) -> Result<Hierarchy, String> {
    let extensions = Extensions::all_available();
    let Closure::Lacks(lacks) = closure else {
        let entities = given.into_values().map(Arc::unwrap_or_clone);
        let none = None::<&NoEntitiesSchema>;
        return Hierarchy::from_entities(entities, none, TCComputation::ComputeNow, extensions)
            .map_err(|error| causes(&error));
    };
    for (uid, more) in lacks {
        if let Some(entity) = given.get_mut(&uid) {
            let entity = Arc::make_mut(entity);
            more.into_iter()
                .for_each(|ancestor| entity.add_indirect_ancestor(ancestor));
        }
    }
    let none = None::<&NoEntitiesSchema>;
    let closed = TCComputation::AssumeAlreadyComputed;
    let actions = actions.cloned().unwrap_or_default();
    let hierarchy = actions.add_entities(given.into_values(), none, closed, extensions);
    hierarchy.map_err(|error| causes(&error))
}

#[cfg(test)]
mod tests;
