//! Who may call: what each operation asks of IAM, and what a cluster's policy does.

mod operations;
mod policies;

use aws_sdk_dsql::Client;
use serde_json::{Value, json};
use testkit::{ADMIN, App, LIMITED, OTHER_ACCOUNT, limited_to};

use crate::common::{arn_in, denying, multi_region, outcome, pass};
use crate::streams;
use operations::{CASES, call};

/// What the operations need in order to have something to do.
pub(super) struct World {
    pub(super) app: App,
    /// An active cluster with a policy and a customer's key.
    pub(super) cluster: String,
    /// A stream of it.
    pub(super) stream: String,
    /// An unlinked multi-Region cluster, and the one in another Region that names it.
    pub(super) one: String,
    pub(super) other: String,
    /// A multi-Region cluster that names `other`.
    pub(super) naming: String,
}

pub(super) const WITNESS: &str = "us-west-2";
pub(super) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

impl World {
    pub(super) async fn new() -> Self {
        let app = App::new();
        let (east, ohio) = (app.dsql(ADMIN), app.dsql_in(ADMIN, "us-east-2"));
        let call = east.create_cluster().deletion_protection_enabled(false);
        let call = call.kms_encryption_key(KEY).tags("stage", "test");
        let cluster = call
            .policy(denying(&["dsql:InjectError"]))
            .send()
            .await
            .unwrap()
            .identifier;
        let create = |client: &Client, peers: Vec<String>| {
            let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
            let call = client.create_cluster();
            let call = call.multi_region_properties(multi_region(Some(WITNESS), &peers));
            async move { call.send().await.unwrap().identifier }
        };
        let one = create(&east, Vec::new()).await;
        let other = create(&ohio, vec![arn_in("us-east-1", &one)]).await;
        let naming = create(&east, vec![arn_in("us-east-2", &other)]).await;
        pass(&app, 2_000);
        let stream = streams::create(&east, &cluster).tags("stage", "test");
        let stream = stream.send().await.unwrap().stream_identifier;
        Self {
            app,
            cluster,
            stream,
            one,
            other,
            naming,
        }
    }

    /// Fills the names in: `{cluster}` is the ARN of the cluster.
    pub(super) fn arn(&self, template: &str) -> String {
        let cluster = arn_in("us-east-1", &self.cluster);
        template
            .replace("{stream}", &format!("{cluster}/stream/{}", self.stream))
            .replace("{cluster}", &cluster)
            .replace("{new}", &arn_in("us-east-1", "*"))
            .replace("{one}", &arn_in("us-east-1", &self.one))
            .replace("{naming}", &arn_in("us-east-1", &self.naming))
            .replace("{other}", &arn_in("us-east-2", &self.other))
    }

    /// Gives the limited user these permissions: actions with resources.
    pub(super) fn allow(&self, permissions: &[(&str, &str)]) {
        let statements: Vec<Value> = permissions
            .iter()
            .map(|(action, resource)| {
                json!({ "Effect": "Allow", "Action": action, "Resource": self.arn(resource) })
            })
            .collect();
        self.app.reload(&limited_to(&json!(statements)));
    }
}

