//! What the server knows of a request, as the condition keys of its policies. Names and values are
//! those of the IAM User Guide, "AWS global condition context keys".

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use base::Timestamp;

use crate::policy::{Context, Values};
use crate::{Principal, PrincipalKind};

/// Where a request came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// The client's address.
    pub source_ip: IpAddr,
    /// Whether the client used TLS.
    pub secure_transport: bool,
    /// `aws:SourceVpc`, for instance `vpc-0abc`, of a listener that stands for a VPC endpoint.
    pub vpc: Option<String>,
    /// `aws:SourceVpce`, for instance `vpce-0abc`.
    pub vpce: Option<String>,
}

/// What is known of a request. Keys without a value here are absent for conditions.
pub struct Facts<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Where the request came from.
    pub network: &'a Network,
    /// When it was received.
    pub now: Timestamp,
    /// `aws:RequestedRegion`; empty when there is none.
    pub region: &'a str,
    /// `aws:UserAgent`.
    pub user_agent: Option<&'a str>,
    /// `aws:Referer`.
    pub referer: Option<&'a str>,
    /// `aws:ResourceAccount`; empty when there is no resource.
    pub resource_account: &'a str,
    /// `aws:ResourceTag/…`; `None` while they are not read.
    pub resource_tags: Option<&'a BTreeMap<String, String>>,
    /// The tags that the request would set: `aws:RequestTag/…` and `aws:TagKeys`.
    pub request_tags: Option<&'a BTreeMap<String, String>>,
    /// The keys of the tags that the request would remove: `aws:TagKeys`.
    pub tag_keys: Option<&'a [String]>,
    /// The service's own keys, in lower case. A key that occurs more than once has all its values.
    pub extra: &'a [(&'static str, String)],
    asked_for_resource_tags: Cell<bool>,
}

impl<'a> Facts<'a> {
    /// Facts of which only these are known; the others are to be filled in.
    pub fn new(principal: &'a Principal, network: &'a Network, now: Timestamp) -> Self {
        Self {
            principal,
            network,
            now,
            region: "",
            user_agent: None,
            referer: None,
            resource_account: "",
            resource_tags: None,
            request_tags: None,
            tag_keys: None,
            extra: &[],
            asked_for_resource_tags: Cell::new(false),
        }
    }

    /// Whether a condition asked for a tag of the resource. If so while `resource_tags` was
    /// `None`, the decision does not count: it has to be made again with the tags.
    pub fn asked_for_resource_tags(&self) -> bool {
        self.asked_for_resource_tags.get()
    }

