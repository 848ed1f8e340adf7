//! Signature Version 4, verified against requests that others have signed.

#[cfg(test)]
mod credentials;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod official_signer;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod vectors;
