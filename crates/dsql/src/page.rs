//! Pages of lists.

use crate::error::Error;

/// One page's request: see [`resources::page::PageRequest`].
pub(crate) type PageRequest<'a> = resources::page::PageRequest<'a, Error>;

/// The most items of one page, which the model says, too.
pub(crate) const MAX_RESULTS: usize = 100;
