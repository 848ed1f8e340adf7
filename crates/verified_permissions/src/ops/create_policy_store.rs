//! `CreatePolicyStore`: makes an empty policy store.

use std::sync::Arc;

use base::{Timestamp, resource_id};
use frontdoor::{Asked, Operation, Permission, RequestContext, Scope};
use model::verified_permissions::types::{
    CreatePolicyStoreInput, CreatePolicyStoreOutput, DeletionProtection, EncryptionSettings,
    ValidationMode,
};
use resources::kms;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, WriteTx};

use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::policy_store::{self, KmsRecord, PolicyStoreRecord};
use crate::quota::TAGS;
use crate::state::VerifiedPermissions;
use crate::tags;

pub(super) struct CreatePolicyStore;

impl Operation for CreatePolicyStore {
    type State = VerifiedPermissions;
    type Input = CreatePolicyStoreInput;
    type Output = CreatePolicyStoreOutput;
    type Error = Error;

    const NAME: &'static str = "CreatePolicyStore";

    async fn permissions<'a>(
        _: &'a Arc<VerifiedPermissions>,
        _: &'a Asked,
        input: &'a CreatePolicyStoreInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![
            Permission::new("verifiedpermissions:CreatePolicyStore", "*")
                .setting(input.tags.as_ref()),
        ])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: CreatePolicyStoreInput,
    ) -> Result<CreatePolicyStoreOutput, Error> {
        let store_id = resource_id(state.entropy.as_ref());
        let quota = state.options.quotas.policy_stores;
        let write = state
            .store
            .write(move |tx| create(tx, &context, input, store_id, quota));
        let (id, created, scope) = write.await?;
        Ok(CreatePolicyStoreOutput {
            arn: policy_store::arn(&scope, &id),
            policy_store_id: id,
            created_date: created,
            last_updated_date: created,
        })
    }
}

/// What is remembered of the creation, for a repeated request.
#[derive(Serialize, Deserialize)]
struct Created {
    id: String,
    #[serde(with = "resources::micros")]
    at: Timestamp,
}

fn create(
    tx: &mut dyn WriteTx,
    context: &RequestContext,
    mut input: CreatePolicyStoreInput,
    id: String,
    quota: usize,
) -> Result<(String, Timestamp, Scope), Error> {
    let (scope, now) = (&context.scope, context.now);
    let world = policy_store::world(scope);
    let token = input.client_token.take();
    let request = Idempotent::new(
        CreatePolicyStore::NAME,
        ResourceType::PolicyStore,
        token,
        &input,
    );
    if let Some(Created { id, at }) = request.earlier(tx, &world, now)? {
        return Ok((id, at, scope.clone()));
    }
    let tags = input.tags.unwrap_or_default();
    tags::check_new(&tags)?;
    if tags.len() > TAGS {
        return Err(Error::field(
            "/tags",
            "A policy store can have at most 50 tags.",
        ));
    }
    if tx.count_records::<PolicyStoreRecord>(&world)? >= quota as u64 {
        let text = format!("An account can have at most {quota} policy stores in a Region.");
        return Err(
            Error::quota(text, ResourceType::PolicyStore, None).with_quota_code("L-919F2C9C")
        );
    }
    let record = PolicyStoreRecord {
        created: now,
        updated: now,
        strict: input.validation_settings.mode == ValidationMode::Strict,
        description: input.description.filter(|text| !text.is_empty()),
        deletion_protection: input.deletion_protection == Some(DeletionProtection::Enabled),
        kms: customer_key(input.encryption_settings, scope)?,
        tags,
    };
    policy_store::insert(tx, scope, &id, &record)?;
    let created = Created { id, at: now };
    request.remember(tx, &world, now, &created.id, &created)?;
    Ok((created.id, now, scope.clone()))
}

/// The customer's key, as the full ARN that GetPolicyStore reports. There is no AWS KMS behind
/// it: an id or an alias is taken to be one of the caller's account and Region.
fn customer_key(
    settings: Option<EncryptionSettings>,
    scope: &Scope,
) -> Result<Option<KmsRecord>, Error> {
    let Some(EncryptionSettings::KmsEncryptionSettings(settings)) = settings else {
        return Ok(None);
    };
    let encryption_context = settings.encryption_context.unwrap_or_default();
    if encryption_context.contains_key(KmsRecord::STORE_ARN_KEY) {
        let path = "/encryptionSettings/kmsEncryptionSettings/encryptionContext";
        let text = format!(
            "The key `{}` is added by the service.",
            KmsRecord::STORE_ARN_KEY
        );
        return Err(Error::field(path, text));
    }
    let key_arn = kms::key_arn(&settings.key, &scope.region, &scope.account);
    Ok(Some(KmsRecord {
        key_arn,
        encryption_context,
    }))
}
