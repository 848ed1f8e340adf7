//! Page tokens: opaque texts that say where the next page of a listing starts.
//!
//! A token belongs to one [`PageScope`]; under any other it is refused. It is not a secret and
//! not signed: whoever forges one can only start elsewhere in a listing that they may read anyway.

use base::AccountId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The longest token that the service models allow (`NextToken`).
const MAX_TOKEN: usize = 8000;

/// How many bytes of the SHA-256 a token carries.
const CHECK: usize = 16;

/// The listing that a token belongs to.
pub struct PageScope<'a> {
    /// The caller's account.
    pub account: &'a AccountId,
    /// The operation, for instance `ListPolicies`.
    pub operation: &'a str,
    /// What the listing is of, for instance the id of a policy store; empty if of the account.
    pub resource: &'a str,
    /// The filter, in any form that is equal for equal filters; empty if there is none.
    pub filter: &'a str,
}

/// A token for the page after `position`, which is whatever the listing needs to go on, for
/// instance the last id. `position` has at most 5,984 bytes, or [`decode`] refuses the token.
pub fn encode(scope: &PageScope<'_>, position: &str) -> String {
    let mut bytes = check(scope, position.as_bytes()).to_vec();
    bytes.extend_from_slice(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a token that [`encode`] made for the same scope; `None` for any other text.
pub fn decode(scope: &PageScope<'_>, token: &str) -> Option<String> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (given, position) = bytes.split_first_chunk::<CHECK>()?;
    if *given != check(scope, position) {
        return None;
    }
    String::from_utf8(position.to_vec()).ok()
}

/// The start of a SHA-256 over the scope and the position.
fn check(scope: &PageScope<'_>, position: &[u8]) -> [u8; CHECK] {
    let scope = [
        scope.account.as_str(),
        scope.operation,
        scope.resource,
        scope.filter,
    ];
    let mut hash = Sha256::new();
    for text in scope.map(str::as_bytes).into_iter().chain([position]) {
        // With its length in front, no text can reach into the next one.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut check = [0; CHECK];
    check
        .iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    check
}

#[cfg(test)]
mod tests {
    use model::shape::Kind;
    use model::verified_permissions::shapes;

    use super::*;

    fn account(id: &str) -> AccountId {
        id.parse().unwrap()
    }

    fn scope<'a>(account: &'a AccountId, texts: [&'a str; 3]) -> PageScope<'a> {
        let [operation, resource, filter] = texts;
        PageScope {
            account,
            operation,
            resource,
            filter,
        }
    }

    #[test]
    fn a_token_gives_its_position_back() {
        let account = account("123456789012");
        let scope = scope(&account, ["ListPolicies", "store", "{}"]);
        for position in ["", "a", "policy-7", "ä/\0"] {
            let token = encode(&scope, position);
            assert_eq!(decode(&scope, &token).as_deref(), Some(position));
        }
    }

    #[test]
    fn a_token_is_refused_under_any_other_scope() {
        let mine = account("123456789012");
        let token = encode(&scope(&mine, ["ListPolicies", "store", "{}"]), "p");
        for other in [
            ["ListPolicyTemplates", "store", "{}"],
            ["ListPolicies", "other", "{}"],
            ["ListPolicies", "store", ""],
            ["ListPolicies", "store{", "}"],
            ["ListPoliciesstore", "", "{}"],
        ] {
            assert_eq!(decode(&scope(&mine, other), &token), None, "{other:?}");
        }
        let theirs = account("000000000000");
        assert_eq!(
            decode(&scope(&theirs, ["ListPolicies", "store", "{}"]), &token),
            None
        );
    }

    #[test]
    fn garbage_and_damaged_tokens_are_refused() {
        let account = account("123456789012");
        let scope = scope(&account, ["ListPolicyStores", "", ""]);
        let token = encode(&scope, "position");
        for bad in [
            "",
            "x",
            "====",
            "not base64!",
            &"A".repeat(22),
            &"A".repeat(9000),
        ] {
            assert_eq!(decode(&scope, bad), None, "{bad:?}");
        }
        for at in 0..token.len() {
            assert_eq!(
                decode(&scope, token.get(..at).unwrap()),
                None,
                "cut at {at}"
            );
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(decode(&scope, &changed), None, "changed at {at}");
        }
        assert_eq!(decode(&scope, &format!("{token}A")), None);
    }

    #[test]
    fn every_token_satisfies_the_models_next_token() {
        let Kind::String {
            pattern: Some(pattern),
            max,
            ..
        } = &shapes::NEXT_TOKEN.kind
        else {
            panic!("NextToken is a string with a pattern")
        };
        assert_eq!(*max, Some(MAX_TOKEN));
        let account = account("123456789012");
        let scope = scope(&account, ["ListPolicies", "store", "{}"]);
        let longest = encode(&scope, &"é".repeat(5984 / 2));
        assert!(pattern.matches(&longest) && longest.len() <= MAX_TOKEN);
        assert!(decode(&scope, &longest).is_some());
        assert_eq!(decode(&scope, &encode(&scope, &"x".repeat(5985))), None);
    }
}
