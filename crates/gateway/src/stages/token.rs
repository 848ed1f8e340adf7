//! The token that a client shows as its password: a request, presigned with Signature Version 4,
//! without its `https://`. Source: the `auth_token` of AWS's SDKs.

use base::Timestamp;
use http::{HeaderMap, HeaderValue, header};
use iam::sigv4::{Expected, RequestParts, verify};
use iam::{Caller, Keys};

use super::parameters::Requested;
use super::route::Routed;
use crate::endpoints::Endpoints;
use crate::refusal::Refusal;

/// The role of a cluster's administrator, the only one that connects with `DbConnectAdmin`.
pub(crate) const ADMIN: &str = "admin";
const NO_TOKEN: &str = "The password is not an authentication token of Aurora DSQL.";

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// To connect as a role that is mapped to the caller.
    Connect,
    /// To connect as `admin`.
    ConnectAdmin,
}

impl Action {
    /// The action as policies name it.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Connect => "dsql:DbConnect",
            Self::ConnectAdmin => "dsql:DbConnectAdmin",
        }
    }

    /// The action as tokens name it.
    fn name(self) -> &'static str {
        match self {
            Self::Connect => "DbConnect",
            Self::ConnectAdmin => "DbConnectAdmin",
        }
    }

    fn read(query: &str) -> Option<Self> {
        let mut actions = query
            .split('&')
            .filter_map(|parameter| parameter.strip_prefix("Action="));
        let name = actions.next().filter(|_| actions.next().is_none())?;
        [Self::Connect, Self::ConnectAdmin]
            .into_iter()
            .find(|action| action.name() == name)
    }

    /// The one that the user needs.
    fn of_user(user: &str) -> Self {
        if user == ADMIN {
            Self::ConnectAdmin
        } else {
            Self::Connect
        }
    }
}

/// A client that has proved who it is.
#[derive(Debug)]
pub(crate) struct Proven {
    /// What it asks for.
    pub(crate) requested: Requested,
    /// Who it is.
    pub(crate) caller: Caller,
    /// What its token is for.
    pub(crate) action: Action,
    /// The cluster that it is for.
    pub(crate) cluster: String,
    /// The cluster's Region.
    pub(crate) region: base::Region,
}

impl Routed {
    /// Finds out who made the token, and whether it is for this cluster and this user.
    ///
    /// # Errors
    /// The hint says what is wrong with the token, and nothing that is in it.
    pub(crate) fn prove(
        self,
        token: &str,
        keys: &dyn Keys,
        endpoints: &Endpoints,
        now: Timestamp,
    ) -> Result<Proven, Refusal> {
        let (host, query) = token
            .split_once("/?")
            .ok_or_else(|| Refusal::access_denied(NO_TOKEN))?;
        let endpoint = endpoints
            .parse(host)
            .filter(|endpoint| endpoint.cluster == self.cluster)
            .filter(|endpoint| {
                self.region
                    .as_ref()
                    .is_none_or(|own| *own == endpoint.region)
            })
            .ok_or_else(|| {
                Refusal::access_denied(
                    "The authentication token is not made for the host name of this cluster.",
                )
            })?;
        let action = Action::read(query).ok_or_else(|| {
            Refusal::access_denied(
                "The action of the authentication token must be DbConnect or DbConnectAdmin.",
            )
        })?;
        let signed = HeaderValue::from_str(host)
            .map_err(|_| Refusal::access_denied(NO_TOKEN))
            .map(|host| HeaderMap::from_iter([(header::HOST, host)]))?;
        let parts = RequestParts {
            method: "GET",
            path: "/",
            query,
            headers: &signed,
            body: b"",
        };
        let expected = Expected {
            regions: Some(std::slice::from_ref(&endpoint.region)),
            service: "dsql",
        };
        let signed = verify(&parts, keys, &expected, now)
            .map_err(|error| Refusal::access_denied(error.to_string()))?;
        if action != Action::of_user(&self.requested.user) {
            return Err(Refusal::wrong_action(&self.requested.user, action.name()));
        }
        Ok(Proven {
            requested: self.requested,
            caller: signed.caller,
            action,
            cluster: self.cluster,
            region: endpoint.region,
        })
    }
}

#[cfg(test)]
mod tests;
