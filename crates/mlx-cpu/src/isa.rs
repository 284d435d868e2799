//! Instruction-set levels: what the machine has, and the setting that forces a lower one.
//!
//! A level names a set of instructions that is always used together, so a kernel family has one
//! function per level. The portable `Scalar` level uses no fused multiply-add: on x86-64 its
//! results do not depend on the machine.

use mlx_ir::{Error, Result};

/// A level of the instruction set. Ordered from slow to fast within one architecture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Isa {
    /// Portable code, any machine.
    Scalar,
    /// AArch64 baseline vectors (128 bit, with fused multiply-add).
    Neon,
    /// NEON plus the 8-bit dot product `sdot`.
    DotProd,
    /// `DotProd` plus 8-bit matrix multiply `smmla`. No kernels of its own yet: runs as [`Isa::DotProd`].
    I8mm,
    /// Scalable vectors. No kernels of its own yet: runs as [`Isa::DotProd`].
    Sve2,
    /// x86-64 AVX2 + FMA + F16C.
    Avx2,
    /// x86-64 AVX-512 F, BW, VL, DQ and VNNI (and everything of [`Isa::Avx2`]).
    Avx512,
}

/// Features beyond the levels, which single kernels may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Features {
    /// Half-precision vector arithmetic (AVX512-FP16, or AArch64 FEAT_FP16).
    pub fp16: bool,
    /// bfloat16 dot products (AVX512-BF16, or AArch64 FEAT_BF16).
    pub bf16: bool,
    /// 256-bit 8-bit dot products without AVX-512 (AVX-VNNI).
    pub avx_vnni: bool,
    /// AArch64 widening f16 multiply-add (FEAT_FHM).
    pub fhm: bool,
    /// AArch64 8-bit matrix multiply.
    pub i8mm: bool,
    /// AArch64 scalable vectors, version 2.
    pub sve2: bool,
}

impl Isa {
    /// Every level, low to high.
    pub const ALL: [Isa; 7] = [Isa::Scalar, Isa::Neon, Isa::DotProd, Isa::I8mm, Isa::Sve2, Isa::Avx2, Isa::Avx512];

    /// Short lower-case name: `scalar`, `neon`, `dotprod`, `i8mm`, `sve2`, `avx2`, `avx512`.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Neon => "neon",
            Isa::DotProd => "dotprod",
            Isa::I8mm => "i8mm",
            Isa::Sve2 => "sve2",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }

    /// Whether this machine can run the level and the level has kernels of its own.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            Isa::I8mm | Isa::Sve2 => false,
            Isa::Neon | Isa::DotProd => arm_level(self),
            Isa::Avx2 | Isa::Avx512 => x86_level(self),
        }
    }

    /// The fastest level of this machine.
    pub fn detect() -> Isa {
        Isa::ALL.into_iter().rev().find(|l| l.is_available()).unwrap_or(Isa::Scalar)
    }

    /// All levels of this machine that have kernels, low to high.
    pub fn available() -> Vec<Isa> {
        Isa::ALL.into_iter().filter(|l| l.is_available()).collect()
    }

    /// The level of this name. `i8mm` and `sve2` are accepted where the machine has them and mean `dotprod`.
    ///
    /// # Errors
    /// `Value` for an unknown name, `Unsupported` for a level that this machine lacks.
    pub fn from_name(name: &str) -> Result<Isa> {
        let level = Isa::ALL.into_iter().find(|l| l.name() == name).ok_or_else(|| {
            let known: Vec<_> = Isa::ALL.iter().map(|l| l.name()).collect();
            Error::value(format!("[isa] unknown level '{name}'; known: {}", known.join(", ")))
        })?;
        let f = Features::detect();
        let level = match level {
            Isa::I8mm if f.i8mm => Isa::DotProd,
            Isa::Sve2 if f.sve2 => Isa::DotProd,
            other => other,
        };
        if level.is_available() {
            return Ok(level);
        }
        let have: Vec<_> = Isa::available().iter().map(|l| l.name()).collect();
        Err(Error::unsupported(format!("[isa] this machine lacks '{name}'; it has: {}", have.join(", "))))
    }
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Features {
    /// What this machine has.
    pub fn detect() -> Features {
        detect_features()
    }
}

