//! Cost of a parallel region: empty, and with eight tasks of a few microseconds each,
//! back to back and after idle gaps. `ideal_us` is the work divided by the threads.

use mlx_cpu::{Pool, pool::physical_cores};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn burn(rounds: u64) -> u64 {
    (0..rounds).fold(1u64, |a, i| black_box(a.wrapping_mul(0x9E37_79B9).rotate_left(7) ^ i))
}

/// Median time of a region that follows `gap` of idling.
fn measure(pool: &Pool, tasks: usize, rounds: u64, gap: Duration) -> f64 {
    let times = (0..400).map(|_| {
        let t = Instant::now();
        while t.elapsed() < gap {
            std::hint::spin_loop();
        }
        let t = Instant::now();
        pool.run(tasks, &|_| {
            black_box(burn(rounds));
        });
        t.elapsed().as_secs_f64() * 1e6
    });
    median(times.collect())
}

fn main() {
    println!("threads\tgap_us\tempty_us\twork_us\tideal_us");
    let one = Pool::new(1).expect("pool");
    let work = measure(&one, 8, 2000, Duration::ZERO);
    for threads in 1..=physical_cores().max(2) {
        let pool = Pool::new(threads).expect("pool");
        for gap in [0u64, 2, 20, 1000] {
            let gap_time = Duration::from_micros(gap);
            let empty = measure(&pool, 8, 0, gap_time);
            let full = measure(&pool, 8, 2000, gap_time);
            println!("{threads}\t{gap}\t{empty:.2}\t{full:.2}\t{:.2}", work / threads as f64);
        }
    }
}
