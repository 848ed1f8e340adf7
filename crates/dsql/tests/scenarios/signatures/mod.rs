//! Every operation of the model against every fault of a signature, and for another account: raw
//! requests, since the SDK would not send them.

mod operations;

use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{ADMIN, App, FAULTS, OTHER_ACCOUNT, Signer, User};

use crate::common::{active, arn};
use crate::streams;
use operations::{Elsewhere, OPERATIONS};

/// A request to be signed: method, path with query, and body.
struct Call(&'static str, String, Value);

/// A cluster with a stream and a policy.
struct World {
    app: App,
    cluster: String,
    stream: String,
}

impl World {
    async fn new() -> Self {
        let app = App::new();
        let client = app.dsql(ADMIN);
        let cluster = active(&app, &client).await;
        let stream = streams::create(&client, &cluster).send().await.unwrap();
        let policy = crate::common::denying(&["dsql:InjectError"]);
        let put = client
            .put_cluster_policy()
            .identifier(&cluster)
            .policy(policy);
        put.send().await.unwrap();
        Self {
            app,
            cluster,
            stream: stream.stream_identifier,
        }
    }

    fn signer(&self, user: User) -> Signer {
        Signer {
            service: "dsql",
            ..self.app.signer(user)
        }
    }

    async fn call(&self, user: User, call: &Call) -> (u16, Value) {
        let response = self.app.send(self.signer(user).sign(unsigned(call))).await;
        let status = response.status().as_u16();
        (status, serde_json::from_slice(response.body()).unwrap())
    }

    /// The path of a tag operation.
    fn tags(&self) -> String {
        format!(
            "/tags/{}",
            arn(&self.cluster).replace(':', "%3A").replace('/', "%2F")
        )
    }

    /// All that the administrator can see.
    async fn state(&self) -> Vec<(u16, Value)> {
        let id = &self.cluster;
        let mut state = Vec::new();
        for path in [
            "/cluster".to_owned(),
            format!("/cluster/{id}"),
            format!("/cluster/{id}/policy"),
            format!("/stream/{id}"),
            self.tags(),
        ] {
            state.push(self.call(ADMIN, &Call("GET", path, Value::Null)).await);
        }
        state
    }
}

fn unsigned(Call(method, path, body): &Call) -> http::Request<Bytes> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    http::Request::builder()
        .method(*method)
        .uri(path)
        .header("host", "treeline.test:4100")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

#[test]
fn the_table_has_every_operation_of_the_model_and_no_other() {
    let modelled: Vec<_> = model::dsql::OPERATIONS
        .iter()
        .map(|operation| operation.name)
        .collect();
    let tested: Vec<_> = OPERATIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        tested, modelled,
        "give OPERATIONS in tests/scenarios/signatures/operations.rs a row for every operation"
    );
    assert_eq!(tested.len(), 16);
}

#[tokio::test]
async fn no_operation_works_without_a_good_signature() {
    let world = World::new().await;
    let before = world.state().await;
    for (operation, request, _) in OPERATIONS {
        for fault in FAULTS {
            let request = (fault.send)(world.signer(ADMIN), unsigned(&request(&world)));
            let response = world.app.send(request).await;
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            let what = format!("{operation} with {}: {body}", fault.name);
            assert_eq!(response.status(), 403, "{what}");
            assert_eq!(response.headers()["x-amzn-errortype"], fault.code, "{what}");
            assert!(
                body["message"].as_str().unwrap().starts_with(fault.message),
                "{what}"
            );
        }
    }
    assert_eq!(world.state().await, before);
}

/// Path and query are part of what is signed.
#[tokio::test]
async fn a_signature_is_for_one_path_and_query() {
    let world = World::new().await;
    let before = world.state().await;
    for (operation, request, _) in OPERATIONS {
        let signed = world.signer(ADMIN).sign(unsigned(&request(&world)));
        let path = signed.uri().to_string();
        let more = if path.contains('?') { '&' } else { '?' };
        for moved in [
            format!("{path}{more}client-token=other"),
            format!("{path}/policy"),
        ] {
            let mut request = signed.clone();
            *request.uri_mut() = moved.parse().unwrap();
            let status = world.app.send(request).await.status();
            assert!(
                status == 403 || status == 404,
                "{operation} {moved}: {status}"
            );
        }
    }
    assert_eq!(world.state().await, before);
}

/// Also shows that the requests of the table are valid.
#[tokio::test]
async fn every_operation_works_with_a_good_signature_for_the_owner() {
    for (operation, request, _) in OPERATIONS {
        let world = World::new().await;
        let (status, body) = world.call(ADMIN, &request(&world)).await;
        assert_eq!(status, 200, "{operation}: {body}");
    }
}

#[tokio::test]
async fn another_accounts_resources_do_not_exist() {
    let world = World::new().await;
    let before = world.state().await;
    for (operation, request, elsewhere) in OPERATIONS {
        let (status, body) = world.call(OTHER_ACCOUNT, &request(&world)).await;
        let what = format!("{operation}: {body}");
        match elsewhere {
            Elsewhere::Own => assert_eq!(status, 200, "{what}"),
            Elsewhere::NotFound => {
                assert_eq!(status, 404, "{what}");
                assert_eq!(body["resourceType"], "cluster", "{what}");
                assert_eq!(body["resourceId"], json!(world.cluster), "{what}");
            }
            Elsewhere::Denied => {
                assert_eq!(status, 403, "{what}");
                let message = "User: arn:aws:iam::444455556666:user/admin is not authorized to \
                               access this resource";
                assert_eq!(body["message"], message, "{what}");
            }
            Elsewhere::Refused => assert_eq!(status, 400, "{what}"),
        }
    }
    assert_eq!(world.state().await, before);
}
