//! What a device can do, as the kernels ask for it, and the least that is needed.

use crate::hal::instance::Adapter;
use crate::kernels::FAMILIES;
use mlx_ir::{Error, Result};

/// Subgroup properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subgroups {
    /// Lanes of a subgroup unless asked otherwise.
    pub size: u32,
    /// Smallest and largest size that a pipeline can ask for; both are `size` without size control.
    pub range: (u32, u32),
    /// Whether a pipeline may require a size.
    pub size_control: bool,
    /// Most subgroups of a workgroup whose pipeline requires a size.
    pub most: u32,
    /// Whether a pipeline may require that all lanes take part.
    pub full: bool,
    /// Groups of operations in compute shaders.
    pub vote: bool,
    /// Sums, products, scans.
    pub arithmetic: bool,
    /// Ballots.
    pub ballot: bool,
    /// Shuffles by any index.
    pub shuffle: bool,
    /// Shuffles by a distance.
    pub shuffle_relative: bool,
    /// Operations in clusters.
    pub clustered: bool,
}

/// A component type of a cooperative matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// 16-bit float.
    F16,
    /// 32-bit float.
    F32,
    /// bfloat16.
    Bf16,
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
    /// Signed 32-bit integer.
    I32,
    /// Unsigned 32-bit integer.
    U32,
}

/// A cooperative matrix product `(m, k) · (k, n)` that a subgroup can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatrixShape {
    /// Rows of the result.
    pub m: u32,
    /// Columns of the result.
    pub n: u32,
    /// Terms of a sum.
    pub k: u32,
    /// Components of both factors.
    pub factor: Number,
    /// Components of the accumulator and the result.
    pub sum: Number,
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a device can do. Flags are true only if the feature was reported, not because of a version.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Caps {
            $($(#[$doc])* pub $name: bool,)*
            /// Subgroups.
            pub subgroups: Subgroups,
            /// Cooperative matrix products of subgroups; empty without `VK_KHR_cooperative_matrix`.
            pub matrices: Vec<MatrixShape>,
            /// Bytes of shared memory of a workgroup.
            pub shared_memory: u32,
            /// Invocations of a workgroup.
            pub workgroup_invocations: u32,
            /// Largest workgroup along x, y, z.
            pub workgroup_size: [u32; 3],
            /// Most workgroups of a dispatch along x, y, z.
            pub workgroup_count: [u32; 3],
            /// Bytes that a storage-buffer binding can span.
            pub storage_range: u64,
            /// Bytes of one memory allocation.
            pub allocation_size: u64,
            /// Memory allocations at a time.
            pub allocation_count: u32,
            /// Bytes of push constants.
            pub push_constants: u32,
            /// Storage buffers that a shader can bind.
            pub storage_buffers: u32,
            /// Alignment of a storage buffer's offset, in bytes.
            pub storage_alignment: u64,
            /// Alignment of the host's memory that is used in place, in bytes; 0 where none is.
            pub import_alignment: u64,
            /// Dispatches that are handed to the device at a time.
            pub batch: u32,
            /// Multiprocessors; 0 where the driver does not tell.
            pub cores: u32,
            /// Nanoseconds of a timestamp tick; 0 if the queue has no timestamps.
            pub timestamp_ns: f32,
        }

        impl Caps {
    /// Most invocations of a workgroup in one dimension whose subgroups must have so many lanes.
    pub fn workgroup_of(&self, lanes: u32) -> u32 {
        let sized = if self.subgroups.size_control { lanes.saturating_mul(self.subgroups.most) } else { u32::MAX };
        self.workgroup_invocations.min(self.workgroup_size[0]).min(sized)
    }
            /// Names of the flags, as `MLX_VULKAN_DISABLE` takes them.
            pub const FLAGS: &[&str] = &[$(stringify!($name)),*];

            /// The flags that are set.
            pub fn flags(&self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$name { names.push(stringify!($name)); })*
                names
            }

            fn clear(&mut self, name: &str) -> bool {
                $(if name == stringify!($name) { self.$name = false; return true; })*
                false
            }
        }
    };
}

