//! The Debian package: binary, unit, manual pages and completions made by the binary itself.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{cargo, wait};

/// What the package's scripts are called; they are run by dpkg.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];
/// Shells, and where Debian looks for their completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/nod"),
    ("zsh", "usr/share/zsh/vendor-completions/_nod"),
    ("fish", "usr/share/fish/vendor_completions.d/nod.fish"),
];
/// Worst exposure that the unit may have by `systemd-analyze security`, in tenths.
const MOST_EXPOSURE: u32 = 15;

/// Which build goes into the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// For users.
    Release,
    /// What the tests have built: shows that the package can be made.
    Debug,
}

/// Makes `target/package/nod_VERSION_ARCHITECTURE.deb` and gives its path.
///
/// # Errors
/// A tool is missing or refuses.
pub(crate) fn make(root: &Path, build: Build) -> Result<PathBuf> {
    let (profile, arguments): (&str, &[&str]) = match build {
        Build::Release => ("release", &["build", "--locked", "--package", "nod", "--release"]),
        // The very units of the test run: a build of `nod` alone has other features and would take minutes more.
        Build::Debug => ("debug", &["build", "--locked", "--workspace", "--lib", "--bins", "--tests"]),
    };
    cargo(root, arguments)?;
    let binary = root.join("target").join(profile).join("nod");
    let architecture = said(Command::new("dpkg").arg("--print-architecture"))?;
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("nod_{version}_{architecture}");
    let tree = root.join("target/package").join(&name);
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    install(&binary, &tree.join("usr/bin/nod"), 0o755)?;
    install(&root.join("packaging/nod.service"), &tree.join("usr/lib/systemd/system/nod.service"), 0o644)?;
    install(&root.join("LICENSE"), &tree.join("usr/share/doc/nod/copyright"), 0o644)?;
    for page in fs::read_dir(root.join("docs/guide"))? {
        let page = page?;
        install(&page.path(), &tree.join("usr/share/doc/nod/guide").join(page.file_name()), 0o644)?;
    }
    install(
        &root.join("packaging/grafana-dashboard.json"),
        &tree.join("usr/share/doc/nod/grafana-dashboard.json"),
        0o644,
    )?;
    texts(&binary, &tree)?;
    control(root, &tree, version, &architecture)?;
    let package = root.join("target/package").join(format!("{name}.deb"));
    wait(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&package))?;
    Ok(package)
}

/// Makes one from what the tests built, unpacks it, and looks at what came out.
///
/// # Errors
/// It cannot be made, its binary does not run, or its unit is weaker than it was.
pub(crate) fn check(root: &Path) -> Result<()> {
    let package = make(root, Build::Debug)?;
    let unpacked = root.join("target/package/unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)?;
    }
    wait(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&unpacked))?;
    let version = said(Command::new(unpacked.join("usr/bin/nod")).arg("--version"))?;
    ensure!(version == format!("nod {}", env!("CARGO_PKG_VERSION")), "the packaged binary says {version}");
    for file in ["usr/share/man/man1/nod-serve.1.gz", "usr/share/bash-completion/completions/nod"] {
        ensure!(unpacked.join(file).is_file(), "{file} is not in the package");
    }
    let unit = unpacked.join("usr/lib/systemd/system/nod.service");
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", &format!("--threshold={MOST_EXPOSURE}")]).arg(&unit);
    match analyze.output() {
        Ok(done) => {
            ensure!(
                done.status.success(),
                "the unit is weaker than it was:\n{}",
                String::from_utf8_lossy(&done.stdout)
            );
        }
        Err(_) => println!("SKIP: systemd-analyze is missing, so the unit's exposure is not judged"),
    }
    Ok(())
}

/// Manual pages and completions.
fn texts(binary: &Path, tree: &Path) -> Result<()> {
    let pages = tree.join("usr/share/man/man1");
    wait(Command::new(binary).arg("manual").arg(&pages))?;
    for page in fs::read_dir(&pages)? {
        wait(Command::new("gzip").args(["--best", "--no-name"]).arg(page?.path()))?;
    }
    for (shell, place) in COMPLETIONS {
        let place = tree.join(place);
        fs::create_dir_all(place.parent().context("a place has a folder")?)?;
        fs::write(&place, said(Command::new(binary).args(["completion", shell]))? + "\n")?;
    }
    Ok(())
}

/// What dpkg reads. The binary needs the libc that it was built with or a newer one.
fn control(root: &Path, tree: &Path, version: &str, architecture: &str) -> Result<()> {
    let folder = root.join("packaging/debian");
    let libc = said(Command::new("dpkg-query").args(["--show", "--showformat=${Version}", "libc6"]))?;
    let libc = libc.split('-').next().unwrap_or_default();
    let text = fs::read_to_string(folder.join("control"))?
        .replace("{version}", version)
        .replace("{architecture}", architecture)
        .replace("{depends}", &format!("libc6 (>= {libc}), libgcc-s1, ca-certificates"));
    let place = tree.join("DEBIAN");
    fs::create_dir_all(&place)?;
    fs::write(place.join("control"), text)?;
    for script in SCRIPTS {
        install(&folder.join(script), &place.join(script), 0o755)?;
    }
    Ok(())
}

/// Copies a file into the tree with this mode.
fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file has a folder")?)?;
    fs::copy(from, to).with_context(|| format!("{} cannot be copied", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// What a command prints, without the end of the line.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(output.status.success(), "{} ended with {}", command.get_program().display(), output.status);
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
