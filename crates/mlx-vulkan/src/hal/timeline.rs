//! How far the queue's work is, by a timeline semaphore: batch `n` is done when its counter is `n`. Devices without
//! them have a fence in every frame instead.

use super::device::{Device, failure};
use ash::vk;
use mlx_ir::Result;
use std::sync::Arc;

/// Whose functions are called.
pub(crate) enum Calls {
    /// Those of Vulkan 1.2.
    Core,
    /// Those of the extension.
    Extension(ash::khr::timeline_semaphore::Device),
}

/// The queue's semaphore. It goes when the device is idle: that its value was seen does not mean that the driver is done
/// with it.
pub(super) struct Timeline {
    device: Arc<Device>,
    raw: vk::Semaphore,
}

impl Drop for Timeline {
    fn drop(&mut self) {
        // SAFETY: the queue waits until the device is idle before it goes.
        unsafe { self.device.raw.destroy_semaphore(self.raw, None) };
    }
}

impl Timeline {
    /// None on devices without.
    ///
    /// # Errors
    /// `Memory` or `Device` if the driver refuses.
    pub fn new(device: &Arc<Device>) -> Result<Option<Timeline>> {
        if device.timeline.is_none() {
            return Ok(None);
        }
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        // SAFETY: the device lives and has the feature.
        let raw = unsafe { device.raw.create_semaphore(&info, None) }.map_err(|e| failure("no semaphore", e))?;
        Ok(Some(Timeline { device: device.clone(), raw }))
    }

    /// The semaphore, for submissions.
    pub fn raw(&self) -> vk::Semaphore {
        self.raw
    }

    /// Number of the last batch that is done.
    pub fn reached(&self) -> std::result::Result<u64, vk::Result> {
        // SAFETY: the semaphore lives.
        let n = unsafe {
            match &self.device.timeline {
                Some(Calls::Extension(e)) => e.get_semaphore_counter_value(self.raw),
                _ => self.device.raw.get_semaphore_counter_value(self.raw),
            }
        }?;
        // So some drivers tell of a lost device.
        if n == u64::MAX { Err(vk::Result::ERROR_DEVICE_LOST) } else { Ok(n) }
    }

    /// Sleeps until a batch is done.
    pub fn wait(&self, number: u64, nanoseconds: u64) -> std::result::Result<(), vk::Result> {
        let (semaphores, values) = ([self.raw], [number]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        // SAFETY: the semaphore lives.
        unsafe {
            match &self.device.timeline {
                Some(Calls::Extension(e)) => e.wait_semaphores(&info, nanoseconds),
                _ => self.device.raw.wait_semaphores(&info, nanoseconds),
            }
        }
    }
}
