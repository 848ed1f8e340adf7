//! The binary `treeline`: the command line, the configuration, the wiring, shutdown.
//!
//! This is the only crate that knows the time, randomness, the environment and the file system's
//! layout; it introduces the services, the store and the front door to each other.

mod account_file;
mod cli;
mod clusters;
mod config;
mod config_file;
mod data_dir;
mod data_plane;
mod decision_log;
mod dsql_command;
mod env;
mod error;
mod iam_command;
mod identity_providers;
mod import_command;
mod operator;
mod serve;
mod settings;
mod signals;
mod system;
mod telemetry;

/// Small allocations come and go with every request; the system's allocator took a seventh of a
/// batch of decisions.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
