//! "May this caller do this?", answered before any operation runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use base::Timestamp;
use http::{HeaderValue, StatusCode};
use iam::Caller;
use iam::condition_keys::{Facts, Network};
use iam::decision_log::{DecisionLog, Refusal};
use iam::policy::{Decision, NamedDocument, Outcome, Request, decide};
use wire::error::WireError;

use crate::operation::Scope;

/// The longest header, in bytes, that is a condition key: what a pattern costs follows its length.
const LONGEST_HEADER: usize = 2_048;

/// A request that is authenticated: who asks, from where, and for which world.
#[derive(Clone)]
pub struct Asked {
    /// The `x-amzn-requestid` of the answer.
    pub request_id: String,
    /// Who asks; the signature has been verified.
    pub caller: Caller,
    /// The account and Region the request acts in.
    pub scope: Scope,
    /// When the request was received.
    pub now: Timestamp,
    /// Where it came from.
    pub network: Arc<Network>,
    /// `aws:UserAgent`.
    pub user_agent: Option<HeaderValue>,
    /// `aws:Referer`.
    pub referer: Option<HeaderValue>,
}

/// The tags of a resource, fetched when a condition asks for them.
pub type FetchTags<'a> = Box<
    dyn FnOnce() -> Pin<
            Box<dyn Future<Output = Result<BTreeMap<String, String>, WireError>> + Send + 'a>,
        > + Send
        + 'a,
>;

/// The tags of the resource of a [`Permission`] (`aws:ResourceTag/…`).
#[derive(Default)]
pub enum ResourceTags<'a> {
    /// It has none, or does not exist yet.
    #[default]
    None,
    /// These.
    Known(BTreeMap<String, String>),
    /// Not read yet: most policies never ask.
    OnDemand(FetchTags<'a>),
}

/// Something that the caller of an operation must be allowed to do.
pub struct Permission<'a> {
    /// The IAM action with its service prefix, for instance `dsql:GetCluster`.
    pub action: &'static str,
    /// The ARN of the resource; `*` where the action has none.
    pub resource: String,
    /// The account of the resource; `None` for the caller's own.
    pub resource_account: Option<String>,
    /// The resource's own policy.
    pub resource_policy: Option<NamedDocument>,
    /// The resource's tags.
    pub resource_tags: ResourceTags<'a>,
    /// The tags that the request would set (`aws:RequestTag/…`, `aws:TagKeys`).
    pub request_tags: Option<Cow<'a, BTreeMap<String, String>>>,
    /// The keys of the tags that the request would remove (`aws:TagKeys`).
    pub tag_keys: Option<&'a [String]>,
    /// The service's own condition keys, in lower case, with their values.
    pub keys: Vec<(&'static str, String)>,
    /// The Region of `aws:RequestedRegion`, where it is not that of the request.
    pub region: Option<String>,
}

impl<'a> Permission<'a> {
    /// Permission for `action` on `resource`, which is the caller's own and has no tags or policy.
    pub fn new(action: &'static str, resource: impl Into<String>) -> Self {
        Self {
            action,
            resource: resource.into(),
            resource_account: None,
            resource_policy: None,
            resource_tags: ResourceTags::None,
            request_tags: None,
            tag_keys: None,
            keys: Vec::new(),
            region: None,
        }
    }

    /// This permission for a request that sets these tags, if any.
    #[must_use]
    pub fn setting(mut self, tags: Option<&'a BTreeMap<String, String>>) -> Self {
        self.request_tags = tags.map(Cow::Borrowed);
        self
    }
}

impl Asked {
    /// Decides one permission. The tags of the resource are those that are known.
    pub fn decide(&self, permission: &Permission<'_>) -> Decision {
        match &permission.resource_tags {
            ResourceTags::Known(tags) => self.decide_with(permission, Some(tags)).0,
            ResourceTags::None | ResourceTags::OnDemand(_) => self.decide_with(permission, None).0,
        }
    }

