//! Pages of lists: how many, from where, and the opaque token of the next one.

use std::marker::PhantomData;

use store::{Position, ReadRecords, ReadTx, Record, StoreError, Stored};
use wire::page::{self, PageScope};

/// The most records that are read at a time.
pub const CHUNK: usize = 200;

/// How many items a page has.
#[derive(Clone, Copy, Debug)]
pub struct PageSize {
    /// What the client asks for.
    pub asked: Option<i32>,
    /// When the client does not say.
    pub default: usize,
    /// The most; asking for more gets this many.
    pub max: usize,
}

/// The page token is not one that was given out for this list.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidToken;

/// One page's request: its size, and where it begins. `E` is the service's error.
pub struct PageRequest<'a, E> {
    size: usize,
    after: Option<Position>,
    scope: PageScope<'a>,
    error: PhantomData<E>,
}

/// One page.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order of their creation.
    pub items: Vec<T>,
    /// The token of the next page, if there is one.
    pub next_token: Option<String>,
}

impl<'a, E: From<StoreError> + From<InvalidToken>> PageRequest<'a, E> {
    /// `scope` binds the token to the caller, the operation, the resource and the filter.
    ///
    /// # Errors
    /// [`InvalidToken`], as the service's error.
    pub fn new(size: PageSize, next_token: Option<&str>, scope: PageScope<'a>) -> Result<Self, E> {
        let after = match next_token {
            None => None,
            Some(token) => {
                let position = page::decode(&scope, token).and_then(|text| text.parse().ok());
                Some(position.ok_or(InvalidToken)?)
            }
        };
        let asked = size.asked.and_then(|size| usize::try_from(size).ok());
        Ok(Self {
            size: asked.unwrap_or(size.default).clamp(1, size.max.max(1)),
            after,
            scope,
            error: PhantomData,
        })
    }

    /// Collects the page: records under `parent` in the order of their creation, as far as
    /// `pick` takes them.
    ///
    /// # Errors
    /// The store's, and those of `pick`.
    pub fn collect<R: Record, T>(
        self,
        tx: &dyn ReadTx,
        parent: &str,
        pick: impl FnMut(Stored<R>) -> Result<Option<T>, E>,
    ) -> Result<Page<T>, E> {
        self.collect_from(
            |after, limit| tx.list_records::<R>(parent, after, limit),
            pick,
        )
    }

    /// [`PageRequest::collect`] over the records of `list`, which gives at most so many of those
    /// that come after a position.
    ///
    /// # Errors
    /// Those of `list` and `pick`.
    pub fn collect_from<R, T>(
        self,
        list: impl Fn(Option<&Position>, usize) -> Result<Vec<Stored<R>>, StoreError>,
        mut pick: impl FnMut(Stored<R>) -> Result<Option<T>, E>,
    ) -> Result<Page<T>, E> {
        let mut items = Vec::with_capacity(self.size);
        let mut after = self.after;
        let mut last_taken: Option<Position> = None;
        // The page and one more, which tells whether there is a next page; more at a time when
        // few are picked.
        let mut limit = self.size.saturating_add(1);
        loop {
            let chunk = list(after.as_ref(), limit)?;
            let is_last = chunk.len() < limit;
            limit = limit.saturating_mul(2).min(CHUNK);
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
///
/// # Errors
/// The store's, and the first of `visit`.
pub fn for_each<R: Record, E: From<StoreError>>(
    tx: &dyn ReadTx,
    parent: &str,
    mut visit: impl FnMut(Stored<R>) -> Result<(), E>,
) -> Result<(), E> {
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
