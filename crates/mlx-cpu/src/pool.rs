//! The thread pool: one parallel region at a time, tasks claimed from a counter.
//!
//! Waiting is a short spin, then yields, then a sleep, on both sides: threads that spin against
//! each other on busy cores lose far more than a wake-up costs. The caller works too and waits
//! only for workers that joined in time; one that woke late finds the region closed.

use mlx_ir::{Error, Result};
use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a waiter spins before it starts yielding.
const SPIN: Duration = Duration::from_micros(4);
/// How long a waiter then yields before it sleeps.
const YIELD: Duration = Duration::from_micros(150);
/// Upper bound of a pool's size, so that a wrong setting is an error and not a fork bomb.
const MAX_THREADS: usize = 1024;

// `state` = region number (upper 32 bits) | OPEN | workers inside (lower 31 bits).
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;
const REGION: u32 = 32;

type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// A fixed set of threads that run parallel regions. The calling thread counts as one of them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    state: AtomicU64,
    /// Held by the thread whose region runs; others run theirs inline.
    busy: AtomicBool,
    stop: AtomicBool,
    job: UnsafeCell<Option<Job>>,
    next: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    panicked: AtomicBool,
    sleepers: AtomicUsize,
    caller_sleeps: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
    done: Condvar,
}

#[derive(Clone, Copy)]
struct Job {
    task: *const Task<'static>,
    tasks: usize,
}

// SAFETY: `job` is the only field that is not Sync. It is written by the holder of `busy` while
// the region is closed and nobody is inside, and read only by threads inside an open region;
// the release/acquire pair on `state` orders the two.
unsafe impl Sync for Shared {}
// SAFETY: as above; the raw pointer inside `job` points to a `Sync` closure.
unsafe impl Send for Shared {}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that panics runs under these locks, so a poisoned one is still consistent.
    m.lock().unwrap_or_else(|p| p.into_inner())
}

/// Waits in growing steps: spin, yield, and then tells the caller to sleep.
struct Patience {
    since: Option<Instant>,
    turns: u32,
}

impl Patience {
    fn new() -> Self {
        Self { since: None, turns: 0 }
    }
    /// One step of waiting; `false` when it is time to sleep.
    fn wait(&mut self) -> bool {
        self.turns += 1;
        if !self.turns.is_multiple_of(8) {
            std::hint::spin_loop();
            return true;
        }
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited < SPIN {
            std::hint::spin_loop();
        } else {
            self.turns -= 1;
            std::thread::yield_now();
        }
        waited < SPIN + YIELD
    }
}

