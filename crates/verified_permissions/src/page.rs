//! Pages of lists, and walks over whole ones.

use resources::page::{InvalidToken, PageSize};
use store::{ReadTx, Record, Stored};

use crate::error::Error;

/// The most items of one page. The service documents it; asking for more gets this many.
const MAX_RESULTS: usize = 50;

/// One page's request: see [`resources::page::PageRequest`].
pub(crate) type PageRequest<'a> = resources::page::PageRequest<'a, Error>;

/// How many items a page has.
pub(crate) fn size(asked: Option<i32>, default: usize) -> PageSize {
    PageSize {
        asked,
        default,
        max: MAX_RESULTS,
    }
}

impl From<InvalidToken> for Error {
    fn from(InvalidToken: InvalidToken) -> Self {
        Self::field("/nextToken", "Invalid token.")
    }
}

/// Visits every record of a kind under `parent`, in the order of their creation.
pub(crate) fn for_each<R: Record>(
    tx: &dyn ReadTx,
    parent: &str,
    visit: impl FnMut(Stored<R>) -> Result<(), Error>,
) -> Result<(), Error> {
    resources::page::for_each(tx, parent, visit)
}
