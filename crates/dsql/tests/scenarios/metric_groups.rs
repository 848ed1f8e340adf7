//! Metric groups, which the SDK does not know yet.

use serde_json::{Value, json};

use crate::common::{send, start};

fn groups(count: usize) -> Value {
    json!(vec![
        json!({ "metricGroup": "STATEMENT_STATISTICS" });
        count
    ])
}

#[tokio::test]
async fn metric_groups_are_kept_replaced_and_taken_away() {
    let (app, _) = start();
    let (status, created) = send(&app, "POST", "/cluster", &json!({})).await;
    assert_eq!((status, &created["metricGroups"]), (200, &groups(0)));
    let input = json!({ "metricGroups": groups(1) });
    let (status, created) = send(&app, "POST", "/cluster", &input).await;
    assert_eq!((status, &created["metricGroups"]), (200, &groups(1)));
    let path = format!("/cluster/{}", created["identifier"].as_str().unwrap());
    for (input, count) in [
        (json!({}), 1),
        (json!({ "metricGroups": [] }), 0),
        (json!({ "deletionProtectionEnabled": false }), 0),
        (json!({ "metricGroups": groups(1) }), 1),
    ] {
        let (status, updated) = send(&app, "POST", &path, &input).await;
        assert_eq!(status, 200, "{updated}");
        let (_, found) = send(&app, "GET", &path, &Value::Null).await;
        assert_eq!(found["metricGroups"], groups(count), "{input}");
    }
}

#[tokio::test]
async fn a_group_is_named_once() {
    let (app, client) = start();
    let created = client.create_cluster().send().await.unwrap();
    for path in [
        "/cluster".to_owned(),
        format!("/cluster/{}", created.identifier),
    ] {
        for (list, field) in [
            (groups(2), "metricGroups"),
            (groups(21), "metricGroups"),
            (
                json!([{ "metricGroup": "OTHER" }]),
                "metricGroups.0.metricGroup",
            ),
        ] {
            let (status, body) = send(&app, "POST", &path, &json!({ "metricGroups": list })).await;
            assert_eq!(status, 400, "{list}: {body}");
            assert_eq!(body["reason"], "fieldValidationFailed", "{list}");
            assert_eq!(body["fieldList"][0]["name"], field, "{body}");
        }
    }
}
