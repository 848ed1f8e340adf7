//! Changes to a text, by where in it they are.

use std::ops::Range;

/// A part of a text, and what stands there instead.
pub(crate) type Edit = (Range<usize>, String);

/// The text with its parts replaced; those do not overlap.
pub(crate) fn edited(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|(range, _)| range.start);
    let mut output = String::with_capacity(text.len());
    let mut done = 0;
    for (range, instead) in edits {
        output.push_str(text.get(done..range.start)?);
        output.push_str(&instead);
        done = range.end;
    }
    output.push_str(text.get(done..)?);
    Some(output)
}

/// A part made blank, so that the characters after it keep their places.
pub(crate) fn blanked(text: &str, range: Range<usize>) -> Option<Edit> {
    let blanks = text.get(range.clone())?.chars().map(|_| ' ').collect();
    Some((range, blanks))
}
