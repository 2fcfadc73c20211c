//! Lets a test build this crate with one defence removed: `NOD_BREAK=name` becomes `--cfg nod_break="name"`, and only the
//! crates that hold defences are built again. A release build refuses, so that no broken door is ever shipped.
#![expect(clippy::disallowed_methods, reason = "a build script is configured by its environment")]

fn main() {
    println!("cargo::rerun-if-env-changed=NOD_BREAK");
    let Ok(name) = std::env::var("NOD_BREAK") else { return };
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::error=NOD_BREAK removes a defence and is for tests alone: unset it");
    }
    println!("cargo::rustc-cfg=nod_break=\"{name}\"");
}
