//! What the operating system says about this machine.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub available: u64,
    pub total: u64,
}

/// Memory of the machine, or of the container that this is. `None` where the system does not tell.
pub fn memory() -> Option<Memory> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind).ok()?;
    let whole = Memory { available: system.available_memory(), total: system.total_memory() };
    if whole.total == 0 {
        return None;
    }
    Some(match system.cgroup_limits() {
        Some(c) if c.total_memory < whole.total => {
            Memory { available: c.free_memory.min(whole.available), total: c.total_memory }
        }
        _ => whole,
    })
}

/// The processor's name as the system has it.
pub fn cpu_name() -> Option<String> {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind).ok()?;
    let name = system.cpus().first()?.brand().trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// The most memory that this process has had resident so far, in bytes, where the system tells (Linux, Android).
pub fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