flags! {
    /// f16 arithmetic.
    fp16,
    /// Conversions to f16 that are asked to round to the nearest, of two the even one, do, and keep infinities.
    half_rounds,
    /// f16 that are asked to keep subnormal numbers do.
    half_subnormals,
    /// 8-bit integer arithmetic.
    int8,
    /// 16-bit integer arithmetic.
    int16,
    /// 64-bit integer arithmetic.
    int64,
    /// f64 arithmetic.
    fp64,
    /// bfloat16 as a type of its own, also in cooperative matrices.
    bf16,
    /// 8-bit elements of storage buffers.
    storage8,
    /// 16-bit elements of storage buffers.
    storage16,
    /// Dot products of four packed bytes.
    int_dot,
    /// The device says that packed signed dot products are faster than their parts.
    int_dot_fast,
    /// Atomic addition of f32 in buffers.
    float_atomics,
    /// Accesses of single pipelines can be kept to their buffers (`VK_EXT_pipeline_robustness`).
    robust,
    /// … to the very bytes that are bound: reads beyond give 0, writes are dropped.
    robust2,
    /// Buffer addresses in shaders.
    buffer_address,
    /// Timeline semaphores.
    timeline,
    /// Descriptors written into the command buffer.
    push_descriptor,
    /// `VK_NV_cooperative_matrix2` with all that its products at workgroup scope need.
    matrix2,
    /// The driver tells how much memory is left.
    memory_budget,
    /// Memory of the host can be used in place.
    host_import,
    /// Memory can be shared through file descriptors.
    external_fd,
    /// All memory that the processor sees is the same for both sides without being told.
    coherent,
}

/// The least that a device must offer, in words.
pub const MINIMUM: &str = "Vulkan 1.1, a compute queue, 128 invocations and 16 KiB of shared memory in a workgroup, \
     4 storage buffers of 128 MiB in a shader, 128 bytes of push constants";

impl Caps {
    /// What keeps the device from being used; empty if nothing does.
    pub fn lacks(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut need = |what: &str, has: u64, least: u64| {
            if has < least {
                missing.push(format!("{what} {has}, needed {least}"));
            }
        };
        need("workgroup invocations", self.workgroup_invocations.into(), 128);
        need("bytes of shared memory", self.shared_memory.into(), 16 << 10);
        need("storage buffers in a shader", self.storage_buffers.into(), 4);
        need("bytes of a storage buffer", self.storage_range, 128 << 20);
        need("bytes of push constants", self.push_constants.into(), 128);
        missing
    }
}

/// What is taken away from devices, for tests or because it does not work. Nothing can be added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    flags: Vec<String>,
    parts: Vec<&'static str>,
    limits: Vec<(&'static str, u64)>,
    families: Vec<&'static str>,
}

/// What can be taken away and is neither a flag nor a limit.
const PARTS: &[&str] = &[
    "subgroups",     // all operations of subgroups
    "subgroup_sums", // their sums
    "matrices",
    "unified",             // the processor's access to arrays: all are copied
    "rebar",               // the processor's window to all of the device's memory
    "pipeline_file",       // compiled pipelines kept on disk
    "pipelines_meanwhile", // their being made while other threads hand over work
    "unasked",             // being chosen without being named
];
/// Limits that can be lowered.
const LIMITS: &[&str] = &[
    "shared_memory",
    "workgroup_invocations",
    "storage_range",
    "allocation_size",
    "batch",
    "cores",
    "memory",
    "batches",
];

