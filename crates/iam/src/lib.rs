//! Who is asking, and what they may do. Pure: nothing here does I/O, and the time and the random
//! bytes are inputs.
//!
//! [`account::Accounts`] reads accounts, users, groups, roles, policies and access keys from one
//! JSON text; [`session`] makes and opens the temporary credentials of roles; [`sigv4::verify`]
//! finds out who signed an HTTP request; [`policy::decide`] decides by the policies of the
//! principal and of the resource, with the keys of [`condition_keys`].

pub mod account;
pub mod condition_keys;
pub mod decision_log;
mod identity;
pub mod managed;
pub mod policy;
pub mod session;
pub mod sigv4;
mod unique_json;

pub use identity::{
    Caller, Credential, Inheritance, Keys, Organization, Principal, PrincipalKind, Session,
};
