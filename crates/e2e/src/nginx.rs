//! The real nginx on the loopback, in one process and with a folder of its own.

use crate::folder::Folder;
use crate::process::{PATIENCE, Process, free_port, until};
use crate::tools::NGINX;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

const UPSTREAM_HEADER: &str = "x-upstream";

/// A running nginx; ended on drop.
#[derive(Debug)]
pub struct Nginx {
    // Field order is drop order: the process ends before its folder is removed.
    process: Process,
    folder: Folder,
    port: u16,
}

impl Nginx {
    /// Starts nginx. `servers` is given a free port to listen on and returns the contents of the `http` block.
    ///
    /// # Panics
    /// When nginx refuses the configuration; its own words are shown.
    #[must_use]
    pub fn start(servers: impl FnOnce(u16) -> String) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let process = launch(&folder, port, &servers(port));
        Self { process, folder, port }
    }

    /// The port that `servers` was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts again on the same port with another configuration. (A single-process nginx cannot take one by signal.)
    ///
    /// # Panics
    /// When nginx refuses it.
    pub fn restart(&mut self, servers: impl FnOnce(u16) -> String) {
        self.process.kill();
        self.process = launch(&self.folder, self.port, &servers(self.port));
    }

    /// Asks until a request for this host and path is passed to the node on port `node` and comes back. The configuration is one
    /// [`with_upstream_told`].
    ///
    /// # Panics
    /// When that does not happen in time.
    pub fn wait_passes_to(&self, node: u16, host: &str, path: &str) {
        let wanted = format!("{UPSTREAM_HEADER}: 127.0.0.1:{node}\r\n");
        until(&format!("nginx passing requests to port {node}"), PATIENCE, || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).ok()?;
            String::from_utf8_lossy(&answer).contains(&wanted).then_some(())
        });
    }

    /// What nginx wrote to its error log.
    #[must_use]
    pub fn error_log(&self) -> Vec<String> {
        self.process.output()
    }
}

/// The configuration, with a header on each answer that tells which upstream gave it.
#[must_use]
pub fn with_upstream_told(servers: &str) -> String {
    servers.replace("server {\n", &format!("server {{\nadd_header {UPSTREAM_HEADER} $upstream_addr always;\n"))
}

fn launch(folder: &Folder, port: u16, servers: &str) -> Process {
    // One process, so that killing it leaves no worker behind.
    let text = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr info;\nevents {{}}\nhttp {{\n\
         access_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n{servers}\n}}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
    let mut command = Command::new(NGINX.find().expect("nginx is installed"));
    command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
    let mut process = Process::start("nginx", &mut command);
    until("nginx accepting connections", PATIENCE, || {
        assert!(process.ended().is_none(), "nginx ended: {}", process.output().join("\n"));
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    process
}
