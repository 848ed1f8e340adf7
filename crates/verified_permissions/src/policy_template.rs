//! Policy templates.

use base::Timestamp;
use cedar_policy::Template;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, StoreError};

use crate::cedar::{depth, statement};
use crate::entity::{EntityRef, PolicyScope};
use crate::error::{Error, ResourceType};
use crate::name::{self, TemplateNameRecord};
use crate::quota::TEMPLATE_BYTES;

/// A template: parent = the policy store, id = the template's id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TemplateRecord {
    #[serde(with = "resources::micros")]
    pub(crate) created: Timestamp,
    #[serde(with = "resources::micros")]
    pub(crate) updated: Timestamp,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// The text, byte for byte as it was given.
    pub(crate) statement: String,
    pub(crate) scope: PolicyScope,
}

impl Record for TemplateRecord {
    const KIND: &'static str = "vp.policy_template";
    const VERSION: u32 = 1;
}

impl TemplateRecord {
    /// The compiled template; its text was checked when it was written.
    pub(crate) fn compile(&self) -> Result<Template, Error> {
        let corrupt = StoreError::Corrupt {
            kind: Self::KIND,
            part: "statement",
        };
        depth::for_statements(|| Template::parse(None, &self.statement).ok())
            .ok_or_else(|| corrupt.into())
    }
}

/// A template that a request names, found.
pub(crate) struct PolicyTemplate {
    pub(crate) id: String,
    pub(crate) record: TemplateRecord,
}

/// The template that `reference`, an id or a name, stands for.
pub(crate) fn resolve(
    tx: &dyn ReadTx,
    policy_store_id: &str,
    reference: &str,
) -> Result<PolicyTemplate, Error> {
    let id = name::resolve::<TemplateNameRecord>(tx, policy_store_id, reference)?;
    match tx.get_record::<TemplateRecord>(policy_store_id, &id)? {
        Some(found) => Ok(PolicyTemplate {
            id,
            record: found.record,
        }),
        None => Err(Error::NotFound(
            ResourceType::PolicyTemplate,
            reference.to_owned(),
        )),
    }
}

/// Checks and compiles a template's text. A text over the size limit is refused with `too_large`,
/// because only creating may answer with the quota's exception.
pub(crate) fn parse(
    text: &str,
    allow_unconstrained_scope: bool,
    too_large: impl FnOnce(String) -> Error,
) -> Result<(Template, PolicyScope), Error> {
    if text.len() > TEMPLATE_BYTES {
        return Err(too_large(format!(
            "A policy template can have at most {TEMPLATE_BYTES} bytes."
        )));
    }
    let template = statement::parse_template(text, allow_unconstrained_scope)?;
    let scope = PolicyScope::from(&template);
    Ok((template, scope))
}

/// Checks what a link gives for the slots of a template with this scope: an entity for each slot,
/// and nothing where there is none.
pub(crate) fn check_arguments(
    scope: &PolicyScope,
    principal: Option<&EntityRef>,
    resource: Option<&EntityRef>,
) -> Result<(), Error> {
    for (part, argument, has_slot) in [
        ("principal", principal, scope.principal.has_slot()),
        ("resource", resource, scope.resource.has_slot()),
    ] {
        let is_name = argument.is_none_or(|entity| entity.to_uid().is_some());
        if argument.is_some() != has_slot || !is_name {
            let path = format!("/definition/templateLinked/{part}");
            return Err(Error::field(path, format!("Invalid Parameter: {part}")));
        }
    }
    Ok(())
}
