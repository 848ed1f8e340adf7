//! What a question brings along: its entities and its context.

use aws_sdk_verifiedpermissions::types::{
    AttributeValue, ContextDefinition, Decision, EntitiesDefinition, EntityItem,
};
use serde_json::{Value, json};

use crate::common;
use crate::scene::{Scene, ask_with, entity};

/// Whether a policy with this condition permits, with these further members of the question.
async fn holds(condition: &str, more: &Value) -> bool {
    let scene = Scene::off().await;
    scene
        .policy(&format!(
            "permit(principal, action, resource) when {{ {condition} }};"
        ))
        .await;
    let answer = scene.ok("IsAuthorized", ask_with(more)).await;
    assert_eq!(answer["errors"], json!([]), "{condition}");
    answer["decision"] == "ALLOW"
}

/// Values of the ten types on the wire and in Cedar's JSON, and a condition that holds for `V`.
fn values() -> Vec<(Value, Value, &'static str)> {
    let nested = json!({"set": [{"record": {"k": {"set": [{"long": 1}]}}}, {"string": "s"}]});
    let extension = |name: &str, arg: &str| json!({"__extn": {"fn": name, "arg": arg}});
    vec![
        (json!({"boolean": true}), json!(true), "V == true"),
        (
            json!({"long": i64::MIN}),
            json!(i64::MIN),
            "V == -9223372036854775808",
        ),
        (
            json!({"string": "é \" \0"}),
            json!("é \" \0"),
            r#"V == "é \" \0""#,
        ),
        (
            json!({"entityIdentifier": entity("A::B", "日本")}),
            json!({"__entity": {"type": "A::B", "id": "日本"}}),
            r#"V == A::B::"日本""#,
        ),
        (json!({"set": []}), json!([]), "V.isEmpty()"),
        (
            nested,
            json!([{"k": [1]}, "s"]),
            r#"V == ["s", {k: [1]}, "s"]"#,
        ),
        (json!({"record": {}}), json!({}), "V == {}"),
        (
            json!({"record": {"a b": {"record": {"c": {"boolean": false}}}}}),
            json!({"a b": {"c": false}}),
            r#"V["a b"] has c && !V["a b"].c"#,
        ),
        (
            json!({"ipaddr": "10.0.0.0/8"}),
            extension("ip", "10.0.0.0/8"),
            r#"ip("10.1.2.3").isInRange(V)"#,
        ),
        (
            json!({"decimal": "-1.25"}),
            extension("decimal", "-1.25"),
            r#"V == decimal("-1.25")"#,
        ),
        (
            json!({"datetime": "2026-01-01T00:00:00Z"}),
            extension("datetime", "2026-01-01T00:00:00Z"),
            r#"V == datetime("2026-01-01")"#,
        ),
        (
            json!({"duration": "1d2h"}),
            extension("duration", "1d2h"),
            "V.toHours() == 26",
        ),
    ]
}

