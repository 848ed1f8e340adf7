//! `BatchIsAuthorized`: up to 30 decisions that share their entities, and either the principal
//! or the resource.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::shape::Shape;
use model::verified_permissions::types::{
    ActionIdentifier, ContextDefinition, Decision, DeterminingPolicyItem, EntitiesDefinition,
    EntityIdentifier, EvaluationErrorItem,
};
use serde::{Deserialize, Serialize};
use wire::direct::repeated::{self, Field, Last, Shared};

use crate::access;
use crate::authorization::{Question, Session, check_batch};
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct BatchIsAuthorized;

impl Operation for BatchIsAuthorized {
    type State = VerifiedPermissions;
    type Input = Input;
    type Output = Output;
    type Error = Error;

    const NAME: &'static str = "BatchIsAuthorized";

    fn read(shape: &'static Shape, body: &[u8]) -> Option<Input> {
        let (mut policy_store_id, mut entities, mut requests) = (None, None, None);
        let mut last = LastItem::default();
        repeated::object(shape, body, |field| {
            match field.name() {
                "policyStoreId" => policy_store_id = Some(field.read()?),
                "entities" => entities = Some(field.read()?),
                "requests" => requests = Some(field.items(|item| last.read(item))?),
                _ => return None,
            }
            Some(())
        })?;
        Some(Input {
            policy_store_id: policy_store_id?,
            entities,
            requests: requests?,
        })
    }

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a Input,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:IsAuthorized",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: Input,
    ) -> Result<Output, Error> {
        check(&input.requests)?;
        let (store, entities) = (&input.policy_store_id, input.entities.as_ref());
        let mut session = Session::open(state, &context, store, entities).await?;
        let mut decisions = Vec::with_capacity(input.requests.len());
        for (at, request) in input.requests.iter().enumerate() {
            let question = Question {
                principal: request.principal.as_deref(),
                action: request.action.as_deref(),
                resource: request.resource.as_deref(),
                context: request.context.as_deref(),
            };
            let decided = session.decide(question, &|| format!("/requests/{at}"))?;
            decisions.push(decided);
        }
        let decided = input.requests.into_iter().zip(decisions);
        let results = decided.map(|(request, decided)| Answered {
            request,
            decision: decided.decision,
            determining_policies: decided.determining_policies,
            errors: decided.errors,
        });
        let results = results.collect();
        Ok(Output { results })
    }
}

/// `BatchIsAuthorizedInput`, whose items share what they repeat.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    policy_store_id: String,
    entities: Option<EntitiesDefinition>,
    requests: Vec<Item>,
}

#[derive(Default, Deserialize, Serialize)]
pub(super) struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Shared<EntityIdentifier>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Shared<ActionIdentifier>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Shared<EntityIdentifier>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Shared<ContextDefinition>>,
}

/// `BatchIsAuthorizedOutput`.
#[derive(Serialize)]
pub(super) struct Output {
    results: Vec<Answered>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    request: Item,
    decision: Decision,
    determining_policies: Vec<DeterminingPolicyItem>,
    errors: Vec<EvaluationErrorItem>,
}

/// What the items had so far.
#[derive(Default)]
struct LastItem<'a> {
    principal: Last<'a, EntityIdentifier>,
    action: Last<'a, ActionIdentifier>,
    resource: Last<'a, EntityIdentifier>,
    context: Last<'a, ContextDefinition>,
}

impl<'a> LastItem<'a> {
    fn read(&mut self, item: Field<'_, 'a>) -> Option<Item> {
        let mut read = Item::default();
        item.members(|field| {
            match field.name() {
                "principal" => read.principal = Some(field.shared(&mut self.principal)?),
                "action" => read.action = Some(field.shared(&mut self.action)?),
                "resource" => read.resource = Some(field.shared(&mut self.resource)?),
                "context" => read.context = Some(field.shared(&mut self.context)?),
                _ => return None,
            }
            Some(())
        })?;
        Some(read)
    }
}

fn check(requests: &[Item]) -> Result<(), Error> {
    check_batch(requests)?;
    let same = |equal: fn(&Item, &Item) -> bool| {
        requests
            .iter()
            .zip(requests.iter().skip(1))
            .all(|(one, next)| equal(one, next))
    };
    if same(|a, b| a.principal == b.principal) || same(|a, b| a.resource == b.resource) {
        return Ok(());
    }
    let text = "The requests of a batch must all have the same principal or the same resource.";
    Err(Error::field("/requests", text))
}