    fn of_principal(&self, key: &str) -> Option<Values<'_>> {
        let principal = self.principal;
        let organization = principal.organization.as_deref();
        // Of other accounts it is not known.
        let of_resource =
            organization.filter(|_| principal.account.as_str() == self.resource_account);
        match key {
            "aws:principalarn" => some(principal.principal_arn()),
            "aws:principalaccount" => some(principal.account.as_str()),
            "aws:principaltype" => some(match &principal.kind {
                PrincipalKind::Root => "Account",
                PrincipalKind::User { .. } => "User",
                PrincipalKind::AssumedRole { .. } => "AssumedRole",
            }),
            "aws:principalorgid" => some(&organization?.id),
            "aws:principalorgpaths" => many(organization?.path.as_deref()?),
            "aws:resourceorgid" => some(&of_resource?.id),
            "aws:resourceorgpaths" => many(of_resource?.path.as_deref()?),
            "aws:principalisawsservice" | "aws:viaawsservice" => some("false"),
            "aws:sourceidentity" => some(principal.inheritance.source_identity.as_deref()?),
            "aws:userid" => some(&principal.user_id),
            "aws:username" => match &principal.kind {
                PrincipalKind::User { name } => some(name),
                PrincipalKind::Root | PrincipalKind::AssumedRole { .. } => None,
            },
            // Long-term keys do not have it, so that `BoolIfExists` matches them: see the guide.
            "aws:multifactorauthpresent" => match &principal.kind {
                PrincipalKind::AssumedRole { .. } => some("false"),
                PrincipalKind::Root | PrincipalKind::User { .. } => None,
            },
            _ => None,
        }
    }

    fn of_network(&self, key: &str) -> Option<Values<'_>> {
        let network = self.network;
        // A request through a VPC endpoint has no `aws:SourceIp`.
        let in_vpc = network.vpc.is_some() || network.vpce.is_some();
        match key {
            "aws:sourceip" if in_vpc => None,
            "aws:vpcsourceip" if !in_vpc => None,
            // A listener for both families shows IPv4 clients as `::ffff:192.0.2.1`.
            "aws:sourceip" | "aws:vpcsourceip" => {
                owned(network.source_ip.to_canonical().to_string())
            }
            "aws:sourcevpc" => some(network.vpc.as_deref()?),
            "aws:sourcevpce" => some(network.vpce.as_deref()?),
            "aws:securetransport" => some(if network.secure_transport {
                "true"
            } else {
                "false"
            }),
            _ => None,
        }
    }

    fn of_request(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "aws:currenttime" => {
                let seconds = self.now.unix_seconds().saturating_mul(1_000_000);
                owned(Timestamp::from_unix_micros(seconds).to_iso8601())
            }
            "aws:epochtime" => owned(self.now.unix_seconds().to_string()),
            "aws:requestedregion" => filled(self.region),
            "aws:resourceaccount" => filled(self.resource_account),
            "aws:useragent" => some(self.user_agent?),
            "aws:referer" => some(self.referer?),
            "aws:tagkeys" => self.tag_keys(),
            _ => None,
        }
    }

    /// A request without tags does not have the key.
    fn tag_keys(&self) -> Option<Values<'_>> {
        let set = self.request_tags.into_iter().flat_map(BTreeMap::keys);
        let removed = self.tag_keys.into_iter().flatten();
        let keys: Vec<Cow<'_, str>> = set.chain(removed).map(Cow::from).collect();
        (!keys.is_empty()).then_some(Values::Many(keys))
    }

    fn tag(&self, key: &str) -> Option<Values<'_>> {
        let (kind, tag_key) = key.strip_prefix("aws:")?.split_once('/')?;
        let tags = match kind {
            "principaltag" => &self.principal.tags,
            "requesttag" => self.request_tags?,
            "resourcetag" => {
                self.asked_for_resource_tags.set(true);
                self.resource_tags?
            }
            _ => return None,
        };
        // The key comes in lower case, whatever the tag and the policy say. Of tags whose keys differ
        // in nothing else none may hide the other, so the key has the values of all.
        let alike = tags
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(tag_key));
        let mut values: Vec<Cow<'_, str>> = alike.map(|(_, value)| value.into()).collect();
        match values.pop() {
            Some(only) if values.is_empty() => Some(Values::One(only)),
            Some(last) => {
                values.push(last);
                Some(Values::Many(values))
            }
            None => None,
        }
    }

    fn extra(&self, key: &str) -> Option<Values<'_>> {
        let of_key = |(known, value): &'a (&str, String)| (*known == key).then_some(value);
        let mut values = self.extra.iter().filter_map(of_key).map(Cow::from);
        let first = values.next()?;
        let mut rest = values.peekable();
        if rest.peek().is_none() {
            return Some(Values::One(first));
        }
        Some(Values::Many([first].into_iter().chain(rest).collect()))
    }
}

impl Context for Facts<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        if !key.starts_with("aws:") {
            return self.extra(key);
        }
        self.tag(key)
            .or_else(|| self.of_principal(key))
            .or_else(|| self.of_network(key))
            .or_else(|| self.of_request(key))
            .or_else(|| self.extra(key))
    }
}

fn some(value: &str) -> Option<Values<'_>> {
    Some(Values::One(Cow::Borrowed(value)))
}

fn many(value: &str) -> Option<Values<'_>> {
    Some(Values::Many(vec![Cow::Borrowed(value)]))
}

fn owned(value: String) -> Option<Values<'static>> {
    Some(Values::One(Cow::Owned(value)))
}

fn filled(value: &str) -> Option<Values<'_>> {
    some(value).filter(|_| !value.is_empty())
}

#[cfg(test)]
mod tests;
