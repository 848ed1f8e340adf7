//! What all lists have in common: pages, their sizes, and the tokens between them.

mod pages;
mod tokens;

use serde_json::{Value, json};
use store::Store;
use testkit::{ADMIN, App, OTHER_ACCOUNT, User};
use verified_permissions::{Options, Quotas};

use crate::common::{Failure, call, call_ok, call_refused};

/// A list, and how its items come into being and go.
struct List {
    operation: &'static str,
    /// The member of the output that holds the items.
    member: &'static str,
    /// The member of an item that names it.
    id: &'static str,
    default: usize,
    of_store: bool,
    create: fn(store: &str, n: usize) -> (&'static str, Value),
    delete: fn(store: &str, id: &str) -> (&'static str, Value),
}

const LISTS: [List; 4] = [
    List {
        operation: "ListPolicies",
        member: "policies",
        id: "policyId",
        default: 10,
        of_store: true,
        create: |store, n| {
            let statement = format!("permit(principal == User::\"{n}\", action, resource);");
            let definition = json!({"static": {"statement": statement}});
            (
                "CreatePolicy",
                json!({"policyStoreId": store, "definition": definition}),
            )
        },
        delete: |store, id| {
            (
                "DeletePolicy",
                json!({"policyStoreId": store, "policyId": id}),
            )
        },
    },
    List {
        operation: "ListPolicyTemplates",
        member: "policyTemplates",
        id: "policyTemplateId",
        default: 10,
        of_store: true,
        create: |store, n| {
            let statement =
                format!("permit(principal == ?principal, action, resource == Doc::\"{n}\");");
            (
                "CreatePolicyTemplate",
                json!({"policyStoreId": store, "statement": statement}),
            )
        },
        delete: |store, id| {
            (
                "DeletePolicyTemplate",
                json!({"policyStoreId": store, "policyTemplateId": id}),
            )
        },
    },
    List {
        operation: "ListPolicyStoreAliases",
        member: "policyStoreAliases",
        id: "aliasName",
        default: 5,
        of_store: false,
        create: |store, n| {
            // Names whose order is not that of creation.
            let name = format!("policy-store-alias/{}", (n * 37) % 101);
            (
                "CreatePolicyStoreAlias",
                json!({"policyStoreId": store, "aliasName": name}),
            )
        },
        delete: |_, id| {
            let input = json!({"aliasName": id, "deletionMode": "HardDelete"});
            ("DeletePolicyStoreAlias", input)
        },
    },
    List {
        operation: "ListPolicyStores",
        member: "policyStores",
        id: "policyStoreId",
        default: 10,
        of_store: false,
        create: |_, _| {
            (
                "CreatePolicyStore",
                json!({"validationSettings": {"mode": "OFF"}}),
            )
        },
        delete: |_, id| ("DeletePolicyStore", json!({"policyStoreId": id})),
    },
];

/// A list with something in it.
struct Fixture<'a> {
    app: App,
    list: &'a List,
    store: String,
    /// The items in the order of their creation.
    ids: Vec<String>,
}

impl<'a> Fixture<'a> {
    async fn new(list: &'a List, items: usize) -> Self {
        let quotas = Quotas {
            policy_templates: 1000,
            policy_store_aliases: 1000,
            ..Quotas::default()
        };
        let options = Options {
            quotas,
            ..Options::default()
        };
        let app = App::over(Store::memory(), options);
        let mut this = Self {
            app,
            list,
            store: String::new(),
            ids: Vec::new(),
        };
        if list.operation != "ListPolicyStores" {
            let input = json!({"validationSettings": {"mode": "OFF"}});
            let created = call_ok(&this.app, "CreatePolicyStore", &input).await;
            this.store = text(&created["policyStoreId"]);
        }
        for n in 0..items {
            this.add(n).await;
        }
        this
    }

    async fn add(&mut self, n: usize) {
        let (operation, input) = (self.list.create)(&self.store, n);
        let created = call_ok(&self.app, operation, &input).await;
        self.ids.push(text(&created[self.list.id]));
    }

    async fn remove(&mut self, at: usize) {
        let (operation, input) = (self.list.delete)(&self.store, &self.ids.remove(at));
        call_ok(&self.app, operation, &input).await;
    }

    fn input(&self, max: Option<i64>, token: Option<&str>) -> Value {
        let mut input = json!({"maxResults": max, "nextToken": token});
        if self.list.of_store {
            input["policyStoreId"] = json!(self.store);
        }
        input
    }

    /// One page: its items and the token of the next.
    async fn page(&self, max: Option<i64>, token: Option<&str>) -> (Vec<String>, Option<String>) {
        let page = call_ok(&self.app, self.list.operation, &self.input(max, token)).await;
        let items = page[self.list.member].as_array().unwrap();
        let ids = items.iter().map(|item| text(&item[self.list.id])).collect();
        (ids, page.get("nextToken").map(text))
    }

    /// The pages from the one of `token` on.
    async fn pages(&self, max: i64, mut token: Option<String>) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let (page, next) = self.page(Some(max), token.as_deref()).await;
            pages.push(page);
            let Some(next) = next else { return pages };
            assert!((1..=8000).contains(&next.len()));
            assert!(pages.len() < 1000, "a list without an end");
            token = Some(next);
        }
    }

    /// A token that is good for another page.
    async fn token(&self) -> String {
        self.page(Some(1), None).await.1.unwrap()
    }

    async fn refused(&self, user: User, token: &str) -> Failure {
        let request = self
            .app
            .request(user, self.list.operation, &self.input(None, Some(token)));
        let response = self.app.send(request).await;
        Failure::read(response.status().as_u16(), response.body())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn assert_token_refused(refused: &Failure) {
    refused.assert_invalid(&[("/nextToken", "Invalid token.")]);
}
