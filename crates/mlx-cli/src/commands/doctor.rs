//! `mlx-arm doctor`: what this machine offers, and what is wrong with it.

use std::path::Path;

use mlx_cpu::{isa, pool};
use mlx_hub::{HubConfig, Store};
use serde_json::{Value, json};

use super::gpus;
use crate::failure::{Failure, one_line};
use crate::machine;
use crate::output::{bytes, emit, emit_json, table};

/// Report on processor, memory, model folder and devices
///
/// Ends with exit code 1 if something would keep models from running.
#[derive(clap::Args)]
pub struct Args {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// One line of the report.
struct Finding {
    key: &'static str,
    text: String,
    json: Value,
    /// A problem to be mended.
    problem: bool,
}

fn fact(key: &'static str, text: impl Into<String>, json: impl Into<Value>) -> Finding {
    Finding { key, text: text.into(), json: json.into(), problem: false }
}

fn problem(key: &'static str, text: &str) -> Finding {
    Finding { key, text: text.into(), json: json!({"problem": text}), problem: true }
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut report = vec![
        fact("version", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_VERSION")),
        fact(
            "platform",
            format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH),
            json!({"os": std::env::consts::OS, "arch": std::env::consts::ARCH}),
        ),
    ];
    processor(&mut report);
    memory(&mut report);
    models(&mut report);
    gpu(&mut report);
    let problems = report.iter().filter(|f| f.problem).count();
    if args.json {
        let mut object: serde_json::Map<_, _> = report.into_iter().map(|f| (f.key.to_owned(), f.json)).collect();
        object.insert("problems".into(), problems.into());
        emit_json(&Value::Object(object))?;
    } else {
        let rows: Vec<_> = report
            .iter()
            .map(|f| {
                let mark = if f.problem { "PROBLEM: " } else { "" };
                vec![f.key.replace('_', " "), format!("{mark}{}", one_line(&f.text))]
            })
            .collect();
        emit(&table(&rows))?;
    }
    match problems {
        0 => Ok(()),
        n => Err(Failure::surroundings(format!("{n} problem{} found", if n == 1 { "" } else { "s" }))),
    }
}

fn processor(report: &mut Vec<Finding>) {
    let brand = machine::cpu_name().unwrap_or_else(|| "unknown".into());
    report.push(fact("cpu", brand.clone(), brand));
    let features = isa::features();
    report.push(fact("cpu_features", features.join(" "), features));
    let best = isa::Isa::detect();
    let available: Vec<_> = isa::Isa::available().iter().map(|l| l.name()).collect();
    report.push(match std::env::var("MLX_CPU_ISA") {
        Ok(name) => match isa::Isa::from_name(&name) {
            Ok(l) => fact(
                "kernels",
                format!("{l} (forced by MLX_CPU_ISA; the best is {best})"),
                json!({"level": l.name(), "best": best.name(), "available": available}),
            ),
            Err(e) => problem("kernels", &format!("MLX_CPU_ISA: {}", e.message)),
        },
        Err(_) => fact(
            "kernels",
            format!("{best} (available: {})", available.join(", ")),
            json!({"level": best.name(), "best": best.name(), "available": available}),
        ),
    });
    let cores = pool::physical_cores();
    let logical = std::thread::available_parallelism().map_or(1, |n| n.get());
    report.push(match pool::default_threads() {
        Ok(n) => fact(
            "threads",
            format!("{n} by default ({cores} cores, {logical} hardware threads usable)"),
            json!({"default": n, "cores": cores, "hardware_threads": logical}),
        ),
        Err(e) => problem("threads", &e.message),
    });
}

fn memory(report: &mut Vec<Finding>) {
    report.push(match machine::memory() {
        Some(m) => fact(
            "memory",
            format!("{} of {} available", bytes(m.available), bytes(m.total)),
            json!({"available_bytes": m.available, "total_bytes": m.total}),
        ),
        None => fact("memory", "unknown", Value::Null),
    });
}

fn models(report: &mut Vec<Finding>) {
    let store = match Store::open() {
        Ok(s) => s,
        Err(e) => return report.push(problem("models", &e.message)),
    };
    let root = store.root();
    let shown = root.to_string_lossy();
    report.push(match (store.list(), writable(root)) {
        (Err(e), _) => problem("models", &e.message),
        (_, Err(why)) => problem("models", &format!("{shown} cannot be written: {why}")),
        (Ok(list), Ok(())) => {
            let complete = list.iter().filter(|e| e.complete).count();
            let size = list.iter().map(|e| e.bytes).sum::<u64>();
            fact(
                "models",
                format!("{complete} in {shown} ({})", bytes(size)),
                json!({"folder": shown, "count": complete, "bytes": size}),
            )
        }
    });
    report.push(match HubConfig::from_env() {
        Ok(c) => fact(
            "hub",
            format!("{}, {}", c.endpoint, if c.token.is_some() { "with a token" } else { "no token" }),
            json!({"endpoint": c.endpoint, "token": c.token.is_some()}),
        ),
        Err(e) => problem("hub", &e.message),
    });
}

/// What is said of a GPU that can be used.
const STATE: &str = "used where it is measured to be faster, or with --device gpu";

fn gpu(report: &mut Vec<Finding>) {
    let mut found = match gpus::ask() {
        Ok(v) => v,
        Err(why) => json!({"reason": why, "devices": []}),
    };
    let line = |d: &Value| {
        let text = |k: &str| d[k].as_str().unwrap_or_default().to_owned();
        let local = |h: &&Value| h["device_local"] == true;
        let memory =
            d["heaps"].as_array().into_iter().flatten().filter(local).filter_map(|h| h["bytes"].as_u64()).sum();
        let driver = format!("{} {}", text("driver"), text("driver_info"));
        let what = [text("kind"), driver.trim().to_owned(), format!("Vulkan {}", text("vulkan")), bytes(memory)];
        let what = what.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", ");
        let refused = d["refused"].as_str().map(|why| format!(", not usable: {why}")).unwrap_or_default();
        let names = |list: &Value, key: &str| -> Vec<String> {
            let name = |v: &Value| v[key].as_str().or(v.as_str()).unwrap_or_default().to_owned();
            list.as_array().into_iter().flatten().map(name).collect()
        };
        let listed = |what: &str, names: Vec<String>| match names.is_empty() {
            true => String::new(),
            false => format!(", {what}: {}", names.join(" ")),
        };
        let quirks = listed("known faults", names(&d["quirks"], "name"));
        let off = listed("kernels not used", names(&d["kernels_off"], ""));
        format!("{} {} ({what}){refused}{quirks}{off}", d["index"], text("name"))
    };
    let devices: Vec<String> = found["devices"].as_array().into_iter().flatten().map(line).collect();
    let mut text = match found["reason"].as_str() {
        Some(why) if devices.is_empty() => format!("none: {why}"),
        Some(why) => format!("none to use: {why}"),
        None => format!("{} to use; {STATE}", found["chosen"]),
    };
    if !devices.is_empty() {
        text = format!("{}; {text}", devices.join("; "));
    }
    let usable = found["reason"].is_null();
    found["available"] = usable.into();
    report.push(fact("gpu", text, found));
    if usable {
        self_test(report);
    }
}

