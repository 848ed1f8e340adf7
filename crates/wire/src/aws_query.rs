//! The AWS Query protocol: every request is a form that names the operation and carries its input,
//! and answers are XML.
//!
//! A form is the body of a POST or, so that a request can be presigned, the query of a GET. The
//! input is flattened into names: `Tags.member.1.Key=a`.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use model::shape::{Kind, Member, Shape};
use model::{OperationModel, Protocol, ServiceModel};
use serde_json::Value;

use crate::answer::answer;
use crate::error::WireError;
use crate::incoming::Incoming;
use crate::shape_check::{Rejection, Violation};
use crate::{text, violation};

mod xml;

const TEXT_XML: HeaderValue = HeaderValue::from_static("text/xml");
const FORM: &str = "application/x-www-form-urlencoded";

/// The most items that we read of one list.
const MAX_ITEMS: usize = 1000;

/// The most parts that a parameter's name may have.
const MAX_LEVELS: usize = 64;

/// The form in a request, still encoded; `None` if there is none.
pub fn form<'a>(incoming: &Incoming<'a>) -> Option<&'a str> {
    if incoming.path != "/" {
        return None;
    }
    if incoming.method == Method::GET {
        return Some(incoming.query);
    }
    let content_type = incoming.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next()?.trim();
    let is_form = incoming.method == Method::POST && media_type.eq_ignore_ascii_case(FORM);
    is_form.then(|| std::str::from_utf8(incoming.body).ok())?
}

/// The name of the operation that the form asks of `service` as `Action`; `None` if there is no such
/// form or its `Version` is another one. Whether the service has such an operation is for the caller
/// to find out. A form without a `Version` is taken for any.
pub fn operation_name(service: &ServiceModel, incoming: &Incoming<'_>) -> Option<String> {
    let Protocol::Query { version, .. } = service.protocol else {
        return None;
    };
    let form = form(incoming)?;
    let parameter = |name| {
        let found = text::parameters(form).find(|(it, _)| *it == name);
        found.map(|(_, raw)| text::decode_form(raw))
    };
    let same_version = match parameter("Version") {
        Some(given) => given.as_deref() == Some(version),
        None => true,
    };
    if same_version {
        parameter("Action")?
    } else {
        None
    }
}

/// The input that `form` carries, as the JSON object that the shape check expects.
///
/// Names that the input's shape does not have are ignored, of a repeated one the last counts. The
/// items of a list are taken in the order of their numbers, which begin at 1; a list of more than
/// 1,000 items is refused. An empty list is written as `Tags=`. A number or boolean that does not
/// read as one stays a text, which the shape check refuses.
pub fn parse_request(operation: &OperationModel, form: &str) -> Result<Value, Rejection> {
    let mut input = Node::new(operation.input);
    for (name, raw) in text::parameters(form) {
        if let Some(name) = text::decode_form(name) {
            input.insert(&name, raw)?;
        }
    }
    Ok(input.into_value().unwrap_or_default())
}

/// A part of the input: what the form says of it so far.
struct Node {
    shape: &'static Shape,
    members: BTreeMap<&'static str, Node>,
    items: BTreeMap<usize, Node>,
    text: Option<String>,
}

impl Node {
    fn new(shape: &'static Shape) -> Self {
        Self {
            shape,
            members: BTreeMap::new(),
            items: BTreeMap::new(),
            text: None,
        }
    }

    /// Puts a parameter to its place, if the shape has one for it.
    fn insert(&mut self, name: &str, raw: &str) -> Result<(), Rejection> {
        if name.split('.').count() > MAX_LEVELS {
            let reason = format!("A parameter's name has more than {MAX_LEVELS} parts");
            return Err(Rejection::Malformed(reason));
        }
        let mut node = self;
        let mut parts = name.split('.');
        while let Some(part) = parts.next() {
            let child = match &node.shape.kind {
                Kind::Structure(members) | Kind::Union(members) => node.member(members, part),
                Kind::List { member, .. } => {
                    let number = parts.next().filter(|_| part == "member");
                    node.item(member, number.and_then(|number| number.parse().ok()))?
                }
                Kind::Map { .. }
                | Kind::String { .. }
                | Kind::Integer { .. }
                | Kind::Long { .. }
                | Kind::Boolean => None,
            };
            let Some(child) = child else {
                return Ok(());
            };
            node = child;
        }
        let not_utf8 = || Rejection::Malformed(format!("'{name}' is not percent-encoded UTF-8"));
        node.text = Some(text::decode_form(raw).ok_or_else(not_utf8)?);
        Ok(())
    }

