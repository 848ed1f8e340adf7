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
    ddl: bool,
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
            ddl: false,
            dml: false,
            failed: false,
            catalog_changed: false,
        }
    }

    /// Takes a statement with this effect into the transaction.
    ///
    /// # Errors
    /// What the state of the transaction has against it. Source: section D.2 of the record; the
    /// age is looked at when a statement comes, never while one runs.
    pub(super) fn take(&mut self, effect: Effect) -> Result<(), Failure> {
        if effect != Effect::Rollback
            && let Err(failure) = self.check_age()
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

    fn check_age(&self) -> Result<(), Failure> {
        match self.began.map(|began| began.elapsed()) {
            Some(age) if age > self.limit && !self.failed => Err(Failure::transaction_too_old(
                self.limit.as_secs(),
                age.as_secs(),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The end of a `Query` or of a pipeline: outside a block it ends the implicit transaction.
    pub(super) fn sync(&mut self) {
        if self.began.is_none() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.began = None;
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
        let take = |effect: &Effect| transaction.take(*effect).err();
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
        transaction.take(Effect::Ddl).unwrap();
        transaction.sync();
        transaction.take(Effect::Write).unwrap();
        transaction.sync();
        transaction.take(Effect::Begin).unwrap();
        transaction.take(Effect::Write).unwrap();
        transaction.sync();
        assert_eq!(
            transaction.take(Effect::Ddl),
            Err(Failure::ddl_with_dml()),
            "the block goes on"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn age_is_noticed_at_the_next_statement() {
        let mut transaction = Transaction::new(LIMIT);
        transaction.take(Effect::Begin).unwrap();
        tokio::time::advance(LIMIT).await;
        transaction.take(Effect::Read).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let old = Err(Failure::transaction_too_old(300, 301));
        assert_eq!(transaction.take(Effect::Read), old);
        // It has failed: PostgreSQL refuses the rest, and answers COMMIT with ROLLBACK.
        assert!(!transaction.settle(b'E'));
        assert_eq!(transaction.take(Effect::Read), Ok(()));
        assert_eq!(transaction.take(Effect::Commit), Ok(()));

        transaction.take(Effect::Begin).unwrap();
        tokio::time::advance(LIMIT + Duration::from_secs(1)).await;
        let old = old.map_err(Failure::at_commit);
        assert_eq!(transaction.take(Effect::Commit), old);
        assert_eq!(transaction.take(Effect::Begin), Ok(()), "it is over");
    }

    #[test]
    fn the_backend_has_the_last_word() {
        let mut transaction = Transaction::new(LIMIT);
        transaction.take(Effect::Begin).unwrap();
        transaction.take(Effect::Ddl).unwrap();
        assert!(!transaction.settle(b'T'));
        // The block was never begun: an earlier message of the pipeline had failed.
        assert!(transaction.settle(b'I'));
        assert!(!transaction.settle(b'I'));
        transaction.take(Effect::Write).unwrap();
    }
}