impl Overrides {
    /// Reads a list such as `fp16,subgroups,storage_range=134217728`: flags of [`Caps::FLAGS`], `subgroups` (all their
    /// operations), `subgroup_sums`, `matrices`, `unified` (the processor's access to arrays, so that all are copied),
    /// `rebar` (its window to the device's own memory), `pipeline_file`, `pipelines_meanwhile`
    /// (their being made while other threads hand over work), `unasked` (being chosen without being named), limits
    /// to be lowered (`cores`: multiprocessors for which work is cut, `memory`: bytes after which the driver has none left,
    /// `batches`: after so many the device is lost), and `family=NAME` (kernels).
    ///
    /// # Errors
    /// `Value` for an unknown name or a limit that is no number.
    pub fn parse(text: &str) -> Result<Self> {
        let mut o = Self::default();
        for item in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
            match item.split_once('=') {
                Some(("family", name)) => {
                    let family = FAMILIES.iter().find(|&&f| f == name).ok_or_else(|| unknown(item))?;
                    o.families.push(family);
                }
                Some((name, value)) => {
                    let &name = LIMITS.iter().find(|&&l| l == name).ok_or_else(|| unknown(name))?;
                    let value = value
                        .parse()
                        .map_err(|_| Error::value(format!("[MLX_VULKAN_DISABLE] {name}: '{value}' is no number")))?;
                    o.limits.push((name, value));
                }
                None => match PARTS.iter().find(|&&p| p == item) {
                    Some(part) => o.parts.push(part),
                    None if Caps::FLAGS.contains(&item) => o.flags.push(item.to_owned()),
                    None => return Err(unknown(item)),
                },
            }
        }
        Ok(o)
    }

    /// What `MLX_VULKAN_DISABLE` says.
    ///
    /// # Errors
    /// As [`Overrides::parse`].
    pub fn from_env() -> Result<Self> {
        match std::env::var("MLX_VULKAN_DISABLE") {
            Ok(text) => Self::parse(&text),
            Err(std::env::VarError::NotPresent) => Ok(Self::default()),
            Err(e) => Err(Error::value(format!("[MLX_VULKAN_DISABLE] {e}"))),
        }
    }

    /// Takes it away from a device that has been probed.
    pub(crate) fn apply(&self, a: &mut Adapter) {
        let caps = &mut a.caps;
        // Where memory is coherent the lack of it is played.
        a.shadowed |= caps.coherent && self.flags.iter().any(|f| f == "coherent");
        for name in &self.flags {
            let known = caps.clear(name);
            debug_assert!(known, "names are checked when they are read");
        }
        for &part in &self.parts {
            let s = caps.subgroups;
            match part {
                "subgroups" => {
                    caps.subgroups = Subgroups { size: s.size, range: (s.size, s.size), ..Subgroups::default() }
                }
                "subgroup_sums" => caps.subgroups = Subgroups { arithmetic: false, clustered: false, ..s },
                "matrices" => {
                    caps.matrices.clear();
                    caps.matrix2 = false;
                }
                "unified" => a.unified = false,
                "rebar" => a.rebar = false,
                "pipeline_file" => a.pipeline_file = false,
                "pipelines_meanwhile" => a.pipelines_meanwhile = false,
                _ => a.by_name_only = true,
            }
        }
        for &(name, value) in &self.limits {
            let lower = u32::try_from(value).unwrap_or(u32::MAX);
            match name {
                "shared_memory" => caps.shared_memory = caps.shared_memory.min(lower),
                "workgroup_invocations" => {
                    caps.workgroup_invocations = caps.workgroup_invocations.min(lower);
                    caps.workgroup_size = caps.workgroup_size.map(|s| s.min(lower));
                }
                "storage_range" => caps.storage_range = caps.storage_range.min(value),
                "batches" => a.last_batch = a.last_batch.min(value),
                "memory" => a.memory_limit = a.memory_limit.min(value),
                "batch" => caps.batch = caps.batch.min(lower).max(1),
                "cores" => caps.cores = if caps.cores == 0 { lower } else { caps.cores.min(lower).max(1) },
                _ => caps.allocation_size = caps.allocation_size.min(value),
            }
        }
        for &f in &self.families {
            if !a.off.contains(&f) {
                a.off.push(f);
            }
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::value(format!(
        "[MLX_VULKAN_DISABLE] unknown capability '{name}'; known are {}, {}, {}, and family= one of {}",
        Caps::FLAGS.join(", "),
        PARTS.join(", "),
        LIMITS.iter().map(|l| format!("{l}=N")).collect::<Vec<_>>().join(", "),
        FAMILIES.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::instance::Kind;

    #[test]
    fn overrides_only_take_away() {
        let all = Caps {
            fp16: true,
            int_dot: true,
            matrix2: true,
            matrices: vec![MatrixShape { m: 16, n: 16, k: 16, factor: Number::F16, sum: Number::F32 }],
            subgroups: Subgroups { size: 32, range: (8, 32), arithmetic: true, shuffle: true, ..Default::default() },
            shared_memory: 48 << 10,
            workgroup_invocations: 1024,
            workgroup_size: [1024, 1024, 64],
            storage_range: 1 << 32,
            coherent: true,
            batch: 64,
            allocation_size: 1 << 40,
            ..Default::default()
        };
        let without = |list: &str| {
            let mut a = Adapter::for_test("x", Kind::Integrated);
            (a.unified, a.rebar, a.caps) = (true, true, all.clone());
            Overrides::parse(list).unwrap().apply(&mut a);
            a
        };
        assert_eq!(without("").caps, all);
        let a = without("fp16, subgroups,matrices,workgroup_invocations=256,storage_range=99999999999");
        let c = &a.caps;
        assert!(!c.fp16 && c.int_dot && c.matrices.is_empty() && !c.matrix2);
        assert_eq!(c.subgroups, Subgroups { size: 32, range: (32, 32), ..Default::default() });
        assert_eq!((c.workgroup_invocations, c.workgroup_size), (256, [256, 256, 64]));
        assert_eq!(c.storage_range, 1 << 32);
        assert!(
            a.unified && a.pipeline_file && a.pipelines_meanwhile && !a.by_name_only && !a.shadowed && a.off.is_empty()
        );
        let a = without("unified,pipeline_file,unasked,coherent,subgroup_sums,family=matmul,batch=3,allocation_size=7");
        let b = without("rebar,memory=9,batches=5,pipelines_meanwhile");
        assert!(
            (a.last_batch, b.last_batch) == (u64::MAX, 5)
                && a.rebar
                && a.memory_limit == u64::MAX
                && !b.rebar
                && b.memory_limit == 9
                && !b.pipelines_meanwhile
        );
        assert!(!a.unified && !a.pipeline_file && a.by_name_only && a.shadowed && !a.caps.coherent);
        assert!(!a.caps.subgroups.arithmetic && a.caps.subgroups.shuffle);
        assert_eq!((a.off.as_slice(), a.caps.batch, a.caps.allocation_size), (&["matmul"][..], 3, 7));
    }

    #[test]
    fn every_flag_can_be_taken_away() {
        for name in Caps::FLAGS {
            let mut c = Caps::default();
            assert!(c.clear(name), "{name}");
        }
    }

    #[test]
    fn unknown_names_are_refused_by_name() {
        for bad in ["fp17", "fp16=1", "storage_range=much", "storage_range", "family=fast"] {
            let e = Overrides::parse(bad).unwrap_err();
            assert!(e.message.contains(bad.split('=').next().unwrap()), "{}", e.message);
        }
    }

    #[test]
    fn a_weak_device_is_told_what_it_lacks() {
        let c = Caps {
            shared_memory: 32 << 10,
            workgroup_invocations: 64,
            storage_buffers: 8,
            storage_range: 128 << 20,
            push_constants: 128,
            ..Default::default()
        };
        assert_eq!(c.lacks(), ["workgroup invocations 64, needed 128"]);
    }
}