    fn member(&mut self, members: &'static [Member], name: &str) -> Option<&mut Self> {
        let member = members.iter().find(|member| member.name == name)?;
        let child = self.members.entry(member.name);
        Some(child.or_insert_with(|| Self::new(member.shape)))
    }

    fn item(
        &mut self,
        shape: &'static Shape,
        number: Option<usize>,
    ) -> Result<Option<&mut Self>, Rejection> {
        let Some(number) = number.filter(|number| *number > 0) else {
            return Ok(None);
        };
        if self.items.len() >= MAX_ITEMS && !self.items.contains_key(&number) {
            let reason = format!("A list has more than {MAX_ITEMS} items");
            return Err(Rejection::Malformed(reason));
        }
        let child = self.items.entry(number);
        Ok(Some(child.or_insert_with(|| Self::new(shape))))
    }

    /// As JSON; `None` if only parts were named that the shape does not have.
    fn into_value(self) -> Option<Value> {
        let without_text = self.text.as_ref().is_none_or(String::is_empty);
        match &self.shape.kind {
            Kind::Structure(_) | Kind::Union(_) if without_text => {
                let members = self.members.into_iter();
                let members = members
                    .filter_map(|(name, member)| Some((name.to_owned(), member.into_value()?)));
                Some(Value::Object(members.collect()))
            }
            Kind::List { .. } if without_text => {
                let items = self.items.into_values();
                Some(items.filter_map(Self::into_value).collect())
            }
            Kind::Structure(_)
            | Kind::Union(_)
            | Kind::List { .. }
            | Kind::Map { .. }
            | Kind::String { .. }
            | Kind::Integer { .. }
            | Kind::Long { .. }
            | Kind::Boolean => self.text.map(|text| text::value(self.shape, text)),
        }
    }
}

/// 200 with `output`, the output as JSON, in the elements that the protocol wants around it.
pub fn success(
    request_id: &str,
    operation: &OperationModel,
    namespace: &str,
    output: &Value,
) -> Response<Bytes> {
    let body = xml::success(request_id, operation.name, namespace, output);
    answer(request_id, StatusCode::OK, TEXT_XML, body.into())
}

/// `error` as an answer, under the code and status that it has in this protocol.
pub fn failure(request_id: &str, namespace: &str, error: &WireError) -> Response<Bytes> {
    let (code, status) = code_and_status(error);
    let body = xml::failure(request_id, namespace, code, status, &error.message);
    answer(request_id, status, TEXT_XML, body.into())
}

/// The front door and the signature check speak of errors as the JSON services do; in this protocol
/// the same errors have the names of the common errors of the Query APIs.
fn code_and_status(error: &WireError) -> (&'static str, StatusCode) {
    let (code, status) = match error.code {
        "UnrecognizedClientException" => ("InvalidClientTokenId", 403),
        "InvalidSignatureException" => ("SignatureDoesNotMatch", 403),
        "MissingAuthenticationTokenException" => ("MissingAuthenticationToken", 403),
        "ExpiredTokenException" => ("ExpiredToken", 403),
        "IncompleteSignatureException" => ("IncompleteSignature", 400),
        "AccessDeniedException" => ("AccessDenied", 403),
        "ThrottlingException" => ("Throttling", 400),
        "InternalServerException" => ("InternalFailure", 500),
        "ServiceUnavailableException" => ("ServiceUnavailable", 503),
        "UnknownOperationException" => ("InvalidAction", 400),
        "SerializationException" => ("MalformedInput", 400),
        other => (other, error.status.as_u16()),
    };
    (code, StatusCode::from_u16(status).unwrap_or(error.status))
}

/// 400 `ValidationError`. Places are written as in `tags.1.member.key`.
pub fn rejection(rejection: Rejection) -> WireError {
    let message = match rejection {
        Rejection::Malformed(message) => message,
        Rejection::WrongType(wrong) => summary(&[wrong]),
        Rejection::Invalid(violations) => summary(&violations),
    };
    WireError::new("ValidationError", StatusCode::BAD_REQUEST, message)
}

fn summary(violations: &[Violation]) -> String {
    let renamed = violations
        .iter()
        .map(|it| violation::renamed(it, violation::numbered));
    violation::summary(&renamed.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
