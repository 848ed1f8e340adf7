//! Which policy store a command means.

use base::{AccountId, Clock, Region};
use frontdoor::Scope;
use store::Store;
use verified_permissions::bulk::{Found, find};

use crate::account_file;
use crate::config::Config;
use crate::data_dir::{self, ServerFile};
use crate::error::Error;
use crate::system::SystemClock;

/// The AWS Regions, where a policy store is looked for when nobody says in which it is. Those of
/// the configuration come before them.
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-west-1",
    "us-west-2",
];

/// How an operator says which policy store is meant.
#[derive(clap::Args)]
pub(crate) struct Named {
    /// The policy store: its id, or `policy-store-alias/...`
    #[arg(long, value_name = "ID")]
    pub(super) policy_store: String,
    /// The account, if policy stores of several have the name
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountId>,
}

/// What there is by that name.
pub(super) enum Place {
    There(Found),
    /// Nothing: it would be created here.
    Nowhere(Scope),
}

impl Named {
    /// Looks the policy store up, whether a server runs or not.
    pub(super) fn look(&self, config: &Config, region_typed: bool) -> Result<Place, Error> {
        let scopes = self.scopes(config, region_typed)?;
        let database = data_dir::database(&config.data_dir);
        let found = match database.exists() {
            false => Vec::new(),
            true => Store::look(&database, |tx| {
                find(tx, &scopes, &self.policy_store, SystemClock.now()).map_err(refused)
            })?,
        };
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(Place::There(one)),
            (None, _) => match scopes.into_iter().next() {
                Some(scope) => Ok(Place::Nowhere(scope)),
                None => Err(self.unknown()),
            },
            (Some(one), Some(other)) => {
                let place =
                    |found: &Found| format!("{}/{}", found.scope.region, found.scope.account);
                Err(Error::Refused(format!(
                    "there is a policy store `{}` in {} and in {}: give --region and --account",
                    self.policy_store,
                    place(&one),
                    place(&other)
                )))
            }
        }
    }

    pub(super) fn unknown(&self) -> Error {
        Error::Refused(format!("there is no policy store `{}`", self.policy_store))
    }

    /// Where to look, the likeliest place first.
    fn scopes(&self, config: &Config, region_typed: bool) -> Result<Vec<Scope>, Error> {
        let server = ServerFile::read(&config.data_dir)?;
        let accounts = match &self.account {
            Some(account) => vec![account.clone()],
            None => {
                let file = server
                    .as_ref()
                    .map_or(&config.iam_file, |server| &server.iam_file);
                let accounts = account_file::read(file)?;
                accounts
                    .accounts()
                    .iter()
                    .map(|account| account.id().clone())
                    .collect()
            }
        };
        let mut regions = vec![config.region.clone()];
        if !region_typed {
            let running = server.and_then(|server| server.region.parse().ok());
            let served = config.regions.iter().flatten().cloned();
            let known = REGIONS.iter().filter_map(|region| region.parse().ok());
            let others: Vec<Region> = running.into_iter().chain(served).chain(known).collect();
            for region in others {
                if !regions.contains(&region) {
                    regions.push(region);
                }
            }
        }
        let scope = |region: &Region, account: &AccountId| Scope {
            region: region.clone(),
            account: account.clone(),
        };
        let of = |region: Region| {
            let accounts = accounts.iter();
            accounts
                .map(move |account| scope(&region, account))
                .collect::<Vec<_>>()
        };
        Ok(regions.into_iter().flat_map(of).collect())
    }
}

fn refused(error: verified_permissions::Error) -> Error {
    Error::Refused(wire::error::WireError::from(error).message)
}
