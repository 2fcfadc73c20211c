//! Getting what the tests need: installed as root on Debian, asked for elsewhere.
#![expect(clippy::disallowed_methods, reason = "a developer's tool: it reads the search path")]

use crate::steps::wait;
use crate::tools::{ALL, NPM, Tool, allowed_skip, is_ci};
use anyhow::{Result, bail};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// A cargo sub-command with the version that the project is run with.
struct CargoTool {
    name: &'static str,
    version: &'static str,
}

const CARGO_TOOLS: [CargoTool; 2] =
    [CargoTool { name: "cargo-nextest", version: "0.9.143" }, CargoTool { name: "cargo-deny", version: "0.20.2" }];
/// Needed by `test --full` besides.
const FULL_CARGO_TOOLS: [CargoTool; 1] = [CargoTool { name: "cargo-fuzz", version: "0.13.2" }];

/// Installs what is missing where that is ours to do, and gives the names of what is missing still.
///
/// # Errors
/// An installation failed, or (`CI=true`) something is missing that `ci-skips.toml` does not list.
pub(crate) fn tools(full: bool) -> Result<Vec<String>> {
    let extra: &[CargoTool] = if full { &FULL_CARGO_TOOLS } else { &[] };
    let cargo_tools: Vec<&CargoTool> = CARGO_TOOLS.iter().chain(extra).collect();
    if is_root_on_debian() {
        install_packages()?;
        install_cargo_tools(&cargo_tools)?;
    }
    let mut missing = Vec::new();
    for tool in ALL.iter().filter(|tool| tool.find().is_none()) {
        println!("SKIP: {}", tool.missing());
        missing.push(tool.name.to_owned());
    }
    for tool in cargo_tools.iter().filter(|tool| !is_on_path(tool.name)) {
        println!("SKIP: {0} is missing; cargo install --locked {0} --version {1}", tool.name, tool.version);
        missing.push(tool.name.to_owned());
    }
    refuse_in_ci(&missing, is_ci(), allowed_skip)?;
    Ok(missing)
}

fn refuse_in_ci(missing: &[String], ci: bool, allowed: impl Fn(&str) -> Option<String>) -> Result<()> {
    let mut refused = Vec::new();
    for name in missing {
        match allowed(name) {
            Some(reason) => println!("{name} may be skipped in CI: {reason}"),
            None => refused.push(name.as_str()),
        }
    }
    if ci && !refused.is_empty() {
        bail!("CI=true and missing: {}. Install them, or list each in ci-skips.toml with a reason", refused.join(", "));
    }
    Ok(())
}

fn is_root_on_debian() -> bool {
    // The owner of our own process entry tells the user id without any C call.
    let root = std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0);
    root && Path::new("/etc/debian_version").exists()
}

fn install_packages() -> Result<()> {
    let wanted = ALL.iter().filter(|tool| tool.find().is_none()).map(|tool: &Tool| tool.package);
    let (scripts, mut packages): (Vec<&str>, Vec<&str>) = wanted.partition(|package| package.starts_with(NPM));
    if !scripts.is_empty() && !is_on_path("npm") {
        packages.push("npm");
    }
    if !packages.is_empty() {
        wait(apt().arg("update"))?;
        // A developer's own mail server is not put out for the one of the tests.
        wait(apt().args(["install", "--yes", "--no-install-recommends", "--no-remove"]).args(&packages))?;
    }
    let scripts = scripts.iter().filter_map(|package| package.strip_prefix(NPM));
    for package in scripts {
        wait(Command::new("npm").args([
            "install",
            "--global",
            "--ignore-scripts",
            "--no-fund",
            "--no-audit",
            package,
        ]))?;
    }
    Ok(())
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet=2");
    command
}

fn install_cargo_tools(tools: &[&CargoTool]) -> Result<()> {
    for tool in tools.iter().filter(|tool| !is_on_path(tool.name)) {
        wait(Command::new("cargo").args(["install", "--locked", tool.name, "--version", tool.version]))?;
    }
    Ok(())
}

/// Whether `cargo NAME` can be run.
pub(crate) fn has_cargo_tool(name: &str) -> bool {
    is_on_path(&format!("cargo-{name}"))
}

/// Cargo finds its sub-commands on `PATH` and in its own `bin` folder.
pub(crate) fn is_on_path(program: &str) -> bool {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    std::env::split_paths(&search).chain(home.map(|home| home.join("bin"))).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_fails_in_ci_unless_it_is_listed() {
        let missing = vec!["nginx".to_owned(), "firefox".to_owned()];
        let nginx_only = |name: &str| (name == "nginx").then(|| "no packages here".to_owned());
        let refusal = refuse_in_ci(&missing, true, nginx_only).unwrap_err().to_string();
        assert!(refusal.contains("missing: firefox."), "{refusal}");
        refuse_in_ci(&missing, false, nginx_only).unwrap();
        refuse_in_ci(&missing, true, |_| Some("listed".to_owned())).unwrap();
    }
}
