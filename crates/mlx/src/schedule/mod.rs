//! From asking for values to running kernels: order the calls, run each, hand out the results.
//!
//! A call is claimed by exactly one evaluation, under one lock, together with everything pending that it needs; so an
//! evaluation waits only for calls claimed before its own and no two can wait for each other. If something fails,
//! everything not yet computed is pending again, and whoever needs it may ask again.

mod order;
mod run;

use crate::array::{Array, CLAIMED, Call, DONE, KeepGraph, PENDING};
use crate::runtime::Stream;
use mlx_ir::{Error, Result};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(|e| e.into_inner())
}

/// Something changed state: those who wait look again.
struct Progress {
    lock: Mutex<()>,
    changed: Condvar,
}
static PROGRESS: Progress = Progress { lock: Mutex::new(()), changed: Condvar::new() };

fn announce() {
    drop(lock(&PROGRESS.lock));
    PROGRESS.changed.notify_all();
}

/// Returns once `call` is no longer claimed.
fn wait_while_claimed(call: &Call) {
    let mut g = lock(&PROGRESS.lock);
    while call.state.load(Ordering::Acquire) == CLAIMED {
        g = PROGRESS.changed.wait(g).unwrap_or_else(|e| e.into_inner());
    }
}

fn refuse_traced(arrays: &[Array]) -> Result<()> {
    if arrays.iter().any(|a| a.call.traced) {
        return Err(Error::value(
            "[eval] Attempting to eval an array during function transformations like compile or vmap is not allowed.",
        ));
    }
    Ok(())
}

/// Computes the arrays and returns when they are there.
///
/// # Errors
/// Whatever a computation meets; `Value` for arrays that depend on a stand-in.
pub fn eval(arrays: &[Array]) -> Result<()> {
    refuse_traced(arrays)?;
    let calls = order::claim(arrays);
    let keep = KeepGraph::active();
    let one_stream = calls.windows(2).all(|w| w[0].stream == w[1].stream);
    if one_stream {
        run::batch(calls, keep)?;
    } else {
        for (_, ticket) in dispatch(calls, keep) {
            ticket.recv().unwrap_or_else(|_| Err(Error::runtime("[eval] a stream's worker ended")))?;
        }
    }
    // What another evaluation had claimed before us.
    for a in arrays {
        run::ensure(&a.call)?;
    }
    Ok(())
}

/// Starts computing the arrays on their streams' workers and returns at once. A failure is reported by whoever asks
/// for the values, and by [`synchronize`].
///
/// # Errors
/// `Value` for arrays that depend on a stand-in.
pub fn async_eval(arrays: &[Array]) -> Result<()> {
    refuse_traced(arrays)?;
    let calls = order::claim(arrays);
    for (stream, ticket) in dispatch(calls, KeepGraph::active()) {
        lock(tickets()).entry(stream).or_default().push(ticket);
    }
    Ok(())
}

/// Waits for everything started on `stream`; reports the first failure among it.
///
/// # Errors
/// Whatever a started computation met.
pub fn synchronize(stream: Stream) -> Result<()> {
    let waiting = lock(tickets()).remove(&stream).unwrap_or_default();
    let mut first = Ok(());
    for t in waiting {
        let r = t.recv().unwrap_or_else(|_| Err(Error::runtime("[synchronize] the stream's worker ended")));
        if first.is_ok() {
            first = r;
        }
    }
    first
}

type Ticket = Receiver<Result<()>>;
type Tickets = Mutex<HashMap<Stream, Vec<Ticket>>>;

fn tickets() -> &'static Tickets {
    static T: OnceLock<Tickets> = OnceLock::new();
    T.get_or_init(Tickets::default)
}

struct Work {
    calls: Vec<Arc<Call>>,
    keep: bool,
    done: Sender<Result<()>>,
}

/// Hands each stream's share of the calls to its worker, in order.
fn dispatch(calls: Vec<Arc<Call>>, keep: bool) -> Vec<(Stream, Ticket)> {
    static WORKERS: OnceLock<Mutex<HashMap<Stream, Sender<Work>>>> = OnceLock::new();
    let mut shares: Vec<(Stream, Vec<Arc<Call>>)> = Vec::new();
    for c in calls {
        match shares.iter_mut().find(|(s, _)| *s == c.stream) {
            Some((_, v)) => v.push(c),
            None => shares.push((c.stream, vec![c])),
        }
    }
    let mut workers = lock(WORKERS.get_or_init(Mutex::default));
    let mut out = Vec::new();
    for (stream, calls) in shares {
        let (done, ticket) = channel();
        let sender = workers.entry(stream).or_insert_with(|| spawn_worker(stream));
        if let Err(back) = sender.send(Work { calls, keep, done }) {
            // The worker could not be started: run here, in order, rather than lose the work.
            workers.remove(&stream);
            let Work { calls, keep, done } = back.0;
            let _ = done.send(run::batch(calls, keep));
        }
        out.push((stream, ticket));
    }
    out
}

fn spawn_worker(stream: Stream) -> Sender<Work> {
    let (send, receive) = channel::<Work>();
    // If no thread can be had the receiver is dropped and the sender reports it.
    let _ = std::thread::Builder::new().name(format!("mlx-{}-{}", stream.device, stream.index)).spawn(move || {
        for w in receive {
            let result = run::batch(w.calls, w.keep);
            let _ = w.done.send(result);
        }
    });
    send
}

/// Sets everything in `calls` that is claimed back to pending.
fn release(calls: &[Arc<Call>]) {
    for c in calls {
        let _ = c.state.compare_exchange(CLAIMED, PENDING, Ordering::AcqRel, Ordering::Acquire);
    }
    announce();
}

fn finish(call: &Call) {
    call.state.store(DONE, Ordering::Release);
}
