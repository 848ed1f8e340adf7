//! Policy stores of one shape in any size, and a question to which the same policies of them
//! matter, whatever the size.

use serde_json::{Value, json};
use store::{NewDocument, Store, StoreError, WriteTx};
use testkit::{ADMIN, App};
use verified_permissions::Options;

/// The usual link: one user, one resource.
pub(crate) const TEMPLATE: &str = "permit(principal == ?principal, action, resource == ?resource);";

const PER_TRANSACTION: usize = 5_000;

/// What the policies of a store look like. In them, `@n@` stands for a policy's number, `@u@` for
/// one of 100,000 users and `@p@` for one of 10,000 photos, so that no pair comes twice.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// The statements of the policies, in turns; [`TEMPLATE`] is linked.
    pub(crate) patterns: &'static [&'static str],
    /// Policies that any such store has besides.
    pub(crate) besides: &'static [&'static str],
    /// The user is in three groups.
    pub(crate) in_groups: bool,
    /// The photo is in a folder, which is in a folder, which is in a folder.
    pub(crate) in_folders: bool,
    /// How many policies determine the decision.
    pub(crate) matching: usize,
}

const STATIC: &str = r#"permit(principal == User::"user-@u@", action == Action::"view", resource == Photo::"photo-@p@");"#;
const GROUP: &str =
    r#"permit(principal in Group::"group-@n@", action == Action::"view", resource);"#;
const FOLDER: &str =
    r#"permit(principal, action == Action::"view", resource in Folder::"folder-@n@");"#;
const IS: &str = r#"permit(principal == User::"user-@n@", action, resource is Photo);"#;
const IS_IN: &str = r#"permit(principal is User in Group::"group-@n@", action, resource is Photo in Folder::"folder-@n@");"#;
const UNCONSTRAINED: &[&str] = &[
    "forbid(principal, action, resource) when { context has blocked };",
    "forbid(principal, action, resource) unless { context.mfa };",
    "permit(principal, action, resource) when { resource.owner == principal };",
    r#"forbid(principal, action, resource) when { principal.department == "guests" };"#,
    r#"forbid(principal, action, resource) unless { context.ip.isInRange(ip("10.0.0.0/8")) };"#,
];

const PLAIN: Shape = Shape {
    name: "",
    patterns: &[],
    besides: &[],
    in_groups: false,
    in_folders: false,
    matching: 1,
};

pub(crate) const LINKS: Shape = Shape {
    name: "links",
    patterns: &[TEMPLATE],
    ..PLAIN
};

pub(crate) const STATICS: Shape = Shape {
    name: "static",
    patterns: &[STATIC],
    ..PLAIN
};

pub(crate) const SHAPES: &[Shape] = &[
    LINKS,
    STATICS,
    Shape {
        name: "groups",
        patterns: &[GROUP],
        in_groups: true,
        matching: 3,
        ..PLAIN
    },
    Shape {
        name: "folders",
        patterns: &[FOLDER],
        in_folders: true,
        matching: 3,
        ..PLAIN
    },
    Shape {
        name: "is",
        patterns: &[IS],
        ..PLAIN
    },
    Shape {
        name: "is in",
        patterns: &[IS_IN],
        in_groups: true,
        in_folders: true,
        matching: 3,
        ..PLAIN
    },
    Shape {
        name: "unconstrained",
        patterns: &[STATIC],
        besides: UNCONSTRAINED,
        matching: 2,
        ..PLAIN
    },
    Shape {
        name: "mix",
        patterns: &[TEMPLATE, STATIC, GROUP, FOLDER, IS, IS_IN],
        besides: UNCONSTRAINED,
        in_groups: true,
        in_folders: true,
        matching: 13,
    },
];

/// The user of a policy's number.
pub(crate) fn user(number: usize) -> String {
    format!("user-{}", number % 100_000)
}

/// The photo of a policy's number.
pub(crate) fn photo(number: usize) -> String {
    format!("photo-{}", (number * 7_919 + number / 100_000) % 10_000)
}

