//! Which crate of the workspace may use which: arrows point inward only.

use super::Findings;
use anyhow::{Context, Result};
use serde_json::Value;

/// What a crate may depend on.
enum Allowed {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
    Anything,
}

/// Also open to every crate's tests.
const FOR_TESTS: [&str; 2] = ["nod-testkit", "nod-phone"];

fn allowed(package: &str) -> Option<Allowed> {
    Some(match package {
        "nod-core" | "nod-protocol" | "xtask" => Allowed::Only(&[]),
        "nod-engine" => Allowed::Only(&["nod-core", "nod-protocol"]),
        "nod-store" => Allowed::Only(&["nod-engine", "nod-core"]),
        "nod-delivery" | "nod-http" => Allowed::Only(&["nod-engine", "nod-core", "nod-protocol"]),
        // The simulation's phones sign with the real phone library.
        "nod-testkit" => Allowed::Only(&["nod-engine", "nod-core", "nod-protocol", "nod-phone"]),
        "nod-phone" => Allowed::Only(&["nod-protocol"]),
        "nod" => Allowed::AllBut(&["nod-testkit", "nod-e2e", "xtask"]),
        "nod-e2e" => Allowed::Anything,
        _ => return None,
    })
}

/// One dependency between two members of the workspace.
#[derive(Debug)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    dev: bool,
}

/// Checks the output of `cargo metadata --no-deps`.
pub(super) fn check(metadata: &Value, found: &mut Findings) -> Result<()> {
    let packages = metadata["packages"].as_array().context("no packages in cargo metadata")?;
    for package in packages {
        let from = package["name"].as_str().context("a package without a name")?;
        if allowed(from).is_none() {
            found.faults.push(format!("{from} is not in the table of allowed edges (xtask/src/tidy/edges.rs)"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // Only members of the workspace are path dependencies.
            let (Some(to), Some(_)) = (dependency["name"].as_str(), dependency["path"].as_str()) else { continue };
            let edge = Edge { from, to, dev: dependency["kind"] == "dev" };
            if !is_allowed(&edge) {
                let kind = if edge.dev { "dev-dependency" } else { "dependency" };
                found
                    .faults
                    .push(format!("{from} -> {to}: this {kind} points outward (allowed edges: ARCHITECTURE.md)"));
            }
        }
    }
    Ok(())
}

fn is_allowed(edge: &Edge<'_>) -> bool {
    if edge.dev && FOR_TESTS.contains(&edge.to) {
        return true;
    }
    match allowed(edge.from) {
        Some(Allowed::Only(names)) => names.contains(&edge.to),
        Some(Allowed::AllBut(names)) => !names.contains(&edge.to),
        Some(Allowed::Anything) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let metadata = json!({"packages": [
            {"name": from, "dependencies": [{"name": to, "path": "/somewhere", "kind": kind}, {"name": "serde"}]}]});
        let mut found = Findings::default();
        check(&metadata, &mut found).unwrap();
        found.faults
    }

    #[test]
    fn arrows_point_inward() {
        assert!(faults("nod-engine", "nod-core", None).is_empty());
        assert!(faults("nod", "nod-http", None).is_empty());
        assert_eq!(faults("nod-core", "nod-engine", None).len(), 1);
        assert_eq!(faults("nod-http", "nod-store", None).len(), 1);
        assert_eq!(faults("nod-phone", "nod-core", Some("build")).len(), 1);
        assert_eq!(faults("nod", "nod-testkit", None).len(), 1);
    }

    #[test]
    fn tests_may_use_the_testkit_only() {
        assert!(faults("nod-core", "nod-testkit", Some("dev")).is_empty());
        assert_eq!(faults("nod-core", "nod-store", Some("dev")).len(), 1);
    }

    #[test]
    fn an_unknown_crate_is_a_fault() {
        assert_eq!(faults("nod-new", "serde", None).len(), 2);
    }
}
