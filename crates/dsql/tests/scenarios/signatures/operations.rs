//! The table of the operations.

use serde_json::{Value, json};

use super::{Call, World};

/// What an operation does for another account than the one that the input's resources are of.
pub(super) enum Elsewhere {
    /// There is no such cluster in its own world.
    NotFound,
    /// It has a world of its own.
    Own,
    /// The input names the account, and that is not the caller's.
    Denied,
    /// The input names another resource of the account, which can never be right.
    Refused,
}

use Elsewhere::{Denied, NotFound, Own, Refused};

/// An operation: its name, a minimal valid request, and what it does for another account.
type Row = (&'static str, fn(&World) -> Call, Elsewhere);

fn about(world: &World, method: &'static str, rest: &str, body: Value) -> Call {
    Call(method, format!("/cluster/{}{rest}", world.cluster), body)
}

fn of_stream(world: &World, method: &'static str) -> Call {
    let path = format!("/stream/{}/{}", world.cluster, world.stream);
    Call(method, path, Value::Null)
}

fn new_stream(world: &World) -> Call {
    let body = json!({
        "targetDefinition": {"kinesis": {
            "streamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/changes",
            "roleArn": "arn:aws:iam::111122223333:role/delivery",
        }},
        "ordering": "UNORDERED",
        "format": "JSON",
    });
    Call("POST", format!("/stream/{}", world.cluster), body)
}

fn service_name(world: &World) -> Call {
    let path = format!("/clusters/{}/vpc-endpoint-service-name", world.cluster);
    Call("GET", path, Value::Null)
}

fn put_policy(world: &World) -> Call {
    let body = json!({ "policy": crate::common::denying(&["dsql:DbConnect"]) });
    about(world, "POST", "/policy", body)
}

pub(super) const OPERATIONS: &[Row] = &[
    (
        "CreateCluster",
        |_| Call("POST", "/cluster".to_owned(), json!({})),
        Own,
    ),
    ("CreateStream", new_stream, Refused),
    (
        "DeleteCluster",
        |w| about(w, "DELETE", "", Value::Null),
        NotFound,
    ),
    (
        "DeleteClusterPolicy",
        |w| about(w, "DELETE", "/policy", Value::Null),
        NotFound,
    ),
    ("DeleteStream", |w| of_stream(w, "DELETE"), NotFound),
    ("GetCluster", |w| about(w, "GET", "", Value::Null), NotFound),
    (
        "GetClusterPolicy",
        |w| about(w, "GET", "/policy", Value::Null),
        NotFound,
    ),
    ("GetStream", |w| of_stream(w, "GET"), NotFound),
    ("GetVpcEndpointServiceName", service_name, NotFound),
    (
        "ListClusters",
        |_| Call("GET", "/cluster".to_owned(), Value::Null),
        Own,
    ),
    (
        "ListStreams",
        |w| Call("GET", format!("/stream/{}", w.cluster), Value::Null),
        NotFound,
    ),
    (
        "ListTagsForResource",
        |w| Call("GET", w.tags(), Value::Null),
        Denied,
    ),
    ("PutClusterPolicy", put_policy, NotFound),
    (
        "TagResource",
        |w| Call("POST", w.tags(), json!({"tags": {"team": "blue"}})),
        Denied,
    ),
    (
        "UntagResource",
        |w| {
            Call(
                "DELETE",
                format!("{}?tagKeys=a&tagKeys=team", w.tags()),
                Value::Null,
            )
        },
        Denied,
    ),
    (
        "UpdateCluster",
        |w| about(w, "POST", "", json!({"deletionProtectionEnabled": true})),
        NotFound,
    ),
];