    /// The decision, and whether it asked for the resource's tags.
    fn decide_with(
        &self,
        permission: &Permission<'_>,
        resource_tags: Option<&BTreeMap<String, String>>,
    ) -> (Decision, bool) {
        let facts = self.facts(permission, resource_tags);
        let decision = decide(
            &self.request(permission, &facts),
            permission.resource_policy.as_ref(),
        );
        let asked = facts.asked_for_resource_tags();
        (decision, asked)
    }

    fn facts<'f>(
        &'f self,
        permission: &'f Permission<'_>,
        resource_tags: Option<&'f BTreeMap<String, String>>,
    ) -> Facts<'f> {
        let text = |value: &'f Option<HeaderValue>| {
            let text = value.as_ref()?.to_str().ok()?;
            (text.len() <= LONGEST_HEADER).then_some(text)
        };
        let own = (self.scope.region.as_str(), self.scope.account.as_str());
        let mut facts = Facts::new(&self.caller.principal, &self.network, self.now);
        facts.region = permission.region.as_deref().unwrap_or(own.0);
        facts.resource_account = permission.resource_account.as_deref().unwrap_or(own.1);
        facts.user_agent = text(&self.user_agent);
        facts.referer = text(&self.referer);
        facts.resource_tags = resource_tags;
        facts.request_tags = permission.request_tags.as_deref();
        facts.tag_keys = permission.tag_keys;
        facts.extra = &permission.keys;
        facts
    }

    fn request<'f>(&'f self, permission: &'f Permission<'_>, facts: &'f Facts<'f>) -> Request<'f> {
        Request {
            principal: &self.caller.principal,
            action: permission.action,
            resource: &permission.resource,
            resource_account: facts.resource_account,
            context: facts,
        }
    }
}

/// Proof that a request was authorized, for these resources.
///
/// INVARIANT: only [`Authorized::obtain`] makes one, and [`crate::RequestContext`] holds one, so
/// no operation runs without a decision.
#[derive(Clone)]
pub struct Authorized {
    resources: Arc<[String]>,
}

impl Authorized {
    /// Whether the decision was about this resource. What is named indirectly (an alias) may stand
    /// for something else by the time the operation runs.
    pub fn covers(&self, resource: &str) -> bool {
        self.resources.iter().any(|known| known == resource)
    }

    /// Decides all `permissions`; a refusal is logged and told in AWS's words.
    pub(crate) async fn obtain(
        asked: &Asked,
        permissions: Vec<Permission<'_>>,
        log: &dyn DecisionLog,
    ) -> Result<Self, WireError> {
        let mut resources = Vec::with_capacity(permissions.len());
        for mut permission in permissions {
            let decision = settle(asked, &mut permission).await?;
            if decision.outcome != Outcome::Allow {
                return Err(refuse(asked, &permission, &decision, log));
            }
            resources.push(permission.resource);
        }
        Ok(Self {
            resources: resources.into(),
        })
    }
}

/// Decides one permission, after fetching the resource's tags if a condition asks for them.
async fn settle(asked: &Asked, permission: &mut Permission<'_>) -> Result<Decision, WireError> {
    match std::mem::take(&mut permission.resource_tags) {
        tags @ (ResourceTags::None | ResourceTags::Known(_)) => {
            permission.resource_tags = tags;
            Ok(asked.decide(permission))
        }
        ResourceTags::OnDemand(fetch) => {
            let (decision, wanted) = asked.decide_with(permission, None);
            if !wanted {
                return Ok(decision);
            }
            let tags = fetch().await?;
            Ok(asked.decide_with(permission, Some(&tags)).0)
        }
    }
}

fn refuse(
    asked: &Asked,
    permission: &Permission<'_>,
    decision: &Decision,
    log: &dyn DecisionLog,
) -> WireError {
    let facts = asked.facts(permission, None);
    let request = asked.request(permission, &facts);
    log.refused(&Refusal {
        time: asked.now,
        request_id: &asked.request_id,
        request: &request,
        decision,
        source_address: Some(asked.network.source_ip),
    });
    let message = decision.refusal(&request).to_string();
    WireError::new("AccessDeniedException", StatusCode::FORBIDDEN, message)
}
