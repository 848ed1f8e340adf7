//! The part of a botocore-style service model that we read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

#[derive(serde::Deserialize)]
pub(super) struct ServiceModel {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub service_full_name: String,
    pub endpoint_prefix: String,
    signing_name: Option<String>,
    pub protocol: Protocol,
    pub api_version: String,
    pub target_prefix: Option<String>,
    pub json_version: Option<String>,
    pub xml_namespace: Option<String>,
}

impl Metadata {
    /// The service in a credential scope; a model leaves it out where the endpoint says the same.
    pub(super) fn signing_name(&self) -> &str {
        self.signing_name.as_ref().unwrap_or(&self.endpoint_prefix)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Protocol {
    Json,
    RestJson,
    Query,
}

#[derive(serde::Deserialize)]
pub(super) struct Operation {
    pub http: Http,
    pub input: ShapeRef,
    pub output: Option<ShapeRef>,
    #[serde(default)]
    pub errors: Vec<ShapeRef>,
    #[serde(default)]
    pub readonly: bool,
    #[serde(default)]
    pub idempotent: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http {
    pub method: String,
    pub request_uri: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShapeRef {
    pub shape: String,
    #[serde(default)]
    pub idempotency_token: bool,
    /// Where a member is, if not in the body.
    pub location: Option<Location>,
    /// The member's name there, if not its own.
    pub location_name: Option<String>,
    /// The element around the output in the query protocol.
    pub result_wrapper: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Location {
    Uri,
    QueryString,
    Header,
}

/// What an exception looks like on the wire.
#[derive(serde::Deserialize)]
pub(super) struct ErrorTrait {
    /// Its code, if not the name of its shape.
    pub code: Option<String>,
}

/// A shape. A kind that no service needed so far (blob, double, document) fails to parse.
#[derive(serde::Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Shape {
    Structure {
        members: Ordered<ShapeRef>,
        #[serde(default)]
        required: BTreeSet<String>,
        #[serde(default)]
        union: bool,
        error: Option<ErrorTrait>,
    },
    List {
        member: ShapeRef,
        min: Option<usize>,
        max: Option<usize>,
    },
    Map {
        key: ShapeRef,
        value: ShapeRef,
        min: Option<usize>,
        max: Option<usize>,
    },
    String {
        min: Option<usize>,
        max: Option<usize>,
        pattern: Option<String>,
        #[serde(default, rename = "enum")]
        values: Vec<String>,
    },
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    Long {
        min: Option<i64>,
        max: Option<i64>,
    },
    Boolean {},
    Timestamp {
        #[serde(rename = "timestampFormat")]
        format: Option<String>,
    },
}

impl ServiceModel {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }

    pub(super) fn shape(&self, name: &str) -> Result<&Shape, String> {
        self.shapes
            .get(name)
            .ok_or_else(|| format!("unknown shape {name}"))
    }

    /// The names of all shapes that the operations' inputs are made of.
    pub(super) fn input_shapes(&self) -> Result<BTreeSet<&str>, String> {
        self.reachable(self.operations.values().map(|operation| &operation.input))
    }

    /// The names of all shapes that the operations' outputs are made of.
    pub(super) fn output_shapes(&self) -> Result<BTreeSet<&str>, String> {
        let outputs = self.operations.values();
        self.reachable(outputs.filter_map(|operation| operation.output.as_ref()))
    }

    fn reachable<'a>(
        &'a self,
        from: impl Iterator<Item = &'a ShapeRef>,
    ) -> Result<BTreeSet<&'a str>, String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = from.map(|reference| reference.shape.as_str()).collect();
        while let Some(name) = open.pop() {
            if found.insert(name) {
                open.extend(self.shape(name)?.parts().map(|part| part.shape.as_str()));
            }
        }
        Ok(found)
    }
}

impl Shape {
    /// The shapes that this one is directly made of.
    fn parts(&self) -> impl Iterator<Item = &ShapeRef> {
        let parts: Vec<&ShapeRef> = match self {
            Self::Structure { members, .. } => members.0.iter().map(|(_, member)| member).collect(),
            Self::List { member, .. } => vec![member],
            Self::Map { key, value, .. } => vec![key, value],
            Self::String { .. }
            | Self::Integer { .. }
            | Self::Long { .. }
            | Self::Boolean {}
            | Self::Timestamp { .. } => Vec::new(),
        };
        parts.into_iter()
    }
}

/// A JSON object in the order of its text: the order of a structure's members is the order in
/// which violations are reported.
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T> Ordered<T> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}
