//! Quotas: 402, and how many there may be.

use testkit::{ADMIN, App, OTHER_ACCOUNT, Setup};

use crate::common::{active, arn, cluster, failure, multi_region, pass, start};
use crate::streams;

#[tokio::test]
async fn an_account_has_twenty_single_region_and_five_multi_region_clusters() {
    let (app, client) = start();
    let mut first = None;
    for _ in 0..20 {
        let id = cluster(&client).await;
        first.get_or_insert(id);
    }
    let refused = failure(client.create_cluster().send().await);
    assert_eq!(refused.quota(), ("cluster", "SingleRegionClusters"));
    assert_eq!(refused.message, "You have reached the cluster limit.");
    let pair = || multi_region(Some("us-west-2"), &[]);
    for _ in 0..5 {
        let call = client.create_cluster().multi_region_properties(pair());
        call.send().await.unwrap();
    }
    let call = client.create_cluster().multi_region_properties(pair());
    assert_eq!(
        failure(call.send().await).quota(),
        ("cluster", "MultiRegionClusters")
    );
    // Other Regions and accounts count for themselves.
    for other in [app.dsql_in(ADMIN, "us-west-2"), app.dsql(OTHER_ACCOUNT)] {
        cluster(&other).await;
    }
    // A cluster counts until it is gone.
    let id = first.unwrap();
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    pass(&app, 1_999);
    let refused = failure(client.create_cluster().send().await);
    assert_eq!(refused.quota().1, "SingleRegionClusters");
    pass(&app, 1);
    cluster(&client).await;
}

#[tokio::test]
async fn the_operator_sets_the_quotas() {
    let app = App::start(Setup {
        dsql: dsql::Options {
            quotas: dsql::Quotas {
                single_region_clusters: 1,
                multi_region_clusters: 0,
                streams_per_cluster: 1,
            },
            ..dsql::Options::default()
        },
        ..Setup::default()
    });
    let client = app.dsql(ADMIN);
    let id = active(&app, &client).await;
    assert_eq!(
        failure(client.create_cluster().send().await).quota().0,
        "cluster"
    );
    let call = client.create_cluster();
    let call = call.multi_region_properties(multi_region(Some("us-west-2"), &[]));
    assert_eq!(failure(call.send().await).quota().0, "cluster");
    streams::create(&client, &id).send().await.unwrap();
    let refused = failure(streams::create(&client, &id).send().await);
    assert_eq!(refused.quota(), ("stream", "StreamsPerCluster"));
}

#[tokio::test]
async fn a_cluster_has_five_streams() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let mut last = String::new();
    for _ in 0..5 {
        let created = streams::create(&client, &id).send().await.unwrap();
        last = created.stream_identifier;
    }
    let refused = failure(streams::create(&client, &id).send().await);
    assert_eq!(refused.quota(), ("stream", "StreamsPerCluster"));
    let call = client.delete_stream().cluster_identifier(&id);
    call.stream_identifier(last).send().await.unwrap();
    let refused = failure(streams::create(&client, &id).send().await);
    assert_eq!(refused.quota().0, "stream");
    pass(&app, 2_000);
    streams::create(&client, &id).send().await.unwrap();
}

#[tokio::test]
async fn a_resource_has_fifty_tags() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let stream = streams::create(&client, &id).send().await.unwrap().arn;
    for (arn, kind) in [(arn(&id), "cluster"), (stream, "stream")] {
        for number in 0..50 {
            let call = client.tag_resource().resource_arn(&arn);
            call.tags(format!("key{number}"), "").send().await.unwrap();
        }
        let tag = |key: &str| client.tag_resource().resource_arn(&arn).tags(key, "new");
        let refused = failure(tag("one more").send().await);
        assert_eq!(refused.quota(), (kind, "TagsPerResource"));
        // One that it has may change.
        tag("key7").send().await.unwrap();
        let found = client
            .list_tags_for_resource()
            .resource_arn(&arn)
            .send()
            .await
            .unwrap();
        let tags = found.tags.unwrap();
        assert_eq!((tags.len(), tags["key7"].as_str()), (50, "new"));
    }
}
