//! `cargo xtask ci`: everything that decides whether a change is good, in one command.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{codegen, deny, e2e, postgres, process, tidy};

/// A step: its name and what it does.
type Step = (&'static str, fn(&Path) -> Result<(), String>);

/// In the order of their cost. All compilation is for the profile `release`, which is also what
/// runs: nothing is built twice, and clippy shares the build scripts and macros.
const STEPS: &[Step] = &[
    ("tools", tools),
    ("tidy", tidy::check),
    ("codegen --check", codegen::check),
    ("fmt", fmt),
    ("deny", deny::check),
    ("clippy", |root| {
        cargo(
            root,
            "clippy --workspace --all-targets --release --locked -- -D warnings",
        )
    }),
    ("test", test),
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

fn test(root: &Path) -> Result<(), String> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--workspace", "--release", "--locked"])
        .arg("--no-fail-fast")
        .env(postgres::FOR_TESTS, postgres::for_tests(root)?);
    process::check(command.current_dir(root))
}

/// Whether everything is formatted, also the operations: `cargo fmt` does not see files that are
/// declared inside a macro.
fn fmt(root: &Path) -> Result<(), String> {
    cargo(root, "fmt --all --check")?;
    let mut files = Vec::new();
    for service in list(&root.join("crates"))? {
        let ops = service.join("src/ops");
        if ops.is_dir() {
            files.extend(list(&ops)?);
        }
    }
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--check"]).args(files);
    process::check(command.current_dir(root))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = folder.read_dir().map_err(failed)?;
    entries
        .map(|entry| Ok(entry.map_err(failed)?.path()))
        .collect()
}

/// What the later steps need: parts of the Rust tool chain, PostgreSQL, Python and Node.js.
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
    println!("PostgreSQL: {}", postgres::for_tests(root)?.display());
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
