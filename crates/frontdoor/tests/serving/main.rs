//! Serving on a real socket: connections, limits, health and shutdown.

#[cfg(test)]
mod connections;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod support;
