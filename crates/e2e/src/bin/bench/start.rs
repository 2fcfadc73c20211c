//! The real binary: cold start to the first answer, and memory at rest.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::aims::Aims;
use crate::installation;
use crate::process::memory;
use crate::table::{self, Samples};

const RUNS: usize = 10;
const HOST: &str = "nod.bench.example.org";
const LIMIT: Duration = Duration::from_secs(20);
/// Wrong passwords sent, each of which costs what a right one costs.
const PASSWORDS: usize = 8;

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run(aims: &mut Aims) {
    let binary = binary();
    let folder = installation::folder();
    let config = folder.path().join("nod.toml");
    let made = Command::new(&binary)
        .arg("--config")
        .arg(&config)
        .args(["init", "--non-interactive", "--contact", "mailto:it@nod-mfa.org", "--admin", "anna"])
        .args(["--origin", &format!("https://{HOST}")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("# listen = \"127.0.0.1:8080\"", &format!("listen = \"127.0.0.1:{port}\""));
    std::fs::write(&config, text).unwrap();

    let mut samples = Samples::default();
    let (mut idle, mut used) = (0.0, 0.0);
    for run in 0..RUNS {
        let (took, served) = start(&binary, &config, port);
        samples.add(took);
        if run == 0 {
            idle = memory(served.0.id()).0 / 1024.0;
            for _ in 0..PASSWORDS {
                let form = "user=nobody&password=wrong";
                let answer = ask(
                    port,
                    &format!(
                        "POST /sign-in HTTP/1.1\r\nhost: {HOST}\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\
                         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
                        form.len()
                    ),
                );
                assert!(answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 401")));
            }
            used = memory(served.0.id()).0 / 1024.0;
        }
    }
    let mut row = vec!["nod serve".to_owned(), RUNS.to_string()];
    row.extend(samples.cells());
    row.extend([format!("{idle:.1}"), format!("{used:.1}")]);
    let head = ["what", "runs", "median ms", "p99 ms", "max ms", "idle MiB", "after 8 passwords MiB"];
    table::print("Start to first answer of /healthz, and resident memory, real binary", &head, &[row]);
    let size = std::fs::metadata(&binary).unwrap().len() as f64 / 1024.0 / 1024.0;
    println!("  The binary has {size:.1} MiB; files were in the page cache. One argon2 verification works in 19 MiB.");
    aims.below("cold start to first answer", "ms", 100.0, samples.at(0.5), "2,600 ms");
    aims.below("resident memory, idle", "MiB", 25.0, idle, "276 MiB");
}

fn start(binary: &Path, config: &Path, port: u16) -> (Duration, Served) {
    let started = Instant::now();
    let child = Command::new(binary)
        .arg("--config")
        .arg(config)
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let served = Served(child);
    let question = format!("GET /healthz HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n");
    loop {
        if ask(port, &question).is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return (started.elapsed(), served);
        }
        assert!(started.elapsed() < LIMIT, "nod serve does not answer");
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn ask(port: u16, question: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(question.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// `nod` beside this binary, built anew where cargo runs us.
fn binary() -> PathBuf {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let built = Command::new(cargo).current_dir(root).args(["build", "--release", "--package", "nod"]).status();
        assert!(built.unwrap().success(), "nod could not be built");
    }
    std::env::current_exe().unwrap().with_file_name("nod")
}
