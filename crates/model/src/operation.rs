//! A service and its operations, as its model describes them.

use crate::shape::Shape;

/// A service.
pub struct ServiceModel {
    /// The name as AWS writes it, for instance `Amazon Aurora DSQL`.
    pub name: &'static str,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The service in a SigV4 credential scope.
    pub signing_name: &'static str,
    /// The first label of the service's host name.
    pub endpoint_prefix: &'static str,
}

/// How requests and answers are written.
pub enum Protocol {
    /// Every request is a `POST /` with a JSON body; a header names the operation.
    AwsJson {
        /// What `X-Amz-Target` starts with: `VerifiedPermissions` in
        /// `VerifiedPermissions.IsAuthorized`.
        target_prefix: &'static str,
        /// The content type of requests and responses.
        content_type: &'static str,
    },
    /// Method and path name the operation; the input is spread over path, query and JSON body.
    RestJson,
    /// Every request is a form that names the operation; answers are XML.
    Query {
        /// The version that the form names, for instance `2011-06-15`.
        version: &'static str,
        /// The XML namespace of the answers.
        namespace: &'static str,
    },
}

/// One operation of a service.
pub struct OperationModel {
    /// The operation's name, for instance `IsAuthorized`.
    pub name: &'static str,
    /// What its input must look like.
    pub input: &'static Shape,
    /// The codes of the modelled exceptions that it may raise.
    pub errors: &'static [&'static str],
    /// Whether the model marks it as free of side effects.
    pub read_only: bool,
    /// Whether the model marks it as safe to repeat.
    pub idempotent: bool,
    /// Whether its input has an idempotency token, which SDKs fill in and repeat on retries.
    pub has_client_token: bool,
    /// Where its input stands in the request; in [`Protocol::RestJson`] only.
    pub http: Option<HttpBinding>,
}

/// Which requests are a REST operation's, and which members of its input are not in their body.
pub struct HttpBinding {
    /// The method, for instance `POST`.
    pub method: &'static str,
    /// The path, cut at its slashes.
    pub path: &'static [Segment],
    /// The members in the query.
    pub query: &'static [QueryBinding],
}

impl HttpBinding {
    /// Whether `member` of the input stands in the path or in the query.
    pub fn binds(&self, member: &str) -> bool {
        let in_query = self.query.iter().any(|binding| binding.member == member);
        in_query
            || self.path.iter().any(|segment| match segment {
                Segment::Literal(_) => false,
                Segment::Label { member: label, .. } => *label == member,
            })
    }
}

/// One segment of a path.
pub enum Segment {
    /// This text.
    Literal(&'static str),
    /// A member of the input, percent-encoded. It is always a string.
    Label {
        /// The member's name.
        member: &'static str,
        /// What it must look like.
        shape: &'static Shape,
    },
}

/// A member of an input that stands in the query.
pub struct QueryBinding {
    /// The parameter's name, for instance `max-results`.
    pub name: &'static str,
    /// The member's name, for instance `maxResults`.
    pub member: &'static str,
    /// What it must look like. The parameter is repeated for the items of a list.
    pub shape: &'static Shape,
}

#[cfg(test)]
mod tests;
