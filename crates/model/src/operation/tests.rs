use std::collections::BTreeSet;

use super::*;
use crate::shape::Kind;
use crate::{dsql, sts, verified_permissions};

const SERVICES: &[(&ServiceModel, &[OperationModel])] = &[
    (&dsql::SERVICE, dsql::OPERATIONS),
    (&sts::SERVICE, sts::OPERATIONS),
    (
        &verified_permissions::SERVICE,
        verified_permissions::OPERATIONS,
    ),
];

#[test]
fn every_service_has_its_operations_in_alphabetical_order_each_with_its_input() {
    for ((service, operations), (name, count, suffix)) in SERVICES.iter().zip([
        ("Amazon Aurora DSQL", 16, "Input"),
        ("AWS Security Token Service", 2, "Request"),
        ("Amazon Verified Permissions", 34, "Input"),
    ]) {
        assert_eq!((service.name, operations.len()), (name, count));
        assert!(operations.is_sorted_by(|one, next| one.name < next.name));
        for operation in *operations {
            assert_eq!(operation.input.name, format!("{}{suffix}", operation.name));
            assert!(
                matches!(operation.input.kind, Kind::Structure(_)),
                "{}",
                operation.name
            );
        }
    }
}

#[test]
fn every_service_has_the_names_that_its_clients_use() {
    let names = SERVICES
        .iter()
        .map(|(service, _)| (service.signing_name, service.endpoint_prefix));
    assert!(names.eq([
        ("dsql", "dsql"),
        ("sts", "sts"),
        ("verifiedpermissions", "verifiedpermissions"),
    ]));
    assert!(matches!(dsql::SERVICE.protocol, Protocol::RestJson));
    assert!(matches!(
        sts::SERVICE.protocol,
        Protocol::Query {
            version: "2011-06-15",
            namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    ));
    assert!(matches!(
        verified_permissions::SERVICE.protocol,
        Protocol::AwsJson {
            target_prefix: "VerifiedPermissions",
            content_type: "application/x-amz-json-1.0",
        }
    ));
}

#[test]
fn these_operations_have_a_client_token() {
    let with_token = |operations: &'static [OperationModel]| {
        let with_token = operations
            .iter()
            .filter(|operation| operation.has_client_token);
        with_token
            .map(|operation| operation.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        with_token(verified_permissions::OPERATIONS),
        [
            "CreateIdentitySource",
            "CreatePolicy",
            "CreatePolicyStore",
            "CreatePolicyTemplate"
        ]
    );
    assert_eq!(
        with_token(dsql::OPERATIONS),
        [
            "CreateCluster",
            "CreateStream",
            "DeleteCluster",
            "DeleteClusterPolicy",
            "DeleteStream",
            "PutClusterPolicy",
            "UpdateCluster",
        ]
    );
    assert_eq!(with_token(sts::OPERATIONS), [""; 0]);
}

#[test]
fn errors_are_listed_by_their_code_on_the_wire() {
    let operation = sts::OPERATIONS.first().unwrap();
    assert_eq!(
        operation.errors,
        [
            "MalformedPolicyDocument",
            "PackedPolicyTooLarge",
            "RegionDisabledException",
            "ExpiredTokenException",
        ]
    );
}

/// Operation, method, path and query parameters, as in the API reference.
const DSQL: &[(&str, &str, &str, &[&str])] = &[
    ("CreateCluster", "POST", "/cluster", &[]),
    ("CreateStream", "POST", "/stream/{clusterIdentifier}", &[]),
    (
        "DeleteCluster",
        "DELETE",
        "/cluster/{identifier}",
        &["client-token"],
    ),
    (
        "DeleteClusterPolicy",
        "DELETE",
        "/cluster/{identifier}/policy",
        &["expected-policy-version", "client-token"],
    ),
    (
        "DeleteStream",
        "DELETE",
        "/stream/{clusterIdentifier}/{streamIdentifier}",
        &["client-token"],
    ),
    ("GetCluster", "GET", "/cluster/{identifier}", &[]),
    (
        "GetClusterPolicy",
        "GET",
        "/cluster/{identifier}/policy",
        &[],
    ),
    (
        "GetStream",
        "GET",
        "/stream/{clusterIdentifier}/{streamIdentifier}",
        &[],
    ),
    (
        "GetVpcEndpointServiceName",
        "GET",
        "/clusters/{identifier}/vpc-endpoint-service-name",
        &[],
    ),
    (
        "ListClusters",
        "GET",
        "/cluster",
        &["max-results", "next-token"],
    ),
    (
        "ListStreams",
        "GET",
        "/stream/{clusterIdentifier}",
        &["max-results", "next-token"],
    ),
    ("ListTagsForResource", "GET", "/tags/{resourceArn}", &[]),
    (
        "PutClusterPolicy",
        "POST",
        "/cluster/{identifier}/policy",
        &[],
    ),
    ("TagResource", "POST", "/tags/{resourceArn}", &[]),
    (
        "UntagResource",
        "DELETE",
        "/tags/{resourceArn}",
        &["tagKeys"],
    ),
    ("UpdateCluster", "POST", "/cluster/{identifier}", &[]),
];

#[test]
fn every_operation_of_dsql_has_its_method_path_and_query() {
    let found: Vec<_> = dsql::OPERATIONS
        .iter()
        .map(|operation| {
            let http = operation.http.as_ref().unwrap();
            let path: String = http.path.iter().map(segment).collect();
            let query: Vec<_> = http.query.iter().map(|binding| binding.name).collect();
            (operation.name, http.method, path, query)
        })
        .collect();
    let expected: Vec<_> = DSQL
        .iter()
        .map(|(name, method, path, query)| (*name, *method, (*path).to_owned(), query.to_vec()))
        .collect();
    assert_eq!(found, expected);
}

fn segment(segment: &Segment) -> String {
    match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Label { member, .. } => format!("/{{{member}}}"),
    }
}

#[test]
fn a_binding_knows_its_members_and_names_only_members_of_the_input() {
    for (_, operations) in SERVICES {
        for operation in *operations {
            let Some(http) = &operation.http else {
                continue;
            };
            let Kind::Structure(members) = operation.input.kind else {
                panic!("an input is a structure")
            };
            let bound = members.iter().filter(|member| http.binds(member.name));
            let bound: BTreeSet<_> = bound.map(|member| member.name).collect();
            let labels = http.path.iter().filter_map(|segment| match segment {
                Segment::Literal(_) => None,
                Segment::Label { member, .. } => Some(*member),
            });
            let queries = http.query.iter().map(|binding| binding.member);
            assert_eq!(bound, labels.chain(queries).collect(), "{}", operation.name);
        }
    }
}

#[test]
fn only_a_rest_service_has_bindings() {
    for (service, operations) in SERVICES {
        let rest = matches!(service.protocol, Protocol::RestJson);
        let bound = |operation: &OperationModel| operation.http.is_some() == rest;
        assert!(operations.iter().all(bound), "{}", service.name);
    }
}
