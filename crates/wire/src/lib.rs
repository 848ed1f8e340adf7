//! Bytes to values and back: awsJson1.0, shape checks, error envelopes, page tokens.
//!
//! An input takes three steps: [`aws_json::operation_name`] and [`aws_json::parse_body`] read the
//! request, [`shape_check::shape_check`] checks the value against the operation's shape, after which
//! serde makes it a typed input. An answer takes one: [`aws_json::success`] or [`aws_json::failure`].

pub mod aws_json;
pub mod error;
pub mod page;
mod path;
pub mod shape_check;