/// What the device in use showed of its kernels; those that failed are computed by the processor.
fn self_test(report: &mut Vec<Finding>) {
    let found = match gpus::ask_verdicts() {
        Ok(v) => v,
        Err(why) => json!({"reason": why}),
    };
    let Some(all) = found.as_array() else {
        let why = found["reason"].as_str().unwrap_or("no reason is known");
        return report.push(fact("gpu_self_test", format!("none: {why}"), found.clone()));
    };
    let of = |outcome: &str| -> Vec<&Value> { all.iter().filter(|v| v["outcome"] == outcome).collect() };
    let name = |v: &Value| v["family"].as_str().unwrap_or_default().to_owned();
    let mut text = match all.len() {
        0 => "not done (MLX_VULKAN_SELFTEST=0)".to_owned(),
        n => format!("{} of {n} families of kernels passed", of("passed").len()),
    };
    for v in of("wrong") {
        text += &format!("; {} is not used: {}", name(v), v["reason"].as_str().unwrap_or_default());
    }
    for v in of("crashed") {
        text += &format!("; {} is not used: the driver crashed or hung", name(v));
    }
    for v in of("off") {
        text += &format!("; {} is taken away", name(v));
    }
    report.push(fact("gpu_self_test", text, found));
}

/// Whether files can be made in the folder, or in the nearest one above it that exists.
fn writable(dir: &Path) -> Result<(), String> {
    let there = dir.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."));
    let probe = there.join(format!(".mlx-arm-{}", std::process::id()));
    std::fs::write(&probe, b"").map_err(|e| e.to_string())?;
    std::fs::remove_file(&probe).map_err(|e| e.to_string())
}
