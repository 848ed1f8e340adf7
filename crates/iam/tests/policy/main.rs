//! The evaluator of IAM policies, by tables of questions with the answers that AWS's documentation
//! gives, and by properties.

#[cfg(test)]
mod decisions;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod public_access;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
