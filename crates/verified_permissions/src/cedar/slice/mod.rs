//! The slice: of a policy store's policies, those that can matter to a request.
//!
//! Cedar's authorizer evaluates every policy that it is given. Here it is given only the policies
//! whose scope can match, which an index over the scopes finds without a look at the others, so
//! that the cost of a decision follows the slice and not the store.
//!
//! # Why the answer is the same
//!
//! A policy's condition is `principal scope && (action scope && (resource scope && when))`, and
//! `&&` does not evaluate its right side when the left one is false. The scopes are made of `==`,
//! `in` and `is` over the request's own principal, action and resource, of entities and types that
//! are written out, and of slots that are filled: none of these can fail, whatever the entities
//! are. So a policy with a scope that does not match evaluates to false without an error, and
//! then the authorizer takes it into neither the decision, nor the determining policies, nor the
//! errors. Leaving it out changes nothing; adding others that do not match changes nothing
//! either. It remains to be shown that a policy outside the slice has a scope that does not match.
//!
//! *Keys.* [`keys`] gives each scope of a policy a key, and each entity of a request a set of keys:
//!
//! | scope | its key | matches an entity `e` | the keys of `e` |
//! |---|---|---|---|
//! | any | `any` | always | `any` |
//! | `is T` | `is(T)` | if `T` is its type | `is(type of e)` |
//! | `== x` | `eq(x)` | if it is `x` | `eq(e)` |
//! | `in x`, `is T in x` | `in(x)` | if it is `x`, or `x` is one of its ancestors | `in(e)`, and `in(a)` for each ancestor `a` |
//!
//! In each row the key of a scope that matches is among the keys of the entity. An action's scope
//! names any number of actions, `==` one or `in` several, and has the key `in(x)` for each. The
//! ancestors are those that Cedar sees: the closed hierarchy of the request's entities, with the
//! schema's actions, is read only after Cedar has made it.
//!
//! *Hashes.* A key is a hash. Equal keys have equal hashes, so a policy that matches is never
//! missed; different keys with one hash only make the slice larger.
//!
//! *The index* ([`index`]) holds each policy under its three keys (once for each action that it
//! names) and gives out all that are under a key of the principal, one of the action and one of
//! the resource. The links of a template may match by any action there, because an update of the
//! template can change its actions, and are sorted out by the template's actions afterwards.
//!
//! `tests/scenarios/differential.rs` and the tests beside this module hold the answers against the
//! authorizer over the whole set.

pub(super) mod index;
pub(super) mod keys;
pub(super) mod radix;

#[cfg(test)]
mod tests;
