//! Known faults of devices and drivers, and what is taken away because of them.
//!
//! A row names devices, drivers and what of them is not used; it is applied after probing and listed by `doctor`. What
//! a row takes away is written as in `MLX_VULKAN_DISABLE`, so a row cannot add anything. Where the fault is met in the
//! same way on every device nothing is taken away, and the row says how it is met.
//!
//! Vendors give models numbers of their own that do not follow their names, so devices are known by the number in
//! their name (`Adreno (TM) 740`, `Mali-G715-Immortalis MC11`).

use crate::caps::Overrides;
use crate::hal::instance::{Adapter, Kind};
use std::ops::RangeInclusive;

/// `VkDriverId`s.
mod driver {
    pub const AMD_PROPRIETARY: i32 = 1;
    pub const IMAGINATION: i32 = 7;
    pub const NVIDIA: i32 = 4;
    pub const QUALCOMM: i32 = 8;
    pub const ARM: i32 = 9;
    pub const RADV: i32 = 3;
    pub const PANVK: i32 = 20;
}

const QUALCOMM: u32 = 0x5143;
const ARM: u32 = 0x13b5;
const IMAGINATION: u32 = 0x1010;
const AMD: u32 = 0x1002;
const NVIDIA: u32 = 0x10de;

/// Which devices of a vendor.
#[derive(Clone, Copy, Debug)]
enum Model {
    Any,
    /// With such a word in the name, and right after it a number from the first to the last.
    Named(&'static str, (u32, u32)),
    /// With such a word in the name, and right after it one of the numbers.
    Numbers(&'static str, &'static [u32]),
    /// With one of these in the name.
    OneOf(&'static [&'static str]),
    /// Sharing the processor's memory.
    Integrated,
}

/// A row of the table.
#[derive(Debug)]
pub struct Quirk {
    /// Its name in reports.
    pub name: &'static str,
    /// What is taken away, as in `MLX_VULKAN_DISABLE`; nothing if [`Quirk::met`] says enough.
    pub takes: &'static str,
    /// What is done against the fault on every device.
    pub met: &'static str,
    /// What goes wrong otherwise.
    pub why: &'static str,
    /// Where that is reported; nothing for what was found with this library, of which [`Quirk::why`] says how.
    pub link: &'static str,
    vendor: u32,
    model: Model,
    /// `VkDriverId`s; any if there are none.
    drivers: &'static [i32],
    /// Versions of Vulkan that the driver offers, below which the fault is.
    below_api: Option<[u32; 3]>,
    /// Driver versions (as the driver packs them) with the fault.
    versions: Option<RangeInclusive<u32>>,
}

const ROW: Quirk = Quirk {
    name: "",
    takes: "",
    met: "",
    why: "",
    link: "",
    vendor: 0,
    model: Model::Any,
    drivers: &[],
    below_api: None,
    versions: None,
};

