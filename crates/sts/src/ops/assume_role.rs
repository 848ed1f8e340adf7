//! `AssumeRole`: temporary credentials of a role, for whom its trust policy lets in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::Arn;
use frontdoor::{Asked, Operation, Permission, RequestContext};
use iam::account::Role;
use iam::policy::{Document, DocumentKind, NamedDocument, Outcome};
use iam::session::{Directory, NewSession, issue};
use iam::{Principal, PrincipalKind};
use model::sts::types::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, Credentials, Tag};

use crate::error::Error;
use crate::state::Sts;

/// The length of a session when nothing is said, in seconds.
const DEFAULT_DURATION: i32 = 3_600;
/// The longest session that a session may open (role chaining), in seconds.
const CHAINED_DURATION: i32 = 3_600;
/// The most session tags, and the most managed session policies.
const MOST_TAGS: usize = 50;
const MOST_POLICY_ARNS: usize = 10;
/// The most characters of session policies.
const POLICY_CHARACTERS: usize = 2_048;

pub(super) struct AssumeRole;

impl Operation for AssumeRole {
    type State = Sts;
    type Input = AssumeRoleRequest;
    type Output = AssumeRoleResponse;
    type Error = Error;

    const NAME: &'static str = "AssumeRole";

    async fn permissions<'a>(
        state: &'a Arc<Sts>,
        asked: &'a Asked,
        input: &'a AssumeRoleRequest,
    ) -> Result<Vec<Permission<'a>>, Error> {
        if asked.caller.principal.kind == PrincipalKind::Root {
            let message = "Roles may not be assumed by root accounts.";
            return Err(Error::AccessDenied(message.to_owned()));
        }
        if Arn::parse(&input.role_arn)
            .is_none_or(|arn| arn.partition.is_empty() || arn.service.is_empty())
        {
            return Err(Error::Validation(format!("{} is invalid", input.role_arn)));
        }
        permissions(&state.directory.load(), asked, input)
    }

    async fn call(
        state: &Arc<Sts>,
        context: RequestContext,
        input: AssumeRoleRequest,
    ) -> Result<AssumeRoleResponse, Error> {
        let directory = state.directory.load();
        // The account file may have changed since the decision.
        for permission in permissions(&directory, &context, &input)? {
            let decision = context.decide(&permission);
            if decision.outcome != Outcome::Allow {
                let message = "The policies have changed while the request was decided.";
                return Err(Error::AccessDenied(message.to_owned()));
            }
        }
        let role = directory.accounts().role(&input.role_arn).ok_or_else(|| {
            Error::AccessDenied(format!("The role {} does not exist.", input.role_arn))
        })?;
        let chained = matches!(
            context.caller.principal.kind,
            PrincipalKind::AssumedRole { .. }
        );
        let life = duration(input.duration_seconds, role.max_session_duration, chained)?;
        let policy_arns = policies(&directory, role, &input)?;
        let packs = input.policy.is_some() || !policy_arns.is_empty() || input.tags.is_some();
        let inherited = &context.caller.principal.inheritance.transitive_tags;
        let tags = tags(&input)?.unwrap_or_default();
        let mut transitive_tag_keys = transitive_keys(&input, &tags)?;
        transitive_tag_keys.extend(inherited.keys().cloned());
        let tags = with_inherited(inherited, tags)?;
        let source_identity = source_identity(&context.caller.principal, &input)?;
        let expires = context.now.plus(life);
        let session = NewSession {
            role_arn: &role.arn,
            role_id: &role.id,
            session_name: &input.role_session_name,
            policy: input.policy.as_deref(),
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity: source_identity.as_deref(),
            expires,
        };
        let issued = issue(directory.session_key(), state.entropy.as_ref(), &session);
        let issued = issued.map_err(|error| Error::PackedPolicyTooLarge(error.to_string()))?;
        Ok(AssumeRoleResponse {
            assumed_role_user: Some(AssumedRoleUser {
                assumed_role_id: format!("{}:{}", role.id, input.role_session_name),
                arn: role.session_arn(&input.role_session_name),
            }),
            credentials: Some(Credentials {
                access_key_id: issued.access_key_id,
                secret_access_key: issued.secret_access_key.expose().to_owned(),
                session_token: issued.session_token,
                expiration: issued.expiration,
            }),
            packed_policy_size: packs.then(|| i32::from(issued.packed_policy_size)),
            source_identity,
            session_token_utilization: None,
            session_token_size: None,
        })
    }
}

/// What the caller must be allowed to do, by the policies of this reading of the account file.
fn permissions<'a>(
    directory: &Directory,
    asked: &Asked,
    input: &AssumeRoleRequest,
) -> Result<Vec<Permission<'a>>, Error> {
    let tags = tags(input)?;
    let source_identity = source_identity(&asked.caller.principal, input)?;
    let permission = |action| {
        let mut permission = Permission::new(action, &*input.role_arn);
        let role = directory.accounts().role(&input.role_arn);
        permission.resource_account = Arn::parse(&input.role_arn).map(|arn| arn.account.to_owned());
        permission.resource_policy = Some(role.map_or_else(nobody, |role| role.trust.clone()));
        permission.keys = vec![("sts:rolesessionname", input.role_session_name.clone())];
        let optional = [
            ("sts:externalid", &input.external_id),
            ("sts:sourceidentity", &source_identity),
        ];
        for (key, value) in optional {
            permission
                .keys
                .extend(value.clone().map(|value| (key, value)));
        }
        permission.request_tags = tags.clone().map(Cow::Owned);
        permission
    };
    let mut permissions = vec![permission("sts:AssumeRole")];
    if tags.is_some() {
        permissions.push(permission("sts:TagSession"));
    }
    if source_identity.is_some() {
        permissions.push(permission("sts:SetSourceIdentity"));
    }
    Ok(permissions)
}

