//! The transaction of a session as the gateway sees it: what has been asked for, ahead of the
//! backend's answers. `ReadyForQuery` puts it right when nothing is outstanding.

use std::time::Duration;

use dialect::Effect;
use tokio::time::Instant;

use super::failure::Failure;

/// What has happened in the transaction, explicit or implicit.
#[derive(Debug)]
pub(super) struct Transaction {
    limit: Duration,
    /// When the transaction block began.
    began: Option<Instant>,
    /// The version of the catalog at the first statement of the block.
    version: Option<u64>,
    pub(super) ddl: bool,
    dml: bool,
    /// Whether it has failed, and waits for its end: nothing else counts then.
    failed: bool,
    /// Whether the catalog was changed since this was last asked.
    catalog_changed: bool,
}

impl Transaction {
    /// None yet; the age of one may be `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            began: None,
            version: None,
            ddl: false,
            dml: false,
            failed: false,
            catalog_changed: false,
        }
    }

    /// Takes a statement with this effect into the transaction. `version` is the catalog's; `None`
    /// if the transaction had to make way for a change of it. `doomed`: another transaction was
    /// first to change something that this one has changed.
    ///
    /// # Errors
    /// What the state of the transaction has against it. Sources: sections D.2 and E.1 of the
    /// record; age and catalog are looked at when a statement comes, never while one runs.
    pub(super) fn take(
        &mut self,
        effect: Effect,
        version: Option<u64>,
        doomed: bool,
    ) -> Result<(), Failure> {
        if effect != Effect::Rollback
            && let Err(failure) = self.check(effect, version, doomed)
        {
            if effect != Effect::Commit {
                self.failed = true;
                return Err(failure);
            }
            self.end();
            return Err(failure.at_commit());
        }
        match effect {
            Effect::Begin => {
                self.began.get_or_insert_with(Instant::now);
            }
            Effect::Commit | Effect::Rollback => self.end(),
            Effect::Read => {}
            Effect::Write => {
                if self.ddl {
                    return Err(Failure::ddl_with_dml());
                }
                self.dml = true;
            }
            Effect::Ddl | Effect::Job => {
                if self.ddl {
                    return Err(Failure::multiple_ddl());
                }
                if self.dml {
                    return Err(Failure::ddl_with_dml());
                }
                self.ddl = true;
                self.catalog_changed = true;
            }
        }
        Ok(())
    }

    fn check(&mut self, effect: Effect, version: Option<u64>, doomed: bool) -> Result<(), Failure> {
        let Some(began) = self.began.filter(|_| !self.failed) else {
            return Ok(());
        };
        let age = began.elapsed();
        if age > self.limit {
            return Err(Failure::transaction_too_old(
                self.limit.as_secs(),
                age.as_secs(),
            ));
        }
        // The snapshot is the first statement's.
        if self.version.is_none() && !matches!(effect, Effect::Begin | Effect::Commit) {
            self.version = version;
        }
        if version.is_none() || self.version.is_some_and(|seen| Some(seen) != version) {
            return Err(Failure::catalog_conflict());
        }
        if doomed && effect == Effect::Commit {
            return Err(Failure::conflict());
        }
        Ok(())
    }

    /// Whether its snapshot is older than a version of the catalog.
    pub(super) fn is_older_than(&self, version: u64) -> bool {
        self.version.is_some_and(|seen| seen != version)
    }

    /// The block has begun anew: it has no snapshot yet.
    pub(super) fn is_anew(&mut self) {
        self.version = None;
    }

    /// Whether there is a block, as far as has been asked for.
    pub(super) fn is_block(&self) -> bool {
        self.began.is_some()
    }

    /// The end of a `Query` or of a pipeline: outside a block it ends the implicit transaction.
    pub(super) fn sync(&mut self) {
        if self.began.is_none() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.began = None;
        self.version = None;
        self.ddl = false;
        self.dml = false;
        self.failed = false;
    }

    /// What `ReadyForQuery` says while nothing is outstanding. Whether a transaction that changed
    /// the catalog has ended.
    pub(super) fn settle(&mut self, status: u8) -> bool {
        if status != b'I' {
            // A block that began in a way that was not seen: its age counts from now.
            self.began.get_or_insert_with(Instant::now);
            self.failed = status == b'E';
            return false;
        }
        self.end();
        std::mem::take(&mut self.catalog_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(300);

    /// The answers to these effects, one after the other.
    fn answers(effects: &[Effect]) -> Vec<Option<Failure>> {
        let mut transaction = Transaction::new(LIMIT);
        let take = |effect: &Effect| transaction.take(*effect, Some(0), false).err();
        effects.iter().map(take).collect()
    }

    #[test]
    fn one_ddl_statement_and_nothing_written_beside_it() {
        use Effect::{Begin, Commit, Ddl, Job, Read, Rollback, Write};
        let two = || Some(Failure::multiple_ddl());
        let mixed = || Some(Failure::ddl_with_dml());
        for (effects, last) in [
            (&[Begin, Ddl][..], None),
            (&[Begin, Ddl, Ddl], two()),
            (&[Begin, Ddl, Job], two()),
            (&[Begin, Job, Ddl], two()),
            (&[Ddl, Ddl], two()),
            (&[Begin, Ddl, Write], mixed()),
            (&[Begin, Write, Ddl], mixed()),
            (&[Begin, Write, Job], mixed()),
            (&[Begin, Read, Ddl, Read], None),
            (&[Begin, Write, Write, Read], None),
            (&[Begin, Ddl, Commit, Begin, Ddl], None),
            (&[Begin, Write, Rollback, Begin, Ddl], None),
            (&[Begin, Ddl, Begin, Ddl], two()),
        ] {
            let answers = answers(effects);
            assert_eq!(answers.last(), Some(&last), "{effects:?}");
        }
    }

    #[test]
    fn a_pipeline_without_a_block_ends_at_its_sync() {
        let mut transaction = Transaction::new(LIMIT);
        transaction.take(Effect::Ddl, Some(0), false).unwrap();
        transaction.sync();
        transaction.take(Effect::Write, Some(0), false).unwrap();
        transaction.sync();
        transaction.take(Effect::Begin, Some(0), false).unwrap();
        transaction.take(Effect::Write, Some(0), false).unwrap();
        transaction.sync();
        assert_eq!(
            transaction.take(Effect::Ddl, Some(0), false),
            Err(Failure::ddl_with_dml()),
            "the block goes on"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn age_is_noticed_at_the_next_statement() {
        let mut transaction = Transaction::new(LIMIT);
        transaction.take(Effect::Begin, Some(0), false).unwrap();
        tokio::time::advance(LIMIT).await;
        transaction.take(Effect::Read, Some(0), false).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let old = Err(Failure::transaction_too_old(300, 301));
        assert_eq!(transaction.take(Effect::Read, Some(0), false), old);
        // It has failed: PostgreSQL refuses the rest, and answers COMMIT with ROLLBACK.
        assert!(!transaction.settle(b'E'));
        assert_eq!(transaction.take(Effect::Read, Some(0), false), Ok(()));
        assert_eq!(transaction.take(Effect::Commit, Some(0), false), Ok(()));

        transaction.take(Effect::Begin, Some(0), false).unwrap();
        tokio::time::advance(LIMIT + Duration::from_secs(1)).await;
        let old = old.map_err(Failure::at_commit);
        assert_eq!(transaction.take(Effect::Commit, Some(0), false), old);
        assert_eq!(
            transaction.take(Effect::Begin, Some(0), false),
            Ok(()),
            "it is over"
        );
    }

    #[test]
    fn the_backend_has_the_last_word() {
        let mut transaction = Transaction::new(LIMIT);
        transaction.take(Effect::Begin, Some(0), false).unwrap();
        transaction.take(Effect::Ddl, Some(0), false).unwrap();
        assert!(!transaction.settle(b'T'));
        // The block was never begun: an earlier message of the pipeline had failed.
        assert!(transaction.settle(b'I'));
        assert!(!transaction.settle(b'I'));
        transaction.take(Effect::Write, Some(0), false).unwrap();
    }
}
