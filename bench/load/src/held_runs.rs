//! The subcommands that open their connections before they run: bulk transfers, exchanges, lines before the
//! login, and sessions that are asked for a sign of life now and then.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::Failure;
use crate::closed_loop::{self, Bounds, Tally, Turn, UNIT_TIME_MAX};
use crate::cpu;
use crate::held::Held;
use crate::options::Options;
use crate::report::Line;
use crate::runs::{bounds, client, input_end, starting_shot, users};
use crate::samples::Samples;
use crate::scripts::imap;

/// The server sends: batches of pieces in each of the sessions.
pub async fn fetch(options: &Options) -> Result<(), String> {
    let piece = piece(options)?;
    let (bounds, held) = logged_in(options).await?;
    let held_too = held.clone();
    let unit = move |Turn { lane, .. }: Turn| {
        let held = held_too.clone();
        async move {
            let fetched = held.with(lane, |mut connection| async move {
                let outcome = imap::fetch(&mut connection, piece).await;
                (connection, outcome)
            });
            fetched.await
        }
    };
    starting_shot().await;
    let mut tally = closed_loop::run(bounds, unit).await;
    finish(bulk_line(&mut tally, "fetch", piece), &held).await;
    Ok(())
}

/// The client sends: batches of pieces in each of the sessions.
pub async fn append(options: &Options) -> Result<(), String> {
    let piece = piece(options)?;
    let text = Rc::new(imap::appends(piece));
    let (bounds, held) = logged_in(options).await?;
    let held_too = held.clone();
    let unit = move |Turn { lane, .. }: Turn| {
        let (held, text) = (held_too.clone(), text.clone());
        async move {
            let appended = held.with(lane, |mut connection| async move {
                let outcome = imap::append(&mut connection, piece, &text).await;
                (connection, outcome)
            });
            appended.await
        }
    };
    starting_shot().await;
    let mut tally = closed_loop::run(bounds, unit).await;
    finish(bulk_line(&mut tally, "append", piece), &held).await;
    Ok(())
}

/// Each unit has moved its whole batch, or is an error.
fn bulk_line(tally: &mut Tally, kind: &str, piece: u32) -> Line {
    let bytes = tally.samples.count() * imap::batch_bytes(piece);
    tally.line(kind).count("bytes", bytes)
}

/// NOOPs in sessions that are logged in, one after another in each.
pub async fn exchange(options: &Options) -> Result<(), String> {
    let (bounds, held) = logged_in(options).await?;
    let held_too = held.clone();
    let unit = move |Turn { lane, .. }: Turn| {
        let held = held_too.clone();
        async move { noop_in(&held, lane).await }
    };
    starting_shot().await;
    let mut tally = closed_loop::run(bounds, unit).await;
    finish(tally.line("exchange"), &held).await;
    Ok(())
}

async fn noop_in(held: &Held, lane: u32) -> Result<(), Failure> {
    let answered = held.with(lane, |mut connection| async move {
        let outcome = imap::noop(&mut connection).await;
        (connection, outcome)
    });
    answered.await
}

/// NOOPs before any login, which the gateway answers by itself. A connection is replaced after `--lines` of
/// them: what a client may say before its login is bounded.
pub async fn preamble(options: &Options) -> Result<(), String> {
    let (bounds, lines) = (bounds(options)?, options.number("lines", 8000, 1..=1_000_000)?);
    let client = client(options, 0)?;
    let opener = client.clone();
    let open = move |_| {
        let client = opener.clone();
        async move { imap::greeted(&client).await }
    };
    let held = Held::open(bounds.parallel, open).await?;
    let said: Rc<Vec<Cell<u32>>> = Rc::new((0..bounds.parallel).map(|_| Cell::new(0)).collect());
    let held_too = held.clone();
    let unit = move |Turn { lane, .. }: Turn| {
        let (held, said, client) = (held_too.clone(), said.clone(), client.clone());
        async move {
            let count = said.get(lane as usize).ok_or(Failure::Closed)?;
            if count.replace(count.get() + 1) >= lines {
                count.set(1);
                held.take(lane).ok_or(Failure::Closed)?.close().await?;
                held.put(lane, imap::greeted(&client).await?);
            }
            noop_in(&held, lane).await
        }
    };
    starting_shot().await;
    let mut tally = closed_loop::run(bounds, unit).await;
    finish(tally.line("preamble"), &held).await;
    Ok(())
}