#[tokio::test]
async fn all_types_of_values_reach_cedar_in_every_place() {
    let this = entity("App::User", "u");
    let uid = json!({"type": "App::User", "id": "u"});
    for (wire, cedar, condition) in values() {
        let with = |place: &str| condition.replace('V', place);
        let item = |member: &str| {
            let mut item = json!({"identifier": this});
            item[member] = json!({"v": wire});
            json!({"entities": {"entityList": [item]}})
        };
        let json = |attrs: Value, tags: Value| {
            let entity = json!({"uid": uid, "attrs": attrs, "parents": [], "tags": tags});
            json!({"entities": {"cedarJson": json!([entity]).to_string()}})
        };
        let context = json!({"v": cedar}).to_string();
        for (place, more) in [
            ("context.v", json!({"context": {"contextMap": {"v": wire}}})),
            ("context.v", json!({"context": {"cedarJson": context}})),
            ("principal.v", item("attributes")),
            ("principal.v", json(json!({"v": cedar}), json!({}))),
            (r#"principal.getTag("v")"#, item("tags")),
            (
                r#"principal.getTag("v")"#,
                json(json!({}), json!({"v": cedar})),
            ),
        ] {
            let condition = with(place);
            assert!(holds(&condition, &more).await, "{condition} {more}");
            let not = format!("!({condition})");
            assert!(!holds(&not, &more).await, "{not} {more}");
        }
    }
}

#[tokio::test]
async fn the_sdk_sends_values_that_decide() {
    let (_app, client) = common::start();
    let store = common::store_off(&client).await;
    let statement = r#"permit(principal in App::Group::"g", action, resource)
        when { principal.level > 3 && context.ip.isLoopback() && principal.getTag("t") == "x" };"#;
    let policy = common::policy(&client, &store, statement).await;
    let user = EntityItem::builder()
        .identifier(common::entity("App::User", "u"))
        .attributes("level", AttributeValue::Long(4))
        .parents(common::entity("App::Group", "g"))
        .tags(
            "t",
            aws_sdk_verifiedpermissions::types::CedarTagValue::String("x".to_owned()),
        )
        .build();
    let context = [(
        "ip".to_owned(),
        AttributeValue::Ipaddr("127.0.0.1".to_owned()),
    )];
    let ask = |entities| {
        client
            .is_authorized()
            .policy_store_id(&store)
            .principal(common::entity("App::User", "u"))
            .action(common::action("App::Action::view"))
            .resource(common::entity("App::Doc", "d"))
            .context(ContextDefinition::ContextMap(context.clone().into()))
            .entities(EntitiesDefinition::EntityList(entities))
            .send()
    };
    let answer = ask(vec![user]).await.unwrap();
    assert_eq!(answer.decision(), &Decision::Allow);
    assert_eq!(answer.determining_policies()[0].policy_id(), policy);
    assert_eq!(ask(vec![]).await.unwrap().decision(), &Decision::Deny);
}

#[tokio::test]
async fn a_literal_that_is_none_is_refused_with_its_place() {
    let scene = Scene::off().await;
    let user = entity("App::User", "u");
    for value in [
        json!({"ipaddr": "1.2.3"}),
        json!({"ipaddr": "::1::"}),
        json!({"decimal": "922337203685478.0000"}),
        json!({"datetime": "2026-02-30"}),
        json!({"datetime": "2026-01-01T25:00:00Z"}),
        json!({"duration": "99999999999999999d"}),
        json!({"duration": "-"}),
    ] {
        for (more, prefix) in [
            (
                json!({"context": {"contextMap": {"v": value}}}),
                "/context/contextMap",
            ),
            (
                json!({"context": {"contextMap": {"r": {"record": {"v": value}}}}}),
                "/context/contextMap",
            ),
            (
                json!({"entities": {"entityList": [{"identifier": user, "attributes": {"v": value}}]}}),
                "/entities/entityList/0",
            ),
            (
                json!({"entities": {"entityList": [
                    {"identifier": entity("A", "a")},
                    {"identifier": user, "tags": {"v": value}},
                ]}}),
                "/entities/entityList/1",
            ),
        ] {
            let refused = scene.refused("IsAuthorized", ask_with(&more)).await;
            assert_eq!(refused.kind(), (400, "ValidationException"), "{value}");
            assert!(
                refused.fields[0].0.starts_with(prefix),
                "{value} {refused:?}"
            );
            assert!(!refused.fields[0].1.is_empty());
        }
    }
}

#[tokio::test]
async fn cedar_json_that_is_none_is_refused() {
    let scene = Scene::off().await;
    let node = |id: &str, attrs: Value| json!({"uid": {"type": "A", "id": id}, "attrs": attrs, "parents": []});
    let twice = json!([node("a", json!({"x": 1})), node("a", json!({"x": 2}))]).to_string();
    let action = json!([{"uid": {"type": "App::Action", "id": "x"}, "attrs": {}, "parents": []}]);
    let cases = [
        ("entities", "{}".to_owned()),
        ("entities", "[{}]".to_owned()),
        ("entities", "[".to_owned()),
        ("entities", "null".to_owned()),
        (
            "entities",
            r#"[{"uid": "A", "attrs": {}, "parents": []}]"#.to_owned(),
        ),
        (
            "entities",
            r#"[{"uid": {"type": "A B", "id": ""}, "attrs": {}, "parents": []}]"#.to_owned(),
        ),
        (
            "entities",
            json!([node("a", json!({"x": null}))]).to_string(),
        ),
        (
            "entities",
            json!([node("a", json!({"x": 1.5}))]).to_string(),
        ),
        ("entities", twice),
        ("entities", action.to_string()),
        ("context", "[]".to_owned()),
        ("context", "{".to_owned()),
        ("context", "1".to_owned()),
        ("context", r#"{"a": null}"#.to_owned()),
        ("context", r#"{"a": 1.5}"#.to_owned()),
        (
            "context",
            r#"{"a": {"__extn": {"fn": "ip", "arg": "x"}}}"#.to_owned(),
        ),
        ("context", r#"{"a": 9223372036854775808}"#.to_owned()),
    ];
    for (member, text) in cases {
        let mut more = json!({});
        more[member] = json!({"cedarJson": text});
        let refused = scene.refused("IsAuthorized", ask_with(&more)).await;
        assert_eq!(refused.kind(), (400, "ValidationException"), "{text}");
        assert_eq!(
            refused.fields[0].0,
            format!("/{member}/cedarJson"),
            "{text}"
        );
        assert!(!refused.fields[0].1.is_empty());
    }
    let empty = json!({"entities": {"cedarJson": "[]"}, "context": {"cedarJson": "{}"}});
    assert_eq!(
        scene.ok("IsAuthorized", ask_with(&empty)).await["decision"],
        "DENY"
    );
}

#[tokio::test]
async fn of_items_with_one_identifier_the_last_counts() {
    let user = entity("App::User", "u");
    let item = |level: i64, groups: &[&str]| {
        let parents: Vec<_> = groups
            .iter()
            .map(|group| entity("App::Group", group))
            .collect();
        json!({"identifier": user, "attributes": {"level": {"long": level}}, "parents": parents})
    };
    let list = json!({"entities": {"entityList": [item(1, &["a"]), item(2, &["b"])]}});
    assert!(holds("principal.level == 2", &list).await);
    assert!(holds(r#"principal in App::Group::"b""#, &list).await);
    assert!(!holds(r#"principal in App::Group::"a""#, &list).await);
}

#[tokio::test]
async fn parents_of_parents_are_found() {
    let chain = |length: usize| -> Value {
        let link = |at: usize| json!({"identifier": entity("N", &at.to_string()), "parents": [entity("N", &(at + 1).to_string())]});
        let mut items: Vec<_> = (0..length).map(link).collect();
        items.push(json!({"identifier": entity("App::User", "u"), "parents": [entity("N", "0")]}));
        json!({"entities": {"entityList": items}})
    };
    // The user has the nodes 0..=length as parents.
    assert!(holds(r#"principal in N::"99""#, &chain(99)).await);
    assert!(!holds(r#"principal in N::"100""#, &chain(99)).await);
    let scene = Scene::off().await;
    let cedar = |list: &Value| {
        let uid = |id: &Value| json!({"type": id["entityType"], "id": id["entityId"]});
        let node = |item: &Value| {
            let parents: Vec<_> = item["parents"]
                .as_array()
                .unwrap()
                .iter()
                .map(uid)
                .collect();
            json!({"uid": uid(&item["identifier"]), "attrs": {}, "parents": parents})
        };
        let nodes: Value = list["entities"]["entityList"]
            .as_array()
            .unwrap()
            .iter()
            .map(node)
            .collect();
        json!({"entities": {"cedarJson": nodes.to_string()}})
    };
    assert!(holds(r#"principal in N::"99""#, &cedar(&chain(99))).await);
    let text = |id: &str| format!("The entity `{id}` has more than 100 transitive parents.");
    let refused = scene.refused("IsAuthorized", ask_with(&chain(100))).await;
    let expected = text(r#"App::User::"u""#);
    refused.assert_invalid(&[("/entities/entityList", expected.as_str())]);
    let refused = scene
        .refused("IsAuthorized", ask_with(&cedar(&chain(100))))
        .await;
    refused.assert_invalid(&[("/entities/cedarJson", expected.as_str())]);
    // A chain that would take Cedar seconds and gigabytes, or its stack.
    for input in [chain(8000), cedar(&chain(4000))] {
        let refused = scene.refused("IsAuthorized", ask_with(&input)).await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert!(
            refused.fields[0]
                .1
                .ends_with("more than 100 transitive parents.")
        );
    }
}

#[tokio::test]
async fn entities_that_are_their_own_parents_are_refused() {
    let scene = Scene::off().await;
    let node = |id: &str, parent: &str| json!({"identifier": entity("N", id), "parents": [entity("N", parent)]});
    for items in [
        vec![node("a", "a")],
        vec![node("a", "b"), node("b", "a")],
        vec![
            node("a", "b"),
            node("b", "c"),
            node("c", "a"),
            node("d", "a"),
        ],
    ] {
        let input = ask_with(&json!({"entities": {"entityList": items}}));
        let refused = scene.refused("IsAuthorized", input).await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, "/entities/entityList");
        assert!(refused.fields[0].1.contains("cycle"), "{refused:?}");
    }
}
