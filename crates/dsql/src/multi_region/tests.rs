use super::*;

const OWN: &str = "abcdefghijklmnopqrstuvwxyz";
const PEER: &str = "arn:aws:dsql:us-east-2:111122223333:cluster/bbbbbbbbbbbbbbbbbbbbbbbbbb";

fn scope() -> Scope {
    Scope {
        region: "us-east-1".parse().unwrap(),
        account: "111122223333".parse().unwrap(),
    }
}

fn properties(witness: Option<&str>, clusters: Option<&[&str]>) -> MultiRegionProperties {
    MultiRegionProperties {
        witness_region: witness.map(str::to_owned),
        clusters: clusters.map(|list| list.iter().map(|&arn| arn.to_owned()).collect()),
    }
}

/// The field and the message of a refusal.
fn fault<T>(result: Result<T, Error>) -> (&'static str, String) {
    match result.err() {
        Some(Error::Validation {
            field: Some(field),
            message,
            ..
        }) => (field, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_may_name_a_witness_a_peer_or_neither() {
    let own = format!("arn:aws:dsql:us-east-1:111122223333:cluster/{OWN}");
    let peer = || ResourceArn::parse(PEER);
    for (witness, clusters, wanted_witness, wanted_peer) in [
        (None, None, None, None),
        (Some(""), None, None, None),
        (Some("us-west-2"), None, Some("us-west-2"), None),
        (None, Some(&[][..]), None, Some(None)),
        (None, Some(&[PEER]), None, Some(peer())),
        (
            Some("us-west-2"),
            Some(&[PEER, &own]),
            Some("us-west-2"),
            Some(peer()),
        ),
        (None, Some(&[&own]), None, Some(None)),
        (None, Some(&[PEER, PEER]), None, Some(peer())),
    ] {
        let asked = properties(witness, clusters);
        let wanted = Wanted::read(Some(&asked), &scope(), Some(OWN)).unwrap();
        assert_eq!(wanted.witness.as_deref(), wanted_witness);
        assert_eq!(wanted.peer, wanted_peer);
    }
    assert_eq!(
        Wanted::read(None, &scope(), None).unwrap(),
        Wanted::default()
    );
}

#[test]
fn a_witness_is_another_region_of_the_partition() {
    for (witness, part) in [
        ("us-east-1", "must not be the Region of the cluster"),
        ("US-EAST-2", "not the name of a Region"),
        ("us east 2", "not the name of a Region"),
        ("cn-north-1", "same partition"),
    ] {
        let asked = properties(Some(witness), None);
        let (field, message) = fault(Wanted::read(Some(&asked), &scope(), None));
        assert_eq!(field, "multiRegionProperties.witnessRegion", "{witness}");
        assert!(message.contains(part), "{witness}: {message}");
    }
}

#[test]
fn a_peer_is_one_cluster_of_the_account_in_another_region() {
    let id = "bbbbbbbbbbbbbbbbbbbbbbbbbb";
    let arn = |partition: &str, region: &str, account: &str, rest: &str| {
        format!("arn:{partition}:dsql:{region}:{account}:cluster/{id}{rest}")
    };
    let own_region = arn("aws", "us-east-1", "111122223333", "");
    let third = arn("aws", "eu-west-1", "111122223333", "");
    let other_account = arn("aws", "us-east-2", "444455556666", "");
    let other_partition = arn("aws-cn", "cn-north-1", "111122223333", "");
    let mixed = arn("aws-cn", "us-east-2", "111122223333", "");
    for (clusters, part) in [
        (&[own_region.as_str()][..], "is in the same Region"),
        (&[PEER, third.as_str()], "exactly one peer"),
        (&[other_account.as_str()], "belongs to another account"),
        (
            &[PEER, other_account.as_str()],
            "belongs to another account",
        ),
        (&[other_partition.as_str()], "is in another partition"),
        (&[mixed.as_str()], "is not the ARN of a cluster"),
        (
            &["arn:aws:dsql:us-east-2:111122223333:cluster/x"],
            "is not the ARN of a cluster",
        ),
    ] {
        let asked = properties(Some("us-west-2"), Some(clusters));
        let (field, message) = fault(Wanted::read(Some(&asked), &scope(), Some(OWN)));
        assert_eq!(field, "multiRegionProperties.clusters");
        assert!(message.contains(part), "{clusters:?}: {message}");
    }
}

#[test]
fn permission_is_asked_for_two_peers_of_the_account_at_most() {
    let arn = |region: &str, account: &str| {
        format!("arn:aws:dsql:{region}:{account}:cluster/bbbbbbbbbbbbbbbbbbbbbbbbbb")
    };
    let own = format!("arn:aws:dsql:us-east-1:111122223333:cluster/{OWN}");
    let list = [
        own,
        arn("us-east-2", "444455556666"),
        arn("us-east-2", "111122223333"),
        arn("us-east-2", "111122223333"),
        "no ARN".to_owned(),
        arn("eu-west-1", "111122223333"),
        arn("eu-west-2", "111122223333"),
    ];
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let asked = properties(None, Some(&list));
    let listed = listed(Some(&asked), &scope(), Some(OWN));
    let regions: Vec<&str> = listed.iter().map(|arn| arn.scope.region.as_str()).collect();
    assert_eq!(regions, ["us-east-2", "eu-west-1"]);
}
