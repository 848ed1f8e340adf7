//! One function per behaviour, each given an empty store, and the list that runs all of them on all
//! backends. A function that is missing in the list does not compile (it is never used).

mod documents;
mod feed;
mod keys;
mod records;
mod transactions;

/// How many revisions the stores' feeds hold.
const FEED_LENGTH: i64 = 20;

macro_rules! on_every_backend {
    ($($area:ident: $($behaviour:ident),+;)+) => {
        mod memory {
            $($(
                #[tokio::test]
                async fn $behaviour() {
                    let store = crate::Store::memory_with(super::FEED_LENGTH);
                    super::$area::$behaviour(store).await;
                }
            )+)+
        }

        mod sqlite {
            $($(
                #[tokio::test]
                async fn $behaviour() {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("store.db");
                    let store = crate::Store::sqlite_with(&path, super::FEED_LENGTH).unwrap();
                    super::$area::$behaviour(store).await;
                }
            )+)+
        }
    };
}

on_every_backend! {
    documents:
        what_was_inserted_is_there,
        inserting_twice_is_refused,
        put_replaces_the_body_and_keeps_created,
        deleting_tells_whether_there_was_something,
        a_document_inserted_again_is_new,
        lists_are_in_order_of_insertion_then_id,
        pages_stay_stable_while_documents_come_and_go,
        kinds_and_parents_are_worlds_of_their_own,
        a_scan_shows_all_of_a_kind_and_parent,
        a_scan_ends_when_it_is_told_to,
        delete_children_spans_the_kinds_of_one_parent,
        any_text_but_nul_is_an_id,
        large_bodies_are_kept;
    keys:
        documents_are_listed_by_their_keys,
        a_list_needs_a_key_of_each_group,
        keyed_pages_are_in_the_order_of_all_lists,
        long_lists_meet_where_all_keys_are,
        put_leaves_or_replaces_keys,
        keys_go_with_their_documents,
        keys_of_failed_jobs_are_not_kept,
        a_job_lists_by_its_own_keys,
        kinds_and_parents_share_no_keyed_documents;
    transactions:
        a_job_reads_its_own_writes,
        a_failed_job_leaves_nothing,
        a_panic_leaves_nothing_and_the_writer_alive,
        a_reader_that_panics_harms_nobody,
        already_exists_does_not_end_a_job,
        a_snapshot_does_not_see_later_commits,
        concurrent_writers_all_get_a_revision_of_their_own,
        read_only_jobs_use_no_revision,
        queued_jobs_share_a_commit,
        a_failed_job_of_a_batch_takes_no_other_along,
        failed_jobs_before_all_others_of_a_batch_leave_nothing,
        hooks_run_in_commit_order_before_the_answer,
        hooks_of_failed_jobs_do_not_run,
        a_panicking_hook_harms_nobody,
        a_dropped_future_still_commits,
        a_hook_may_hold_the_last_handle,
        a_closed_store_still_reads;
    feed:
        changes_are_in_order_of_revision,
        a_revision_is_never_torn_apart,
        a_document_is_named_once_per_revision,
        failed_jobs_are_not_in_the_feed,
        a_job_sees_its_own_changes_in_the_feed,
        the_feed_has_a_gap_before_its_oldest_and_after_its_newest_revision;
    records:
        records_keep_their_values,
        a_scan_of_records_ends_with_the_first_error,
        an_older_version_is_read_by_the_type,
        a_newer_version_is_refused,
        a_broken_body_is_an_error_that_does_not_quote_it;
}
