//! `cargo xtask bench`: measures the server in a release build and prints the figures with the aims that they are held to.
//!
//! Nothing is mocked but what stands outside of Nod: the push service (a stub in a process of its own) and the phones and
//! browsers (this process). The server runs in a third process, so that its CPU and memory are its own. Single parts:
//! `bench trips`, `live`, `store`, `codes`, `memory`, `start`, `crypto`, `nodes`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a measuring tool: a broken assumption ends the run, and nothing here ships"
)]

mod aims;
mod codes;
mod crypto;
mod http;
mod installation;
mod live;
mod memory;
mod nodes;
mod people;
mod process;
mod raw;
mod server;
mod start;
mod store;
mod stub;
mod table;
mod trips;

use aims::Aims;

/// Parts, in the order in which they run.
const PARTS: [&str; 8] = ["crypto", "store", "codes", "live", "trips", "memory", "start", "nodes"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("server") => server::run(arguments.get(1).expect("bench server DATABASE")),
        Some("stub") => stub::run(),
        _ => measure(&arguments),
    }
}

fn measure(wanted: &[String]) {
    for part in wanted {
        assert!(PARTS.contains(&part.as_str()), "no part {part}: there are {PARTS:?}");
    }
    process::describe_machine();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut aims = Aims::default();
    for part in PARTS.iter().filter(|part| wanted.is_empty() || wanted.iter().any(|name| name == *part)) {
        match *part {
            "crypto" => runtime.block_on(crypto::run()),
            "store" => runtime.block_on(store::run(&mut aims)),
            "codes" => runtime.block_on(codes::run(&mut aims)),
            "live" => runtime.block_on(live::run()),
            "trips" => runtime.block_on(trips::run(&mut aims)),
            "memory" => runtime.block_on(memory::run(&mut aims)),
            "start" => start::run(&mut aims),
            _ => runtime.block_on(nodes::run(&mut aims)),
        }
    }
    aims.print();
    println!("\nLoad average at the end {}", process::load());
}
