//! The subcommands: reads their options, runs them, prints their results.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use crate::client::{Client, Connection, SOURCES_MAX};
use crate::closed_loop::{self, Bounds};
use crate::options::Options;
use crate::report::Line;
use crate::samples::Samples;
use crate::{certificate, scripts, stub, tls};

/// Runs the subcommand that `words` name. An error is a wrong use or a missing means, in words; what goes
/// wrong in sessions is counted in the results.
pub async fn run(words: &[String]) -> Result<(), String> {
    let (command, rest) = words.split_first().ok_or(USAGE)?;
    match command.as_str() {
        "make-cert" => certificate::make(&Options::parse(rest, &["dir"], &[])?.path_wanted("dir")?),
        "stub-imap" => serve_stub(&Options::parse(rest, &["listen", "tls-listen", "dir"], &[])?).await,
        "imap-login" => login_sessions(&client_options(rest)?).await,
        "handshake" => handshakes(&client_options(rest)?).await,
        "latency" => latency(&client_options(rest)?).await,
        "hold" => hold(&client_options(rest)?).await,
        _ => Err(USAGE.to_owned()),
    }
}

fn client_options(words: &[String]) -> Result<Options, String> {
    let valued = ["connect", "dir", "sessions", "parallel", "seconds", "src-ips", "users"];
    Options::parse(words, &valued, &["plain"])
}

/// Serves until standard input ends.
async fn serve_stub(options: &Options) -> Result<(), String> {
    let counts = Rc::new(stub::Counts::default());
    let mut ready = Line::of("ready");
    if let Some(address) = options.address("listen")? {
        ready = ready.text("plain", &stub::serve(address, None, counts.clone()).await?.to_string());
    }
    if let Some(address) = options.address("tls-listen")? {
        let acceptor = tls::acceptor(&options.path_wanted("dir")?)?;
        ready = ready.text("tls", &stub::serve(address, Some(acceptor), counts.clone()).await?.to_string());
    }
    ready.print();
    input_end(STUB_TIME_MAX).await;
    counts.line().print();
    Ok(())
}

async fn login_sessions(options: &Options) -> Result<(), String> {
    let (client, users) = (client(options)?, users(options)?);
    let unit = move |number: u32| {
        let client = client.clone();
        async move { scripts::login_session(&client, number % users).await }
    };
    let mut tally = closed_loop::run(bounds(options)?, unit).await;
    tally.line("imap-login").text("tls", negotiated(options)).print();
    Ok(())
}

async fn handshakes(options: &Options) -> Result<(), String> {
    let client = client(options)?;
    let unit = move |_| {
        let client = client.clone();
        async move { scripts::handshake(&client).await }
    };
    let mut tally = closed_loop::run(bounds(options)?, unit).await;
    tally.line("handshake").text("tls", negotiated(options)).print();
    Ok(())
}

/// One session at a time, its steps timed apart.
async fn latency(options: &Options) -> Result<(), String> {
    let (client, users) = (client(options)?, users(options)?);
    let steps: Rc<RefCell<[Samples; 5]>> = Rc::default();
    let kept = steps.clone();
    let unit = move |number: u32| {
        let (client, steps) = (client.clone(), kept.clone());
        async move {
            let timed = scripts::timed_session(&client, number % users).await?;
            let lengths = [timed.open, timed.greeting, timed.login, timed.noop, timed.until_login()];
            steps.borrow_mut().iter_mut().zip(lengths).for_each(|(samples, length)| samples.add(length));
            Ok(())
        }
    };
    let mut tally = closed_loop::run(Bounds { parallel: 1, ..bounds(options)? }, unit).await;
    let mut line = tally.line("latency").text("tls", negotiated(options));
    let names = ["open", "greeting", "login", "noop", "until_login"];
    for (name, samples) in names.into_iter().zip(steps.borrow_mut().iter_mut()) {
        line = line.number(&format!("{name}_p50_ms"), samples.quantile_ms(0.5));
        line = line.number(&format!("{name}_p99_ms"), samples.quantile_ms(0.99));
    }
    line.print();
    Ok(())
}

/// Logs in `--sessions` times, idles, and keeps all open until standard input ends; says what is held at
/// both times.
async fn hold(options: &Options) -> Result<(), String> {
    let (client, users) = (client(options)?, users(options)?);
    let held: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let kept = held.clone();
    let unit = move |number: u32| {
        let (client, held) = (client.clone(), kept.clone());
        async move {
            let connection = scripts::idle_session(&client, number % users).await?;
            held.borrow_mut().push(connection);
            Ok(())
        }
    };
    let mut tally = closed_loop::run(bounds(options)?, unit).await;
    let mut held = held.take();
    tally.line("hold").count("held", held.len()).text("tls", negotiated(options)).print();
    input_end(HOLD_TIME_MAX).await;
    let mut open = 0;
    for connection in &mut held {
        open += usize::from(connection.is_open().await);
        // One second is enough for a goodbye that nobody reads; the rest of a full socket's is forgone.
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.leave()).await;
    }
    Line::of("hold-end").count("open", open).print();
    Ok(())
}

fn client(options: &Options) -> Result<Rc<Client>, String> {
    let server = options.address_wanted("connect")?;
    let tls = if options.has("plain") { None } else { Some(tls::connector(&options.path_wanted("dir")?)?) };
    Ok(Rc::new(Client::new(server, tls, options.number("src-ips", 64, 1..=SOURCES_MAX)?)))
}

fn bounds(options: &Options) -> Result<Bounds, String> {
    Ok(Bounds {
        units: options.number("sessions", UNITS_MAX, 1..=UNITS_MAX)?,
        parallel: options.number("parallel", 32, 1..=1024)?,
        time: Duration::from_secs(options.number("seconds", 3, 1..=300)?.into()),
    })
}

fn users(options: &Options) -> Result<u32, String> {
    options.number("users", 1000, 1..=UNITS_MAX)
}

fn negotiated(options: &Options) -> &'static str {
    if options.has("plain") { "none" } else { tls::NEGOTIATED }
}

/// Returns when standard input ends or `longest` has passed: then the runner has gone.
async fn input_end(longest: Duration) {
    let wait = async {
        let (mut input, mut room) = (tokio::io::stdin(), [0; 64]);
        while matches!(input.read(&mut room).await, Ok(count) if count > 0) {}
    };
    let _ = tokio::time::timeout(longest, wait).await;
}

const USAGE: &str =
    "usage: postern-load make-cert | stub-imap | imap-login | handshake | latency | hold, with
  make-cert  --dir FOLDER
  stub-imap  --listen ADDRESS and/or --tls-listen ADDRESS --dir FOLDER
  the others --connect ADDRESS --dir FOLDER (or --plain)
             --sessions N --parallel N --seconds N --src-ips N --users N";
/// Four bytes of samples each, and five such lists in the latency run.
const UNITS_MAX: u32 = 1_000_000;
/// A comparison takes minutes.
const STUB_TIME_MAX: Duration = Duration::from_secs(7200);
const HOLD_TIME_MAX: Duration = Duration::from_secs(300);
