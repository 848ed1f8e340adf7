//! The REST-JSON protocol: method and path name the operation, and its input is spread over the
//! path, the query and a JSON body.
//!
//! Behaviour: the AWS restJson1 protocol as botocore speaks it. Where the service model is silent we
//! are lenient in what does no harm: an unknown query parameter is ignored, of a repeated one the
//! last value counts, and an ARN in a path may have its slashes unencoded.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use model::shape::{Kind, Shape};
use model::{HttpBinding, OperationModel, Segment};
use serde_json::{Map, Value, json};

use crate::answer::{answer, json_failure};
use crate::aws_json::json_object;
use crate::error::WireError;
use crate::shape_check::{Rejection, Violation};
use crate::{text, violation};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What stands in the path for the members of an input, still percent-encoded.
#[derive(Debug, Default, PartialEq)]
pub struct Labels<'a>(Vec<(&'static str, &'a str)>);

/// The operation that `method` and `path` ask for. `path` is as it was received: labels are decoded
/// only after it has been cut at its slashes.
///
/// Where no path fits exactly, a label at the end of one takes the slashes too if its shape allows
/// what it then is: `/tags/arn:aws:dsql:r:1:cluster/x` has the label `arn:aws:dsql:r:1:cluster/x`.
pub fn route<'a>(
    operations: &'static [OperationModel],
    method: &str,
    path: &'a str,
) -> Option<(&'static OperationModel, Labels<'a>)> {
    let find = |greedy| {
        operations.iter().find_map(|operation| {
            let http = operation.http.as_ref()?;
            if http.method != method {
                return None;
            }
            Some((operation, labels(http, path, greedy)?))
        })
    };
    find(false).or_else(|| find(true))
}

fn labels<'a>(http: &HttpBinding, path: &'a str, greedy: bool) -> Option<Labels<'a>> {
    let mut pieces = path.strip_prefix('/')?.splitn(http.path.len(), '/');
    let mut labels = Vec::new();
    for segment in http.path {
        let piece = pieces.next()?;
        match segment {
            Segment::Literal(literal) if *literal == piece => {}
            Segment::Label { member, shape } if fits(shape, piece, greedy) => {
                labels.push((*member, piece));
            }
            Segment::Literal(_) | Segment::Label { .. } => return None,
        }
    }
    Some(Labels(labels))
}

/// Whether a piece of a path may be a label. Only the last piece can have a slash.
fn fits(shape: &Shape, piece: &str, greedy: bool) -> bool {
    let allowed = |text: &str| match &shape.kind {
        Kind::String { pattern, .. } => pattern.as_ref().is_none_or(|it| it.matches(text)),
        Kind::Structure(_)
        | Kind::Union(_)
        | Kind::List { .. }
        | Kind::Map { .. }
        | Kind::Integer { .. }
        | Kind::Long { .. }
        | Kind::Boolean => false,
    };
    let with_slash = || greedy && text::decode(piece).is_some_and(|text| allowed(&text));
    !piece.is_empty() && (!piece.contains('/') || with_slash())
}

/// The one JSON object that the parts of a request make up, not yet checked against its shape.
///
/// A member that belongs into the path or the query is not read from the body. A number or boolean
/// in the query that does not read as one stays a text, which the shape check refuses.
pub fn parse_request(
    operation: &OperationModel,
    labels: &Labels<'_>,
    query: &str,
    body: &[u8],
) -> Result<Value, Rejection> {
    let mut input = json_object(body)?;
    if let Some(http) = &operation.http {
        input.retain(|member, _| !http.binds(member));
        read_query(http, query, &mut input)?;
    }
    for (member, raw) in &labels.0 {
        let text = text::decode(raw).ok_or_else(|| not_utf8(member))?;
        input.insert((*member).to_owned(), Value::String(text.into_owned()));
    }
    Ok(Value::Object(input))
}

fn read_query(
    http: &HttpBinding,
    query: &str,
    input: &mut Map<String, Value>,
) -> Result<(), Rejection> {
    for (name, raw) in text::parameters(query) {
        let name = text::decode(name);
        let binding = http
            .query
            .iter()
            .find(|it| name.as_deref() == Some(it.name));
        let Some(binding) = binding else {
            continue;
        };
        let text = text::decode(raw).ok_or_else(|| not_utf8(binding.member))?;
        let member = binding.member.to_owned();
        if let Kind::List { member: item, .. } = binding.shape.kind {
            let items = input.entry(member).or_insert_with(|| json!([]));
            if let Value::Array(items) = items {
                items.push(text::value(item, text.into_owned()));
            }
        } else {
            input.insert(member, text::value(binding.shape, text.into_owned()));
        }
    }
    Ok(())
}

fn not_utf8(member: &str) -> Rejection {
    Rejection::Malformed(format!("'{member}' is not percent-encoded UTF-8"))
}

/// 200 with `body`, the output as JSON.
pub fn success(request_id: &str, body: Bytes) -> Response<Bytes> {
    answer(request_id, StatusCode::OK, JSON, body)
}

/// `error` as an answer. Errors that the model gives a `Retry-After` ask for one second.
pub fn failure(request_id: &str, error: &WireError) -> Response<Bytes> {
    let mut response = json_failure(request_id, JSON, error);
    if matches!(
        error.code,
        "ThrottlingException" | "InternalServerException"
    ) {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// 400 `ValidationException`. Its `reason` is `fieldValidationFailed` if types are right but
/// constraints are violated, else `cannotParse`.
pub fn rejection(rejection: Rejection) -> WireError {
    match rejection {
        Rejection::Malformed(message) => exception("cannotParse", message),
        Rejection::WrongType(wrong) => {
            let wrong = violation::renamed(&wrong, violation::dotted);
            let message = wrong.message.clone();
            exception("cannotParse", message).with("fieldList", fields(&[wrong]))
        }
        Rejection::Invalid(violations) => validation(&violations),
    }
}

/// 400 `ValidationException` with the reason `fieldValidationFailed`. `fieldList` has each
/// violation's place, dots between its parts, and its message: `{"name": "tags.key", "message": …}`.
pub fn validation(violations: &[Violation]) -> WireError {
    let violations: Vec<Violation> = violations
        .iter()
        .map(|it| violation::renamed(it, violation::dotted))
        .collect();
    exception("fieldValidationFailed", violation::summary(&violations))
        .with("fieldList", fields(&violations))
}

fn exception(reason: &str, message: String) -> WireError {
    WireError::new("ValidationException", StatusCode::BAD_REQUEST, message).with("reason", reason)
}

fn fields(violations: &[Violation]) -> Value {
    let field = |it: &Violation| json!({ "name": it.path, "message": it.message });
    violations.iter().map(field).collect()
}

#[cfg(test)]
mod tests;
