//! The steps of `cargo xtask test`: run in order, timed, ended by the first failure.
#![expect(clippy::disallowed_methods, reason = "a developer's tool: it times its steps and hands on its environment")]

use crate::{install, package, tidy};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long `test --full` fuzzes each target, in seconds.
const FUZZ_SECONDS_PER_TARGET: u32 = 180;

/// Defences that can be taken out of a build, and that the simulation must miss.
const DEFENCES: [&str; 3] = ["unbound_prompt", "context_unchecked", "unguarded_answer"];

/// What a step did: done, or left out with the reason.
enum Done {
    Passed,
    Skipped(String),
}

struct Line {
    name: &'static str,
    took: Duration,
    outcome: String,
}

struct Run {
    lines: Vec<Line>,
}

impl Run {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Done>) -> Result<()> {
        println!("\n=== {name}");
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        let outcome = match &result {
            Ok(Done::Passed) => "ok".to_owned(),
            Ok(Done::Skipped(why)) => format!("skipped: {why}"),
            Err(_) => "FAILED".to_owned(),
        };
        println!("=== {name}: {outcome} ({:.1} s)", took.as_secs_f64());
        self.lines.push(Line { name, took, outcome });
        result.map(drop).with_context(|| format!("step `{name}` failed"))
    }

    fn print(&self) {
        println!("\n{:<22} {:>9}  outcome", "step", "time");
        for line in &self.lines {
            println!("{:<22} {:>7.1} s  {}", line.name, line.took.as_secs_f64(), line.outcome);
        }
        let total: Duration = self.lines.iter().map(|line| line.took).sum();
        println!("{:<22} {:>7.1} s", "total", total.as_secs_f64());
    }
}

/// Runs everything; prints a table at the end, whether green or not.
pub(crate) fn test(root: &Path, full: bool) -> Result<()> {
    let mut run = Run { lines: Vec::new() };
    let result = all_steps(&mut run, root, full);
    run.print();
    result
}

fn all_steps(run: &mut Run, root: &Path, full: bool) -> Result<()> {
    run.step("tools", || install::tools(full).map(skipped_if_any))?;
    run.step("format", || passed(cargo(root, &["fmt", "--all", "--check"])))?;
    run.step("lints", || {
        passed(cargo(root, &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    run.step("tidy", || passed(tidy::run(root)))?;
    run.step("licences and bans", || {
        if !install::has_cargo_tool("deny") {
            return Ok(Done::Skipped("cargo-deny is missing".to_owned()));
        }
        passed(cargo(root, &["deny", "--locked", "check", "bans", "licenses", "sources"]))
    })?;
    // Before the main run, so that its summary stands among the closing lines.
    run.step("doc tests", || passed(cargo(root, &["test", "--locked", "--doc", "--workspace", "--quiet"])))?;
    run.step("defences", || defences(root))?;
    if full {
        run.step("fuzz", || fuzz(root))?;
    }
    run.step("package", || {
        if !install::is_on_path("dpkg-deb") {
            return Ok(Done::Skipped("dpkg-deb is missing: this is no Debian".to_owned()));
        }
        passed(package::check(root))
    })?;
    run.step("tests", || tests(root, full))
}

fn tests(root: &Path, full: bool) -> Result<Done> {
    let profile = if full { "full" } else { "default" };
    let mut command = if install::has_cargo_tool("nextest") {
        cargo_command(root, &["nextest", "run", "--locked", "--workspace", "--profile", profile])
    } else {
        println!("cargo-nextest is missing: running the same tests with `cargo test`, one binary after the other");
        cargo_command(root, &["test", "--locked", "--workspace", "--lib", "--bins", "--tests"])
    };
    if full {
        // A million seeds want the optimised code, in which signatures cost a tenth.
        command.args(["--release"]).env("NOD_FULL", "1");
    }
    passed(wait(&mut command))
}

/// Takes out one defence after the other (`--cfg nod_break`, set by the build scripts) and wants the simulation to go red:
/// a test that an attack cannot fail proves nothing.
fn defences(root: &Path) -> Result<Done> {
    for defence in DEFENCES {
        let arguments = [
            "test",
            "--locked",
            "--package",
            "nod-testkit",
            "--test",
            "it",
            "--target-dir",
            "target/broken",
            "simulation",
        ];
        let mut command = cargo_command(root, &arguments);
        let output = command.env("NOD_BREAK", defence).output().context("cannot start cargo")?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let found = said.lines().find(|line| line.starts_with("seed ") && line.contains("repeat with NOD_SEED="));
        match found {
            Some(found) if !output.status.success() => println!("without {defence}: red as it must be ({found})"),
            _ => bail!("the simulation is not red without the defence {defence}:\n{said}"),
        }
    }
    Ok(Done::Passed)
}

fn fuzz(root: &Path) -> Result<Done> {
    let manifest = root.join("fuzz/Cargo.toml");
    if !manifest.is_file() {
        return Ok(Done::Skipped("there is no fuzz/Cargo.toml".to_owned()));
    }
    if !install::has_cargo_tool("fuzz") {
        return Ok(Done::Skipped("cargo-fuzz is missing".to_owned()));
    }
    let limit = format!("-max_total_time={FUZZ_SECONDS_PER_TARGET}");
    for target in tidy::fuzz_targets(&std::fs::read_to_string(&manifest)?) {
        println!("--- fuzz {target}");
        let mut command = cargo_command(root, &["fuzz", "run", &target.name, "--", &limit, "-timeout=10"]);
        // cargo-fuzz passes compiler flags that stable refuses without this.
        wait(command.env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(Done::Passed)
}

fn passed(result: Result<()>) -> Result<Done> {
    result.map(|()| Done::Passed)
}

fn skipped_if_any(missing: Vec<String>) -> Done {
    if missing.is_empty() { Done::Passed } else { Done::Skipped(missing.join(", ")) }
}

/// Runs cargo in the workspace root; an unsuccessful end is an error.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    wait(&mut cargo_command(root, arguments))
}

fn cargo_command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    // `cargo run` describes xtask's own package in the environment; build scripts that watch it would run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end, printing it first.
pub(crate) fn wait(command: &mut Command) -> Result<()> {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    println!("$ {}", words.join(" "));
    let status = command.status().with_context(|| format!("cannot start `{}`", words.join(" ")))?;
    if !status.success() {
        bail!("`{}` ended with {status}", words.join(" "));
    }
    Ok(())
}
