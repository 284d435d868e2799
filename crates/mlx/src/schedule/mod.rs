//! From asking for values to running kernels: order the calls, run each, hand out the results.
//!
//! A call is claimed by exactly one evaluation, under one lock, together with everything pending that it needs, and
//! handed to the workers under the same lock. An evaluation waits only for those numbered before its own, which stand
//! before it in every queue, so no two can wait for each other. If something fails, everything not yet computed is
//! pending again, and whoever needs it claims it anew.

mod chain;
mod lower;
mod order;
mod run;

use crate::array::{Array, Call, DONE, KeepGraph, PENDING};
use crate::runtime::{self, Stream};
use mlx_ir::{Backend, Error, Result};
use run::Failure;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(|e| e.into_inner())
}

/// Something changed state: those who wait look again.
struct Progress {
    lock: Mutex<()>,
    changed: Condvar,
    waiting: AtomicUsize,
}
static PROGRESS: Progress = Progress { lock: Mutex::new(()), changed: Condvar::new(), waiting: AtomicUsize::new(0) };

/// Wakes those who wait. They count themselves before they look at a state, and states are written before the count
/// is read here (both sequentially consistent), so none is missed.
fn announce() {
    if PROGRESS.waiting.load(Ordering::SeqCst) > 0 {
        drop(lock(&PROGRESS.lock));
        PROGRESS.changed.notify_all();
    }
}

/// Returns once `call` is in another state than `claimed`.
fn wait_while(call: &Call, claimed: u64) {
    PROGRESS.waiting.fetch_add(1, Ordering::SeqCst);
    let mut g = lock(&PROGRESS.lock);
    while call.state.load(Ordering::SeqCst) == claimed {
        g = PROGRESS.changed.wait(g).unwrap_or_else(|e| e.into_inner());
    }
    drop(g);
    PROGRESS.waiting.fetch_sub(1, Ordering::SeqCst);
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
    compute(arrays)?;
    for a in arrays {
        if let Some(d) = a.call.data.get() {
            d[a.out as usize].buffer.wait()?;
        }
    }
    Ok(())
}

/// As [`eval`], but what is computed on another device may still be under way there.
pub(crate) fn compute(arrays: &[Array]) -> Result<()> {
    refuse_traced(arrays)?;
    let keep = KeepGraph::active();
    loop {
        let work = order::claim(arrays, |claim| {
            let one_stream = claim.calls.windows(2).all(|w| w[0].stream == w[1].stream);
            if one_stream { Work::Here(claim) } else { Work::Sent(dispatch(claim, keep)) }
        });
        let result = match work {
            Work::Here(claim) => run::batch(claim, keep),
            Work::Sent(tickets) => collect(tickets.into_iter().map(|(_, t)| t)),
        };
        match result {
            Ok(()) if arrays.iter().all(|a| settled(&a.call)) => return Ok(()),
            Err(Failure::Error(e)) => return Err(e),
            Ok(()) | Err(Failure::GivenUp) => {}
        }
    }
}

enum Work {
    Here(order::Claim),
    Sent(Vec<(Stream, Ticket)>),
}

/// Waits until nobody computes the call; whether it is done.
fn settled(call: &Call) -> bool {
    loop {
        match call.state.load(Ordering::Acquire) {
            DONE => return true,
            PENDING => return false,
            claimed => wait_while(call, claimed),
        }
    }
}

/// Starts computing the arrays on their streams' workers and returns at once. A failure is reported by whoever asks
/// for the values, and by [`synchronize`].
///
/// # Errors
/// `Value` for arrays that depend on a stand-in.
pub fn async_eval(arrays: &[Array]) -> Result<()> {
    refuse_traced(arrays)?;
    let keep = KeepGraph::active();
    for (stream, ticket) in order::claim(arrays, |claim| dispatch(claim, keep)) {
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
    collect(waiting.into_iter()).map_err(|e| match e {
        Failure::Error(e) => e,
        Failure::GivenUp => {
            Error::runtime("[synchronize] not computed: something it needs failed in another evaluation")
        }
    })?;
    runtime::backend(stream.device)?.synchronize()
}

/// Waits for all; the first error that a computation met comes before the news that something was given up.
fn collect(tickets: impl Iterator<Item = Ticket>) -> Result<(), Failure> {
    let mut result = Ok(());
    for t in tickets {
        let r = t.recv().unwrap_or_else(|_| Err(Error::runtime("[eval] a stream's worker ended").into()));
        if matches!((&result, &r), (Ok(()), Err(_)) | (Err(Failure::GivenUp), Err(Failure::Error(_)))) {
            result = r;
        }
    }
    result
}

type Outcome = Result<(), Failure>;
type Ticket = Receiver<Outcome>;
type Tickets = Mutex<HashMap<Stream, Vec<Ticket>>>;

fn tickets() -> &'static Tickets {
    static T: OnceLock<Tickets> = OnceLock::new();
    T.get_or_init(Tickets::default)
}

/// A stream's share of a claim.
struct Share {
    claim: order::Claim,
    keep: bool,
    done: Sender<Outcome>,
}

/// Hands each stream's share of the calls to its worker, in order. Called while nobody else can claim.
fn dispatch(claim: order::Claim, keep: bool) -> Vec<(Stream, Ticket)> {
    static WORKERS: OnceLock<Mutex<HashMap<Stream, Sender<Share>>>> = OnceLock::new();
    let number = claim.number;
    let mut shares: Vec<(Stream, Vec<Arc<Call>>)> = Vec::new();
    for c in claim.calls {
        match shares.iter_mut().find(|(s, _)| *s == c.stream) {
            Some((_, v)) => v.push(c),
            None => shares.push((c.stream, vec![c])),
        }
    }
    let mut workers = lock(WORKERS.get_or_init(Mutex::default));
    let mut out = Vec::new();
    for (stream, calls) in shares {
        let (done, ticket) = channel();
        let mut share = Share { claim: order::Claim { number, calls }, keep, done };
        if let Some(worker) = workers.get(&stream) {
            match worker.send(share) {
                Ok(()) => {
                    out.push((stream, ticket));
                    continue;
                }
                // A panic ended it: another takes its place.
                Err(back) => share = back.0,
            }
        }
        match spawn_worker(stream) {
            Ok(worker) => {
                if let Err(back) = worker.send(share) {
                    run::refuse(back.0.claim);
                }
                workers.insert(stream, worker);
            }
            Err(e) => {
                let _ = share.done.send(Err(Error::runtime(format!("[eval] no thread for {stream:?}: {e}")).into()));
                run::refuse(share.claim);
            }
        }
        out.push((stream, ticket));
    }
    out
}

fn spawn_worker(stream: Stream) -> std::io::Result<Sender<Share>> {
    let (send, receive) = channel::<Share>();
    std::thread::Builder::new().name(format!("mlx-{}-{}", stream.device, stream.index)).spawn(move || {
        for share in receive {
            let done = run::batch(share.claim, share.keep);
            let started = runtime::backend(stream.device).and_then(Backend::submit);
            let _ = share.done.send(done.and(started.map_err(Failure::from)));
        }
    })?;
    Ok(send)
}

/// Sets a call that evaluation `number` had claimed and not computed back to pending.
fn give_up(call: &Call, number: u64) {
    let _ = call.state.compare_exchange(number, PENDING, Ordering::SeqCst, Ordering::SeqCst);
}

fn finish(call: &Call) {
    call.state.store(DONE, Ordering::SeqCst);
    announce();
}
