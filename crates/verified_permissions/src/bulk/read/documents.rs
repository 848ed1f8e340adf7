//! JSON documents, one after the other. Long lists within a document are read item by item, so
//! that a list of a million policies is never in memory.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{ReadError, Take, aws, cedar_json, failed, unreadable};
use crate::bulk::item::Item;

/// The members of AWS's outputs that are lists.
const LISTS: [&str; 3] = ["policies", "policyTemplates", "results"];

const UNKNOWN: &str = "is neither Cedar's (a policy, a policy set, a schema) nor an output of \
                       Verified Permissions' get-policy, batch-get-policy, list-policies, \
                       get-policy-template or get-schema";

pub(super) fn read(name: &str, input: &mut dyn BufRead, take: Take<'_>) -> Result<(), ReadError> {
    let mut lines = Lines { input, line: 1 };
    let outcome = RefCell::new(ControlFlow::Continue(()));
    let mut reader = Reader {
        name,
        line: 0,
        take,
        outcome: &outcome,
    };
    loop {
        if !lines
            .skip_space()
            .map_err(|error| unreadable(name, &error))?
        {
            return Ok(());
        }
        reader.line = lines.line;
        let mut json = serde_json::Deserializer::from_reader(&mut lines);
        let read = Document(&mut reader).deserialize(&mut json);
        match outcome.replace(ControlFlow::Continue(())) {
            ControlFlow::Break(End::Enough) => return Ok(()),
            ControlFlow::Break(End::Failed(error)) => return Err(error),
            ControlFlow::Continue(()) => {}
        }
        read.map_err(|error| reader.broken(&error))?;
    }
}

/// Why reading ended within a document.
enum End {
    Enough,
    Failed(ReadError),
}

/// A reader that counts lines.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
}

impl Lines<'_> {
    /// Goes to the next document; whether there is one.
    fn skip_space(&mut self) -> io::Result<bool> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let space = buffer.iter().take_while(|byte| byte.is_ascii_whitespace());
            let lines = space.clone().filter(|byte| **byte == b'\n').count();
            let (count, end) = (space.count(), buffer.len());
            self.line += lines as u64;
            self.input.consume(count);
            if count < end {
                return Ok(true);
            }
        }
    }
}

impl io::Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.line += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(count)
    }
}

struct Reader<'a, 't> {
    name: &'a str,
    /// Where the document begins.
    line: u64,
    take: Take<'t>,
    outcome: &'a RefCell<ControlFlow<End>>,
}

impl Reader<'_, '_> {
    /// An error of the parser, whose own place counts from the document.
    fn broken(&self, error: &serde_json::Error) -> ReadError {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        let within = (error.line() as u64).saturating_sub(1);
        let at = format!("{}:{}", self.name, self.line + within);
        failed(&at)(format!("is no JSON: {message}"))
    }

    /// Takes an object for what it looks like. `place` is where in the document it stands.
    fn object(&mut self, object: Map<String, Value>, place: &str) -> Result<(), End> {
        let at = format!("{}:{}{place}", self.name, self.line);
        let what = if cedar_json::is_policy(&object) {
            cedar_json::policy(Value::Object(object), None).map(|what| vec![what])
        } else if cedar_json::is_policy_set(&object) {
            cedar_json::policy_set(object, &at)
        } else if cedar_json::is_schema(&object) {
            let text = serde_json::to_string(&object).map_err(|error| error.to_string());
            text.map(|text| vec![super::What::Schema(text)])
        } else {
            let read = aws::read(object).unwrap_or_else(|| Err(UNKNOWN.to_owned()));
            read.map(|what| vec![what])
        };
        for what in what.map_err(|text| End::Failed(failed(&at)(text)))? {
            let at = at.clone();
            if (self.take)(Item { at, what }).is_break() {
                return Err(End::Enough);
            }
        }
        Ok(())
    }

    fn value(&mut self, value: Value, place: &str) -> Result<(), End> {
        match value {
            Value::Object(object) => self.object(object, place),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                let at = format!("{}:{}{place}", self.name, self.line);
                Err(End::Failed(failed(&at)(UNKNOWN.to_owned())))
            }
        }
    }

    /// Ends the walk through the parser.
    fn end<E: serde::de::Error>(&self, end: End) -> E {
        let _ = self.outcome.replace(ControlFlow::Break(end));
        E::custom("ended")
    }
}

/// A document: an object, or an array of them.
struct Document<'r, 'a, 't>(&'r mut Reader<'a, 't>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0_u64;
        while let Some(value) = items.next_element::<Value>()? {
            let taken = self.0.value(value, &format!("[{index}]"));
            taken.map_err(|end| self.0.end::<A::Error>(end))?;
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut rest = Map::new();
        let mut had_list = false;
        while let Some(key) = members.next_key::<String>()? {
            let list = LISTS.iter().find(|list| **list == key);
            let value = match list {
                None => Some(members.next_value()?),
                Some(list) => members.next_value_seed(List {
                    reader: self.0,
                    name: list,
                })?,
            };
            had_list |= value.is_none();
            if let Some(value) = value {
                rest.insert(key, value);
            }
        }
        let taken = match had_list {
            true => beside_list(&rest).map_err(|text| {
                let at = format!("{}:{}", self.0.name, self.0.line);
                End::Failed(failed(&at)(text))
            }),
            false => self.0.object(rest, ""),
        };
        taken.map_err(|end| self.0.end(end))
    }
}

/// Refuses a list that is not all, by what stands beside it, and whatever nobody would read.
fn beside_list(rest: &Map<String, Value>) -> Result<(), String> {
    for (key, value) in rest {
        let is_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        match key.as_str() {
            // What some of AWS's SDKs say of the request itself.
            "ResponseMetadata" => {}
            "errors" | "nextToken" | "NextToken" if is_nothing => {}
            "errors" => {
                return Err("the output lists errors: policies are missing from it".to_owned());
            }
            "nextToken" | "NextToken" => {
                let text = format!("the list is not complete: it has a {key}: fetch all its pages");
                return Err(text);
            }
            _ => return Err(format!("a list with a member `{key}` beside it")),
        }
    }
    Ok(())
}

/// A member that is a list: its items are taken one by one. Anything else is given back.
struct List<'r, 'a, 't> {
    reader: &'r mut Reader<'a, 't>,
    name: &'static str,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut index = 0_u64;
        while let Some(value) = items.next_element::<Value>()? {
            let taken = self
                .reader
                .value(value, &format!(" {}[{index}]", self.name));
            taken.map_err(|end| self.reader.end::<A::Error>(end))?;
            index += 1;
        }
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let members = serde::de::value::MapAccessDeserializer::new(members);
        Value::deserialize(members).map(Some)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Err(E::custom("null is no list"))
    }
}
