//! How pages look: no overflow on a narrow screen, nothing refused by the policy; pictures where they are wanted.

use nod_e2e::page::Page;
use std::path::PathBuf;

/// Where pictures go; without it none are taken.
const PICTURES: &str = "NOD_SCREENSHOTS";

/// Looks at a page as it stands: narrow and wide, light and dark.
#[track_caller]
pub(crate) fn at(page: &Page, name: &str) {
    let problems = page.take_problems();
    assert!(problems.is_empty(), "{name}: {problems:?}");
    pictures(page, name);
}

/// Looks at a page after the server has refused what was pressed, as it should.
#[track_caller]
pub(crate) fn at_refusal(page: &Page, name: &str) {
    let problems = page.take_problems();
    let refused = |problem: &String| problem.contains("status of 4");
    assert!(!problems.is_empty() && problems.iter().all(refused), "{name}: {problems:?}");
    pictures(page, name);
}

#[track_caller]
fn pictures(page: &Page, name: &str) {
    let folder = std::env::var_os(PICTURES).map(PathBuf::from);
    for (size, width, height) in [("narrow", 320, 640), ("wide", 1280, 800)] {
        page.set_screen(width, height, size == "narrow");
        let wide = page.evaluate("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{name} is {wide} px wide on {width}");
        for dark in [false, true] {
            page.set_dark(dark);
            if let Some(folder) = &folder {
                page.evaluate(
                    "document.getAnimations().filter(a => a instanceof CSSTransition).forEach(a => a.finish())",
                );
                let colours = if dark { "dark" } else { "light" };
                page.screenshot(&folder.join(format!("{name}-{size}-{colours}.png")));
            }
        }
        page.set_dark(false);
    }
}