impl Shape {
    /// The input of an IsAuthorized to which policies of the numbers 1 to 3 matter.
    pub(crate) fn question(&self, policy_store: &Value) -> Value {
        let mut question = testkit::question(&user(1), &photo(1));
        question["policyStoreId"] = policy_store.clone();
        let mut link = |child: usize, kind: &str, parents: &[(usize, usize)]| {
            let entity = |at: usize| json!({ "entityType": kind, "entityId": format!("{}-{at}", kind.to_lowercase()) });
            for &(of, parent) in parents {
                let parent = entity(parent);
                let list = question["entities"]["entityList"].as_array_mut();
                let list = list.expect("a list");
                list.push(json!({ "identifier": parent, "attributes": {} }));
                let child = if of == 0 { child } else { list.len() - 2 };
                let parents = &mut list[child]["parents"];
                match parents.as_array_mut() {
                    Some(parents) => parents.push(parent),
                    None => *parents = json!([parent]),
                }
            }
        };
        if self.in_groups {
            link(0, "Group", &[(0, 1), (0, 2), (0, 3)]);
        }
        if self.in_folders {
            link(1, "Folder", &[(0, 1), (1, 2), (2, 3)]);
        }
        question
    }

    /// A batch of `count` times the same question.
    pub(crate) fn batch(&self, policy_store: &Value, count: usize) -> Value {
        let mut question = self.question(policy_store);
        let members = question.as_object_mut().expect("an object");
        let entities = members.remove("entities");
        members.remove("policyStoreId");
        json!({ "policyStoreId": policy_store, "entities": entities, "requests": vec![question; count] })
    }

    /// Makes a policy store of this shape with `policies` policies in `data`.
    pub(crate) async fn fill(&self, data: &Store, policies: usize) -> Value {
        let app = App::over(data.clone(), Options::default());
        let settings = json!({ "validationSettings": { "mode": "OFF" } });
        let store = call(&app, "CreatePolicyStore", &settings).await["policyStoreId"].clone();
        let template = json!({ "policyStoreId": store, "statement": TEMPLATE });
        let template = call(&app, "CreatePolicyTemplate", &template).await;
        let template = &template["policyTemplateId"];
        for statement in self.besides {
            create(&app, &store, template, statement).await;
        }
        let parent = store.as_str().expect("an id");
        let mut patterns = Vec::new();
        for statement in self.patterns {
            let id = create(&app, &store, template, statement).await;
            let (parent, id) = (parent.to_owned(), id.as_str().expect("an id").to_owned());
            let pattern = data.read(move |tx| tx.get("vp.policy", &parent, &id)).await;
            let pattern = pattern.expect("a database").expect("a policy");
            patterns.push((pattern.version, pattern.body));
        }
        // What is there already counts.
        let copies = policies.saturating_sub(self.besides.len() + self.patterns.len());
        copy(data, parent, &patterns, copies).await;
        store
    }
}

/// Whether this measures, as `cargo bench` has it; else it tries everything once, for which small
/// policy stores will do.
pub(crate) fn measures() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Calls the service as an administrator.
pub(crate) async fn call(app: &App, operation: &str, body: &Value) -> Value {
    let response = app.send(app.request(ADMIN, operation, body)).await;
    let body = serde_json::from_slice(response.body()).expect("a JSON body");
    assert!(response.status().is_success(), "{operation}: {body}");
    body
}

async fn create(app: &App, store: &Value, template: &Value, statement: &str) -> Value {
    let definition = if statement == TEMPLATE {
        json!({ "templateLinked": {
            "policyTemplateId": template,
            "principal": { "entityType": "User", "entityId": "user-@u@" },
            "resource": { "entityType": "Photo", "entityId": "photo-@p@" },
        } })
    } else {
        json!({ "static": { "statement": statement } })
    };
    let policy = json!({ "policyStoreId": store, "definition": definition });
    call(app, "CreatePolicy", &policy).await["policyId"].clone()
}

/// Writes copies of the patterns, in turns, in large transactions beside the service.
async fn copy(data: &Store, parent: &str, patterns: &[(u32, String)], copies: usize) {
    for start in (0..copies).step_by(PER_TRANSACTION) {
        let (parent, patterns) = (parent.to_owned(), patterns.to_vec());
        let work = move |tx: &mut dyn WriteTx| {
            for at in start..copies.min(start + PER_TRANSACTION) {
                let (version, pattern) = &patterns[at % patterns.len()];
                let number = at / patterns.len();
                let body = pattern.replace("@n@", &number.to_string());
                let body = body.replace("user-@u@", &user(number));
                tx.insert(NewDocument {
                    kind: "vp.policy",
                    parent: &parent,
                    id: &id(at),
                    version: *version,
                    body: &body.replace("photo-@p@", &photo(number)),
                    keys: None,
                })?;
            }
            Ok::<_, StoreError>(())
        };
        data.write(work).await.expect("a database");
    }
}

/// Ids of the usual length in no order.
fn id(number: usize) -> String {
    let number = number as u64;
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    format!("{mixed:016x}{number:06x}")
}
