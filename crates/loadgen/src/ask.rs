//! One request, again and again, to a server that others have started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::Fault;
use crate::connection::{Bodies, Target, drive};

/// Which request, and to whom. It is signed with the administrator's key of `testkit`.
#[derive(clap::Args)]
pub(crate) struct Question {
    /// The server's address and port
    #[arg(long)]
    address: SocketAddr,
    /// The operation of Verified Permissions
    #[arg(long)]
    operation: String,
    /// A file with the request's body
    #[arg(long)]
    body: PathBuf,
    /// Connections that send requests at the same time
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds to measure
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Seconds before that, of which nothing is kept
    #[arg(long, default_value_t = 0.5, value_parser = seconds)]
    warm_up: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=60.0).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err("a number from 0 to 60".to_owned()),
    }
}

/// Prints one line of JSON: requests, and those per second; latencies in microseconds.
pub(crate) async fn ask(question: &Question) -> Result<(), Fault> {
    let target = Target {
        address: question.address,
        // It lives as long as the process does.
        operation: question.operation.clone().leak(),
        bodies: Bodies::One(std::fs::read_to_string(&question.body)?),
    };
    let phase = async |seconds: f64| {
        let time = Duration::from_secs_f64(seconds);
        drive(&target, question.connections, time).await
    };
    phase(question.warm_up).await?;
    let measured = phase(question.seconds).await?;
    let figures = json!({
        "requests": measured.requests,
        "perSecond": measured.per_second,
        "p50": measured.p50,
        "p99": measured.p99,
    });
    println!("{figures}");
    Ok(())
}
