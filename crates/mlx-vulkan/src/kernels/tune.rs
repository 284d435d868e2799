//! Which of several ways to compute a product is the fastest on this device: measured at first use of a size, kept on
//! disk. Sizes are put into buckets, so that a model needs few measurements.
//!
//! Ways differ in the order of their sums. So that a product has the same bits at every run, one that was measured is
//! used only once it is on disk, and the first verdict on a bucket stays. Nothing is measured on drivers that compute on
//! the processor, nor with `MLX_VULKAN_TUNE=0`: plans then depend on shapes and capabilities alone.
//! `MLX_VULKAN_TUNE=1` turns measuring on everywhere.

use super::matmul::{Plan, Product, candidates};
use crate::hal::cache::Store;
use crate::hal::device::Device;
use crate::hal::instance::Kind;
use crate::record::{Cx, Shader};
use crate::shaders;
use mlx_ir::{DType, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, RwLock};
use std::time::Duration;

/// Multiplications below which the default plan is good enough.
const WORTH: usize = 1 << 23;
/// Rounds over the candidates; the least time of each counts, since clocks rise while work goes on.
const ROUNDS: usize = 3;
/// About how long a measurement of one candidate takes.
const SPAN: Duration = Duration::from_millis(2);
/// Candidates so many times as slow as the default are not measured again.
const HOPELESS: u32 = 4;
/// Candidates this near to the default are not worth leaving it for.
const GAIN: f64 = 0.97;

/// Products that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bucket {
    dtype: DType,
    /// Bits of codes and group size of a quantized factor, or 0.
    codes: (u8, u16),
    /// Rows, columns, terms and batches: to 8 as they are, then up to a power of two.
    sizes: [usize; 4],
    /// Whether the factors lie along the summed dimension.
    along: [bool; 2],
}

impl Bucket {
    fn of(p: &Product, codes: (u8, u16)) -> Bucket {
        let round = |n: usize| if n <= 8 { n } else { n.next_power_of_two() };
        Bucket { dtype: p.dtype, codes, sizes: [p.m, p.n, p.k, p.batches()].map(round), along: p.along() }
    }
    /// One word for each part.
    fn text(&self) -> String {
        let [m, n, k, batches] = self.sizes;
        let [a, b] = self.along.map(u8::from);
        format!("{} {} {} {m} {n} {k} {batches} {a}{b}", self.dtype, self.codes.0, self.codes.1)
    }
}

/// Names of plans by texts of buckets.
type Verdicts = BTreeMap<String, String>;

/// What was measured.
pub(crate) struct Tuner {
    /// None if nothing is measured.
    store: Option<Store>,
    /// What is on disk, as far as it is known; held while a product is measured.
    known: Mutex<Verdicts>,
    /// The plans of this process.
    plans: RwLock<HashMap<Bucket, Plan>>,
}

impl Tuner {
    /// With the verdicts kept in `folder`; without one nothing is measured.
    pub fn new(device: &Device, folder: Option<&Path>) -> Tuner {
        let on = match std::env::var("MLX_VULKAN_TUNE").as_deref() {
            Ok("0") => false,
            Ok("1") => true,
            _ => device.adapter.kind != Kind::Cpu,
        };
        let products = |s: &&&Shader| s.name.starts_with("matmul_") || s.name.starts_with("affine_");
        let of: Vec<u8> = shaders::ALL.iter().filter(products).flat_map(|s| s.id.to_le_bytes()).collect();
        let store = folder.filter(|_| on).map(|f| Store::new(f, "products", &of, &device.adapter, &device.cache_uuid));
        Tuner::with(store)
    }

    fn with(store: Option<Store>) -> Tuner {
        let known = store.as_ref().map(verdicts).unwrap_or_default();
        Tuner { store, known: Mutex::new(known), plans: RwLock::default() }
    }

