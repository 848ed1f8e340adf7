//! Bytes to values and back: AWS JSON, REST-JSON and AWS Query, shape checks, error envelopes, page
//! tokens.
//!
//! [`protocol`] is the way in and out for whoever does not care which protocol a service speaks. It
//! hands on to [`aws_json`], [`rest_json`] and [`aws_query`]. In between,
//! [`shape_check::shape_check`] checks the JSON value that a request became against the operation's
//! shape.

mod answer;
pub mod aws_json;
pub mod aws_query;
pub mod direct;
pub mod error;
mod incoming;
pub mod page;
mod path;
pub mod protocol;
pub mod rest_json;
pub mod shape_check;
mod text;
mod violation;
