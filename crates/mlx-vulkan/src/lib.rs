//! Vulkan devices: what there is, what it can do, and why it cannot be used where it cannot.
//!
//! Promises:
//! - The loader is opened when first asked for, never at library load. Without a loader, without a device or with a
//!   driver that fails, [`survey`] says so in words; nothing panics.
//! - Features are probed one by one ([`Caps`]); none is taken for granted because of a version, vendor or name.
//! - A device below the [`MINIMUM`] is listed with the reason why it is not used.
//! - Every capability can be taken away for tests (`MLX_VULKAN_DISABLE`), none can be added; so does the table of known
//!   faults ([`QUIRKS`]).
//!
//! `unsafe` is confined to the folder `hal`, whose first page has its contract.

mod backend;
mod caps;
mod choose;
mod emit;
pub mod glsl;
mod hal;
mod hash;
mod kernels;
#[cfg(test)]
mod memory_tests;
mod quirks;
mod record;
mod shaders;
#[cfg(test)]
mod testing;

pub use backend::{Recording, VulkanBackend, Warming};
pub use caps::{Caps, MINIMUM, MatrixShape, Number, Overrides, Subgroups};
pub use choose::{Choice, choose};
pub use hal::instance::{Adapter, Heap, Kind, MemoryType, Survey, survey, survey_without};
pub use hal::times::KernelTime;
pub use kernels::FAMILIES;
pub use quirks::{QUIRKS, Quirk};
pub use shaders::kernels_id;