/// The trust policy of a role that does not exist: nobody may assume it.
fn nobody() -> NamedDocument {
    let text =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","NotAction":"*"}}"#;
    #[expect(clippy::expect_used, reason = "a constant that the tests read")]
    let document = Document::parse(DocumentKind::Trust, text).expect("a trust policy");
    NamedDocument {
        name: "no role".into(),
        document: Arc::new(document),
    }
}

/// How long the session lasts. The shape check has refused less than 15 minutes.
fn duration(wanted: Option<i32>, longest: Duration, chained: bool) -> Result<Duration, Error> {
    let seconds = wanted.unwrap_or(DEFAULT_DURATION);
    let life = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let refuse = |message: &str| Err(Error::Validation(message.to_owned()));
    if chained && seconds > CHAINED_DURATION {
        return refuse(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        );
    }
    if life > longest {
        return refuse(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        );
    }
    Ok(life)
}

/// The session tags; `None` when there are none. Keys differ in more than case.
fn tags(input: &AssumeRoleRequest) -> Result<Option<BTreeMap<String, String>>, Error> {
    let Some(list) = input.tags.as_ref().filter(|list| !list.is_empty()) else {
        return Ok(None);
    };
    let invalid = |message: String| Err(Error::Validation(message));
    if list.len() > MOST_TAGS {
        return invalid(format!("A session can have at most {MOST_TAGS} tags."));
    }
    let mut tags = BTreeMap::new();
    for Tag { key, value } in list {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return invalid(format!("Tag keys cannot begin with `aws:`: {key}"));
        }
        let repeated = |known: &String| known.eq_ignore_ascii_case(key);
        if tags.keys().any(repeated) {
            return Err(Error::InvalidParameterValue(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive."
                    .to_owned(),
            ));
        }
        tags.insert(key.clone(), value.clone());
    }
    Ok(Some(tags))
}

/// IAM tells tag keys apart without regard to case.
fn is_among<'k>(key: &str, mut keys: impl Iterator<Item = &'k String>) -> bool {
    keys.any(|known| known.eq_ignore_ascii_case(key))
}

/// Which of the request's tags are to be handed on, each once.
fn transitive_keys(
    input: &AssumeRoleRequest,
    tags: &BTreeMap<String, String>,
) -> Result<Vec<String>, Error> {
    let wanted = input.transitive_tag_keys.as_deref().unwrap_or_default();
    if wanted.iter().any(|key| !is_among(key, tags.keys())) {
        return Err(Error::InvalidParameterValue(
            "The specified transitive tag key must be included in the requested tags.".to_owned(),
        ));
    }
    let keys = tags.keys().filter(|key| is_among(key, wanted.iter()));
    Ok(keys.cloned().collect())
}

/// The tags of a session, with those that the caller's session hands on, which cannot be changed.
fn with_inherited(
    inherited: &BTreeMap<String, String>,
    mut tags: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    if tags.keys().any(|key| is_among(key, inherited.keys())) {
        return Err(Error::InvalidParameterValue(
            "One of the specified transitive tag keys can't be set because it conflicts with a \
             transitive tag key from the calling session."
                .to_owned(),
        ));
    }
    tags.extend(inherited.clone());
    Ok(tags)
}

/// The source identity of the session: once set, it goes on through the whole chain.
fn source_identity(caller: &Principal, input: &AssumeRoleRequest) -> Result<Option<String>, Error> {
    match (&caller.inheritance.source_identity, &input.source_identity) {
        (Some(inherited), Some(given)) if inherited != given => {
            let message = "The calling session has another source identity, which cannot change.";
            Err(Error::Validation(message.to_owned()))
        }
        (inherited, given) => Ok(given.as_ref().or(inherited.as_ref()).cloned()),
    }
}

/// Checks the session policies, and returns the ARNs of the managed ones.
fn policies(
    directory: &Directory,
    role: &Role,
    input: &AssumeRoleRequest,
) -> Result<Vec<String>, Error> {
    let malformed = |message: String| Error::MalformedPolicyDocument(message);
    if let Some(text) = &input.policy {
        if text.chars().count() > POLICY_CHARACTERS {
            let message =
                format!("A session policy can have at most {POLICY_CHARACTERS} characters.");
            return Err(Error::Validation(message));
        }
        Document::parse(DocumentKind::Identity, text)
            .map_err(|error| malformed(error.to_string()))?;
    }
    let arns = input.policy_arns.iter().flatten();
    let arns: Option<Vec<String>> = arns.map(|policy| policy.arn.clone()).collect();
    // Leaving it out would give a session without the limit that was meant.
    let arns = arns.ok_or_else(|| Error::Validation("PolicyArns has no arn.".to_owned()))?;
    if arns.len() > MOST_POLICY_ARNS {
        let message = format!("A session can have at most {MOST_POLICY_ARNS} managed policies.");
        return Err(Error::Validation(message));
    }
    match arns.iter().find(|arn| {
        directory
            .accounts()
            .managed_policy(&role.account, arn)
            .is_none()
    }) {
        Some(unknown) => Err(malformed(format!("The policy {unknown} does not exist."))),
        None => Ok(arns),
    }
}
