//! A policy store as files that [`read`](super::read()) reads back to the same store.
//!
//! ```text
//! schema.json      Cedar JSON
//! templates.cedar  each with a line above it that has its id, name and description
//! policies.cedar   static policies, likewise
//! links.jsonl      template-linked policies, a line each
//! templates.jsonl  the templates and static policies that Cedar text cannot say exactly, for
//! policies.jsonl   instance those with a comment after their end
//! ```
//!
//! The order is that of names, then of ids, so that a change of one policy is a change of its lines.

use std::io;

use serde_json::{Map, Value, json};
use store::{ReadRecords, ReadTx, StoredRef};

use super::counts::Counts;
use super::item::{LinkItem, Naming, StaticItem, TemplateItem, What};
use super::read::{heading, would_read_back};
use crate::entity::EntityRef;
use crate::error::Error;
use crate::page::for_each;
use crate::policy::{Definition, PolicyRecord};
use crate::policy_template::TemplateRecord;
use crate::schema;

/// Where an export goes. Texts for one file come one after the other, but those for another may
/// come between them.
pub trait Output {
    /// Whether there is one file for everything, which is then all JSON Lines.
    fn is_one_file(&self) -> bool;

    /// Adds a text to a file.
    ///
    /// # Errors
    /// Those of the file.
    fn write(&mut self, file: &'static str, text: &str) -> io::Result<()>;
}

/// The files that an export may consist of.
pub const FILES: [&str; 6] = [
    "schema.json",
    TEMPLATES.0,
    TEMPLATES.1,
    POLICIES.0,
    POLICIES.1,
    LINKS,
];

/// As Cedar text, and as JSON.
const TEMPLATES: (&str, &str) = ("templates.cedar", "templates.jsonl");
const POLICIES: (&str, &str) = ("policies.cedar", "policies.jsonl");
const LINKS: &str = "links.jsonl";

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The policy store cannot be read.
    #[error("{0}")]
    Store(String),
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl From<Error> for ExportError {
    fn from(error: Error) -> Self {
        Self::Store(error.into_text())
    }
}

impl From<store::StoreError> for ExportError {
    fn from(error: store::StoreError) -> Self {
        Error::from(error).into()
    }
}

/// Writes what the policy store has. The counts are in `created`.
///
/// # Errors
/// Those of the store and of `out`.
pub fn export(
    tx: &dyn ReadTx,
    policy_store_id: &str,
    out: &mut dyn Output,
) -> Result<Counts, ExportError> {
    let mut counts = Counts::default();
    if let Some(record) = schema::get(tx, policy_store_id)?.filter(|record| !record.is_deleted()) {
        out.write("schema.json", &schema_text(&record.json, out.is_one_file()))?;
        counts.schemas.created += 1;
    }
    let mut templates = Vec::new();
    for_each::<TemplateRecord>(tx, policy_store_id, |stored| {
        templates.push(Place::new(stored.record.name, stored.id));
        Ok(())
    })?;
    templates.sort_unstable();
    for place in templates {
        let stored = tx.get_record::<TemplateRecord>(policy_store_id, &place.id)?;
        let Some(stored) = stored else { continue };
        statement(out, TEMPLATES, &template(stored.id, stored.record))?;
        counts.templates.created += 1;
    }
    let (statics, links) = places(tx, policy_store_id)?;
    for place in statics.into_iter().chain(links) {
        let stored = tx.get_record::<PolicyRecord>(policy_store_id, &place.id)?;
        let Some(stored) = stored else { continue };
        let what = policy(stored.id, stored.record);
        match &what {
            What::Link(link) => {
                out.write(LINKS, &line(&link_json(link)))?;
                counts.links.created += 1;
            }
            What::Schema(_) | What::Template(_) | What::Static(_) => {
                statement(out, POLICIES, &what)?;
                counts.policies.created += 1;
            }
        }
    }
    Ok(counts)
}

/// Where a policy stands in its file: those with names come first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    name: (bool, Option<String>),
    id: String,
}