impl Shared {
    /// Runs tasks of the open region until none is left.
    fn work(&self, job: Job) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= job.tasks {
                return;
            }
            // SAFETY: the closure outlives the region: `run` returns only after every thread
            // inside has left, and this thread is inside.
            let task = unsafe { &*job.task };
            if let Err(p) = catch_unwind(AssertUnwindSafe(|| task(i))) {
                lock(&self.panic).get_or_insert(p);
                self.panicked.store(true, Ordering::Relaxed);
            }
        }
    }

    fn worker(&self) {
        let mut seen = 0u64;
        let mut patience = Patience::new();
        loop {
            let s = self.state.load(Ordering::Acquire);
            if s & OPEN != 0 && s >> REGION != seen {
                if self.state.compare_exchange_weak(s, s + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                    continue;
                }
                seen = s >> REGION;
                // SAFETY: this thread is inside an open region, so nobody writes `job`.
                if let Some(job) = unsafe { *self.job.get() } {
                    self.work(job);
                }
                let before = self.state.fetch_sub(1, Ordering::SeqCst);
                if before & (OPEN | INSIDE) == 1 && self.caller_sleeps.load(Ordering::SeqCst) {
                    let _guard = lock(&self.lock);
                    self.done.notify_all();
                }
                patience = Patience::new();
                continue;
            }
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            if !patience.wait() {
                self.sleep(seen);
                patience = Patience::new();
            }
        }
    }

    fn sleep(&self, seen: u64) {
        let mut guard = lock(&self.lock);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        loop {
            let s = self.state.load(Ordering::SeqCst);
            if (s & OPEN != 0 && s >> REGION != seen) || self.stop.load(Ordering::SeqCst) {
                break;
            }
            guard = self.wake.wait(guard).unwrap_or_else(|p| p.into_inner());
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Closes the region and waits until nobody is inside.
    fn close(&self) {
        self.state.fetch_and(!OPEN, Ordering::SeqCst);
        let mut patience = Patience::new();
        while self.state.load(Ordering::Acquire) & INSIDE != 0 {
            if patience.wait() {
                continue;
            }
            let mut guard = lock(&self.lock);
            self.caller_sleeps.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            while self.state.load(Ordering::SeqCst) & INSIDE != 0 {
                guard = self.done.wait(guard).unwrap_or_else(|p| p.into_inner());
            }
            self.caller_sleeps.store(false, Ordering::SeqCst);
        }
    }
}

impl Pool {
    /// A pool of `threads` threads, the caller included (so `threads - 1` are started).
    ///
    /// # Errors
    /// `Value` for 0 or more than 1024 threads, `Runtime` if the system refuses to start one.
    pub fn new(threads: usize) -> Result<Pool> {
        if threads == 0 || threads > MAX_THREADS {
            return Err(Error::value(format!("[pool] threads must be 1 to {MAX_THREADS}, got {threads}")));
        }
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            panic: Mutex::new(None),
            panicked: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            caller_sleeps: AtomicBool::new(false),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            done: Condvar::new(),
        });
        let mut pool = Pool { shared, workers: Vec::with_capacity(threads - 1) };
        for i in 1..threads {
            let shared = pool.shared.clone();
            let worker = std::thread::Builder::new()
                .name(format!("mlx-cpu-{i}"))
                .spawn(move || shared.worker())
                .map_err(|e| Error::runtime(format!("[pool] cannot start thread {i} of {threads}: {e}")))?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Number of threads, the caller included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `task(0)` … `task(tasks - 1)`, each once, in any order and on any thread of the pool;
    /// returns when all have ended. Runs inline, in order, when there is one task or one thread,
    /// and when a region is already running (a nested call, or one from another thread).
    ///
    /// # Panics
    /// With the first panic of a task, after all tasks have ended. The pool stays usable.
    pub fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let sh = &*self.shared;
        if tasks <= 1 || self.workers.is_empty() || sh.busy.swap(true, Ordering::Acquire) {
            return run_inline(tasks, task);
        }
        // SAFETY: only the lifetime changes. The pointer is used by threads inside this region
        // only, and this function does not return before all have left.
        let task: *const Task<'static> = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(task) };
        let job = Job { task, tasks };
        // SAFETY: `busy` is ours, the last region is closed and empty: nobody reads `job`.
        unsafe { *sh.job.get() = Some(job) };
        sh.next.store(0, Ordering::Relaxed);
        let region = (sh.state.load(Ordering::Relaxed) >> REGION) as u32;
        // Region 0 is what a fresh worker has "seen", so the number skips it when it wraps.
        let region = region.checked_add(1).unwrap_or(1);
        sh.state.store((region as u64) << REGION | OPEN, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if sh.sleepers.load(Ordering::SeqCst) > 0 {
            let _guard = lock(&sh.lock);
            if tasks == 2 {
                sh.wake.notify_one();
            } else {
                sh.wake.notify_all();
            }
        }
        sh.work(job);
        sh.close();
        // SAFETY: the region is closed and empty and `busy` is still ours.
        unsafe { *sh.job.get() = None };
        let panic = if sh.panicked.swap(false, Ordering::Relaxed) { lock(&sh.panic).take() } else { None };
        sh.busy.store(false, Ordering::Release);
        if let Some(p) = panic {
            resume_unwind(p);
        }
    }

    /// Splits `0..len` into ranges of at least `grain` and runs `task(start, end)` on each.
    /// The split depends on `len`, `grain` and the thread count only.
    pub fn run_ranges(&self, len: usize, grain: usize, task: &(dyn Fn(usize, usize) + Sync)) {
        if len == 0 {
            return;
        }
        // A few chunks a thread, so that a slow core takes fewer of them.
        let chunk = len.div_ceil(self.threads() * 4).max(grain).max(1);
        self.run(len.div_ceil(chunk), &|i| task(i * chunk, len.min((i + 1) * chunk)));
    }

    /// Number of real cores that this process may use; see [`physical_cores`].
    pub fn physical_cores(&self) -> usize {
        physical_cores()
    }
}

fn run_inline(tasks: usize, task: &Task<'_>) {
    let mut panic = None;
    for i in 0..tasks {
        if let Err(p) = catch_unwind(AssertUnwindSafe(|| task(i))) {
            panic.get_or_insert(p);
        }
    }
    if let Some(p) = panic {
        resume_unwind(p);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        {
            let _guard = lock(&self.shared.lock);
            self.shared.wake.notify_all();
        }
        for w in self.workers.drain(..) {
            // A worker catches the panics of tasks, so joining cannot fail in a way that matters.
            let _ = w.join();
        }
    }
}

/// The default number of threads: `MLX_NUM_THREADS` if set, otherwise [`physical_cores`].
///
/// # Errors
/// `Value` if the variable is set to anything but a count from 1 to 1024.
pub fn default_threads() -> Result<usize> {
    match std::env::var_os("MLX_NUM_THREADS") {
        None => Ok(physical_cores()),
        Some(v) => parse_threads(&v.to_string_lossy()),
    }
}

fn parse_threads(text: &str) -> Result<usize> {
    match text.trim().parse::<usize>() {
        Ok(n) if (1..=MAX_THREADS).contains(&n) => Ok(n),
        _ => Err(Error::value(format!("[pool] MLX_NUM_THREADS must be 1 to {MAX_THREADS}, got '{text}'"))),
    }
}

/// Number of real cores (not hardware threads) that this process may use: the affinity mask and
/// the control group's quota are respected. At least 1.
pub fn physical_cores() -> usize {
    let usable = std::thread::available_parallelism().map_or(1, |n| n.get());
    match linux_cores() {
        Some(cores) => cores.clamp(1, usable),
        None => usable,
    }
}

/// Distinct cores among the allowed CPUs, from /proc and /sys; `None` if they don't say.
fn linux_cores() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?;
    let mut cores = std::collections::BTreeSet::new();
    for cpu in parse_cpu_list(list.trim())? {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let Ok(siblings) = std::fs::read_to_string(path) else {
            continue;
        };
        cores.insert(parse_cpu_list(siblings.trim())?.into_iter().next()?);
    }
    (!cores.is_empty()).then_some(cores.len())
}

