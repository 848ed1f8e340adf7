//! Creating, describing, changing and listing clusters.

use aws_sdk_dsql::types::{ClusterStatus, EncryptionStatus, EncryptionType};
use testkit::{ADMIN, App, OTHER_ACCOUNT, Setup};

use crate::common::{UNKNOWN, active, arn, cluster, failure, pass, start, status};

#[tokio::test]
async fn a_cluster_is_protected_and_encrypted_with_the_services_key_by_default() {
    let (_, client) = start();
    let created = client.create_cluster().send().await.unwrap();
    let id = created.identifier.as_str();
    assert_eq!(id.len(), 26);
    assert!(
        id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')),
        "{id}"
    );
    assert_eq!(created.arn, arn(id));
    assert_eq!(created.status, ClusterStatus::Creating);
    // 2026-01-01T00:00:00.123456Z
    assert_eq!(
        created.creation_time.to_millis().unwrap(),
        1_767_225_600_123
    );
    assert!(created.deletion_protection_enabled);
    assert!(created.multi_region_properties.is_none());
    assert_eq!(
        created.endpoint,
        Some(format!("{id}.dsql.us-east-1.on.aws"))
    );
    let encryption = created.encryption_details.unwrap();
    assert_eq!(encryption.encryption_type, EncryptionType::AwsOwnedKmsKey);
    assert_eq!(encryption.encryption_status, EncryptionStatus::Enabled);
    assert_eq!(encryption.kms_key_arn, None);

    let found = client.get_cluster().identifier(id).send().await.unwrap();
    assert_eq!(
        (&found.identifier, &found.arn),
        (&created.identifier, &created.arn)
    );
    assert_eq!(found.creation_time, created.creation_time);
    assert!(found.deletion_protection_enabled);
    assert_eq!(found.tags, Some([].into()));
    assert_eq!(found.endpoint, created.endpoint);
}

