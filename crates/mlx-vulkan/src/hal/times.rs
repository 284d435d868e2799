//! How long kernels take on the device, by timestamps between them.

use super::device::{Device, failure};
use ash::vk;
use mlx_ir::Result;
use std::collections::HashMap;
use std::time::Duration;

/// Name of the time in which the device had no work to do between two batches.
const IDLE: &str = "(no work)";

/// What a kernel took in all its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelTime {
    /// The shader's name; `copy` for copies, `(no work)` for the time between batches.
    pub name: String,
    /// Dispatches.
    pub runs: u64,
    /// From the end of the work before it to its own end, so that all of them add up to the whole time.
    pub time: Duration,
}

/// Timestamps of one batch: one before its work, one after each piece.
pub(crate) struct Stamps {
    pub pool: vk::QueryPool,
    names: Vec<String>,
}

impl Stamps {
    /// Begins a batch in `commands`.
    pub fn begin(device: &Device, commands: vk::CommandBuffer, most: usize) -> Result<Stamps> {
        let count = most as u32 + 1;
        let info = vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::TIMESTAMP).query_count(count);
        // SAFETY: the command buffer is being recorded by the caller, who keeps the pool until the batch is done.
        unsafe {
            let pool = device.raw.create_query_pool(&info, None).map_err(|e| failure("no timestamps", e))?;
            device.raw.cmd_reset_query_pool(commands, pool, 0, count);
            device.raw.cmd_write_timestamp(commands, vk::PipelineStageFlags::BOTTOM_OF_PIPE, pool, 0);
            Ok(Stamps { pool, names: Vec::with_capacity(most) })
        }
    }

    /// A piece of work was recorded.
    pub fn piece(&mut self, device: &Device, commands: vk::CommandBuffer, name: &str) {
        self.names.push(name.to_owned());
        let at = self.names.len() as u32;
        // SAFETY: as in `begin`; a batch has no more pieces than there are timestamps.
        unsafe {
            device.raw.cmd_write_timestamp(commands, vk::PipelineStageFlags::BOTTOM_OF_PIPE, self.pool, at);
        }
    }
}

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Profile {
    sums: HashMap<String, (u64, u64)>,
    /// End of the last batch.
    last: Option<u64>,
}

impl Profile {
    /// Takes the times of a finished batch and destroys its timestamps.
    pub fn take_in(&mut self, device: &Device, stamps: Stamps, bits: u32) {
        let mut ticks = vec![0u64; stamps.names.len() + 1];
        // SAFETY: the batch is done, so the values are there and nothing uses the pool.
        let read = unsafe {
            let read = device.raw.get_query_pool_results(stamps.pool, 0, &mut ticks, vk::QueryResultFlags::TYPE_64);
            device.raw.destroy_query_pool(stamps.pool, None);
            read
        };
        if read.is_err() {
            return;
        }
        // Counters of fewer than 64 bits start anew.
        let mask = 1u64.checked_shl(bits).map_or(u64::MAX, |x| x - 1);
        let between = |a: u64, b: u64| b.wrapping_sub(a) & mask;
        if let Some(last) = self.last {
            let idle = self.sums.entry(IDLE.into()).or_default();
            idle.0 += 1;
            idle.1 += between(last, ticks[0]);
        }
        for (name, pair) in stamps.names.into_iter().zip(ticks.windows(2)) {
            let sum = self.sums.entry(name).or_default();
            sum.0 += 1;
            sum.1 += between(pair[0], pair[1]);
        }
        self.last = ticks.last().copied();
    }

    /// What was measured, longest first; `tick` in nanoseconds.
    pub fn report(&mut self, tick: f32) -> Vec<KernelTime> {
        self.last = None;
        let mut all: Vec<KernelTime> = self
            .sums
            .drain()
            .map(|(name, (runs, ticks))| KernelTime {
                name,
                runs,
                time: Duration::from_nanos((ticks as f64 * f64::from(tick)) as u64),
            })
            .collect();
        all.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.name.cmp(&b.name)));
        all
    }
}
