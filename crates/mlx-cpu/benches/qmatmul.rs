//! Speed of the quantized matrix product at the shapes of small language models.
//!
//! `cargo bench -p mlx-cpu --bench qmatmul -- [threads=1,2] [format=Q4_0] [m=1,512] [isa=avx2] [shape=576x576] [walk=0]`
//! prints one row per case: medians. Weights of a case are spread over copies that together
//! exceed the caches, as the layers of a model do.

use mlx_cpu::kernels::qmatmul::qmatmul;
use mlx_cpu::{Isa, Pool, pool::physical_cores};
use mlx_ir::QuantFormat;
use std::time::Instant;

/// (n, k): SmolLM2-135M, gemma-3-270m, Llama-3.2-1B.
const SHAPES: [(usize, usize); 10] = [
    (576, 576),
    (192, 576),
    (1536, 576),
    (576, 1536),
    (49152, 576),
    (1024, 640),
    (2048, 640),
    (640, 2048),
    (2048, 2048),
    (8192, 2048),
];

/// MiB of weights to walk through, so that they come from memory; `walk=0` keeps them in the caches.
const WALK: usize = 192;

fn option<T>(name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let prefix = format!("{name}=");
    let arg = std::env::args().find_map(|a| a.strip_prefix(&prefix).map(String::from))?;
    Some(arg.split(',').filter_map(parse).collect())
}

fn main() {
    let number = |s: &str| s.parse::<usize>().ok();
    let threads = option("threads", number).unwrap_or_else(|| vec![1, physical_cores()]);
    let formats = option("format", QuantFormat::from_name).unwrap_or_else(|| QuantFormat::ALL.to_vec());
    let rows = option("m", number).unwrap_or_else(|| vec![1, 512]);
    let isas = option("isa", |s| Isa::from_name(s).ok()).unwrap_or_else(|| vec![Isa::detect()]);
    let shape = |s: &str| s.split_once('x').and_then(|(n, k)| Some((n.parse().ok()?, k.parse().ok()?)));
    let shapes = option("shape", shape).unwrap_or_else(|| SHAPES.to_vec());
    let walk = option("walk", number).map_or(WALK, |v| v[0]) << 20;
    println!("format\tisa\tn\tk\tm\tthreads\tus\tGB/s\tGOP/s");
    for &f in &formats {
        for &(n, k) in &shapes {
            let Some(row) = f.row_bytes(k) else { continue };
            let size = n * row;
            let walk = if rows.iter().any(|m| *m <= 8) { walk.max(size) } else { size };
            let mut row_bytes = vec![0; row];
            let values: Vec<f32> = (0..k).map(|i| ((i * 7919) % 211) as f32 / 105.0 - 1.0).collect();
            f.encode_row(&values, &mut row_bytes).expect("encodes");
            let weights = row_bytes.repeat(walk / row);
            for &isa in &isas {
                for &m in &rows {
                    let x: Vec<f32> = (0..m * k).map(|i| ((i * 31) % 97) as f32 / 48.0 - 1.0).collect();
                    let mut out = vec![0.0; m * n];
                    for &t in &threads {
                        let pool = Pool::new(t).expect("pool");
                        let mut times = Vec::new();
                        let begin = Instant::now();
                        let mut at = 0;
                        while times.len() < 5 || (begin.elapsed().as_millis() < 250 && times.len() < 20000) {
                            at = if at + size > weights.len() { 0 } else { at };
                            let w = &weights[at..at + size];
                            at += size;
                            let start = Instant::now();
                            qmatmul(&pool, isa, f, w, n, k, &x, m, &mut out).expect("runs");
                            times.push(start.elapsed().as_secs_f64());
                        }
                        times.sort_by(f64::total_cmp);
                        let s = times[times.len() / 2];
                        let gops = 2.0 * (n * k * m) as f64 / s / 1e9;
                        let gbs = size as f64 / s / 1e9;
                        println!("{}\t{isa}\t{n}\t{k}\t{m}\t{t}\t{:.1}\t{gbs:.2}\t{gops:.1}", f.name(), s * 1e6);
                    }
                }
            }
        }
    }
}
