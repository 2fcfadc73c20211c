//! Leaving a test out when a tool is missing.

use crate::tools::{Tool, allowed_skip, is_ci};

/// Whether all tools are there. If not, says what is missing; the test then returns.
///
/// ```no_run
/// use nod_e2e::{skip, tools};
/// if !skip::have(&[tools::NGINX]) {
///     return;
/// }
/// ```
///
/// # Panics
/// With `CI=true`, when a missing tool is not listed in `ci-skips.toml`.
#[must_use]
pub fn have(tools: &[Tool]) -> bool {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| tool.find().is_none()).collect();
    for tool in &missing {
        eprintln!("SKIP: {}", tool.missing());
        assert!(!is_ci() || allowed_skip(tool.name).is_some(), "CI=true, so this fails: {}", tool.missing());
    }
    missing.is_empty()
}