/// `0-3,8,10-11` as numbers, in order.
fn parse_cpu_list(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        let (a, b) = part.split_once('-').unwrap_or((part, part));
        let (a, b): (usize, usize) = (a.parse().ok()?, b.parse().ok()?);
        if b < a || b - a > 1 << 16 {
            return None;
        }
        cpus.extend(a..=b);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_runs_once() {
        for threads in [1, 2, 3, 8] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.threads(), threads);
            for tasks in [0, 1, 2, 3, 7, 100] {
                for _ in 0..50 {
                    let hits: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    pool.run(tasks, &|i| {
                        hits[i].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(hits.iter().all(|h| h.load(Ordering::Relaxed) == 1));
                }
            }
        }
    }

    #[test]
    fn wakes_after_sleep() {
        let pool = Pool::new(3).unwrap();
        for _ in 0..5 {
            std::thread::sleep(SPIN + YIELD + Duration::from_millis(3));
            // Two tasks that wait for each other need two threads: a lost wake-up would hang here.
            let met = AtomicUsize::new(0);
            pool.run(2, &|_| {
                met.fetch_add(1, Ordering::SeqCst);
                while met.load(Ordering::SeqCst) < 2 {
                    std::thread::yield_now();
                }
            });
        }
    }

    #[test]
    fn caller_sleeps_until_a_slow_worker_ends() {
        let pool = Pool::new(2).unwrap();
        let (caller, slow) = (std::thread::current().id(), AtomicUsize::new(0));
        let met = AtomicUsize::new(0);
        pool.run(2, &|_| {
            met.fetch_add(1, Ordering::SeqCst);
            while met.load(Ordering::SeqCst) < 2 {
                std::thread::yield_now();
            }
            if std::thread::current().id() != caller {
                std::thread::sleep(Duration::from_millis(20));
                slow.fetch_add(1, Ordering::SeqCst);
            }
        });
        assert_eq!(slow.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn nested_and_concurrent_calls_complete() {
        let pool = Pool::new(4).unwrap();
        let count = AtomicUsize::new(0);
        pool.run(8, &|_| {
            pool.run(5, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            })
        });
        assert_eq!(count.load(Ordering::Relaxed), 40);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..200 {
                        pool.run(6, &|_| {
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 40 + 4 * 200 * 6);
    }

    #[test]
    fn a_panic_reaches_the_caller_after_all_tasks() {
        for threads in [1, 3] {
            let pool = Pool::new(threads).unwrap();
            let ran = AtomicUsize::new(0);
            let r = catch_unwind(AssertUnwindSafe(|| {
                pool.run(20, &|i| {
                    ran.fetch_add(1, Ordering::Relaxed);
                    assert!(i != 7, "task seven");
                })
            }));
            let text = r.unwrap_err();
            assert!(text.downcast_ref::<&str>().is_some_and(|s| s.contains("task seven")));
            assert_eq!(ran.load(Ordering::Relaxed), 20);
            pool.run(20, &|_| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(ran.load(Ordering::Relaxed), 40);
        }
    }

    #[test]
    fn ranges_cover_exactly() {
        let pool = Pool::new(3).unwrap();
        for (len, grain) in [(0, 1), (1, 1), (10, 3), (1000, 7), (5, 100)] {
            let hits: Vec<AtomicUsize> = (0..len).map(|_| AtomicUsize::new(0)).collect();
            pool.run_ranges(len, grain, &|a, b| {
                assert!(a < b);
                hits[a..b].iter().for_each(|h| {
                    h.fetch_add(1, Ordering::Relaxed);
                });
            });
            assert!(hits.iter().all(|h| h.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn sizes_and_lists() {
        assert!(Pool::new(0).is_err() && Pool::new(MAX_THREADS + 1).is_err());
        assert_eq!(parse_cpu_list("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(parse_cpu_list("3-1"), None);
        assert_eq!(parse_cpu_list("x"), None);
        assert!(parse_threads("0").is_err() && parse_threads("two").is_err());
        assert_eq!(parse_threads(" 3 ").unwrap(), 3);
        let n = physical_cores();
        assert!(n >= 1 && n <= std::thread::available_parallelism().unwrap().get());
    }
}