    /// The plan for a product. `run` records it by a plan; results of measurements are overwritten by the product
    /// itself.
    ///
    /// # Errors
    /// Those of `run` and of the device.
    pub(super) fn plan(
        &self,
        cx: &mut Cx<'_>,
        p: &Product,
        codes: (u8, u16),
        default: Plan,
        run: &dyn Fn(&mut Cx<'_>, Plan) -> Result<()>,
    ) -> Result<Plan> {
        let work = p.m.saturating_mul(p.n).saturating_mul(p.k).saturating_mul(p.batches());
        let Some(store) = self.store.as_ref().filter(|_| work >= WORTH) else { return Ok(default) };
        let bucket = Bucket::of(p, codes);
        let of_bucket = || self.plans.read().unwrap_or_else(|e| e.into_inner()).get(&bucket).copied();
        // The bucket's plan may be too much for this one's memory or shape.
        let able = |plan: Plan, cx: &Cx<'_>| if plan.fits(p, cx.caps) && plan.suits(p) { plan } else { default };
        if let Some(plan) = of_bucket() {
            return Ok(able(plan, cx));
        }
        let mut known = self.known.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(plan) = of_bucket() {
            return Ok(able(plan, cx));
        }
        let list = candidates(p, codes.0 > 0, cx.caps, default);
        let text = bucket.text();
        let named = |v: &Verdicts| v.get(&text).and_then(|n| list.iter().find(|plan| plan.name() == *n).copied());
        let plan = match named(&known) {
            Some(plan) => plan,
            None => {
                let measured = measure(cx, &list, run)?;
                // Other processes may have come to know more.
                *known = verdicts(store);
                match named(&known) {
                    Some(plan) => plan,
                    None => {
                        known.insert(text, measured.name());
                        if store.save(write(&known).as_bytes()) { measured } else { default }
                    }
                }
            }
        };
        self.plans.write().unwrap_or_else(|e| e.into_inner()).insert(bucket, plan);
        Ok(plan)
    }
}

/// The fastest of some plans, of which the first is the default. Those that the driver refuses are passed over.
fn measure(cx: &mut Cx<'_>, list: &[Plan], run: &dyn Fn(&mut Cx<'_>, Plan) -> Result<()>) -> Result<Plan> {
    let default = list[0];
    let mut usual = Duration::MAX;
    let mut able: Vec<(Plan, Duration)> = Vec::new();
    for &plan in list {
        // The first time makes the pipeline.
        let mut twice = || cx.time(1, &mut |cx| run(cx, plan)).and_then(|_| cx.time(1, &mut |cx| run(cx, plan)));
        match twice() {
            Ok(once) => {
                if plan == default {
                    usual = once;
                }
                if once <= usual.saturating_mul(HOPELESS) {
                    able.push((plan, Duration::MAX));
                }
            }
            Err(e) if plan == default => return Err(e),
            Err(_) => cx.alive()?,
        }
    }
    let repeats = (SPAN.as_nanos() / usual.as_nanos().max(1)).clamp(1, 64) as u32;
    for _ in 0..ROUNDS {
        for (plan, least) in &mut able {
            let spent = cx.time(repeats, &mut |cx| run(cx, *plan))?;
            *least = spent.min(*least);
        }
    }
    let of = |(_, t): &(Plan, Duration)| t.as_secs_f64();
    let usual = able.first().map_or(f64::INFINITY, of);
    let best = able.iter().min_by(|a, b| of(a).total_cmp(&of(b)));
    let Some(&(best, _)) = best.filter(|b| of(b) < GAIN * usual) else { return Ok(default) };
    // Other work of the device may have met the measurements, and the verdict stays: it must hold in every round.
    for _ in 0..ROUNDS {
        let mut spent = |plan| cx.time(repeats, &mut |cx| run(cx, plan));
        if spent(best)?.as_secs_f64() >= spent(default)?.as_secs_f64() {
            return Ok(default);
        }
    }
    Ok(best)
}

/// What is on disk.
fn verdicts(store: &Store) -> Verdicts {
    store.read().and_then(|d| String::from_utf8(d).ok()).map(|t| read(&t)).unwrap_or_default()
}

fn write(known: &Verdicts) -> String {
    known.iter().map(|(k, v)| format!("{k} = {v}\n")).collect()
}

