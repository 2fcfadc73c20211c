//! How pages look: narrow and wide, light and dark; nothing refused by the policy, nothing that keeps people out (axe-core, WCAG 2.2
//! AA); pictures where they are wanted.

use nod_e2e::page::Page;
use nod_e2e::skip;
use nod_e2e::tools::AXE;
use serde_json::json;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Environment variable with a folder for pictures; without it none are taken.
const PICTURES: &str = "NOD_SCREENSHOTS";
const AUDIT: &str = include_str!("look.js");
/// What axe-core finds, as sentences: rule, element, what is wrong.
const ACCESSIBILITY: &str = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`)))";

/// The script, read once; nothing where it is missing and a skip is allowed.
fn axe() -> Option<&'static str> {
    static SCRIPT: OnceLock<Option<String>> = OnceLock::new();
    let read = || skip::have(&[AXE]).then(|| std::fs::read_to_string(AXE.find().unwrap()).unwrap());
    SCRIPT.get_or_init(read).as_deref()
}

/// Holds the page against the rules. DevTools may evaluate what the page's own policy would refuse.
#[track_caller]
fn accessible(page: &Page, name: &str) {
    let Some(script) = axe() else { return };
    if page.evaluate("typeof window.axe") == "undefined" {
        page.evaluate(&format!("{script};null"));
    }
    let found = page.evaluate(ACCESSIBILITY);
    assert_eq!(found, json!([]), "{name}");
}

/// Looks at a page as it stands.
#[track_caller]
pub(crate) fn at(page: &Page, name: &str) {
    let problems = page.take_problems();
    assert!(problems.is_empty(), "{name}: {problems:?}");
    look(page, name);
}

/// Looks at a page after the server has refused what was pressed, as it should.
#[track_caller]
pub(crate) fn at_refusal(page: &Page, name: &str) {
    let problems = page.take_problems();
    let refused = |problem: &String| problem.contains("status of 4");
    assert!(!problems.is_empty() && problems.iter().all(refused), "{name}: {problems:?}");
    look(page, name);
}

/// Looks at a page while the server is away, or was.
#[track_caller]
pub(crate) fn at_outage(page: &Page, name: &str) {
    let problems = page.take_problems();
    let unreachable = |problem: &String| problem.contains("net::ERR_");
    assert!(!problems.is_empty() && problems.iter().all(unreachable), "{name}: {problems:?}");
    look(page, name);
}

#[track_caller]
fn look(page: &Page, name: &str) {
    let folder = std::env::var_os(PICTURES).map(PathBuf::from);
    for (size, width, height) in [("narrow", 320, 640), ("wide", 1280, 800)] {
        page.set_screen(width, height, size == "narrow");
        for colours in ["dark", "light"] {
            page.set_dark(colours == "dark");
            assert_eq!(page.evaluate(AUDIT), json!([]), "{name}, {size} and {colours}");
            accessible(page, &format!("{name}, {size} and {colours}"));
            if let Some(folder) = &folder {
                let whole =
                    page.evaluate("document.documentElement.scrollHeight").as_u64().and_then(|px| px.try_into().ok());
                page.set_screen(width, whole.map_or(height, |whole: u32| whole.max(height)), size == "narrow");
                page.screenshot(&folder.join(format!("{name}-{size}-{colours}.png")));
            }
        }
    }
}
