//! The whole list at every instruction-set level of this machine. A level is fixed at first use, so each has a process.

use std::process::Command;

fn run(mode: &str, level: &str) {
    let out = Command::new(env!("CARGO_BIN_EXE_mlx-check"))
        .args([mode, "--isa", level, "--threads", "2"])
        .env_remove("MLX_CPU_ISA")
        .env_remove("MLX_NUM_THREADS")
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&out.stdout);
    println!("{mode}: {}", text.lines().last().unwrap_or("nothing said"));
    assert!(out.status.success(), "{mode} at level {level}:\n{text}\n{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn values_at_every_level() {
    for level in mlx_cpu::Isa::available() {
        run("test", level.name());
    }
}

#[test]
fn derivatives_and_batching() {
    // On exact arithmetic: the level plays no part.
    run("grad", mlx_cpu::Isa::detect().name());
}
