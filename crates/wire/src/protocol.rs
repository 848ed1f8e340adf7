//! One way to read requests and write answers, whatever the protocol of the service.
//!
//! A request takes two steps: [`operation`] finds what is asked for, [`typed`] reads and checks what
//! it is asked with; [`input`] does so for whoever does not know the type. An answer takes one: [`success`] or
//! [`failure`].

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Response};
use model::shape::Shape;
use model::{OperationModel, Protocol, ServiceModel};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use crate::incoming::Incoming;

use crate::error::WireError;
use crate::rest_json::Labels;
use crate::shape_check::{Rejection, shape_check};
use crate::{aws_json, aws_query, rest_json, text};

/// An operation that a request asks for.
pub struct Found<'a> {
    /// Which.
    pub operation: &'static OperationModel,
    /// The part of the input that stands in the path, in REST only.
    labels: Labels<'a>,
}

/// Which of `operations`, those of `service` in alphabetical order, `incoming` asks for.
pub fn operation<'a>(
    service: &ServiceModel,
    operations: &'static [OperationModel],
    incoming: &Incoming<'a>,
) -> Option<Found<'a>> {
    let (operation, labels) = match service.protocol {
        Protocol::AwsJson { .. } => {
            if incoming.method != Method::POST || incoming.path != "/" {
                return None;
            }
            let name = aws_json::operation_name(service, incoming.headers)?;
            (named(operations, name)?, Labels::default())
        }
        Protocol::RestJson => {
            rest_json::route(operations, incoming.method.as_str(), incoming.path)?
        }
        Protocol::Query { .. } => {
            let name = aws_query::operation_name(service, incoming)?;
            (named(operations, &name)?, Labels::default())
        }
    };
    Some(Found { operation, labels })
}

fn named(operations: &'static [OperationModel], name: &str) -> Option<&'static OperationModel> {
    let index = operations.binary_search_by(|operation| operation.name.cmp(name));
    operations.get(index.ok()?)
}

/// The input of the operation that was found, after its shape check.
pub fn input(
    service: &ServiceModel,
    found: &Found<'_>,
    incoming: &Incoming<'_>,
) -> Result<Value, WireError> {
    let operation = found.operation;
    let value = match service.protocol {
        Protocol::AwsJson { .. } => aws_json::parse_body(incoming.body),
        Protocol::RestJson => {
            rest_json::parse_request(operation, &found.labels, incoming.query, incoming.body)
        }
        Protocol::Query { .. } => {
            let form = aws_query::form(incoming).unwrap_or_default();
            aws_query::parse_request(operation, form)
        }
    };
    value
        .and_then(|value| shape_check(operation.input, value))
        .map_err(|refused| rejection(service, refused))
}

/// The typed input of the operation that was found, after its shape check. `direct` reads the usual
/// one from its JSON, and gives up where [`crate::direct::read`] does.
pub fn typed<T: DeserializeOwned>(
    service: &ServiceModel,
    found: &Found<'_>,
    incoming: &Incoming<'_>,
    direct: impl FnOnce(&'static Shape, &[u8]) -> Option<T>,
) -> Result<T, WireError> {
    if matches!(service.protocol, Protocol::AwsJson { .. })
        && let Some(input) = direct(found.operation.input, incoming.body)
    {
        return Ok(input);
    }
    serde_json::from_value(input(service, found, incoming)?)
        .map_err(|_| WireError::serialization("The request does not have the operation's shape"))
}

/// What `service` answers to an input that is refused.
pub fn rejection(service: &ServiceModel, refused: Rejection) -> WireError {
    match service.protocol {
        Protocol::AwsJson { .. } => aws_json::rejection(refused),
        Protocol::RestJson => rest_json::rejection(refused),
        Protocol::Query { .. } => aws_query::rejection(refused),
    }
}

/// 200 with `output`, which is the output as JSON, in the form of `service`.
pub fn success(
    service: &ServiceModel,
    operation: &OperationModel,
    request_id: &str,
    output: Bytes,
) -> Response<Bytes> {
    match service.protocol {
        Protocol::AwsJson { .. } => aws_json::success(request_id, output),
        Protocol::RestJson => rest_json::success(request_id, output),
        Protocol::Query { namespace, .. } => match serde_json::from_slice(&output) {
            Ok(output) => aws_query::success(request_id, operation, namespace, &output),
            Err(_) => aws_query::failure(request_id, namespace, &WireError::internal()),
        },
    }
}

/// `error` in the form of `service`; as AWS JSON if it is not known which service was meant.
pub fn failure(
    service: Option<&ServiceModel>,
    request_id: &str,
    error: &WireError,
) -> Response<Bytes> {
    match service.map(|service| &service.protocol) {
        Some(Protocol::AwsJson { .. }) | None => aws_json::failure(request_id, error),
        Some(Protocol::RestJson) => rest_json::failure(request_id, error),
        Some(Protocol::Query { namespace, .. }) => aws_query::failure(request_id, namespace, error),
    }
}

/// Whether `incoming` says that it is signed for `service`: its credential scope ends in
/// `/<signing name>/aws4_request`. The signature is not verified.
///
/// This tells in which form to refuse a request that asks for no operation of any service.
pub fn signed_for(service: &ServiceModel, incoming: &Incoming<'_>) -> bool {
    let end = format!("/{}/aws4_request", service.signing_name);
    let header = incoming.headers.get(AUTHORIZATION);
    let in_header = header.and_then(|value| {
        let (_, credential) = value.to_str().ok()?.split_once("Credential=")?;
        Some(credential.split(',').next()?.trim().ends_with(&end))
    });
    in_header.unwrap_or_else(|| {
        text::parameters(incoming.query)
            .filter(|(name, _)| *name == "X-Amz-Credential")
            .any(|(_, value)| text::decode(value).is_some_and(|value| value.ends_with(&end)))
    })
}

#[cfg(test)]
mod tests;
