//! `treeline iam explain`: one decision, with every statement that mattered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use base::{Arn, Clock};
use iam::condition_keys::{Facts, Network};
use iam::policy::{
    Context, ExplainedStatement, Explanation, NamedDocument, Outcome, Request, Values, explain,
};
use serde_json::{Value, json};
use store::{ReadTx, Store};

use crate::account_file;
use crate::config::Config;
use crate::data_dir::{self, ServerFile};
use crate::error::Error;
use crate::system::SystemClock;

/// What is asked.
#[derive(clap::Args)]
pub(crate) struct Question {
    /// Who: the ARN of a user, role, role session or root user of the account file
    #[arg(long, value_name = "ARN")]
    principal: String,
    /// What, for instance `dsql:DbConnectAdmin`
    #[arg(long, value_parser = action)]
    action: String,
    /// To what: an ARN, or `*` for actions without a resource
    #[arg(long, value_name = "ARN", value_parser = resource)]
    resource: String,
    /// A condition key of the request; given again, a further value of the key
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    context: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn action(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err("must be an action like `dsql:GetCluster`".to_owned()),
    }
}

fn resource(text: &str) -> Result<String, String> {
    if text == "*" || Arn::parse(text).is_some() {
        Ok(text.to_owned())
    } else {
        Err("must be an ARN or `*`".to_owned())
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_ascii_lowercase(), value.to_owned())),
        Some(_) | None => Err("must be KEY=VALUE".to_owned()),
    }
}

/// What the database says about a resource.
#[derive(Default)]
struct Resource {
    policy: Option<NamedDocument>,
    tags: BTreeMap<String, String>,
}

/// The keys that the question gives, and the facts where it is silent.
struct Given<'a> {
    keys: BTreeMap<&'a str, Vec<&'a str>>,
    facts: Facts<'a>,
}

impl Context for Given<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match self.keys.get(key).map(Vec::as_slice) {
            Some([value]) => Some(Values::One(Cow::Borrowed(value))),
            Some(values) => Some(Values::Many(
                values.iter().map(|value| Cow::Borrowed(*value)).collect(),
            )),
            None => self.facts.values(key),
        }
    }
}

/// The explanation, as text or JSON.
pub(super) fn run(
    config: &Config,
    iam_file_typed: bool,
    question: &Question,
) -> Result<String, Error> {
    let server = ServerFile::read(&config.data_dir)?;
    let iam_file = match server {
        Some(server) if !iam_file_typed => server.iam_file,
        Some(_) | None => config.iam_file.clone(),
    };
    let accounts = account_file::read(&iam_file)?;
    let principal =
        accounts
            .principal(&question.principal)
            .ok_or_else(|| Error::UnknownPrincipal {
                path: iam_file,
                arn: question.principal.clone(),
            })?;
    let role = accounts.role(&question.resource).map(|role| Resource {
        policy: Some(role.trust.clone()),
        tags: role.tags.clone(),
    });
    let resource = match role {
        Some(role) => role,
        None => stored(config, &question.resource)?,
    };
    let arn = Arn::parse(&question.resource);
    let own = principal.account.as_str();
    let owner = arn
        .map(|arn| arn.account)
        .filter(|account| !account.is_empty());
    let region = arn
        .map(|arn| arn.region)
        .filter(|region| !region.is_empty());
    let network = Network {
        source_ip: Ipv4Addr::LOCALHOST.into(),
        secure_transport: false,
        vpc: None,
        vpce: None,
    };
    let mut facts = Facts::new(&principal, &network, SystemClock.now());
    facts.region = region.unwrap_or(config.region.as_str());
    facts.resource_account = owner.unwrap_or(own);
    facts.resource_tags = Some(&resource.tags);
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in &question.context {
        keys.entry(key).or_default().push(value);
    }
    let request = Request {
        principal: &principal,
        action: &question.action,
        resource: &question.resource,
        resource_account: owner.unwrap_or(own),
        context: &Given { keys, facts },
    };
    let explanation = explain(&request, resource.policy.as_ref());
    Ok(if question.json {
        as_json(&request, &explanation)
    } else {
        as_text(&request, &explanation)
    })
}

/// Looks the resource up in the database, which the server may have open; a server that never ran
/// has no resources.
fn stored(config: &Config, arn: &str) -> Result<Resource, Error> {
    let database = data_dir::database(&config.data_dir);
    if !database.exists() {
        return Ok(Resource::default());
    }
    let now = SystemClock.now();
    let look = |tx: &dyn ReadTx| {
        if let Some((policy, tags)) = dsql::policy_and_tags(tx, arn, now, &config.dsql)? {
            return Ok(Resource { policy, tags });
        }
        let tags = verified_permissions::tags_of(tx, &config.region, arn)?;
        Ok(Resource {
            policy: None,
            tags: tags.unwrap_or_default(),
        })
    };
    Store::look(&database, look).map_err(Error::Store)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "Allow",
        Outcome::ExplicitDeny => "ExplicitDeny",
        Outcome::ImplicitDeny => "ImplicitDeny",
    }
}

fn reason(request: &Request<'_>, explanation: &Explanation) -> Option<String> {
    let decision = &explanation.decision;
    let refused = decision.outcome != Outcome::Allow;
    refused.then(|| decision.refusal(request).to_string())
}

fn as_json(request: &Request<'_>, explanation: &Explanation) -> String {
    let statement = |explained: &ExplainedStatement| {
        let decided = explanation.decision.statement.as_ref() == Some(&explained.statement);
        json!({
            "policyType": explained.statement.policy_type.as_str(),
            "policy": &*explained.statement.policy,
            "index": explained.statement.index,
            "sid": explained.statement.sid.as_deref(),
            "effect": explained.effect.as_str(),
            "applies": explained.applies(),
            "decided": decided,
            "failedCondition": explained.failed_condition.as_ref().map(|failed| {
                json!({ "operator": failed.operator, "key": failed.key })
            }),
        })
    };
    let statements: Vec<Value> = explanation.statements.iter().map(statement).collect();
    let answer = json!({
        "decision": word(explanation.decision.outcome),
        "reason": reason(request, explanation),
        "principal": request.principal.arn,
        "action": request.action,
        "resource": request.resource,
        "statements": statements,
    });
    format!("{answer:#}\n")
}

/// A text of a policy for a terminal: whoever writes a policy must not write the explanation.
fn plain(text: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn as_text(request: &Request<'_>, explanation: &Explanation) -> String {
    let mut text = format!("{}\n", word(explanation.decision.outcome));
    // Writing to a string never fails.
    if let Some(reason) = reason(request, explanation) {
        let _ = writeln!(text, "{reason}");
    }
    if explanation.statements.is_empty() {
        text += "No statement is about this principal, action and resource.\n";
    }
    for explained in &explanation.statements {
        let statement = &explained.statement;
        let decided = explanation.decision.statement.as_ref() == Some(statement);
        let sid = statement.sid.as_deref();
        let _ = writeln!(
            text,
            "{} {:<5} {:<20} {}, statement {}{}: {}",
            if decided { "*" } else { " " },
            explained.effect.as_str(),
            statement.policy_type.as_str(),
            plain(&statement.policy),
            statement.index,
            sid.map(|sid| format!(" ({})", plain(sid)))
                .unwrap_or_default(),
            match &explained.failed_condition {
                None => "applies".to_owned(),
                Some(failed) => {
                    format!(
                        "does not apply: {} {}",
                        plain(&failed.operator),
                        plain(&failed.key)
                    )
                }
            }
        );
    }
    text
}
