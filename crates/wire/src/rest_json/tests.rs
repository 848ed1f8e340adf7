use model::dsql::OPERATIONS;
use serde_json::json;

use super::*;

const ID: &str = "abcdefghijklmnopqrstuvwxyz";
const ENCODED: &str =
    "arn%3Aaws%3Adsql%3Aus-east-1%3A123456789012%3Acluster%2Fabcdefghijklmnopqrstuvwxyz";
const PLAIN: &str = "arn:aws:dsql:us-east-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz";

fn operation(name: &str) -> &'static OperationModel {
    OPERATIONS.iter().find(|it| it.name == name).unwrap()
}

fn parse(name: &str, labels: &Labels<'_>, query: &str, body: &str) -> Result<Value, Rejection> {
    parse_request(operation(name), labels, query, body.as_bytes())
}

#[test]
fn method_and_path_name_the_operation() {
    let id = Labels(vec![("identifier", ID)]);
    let cluster = Labels(vec![("clusterIdentifier", ID)]);
    let stream = Labels(vec![("clusterIdentifier", ID), ("streamIdentifier", "s")]);
    let tags = Labels(vec![("resourceArn", ENCODED)]);
    let (of_cluster, policy) = (format!("/cluster/{ID}"), format!("/cluster/{ID}/policy"));
    let (of_stream, streams) = (format!("/stream/{ID}/s"), format!("/stream/{ID}"));
    let (of_tags, vpc) = (
        format!("/tags/{ENCODED}"),
        format!("/clusters/{ID}/vpc-endpoint-service-name"),
    );
    let cases = [
        ("POST", "/cluster", "CreateCluster", &Labels(vec![])),
        ("POST", &streams, "CreateStream", &cluster),
        ("DELETE", &of_cluster, "DeleteCluster", &id),
        ("DELETE", &policy, "DeleteClusterPolicy", &id),
        ("DELETE", &of_stream, "DeleteStream", &stream),
        ("GET", &of_cluster, "GetCluster", &id),
        ("GET", &policy, "GetClusterPolicy", &id),
        ("GET", &of_stream, "GetStream", &stream),
        ("GET", &vpc, "GetVpcEndpointServiceName", &id),
        ("GET", "/cluster", "ListClusters", &Labels(vec![])),
        ("GET", &streams, "ListStreams", &cluster),
        ("GET", &of_tags, "ListTagsForResource", &tags),
        ("POST", &policy, "PutClusterPolicy", &id),
        ("POST", &of_tags, "TagResource", &tags),
        ("DELETE", &of_tags, "UntagResource", &tags),
        ("POST", &of_cluster, "UpdateCluster", &id),
    ];
    let routed = cases.each_ref().map(|(_, _, name, _)| *name);
    assert!(OPERATIONS.iter().map(|it| it.name).eq(routed));
    for (method, path, name, labels) in cases {
        let (found, found_labels) = route(OPERATIONS, method, path).unwrap();
        assert_eq!(
            (found.name, &found_labels),
            (name, labels),
            "{method} {path}"
        );
    }
}

#[test]
fn other_requests_name_no_operation() {
    for (method, path) in [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "*"),
        ("GET", "cluster"),
        ("PUT", "/cluster"),
        ("get", "/cluster"),
        ("GET", "/clusters"),
        ("GET", "/Cluster"),
        ("GET", "/cluster/"),
        ("GET", "//cluster"),
        ("GET", "/cluster//policy"),
        ("GET", "/cluster/a/"),
        ("GET", "/cluster/a/polic"),
        ("GET", "/cluster/a/policy/"),
        ("GET", "/cluster/a/policy/b"),
        ("GET", "/clusters/a"),
        ("GET", "/cluster/a/vpc-endpoint-service-name"),
        ("PUT", "/cluster/a/policy"),
        ("POST", "/stream/a/b"),
        ("GET", "/stream/a/b/c"),
        ("GET", "/stream"),
        ("GET", "/tags"),
        ("GET", "/tags/"),
        ("GET", "/tags/a/b"),
        ("GET", "/tags/arn/%FF"),
        ("GET", "/%63luster"),
    ] {
        assert!(route(OPERATIONS, method, path).is_none(), "{method} {path}");
    }
}