/// The table.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "adreno-square-groups",
        vendor: QUALCOMM,
        model: Model::Named("Adreno (TM)", (800, 899)),
        drivers: &[driver::QUALCOMM],
        met: "workgroups have one dimension; the self-test repeats every kernel",
        why: "products with workgroups of 8x8 or 4x16 are wrong in one run of eight; long workgroups are right",
        link: "https://github.com/pytorch/executorch/issues/22327",
        ..ROW
    },
    Quirk {
        name: "adreno-subgroup-sums",
        vendor: QUALCOMM,
        model: Model::Named("Adreno (TM)", (800, 899)),
        drivers: &[driver::QUALCOMM],
        takes: "subgroup_sums",
        why: "the compiler fails on products that sum over subgroups without shared memory",
        link: "https://github.com/ggml-org/llama.cpp/issues/28635",
        ..ROW
    },
    Quirk {
        name: "adreno-power-states",
        vendor: QUALCOMM,
        drivers: &[driver::QUALCOMM],
        met: "the self-test repeats every kernel and compares bit by bit",
        why: "results of products change with the clock of the device and for some sizes from run to run",
        link: "https://github.com/pytorch/executorch/issues/21938",
        ..ROW
    },
    Quirk {
        name: "adreno-null-pipelines",
        vendor: QUALCOMM,
        model: Model::Named("Adreno (TM)", (700, 799)),
        drivers: &[driver::QUALCOMM],
        met: "a pipeline that is null is a refused one, and the op is computed by the processor",
        why: "the driver reports success and gives no pipeline; using it crashes",
        link: "https://github.com/ggml-org/llama.cpp/issues/19746",
        ..ROW
    },
    Quirk {
        name: "adreno-bytes",
        vendor: QUALCOMM,
        drivers: &[driver::QUALCOMM],
        met: "elements of buffers are read and written in words of 32 bits",
        why: "8-bit elements of buffers are not offered though 8-bit arithmetic is, and take a load each",
        link: "https://github.com/ggml-org/llama.cpp/issues/6395",
        ..ROW
    },
    Quirk {
        name: "adreno-long-batches",
        vendor: QUALCOMM,
        drivers: &[driver::QUALCOMM],
        takes: "batch=32",
        why: "the device is lost when a submission holds about a hundred dispatches",
        link: "https://github.com/ggml-org/llama.cpp/issues/8743",
        ..ROW
    },
    Quirk {
        name: "adreno-large-allocations",
        vendor: QUALCOMM,
        drivers: &[driver::QUALCOMM],
        takes: "allocation_size=1073741824",
        why: "allocations of more than 1 GiB fail though the driver says that they may be larger",
        link: "https://github.com/ggml-org/llama.cpp/issues/5186",
        ..ROW
    },
    Quirk {
        name: "adreno-dot-products",
        vendor: QUALCOMM,
        model: Model::Named("Adreno (TM)", (700, 799)),
        drivers: &[driver::QUALCOMM],
        takes: "int_dot,int_dot_fast",
        why: "models answer with gibberish when packed dot products are used",
        link: "https://github.com/ggml-org/llama.cpp/issues/16881",
        ..ROW
    },
    Quirk {
        name: "adreno-attention",
        vendor: QUALCOMM,
        model: Model::Named("Adreno (TM)", (732, 750)),
        drivers: &[driver::QUALCOMM],
        takes: "family=attention",
        why: "fused attention gives gibberish",
        link: "https://github.com/ggml-org/llama.cpp/issues/20097",
        ..ROW
    },
    Quirk {
        name: "adreno-matrices",
        vendor: QUALCOMM,
        takes: "matrices",
        why: "kernels with cooperative matrices break where loops over tiles are unrolled",
        link: "https://github.com/Tencent/ncnn/blob/master/src/gpu.cpp",
        ..ROW
    },
    Quirk {
        name: "adreno-old-driver",
        vendor: QUALCOMM,
        drivers: &[driver::QUALCOMM],
        below_api: Some([1, 1, 87]),
        takes: "fp16,storage16,pipeline_file",
        why: "16-bit arithmetic is wrong, buffers are read as zeros, kept pipelines are damaged",
        link: "https://github.com/Tencent/ncnn/blob/master/src/gpu.cpp",
        ..ROW
    },
    Quirk {
        name: "mali-matrices",
        vendor: ARM,
        takes: "matrices",
        why: "cooperative matrices with subgroups of 16 are slower than products without by far, or wrong",
        link: "https://github.com/ggml-org/llama.cpp/issues/17783",
        ..ROW
    },
    Quirk {
        name: "mali-g720-fp16",
        vendor: ARM,
        model: Model::Named("Mali-G", (720, 720)),
        drivers: &[driver::ARM],
        takes: "fp16",
        why: "16-bit arithmetic is slower than 32-bit and gives wrong text",
        link: "https://github.com/ggml-org/llama.cpp/issues/18493",
        ..ROW
    },
    Quirk {
        name: "mali-long-batches",
        vendor: ARM,
        drivers: &[driver::ARM],
        takes: "batch=16",
        why: "the device is lost when a submission takes long (G78, G715, Dimensity 9300)",
        link: "https://github.com/ggml-org/llama.cpp/issues/10406",
        ..ROW
    },
    Quirk {
        name: "mali-old-driver",
        vendor: ARM,
        drivers: &[driver::ARM],
        below_api: Some([1, 1, 82]),
        takes: "storage16",
        why: "16-bit elements of buffers are read wrong",
        link: "https://github.com/Tencent/ncnn/blob/master/src/gpu.cpp",
        ..ROW
    },
    Quirk {
        name: "mali-bifrost-fp16",
        vendor: ARM,
        model: Model::Numbers("Mali-G", &[31, 51, 52, 71, 72]),
        drivers: &[driver::ARM],
        takes: "fp16",
        why: "the compiler rounds values to 16 bits that should have 32",
        link: "https://github.com/Tencent/ncnn/blob/master/src/gpu.cpp",
        ..ROW
    },
    Quirk {
        name: "mali-host-import",
        vendor: ARM,
        drivers: &[driver::ARM],
        met: "arrays lie in memory that the device gives and the processor maps; none is imported",
        why: "memory of the processor or of a game's textures cannot be imported in the same way everywhere",
        link: "https://github.com/ggml-org/llama.cpp/issues/27163",
        ..ROW
    },
    Quirk {
        name: "powervr-pipeline-file",
        vendor: IMAGINATION,
        drivers: &[driver::IMAGINATION],
        takes: "pipeline_file",
        why: "the driver crashes when it is given the pipelines that it compiled before",
        link: "https://github.com/godotengine/godot/issues/115171",
        ..ROW
    },
    Quirk {
        name: "powervr-matrices",
        vendor: IMAGINATION,
        drivers: &[driver::IMAGINATION],
        takes: "matrices,int_dot,int_dot_fast",
        why: "models answer with garbage when cooperative matrices or packed dot products are used",
        link: "https://github.com/ggml-org/llama.cpp/issues/28502",
        ..ROW
    },
    Quirk {
        name: "nvidia-new-pipelines",
        vendor: NVIDIA,
        drivers: &[driver::NVIDIA],
        takes: "pipelines_meanwhile",
        why: "a pipeline made while another thread hands over work sometimes never ends: 18 of 45 runs of the kernels' \
              tests in eight threads hung so, each at a new pipeline (H200, driver 580.159.04)",
        ..ROW
    },
    Quirk {
        name: "panvk-unasked",
        vendor: ARM,
        drivers: &[driver::PANVK],
        below_api: Some([1, 4, 0]),
        takes: "unasked",
        why: "the driver calls itself broken on devices on which it has not passed the conformance tests",
        link: "https://github.com/ggml-org/llama.cpp/issues/22682",
        ..ROW
    },
    Quirk {
        name: "amd-ring-timeout",
        vendor: AMD,
        model: Model::Integrated,
        drivers: &[driver::RADV],
        takes: "batch=32",
        why: "the kernel driver resets the device when a submission takes long",
        link: "https://github.com/ggml-org/llama.cpp/issues/21724",
        ..ROW
    },
    Quirk {
        name: "radv-releases",
        vendor: AMD,
        drivers: &[driver::RADV],
        met: "what is found out about a driver is kept by its version and found out again for the next",
        why: "prompts became 39 % slower from one release to the next",
        link: "https://github.com/ggml-org/llama.cpp/issues/22375",
        ..ROW
    },
    Quirk {
        name: "rdna2-matrices",
        vendor: AMD,
        model: Model::OneOf(&["VANGOGH", "NAVI2", "REMBRANDT", "RAPHAEL"]),
        takes: "matrices",
        why: "cooperative matrices are emulated and slower than products without",
        link: "https://github.com/Tencent/ncnn/blob/master/src/gpu.cpp",
        ..ROW
    },
    Quirk {
        name: "amd-windows-matrices",
        vendor: AMD,
        model: Model::Integrated,
        drivers: &[driver::AMD_PROPRIETARY],
        takes: "matrices",
        why: "cooperative matrices are reported on devices that do not have them",
        link: "https://github.com/ggml-org/llama.cpp/pull/22750",
        ..ROW
    },
];