impl Place {
    fn new(name: Option<String>, id: String) -> Self {
        Self {
            name: (name.is_none(), name),
            id,
        }
    }
}

/// The static policies and the links, each in order.
fn places(tx: &dyn ReadTx, policy_store_id: &str) -> Result<(Vec<Place>, Vec<Place>), Error> {
    let (mut statics, mut links) = (Vec::new(), Vec::new());
    tx.scan_records(policy_store_id, |stored: StoredRef<'_, PolicyRecord>| {
        let all = match stored.record.template_id() {
            None => &mut statics,
            Some(_) => &mut links,
        };
        all.push(Place::new(stored.record.name, stored.id.to_owned()));
        Ok::<_, Error>(())
    })?;
    statics.sort_unstable();
    links.sort_unstable();
    Ok((statics, links))
}

fn statement(
    out: &mut dyn Output,
    (cedar, json): (&'static str, &'static str),
    what: &What,
) -> io::Result<()> {
    let text = heading(what).filter(|text| would_read_back(text, what));
    match text.filter(|_| !out.is_one_file()) {
        Some(text) => out.write(cedar, &(text + "\n")),
        None => out.write(json, &line(&statement_json(what))),
    }
}

fn line(json: &Value) -> String {
    format!("{json}\n")
}

/// The schema with its members in order, so that the same schema is always the same text.
fn schema_text(json: &str, in_one_line: bool) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(value) if !in_one_line => format!("{value:#}\n"),
        Ok(value) => format!("{value}\n"),
        Err(_) => format!("{json}\n"),
    }
}

fn template(id: String, record: TemplateRecord) -> What {
    What::Template(TemplateItem {
        naming: Naming {
            id: Some(id),
            name: record.name,
        },
        key: None,
        description: record.description,
        statement: record.statement,
    })
}

fn policy(id: String, record: PolicyRecord) -> What {
    let naming = Naming {
        id: Some(id),
        name: record.name,
    };
    match record.definition {
        Definition::Static {
            description,
            statement,
            ..
        } => What::Static(StaticItem {
            naming,
            description,
            statement,
        }),
        Definition::Linked {
            template_id,
            principal,
            resource,
        } => What::Link(LinkItem {
            naming,
            template: template_id,
            principal,
            resource,
        }),
    }
}

fn put(object: &mut Map<String, Value>, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        object.insert(key.to_owned(), Value::from(text.as_str()));
    }
}

fn link_json(link: &LinkItem) -> Value {
    let mut object = Map::new();
    put(&mut object, "policyId", link.naming.id.as_ref());
    put(&mut object, "name", link.naming.name.as_ref());
    put(&mut object, "policyTemplateId", Some(&link.template));
    for (part, entity) in [("principal", &link.principal), ("resource", &link.resource)] {
        if let Some(EntityRef { entity_type, id }) = entity {
            let entity = json!({ "entityType": entity_type, "entityId": id });
            object.insert(part.to_owned(), entity);
        }
    }
    Value::Object(object)
}

fn statement_json(what: &What) -> Value {
    let mut object = Map::new();
    match what {
        What::Template(template) => {
            put(&mut object, "policyTemplateId", template.naming.id.as_ref());
            put(&mut object, "name", template.naming.name.as_ref());
            put(&mut object, "description", template.description.as_ref());
            put(&mut object, "statement", Some(&template.statement));
        }
        What::Static(policy) => {
            put(&mut object, "policyId", policy.naming.id.as_ref());
            put(&mut object, "name", policy.naming.name.as_ref());
            let mut definition = Map::new();
            put(&mut definition, "description", policy.description.as_ref());
            put(&mut definition, "statement", Some(&policy.statement));
            object.insert("definition".to_owned(), json!({ "static": definition }));
        }
        What::Schema(_) | What::Link(_) => {}
    }
    Value::Object(object)
}
