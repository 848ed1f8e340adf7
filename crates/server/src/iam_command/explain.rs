//! `treeline iam explain`: one decision, with every statement that mattered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base::{Arn, Clock};
use iam::condition_keys::{Facts, Network};
use iam::policy::{Context, NamedDocument, Request, Values, explain};
use model::OperationModel;
use store::{ReadTx, Store};

use super::print;
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
        Some((key, value)) if key.contains(':') => Ok((key.to_ascii_lowercase(), value.to_owned())),
        Some(_) | None => Err("must be like `aws:SourceVpc=vpc-1`".to_owned()),
    }
}

/// What the database says about a resource.
#[derive(Default)]
struct Resource {
    found: bool,
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
        found: true,
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
    let notes = notes(question, &resource);
    Ok(if question.json {
        print::as_json(&request, &explanation, &notes)
    } else {
        print::as_text(&request, &explanation, &notes)
    })
}

/// What the answer does not tell: a question about nothing, and what else an operation asks.
fn notes(question: &Question, resource: &Resource) -> Vec<String> {
    let (action, arn) = (&question.action, &question.resource);
    let mut notes = Vec::new();
    if unknown_action(action) {
        notes.push(format!("{action} is no action of its service"));
    }
    let service = Arn::parse(arn).map(|arn| arn.service);
    if matches!(service, Some("dsql" | "verifiedpermissions"))
        && !resource.found
        && !arn.contains('*')
    {
        notes.push(format!("{arn} does not exist"));
    }
    let also = ALSO
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(action));
    notes.extend(also.map(|(_, what)| format!("the operation also asks {what}")));
    notes
}

/// What operations ask besides the action of their name.
const ALSO: &[(&str, &str)] = &[
    (
        "dsql:CreateCluster",
        "dsql:TagResource (tags), dsql:PutClusterPolicy (policy), and for another Region \
         dsql:PutMultiRegionProperties, dsql:PutWitnessRegion and dsql:AddPeerCluster",
    ),
    (
        "dsql:UpdateCluster",
        "dsql:GetCluster, and for another Region dsql:PutMultiRegionProperties, \
         dsql:PutWitnessRegion, dsql:AddPeerCluster and dsql:RemovePeerCluster",
    ),
    (
        "dsql:CreateStream",
        "iam:PassRole on the role, dsql:TagResource (tags), kms:Decrypt (a cluster with a key)",
    ),
    (
        "sts:AssumeRole",
        "sts:TagSession (tags), sts:SetSourceIdentity (source identity)",
    ),
];

/// Whether an action is of a service that is served, and is none of its actions.
fn unknown_action(action: &str) -> bool {
    let Some((service, name)) = action.split_once(':') else {
        return true;
    };
    let modelled = |operations: &[OperationModel]| {
        operations
            .iter()
            .any(|known| known.name.eq_ignore_ascii_case(name))
    };
    match service.to_ascii_lowercase().as_str() {
        "dsql" => !dsql::is_action(name),
        "verifiedpermissions" => !modelled(model::verified_permissions::OPERATIONS),
        _ => false,
    }
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
            return Ok(Resource {
                found: true,
                policy,
                tags,
            });
        }
        let tags = verified_permissions::tags_of(tx, &config.region, arn)?;
        Ok(Resource {
            found: tags.is_some(),
            policy: None,
            tags: tags.unwrap_or_default(),
        })
    };
    Store::look(&database, look).map_err(Error::Store)
}
