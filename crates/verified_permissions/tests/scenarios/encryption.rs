//! Encryption settings of policy stores.

use std::collections::HashMap;

use aws_sdk_verifiedpermissions::types::{
    EncryptionSettings, EncryptionState, KmsEncryptionSettings, ValidationMode,
};
use serde_json::json;

use crate::common::{call_ok, call_refused, mode, start};
use crate::policy_stores::arn;

#[tokio::test]
async fn a_key_is_reported_as_its_full_arn_with_the_services_context() {
    let arns = [
        (
            "1234-abcd",
            "arn:aws:kms:us-east-1:111122223333:key/1234-abcd",
        ),
        (
            "alias/mine",
            "arn:aws:kms:us-east-1:111122223333:alias/mine",
        ),
        (
            "arn:aws:kms:eu-west-1:444455556666:key/k",
            "arn:aws:kms:eu-west-1:444455556666:key/k",
        ),
    ];
    let (_app, client) = start();
    for (key, key_arn) in arns {
        let settings = KmsEncryptionSettings::builder()
            .key(key)
            .encryption_context("app", "one");
        let settings = EncryptionSettings::KmsEncryptionSettings(settings.build().unwrap());
        let call = client
            .create_policy_store()
            .validation_settings(mode(ValidationMode::Off));
        let id = call
            .encryption_settings(settings)
            .send()
            .await
            .unwrap()
            .policy_store_id;
        let found = client
            .get_policy_store()
            .policy_store_id(&id)
            .send()
            .await
            .unwrap();
        let Some(EncryptionState::KmsEncryptionState(state)) = found.encryption_state() else {
            panic!("{:?}", found.encryption_state());
        };
        assert_eq!(state.key(), key_arn);
        let context = [
            ("app".to_owned(), "one".to_owned()),
            (
                "aws:verifiedpermissions:policy-store-arn".to_owned(),
                arn(&id),
            ),
        ];
        assert_eq!(state.encryption_context(), &HashMap::from(context));
    }
}

#[tokio::test]
async fn the_services_own_encryption_context_cannot_be_given() {
    let (app, _client) = start();
    let context = json!({"aws:verifiedpermissions:policy-store-arn": "x"});
    let settings = json!({"kmsEncryptionSettings": {"key": "k", "encryptionContext": context}});
    let input = json!({"validationSettings": {"mode": "OFF"}, "encryptionSettings": settings});
    let refused = call_refused(&app, "CreatePolicyStore", &input).await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
    let path = "/encryptionSettings/kmsEncryptionSettings/encryptionContext";
    assert_eq!(refused.fields[0].0, path);
}

#[tokio::test]
async fn an_explicit_default_encryption_is_the_default() {
    let (app, _client) = start();
    let settings = json!({"default": {}});
    let input = json!({"validationSettings": {"mode": "OFF"}, "encryptionSettings": settings});
    let created = call_ok(&app, "CreatePolicyStore", &input).await;
    let input = json!({"policyStoreId": created["policyStoreId"]});
    let found = call_ok(&app, "GetPolicyStore", &input).await;
    assert_eq!(found["encryptionState"], settings);
}
