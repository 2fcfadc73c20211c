//! Child processes, and what the kernel says about a process: CPU time, memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Clock ticks a second in `/proc`: fixed in the kernel's interface to programs on x86-64 and aarch64.
const TICKS: f64 = 100.0;

/// This program in another role. Killed when dropped; ends by itself when this process ends, as its input closes.
pub(crate) struct Role {
    child: Child,
    _input: ChildStdin,
    /// The rest of its output, after the first line.
    pub(crate) output: Option<BufReader<ChildStdout>>,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Role {
    /// Starts it and waits for its first line, `listening ADDRESS`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").unwrap_or_else(|| panic!("{arguments:?} said {line:?}"));
        Self { address: address.to_owned(), child, _input: input, output: Some(output) }
    }
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a role: ends this process when the one that started it has gone.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
}

/// CPU time of a process so far, user and system together, all threads.
pub(crate) fn cpu(process: u32) -> Duration {
    stat_cpu(&fs::read_to_string(format!("/proc/{process}/stat")).unwrap())
}

/// CPU time of a process and all its children so far, with those that have ended.
pub(crate) fn cpu_of_family(process: u32) -> Duration {
    let own = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let mut all = ticks(&own, 11..15);
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if fields(&stat)[1] == process.to_string() {
            all += ticks(&stat, 11..13);
        }
    }
    all
}

/// CPU time of a process so far by the name of its threads.
pub(crate) fn cpu_by_thread(process: u32) -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
        let name = stat[stat.find('(').unwrap() + 1..stat.rfind(')').unwrap()].to_owned();
        *times.entry(name).or_default() += stat_cpu(&stat);
    }
    times
}

/// CPU time of the process or thread itself: fields 14 and 15 of `/proc/PID/stat` (proc(5)).
fn stat_cpu(stat: &str) -> Duration {
    ticks(stat, 11..13)
}

/// The fields behind the name, which may hold spaces.
fn fields(stat: &str) -> Vec<&str> {
    stat[stat.rfind(')').unwrap() + 2..].split(' ').collect()
}

fn ticks(stat: &str, at: std::ops::Range<usize>) -> Duration {
    let ticks: f64 = fields(stat)[at].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    Duration::from_secs_f64(ticks / TICKS)
}

/// Resident memory in KiB: all of it, and the part that is not mapped from a file.
pub(crate) fn memory(process: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let field = |name: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    };
    (field("VmRSS"), field("RssAnon"))
}

/// What the figures depend on.
pub(crate) fn describe_machine() {
    let cores = std::thread::available_parallelism().unwrap();
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor =
        processor.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let build = if cfg!(debug_assertions) { "DEBUG BUILD: these figures mean nothing" } else { "release build" };
    println!(
        "Nod bench, {build}\n  {cores} cores ({}), {:.0} GiB, Linux {}; load average at the start {}",
        processor.unwrap_or("unknown processor"),
        kib / 1024.0 / 1024.0,
        kernel.trim(),
        load(),
    );
    println!("  Server, push stub and clients share these cores; all connections are on the loopback, without TLS.");
}

/// Load averages over 1, 5 and 15 minutes. Above zero at the start, something else was running and times are worse for it.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