#[tokio::test]
async fn every_operation_works_with_exactly_its_permissions() {
    for (name, permissions) in CASES {
        let world = World::new().await;
        world.allow(permissions);
        let client = world.app.dsql(LIMITED);
        let done = call(&world, name, &client).await;
        assert_eq!(done, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn without_any_one_of_them_it_is_refused_and_the_action_named() {
    for (name, permissions) in CASES {
        let world = World::new().await;
        let client = world.app.dsql(LIMITED);
        for missing in 0..permissions.len() {
            let (action, resource) = permissions[missing];
            let rest = [&permissions[..missing], &permissions[missing + 1..]].concat();
            world.allow(&rest);
            let refused = call(&world, name, &client).await.unwrap_err();
            refused.assert_denied(action);
            let resource = world.arn(resource);
            let message = format!("on resource: {resource} because no identity-based policy");
            assert!(
                refused.message.contains(&message),
                "{name}: {}",
                refused.message
            );
        }
    }
}

#[tokio::test]
async fn the_table_has_every_operation_of_the_model() {
    for operation in model::dsql::OPERATIONS {
        let known = |(name, _): &&(&str, _)| name.split(' ').next() == Some(operation.name);
        assert!(CASES.iter().any(|case| known(&case)), "{}", operation.name);
    }
}

/// Whether something exists is told to those only who may know.
#[tokio::test]
async fn what_does_not_exist_is_not_told_without_permission() {
    let world = World::new().await;
    world.allow(&[]);
    let client = world.app.dsql(LIMITED);
    let get = |id: &str| client.get_cluster().identifier(id).send();
    let unknown = outcome(get(crate::common::UNKNOWN).await).unwrap_err();
    unknown.assert_denied("dsql:GetCluster");
    outcome(get(&world.cluster).await)
        .unwrap_err()
        .assert_denied("dsql:GetCluster");
    // Another account's administrator asks in a world of their own.
    let foreign = world.app.dsql(OTHER_ACCOUNT);
    let found = outcome(
        foreign
            .get_cluster()
            .identifier(&world.cluster)
            .send()
            .await,
    );
    assert_eq!(found.unwrap_err().missing().0, "cluster");
}

#[tokio::test]
async fn conditions_see_tags_and_the_witness() {
    let world = World::new().await;
    let client = world.app.dsql(LIMITED);
    let allow_if = |action: &str, condition: Value| {
        world.app.reload(&limited_to(&json!([{
            "Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition,
        }])));
    };
    let equals = |key: &str, value: &str| json!({ "StringEquals": { key: value } });
    for (name, action, good, bad) in [
        (
            "GetCluster",
            "dsql:GetCluster",
            equals("aws:ResourceTag/stage", "test"),
            equals("aws:ResourceTag/stage", "live"),
        ),
        (
            "GetStream",
            "dsql:GetStream",
            equals("aws:ResourceTag/stage", "test"),
            equals("aws:ResourceTag/stage", "live"),
        ),
        (
            "TagResource",
            "dsql:TagResource",
            equals("aws:RequestTag/a", "b"),
            equals("aws:RequestTag/a", "c"),
        ),
        (
            "UntagResource",
            "dsql:UntagResource",
            json!({ "ForAllValues:StringEquals": { "aws:TagKeys": ["a"] } }),
            json!({ "ForAnyValue:StringEquals": { "aws:TagKeys": ["b"] } }),
        ),
        (
            "CreateCluster with everything",
            "dsql:*",
            equals("aws:PrincipalAccount", "111122223333"),
            equals("dsql:WitnessRegion", "eu-west-1"),
        ),
        (
            "CreateStream with a tag",
            "*",
            equals("aws:PrincipalAccount", "111122223333"),
            equals("iam:PassedToService", "ecs.amazonaws.com"),
        ),
    ] {
        allow_if(action, bad);
        let refused = call(&world, name, &client).await.unwrap_err();
        assert_eq!(refused.kind(), (403, "AccessDeniedException"), "{name}");
        allow_if(action, good);
        assert_eq!(call(&world, name, &client).await, Ok(()), "{name}");
    }
}

/// The witness is asked for in its own Region as well.
#[tokio::test]
async fn the_witness_region_counts_as_requested() {
    let world = World::new().await;
    let client = world.app.dsql(LIMITED);
    let deny_in = |region: &str| {
        world.app.reload(&limited_to(&json!([
            { "Effect": "Allow", "Action": "*", "Resource": "*" },
            {
                "Effect": "Deny", "Action": "dsql:PutWitnessRegion", "Resource": "*",
                "Condition": { "StringEquals": { "aws:RequestedRegion": region } },
            },
        ])));
    };
    for region in ["us-east-1", WITNESS] {
        deny_in(region);
        for name in [
            "CreateCluster with everything",
            "UpdateCluster adding a peer",
        ] {
            let refused = call(&world, name, &client).await.unwrap_err();
            refused.assert_denied("dsql:PutWitnessRegion");
        }
    }
    deny_in("eu-west-1");
    assert_eq!(
        call(&world, "CreateCluster with everything", &client).await,
        Ok(())
    );
}
