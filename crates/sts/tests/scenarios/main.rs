//! Scenarios of STS: requests signed by AWS's signer, and its credentials in AWS's own clients.

#[cfg(test)]
mod assume_role;
#[cfg(test)]
mod common;
#[cfg(test)]
mod identity;
