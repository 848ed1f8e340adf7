use std::collections::BTreeMap;
use std::time::Duration;

use ClusterStatus::{
    Active, Creating, Deleting, Idle, Inactive, PendingDelete, PendingSetup, Updating,
};

use super::*;

/// The default delays, with clusters that get idle.
fn options() -> Options {
    Options {
        idle_after: Some(Duration::from_secs(60)),
        inactive_after: Some(Duration::from_secs(600)),
        ..Options::default()
    }
}

/// Milliseconds after the creation.
fn after(millis: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_000_000_000 + millis * 1_000)
}

fn cluster(change: impl FnOnce(&mut ClusterRecord)) -> ClusterRecord {
    let mut record = ClusterRecord::new(after(0));
    change(&mut record);
    record
}

/// Compares the states at points in time, the last one before and the first one after each change.
fn check(name: &str, record: &ClusterRecord, states: &[(i64, Option<ClusterStatus>)]) {
    let options = options();
    for (millis, state) in states {
        let at = Lifecycle {
            now: after(*millis),
            options: &options,
        };
        assert_eq!(at.status(record), *state, "{name} after {millis} ms");
    }
}

#[test]
fn a_single_region_cluster_becomes_active_and_then_idle_and_inactive() {
    check(
        "single-Region",
        &cluster(|_| {}),
        &[
            (0, Some(Creating)),
            (1_999, Some(Creating)),
            (2_000, Some(Active)),
            (59_999, Some(Active)),
            (60_000, Some(Idle)),
            (599_999, Some(Idle)),
            (600_000, Some(Inactive)),
            (i64::from(i32::MAX), Some(Inactive)),
        ],
    );
}

#[test]
fn activity_wakes_a_cluster() {
    let record = cluster(|record| record.activity = after(700_000));
    check(
        "used",
        &record,
        &[(759_999, Some(Active)), (760_000, Some(Idle))],
    );
}

#[test]
fn by_default_no_cluster_gets_idle() {
    let options = Options::default();
    let at = Lifecycle {
        now: after(i64::from(i32::MAX) * 1_000),
        options: &options,
    };
    assert_eq!(at.status(&cluster(|_| {})), Some(Active));
}

#[test]
fn a_witness_alone_leaves_a_cluster_pending_for_ever() {
    let record = cluster(|record| record.witness = Some("us-west-2".to_owned()));
    check(
        "unlinked",
        &record,
        &[
            (1_999, Some(Creating)),
            (2_000, Some(PendingSetup)),
            (i64::from(i32::MAX), Some(PendingSetup)),
        ],
    );
}

#[test]
fn linking_takes_the_delay_of_an_update_and_does_not_shorten_the_creation() {
    let linked = |at| {
        cluster(|record| {
            record.witness = Some("us-west-2".to_owned());
            record.linked = true;
            record.changed = Some(after(at));
            record.activity = after(at);
        })
    };
    check(
        "linked later",
        &linked(10_000),
        &[
            (10_000, Some(Updating)),
            (10_999, Some(Updating)),
            (11_000, Some(Active)),
        ],
    );
    check(
        "linked at once",
        &linked(500),
        &[(1_999, Some(Creating)), (2_000, Some(Active))],
    );
    check(
        "linked just before",
        &linked(1_500),
        &[
            (1_999, Some(Creating)),
            (2_000, Some(Updating)),
            (2_500, Some(Active)),
        ],
    );
}

#[test]
fn a_new_key_takes_the_delay_of_an_update() {
    let record = cluster(|record| {
        record.changed = Some(after(10_000));
        record.key_changed = Some(after(10_000));
        record.activity = after(10_000);
    });
    check(
        "new key",
        &record,
        &[(10_999, Some(Updating)), (11_000, Some(Active))],
    );
    let options = options();
    for (millis, state) in [
        (10_000, EncryptionStatus::Updating),
        (10_999, EncryptionStatus::Updating),
        (11_000, EncryptionStatus::Enabled),
    ] {
        let at = Lifecycle {
            now: after(millis),
            options: &options,
        };
        assert_eq!(at.encryption(&record), state, "after {millis} ms");
    }
}

#[test]
fn a_deletion_ends_and_one_that_waits_for_a_peer_does_not() {
    let deleted = |deletion| {
        cluster(|record| {
            record.deletion = Some(deletion);
        })
    };
    check(
        "deleted while it is being created",
        &deleted(Deletion::Since(after(1_000))),
        &[
            (1_000, Some(Deleting)),
            (2_999, Some(Deleting)),
            (3_000, None),
            (i64::from(i32::MAX), None),
        ],
    );
    check(
        "waiting",
        &deleted(Deletion::AwaitingPeer),
        &[
            (1_000, Some(PendingDelete)),
            (i64::from(i32::MAX), Some(PendingDelete)),
        ],
    );
}

#[test]
fn a_stream_goes_when_it_is_deleted_or_with_its_cluster() {
    let stream = |deleted| StreamRecord {
        created: after(0),
        kinesis_stream_arn: String::new(),
        role_arn: String::new(),
        tags: BTreeMap::new(),
        deleted,
    };
    let deleting = |millis| cluster(|it| it.deletion = Some(Deletion::Since(after(millis))));
    let alive = cluster(|_| {});
    let waiting = cluster(|it| it.deletion = Some(Deletion::AwaitingPeer));
    let options = options();
    for (deleted, cluster, millis, state) in [
        (None, &alive, 1_000_000, Some(StreamStatus::Creating)),
        (None, &waiting, 1_000_000, Some(StreamStatus::Creating)),
        (Some(5_000), &alive, 6_999, Some(StreamStatus::Deleting)),
        (Some(5_000), &alive, 7_000, None),
        (None, &deleting(5_000), 6_999, Some(StreamStatus::Deleting)),
        (None, &deleting(5_000), 7_000, None),
        (Some(4_000), &deleting(5_000), 6_000, None),
        (Some(6_000), &deleting(5_000), 7_000, None),
    ] {
        let at = Lifecycle {
            now: after(millis),
            options: &options,
        };
        let found = at.stream(&stream(deleted.map(after)), cluster);
        assert_eq!(found, state, "deleted {deleted:?}, after {millis} ms");
    }
}
