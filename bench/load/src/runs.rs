//! The subcommands: reads their options, runs them, prints their results. Those that hold connections while
//! they run are in `held_runs.rs`.

use std::cell::RefCell;
use std::future::Future;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use crate::certificate::{self, KeyKind};
use crate::client::{Client, Connection, Failure, SOURCES_MAX};
use crate::closed_loop::{self, Bounds, Turn};
use crate::conversation::Protocol;
use crate::options::Options;
use crate::report::Line;
use crate::samples::Samples;
use crate::stub::{self, Service};
use crate::tls::{self, ClientTls, Kind, Version, Wanted};
use crate::{held_runs, scripts};

/// Runs the subcommand that `words` name. An error is a wrong use or a missing means, in words; what goes
/// wrong in sessions is counted in the results.
pub async fn run(words: &[String]) -> Result<(), String> {
    let (command, rest) = words.split_first().ok_or(USAGE)?;
    match command.as_str() {
        "make-cert" => certificate::make(&Options::parse(rest, &["dir"], &[])?.path_wanted("dir")?),
        "stub" => serve_stub(&Options::parse(rest, &["dir"], &["plain", "tls", "rsa"])?).await,
        "imap-login" => sessions(&client_options(rest)?, "imap-login", imap_login).await,
        "splice" => sessions(&client_options(rest)?, "splice", imap_splice).await,
        "pop3-login" => sessions(&client_options(rest)?, "pop3-login", pop3_login).await,
        "submission" => submissions(&client_options(rest)?).await,
        "handshake" => handshakes(&client_options(rest)?).await,
        "resumed" => resumed(&client_options(rest)?).await,
        "latency" => latency(&client_options(rest)?).await,
        "hold" => hold(&client_options(rest)?).await,
        "fetch" => held_runs::fetch(&client_options(rest)?).await,
        "append" => held_runs::append(&client_options(rest)?).await,
        "exchange" => held_runs::exchange(&client_options(rest)?).await,
        "preamble" => held_runs::preamble(&client_options(rest)?).await,
        "ask" => held_runs::ask(&client_options(rest)?).await,
        _ => Err(USAGE.to_owned()),
    }
}

fn client_options(words: &[String]) -> Result<Options, String> {
    let valued = [
        "connect",
        "dir",
        "sessions",
        "parallel",
        "seconds",
        "src-ips",
        "users",
        "certificate",
        "tls-version",
        "piece",
        "lines",
        "every-ms",
    ];
    Options::parse(words, &valued, &["plain"])
}

/// Serves every protocol until standard input ends, so that it never outlives the runner: each on free ports
/// of its own, plain and with the certificates that are asked for.
async fn serve_stub(options: &Options) -> Result<(), String> {
    let counts = Rc::new(stub::Counts::default());
    let kinds = [("plain", None), ("tls", Some(KeyKind::P256)), ("rsa", Some(KeyKind::Rsa))];
    let mut ready = Line::of("ready");
    for (kind, key) in kinds.into_iter().filter(|(kind, _)| options.has(kind)) {
        let tls = match key {
            None => None,
            Some(key) => Some(tls::acceptor(&options.path_wanted("dir")?, key)?),
        };
        for protocol in Protocol::ALL {
            let service = Service { protocol, address: (Ipv4Addr::LOCALHOST, 0).into(), tls: tls.clone() };
            let bound = stub::serve(service, counts.clone()).await?;
            ready = ready.text(&format!("{}_{kind}", protocol.name()), &bound.to_string());
        }
    }
    ready.print();
    input_end(STUB_TIME_MAX).await;
    counts.line().print();
    Ok(())
}

/// Whole sessions, each of a user and of nothing else.
async fn sessions<Session, Running>(options: &Options, kind: &str, session: Session) -> Result<(), String>
where
    Session: Fn(Rc<Client>, u32) -> Running + 'static,
    Running: Future<Output = Result<(), Failure>> + 'static,
{
    let (client, users) = (client(options, 0)?, users(options)?);
    let unit = move |Turn { number, .. }: Turn| session(client.clone(), number % users);
    starting_shot().await;
    closed_loop::run(bounds(options)?, unit).await.line(kind).print();
    Ok(())
}

async fn imap_login(client: Rc<Client>, user: u32) -> Result<(), Failure> {
    scripts::imap::login_session(&client, user).await
}

/// The login session without its SELECT.
async fn imap_splice(client: Rc<Client>, user: u32) -> Result<(), Failure> {
    scripts::imap::spliced_session(&client, user).await
}

async fn pop3_login(client: Rc<Client>, user: u32) -> Result<(), Failure> {
    scripts::pop3::login_session(&client, user).await
}

/// Whole sessions with one message each, the same for all.
async fn submissions(options: &Options) -> Result<(), String> {
    let message = Rc::new(scripts::submission::message());
    let session = move |client: Rc<Client>, user| {
        let message = message.clone();
        async move { scripts::submission::session(&client, user, &message).await }
    };
    sessions(options, "submission", session).await
}

async fn handshakes(options: &Options) -> Result<(), String> {
    let client = client(options, 0)?;
    let unit = move |_| {
        let client = client.clone();
        async move { scripts::handshake(&client).await }
    };
    starting_shot().await;
    closed_loop::run(bounds(options)?, unit).await.line("handshake").print();
    Ok(())
}

