//! How an explanation is written.

use std::fmt::Write as _;

use iam::policy::{
    ExplainedStatement, Explanation, FailedCondition, NamedDocument, Outcome, PolicyType, Request,
    Values,
};
use serde_json::{Value, json};

fn reason(request: &Request<'_>, explanation: &Explanation) -> Option<String> {
    let decision = &explanation.decision;
    let refused = decision.outcome != Outcome::Allow;
    refused.then(|| decision.refusal(request).to_string())
}

/// As JSON.
pub(super) fn as_json(
    request: &Request<'_>,
    explanation: &Explanation,
    notes: &[String],
) -> String {
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
                json!({
                    "operator": failed.operator,
                    "key": failed.key,
                    "requestValues": values(request, failed),
                })
            }),
        })
    };
    let statements: Vec<Value> = explanation.statements.iter().map(statement).collect();
    let answer = json!({
        "decision": explanation.decision.outcome.as_str(),
        "reason": reason(request, explanation),
        "principal": request.principal.arn,
        "action": request.action,
        "resource": request.resource,
        "statements": statements,
        "notes": notes,
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

/// For people.
pub(super) fn as_text(
    request: &Request<'_>,
    explanation: &Explanation,
    notes: &[String],
) -> String {
    let mut text = format!("{}\n", explanation.decision.outcome.as_str());
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
                    let of_request = match values(request, failed) {
                        None => "does not have it".to_owned(),
                        Some(values) => format!("has {}", plain(&values.join(", "))),
                    };
                    format!(
                        "does not apply: {} {} (the request {of_request})",
                        plain(&failed.operator),
                        plain(&failed.key)
                    )
                }
            }
        );
    }
    for (policy_type, name) in silent_limits(request, explanation) {
        let _ = writeln!(
            text,
            "        {:<20} {}: no statement is about this",
            policy_type.as_str(),
            plain(name)
        );
    }
    for note in notes {
        let _ = writeln!(text, "Note: {}.", plain(note));
    }
    text
}

/// The values that the request has for the key of a condition.
fn values(request: &Request<'_>, failed: &FailedCondition) -> Option<Vec<String>> {
    Some(
        match request.context.values(&failed.key.to_ascii_lowercase())? {
            Values::One(value) => vec![value.into_owned()],
            Values::Many(values) => values.into_iter().map(Into::into).collect(),
        },
    )
}

/// The boundary and session policies that would have to allow and say nothing.
fn silent_limits<'a>(
    request: &'a Request<'_>,
    explanation: &'a Explanation,
) -> impl Iterator<Item = (PolicyType, &'a str)> {
    let own = &request.principal.policies;
    let named = |policy_type: PolicyType, policies: &'a Option<Vec<NamedDocument>>| {
        let names = policies.iter().flatten().map(|policy| &*policy.name);
        names.map(move |name| (policy_type, name))
    };
    let limits =
        named(PolicyType::Boundary, &own.boundary).chain(named(PolicyType::Session, &own.session));
    limits.filter(|(policy_type, name)| {
        let mut statements = explanation
            .statements
            .iter()
            .map(|explained| &explained.statement);
        !statements.any(|of| of.policy_type == *policy_type && *of.policy == **name)
    })
}
