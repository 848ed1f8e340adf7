//! Many clients at once: an acknowledged write is seen by the next read, whoever asks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_verifiedpermissions::Client;
use aws_sdk_verifiedpermissions::types::{Decision, ValidationMode};
use serde_json::json;
use store::Store;
use testkit::{ADMIN, App, OTHER_ACCOUNT};
use tokio::task::{JoinHandle, JoinSet};
use verified_permissions::Options;

use crate::common::{action, entity, policy, static_policy, store_off};
use crate::scene::Scene;

/// One scene over each kind of store. The directory is the database's.
async fn scenes() -> (tempfile::TempDir, [Scene; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Store::sqlite(&directory.path().join("db")).unwrap();
    let over = |store| Scene::new(App::over(store, Options::default()), ValidationMode::Off);
    let scenes = [over(Store::memory()).await, over(sqlite).await];
    (directory, scenes)
}

/// May `App::User::"id"` view a document?
async fn may(client: &Client, store: &str, id: &str) -> bool {
    let call = client.is_authorized().policy_store_id(store);
    let call = call
        .principal(entity("App::User", id))
        .action(action("App::Action::view"));
    let answer = call.resource(entity("App::Doc", "d")).send().await.unwrap();
    assert!(answer.errors().is_empty());
    answer.decision() == &Decision::Allow
}

fn permit(id: &str, condition: &str) -> String {
    format!(r#"permit(principal == App::User::"{id}", action, resource) when {{ {condition} }};"#)
}

async fn update(client: &Client, store: &str, policy: &str, statement: &str) {
    use aws_sdk_verifiedpermissions::types::{
        UpdatePolicyDefinition, UpdateStaticPolicyDefinition,
    };
    let definition = UpdateStaticPolicyDefinition::builder()
        .statement(statement)
        .build()
        .unwrap();
    let call = client
        .update_policy()
        .policy_store_id(store)
        .policy_id(policy);
    call.definition(UpdatePolicyDefinition::Static(definition))
        .send()
        .await
        .unwrap();
}

/// Writes and asks about `App::User::"id"` alone, so that every answer is known.
async fn writer(client: Client, store: String, id: String, rounds: usize) {
    for round in 0..rounds {
        assert!(!may(&client, &store, &id).await, "{id} {round}");
        let policy = policy(&client, &store, &permit(&id, "true")).await;
        assert!(may(&client, &store, &id).await, "{id} {round}");
        update(&client, &store, &policy, &permit(&id, "false")).await;
        assert!(!may(&client, &store, &id).await, "{id} {round}");
        update(&client, &store, &policy, &permit(&id, "1 == 1")).await;
        assert!(may(&client, &store, &id).await, "{id} {round}");
        client
            .delete_policy()
            .policy_store_id(&store)
            .policy_id(&policy)
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_writer_sees_its_own_writes_at_once() {
    let (_directory, scenes) = scenes().await;
    for scene in scenes {
        let mut tasks = JoinSet::new();
        for id in 0..12 {
            tasks.spawn(writer(
                scene.client.clone(),
                scene.store.clone(),
                id.to_string(),
                8,
            ));
        }
        tasks.join_all().await;
        assert_eq!(
            scene.ok("ListPolicies", json!({})).await,
            json!({"policies": []})
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_is_seen_by_others_once_it_is_acknowledged() {
    let (_directory, scenes) = scenes().await;
    for scene in scenes {
        let (reader, writer) = (scene.app.client(ADMIN), scene.client.clone());
        for round in 0..40 {
            let id = round.to_string();
            let policy = policy(&writer, &scene.store, &permit(&id, "true")).await;
            let mut readers = JoinSet::new();
            for _ in 0..4 {
                let (reader, store, id) = (reader.clone(), scene.store.clone(), id.clone());
                readers.spawn(async move { may(&reader, &store, &id).await });
            }
            assert_eq!(readers.join_all().await, [true; 4]);
            let call = writer
                .delete_policy()
                .policy_store_id(&scene.store)
                .policy_id(policy);
            call.send().await.unwrap();
            assert!(!may(&reader, &scene.store, &id).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_gets_a_name() {
    let (_directory, scenes) = scenes().await;
    for scene in scenes {
        for round in 0..5 {
            let mut tasks = JoinSet::new();
            for id in 0..8 {
                let call = scene.client.create_policy().policy_store_id(&scene.store);
                let call = call.name(format!("name/{round}"));
                let call = call.definition(static_policy(&permit(&id.to_string(), "true")));
                tasks.spawn(async move {
                    call.send()
                        .await
                        .map_err(|error| error.into_service_error())
                });
            }
            let answers = tasks.join_all().await;
            let (created, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
            assert_eq!(created.len(), 1);
            assert!(
                refused
                    .iter()
                    .all(|error| error.as_ref().unwrap_err().is_conflict_exception())
            );
            let name = json!({"policyId": format!("name/{round}")});
            let holder = scene.ok("GetPolicy", name).await["policyId"].clone();
            assert_eq!(holder, json!(created[0].as_ref().unwrap().policy_id));
        }
        let listed = scene.ok("ListPolicies", json!({})).await;
        assert_eq!(listed["policies"].as_array().unwrap().len(), 5);
    }
}

/// Another server over the same data, which has loaded no policy store yet.
fn restarted(store: &Store, seed: u64) -> Client {
    App::seeded(store.clone(), Options::default(), seed).client(ADMIN)
}

/// A policy store with so many policies that loading it takes a while, in each kind of store.
async fn large(directory: &Path) -> [(Store, String); 2] {
    let stores = [
        Store::memory(),
        Store::sqlite(&directory.join("db")).unwrap(),
    ];
    let mut large = Vec::new();
    for data in stores {
        let client = restarted(&data, 1);
        let store = store_off(&client).await;
        let mut tasks = JoinSet::new();
        for id in 0..150 {
            let (client, store) = (client.clone(), store.clone());
            tasks.spawn(async move {
                policy(&client, &store, &permit(&format!("old{id}"), "true")).await
            });
        }
        tasks.join_all().await;
        large.push((data, store));
    }
    large.try_into().ok().unwrap()
}

/// Writes for as long as `question` is not answered, and a little longer; then everything that
/// was written must be seen.
async fn write_until_answered(
    server: &Client,
    store: &str,
    question: JoinHandle<bool>,
    round: u64,
) {
    let mut written = Vec::new();
    let mut left = 10;
    while left > 0 {
        left -= usize::from(question.is_finished());
        let id = format!("{round}-{}", written.len());
        let policy = policy(server, store, &permit(&id, "true")).await;
        let is_kept = written.len() % 3 > 0;
        if !is_kept {
            update(server, store, &policy, &permit(&id, "false")).await;
        }
        written.push((id, is_kept));
    }
    assert!(question.await.unwrap());
    for (id, is_kept) in written {
        assert_eq!(may(server, store, &id).await, is_kept, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_policy_store_that_is_being_loaded_misses_no_write() {
    let directory = tempfile::tempdir().unwrap();
    for (data, store) in large(directory.path()).await {
        for round in 2..4 {
            // Each round's server loads while it is written to.
            let server = restarted(&data, round);
            let (asked, id) = (server.clone(), store.clone());
            let question = tokio::spawn(async move { may(&asked, &id, "old149").await });
            write_until_answered(&server, &store, question, round).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_question_that_is_given_up_spoils_no_later_answer() {
    let directory = tempfile::tempdir().unwrap();
    for (data, store) in large(directory.path()).await {
        for round in 2..4 {
            let server = restarted(&data, round);
            let ask = || {
                let (asked, id) = (server.clone(), store.clone());
                tokio::spawn(async move { may(&asked, &id, "old149").await })
            };
            // The second begins to load while the first one's loading goes on.
            let given_up = ask();
            tokio::time::sleep(Duration::from_millis(15 * round)).await;
            given_up.abort();
            write_until_answered(&server, &store, ask(), round).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_policy_store_deleted_while_it_is_asked_is_gone_for_good() {
    let (_directory, scenes) = scenes().await;
    for scene in scenes {
        for _ in 0..20 {
            let store = store_off(&scene.client).await;
            policy(&scene.client, &store, &permit("u", "true")).await;
            let gone = Arc::new(AtomicBool::new(false));
            let mut tasks = JoinSet::new();
            for _ in 0..4 {
                let (client, store, gone) =
                    (scene.client.clone(), store.clone(), Arc::clone(&gone));
                tasks.spawn(async move {
                    loop {
                        let was_gone = gone.load(Ordering::SeqCst);
                        let call = client.is_authorized().policy_store_id(&store);
                        let answer = call
                            .send()
                            .await
                            .map_err(|error| error.into_service_error());
                        match answer {
                            Ok(_) => assert!(!was_gone),
                            Err(error) => break assert!(error.is_resource_not_found_exception()),
                        }
                    }
                });
            }
            tokio::task::yield_now().await;
            scene
                .client
                .delete_policy_store()
                .policy_store_id(&store)
                .send()
                .await
                .unwrap();
            gone.store(true, Ordering::SeqCst);
            tasks.join_all().await;
            let again = scene
                .client
                .is_authorized()
                .policy_store_id(&store)
                .send()
                .await;
            assert!(
                again
                    .unwrap_err()
                    .into_service_error()
                    .is_resource_not_found_exception()
            );
        }
    }
}

#[tokio::test]
async fn a_loaded_policy_store_is_its_accounts_alone() {
    let scene = Scene::off().await;
    policy(&scene.client, &scene.store, &permit("u", "true")).await;
    assert!(may(&scene.client, &scene.store, "u").await);
    let other = scene.app.client(OTHER_ACCOUNT);
    let call = other.is_authorized().policy_store_id(&scene.store).send();
    assert!(
        call.await
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    assert!(may(&scene.client, &scene.store, "u").await);
}
