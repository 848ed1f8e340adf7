//! Policy stores in a database file with many template-linked policies, written in large
//! transactions beside the service. Each user and each photo has ten of them, however many there
//! are in all.

use serde_json::{Value, json};
use store::{ListKey, NewDocument, Store, StoreError, WriteTx};
use tempfile::TempDir;
use testkit::{ADMIN, App};
use verified_permissions::Options;

/// How many policies the stores of a benchmark have: `cargo bench --features million` for all.
pub(crate) const SIZES: &[usize] = if cfg!(feature = "million") {
    &[100, 10_000, 1_000_000]
} else {
    &[100, 10_000]
};

const PER_TRANSACTION: usize = 5_000;

/// A service with one filled policy store.
pub(crate) struct Filled {
    pub(crate) app: App,
    pub(crate) policy_store: Value,
    pub(crate) template: Value,
    _folder: TempDir,
}

impl Filled {
    /// A policy store with this many links of one template, in a file beside the build's output:
    /// temporary folders are often in memory.
    pub(crate) async fn with(policies: usize) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let data = Store::sqlite(&folder.path().join("store.db")).expect("a database");
        let app = App::over(data.clone(), Options::default());
        let settings = json!({ "validationSettings": { "mode": "OFF" } });
        let store = call(&app, "CreatePolicyStore", &settings).await["policyStoreId"].clone();
        let statement = "permit(principal == ?principal, action, resource == ?resource);";
        let template = json!({ "policyStoreId": store, "statement": statement });
        let template = call(&app, "CreatePolicyTemplate", &template).await;
        let filled = Self {
            app,
            policy_store: store,
            template: template["policyTemplateId"].clone(),
            _folder: folder,
        };
        let first = filled.create(0).await;
        let texts = [&filled.policy_store, &filled.template, &first].map(|text| {
            let text = text.as_str();
            text.expect("an id").to_owned()
        });
        fill(&data, texts, policies).await;
        let found = filled
            .list(json!({ "principal": user(policies / 2) }))
            .await;
        assert!(found > 0, "the service finds what was written");
        filled
    }

    /// Creates the link of this number, and returns its id.
    pub(crate) async fn create(&self, number: usize) -> Value {
        let [user, photo] =
            [user(number), photo(number)].map(|wanted| wanted["identifier"].clone());
        let link =
            json!({ "policyTemplateId": self.template, "principal": user, "resource": photo });
        let definition = json!({ "templateLinked": link });
        let input = json!({ "policyStoreId": self.policy_store, "definition": definition });
        call(&self.app, "CreatePolicy", &input).await["policyId"].clone()
    }

    /// How many policies the first page of a filtered list has.
    pub(crate) async fn list(&self, filter: Value) -> usize {
        let input = json!({ "policyStoreId": self.policy_store, "filter": filter });
        let listed = call(&self.app, "ListPolicies", &input).await;
        listed["policies"].as_array().map_or(0, Vec::len)
    }
}

fn user_id(number: usize) -> String {
    format!("user-{}", number / 10)
}

fn photo_id(number: usize) -> String {
    format!("photo-{}", number / 100 * 10 + number % 10)
}

/// The filter for the principal of a link.
pub(crate) fn user(number: usize) -> Value {
    let id = user_id(number);
    json!({ "identifier": { "entityType": "User", "entityId": id } })
}

/// The filter for the resource of a link.
pub(crate) fn photo(number: usize) -> Value {
    let id = photo_id(number);
    json!({ "identifier": { "entityType": "Photo", "entityId": id } })
}

/// Calls the service as an administrator.
pub(crate) async fn call(app: &App, operation: &str, body: &Value) -> Value {
    let response = app.send(app.request(ADMIN, operation, body)).await;
    let body = serde_json::from_slice(response.body()).expect("a JSON body");
    assert!(response.status().is_success(), "{operation}: {body}");
    body
}

/// Copies the policy `first` until there are so many.
async fn fill(data: &Store, [parent, template, first]: [String; 3], policies: usize) {
    let pattern = {
        let parent = parent.clone();
        let read = data.read(move |tx| tx.get("vp.policy", &parent, &first));
        read.await.expect("a database").expect("a policy")
    };
    for start in (1..policies).step_by(PER_TRANSACTION) {
        let (parent, template, pattern) = (parent.clone(), template.clone(), pattern.clone());
        let work = move |tx: &mut dyn WriteTx| {
            for number in start..policies.min(start + PER_TRANSACTION) {
                let user = user_id(number);
                let photo = photo_id(number);
                let key = |texts: &[&str]| ListKey::of(&[&["vp.policy"], texts].concat());
                let body = pattern.body.replace("\"user-0\"", &format!("\"{user}\""));
                let body = body.replace("\"photo-0\"", &format!("\"{photo}\""));
                tx.insert(NewDocument {
                    kind: "vp.policy",
                    parent: &parent,
                    id: &id(number),
                    version: pattern.version,
                    body: &body,
                    keys: Some(&[
                        key(&["principal", "User", &user]),
                        key(&["resource", "Photo", &photo]),
                        key(&["template", &template]),
                        key(&["shape", "1", "1", "1"]),
                    ]),
                })?;
            }
            Ok::<_, StoreError>(())
        };
        data.write(work).await.expect("a database");
    }
}

/// Ids of the usual length in no order.
fn id(number: usize) -> String {
    let mix = |n: u64| (n ^ n >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ n >> 32;
    let number = number as u64;
    format!(
        "{:016x}{:06x}",
        mix(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        number
    )
}
