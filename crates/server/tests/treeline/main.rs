//! The built program, as a user starts it: its output, its exit codes, its files, its signals.
#![cfg(unix)]

#[cfg(test)]
mod database;
#[cfg(test)]
mod end;
#[cfg(test)]
mod env;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod import;
#[cfg(test)]
mod process;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod start;
