//! What was acknowledged is there after a restart.

use store::Store;
use testkit::{ADMIN, App, Setup};

use crate::common::{arn, denying, multi_region, pass};
use crate::streams;

#[tokio::test]
async fn clusters_policies_and_streams_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = Store::sqlite(&path).unwrap();
    let start = |store| {
        App::start(Setup {
            store,
            ..Setup::default()
        })
    };
    let app = start(store.clone());
    let client = app.dsql(ADMIN);
    let text = denying(&["dsql:DbConnect"]);
    let call = client
        .create_cluster()
        .policy(&text)
        .kms_encryption_key("k")
        .tags("a", "b");
    let id = call.send().await.unwrap().identifier;
    let call = client.create_cluster();
    let call = call.multi_region_properties(multi_region(Some("us-west-2"), &[]));
    let other = call.send().await.unwrap().identifier;
    pass(&app, 2_000);
    let stream = streams::create(&client, &id).send().await.unwrap();
    let tell = |client: aws_sdk_dsql::Client| {
        let (id, other, stream) = (id.clone(), other.clone(), stream.stream_identifier.clone());
        async move {
            let clusters = client.list_clusters().send().await.unwrap().clusters;
            let one = client.get_cluster().identifier(&id).send().await.unwrap();
            let two = client.get_cluster().identifier(other).send().await.unwrap();
            let policy = client
                .get_cluster_policy()
                .identifier(&id)
                .send()
                .await
                .unwrap();
            let call = client.get_stream().cluster_identifier(&id);
            let stream = call.stream_identifier(stream).send().await.unwrap();
            let told = [
                format!("{clusters:?}"),
                format!(
                    "{:?} {:?} {:?}",
                    one.status, one.tags, one.encryption_details
                ),
                format!("{:?} {:?}", two.status, two.multi_region_properties),
                format!("{:?} {}", stream.status, stream.arn),
            ];
            (told, policy.policy, policy.policy_version)
        }
    };
    let before = tell(client).await;
    assert!(before.0[0].contains(&arn(&id)));
    assert_eq!((&before.1, before.2.as_str()), (&text, "1"));
    store.close().await;
    drop((app, store));
    let app = start(Store::sqlite(&path).unwrap());
    pass(&app, 2_000);
    assert_eq!(tell(app.dsql(ADMIN)).await, before);
}
