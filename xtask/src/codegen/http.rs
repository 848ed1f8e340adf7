//! Where a REST operation's input stands in the request.

use std::fmt::Write as _;

use super::names::screaming;
use super::service_model::{Location, Operation, Ordered, ServiceModel, Shape, ShapeRef};

/// The text of an operation's `HttpBinding`.
pub(super) fn binding(
    model: &ServiceModel,
    operation: &Operation,
    members: &Ordered<ShapeRef>,
) -> Result<String, String> {
    Ok(format!(
        "HttpBinding {{ method: {:?}, path: &[{}], query: &[{}] }}",
        operation.http.method,
        path(model, &operation.http.request_uri, members)?,
        query(model, members)?,
    ))
}

/// Fails if something of the input would stand outside the body.
pub(super) fn none(operation: &Operation, members: &Ordered<ShapeRef>) -> Result<(), String> {
    let http = &operation.http;
    if http.method != "POST" || http.request_uri != "/" {
        return Err("only a REST operation may have a path".to_owned());
    }
    match members.0.iter().find(|(_, it)| it.location.is_some()) {
        Some((member, _)) => Err(format!("{member} has a location, but there is no REST")),
        None => Ok(()),
    }
}

fn path(model: &ServiceModel, uri: &str, members: &Ordered<ShapeRef>) -> Result<String, String> {
    let segments = uri.strip_prefix('/').ok_or("the path is not absolute")?;
    if segments.contains(['?', '+', '#']) {
        return Err(format!("the path {uri} is not supported"));
    }
    let mut text = String::new();
    for segment in segments.split('/') {
        let label = segment
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'));
        let _ = match label {
            None => write!(text, "Segment::Literal({segment:?}),"),
            Some(label) => {
                let found = at(members, Location::Uri).find(|(_, name, _)| *name == label);
                let (member, _, shape) = found.ok_or_else(|| format!("no member for {segment}"))?;
                if !matches!(model.shape(shape)?, Shape::String { .. }) {
                    return Err(format!("{member} stands in the path but is no string"));
                }
                write!(
                    text,
                    "Segment::Label {{ member: {member:?}, shape: &shapes::{} }},",
                    screaming(shape)
                )
            }
        };
    }
    if at(members, Location::Header).next().is_some() {
        return Err("a header in an input is not supported".to_owned());
    }
    Ok(text)
}

fn query(model: &ServiceModel, members: &Ordered<ShapeRef>) -> Result<String, String> {
    let mut text = String::new();
    for (member, name, shape) in at(members, Location::QueryString) {
        if matches!(
            model.shape(shape)?,
            Shape::Structure { .. } | Shape::Map { .. } | Shape::Timestamp { .. }
        ) {
            return Err(format!("{member} cannot stand in the query"));
        }
        let _ = write!(
            text,
            "QueryBinding {{ name: {name:?}, member: {member:?}, shape: &shapes::{} }},",
            screaming(shape)
        );
    }
    Ok(text)
}

/// The members at a place: each with its name there and its shape.
fn at(members: &Ordered<ShapeRef>, location: Location) -> impl Iterator<Item = (&str, &str, &str)> {
    let members = members.0.iter();
    let there = members.filter(move |(_, it)| it.location == Some(location));
    there.map(|(member, it)| {
        let name = it.location_name.as_ref().unwrap_or(member);
        (member.as_str(), name.as_str(), it.shape.as_str())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What becomes of an operation with this path and these members, all of them of shape `Text`
    /// unless they name another.
    fn bound(uri: &str, members: &Value) -> Result<String, String> {
        let model = json!({
            "metadata": {
                "serviceFullName": "S", "endpointPrefix": "s", "protocol": "rest-json",
                "apiVersion": "1",
            },
            "operations": {
                "Op": {"http": {"method": "GET", "requestUri": uri}, "input": {"shape": "In"}},
            },
            "shapes": {
                "In": {"type": "structure", "members": members},
                "Text": {"type": "string"},
                "Number": {"type": "integer"},
            },
        });
        let model: ServiceModel = serde_json::from_value(model).map_err(|e| e.to_string())?;
        let operation = model.operations.get("Op").ok_or("no operation")?;
        let Shape::Structure { members, .. } = model.shape("In")? else {
            return Err("no structure".to_owned());
        };
        binding(&model, operation, members)
    }

    #[test]
    fn members_are_bound_under_the_names_that_they_have_there() {
        let members = json!({
            "a": {"shape": "Text", "location": "uri", "locationName": "label"},
            "b": {"shape": "Number", "location": "querystring", "locationName": "b-name"},
            "c": {"shape": "Text", "location": "querystring"},
            "d": {"shape": "Text"},
        });
        assert_eq!(
            bound("/x/{label}", &members).unwrap(),
            "HttpBinding { method: \"GET\", path: &[Segment::Literal(\"x\"),\
             Segment::Label { member: \"a\", shape: &shapes::TEXT },], \
             query: &[QueryBinding { name: \"b-name\", member: \"b\", shape: &shapes::NUMBER },\
             QueryBinding { name: \"c\", member: \"c\", shape: &shapes::TEXT },] }"
        );
    }

    #[test]
    fn what_the_server_could_not_read_is_refused() {
        let a = |shape: &str, location: &str| json!({"a": {"shape": shape, "location": location}});
        for (uri, members) in [
            ("x", json!({})),
            ("/x?y", json!({})),
            ("/{a+}", a("Text", "uri")),
            ("/{b}", a("Text", "uri")),
            ("/{a}", a("Number", "uri")),
            ("/x", a("Text", "header")),
            ("/x", a("In", "querystring")),
            ("/x", a("Unknown", "querystring")),
        ] {
            assert!(bound(uri, &members).is_err(), "{uri} {members}");
        }
    }
}