/// The number that follows `word` in a name.
fn number_after(name: &str, word: &str) -> Option<u32> {
    let rest = name.split_once(word)?.1.trim_start();
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

impl Quirk {
    /// Whether the device is one of the row's.
    fn is_of(&self, a: &Adapter) -> bool {
        let model = match self.model {
            Model::Any => true,
            Model::Named(word, (first, last)) => {
                number_after(&a.name, word).is_some_and(|n| (first..=last).contains(&n))
            }
            Model::Numbers(word, list) => number_after(&a.name, word).is_some_and(|n| list.contains(&n)),
            Model::OneOf(parts) => parts.iter().any(|p| a.name.contains(p)),
            Model::Integrated => a.kind == Kind::Integrated,
        };
        let api = || {
            let mut parts = a.api.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
            std::array::from_fn::<u32, 3, _>(|_| parts.next().unwrap_or(0))
        };
        self.vendor == a.vendor
            && model
            && (self.drivers.is_empty() || a.driver_id.is_some_and(|d| self.drivers.contains(&d)))
            && self.below_api.is_none_or(|below| api() < below)
            && self.versions.as_ref().is_none_or(|v| v.contains(&a.driver_version))
    }
}

/// Takes away what the table says of the device, and notes the rows.
pub(crate) fn apply(a: &mut Adapter) {
    apply_rows(QUIRKS, a);
}

fn apply_rows(rows: &'static [Quirk], a: &mut Adapter) {
    for q in rows {
        if !q.is_of(a) {
            continue;
        }
        // A test reads every row, so none is passed over here.
        if let Ok(o) = Overrides::parse(q.takes) {
            o.apply(a);
            a.quirks.push(q);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Caps;
    use crate::caps::{MatrixShape, Number, Subgroups};

    fn capable(name: &str, vendor: u32, driver_id: i32, api: &str) -> Adapter {
        let mut a = Adapter::for_test(name, Kind::Integrated);
        (a.vendor, a.driver_id, a.api) = (vendor, Some(driver_id), api.into());
        a.caps = Caps {
            fp16: true,
            storage16: true,
            int_dot: true,
            int_dot_fast: true,
            subgroups: Subgroups { size: 64, range: (64, 64), arithmetic: true, shuffle: true, ..Default::default() },
            matrices: vec![MatrixShape { m: 16, n: 16, k: 16, factor: Number::F16, sum: Number::F32 }],
            batch: 64,
            allocation_size: 4 << 30,
            ..Default::default()
        };
        apply(&mut a);
        a
    }

    fn names(a: &Adapter) -> Vec<&str> {
        a.quirks.iter().map(|q| q.name).collect()
    }

    #[test]
    fn every_row_is_whole() {
        for q in QUIRKS {
            assert!(!q.name.is_empty() && !q.why.is_empty(), "{}", q.name);
            assert!(q.link.starts_with("https://") || q.name == "nvidia-new-pipelines", "{}", q.name);
            assert!(!q.takes.is_empty() || !q.met.is_empty(), "{}", q.name);
            Overrides::parse(q.takes).unwrap();
            assert_eq!(QUIRKS.iter().filter(|o| o.name == q.name).count(), 1, "{}", q.name);
        }
    }

    #[test]
    fn an_adreno_is_used_with_care() {
        let a = capable("Adreno (TM) 840", QUALCOMM, driver::QUALCOMM, "1.3.284");
        let expected = [
            "adreno-square-groups",
            "adreno-subgroup-sums",
            "adreno-power-states",
            "adreno-bytes",
            "adreno-long-batches",
            "adreno-large-allocations",
            "adreno-matrices",
        ];
        assert_eq!(names(&a), expected);
        let c = &a.caps;
        assert!(c.fp16 && c.int_dot && !c.subgroups.arithmetic && c.subgroups.shuffle);
        assert!(c.matrices.is_empty());
        assert_eq!((c.batch, c.allocation_size), (32, 1 << 30));

        let a = capable("Adreno (TM) 750", QUALCOMM, driver::QUALCOMM, "1.3.128");
        assert!(!a.caps.int_dot && a.caps.subgroups.arithmetic);
        assert_eq!(a.off, ["attention"]);
        // Mesa's driver for the same device has its own faults, not these.
        let a = capable("Turnip Adreno (TM) 750", QUALCOMM, 18, "1.3.278");
        assert_eq!(names(&a), ["adreno-matrices"]);
    }

    #[test]
    fn old_drivers_lose_more_than_new_ones() {
        let old = capable("Adreno (TM) 540", QUALCOMM, driver::QUALCOMM, "1.1.66");
        assert!(!old.caps.fp16 && !old.caps.storage16 && !old.pipeline_file);
        let new = capable("Adreno (TM) 640", QUALCOMM, driver::QUALCOMM, "1.1.128");
        assert!(new.caps.fp16 && new.caps.storage16 && new.pipeline_file);
        let mali = capable("Mali-G76", ARM, driver::ARM, "1.1.97");
        assert!(mali.caps.fp16 && mali.caps.storage16);
        assert!(!capable("Mali-G72", ARM, driver::ARM, "1.1.97").caps.fp16);
        assert!(!capable("Mali-G720-Immortalis MC12", ARM, driver::ARM, "1.3.247").caps.fp16);
        assert!(capable("Mali-G715-Immortalis MC11", ARM, driver::ARM, "1.3.247").caps.fp16);
    }

    #[test]
    fn a_broken_driver_is_used_only_when_named() {
        let mut a = capable("Mali-G610", ARM, driver::PANVK, "1.2.335");
        assert!(a.by_name_only);
        a = capable("Mali-G610", ARM, driver::PANVK, "1.4.335");
        assert!(!a.by_name_only);
        let a = capable("PowerVR D-Series DXT-48-1536 MC1", IMAGINATION, driver::IMAGINATION, "1.4.303");
        assert!(!a.pipeline_file && !a.caps.int_dot && a.caps.matrices.is_empty());
    }

    #[test]
    fn nvidias_driver_makes_pipelines_between_submissions() {
        let a = capable("NVIDIA H200", NVIDIA, driver::NVIDIA, "1.4.312");
        assert_eq!(names(&a), ["nvidia-new-pipelines"]);
        assert!(!a.pipelines_meanwhile && a.pipeline_file && a.caps.fp16 && !a.caps.matrices.is_empty());
    }

    #[test]
    fn others_keep_everything() {
        for (name, vendor, id) in [("NVIDIA H200", NVIDIA, 30), ("llvmpipe", 0x10005, 13), ("Radeon 780M", AMD, 2)] {
            let a = capable(name, vendor, id, "1.3.0");
            assert!(a.quirks.is_empty() && a.off.is_empty() && a.pipeline_file && !a.by_name_only, "{name}");
            assert!(a.pipelines_meanwhile, "{name}");
            assert!(a.caps.fp16 && !a.caps.matrices.is_empty() && a.caps.batch == 64);
        }
    }

    #[test]
    fn versions_bound_a_row() {
        static ROWS: &[Quirk] = &[Quirk { name: "n", takes: "fp16", vendor: 7, versions: Some(10..=19), ..ROW }];
        for (version, hit) in [(9, false), (10, true), (19, true), (20, false)] {
            let mut a = Adapter::for_test("x", Kind::Discrete);
            (a.vendor, a.driver_version, a.caps.fp16) = (7, version, true);
            apply_rows(ROWS, &mut a);
            assert_eq!(!a.caps.fp16, hit, "{version}");
        }
    }

    #[test]
    fn numbers_are_read_after_their_word() {
        assert_eq!(number_after("Adreno (TM) 740v2", "Adreno (TM)"), Some(740));
        assert_eq!(number_after("Mali-G78 r0p1", "Mali-G"), Some(78));
        assert_eq!(number_after("Mali-", "Mali-G"), None);
        assert_eq!(number_after("Adreno X1-85", "Adreno"), None);
    }
}
