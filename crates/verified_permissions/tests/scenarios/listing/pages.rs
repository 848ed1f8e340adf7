//! Pages: their size, their order, and what becomes of them when items come and go.

use super::*;

#[tokio::test]
async fn a_list_with_nothing_in_it_is_an_empty_page() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 0).await;
        assert_eq!(
            fixture.page(None, None).await,
            (vec![], None),
            "{}",
            list.operation
        );
        let page = call_ok(&fixture.app, list.operation, &fixture.input(None, None)).await;
        assert_eq!(page, json!({ list.member: [] }));
    }
}

#[tokio::test]
async fn pages_have_the_size_asked_for_up_to_50() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 53).await;
        for (max, size) in [
            (None, list.default),
            (Some(1), 1),
            (Some(50), 50),
            (Some(51), 50),
            (Some(i64::from(i32::MAX)), 50),
        ] {
            let (page, token) = fixture.page(max, None).await;
            assert_eq!(page, fixture.ids[..size], "{} {max:?}", list.operation);
            assert!(token.is_some());
        }
    }
}

#[tokio::test]
async fn a_page_of_less_than_one_is_refused() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 1).await;
        for max in [0, -1, i64::from(i32::MIN)] {
            let input = fixture.input(Some(max), None);
            let text = "Value at '/maxResults' failed to satisfy constraint: Member must be \
                        greater than or equal to 1";
            call_refused(&fixture.app, list.operation, &input)
                .await
                .assert_invalid(&[("/maxResults", text)]);
        }
        let input = fixture.input(Some(1 << 31), None);
        let refused = call_refused(&fixture.app, list.operation, &input).await;
        assert_eq!(refused.kind(), (400, "SerializationException"));
    }
}

#[tokio::test]
async fn the_pages_together_are_the_whole_list_in_the_order_of_creation() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 12).await;
        for max in [1, 2, 5, 6, 11, 12, 13] {
            let pages = fixture.pages(max, None).await;
            let expected: Vec<_> = fixture.ids.chunks(max.unsigned_abs() as usize).collect();
            // Also: no page after the last item when the last page is full.
            assert_eq!(pages, expected, "{} by {max}", list.operation);
        }
        // Another page size on the way.
        let (first, token) = fixture.page(Some(3), None).await;
        let (second, token) = fixture.page(Some(7), token.as_deref()).await;
        let (third, token) = fixture.page(None, token.as_deref()).await;
        assert_eq!([first, second, third].concat(), fixture.ids);
        assert_eq!(token, None);
    }
}

#[tokio::test]
async fn items_that_come_and_go_disturb_no_other() {
    for list in &LISTS {
        let mut fixture = Fixture::new(list, 6).await;
        let (page, token) = fixture.page(Some(2), None).await;
        assert_eq!(page, fixture.ids[..2]);
        fixture.add(6).await;
        // The items of the first page, so also the one that the token goes on after, and the
        // first one of the next page.
        for _ in 0..3 {
            fixture.remove(0).await;
        }
        assert_eq!(
            fixture.pages(2, token).await.concat(),
            fixture.ids,
            "{}",
            list.operation
        );
    }
}

#[tokio::test]
async fn the_rest_may_be_gone_when_it_is_asked_for() {
    for list in &LISTS {
        let mut fixture = Fixture::new(list, 3).await;
        let token = fixture.token().await;
        for _ in 0..3 {
            fixture.remove(0).await;
        }
        assert_eq!(
            fixture.page(None, Some(&token)).await,
            (vec![], None),
            "{}",
            list.operation
        );
    }
}

#[tokio::test]
async fn a_filtered_list_has_pages_as_full_as_others() {
    let fixture = Fixture::new(&LISTS[0], 12).await;
    // Every third policy names the resource.
    let mut named = Vec::new();
    for n in 0..12 {
        let resource = if n % 3 == 0 {
            "resource == Doc::\"a\""
        } else {
            "resource"
        };
        let statement = format!("permit(principal, action, {resource});");
        let definition = json!({"static": {"statement": statement}});
        let input = json!({"policyStoreId": fixture.store, "definition": definition});
        let created = call_ok(&fixture.app, "CreatePolicy", &input).await;
        if n % 3 == 0 {
            named.push(text(&created["policyId"]));
        }
    }
    let filter = json!({"resource": {"identifier": {"entityType": "Doc", "entityId": "a"}}});
    let mut input = json!({"policyStoreId": fixture.store, "filter": filter, "maxResults": 3});
    let first = call_ok(&fixture.app, "ListPolicies", &input).await;
    input["nextToken"] = first["nextToken"].clone();
    let second = call_ok(&fixture.app, "ListPolicies", &input).await;
    let ids = |page: &Value| -> Vec<String> {
        page["policies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| text(&item["policyId"]))
            .collect()
    };
    assert_eq!(ids(&first), named[..3]);
    assert_eq!(ids(&second), named[3..]);
    assert_eq!(second.get("nextToken"), None);
}

#[tokio::test]
async fn an_account_lists_only_its_own() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 2).await;
        let input = fixture.input(None, None);
        let (status, body) = call(&fixture.app, OTHER_ACCOUNT, list.operation, &input).await;
        if list.of_store {
            assert_eq!(
                (status, text(&body["resourceType"])),
                (404, "POLICY_STORE".to_owned())
            );
        } else {
            assert_eq!((status, body), (200, json!({ list.member: [] })));
        }
    }
}