/// Lines that are none are passed over.
fn read(text: &str) -> Verdicts {
    text.lines().filter_map(|l| l.split_once(" = ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::matmul::{Rules, choose, record_for_test};
    use super::*;
    use crate::testing::{backend, host_array};
    use mlx_ir::{Backend, Desc, Operand};
    use std::cell::RefCell;

    /// The plan of a product of f32, and the plans that were tried for it.
    fn tuned(tuner: &Tuner, [m, k, n]: [usize; 3]) -> Option<(Plan, Vec<String>, Vec<f32>)> {
        let gpu = backend()?;
        let x: Vec<f32> = (0..m * k).map(|i| (i % 13) as f32 - 6.0).collect();
        let y: Vec<f32> = (0..k * n).map(|i| (i % 11) as f32 - 5.0).collect();
        let (a, b) = (host_array(&[m, k], &x), host_array(&[k, n], &y));
        let p = Product::new(&a.desc, &b.desc, None).expect("a product");
        let default = choose(&p, false, gpu.caps(), &Rules::default()).expect("a plan");
        let buffer = gpu.alloc(m * n * 4).expect("memory");
        let out = Operand { desc: Desc::contiguous(&[m, n], DType::F32), buffer, offset: 0 };
        let tried = RefCell::new(Vec::new());
        let run = |cx: &mut Cx<'_>, plan: Plan| {
            tried.borrow_mut().push(plan.name());
            assert!(record_for_test(cx, &p, plan, [&a, &b], &out), "{plan:?}");
            Ok(())
        };
        let mut cx = gpu.cx_for_test();
        let plan = tuner.plan(&mut cx, &p, (0, 0), default, &run).expect("a plan");
        let tried = tried.take();
        run(&mut cx, plan).expect("a dispatch");
        drop(cx);
        gpu.submit().expect("a device");
        out.buffer.to_host().expect("the result");
        Some((plan, tried, mlx_cpu::host::to_vec::<f32>(&out)))
    }

    fn store(gpu: &crate::VulkanBackend, folder: &Path) -> Store {
        Store::new(folder, "products", b"", gpu.adapter(), &[0; 16])
    }

    #[test]
    fn the_first_verdict_is_kept_on_disk_and_stays() {
        let Some(gpu) = backend() else { return };
        let dir = tempfile::tempdir().unwrap();
        let sizes = [256, 128, 256];
        let tuner = Tuner::with(Some(store(gpu, dir.path())));
        let (first, tried, bits) = tuned(&tuner, sizes).expect("a device");
        assert!(tried.len() > 2, "{tried:?}");
        // This process, the next one.
        let next = Tuner::with(Some(store(gpu, dir.path())));
        for t in [&tuner, &next] {
            let (plan, tried, again) = tuned(t, sizes).expect("a device");
            assert_eq!((plan, tried.len()), (first, 0));
            assert_eq!(again, bits);
        }
        // Another process was first.
        let other = candidates(
            &Product::new(&Desc::contiguous(&[256, 128], DType::F32), &Desc::contiguous(&[128, 256], DType::F32), None)
                .expect("a product"),
            false,
            gpu.caps(),
            first,
        );
        let other = other.into_iter().find(|p| *p != first).expect("several plans");
        let text = verdicts(&store(gpu, dir.path())).into_keys().next().expect("a verdict");
        let fresh = tempfile::tempdir().unwrap();
        let racing = Tuner::with(Some(store(gpu, fresh.path())));
        assert!(store(gpu, fresh.path()).save(format!("{text} = {}\nno verdict\n", other.name()).as_bytes()));
        let (plan, tried, _) = tuned(&racing, sizes).expect("a device");
        assert!(!tried.is_empty());
        assert_eq!(plan, other);
    }

    #[test]
    fn what_cannot_be_kept_is_not_used_and_small_products_are_not_measured() {
        let Some(gpu) = backend() else { return };
        let dir = tempfile::tempdir().unwrap();
        // A file where the folder should be.
        let file = dir.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let p = |[m, k, n]: [usize; 3]| {
            let (a, b) = (Desc::contiguous(&[m, k], DType::F32), Desc::contiguous(&[k, n], DType::F32));
            let p = Product::new(&a, &b, None).expect("a product");
            choose(&p, false, gpu.caps(), &Rules::default()).expect("a plan")
        };
        let tuner = Tuner::with(Some(store(gpu, &file)));
        let sizes = [256, 128, 256];
        assert_eq!(tuned(&tuner, sizes).expect("a device").0, p(sizes));
        assert!(tuned(&tuner, sizes).expect("a device").1.is_empty());
        let small = [64, 128, 64];
        let (plan, tried, _) = tuned(&Tuner::with(Some(store(gpu, dir.path()))), small).expect("a device");
        assert_eq!((plan, tried.len()), (p(small), 0));
        let (plan, tried, _) = tuned(&Tuner::with(None), sizes).expect("a device");
        assert_eq!((plan, tried.len()), (p(sizes), 0));
    }
}
