//! `postern-load`: the load generator and the stub server of the comparison. One thread, loopback addresses
//! only, and every run bounded in count and time. Each result is one line of JSON on standard output.
//!
//! Which server is measured, where it is pinned and what its CPU time was is the runner's (`bench/main.ts`).

mod arguments;
mod base64;
mod certificate;
mod client;
mod closed_loop;
mod conversation;
mod cpu;
mod held;
mod held_runs;
mod options;
mod report;
mod runs;
mod samples;
mod scratch;
mod scripts;
mod stub;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use tokio::task::LocalSet;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        eprintln!("postern-load: no epoll");
        return ExitCode::FAILURE;
    };
    let outcome = LocalSet::new().block_on(&runtime, runs::run(&words));
    // Standard input is read on a thread that would otherwise be waited for.
    runtime.shutdown_timeout(Duration::ZERO);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("postern-load: {message}");
            ExitCode::from(2)
        }
    }
}
