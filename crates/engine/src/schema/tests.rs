use super::*;
use crate::testdb::{TestDb, ask, options};

/// Runs a table of `role: SQL => answer`, each as one simple query. Answers are as `ask` has them;
/// one that ends in `*` is a beginning.
async fn check(db: &TestDb, table: &str) {
    let mut sessions = std::collections::HashMap::new();
    let mut wrong = String::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (role, rest) = line.split_once(": ").unwrap();
        let (sql, expected) = rest.split_once(" =>").unwrap();
        let expected = expected.trim_start();
        if !sessions.contains_key(role) {
            sessions.insert(role, db.connect(role).await);
        }
        let answer = ask(&sessions[role], sql).await;
        let right = expected
            .strip_suffix('*')
            .map_or(answer == expected, |start| answer.starts_with(start));
        if !right {
            wrong.push_str(&format!("{line}\n  answered {answer}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_fingerprint_follows_the_options() {
    let one = options();
    let mut other = options();
    other.server_version = "16.9'; DROP".into();
    let of = |options, site| fingerprint(&script(options, site));
    assert_eq!(of(&one, Site::Alone), of(&one, Site::Alone));
    assert_ne!(of(&one, Site::Alone), of(&other, Site::Alone));
    assert_ne!(of(&one, Site::Alone), of(&one, Site::Shared("@a")));
    assert_eq!(of(&one, Site::Alone).len(), 64);
    assert!(script(&other, Site::Alone).contains("'16.9''; DROP'"));
    for site in [Site::Alone, Site::Shared("@a")] {
        for mark in ["{server", "{version", "{suffix", "{admin", "{members"] {
            assert!(!script(&one, site).contains(mark), "{mark}");
        }
    }
}

#[tokio::test]
async fn settings_and_tables_are_the_services() {
    let Some(db) = TestDb::start().await else {
        return;
    };
    check(&db, include_str!("tests/settings.txt")).await;
    check(&db, include_str!("tests/tables.txt")).await;
    check(&db, include_str!("tests/counts.txt")).await;
    let treeline = db.connect("treeline").await;
    let version = "SELECT last_value > 20 FROM pg_treeline.catalog_version";
    assert_eq!(ask(&treeline, version).await, "t");
}

#[tokio::test]
async fn transactions_have_limits() {
    let Some(db) = TestDb::start().await else {
        return;
    };
    check(&db, include_str!("tests/transactions.txt")).await;
    let app = db.connect("app").await;
    let large = "INSERT INTO t SELECT -i, repeat('x', 1000000) FROM generate_series(2, 12) i";
    let error = app.simple_query(large).await.unwrap_err();
    assert_eq!(
        error.as_db_error().unwrap().detail(),
        Some("Current transaction size 11mb > 10mb")
    );
}

#[tokio::test]
async fn attacks_fail() {
    let Some(db) = TestDb::start().await else {
        return;
    };
    check(&db, include_str!("tests/attacks.txt")).await;
    let treeline = db.connect("treeline").await;
    let unharmed =
        "SELECT count(*), (SELECT count(*) FROM public.t), (SELECT count(*) FROM public.secret),
        (SELECT count(*) FROM pg_index WHERE NOT indisvalid),
        (SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolcanlogin),
        (SELECT rolcreatedb FROM pg_roles WHERE rolname = 'admin')
      FROM pg_event_trigger WHERE evtenabled = 'O'";
    assert_eq!(ask(&treeline, unharmed).await, "3|1|0|0|treeline|f");
}

/// Functions with side effects that everybody may execute, each looked at: handlers that cannot be
/// called, sequences, the clock, sleep, randomness, information on the own cluster.
const REVIEWED: &str = "amvalidate array_sample array_shuffle bernoulli brinhandler bthandler clock_timestamp \
    current_query currval dsnowball_init dsnowball_lexize gen_random_uuid ginhandler gisthandler hashhandler \
    heap_tableam_handler nextval pg_blocking_pids pg_collation_actual_version \
    pg_database_collation_actual_version pg_get_multixact_members pg_is_in_recovery pg_is_wal_replay_paused \
    pg_jit_available pg_last_committed_xact pg_last_xact_replay_timestamp pg_lock_status \
    pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_prepared_xact \
    pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sleep pg_sleep_for pg_sleep_until pg_stat_get_io \
    pg_stat_get_recovery_prefetch pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status \
    plpgsql_call_handler random random_normal set_config setseed setval spghandler system timeofday txid_status \
    pg_get_sequence_data pg_get_wait_events pg_stat_get_backend_io pg_stat_get_backend_wal uuidv4 uuidv7";

/// What clients may execute of ours; all else is for the superuser.
const OURS: &str = "check_droppable create_index current_session_id current_setting drop_roles iam_grant iam_revoke \
    images_apply images_done images_plan lock_again no_setting parameters references_unseen reset_all row_keys \
    shadow_apply shadow_enter shadow_handle shadow_hydrate shadow_loud shadow_nextval shadow_quiet shadow_resolve \
    shadow_schema shadow_unhydrate shadow_unseen shown_twice strong_rows submit_build submit_nothing \
    submit_validation validate_constraint version wait_for_job";

#[tokio::test]
async fn only_reviewed_functions_are_for_everybody() {
    let Some(db) = TestDb::start().await else {
        return;
    };
    let treeline = db.connect("treeline").await;
    let public =
        "(p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))";
    let volatile = format!(
        "SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc p WHERE {public} AND provolatile = 'v'
            AND pronamespace = 'pg_catalog'::regnamespace AND prorettype <> 'trigger'::regtype
            AND proname NOT LIKE 'pg\\_stat\\_get\\_xact\\_%' AND proname <> ALL (string_to_array('{REVIEWED}', ' '))"
    );
    assert_eq!(ask(&treeline, &volatile).await, "NULL");
    let ours = format!(
        "SELECT string_agg(DISTINCT proname, ' ' ORDER BY proname) FROM pg_proc p WHERE {public}
            AND pronamespace IN ('pg_treeline'::regnamespace, 'sys'::regnamespace)"
    );
    assert_eq!(ask(&treeline, &ours).await, OURS.replace("    ", ""));
    // Definer functions have a search path of their own, or a body that is bound already, or
    // (count_row) nothing to look up.
    let open = "SELECT string_agg(proname, ' ') FROM pg_proc p
        WHERE prosecdef AND prosqlbody IS NULL AND proconfig IS NULL";
    assert_eq!(ask(&treeline, open).await, "count_row");
}

#[tokio::test]
async fn mappings_are_admins() {
    let Some(db) = TestDb::start().await else {
        return;
    };
    check(&db, include_str!("tests/mappings.txt")).await;
}
