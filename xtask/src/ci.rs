//! `cargo xtask ci`: everything that decides whether a change is good, in one command.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::{codegen, deny, e2e, process, tidy};

/// A step: its name and what it does.
type Step = (&'static str, fn(&Path) -> Result<(), String>);

/// In the order of their cost. All compilation is for the profile `release`, which is also what
/// runs: nothing is built twice, and clippy shares the build scripts and macros.
const STEPS: &[Step] = &[
    ("tools", tools),
    ("tidy", tidy::check),
    ("codegen --check", codegen::check),
    ("fmt", |root| cargo(root, "fmt --all --check")),
    ("deny", deny::check),
    ("clippy", |root| {
        cargo(
            root,
            "clippy --workspace --all-targets --release --locked -- -D warnings",
        )
    }),
    ("test", |root| {
        cargo(root, "test --workspace --release --locked --no-fail-fast")
    }),
    // `--tests` makes cargo choose the features that the tests were built with: all that is left
    // to do is to link the programs.
    ("programs", |root| {
        cargo(root, "build --workspace --bins --tests --release --locked")
    }),
    ("e2e", |root| e2e::pytest(root, &[])),
];

/// Runs the steps up to the first that fails, and sums up.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut lines = Vec::new();
    let mut failed = None;
    let start = now();
    for (name, step) in STEPS {
        if failed.is_some() {
            lines.push(format!("  {:>8}  {name}", "not run"));
            continue;
        }
        println!("==> {name}");
        let start = now();
        let result = step(root);
        let took = seconds(start.elapsed());
        lines.push(format!(
            "  {:>8}  {name}{}",
            took,
            if result.is_ok() { "" } else { ": FAILED" }
        ));
        match result {
            Ok(()) => println!("==> {name}: ok, {took}"),
            Err(message) => failed = Some(format!("{name}: {message}")),
        }
    }
    println!(
        "\n{}\n  {:>8}  in all",
        lines.join("\n"),
        seconds(start.elapsed())
    );
    match failed {
        None => {
            println!("everything passed");
            Ok(())
        }
        Some(message) => Err(format!("\n{message}")),
    }
}

fn cargo(root: &Path, args: &str) -> Result<(), String> {
    let args: Vec<&str> = args.split(' ').collect();
    process::run(root, "cargo", &args)
}

/// The parts of the Rust tool chain that the later steps need.
fn tools(root: &Path) -> Result<(), String> {
    for (component, command) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if process::works("cargo", &[command, "--version"]) {
            continue;
        }
        if !process::works("rustup", &["--version"]) {
            return Err(format!(
                "`cargo {command}` is missing and so is rustup: install {component} the way Rust was installed"
            ));
        }
        println!("installing {component} with rustup");
        process::run(root, "rustup", &["component", "add", component])?;
    }
    e2e::prepare(root).map(drop)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the summary says how long each step took"
)]
fn now() -> Instant {
    Instant::now()
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
