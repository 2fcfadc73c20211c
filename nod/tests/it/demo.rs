//! The demo, by itself and with a person.

use crate::harness::{Folder, Running};

#[test]
fn the_walk_goes_as_told_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let story = folder.run(&["demo", "--walk"]).ok();
    for words in [
        "the phone is active",
        "the site opens and says who she is",
        "She approves;",
        "She denies;",
        "A wrong number on the phone ends that request.",
        "no prompt, no way on",
        "She reports a sign-in",
        "refused at its next word",
        "Everything went as it should",
    ] {
        assert!(story.contains(words), "{words} is not in:\n{story}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_demo_tells_what_to_do_and_what_happens_and_cleans_up() {
    let folder = Folder::new();
    let mut demo = Running::start(folder.command(&["demo"]));
    let password = demo.wait_for("Password").trim().trim_start_matches("Password").trim().to_owned();
    let line = demo.wait_for(" phone enrol ");
    let link = line.split('\'').nth(1).unwrap();
    let file = line.rsplit(' ').next().unwrap();
    demo.wait_for("What happens:");
    let enrol = ["phone", "enrol", link, "--state", file, "--password-stdin"];
    folder.run_with(&enrol, &format!("{password}\n")).ok();
    demo.wait_for("Terminal was enrolled for Anna Berg.");
    demo.signal("INT");
    demo.wait_for("its folder is removed");
    assert_eq!(demo.code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
