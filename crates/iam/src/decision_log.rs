//! The decision log: one JSON line for every refusal, for whoever has to find out why.

use std::net::IpAddr;

use base::Timestamp;
use serde_json::json;

use crate::policy::{Decision, Request};

/// Where refusals are recorded.
pub trait DecisionLog: Send + Sync {
    /// Records one refusal.
    fn refused(&self, refusal: &Refusal<'_>);
}

/// Records nothing.
pub struct NoLog;

impl DecisionLog for NoLog {
    fn refused(&self, _: &Refusal<'_>) {}
}

/// A refused request. It holds no secret: no key, token, policy text or request body.
pub struct Refusal<'a> {
    /// When the request was received.
    pub time: Timestamp,
    /// The `x-amzn-requestid` of the answer.
    pub request_id: &'a str,
    /// What was asked.
    pub request: &'a Request<'a>,
    /// What was decided.
    pub decision: &'a Decision,
    /// Where the request came from.
    pub source_address: Option<IpAddr>,
}

impl Refusal<'_> {
    /// The line, without its end.
    pub fn to_json_line(&self) -> String {
        json!({
            "time": self.time.to_string(),
            "requestId": self.request_id,
            "principal": self.request.principal.arn,
            "action": self.request.action,
            "resource": self.request.resource,
            "decision": self.decision.outcome.as_str(),
            "reason": self.decision.refusal(self.request).to_string(),
            "statement": self.decision.statement,
            "sourceAddress": self.source_address.map(|address| address.to_string()),
        })
        .to_string()
    }
}