/// Every lane fetches its first tickets before the run; in it, only resumed handshakes count.
async fn resumed(options: &Options) -> Result<(), String> {
    let bounds = bounds(options)?;
    let client = client(options, bounds.parallel)?;
    let unit = |kind: Kind| {
        let client = client.clone();
        move |Turn { lane, .. }: Turn| {
            let client = client.clone();
            async move { scripts::lane_handshake(&client, lane, kind).await }
        }
    };
    for lane in 0..bounds.parallel {
        let first = scripts::lane_handshake(&client, lane, Kind::Full).await;
        first.map_err(|failure| format!("no tickets: {failure}"))?;
    }
    starting_shot().await;
    closed_loop::run(bounds, unit(Kind::Resumed)).await.line("resumed").print();
    Ok(())
}

/// One session at a time, its steps timed apart.
async fn latency(options: &Options) -> Result<(), String> {
    let (client, users) = (client(options, 0)?, users(options)?);
    let steps: Rc<RefCell<[Samples; 5]>> = Rc::default();
    let kept = steps.clone();
    let unit = move |Turn { number, .. }: Turn| {
        let (client, steps) = (client.clone(), kept.clone());
        async move {
            let timed = scripts::imap::timed_session(&client, number % users).await?;
            let lengths = [timed.open, timed.greeting, timed.login, timed.noop, timed.until_login()];
            steps.borrow_mut().iter_mut().zip(lengths).for_each(|(samples, length)| samples.add(length));
            Ok(())
        }
    };
    starting_shot().await;
    let mut tally = closed_loop::run(Bounds { parallel: 1, ..bounds(options)? }, unit).await;
    let mut line = tally.line("latency");
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
    let (client, users) = (client(options, 0)?, users(options)?);
    let held: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let kept = held.clone();
    let unit = move |Turn { number, .. }: Turn| {
        let (client, held) = (client.clone(), kept.clone());
        async move {
            let connection = scripts::imap::idle_session(&client, number % users).await?;
            held.borrow_mut().push(connection);
            Ok(())
        }
    };
    starting_shot().await;
    let mut tally = closed_loop::run(bounds(options)?, unit).await;
    let mut held = held.take();
    tally.line("hold").count("held", held.len()).print();
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

/// `lanes`: how many keep tickets of their own; 0 for full handshakes only.
pub fn client(options: &Options, lanes: u32) -> Result<Rc<Client>, String> {
    let server = options.address_wanted("connect")?;
    let version = match options.word("tls-version") {
        None | Some("1.3") => Version::Tls13,
        Some("1.2") => Version::Tls12,
        Some(other) => return Err(format!("--tls-version {other}: wants 1.2 or 1.3")),
    };
    let key = match options.word("certificate") {
        None | Some("p256") => KeyKind::P256,
        Some("rsa") => KeyKind::Rsa,
        Some(other) => return Err(format!("--certificate {other}: wants p256 or rsa")),
    };
    let wanted = Wanted { version, key, lanes };
    let tls =
        if options.has("plain") { None } else { Some(ClientTls::new(&options.path_wanted("dir")?, wanted)?) };
    Ok(Rc::new(Client::new(server, tls, options.number("src-ips", 64, 1..=SOURCES_MAX)?)))
}

pub fn bounds(options: &Options) -> Result<Bounds, String> {
    Ok(Bounds {
        units: options.number("sessions", UNITS_MAX, 1..=UNITS_MAX)?,
        parallel: options.number("parallel", 32, 1..=1024)?,
        time: Duration::from_secs(options.number("seconds", 3, 1..=300)?.into()),
    })
}

pub fn users(options: &Options) -> Result<u32, String> {
    options.number("users", 1000, 1..=UNITS_MAX)
}

/// Says that all is ready, and awaits a line on standard input, or its end.
pub async fn starting_shot() {
    Line::of("ready").print();
    let _ = tokio::io::stdin().read(&mut [0; 64]).await;
}

/// Returns when standard input ends or `longest` has passed: then the runner has gone.
pub async fn input_end(longest: Duration) {
    let wait = async {
        let (mut input, mut room) = (tokio::io::stdin(), [0; 64]);
        while matches!(input.read(&mut room).await, Ok(count) if count > 0) {}
    };
    let _ = tokio::time::timeout(longest, wait).await;
}

const USAGE: &str = "usage: postern-load COMMAND, with
  make-cert  --dir FOLDER
  stub       --plain and/or --tls, --rsa, --dir FOLDER: imap, pop3 and submission, each on a free port
  imap-login | pop3-login | submission | splice | handshake | resumed | latency | hold | fetch | append |
  exchange | preamble | ask
             --connect ADDRESS --dir FOLDER (or --plain)
             --certificate p256|rsa --tls-version 1.2|1.3
             --sessions N --parallel N --seconds N --src-ips N --users N
             --piece BYTES (fetch, append) --lines N (preamble) --every-ms N (ask)
Those that connect say when they are ready, and begin at a line on standard input.";
/// Four bytes of samples each, and five such lists in the latency run.
const UNITS_MAX: u32 = 1_000_000;
/// A comparison takes an hour at most.
const STUB_TIME_MAX: Duration = Duration::from_secs(7200);
const HOLD_TIME_MAX: Duration = Duration::from_secs(300);
