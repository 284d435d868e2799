//! `mlx-check`: the case list from the command line.
#![forbid(unsafe_code)]

use mlx_check::report::Report;
use mlx_check::value::Part;
use mlx_check::{cases, errors, export, grad, perf, support, value};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: mlx-check MODE [FILTER] [--isa LEVEL] [--threads N] [--device cpu|gpu] [--part I/N] [--repeat N]

modes:
  test      values against exact ones: every dtype and memory layout; refused arguments
  grad      derivatives against differences, forward against reverse mode, batching against a loop
  perf      rates at benchmark shapes beside the machine's ceilings; JSON lines
  support   which op has a kernel for which dtype, as a Markdown table
  export DIR [FILTER]   inputs and exact outputs, for tests/oracle/mlx_ops.py
  levels    names of the instruction-set levels of this machine

FILTER keeps the cases whose name contains it, --part of these for test every N-th from the I-th on;
--repeat computes each N more times, which must give the same bits. On the gpu (which MLX_ARM_GPU names) what has no kernel there is
computed by the processor; the last line says how much.";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let mut words = Vec::new();
    let mut config = mlx::Config::default();
    let mut device = mlx::Device::Cpu;
    let (mut part, mut times) = (Part::WHOLE, 0);
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let mut value = |what: &str| args.next().ok_or(format!("{what} needs a value\n{USAGE}"));
        match a.as_str() {
            "--isa" => config.isa = Some(mlx_cpu::Isa::from_name(&value("--isa")?).map_err(|e| e.to_string())?),
            "--threads" => {
                config.threads = Some(value("--threads")?.parse().map_err(|_| "--threads needs a number".to_string())?);
            }
            "--device" => device = value("--device")?.parse().map_err(|e: mlx::Error| e.to_string())?,
            "--repeat" => times = value("--repeat")?.parse().map_err(|_| "--repeat needs a number".to_string())?,
            "--part" => part = value("--part")?.parse()?,
            "-h" | "--help" => {
                println!("{USAGE}");
                return Ok(true);
            }
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n{USAGE}")),
            _ => words.push(a),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let known: usize = match words.first() {
        Some(&"export") => 3,
        Some(&"levels") => 1,
        _ => 2,
    };
    if words.len() > known {
        return Err(format!("unexpected argument {}\n{USAGE}", words[known]));
    }
    mlx::configure(config).and_then(|()| mlx::init()).map_err(|e| e.to_string())?;
    let stream = mlx::Stream::default_of(device).map_err(|e| e.to_string())?;
    if (part != Part::WHOLE || times > 0) && words.first() != Some(&"test") {
        return Err(format!("--part and --repeat are for test only\n{USAGE}"));
    }
    mlx::on(stream, || mode(&words, device, part, times))
}

fn mode(words: &[&str], device: mlx::Device, part: Part, times: usize) -> Result<bool, String> {
    let filter = words.get(1).copied().unwrap_or("");
    let list = cases::all();
    let mut report = Report::new();
    match words.first().copied() {
        Some("test") => {
            value::run(&list, filter, part, times, &mut report);
            for (name, result) in errors::run(filter) {
                match result {
                    Ok(()) => report.passed += 1,
                    Err(e) => {
                        println!("FAILED refusal of {name}: {e}");
                        report.failed.push(name.into());
                    }
                }
            }
        }
        Some("grad") => grad::run(&list, filter, &mut report),
        Some("perf") => {
            let failed = perf::run(&list, filter);
            println!("{failed} benchmarks failed");
            return Ok(failed == 0);
        }
        Some("support") => {
            print!("{}", support::table(&list).map_err(|e| e.to_string())?);
            return Ok(true);
        }
        Some("export") => {
            let dir = words.get(1).ok_or(format!("export needs a folder\n{USAGE}"))?;
            let filter = words.get(2).copied().unwrap_or("");
            let n = export::write(&list, filter, Path::new(dir)).map_err(|e| e.to_string())?;
            println!("{n} cases exported");
            return Ok(true);
        }
        Some("levels") => {
            for l in mlx_cpu::Isa::available() {
                println!("{l}");
            }
            return Ok(true);
        }
        _ => return Err(USAGE.into()),
    }
    if report.passed + report.failed.len() == 0 {
        return Err(format!("no case is called like '{filter}'"));
    }
    if device == mlx::Device::Gpu {
        let c = mlx::counts();
        println!(
            "device gpu: {} kernels run, {} core ops computed by the processor, {} exactly, {} expansions",
            c.launches - c.fallbacks.saturating_sub(c.references),
            c.fallbacks,
            c.references,
            c.expansions
        );
        // What the device got wrong before was computed by the processor since: nothing of it was checked.
        for v in mlx::selftest::verdicts().map_err(|e| e.to_string())?.iter().filter(|v| v.outcome.is_fault()) {
            println!("FAILED self-test of {}: {}", v.family, v.outcome);
            report.failed.push(v.family.into());
        }
    }
    println!("level {}: {}", mlx::isa(), report.summary());
    Ok(report.failed.is_empty())
}
