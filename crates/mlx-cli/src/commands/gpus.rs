//! `mlx-arm gpus` (hidden): the Vulkan devices, and what the self-test says of the one in use, as JSON. `doctor` asks it
//! in a process of its own, since a driver that crashes or hangs must not take the program with it; so is the self-test
//! done.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mlx::selftest::{self, Outcome};
use mlx_vulkan::{Adapter, Choice, Number, Survey};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::emit_json;

/// How long drivers may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the self-test may take if every family of kernels hangs.
const TEST: Duration = Duration::from_secs(3600);

/// Vulkan devices as JSON
#[derive(clap::Args)]
pub struct Args {
    /// Test the kernels of the device in use, in this process
    #[arg(long)]
    self_test: bool,
    /// Print what the self-test found instead, testing first if need be
    #[arg(long, conflicts_with = "self_test")]
    verdicts: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.self_test {
        return selftest::here().map_err(|e| Failure::surroundings(e.message));
    }
    emit_json(&if args.verdicts {
        match selftest::verdicts() {
            Ok(all) => all.iter().map(verdict).collect(),
            Err(e) => json!({"reason": e.message}),
        }
    } else {
        match mlx_vulkan::survey() {
            Ok(s) => describe(&s),
            Err(e) => json!({"reason": e.message, "devices": []}),
        }
    })
}

fn verdict(v: &selftest::Verdict) -> Value {
    let (outcome, reason) = match &v.outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Off => ("off", None),
        Outcome::Wrong(what) => ("wrong", Some(what)),
        Outcome::Crashed => ("crashed", None),
    };
    json!({"family": v.family, "outcome": outcome, "reason": reason})
}

/// Lets the self-test run in a process of its own.
pub fn test_apart() {
    if let Ok(program) = std::env::current_exe() {
        selftest::run_in(program, vec!["gpus".into(), "--self-test".into()]);
    }
}

fn describe(survey: &Survey) -> Value {
    let chosen = mlx_vulkan::choose(survey, &Choice::from_env());
    let (index, reason) = match chosen {
        Ok(a) => (Some(a.index), None),
        Err(e) => (None, Some(e.message)),
    };
    json!({
        "chosen": index,
        "reason": reason,
        "devices": survey.adapters.iter().map(device).collect::<Vec<_>>(),
    })
}

fn device(a: &Adapter) -> Value {
    let number = |n: Number| match n {
        Number::F16 => "f16",
        Number::F32 => "f32",
        Number::Bf16 => "bf16",
        Number::I8 => "i8",
        Number::U8 => "u8",
        Number::I32 => "i32",
        Number::U32 => "u32",
    };
    let (c, s) = (&a.caps, &a.caps.subgroups);
    let operations: Vec<&str> = [
        (s.vote, "vote"),
        (s.arithmetic, "arithmetic"),
        (s.ballot, "ballot"),
        (s.shuffle, "shuffle"),
        (s.shuffle_relative, "shuffle_relative"),
        (s.clustered, "clustered"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect();
    json!({
        "index": a.index,
        "name": a.name,
        "kind": a.kind.name(),
        "vendor_id": a.vendor,
        "device_id": a.device,
        "vulkan": a.api,
        "driver": a.driver,
        "driver_info": a.driver_info,
        "driver_id": a.driver_id,
        "driver_version": a.driver_version,
        "unified_memory": a.unified,
        "heaps": a.heaps.iter().map(|h| json!({
            "bytes": h.bytes, "device_local": h.device_local, "mappable": h.mappable, "free_bytes": h.free,
        })).collect::<Vec<_>>(),
        "memory_types": a.types.iter().map(|t| json!({
            "heap": t.heap, "device_local": t.device_local, "host_visible": t.host_visible, "coherent": t.coherent,
            "cached": t.cached,
        })).collect::<Vec<_>>(),
        "processor_writes_all_memory": a.rebar,
        "refused": a.refused,
        "only_by_name": a.by_name_only,
        "quirks": a.quirks.iter().map(|q| json!({
            "name": q.name, "takes": q.takes, "met": q.met, "why": q.why, "link": q.link,
        })).collect::<Vec<_>>(),
        "kernels_off": a.off,
        "pipeline_file": a.pipeline_file,
        "pipelines_meanwhile": a.pipelines_meanwhile,
        "features": c.flags(),
        "subgroups": {
            "size": s.size, "smallest": s.range.0, "largest": s.range.1, "size_control": s.size_control,
            "full": s.full, "operations": operations,
        },
        "matrices": c.matrices.iter().map(|m| {
            format!("{}x{}x{} {} -> {}", m.m, m.n, m.k, number(m.factor), number(m.sum))
        }).collect::<Vec<_>>(),
        "limits": {
            "shared_memory_bytes": c.shared_memory,
            "workgroup_invocations": c.workgroup_invocations,
            "workgroup_size": c.workgroup_size,
            "workgroup_count": c.workgroup_count,
            "storage_buffer_bytes": c.storage_range,
            "storage_buffers": c.storage_buffers,
            "storage_alignment": c.storage_alignment,
            "allocation_bytes": c.allocation_size,
            "allocations": c.allocation_count,
            "host_import_alignment": c.import_alignment,
            "batch": c.batch,
            "multiprocessors": (c.cores > 0).then_some(c.cores),
            "push_constant_bytes": c.push_constants,
            "timestamp_ns": c.timestamp_ns,
        },
    })
}

/// What a process of its own finds: the JSON of [`run`], or why there is none.
pub fn ask() -> Result<Value, String> {
    answer(&["gpus"], PATIENCE)
}

/// The verdicts of the self-test on the device in use, or why there are none.
pub fn ask_verdicts() -> Result<Value, String> {
    answer(&["gpus", "--verdicts"], TEST)
}

fn answer(arguments: &[&str], patience: Duration) -> Result<Value, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program cannot be found: {e}"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("no process to ask the drivers could be started: {e}"))?;
    let mut out = child.stdout.take().ok_or("the process that asks the drivers has no output")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                // Killing can fail only if it ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("a Vulkan driver did not answer within {} s", patience.as_secs()));
            }
        }
    };
    if !status.success() {
        return Err(format!("a Vulkan driver crashed the process that asked it ({status})"));
    }
    let text = reader.join().ok().and_then(Result::ok).unwrap_or_default();
    serde_json::from_str(&text).map_err(|e| format!("the process that asks the drivers gave no sense: {e}"))
}
