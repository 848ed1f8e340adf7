//! Drives a treeline server over HTTP with signed requests from several keep-alive connections,
//! and a bare axum JSON echo with the same requests in the same run, and prints a Markdown table.
//!
//! Both servers are started by this program, on loopback addresses; every phase is bounded in
//! time.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program"
)]

mod connection;
mod echo;
mod scenario;
mod server;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use connection::{Measured, Target, drive};
use server::Server;

/// What ends a run.
type Fault = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about)]
struct Args {
    /// The server's program
    #[arg(long, default_value = "target/release/treeline")]
    treeline: PathBuf,
    /// Connections that send requests at the same time
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds of each phase
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Policies in the policy stores that are asked
    #[arg(long, value_delimiter = ',', default_values_t = [10, 1_000])]
    policies: Vec<usize>,
    /// Cores for the servers, as `taskset -c` takes them; the load generator is pinned by its caller
    #[arg(long)]
    server_cores: Option<String>,
    /// Be the echo server
    #[arg(long, hide = true)]
    echo: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("treeline-load: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = if args.echo {
        runtime.block_on(echo::serve())
    } else {
        runtime.block_on(run(&args))
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("treeline-load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), Fault> {
    let treeline = Server::treeline(&args.treeline, args.server_cores.as_deref())?;
    let echo = Server::echo(args.server_cores.as_deref())?;
    println!(
        "| {} connections, {} s each | requests/s | p50 µs | p99 µs | of the echo |",
        args.connections, args.seconds
    );
    println!("|---|---:|---:|---:|---:|");
    for &policies in &args.policies {
        let store = scenario::store_with(&treeline, policies).await?;
        let name = format!("IsAuthorized, {policies} policies");
        compare(
            args,
            &name,
            &treeline,
            &echo,
            "IsAuthorized",
            scenario::question(&store),
        )
        .await?;
    }
    let store = scenario::store_with(&treeline, 10).await?;
    let batch = scenario::batch(&store);
    compare(
        args,
        "BatchIsAuthorized of 30, 10 policies",
        &treeline,
        &echo,
        "BatchIsAuthorized",
        batch,
    )
    .await?;
    let policy = scenario::policy(&store);
    compare(
        args,
        "CreatePolicy, durable",
        &treeline,
        &echo,
        "CreatePolicy",
        policy,
    )
    .await
}

/// Measures one request against both servers, one after the other.
async fn compare(
    args: &Args,
    name: &str,
    treeline: &Server,
    echo: &Server,
    operation: &'static str,
    body: String,
) -> Result<(), Fault> {
    let measure = async |server: &Server| -> Result<Measured, Fault> {
        let target = Target {
            address: server.address,
            operation,
            body: body.clone(),
        };
        // A warm-up, of which nothing is kept.
        drive(&target, args.connections, Duration::from_millis(500)).await?;
        drive(&target, args.connections, Duration::from_secs(args.seconds)).await
    };
    let bare = measure(echo).await?;
    let measured = measure(treeline).await?;
    row("axum JSON echo of the next line's request", &bare, &bare);
    row(name, &measured, &bare);
    Ok(())
}

fn row(name: &str, measured: &Measured, bare: &Measured) {
    let Measured {
        per_second,
        p50,
        p99,
    } = measured;
    let percent = 100.0 * per_second / bare.per_second;
    println!("| {name} | {per_second:.0} | {p50} | {p99} | {percent:.0} % |");
}
