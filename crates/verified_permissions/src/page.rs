//! Pages of lists: how many, from where, and the opaque token of the next one.

use store::{Position, ReadRecords, ReadTx, Record, Stored};
use wire::page::{self, PageScope};

use crate::error::Error;

/// Records that are read at a time.
pub(crate) const CHUNK: usize = 200;
/// The most items of one page. The service documents it; asking for more gets this many.
const MAX_RESULTS: usize = 50;

/// One page's request: its size, and where it begins.
pub(crate) struct PageRequest<'a> {
    size: usize,
    after: Option<Position>,
    scope: PageScope<'a>,
}

/// One page.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_token: Option<String>,
}

impl<'a> PageRequest<'a> {
    /// `scope` binds the token to the caller, the operation, the resource and the filter.
    pub(crate) fn new(
        max_results: Option<i32>,
        default: usize,
        next_token: Option<&str>,
        scope: PageScope<'a>,
    ) -> Result<Self, Error> {
        let after = match next_token {
            None => None,
            Some(token) => {
                let position = page::decode(&scope, token).and_then(|text| text.parse().ok());
                Some(position.ok_or_else(|| Error::field("/nextToken", "Invalid token."))?)
            }
        };
        let size = max_results
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(default);
        Ok(Self {
            size: size.clamp(1, MAX_RESULTS),
            after,
            scope,
        })
    }

    /// Collects the page: records under `parent` in the order of their creation, as far as
    /// `pick` takes them.
    pub(crate) fn collect<R: Record, T>(
        self,
        tx: &dyn ReadTx,
        parent: &str,
        mut pick: impl FnMut(Stored<R>) -> Result<Option<T>, Error>,
    ) -> Result<Page<T>, Error> {
        let mut items = Vec::with_capacity(self.size);
        let mut after = self.after;
        let mut last_taken: Option<Position> = None;
        loop {
            let chunk = tx.list_records::<R>(parent, after.as_ref(), CHUNK)?;
            let is_last = chunk.len() < CHUNK;
            for stored in chunk {
                let position = stored.position();
                after = Some(position.clone());
                let Some(item) = pick(stored)? else { continue };
                if items.len() == self.size {
                    let token = last_taken.map(|at| page::encode(&self.scope, &at.to_string()));
                    return Ok(Page {
                        items,
                        next_token: token,
                    });
                }
                items.push(item);
                last_taken = Some(position);
            }
            if is_last {
                return Ok(Page {
                    items,
                    next_token: None,
                });
            }
        }
    }
}

/// Visits every record of a kind under `parent`, in the order of their creation.
pub(crate) fn for_each<R: Record>(
    tx: &dyn ReadTx,
    parent: &str,
    mut visit: impl FnMut(Stored<R>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let chunk = tx.list_records::<R>(parent, after.as_ref(), CHUNK)?;
        let is_last = chunk.len() < CHUNK;
        after = chunk.last().map(Stored::position);
        chunk.into_iter().try_for_each(&mut visit)?;
        if is_last {
            return Ok(());
        }
    }
}