#[tokio::test]
async fn a_cluster_is_as_it_was_asked_for() {
    let (_, client) = start();
    let call = client.create_cluster().deletion_protection_enabled(false);
    let call = call.kms_encryption_key("alias/mine");
    let created = call
        .tags("Name", "orders")
        .tags("empty", "")
        .send()
        .await
        .unwrap();
    assert!(!created.deletion_protection_enabled);
    let encryption = created.encryption_details.unwrap();
    assert_eq!(
        encryption.encryption_type,
        EncryptionType::CustomerManagedKmsKey
    );
    let key = "arn:aws:kms:us-east-1:111122223333:alias/mine";
    assert_eq!(encryption.kms_key_arn.as_deref(), Some(key));
    let found = client
        .get_cluster()
        .identifier(&created.identifier)
        .send()
        .await
        .unwrap();
    let tags = [("Name", "orders"), ("empty", "")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(found.tags, Some(tags.into()));
    assert_eq!(found.encryption_details, Some(encryption));
}

#[tokio::test]
async fn the_services_key_may_be_named_at_creation() {
    let (_, client) = start();
    let call = client
        .create_cluster()
        .kms_encryption_key("AWS_OWNED_KMS_KEY");
    let details = call.send().await.unwrap().encryption_details.unwrap();
    assert_eq!(details.encryption_type, EncryptionType::AwsOwnedKmsKey);
}

#[tokio::test]
async fn creation_refuses_what_breaks_a_rule() {
    let (_, client) = start();
    let create = || client.create_cluster();
    let foreign = "arn:aws:kms:eu-west-1:111122223333:key/1";
    let many = (0..51)
        .map(|n| (format!("key{n}"), String::new()))
        .collect();
    for (call, field) in [
        (create().kms_encryption_key(foreign), "kmsEncryptionKey"),
        (create().tags("aws:name", "x"), "tags"),
        (create().set_tags(Some(many)), "tags"),
        (create().client_token("with blanks"), "clientToken"),
    ] {
        failure(call.send().await).assert_field(field);
    }
    let listed = client.list_clusters().send().await.unwrap();
    assert!(listed.clusters.is_empty());
}

#[tokio::test]
async fn an_unknown_cluster_is_not_found() {
    let (app, client) = start();
    let found = failure(client.get_cluster().identifier(UNKNOWN).send().await);
    assert_eq!(found.missing(), ("cluster", UNKNOWN));
    let found = failure(client.update_cluster().identifier(UNKNOWN).send().await);
    assert_eq!(found.missing(), ("cluster", UNKNOWN));
    let found = failure(client.delete_cluster().identifier(UNKNOWN).send().await);
    assert_eq!(found.missing(), ("cluster", UNKNOWN));
    let call = client.get_vpc_endpoint_service_name().identifier(UNKNOWN);
    assert_eq!(failure(call.send().await).missing(), ("cluster", UNKNOWN));
    let call = client.get_cluster().identifier("UPPER");
    failure(call.send().await).assert_field("identifier");

    // Neither does another Region or account see what there is.
    let id = cluster(&client).await;
    for other in [app.dsql_in(ADMIN, "us-west-2"), app.dsql(OTHER_ACCOUNT)] {
        let found = failure(other.get_cluster().identifier(&id).send().await);
        assert_eq!(found.missing(), ("cluster", id.as_str()));
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_keeps_the_rest() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let update = || client.update_cluster().identifier(&id);
    let updated = update()
        .deletion_protection_enabled(true)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (updated.identifier.as_str(), updated.arn),
        (id.as_str(), arn(&id))
    );
    // Protection needs no time.
    assert_eq!(updated.status, ClusterStatus::Active);
    // Nothing named, nothing changed.
    let updated = update().send().await.unwrap();
    assert_eq!(updated.status, ClusterStatus::Active);
    let found = client.get_cluster().identifier(&id).send().await.unwrap();
    assert!(found.deletion_protection_enabled);
}

#[tokio::test]
async fn a_new_key_makes_the_cluster_updating_for_a_while() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let details = || async {
        let found = client.get_cluster().identifier(&id).send().await.unwrap();
        let details = found.encryption_details.unwrap();
        let status = details.encryption_status.as_str().to_owned();
        (
            found.status.as_str().to_owned(),
            status,
            details.kms_key_arn,
        )
    };
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234".to_owned();
    let update = |name: &str| {
        client
            .update_cluster()
            .identifier(&id)
            .kms_encryption_key(name)
    };
    let updated = update("1234").send().await.unwrap();
    assert_eq!(updated.status, ClusterStatus::Updating);
    let pair = |one: &str, two: &str| (one.to_owned(), two.to_owned());
    let expect = |(status, encryption), key: Option<&String>| (status, encryption, key.cloned());
    let updating = || pair("UPDATING", "UPDATING");
    let enabled = || pair("ACTIVE", "ENABLED");
    assert_eq!(details().await, expect(updating(), Some(&key)));
    pass(&app, 1_000);
    assert_eq!(details().await, expect(enabled(), Some(&key)));
    // The same key again is no change.
    update(&key).send().await.unwrap();
    assert_eq!(details().await, expect(enabled(), Some(&key)));
    update("AWS_OWNED_KMS_KEY").send().await.unwrap();
    assert_eq!(details().await, expect(updating(), None));
    pass(&app, 1_000);
    assert_eq!(details().await, expect(enabled(), None));
    let foreign = update("arn:aws:s3:us-east-1:111122223333:key/1")
        .send()
        .await;
    failure(foreign).assert_field("kmsEncryptionKey");
}

#[tokio::test]
async fn endpoints_have_the_operators_suffix() {
    let app = App::start(Setup {
        dsql: dsql::Options {
            endpoint_suffix: "dsql.test".to_owned(),
            ..dsql::Options::default()
        },
        ..Setup::default()
    });
    let client = app.dsql_in(ADMIN, "us-west-2");
    let created = client.create_cluster().send().await.unwrap();
    let id = created.identifier;
    assert_eq!(
        created.endpoint,
        Some(format!("{id}.dsql.us-west-2.dsql.test"))
    );
    let call = client.get_vpc_endpoint_service_name().identifier(&id);
    let endpoint = call.send().await.unwrap().cluster_vpc_endpoint.unwrap();
    assert!(endpoint.ends_with(".us-west-2.dsql.test"), "{endpoint}");
}

#[tokio::test]
async fn the_clusters_of_a_region_share_an_endpoint_service() {
    let (app, client) = start();
    let (one, two) = (cluster(&client).await, cluster(&client).await);
    let name = |id: String| {
        let call = client.get_vpc_endpoint_service_name().identifier(id);
        async move { call.send().await.unwrap() }
    };
    let (first, second) = (name(one.clone()).await, name(two).await);
    assert_eq!(first.service_name, second.service_name);
    let service = first
        .service_name
        .strip_prefix("com.amazonaws.us-east-1.")
        .unwrap();
    assert_eq!(
        first.cluster_vpc_endpoint,
        Some(format!("{one}.{service}.us-east-1.on.aws"))
    );
    assert_eq!(status(&client, &one).await, "CREATING");
    let other = app.dsql(OTHER_ACCOUNT);
    let id = cluster(&other).await;
    let call = other.get_vpc_endpoint_service_name().identifier(id);
    assert_ne!(call.send().await.unwrap().service_name, first.service_name);
}