#[test]
fn labels_are_decoded_after_the_path_was_cut() {
    for (path, arn) in [
        (ENCODED.to_owned(), PLAIN.to_owned()),
        (PLAIN.to_owned(), PLAIN.to_owned()),
        (PLAIN.replace(':', "%3a"), PLAIN.to_owned()),
        (
            format!("{PLAIN}/stream/{ID}"),
            format!("{PLAIN}/stream/{ID}"),
        ),
        (
            format!("{ENCODED}%2Fstream/{ID}"),
            format!("{PLAIN}/stream/{ID}"),
        ),
        ("arn%3A%252F".to_owned(), "arn:%2F".to_owned()),
        ("arn:a+b%20c%C3%A4".to_owned(), "arn:a+b cä".to_owned()),
        ("no-arn".to_owned(), "no-arn".to_owned()),
    ] {
        let path = format!("/tags/{path}");
        let (found, labels) = route(OPERATIONS, "GET", &path).unwrap();
        assert_eq!(found.name, "ListTagsForResource");
        assert_eq!(
            parse_request(found, &labels, "", b""),
            Ok(json!({"resourceArn": arn})),
            "{path}"
        );
    }
}

#[test]
fn the_query_carries_members_under_their_own_names() {
    let none = Labels::default();
    for (name, query, input) in [
        ("ListClusters", "", json!({})),
        (
            "ListClusters",
            "max-results=5&next-token=a%2B%2F%3D",
            json!({"maxResults": 5, "nextToken": "a+/="}),
        ),
        (
            "ListClusters",
            "next-token=a+b",
            json!({"nextToken": "a+b"}),
        ),
        ("ListClusters", "next%2Dtoken=a", json!({"nextToken": "a"})),
        ("ListClusters", "next-token", json!({"nextToken": ""})),
        (
            "ListClusters",
            "max-results=ten",
            json!({"maxResults": "ten"}),
        ),
        (
            "ListClusters",
            "max-results=1&max-results=2",
            json!({"maxResults": 2}),
        ),
        (
            "ListClusters",
            "maxResults=1&Max-Results=2&X-Amz-Date=3&%FF=4",
            json!({}),
        ),
        (
            "DeleteClusterPolicy",
            "expected-policy-version=7&client-token=t",
            json!({"expectedPolicyVersion": "7", "clientToken": "t"}),
        ),
        (
            "UntagResource",
            "tagKeys=a%20b&tagKeys=c%2Bd%2Fe&tagKeys=",
            json!({"tagKeys": ["a b", "c+d/e", ""]}),
        ),
        ("GetCluster", "identifier=x&client-token=t", json!({})),
    ] {
        assert_eq!(parse(name, &none, query, ""), Ok(input), "{name} {query}");
    }
}

#[test]
fn the_body_carries_only_members_without_a_place_of_their_own() {
    let id = Labels(vec![("identifier", ID)]);
    for (name, body, input) in [
        ("UpdateCluster", "", json!({"identifier": ID})),
        ("UpdateCluster", "{}", json!({"identifier": ID})),
        (
            "UpdateCluster",
            r#"{"identifier": "other", "clientToken": "t"}"#,
            json!({"identifier": ID, "clientToken": "t"}),
        ),
        (
            "DeleteCluster",
            r#"{"clientToken": "t", "client-token": "t"}"#,
            json!({"identifier": ID, "client-token": "t"}),
        ),
    ] {
        assert_eq!(parse(name, &id, "", body), Ok(input), "{name} {body}");
    }
    let id = Labels(vec![("identifier", ID)]);
    assert_eq!(
        parse("UpdateCluster", &id, "clientToken=q&client-token=q", ""),
        Ok(json!({"identifier": ID}))
    );
}

