//! Tokens: bound to the caller, the operation, the policy store and the filter.

use super::*;

#[tokio::test]
async fn a_token_may_be_used_again() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 3).await;
        let token = fixture.token().await;
        let once = fixture.page(Some(1), Some(&token)).await;
        assert_eq!(fixture.page(Some(1), Some(&token)).await, once);
    }
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused() {
    for list in &LISTS {
        let fixture = Fixture::new(list, 3).await;
        let token = fixture.token().await;
        let mut garbage: Vec<String> = ["a", "AAAA", "not.a-token_at=all+/", "eyJhIjoxfQ"]
            .map(str::to_owned)
            .into();
        garbage.push(format!("{token}A"));
        garbage.push(token.chars().skip(1).collect());
        garbage.push("A".repeat(8000));
        for at in 0..token.len() {
            let other = if token.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            let mut changed = token.clone();
            changed.replace_range(at..=at, other);
            garbage.push(changed);
        }
        for token in garbage {
            assert_token_refused(&fixture.refused(ADMIN, &token).await);
        }
        // The model's own constraints: 1 to 8000 characters of an alphabet.
        for token in [String::new(), "A".repeat(8001), "a token".to_owned()] {
            let refused = fixture.refused(ADMIN, &token).await;
            assert_eq!(refused.kind(), (400, "ValidationException"));
            assert_eq!(refused.fields[0].0, "/nextToken");
            assert_ne!(refused.fields[0].1, "Invalid token.");
        }
    }
}

#[tokio::test]
async fn a_token_is_for_its_own_list_only() {
    for list in &LISTS {
        for other in LISTS
            .iter()
            .filter(|other| other.operation != list.operation)
        {
            let fixture = Fixture::new(list, 3).await;
            let token = fixture.token().await;
            let mut input = json!({"nextToken": token});
            if other.of_store {
                input["policyStoreId"] = json!(fixture.ids[0]);
            }
            if list.operation != "ListPolicyStores" && other.of_store {
                input["policyStoreId"] = json!(fixture.store);
            }
            assert_token_refused(&call_refused(&fixture.app, other.operation, &input).await);
        }
    }
}

#[tokio::test]
async fn a_token_is_for_its_own_account_only() {
    for list in LISTS.iter().filter(|list| !list.of_store) {
        let fixture = Fixture::new(list, 3).await;
        let token = fixture.token().await;
        assert_token_refused(&fixture.refused(OTHER_ACCOUNT, &token).await);
    }
}

#[tokio::test]
async fn a_token_is_for_its_own_policy_store_only() {
    for list in LISTS.iter().filter(|list| list.of_store) {
        let fixture = Fixture::new(list, 3).await;
        let token = fixture.token().await;
        let input = json!({"validationSettings": {"mode": "OFF"}});
        let other = call_ok(&fixture.app, "CreatePolicyStore", &input).await;
        let input = json!({"policyStoreId": other["policyStoreId"], "nextToken": token});
        assert_token_refused(&call_refused(&fixture.app, list.operation, &input).await);
    }
}

#[tokio::test]
async fn a_token_stays_good_when_the_policy_store_is_named_by_an_alias() {
    for list in LISTS.iter().filter(|list| list.of_store) {
        let fixture = Fixture::new(list, 3).await;
        let alias = "policy-store-alias/a";
        let input = json!({"policyStoreId": fixture.store, "aliasName": alias});
        call_ok(&fixture.app, "CreatePolicyStoreAlias", &input).await;
        let input = json!({"policyStoreId": alias, "nextToken": fixture.token().await});
        let page = call_ok(&fixture.app, list.operation, &input).await;
        assert_eq!(page[list.member].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_token_is_for_its_own_filter_only() {
    let policies = Fixture::new(&LISTS[0], 3).await;
    let aliases = Fixture::new(&LISTS[2], 3).await;
    let principal = json!({"identifier": {"entityType": "User", "entityId": "1"}});
    for (fixture, filters) in [
        (
            &policies,
            vec![
                json!(null),
                json!({"policyType": "STATIC"}),
                json!({"policyType": "TEMPLATE_LINKED"}),
                json!({"resource": {"unspecified": true}}),
                json!({"principal": principal}),
            ],
        ),
        (
            &aliases,
            vec![
                json!(null),
                json!({"policyStoreId": aliases.store}),
                json!({"policyStoreId": "x"}),
            ],
        ),
    ] {
        for one in &filters {
            let with = |filter: &Value, token: Option<&Value>| {
                let mut input = fixture.input(Some(1), None);
                input["filter"] = filter.clone();
                input["nextToken"] = json!(token);
                input
            };
            let operation = fixture.list.operation;
            let page = call_ok(&fixture.app, operation, &with(one, None)).await;
            let Some(token) = page.get("nextToken") else {
                continue;
            };
            call_ok(&fixture.app, operation, &with(one, Some(token))).await;
            for other in filters.iter().filter(|other| *other != one) {
                let input = with(other, Some(token));
                assert_token_refused(&call_refused(&fixture.app, operation, &input).await);
            }
        }
    }
}
