//! How pages look: no overflow on a narrow screen, nothing refused by the policy; pictures where they are wanted.

use nod_e2e::page::Page;
use std::path::PathBuf;

/// Where pictures go; without it none are taken.
const PICTURES: &str = "NOD_SCREENSHOTS";

/// Looks at a page as it stands: narrow and wide, light and dark.
#[track_caller]
pub(crate) fn at(page: &Page, name: &str) {
    let folder = std::env::var_os(PICTURES).map(PathBuf::from);
    for (size, width, height) in [("narrow", 320, 640), ("wide", 1280, 800)] {
        page.set_screen(width, height, size == "narrow");
        let wide = page.evaluate("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{name} is {wide} px wide on {width}");
        for dark in [false, true] {
            page.set_dark(dark);
            if let Some(folder) = &folder {
                let colours = if dark { "dark" } else { "light" };
                page.screenshot(&folder.join(format!("{name}-{size}-{colours}.png")));
            }
        }
        page.set_dark(false);
    }
    let problems = page.problems();
    assert!(problems.is_empty(), "{name}: {problems:?}");
}