/// Holds `--sessions` logged in, and has each say a NOOP every `--every-ms`, spread over that time. Its
/// errors are the sessions that were lost.
pub async fn ask(options: &Options) -> Result<(), String> {
    let (sessions, users) = (options.number("sessions", 1000, 1..=9000)?, users(options)?);
    let every = Duration::from_millis(options.number("every-ms", 500, 10..=60_000)?.into());
    let time = bounds(options)?.time;
    let client = client(options, 0)?;
    let open = move |lane: u32| {
        let client = client.clone();
        async move { imap::log_in(&client, lane % users).await }
    };
    let held = Held::open(sessions, open).await?;
    starting_shot().await;
    let (begun, own_before) = (Instant::now(), cpu::own_time());
    let mut asking = JoinSet::new();
    for lane in 0..sessions {
        let held = held.clone();
        let first = every * lane / sessions;
        asking.spawn_local(async move { ask_one(&held, lane, Pace { begun, first, every, time }).await });
    }
    let mut samples = Samples::default();
    let (mut lost, mut first_error) = (0, String::new());
    while let Some(joined) = asking.join_next().await {
        let (own, failure) = joined.map_err(|error| error.to_string())?;
        samples.join(&own);
        if let Some(failure) = failure {
            lost += 1;
            first_error = if first_error.is_empty() { failure.to_string() } else { first_error };
        }
    }
    let own_time = cpu::own_time().saturating_sub(own_before);
    let line = Line::of("ask")
        .count("done", samples.count())
        .count("errors", lost)
        .text("first_error", &first_error)
        .number("seconds", begun.elapsed().as_secs_f64())
        .number("p50_ms", samples.quantile_ms(0.5))
        .number("p99_ms", samples.quantile_ms(0.99))
        .number("max_ms", samples.quantile_ms(1.0))
        .number("own_cpu_us_per_unit", cpu::micros_per_unit(own_time, samples.count()));
    finish(line, &held).await;
    Ok(())
}

#[derive(Clone, Copy)]
struct Pace {
    begun: Instant,
    first: Duration,
    every: Duration,
    time: Duration,
}

/// Asks in one session until the time is over. Each question is timed from when it was due, so that a stall
/// counts for all whom it kept waiting.
async fn ask_one(held: &Held, lane: u32, pace: Pace) -> (Samples, Option<Failure>) {
    let mut samples = Samples::default();
    let mut due = pace.first;
    while due < pace.time {
        tokio::time::sleep_until((pace.begun + due).into()).await;
        let answered = held.with(lane, |mut connection| async move {
            let outcome = match timeout(UNIT_TIME_MAX, imap::noop(&mut connection)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Failure::TimedOut),
            };
            (connection, outcome)
        });
        if let Err(failure) = answered.await {
            return (samples, Some(failure));
        }
        samples.add(pace.begun.elapsed().saturating_sub(due));
        due += pace.every;
    }
    (samples, None)
}

async fn logged_in(options: &Options) -> Result<(Bounds, Rc<Held>), String> {
    let (bounds, users) = (bounds(options)?, users(options)?);
    let client = client(options, 0)?;
    let open = move |lane: u32| {
        let client = client.clone();
        async move { imap::log_in(&client, lane % users).await }
    };
    Ok((bounds, Held::open(bounds.parallel, open).await?))
}

fn piece(options: &Options) -> Result<u32, String> {
    options.number("piece", 16_384, 1..=1 << 20)
}

/// Prints the result, and closes once the runner has looked.
async fn finish(line: Line, held: &Held) {
    line.print();
    input_end(LOOK_TIME_MAX).await;
    held.close().await;
}

const LOOK_TIME_MAX: Duration = Duration::from_secs(60);
