//! Cedar text.

use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use cedar_policy::{Policy, Template};
use serde::{Deserialize, Serialize};

use super::split::{HEADING, MOST, Piece, Splitter};
use super::{ReadError, Take, failed, name_of_id, unreadable};
use crate::bulk::item::{Item, Naming, StaticItem, TemplateItem, What};
use crate::cedar::depth;

/// The line above a statement that says what Cedar text has no place for, as JSON:
/// `//@ {"policyId":"…","name":"…","description":"…"}`.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Heading {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_template_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The space after the statement's last character, which is otherwise not part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

pub(super) fn read(name: &str, input: &mut dyn BufRead, take: Take<'_>) -> Result<(), ReadError> {
    let mut splitter = Splitter::default();
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let mut bounded = Read::take(&mut *input, MOST as u64 + 1);
        let read = bounded.read_until(b'\n', &mut line);
        if read.map_err(|error| unreadable(name, &error))? == 0 {
            break;
        }
        let at = format!("{name}:{number}");
        if line.len() > MOST {
            return Err(failed(&at)(format!("a line has more than {MOST} bytes")));
        }
        let line = std::str::from_utf8(&line).map_err(|_| failed(&at)("is not UTF-8".into()))?;
        let mut pieces = Vec::new();
        splitter
            .line(line, |piece| pieces.push(piece))
            .map_err(failed(&at))?;
        for piece in pieces {
            let at = format!("{name}:{}", piece.line);
            let what = what(piece).map_err(failed(&at))?;
            if take(Item { at, what }).is_break() {
                return Ok(());
            }
        }
    }
    splitter.end().map_err(failed(name))
}

fn what(piece: Piece) -> Result<What, String> {
    let Piece {
        heading,
        mut text,
        is_template,
        ..
    } = piece;
    let heading: Heading = match heading {
        None => Heading::default(),
        Some(json) => serde_json::from_str(&json)
            .map_err(|error| format!("the line `{HEADING}` above it: {error}"))?,
    };
    text += heading.after.as_deref().unwrap_or_default();
    let (id, other_id) = match is_template {
        true => (heading.policy_template_id, heading.policy_id),
        false => (heading.policy_id, heading.policy_template_id),
    };
    if other_id.is_some() {
        let (right, noun) = match is_template {
            true => ("policyTemplateId", "template"),
            false => ("policyId", "policy"),
        };
        return Err(format!(
            "the line `{HEADING}` above it: the id of a {noun} is its {right}"
        ));
    }
    let name = match heading.name {
        Some(name) => Some(name),
        None if id.is_none() => annotated(&text, is_template),
        None => None,
    };
    let naming = Naming { id, name };
    let description = heading.description;
    Ok(match is_template {
        true => What::Template(TemplateItem {
            naming,
            key: None,
            description,
            statement: text,
        }),
        false => What::Static(StaticItem {
            naming,
            description,
            statement: text,
        }),
    })
}

/// The name by the annotation `@id`; a statement that is none has no name, and is refused later.
fn annotated(statement: &str, is_template: bool) -> Option<String> {
    if !statement.contains('@') || depth::check(statement).is_err() {
        return None;
    }
    let id = |id: Option<&str>| id.filter(|id| !id.is_empty()).map(name_of_id);
    depth::for_statements(|| match is_template {
        true => id(Template::parse(None, statement).ok()?.annotation("id")),
        false => id(Policy::parse(None, statement).ok()?.annotation("id")),
    })
}

/// The line above a statement, and the statement, such that [`read`] gives back exactly these;
/// `None` if Cedar text cannot say it.
pub(in crate::bulk) fn heading(what: &What) -> Option<String> {
    let (naming, description, statement, is_template) = match what {
        What::Template(item) => (&item.naming, &item.description, &item.statement, true),
        What::Static(item) => (&item.naming, &item.description, &item.statement, false),
        What::Schema(_) | What::Link(_) => return None,
    };
    let text = statement.trim_end();
    let after = statement
        .get(text.len()..)
        .filter(|after| !after.is_empty());
    let id = naming.id.clone();
    let (policy_template_id, policy_id) = if is_template { (id, None) } else { (None, id) };
    let heading = Heading {
        policy_id,
        policy_template_id,
        name: naming.name.clone(),
        description: description.clone(),
        after: after.map(str::to_owned),
    };
    let json = serde_json::to_string(&heading).ok()?;
    Some(format!("{HEADING} {json}\n{text}\n"))
}

/// Whether [`read`] makes exactly `what` of `text`.
pub(in crate::bulk) fn would_read_back(text: &str, what: &What) -> bool {
    let mut found = Vec::new();
    let read = read("", &mut text.as_bytes(), &mut |item| {
        found.push(item.what);
        ControlFlow::Continue(())
    });
    read.is_ok() && matches!(found.as_slice(), [one] if one == what)
}
