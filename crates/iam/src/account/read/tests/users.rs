use std::sync::Arc;

use super::{EXPORT, names, parse};
use crate::account::Accounts;
use crate::{Organization, Principal};

fn user(accounts: &Accounts, name: &str) -> Arc<Principal> {
    let arn = format!("arn:aws:iam::111122223333:user/{name}");
    accounts.principal(&arn).unwrap()
}

#[test]
fn a_user_has_its_own_policies_and_those_of_its_groups() {
    let accounts = parse(EXPORT);
    let alice = user(&accounts, "alice");
    assert_eq!(
        names(&alice.policies.identity),
        [
            "user/alice: inline",
            "arn:aws:iam::111122223333:policy/team/blue",
            "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            "group/developers: inline",
            "arn:aws:iam::111122223333:policy/team/blue",
            "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess",
        ]
    );
    let boundary = alice.policies.boundary.as_ref().unwrap();
    assert_eq!(
        names(boundary),
        ["arn:aws:iam::111122223333:policy/boundary"]
    );
    assert!(alice.policies.session.is_none());

    let bob = user(&accounts, "bob");
    assert_eq!(
        names(&bob.policies.identity),
        [
            "group/developers: inline",
            "arn:aws:iam::111122223333:policy/team/blue"
        ]
    );
    assert!(bob.policies.boundary.is_none());
}

#[test]
fn a_document_is_compiled_once_and_shared() {
    let accounts = parse(EXPORT);
    let (alice, bob) = (user(&accounts, "alice"), user(&accounts, "bob"));
    let document =
        |principal: &Principal, at: usize| Arc::clone(&principal.policies.identity[at].document);
    for (one, two) in [
        (document(&alice, 1), document(&alice, 4)),
        (document(&alice, 3), document(&bob, 0)),
        (document(&alice, 4), document(&bob, 1)),
    ] {
        assert!(Arc::ptr_eq(&one, &two));
    }
    assert!(!Arc::ptr_eq(&document(&alice, 0), &document(&alice, 3)));
}

#[test]
fn tags_are_read_with_their_spelling() {
    let accounts = parse(EXPORT);
    let tags = &user(&accounts, "alice").tags;
    let tags: Vec<_> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(tags, [("Stage", ""), ("team", "blue")]);
    assert!(user(&accounts, "bob").tags.is_empty());
}

#[test]
fn every_principal_of_an_account_is_in_its_organization() {
    let accounts = parse(EXPORT);
    let organization = Organization {
        id: "o-a1b2c3d4e5".to_owned(),
        path: Some("o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/".to_owned()),
    };
    for arn in [
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:role/team/app",
        "arn:aws:sts::111122223333:assumed-role/app/s",
    ] {
        let principal = accounts.principal(arn).unwrap();
        assert_eq!(
            principal.organization.as_deref(),
            Some(&organization),
            "{arn}"
        );
        assert_eq!(principal.account.as_str(), "111122223333", "{arn}");
    }
    let no_path = EXPORT.replace("\"OrganizationPath\"", "\"Other\"");
    let alice = user(&parse(&no_path), "alice");
    assert_eq!(alice.organization.as_ref().unwrap().path, None);
    let none = no_path.replace("\"OrganizationId\"", "\"Another\"");
    let accounts = parse(&none);
    assert_eq!(user(&accounts, "alice").organization, None);
    assert_eq!(accounts.accounts()[0].organization_id(), None);
}