/// Names of the vector features found, for reports. Those without kernels yet are marked.
pub fn features() -> Vec<String> {
    feature_names()
}

#[cfg(target_arch = "x86_64")]
fn x86_level(level: Isa) -> bool {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
    match level {
        Isa::Avx2 => avx2,
        Isa::Avx512 => {
            avx2 && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vnni")
        }
        _ => false,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn x86_level(_: Isa) -> bool {
    false
}

#[cfg(target_arch = "aarch64")]
fn arm_level(level: Isa) -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    match level {
        Isa::Neon => has!("neon"),
        Isa::DotProd => has!("neon") && has!("dotprod"),
        _ => false,
    }
}

#[cfg(not(target_arch = "aarch64"))]
fn arm_level(_: Isa) -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn detect_features() -> Features {
    Features {
        fp16: is_x86_feature_detected!("avx512fp16"),
        bf16: is_x86_feature_detected!("avx512bf16"),
        avx_vnni: is_x86_feature_detected!("avxvnni"),
        ..Features::default()
    }
}

#[cfg(target_arch = "aarch64")]
fn detect_features() -> Features {
    use std::arch::is_aarch64_feature_detected as has;
    Features {
        fp16: has!("fp16"),
        bf16: has!("bf16"),
        fhm: has!("fhm"),
        i8mm: has!("i8mm"),
        sve2: has!("sve2"),
        ..Features::default()
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect_features() -> Features {
    Features::default()
}

#[cfg(target_arch = "x86_64")]
fn feature_names() -> Vec<String> {
    macro_rules! list {
        ($($name:tt),*) => {{
            let mut v = Vec::new();
            $(if is_x86_feature_detected!($name) { v.push($name.to_string()); })*
            v
        }};
    }
    list!(
        "sse4.2",
        "avx",
        "avx2",
        "fma",
        "f16c",
        "avxvnni",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512dq",
        "avx512vnni",
        "avx512fp16",
        "avx512bf16"
    )
}

#[cfg(target_arch = "aarch64")]
fn feature_names() -> Vec<String> {
    use std::arch::is_aarch64_feature_detected as has;
    let mut v = Vec::new();
    for (name, found) in [
        ("neon", has!("neon")),
        ("fp16", has!("fp16")),
        ("fhm", has!("fhm")),
        ("dotprod", has!("dotprod")),
        ("bf16", has!("bf16")),
        ("i8mm (no kernels yet)", has!("i8mm")),
        ("sve (no kernels yet)", has!("sve")),
        ("sve2 (no kernels yet)", has!("sve2")),
    ] {
        if found {
            v.push(name.to_string());
        }
    }
    v
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn feature_names() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx_ir::ErrorKind;

    #[test]
    fn available_is_ordered_and_holds_the_detected() {
        let v = Isa::available();
        assert_eq!(v[0], Isa::Scalar);
        assert!(v.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(*v.last().unwrap(), Isa::detect());
    }

    #[test]
    fn names_are_accepted_or_refused_by_name() {
        for l in Isa::ALL {
            match Isa::from_name(l.name()) {
                Ok(found) => assert!(found.is_available()),
                Err(e) => {
                    assert_eq!(e.kind, ErrorKind::Unsupported);
                    assert!(!l.is_available());
                    assert!(e.message.contains(l.name()));
                }
            }
        }
        assert_eq!(Isa::from_name("mmx").unwrap_err().kind, ErrorKind::Value);
    }

    #[test]
    fn foreign_levels_are_never_available() {
        let arm = [Isa::Neon, Isa::DotProd];
        let x86 = [Isa::Avx2, Isa::Avx512];
        assert!(!(cfg!(target_arch = "x86_64") && arm.iter().any(|l| l.is_available())));
        assert!(!(cfg!(target_arch = "aarch64") && x86.iter().any(|l| l.is_available())));
        assert!(!cfg!(target_arch = "aarch64") || Isa::Neon.is_available());
    }

    #[cfg(target_arch = "aarch64")]
    #[test]
    fn lists_neon() {
        assert!(features().iter().any(|f| f == "neon"));
    }
}
