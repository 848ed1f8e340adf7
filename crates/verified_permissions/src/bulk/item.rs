//! What files say, one thing at a time, as it goes from whoever reads them to whoever writes it
//! into a policy store.

use model::shape::Shape;
use model::verified_permissions::shapes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::shape_check::{Rejection, shape_check};

use crate::entity::EntityRef;

/// One thing that a file says should be in a policy store. As JSON it is what an operator's
/// connection carries; it is not persisted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where it stands, for instance `policies.cedar:12`.
    pub(crate) at: String,
    pub(crate) what: What,
}

/// The kinds of thing, in the order in which they have to come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum What {
    /// The schema, as Cedar JSON.
    Schema(String),
    Template(TemplateItem),
    Static(StaticItem),
    Link(LinkItem),
}

/// A policy template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemplateItem {
    #[serde(flatten)]
    pub(crate) naming: Naming,
    /// What the links of the same file call it, where that is neither its id nor its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) statement: String,
}

/// A static policy.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StaticItem {
    #[serde(flatten)]
    pub(crate) naming: Naming,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) statement: String,
}

/// A template-linked policy.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkItem {
    #[serde(flatten)]
    pub(crate) naming: Naming,
    /// The id, name or key of the template.
    pub(crate) template: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) principal: Option<EntityRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<EntityRef>,
}

/// What a file calls a policy or template.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Naming {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// With its prefix `name/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl Naming {
    /// Whether there is nothing but the content to recognize it by.
    pub(crate) const fn is_silent(&self) -> bool {
        self.id.is_none() && self.name.is_none()
    }
}

/// The kinds of thing, for counts and texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The schema.
    Schema,
    /// A policy template.
    Template,
    /// A static policy.
    Policy,
    /// A template-linked policy.
    Link,
}

impl Kind {
    /// All of them, in the order in which they have to come.
    pub const ALL: [Self; 4] = [Self::Schema, Self::Template, Self::Policy, Self::Link];

    /// The word for so many of them.
    pub const fn noun(self, count: u64) -> &'static str {
        match (self, count == 1) {
            (Self::Schema, true) => "schema",
            (Self::Schema, false) => "schemas",
            (Self::Template, true) => "template",
            (Self::Template, false) => "templates",
            (Self::Policy, true) => "static policy",
            (Self::Policy, false) => "static policies",
            (Self::Link, true) => "linked policy",
            (Self::Link, false) => "linked policies",
        }
    }
}

impl Item {
    /// What kind of thing it is.
    pub const fn kind(&self) -> Kind {
        match self.what {
            What::Schema(_) => Kind::Schema,
            What::Template(_) => Kind::Template,
            What::Static(_) => Kind::Policy,
            What::Link(_) => Kind::Link,
        }
    }

    /// When its turn is: an import takes items by this number. Links need their templates, and
    /// what only its content identifies is looked for when nothing else changes any more.
    pub const fn turn(&self) -> u8 {
        match &self.what {
            What::Schema(_) => 0,
            What::Template(template) => 1 + template.naming.is_silent() as u8,
            What::Static(StaticItem { naming, .. }) | What::Link(LinkItem { naming, .. }) => {
                3 + naming.is_silent() as u8
            }
        }
    }

    /// Whether there is nothing but its content to recognize it by.
    pub const fn is_nameless(&self) -> bool {
        match &self.what {
            What::Schema(_) => false,
            What::Template(TemplateItem { naming, .. })
            | What::Static(StaticItem { naming, .. })
            | What::Link(LinkItem { naming, .. }) => naming.is_silent(),
        }
    }

    /// Where it stands in the files.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// About how many bytes it has.
    pub fn bytes(&self) -> usize {
        match &self.what {
            What::Schema(text) => text.len(),
            What::Template(template) => template.statement.len(),
            What::Static(policy) => policy.statement.len(),
            What::Link(_) => 0,
        }
    }

    /// What the thing costs to check and write, in links.
    pub(crate) const fn weight(&self) -> usize {
        match self.what {
            What::Link(_) => 1,
            What::Static(_) => 8,
            What::Schema(_) | What::Template(_) => 64,
        }
    }

    /// Checks the lengths and characters that the service's model allows; the text says what is
    /// wrong.
    pub(crate) fn check_shape(&self) -> Result<(), String> {
        match &self.what {
            What::Schema(_) => Ok(()),
            What::Template(template) => {
                let (id, name) = (&shapes::POLICY_TEMPLATE_ID, &shapes::POLICY_TEMPLATE_NAME);
                template.naming.check("policyTemplateId", id, name)?;
                let description = template.description.as_deref();
                check(
                    &shapes::POLICY_TEMPLATE_DESCRIPTION,
                    "description",
                    description,
                )
            }
            What::Static(policy) => {
                let (id, name) = (&shapes::POLICY_ID, &shapes::POLICY_NAME);
                policy.naming.check("policyId", id, name)?;
                let description = policy.description.as_deref();
                check(
                    &shapes::STATIC_POLICY_DESCRIPTION,
                    "description",
                    description,
                )
            }
            What::Link(link) => {
                let (id, name) = (&shapes::POLICY_ID, &shapes::POLICY_NAME);
                link.naming.check("policyId", id, name)?;
                for entity in [&link.principal, &link.resource].into_iter().flatten() {
                    check(
                        &shapes::ENTITY_TYPE,
                        "entityType",
                        Some(&entity.entity_type),
                    )?;
                    check(&shapes::ENTITY_ID, "entityId", Some(&entity.id))?;
                }
                Ok(())
            }
        }
    }
}

impl Naming {
    fn check(&self, id_member: &str, id: &Shape, name: &Shape) -> Result<(), String> {
        check(id, id_member, self.id.as_deref())?;
        check(name, "name", self.name.as_deref())?;
        match self.id.as_deref() {
            // It would be looked up as a name.
            Some(id) if id.starts_with("name/") => {
                Err(format!("{id_member}: an id cannot begin with `name/`"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn check(shape: &Shape, member: &str, text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    let all = match shape_check(shape, Value::from(text)) {
        Ok(_) => return Ok(()),
        Err(Rejection::Malformed(text)) => return Err(text),
        Err(Rejection::WrongType(one)) => vec![one],
        Err(Rejection::Invalid(all)) => all,
    };
    let texts: Vec<&str> = all.iter().map(|one| one.message.as_str()).collect();
    Err(format!("{member}: {}", texts.join("; ")))
}
