//! Pages of clusters and streams.

use aws_sdk_dsql::Client;
use testkit::{ADMIN, OTHER_ACCOUNT};

use crate::common::{UNKNOWN, active, arn, cluster, failure, pass, start};
use crate::streams;

/// The pages of the list, by their clusters' ids.
async fn pages(client: &Client, size: i32) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let call = client
            .list_clusters()
            .max_results(size)
            .set_next_token(token);
        let page = call.send().await.unwrap();
        pages.push(
            page.clusters
                .into_iter()
                .map(|found| found.identifier)
                .collect(),
        );
        token = page.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn clusters_are_listed_in_the_order_of_their_creation() {
    let (app, client) = start();
    assert_eq!(pages(&client, 1).await, [Vec::<String>::new()]);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(cluster(&client).await);
    }
    let page = |range: std::ops::Range<usize>| ids[range].to_vec();
    assert_eq!(
        pages(&client, 2).await,
        [page(0..2), page(2..4), page(4..5)]
    );
    assert_eq!(pages(&client, 5).await, [page(0..5)]);
    assert_eq!(pages(&client, 100).await, [page(0..5)]);
    let all = client.list_clusters().send().await.unwrap();
    assert_eq!(all.next_token, None);
    let found: Vec<_> = all.clusters.iter().map(|it| it.arn.clone()).collect();
    let arns: Vec<_> = ids.iter().map(|id| arn(id)).collect();
    assert_eq!(found, arns);
    // What is gone is not listed, even in the middle.
    client
        .delete_cluster()
        .identifier(&ids[1])
        .send()
        .await
        .unwrap();
    pass(&app, 2_000);
    let left = [&ids[..1], &ids[2..]].concat();
    assert_eq!(
        pages(&client, 3).await,
        [left[..3].to_vec(), left[3..].to_vec()]
    );
    // Other Regions and accounts have lists of their own.
    for other in [app.dsql_in(ADMIN, "us-west-2"), app.dsql(OTHER_ACCOUNT)] {
        assert_eq!(pages(&other, 100).await, [Vec::<String>::new()]);
    }
}

#[tokio::test]
async fn the_sdks_paginator_gets_everything() {
    let (_, client) = start();
    for _ in 0..7 {
        cluster(&client).await;
    }
    let mut stream = client
        .list_clusters()
        .into_paginator()
        .page_size(3)
        .items()
        .send();
    let mut count = 0;
    while let Some(item) = stream.next().await {
        item.unwrap();
        count += 1;
    }
    assert_eq!(count, 7);
}

#[tokio::test]
async fn a_token_belongs_to_its_list() {
    let (app, client) = start();
    for _ in 0..2 {
        cluster(&client).await;
    }
    let first = client.list_clusters().max_results(1).send().await.unwrap();
    let token = first.next_token.unwrap();
    let elsewhere = [app.dsql_in(ADMIN, "us-west-2"), app.dsql(OTHER_ACCOUNT)];
    for other in elsewhere {
        let call = other.list_clusters().next_token(&token);
        failure(call.send().await).assert_field("nextToken");
    }
    for token in ["", "x", &format!("A{token}")] {
        let call = client.list_clusters().next_token(token);
        failure(call.send().await).assert_field("nextToken");
    }
    for size in [0, -1, 101] {
        let call = client.list_clusters().max_results(size);
        failure(call.send().await).assert_field("maxResults");
    }
}

#[tokio::test]
async fn streams_are_listed_per_cluster() {
    let (app, client) = start();
    let (one, other) = (active(&app, &client).await, active(&app, &client).await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let created = streams::create(&client, &one).send().await.unwrap();
        ids.push(created.stream_identifier);
    }
    streams::create(&client, &other).send().await.unwrap();
    let list = |id: &str| client.list_streams().cluster_identifier(id);
    let all = list(&one).send().await.unwrap();
    let found: Vec<_> = all
        .streams
        .iter()
        .map(|it| it.stream_identifier.clone())
        .collect();
    assert_eq!(found, ids);
    assert_eq!(all.streams[0].cluster_identifier, one);
    assert_eq!(
        all.streams[0].arn,
        format!("{}/stream/{}", arn(&one), ids[0])
    );
    assert_eq!(all.streams[0].status.as_str(), "CREATING");
    let first = list(&one).max_results(2).send().await.unwrap();
    assert_eq!(first.streams.len(), 2);
    let token = first.next_token.unwrap();
    let second = list(&one).next_token(&token).send().await.unwrap();
    assert_eq!(second.streams[0].stream_identifier, ids[2]);
    assert_eq!(second.next_token, None);
    failure(list(&other).next_token(&token).send().await).assert_field("nextToken");
    let call = client.list_clusters().next_token(&token);
    failure(call.send().await).assert_field("nextToken");
    assert_eq!(
        failure(list(UNKNOWN).send().await).missing(),
        ("cluster", UNKNOWN)
    );
}
