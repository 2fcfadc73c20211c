//! Child processes that end with the test, and waiting with a deadline.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// For what a healthy machine does in well under a second, even when it is busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that cannot report by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Looks until `look` finds something.
///
/// # Panics
/// When the deadline has passed; `what` says what was awaited.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {patience:?} in vain for: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// A port of the loopback that was free a moment ago, for programs that must be told theirs.
///
/// # Panics
/// When the loopback has no free port.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Lines that a process wrote so far.
#[derive(Debug, Default)]
struct Lines {
    seen: Mutex<Vec<String>>,
    more: Condvar,
}

/// A child process; killed by its id and collected on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Arc<Lines>,
}

impl Process {
    /// Starts a command; its standard output and error are kept as lines.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let lines = Arc::<Lines>::default();
        read_lines(name, child.stdout.take().unwrap(), &lines);
        read_lines(name, child.stderr.take().unwrap(), &lines);
        Self { name: name.to_owned(), child, lines }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines written so far, both streams together.
    ///
    /// # Panics
    /// When the reading thread has panicked.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.lines.seen.lock().unwrap().clone()
    }

    /// Waits for a line of output that `wanted` accepts.
    ///
    /// # Panics
    /// When it does not come in time; the output is shown.
    pub fn wait_line(&mut self, what: &str, patience: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + patience;
        let mut seen = self.lines.seen.lock().unwrap();
        loop {
            if let Some(line) = seen.iter().find(|line| wanted(line)) {
                return line.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{}: no line `{what}` within {patience:?} in:\n{}", self.name, seen.join("\n"));
            seen = self.lines.more.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// The exit status, when the process has ended.
    ///
    /// # Panics
    /// When the system cannot tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the process to end by itself.
    ///
    /// # Panics
    /// When it goes on.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        until(&what, patience, || self.child.try_wait().unwrap())
    }

    /// Sends a signal by name (`TERM`, `STOP`, `CONT`, `HUP`), with the system's `kill`.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(status.success(), "cannot send {signal} to {} ({id})", self.name);
    }

    /// Ends the process at once, as a power cut would, and collects it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let lines = self.lines.seen.lock().map(|seen| seen.clone()).unwrap_or_default();
            let tail = lines.len().saturating_sub(30);
            eprintln!("--- last lines of {}:\n{}", self.name, lines[tail..].join("\n"));
        }
    }
}

fn read_lines(name: &str, stream: impl Read + Send + 'static, lines: &Arc<Lines>) {
    let lines = Arc::clone(lines);
    let read = move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            lines.seen.lock().unwrap().push(String::from_utf8_lossy(&line).trim_end().to_owned());
            lines.more.notify_all();
        }
    };
    std::thread::Builder::new().name(format!("{name} output")).spawn(read).unwrap();
}