#[test]
fn what_cannot_be_read_is_malformed() {
    let bad = Labels(vec![("identifier", "%FF")]);
    let none = Labels::default();
    for (labels, query, body, part) in [
        (&bad, "", "", "identifier"),
        (&none, "client-token=%FF", "", "clientToken"),
        (&none, "", "[]", "body"),
        (&none, "", "null", "body"),
        (&none, "", "{", "body"),
    ] {
        let Err(Rejection::Malformed(message)) = parse("DeleteCluster", labels, query, body) else {
            panic!("{query} {body}")
        };
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_success_is_json() {
    let response = success("id-1", Bytes::from_static(b"{}"));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body().as_ref(), b"{}");
    let header = |name| response.headers().get(name).unwrap();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-amzn-requestid"), "id-1");
    assert_eq!(response.headers().len(), 2);
}

#[test]
fn a_failure_has_its_code_in_a_header_and_its_members_in_the_body() {
    let error = WireError::new("ResourceNotFoundException", StatusCode::NOT_FOUND, "no")
        .with("resourceId", "c1")
        .with("resourceType", "cluster");
    let response = failure("id-2", &error);
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap(),
        json!({
            "__type": "ResourceNotFoundException",
            "message": "no",
            "resourceId": "c1",
            "resourceType": "cluster",
        })
    );
    let header = |name| response.headers().get(name).unwrap();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-amzn-requestid"), "id-2");
    assert_eq!(header("x-amzn-errortype"), "ResourceNotFoundException");
}

#[test]
fn errors_that_pass_say_when_to_come_back() {
    for (code, after) in [
        ("ThrottlingException", Some("1")),
        ("InternalServerException", Some("1")),
        ("ConflictException", None),
        ("ServiceUnavailableException", None),
    ] {
        let error = WireError::new(code, StatusCode::TOO_MANY_REQUESTS, "");
        let response = failure("id", &error);
        let header = response.headers().get(RETRY_AFTER);
        assert_eq!(header.map(|it| it.to_str().unwrap()), after, "{code}");
    }
}

#[test]
fn a_rejection_is_a_validation_exception_with_a_reason() {
    let violation = |path: &str| Violation {
        path: path.to_owned(),
        message: format!("Value at '{path}' is bad"),
    };
    let field = |name: &str| json!({"name": name, "message": format!("Value at '{name}' is bad")});
    for (refused, reason, message, fields) in [
        (
            Rejection::Malformed("no JSON".to_owned()),
            "cannotParse",
            "no JSON",
            None,
        ),
        (
            Rejection::WrongType(violation("/tags/key")),
            "cannotParse",
            "Value at 'tags.key' is bad",
            Some(json!([field("tags.key")])),
        ),
        (
            Rejection::Invalid(vec![violation("/identifier")]),
            "fieldValidationFailed",
            "1 validation error detected: Value at 'identifier' is bad",
            Some(json!([field("identifier")])),
        ),
        (
            Rejection::Invalid(vec![
                violation("/identifier"),
                violation("/multiRegionProperties/clusters/0"),
            ]),
            "fieldValidationFailed",
            "2 validation errors detected: Value at 'identifier' is bad; \
             Value at 'multiRegionProperties.clusters.0' is bad",
            Some(json!([
                field("identifier"),
                field("multiRegionProperties.clusters.0")
            ])),
        ),
    ] {
        let error = rejection(refused);
        assert_eq!(
            (error.code, error.status.as_u16()),
            ("ValidationException", 400)
        );
        assert_eq!(error.message, message);
        assert_eq!(error.members.get("reason"), Some(&json!(reason)));
        assert_eq!(error.members.get("fieldList"), fields.as_ref());
    }
}
