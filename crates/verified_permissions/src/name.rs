//! Names of policies and templates: `name/…`, unique per policy store and kind, usable wherever
//! the id is.

use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, WriteRecords, WriteTx};

use crate::error::{Error, ResourceType};

const PREFIX: &str = "name/";

/// Which resource a name stands for: parent = policy store, id = the name.
pub(crate) trait NameRecord: Record {
    const RESOURCE_TYPE: ResourceType;
    fn of(id: &str) -> Self;
    fn id(self) -> String;
}

macro_rules! name_record {
    ($record:ident, $kind:literal, $resource_type:expr) => {
        #[derive(Serialize, Deserialize)]
        pub(crate) struct $record {
            id: String,
        }

        impl Record for $record {
            const KIND: &'static str = $kind;
            const VERSION: u32 = 1;
        }

        impl NameRecord for $record {
            const RESOURCE_TYPE: ResourceType = $resource_type;

            fn of(id: &str) -> Self {
                Self { id: id.to_owned() }
            }

            fn id(self) -> String {
                self.id
            }
        }
    };
}

name_record!(PolicyNameRecord, "vp.policy_name", ResourceType::Policy);
name_record!(
    TemplateNameRecord,
    "vp.template_name",
    ResourceType::PolicyTemplate
);

/// The name in a create request: absent, or checked. An empty name is no name.
pub(crate) fn check(name: Option<String>) -> Result<Option<String>, Error> {
    match name {
        None => Ok(None),
        Some(name) if name.is_empty() => Ok(None),
        Some(name) => match name.strip_prefix(PREFIX) {
            Some(rest) if !rest.is_empty() => Ok(Some(name)),
            _ => Err(Error::field(
                "/name",
                "A name must begin with `name/` and go on after it.",
            )),
        },
    }
}

/// The id behind `reference`, which is an id or a name.
pub(crate) fn resolve<N: NameRecord>(
    tx: &dyn ReadTx,
    policy_store_id: &str,
    reference: &str,
) -> Result<String, Error> {
    if !reference.starts_with(PREFIX) {
        return Ok(reference.to_owned());
    }
    match tx.get_record::<N>(policy_store_id, reference)? {
        Some(found) => Ok(found.record.id()),
        None => Err(Error::NotFound(N::RESOURCE_TYPE, reference.to_owned())),
    }
}

/// Takes `name` for the resource `id`; a name that another resource has is a conflict.
pub(crate) fn claim<N: NameRecord>(
    tx: &mut dyn WriteTx,
    policy_store_id: &str,
    name: &str,
    id: &str,
) -> Result<(), Error> {
    if let Some(holder) = tx.get_record::<N>(policy_store_id, name)? {
        return Err(Error::Conflict {
            message: format!("The name `{name}` is already in use in this policy store."),
            resource: (holder.record.id(), N::RESOURCE_TYPE),
        });
    }
    tx.insert_record(policy_store_id, name, &N::of(id))?;
    Ok(())
}

/// Gives a name free.
pub(crate) fn release<N: NameRecord>(
    tx: &mut dyn WriteTx,
    policy_store_id: &str,
    name: Option<&str>,
) -> Result<(), Error> {
    if let Some(name) = name {
        tx.delete_record::<N>(policy_store_id, name)?;
    }
    Ok(())
}

/// The name after an update: `None` keeps the current one, the empty name removes it.
pub(crate) fn change<N: NameRecord>(
    tx: &mut dyn WriteTx,
    policy_store_id: &str,
    id: &str,
    current: Option<String>,
    wanted: Option<String>,
) -> Result<Option<String>, Error> {
    let Some(wanted) = wanted else {
        return Ok(current);
    };
    let wanted = check(Some(wanted))?;
    if wanted != current {
        if let Some(name) = &wanted {
            claim::<N>(tx, policy_store_id, name, id)?;
        }
        release::<N>(tx, policy_store_id, current.as_deref())?;
    }
    Ok(wanted)
}
