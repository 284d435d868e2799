//! What a compiled kernel of a user may be: read from its SPIR-V, so nothing hangs on how the text was written.

use super::wrong;
use crate::hal::device::MAX_BINDINGS;
use crate::{Caps, Subgroups};
use mlx_ir::{GpuProgram, Result};
use std::collections::{HashMap, HashSet};

/// Flags of [`Caps`] by the number of the capability; none where every device has it.
fn needed(capability: u32) -> Option<Option<&'static str>> {
    Some(match capability {
        // Matrix, Shader
        0 | 1 => None,
        9 => Some("fp16"),
        11 => Some("int64"),
        22 => Some("int16"),
        39 => Some("int8"),
        // StorageBuffer16BitAccess
        4433 => Some("storage16"),
        // StorageBuffer8BitAccess
        4448 => Some("storage8"),
        // AtomicFloat32AddEXT
        6033 => Some("float_atomics"),
        61 => Some("subgroups"),
        62 => Some("subgroups: vote"),
        63 => Some("subgroups: arithmetic"),
        64 => Some("subgroups: ballot"),
        65 => Some("subgroups: shuffle"),
        66 => Some("subgroups: shuffle_relative"),
        67 => Some("subgroups: clustered"),
        _ => return None,
    })
}

fn has(caps: &Caps, flag: &str) -> bool {
    let Subgroups { vote, arithmetic, ballot, shuffle, shuffle_relative, clustered, .. } = caps.subgroups;
    match flag.strip_prefix("subgroups: ") {
        Some("vote") => vote,
        Some("arithmetic") => arithmetic,
        Some("ballot") => ballot,
        Some("shuffle") => shuffle,
        Some("shuffle_relative") => shuffle_relative,
        Some("clustered") => clustered,
        // Every device of Vulkan 1.1 has the places of subgroups in compute shaders.
        _ => flag == "subgroups" || caps.flags().contains(&flag),
    }
}

/// What a module says about itself.
#[derive(Default)]
struct Module {
    capabilities: Vec<u32>,
    local_size: Option<[u32; 3]>,
    /// Set and binding of variables.
    places: HashMap<u32, (u32, Option<u32>)>,
    /// Result id, pointer type, storage class.
    variables: Vec<(u32, u32, u32)>,
    /// Bytes of types, but for arrays without length.
    sizes: HashMap<u32, u64>,
    constants: HashMap<u32, u32>,
    /// What pointer types point to.
    pointees: HashMap<u32, u32>,
    barrier: bool,
}

impl Module {
    fn read(code: &[u32]) -> Option<Module> {
        let (head, mut rest) = code.split_at_checked(5)?;
        if head[0] != 0x0723_0203 {
            return None;
        }
        let mut m = Module::default();
        while let Some(&first) = rest.first() {
            let (op, after) = rest.split_at_checked(((first >> 16) as usize).max(1))?;
            m.instruction(first & 0xffff, op)?;
            rest = after;
        }
        Some(m)
    }

    fn instruction(&mut self, opcode: u32, w: &[u32]) -> Option<()> {
        let at = |i: usize| w.get(i).copied();
        match opcode {
            // OpCapability
            17 => self.capabilities.push(at(1)?),
            // OpExecutionMode … LocalSize
            16 if at(2)? == 17 => self.local_size = Some([at(3)?, at(4)?, at(5)?]),
            // OpDecorate … Binding, DescriptorSet
            71 if at(2)? == 33 => self.places.entry(at(1)?).or_default().1 = Some(at(3)?),
            71 if at(2)? == 34 => self.places.entry(at(1)?).or_default().0 = at(3)?,
            // OpVariable
            59 if at(3)? != 7 => self.variables.push((at(2)?, at(1)?, at(3)?)),
            // OpTypeBool; OpTypeInt, OpTypeFloat
            20 => _ = self.sizes.insert(at(1)?, 4),
            21 | 22 => _ = self.sizes.insert(at(1)?, u64::from(at(2)?.div_ceil(8))),
            // OpTypeVector, OpTypeMatrix
            23 | 24 => {
                let part = self.sizes.get(&at(2)?).copied();
                self.size(at(1)?, part, u64::from(at(3)?));
            }
            // OpTypeArray
            28 => {
                let (part, n) = (self.sizes.get(&at(2)?).copied(), self.constants.get(&at(3)?).copied());
                let of = n.map_or(u64::MAX, u64::from);
                self.size(at(1)?, part, of);
            }
            // OpTypeStruct
            30 => {
                let parts: Option<Vec<u64>> = w.get(2..)?.iter().map(|p| self.sizes.get(p).copied()).collect();
                let sum = parts.map(|p| p.iter().fold(0u64, |a, &b| a.saturating_add(b)));
                self.size(at(1)?, sum, 1);
            }
            // OpTypePointer
            32 => _ = self.pointees.insert(at(1)?, at(3)?),
            // OpConstant, OpSpecConstant: the pipeline is given no other values.
            43 | 50 => _ = self.constants.insert(at(2)?, at(3)?),
            // OpControlBarrier
            224 => self.barrier = true,
            _ => {}
        }
        Some(())
    }

    fn size(&mut self, id: u32, part: Option<u64>, count: u64) {
        if let Some(p) = part {
            self.sizes.insert(id, p.saturating_mul(count));
        }
    }
}

fn bindings(p: &GpuProgram) -> usize {
    p.inputs() + p.outputs.len() + usize::from(p.described.contains(&true))
}

/// Sees that a program's sizes are within this device's; its code is not looked at.
///
/// # Errors
/// `Value` for those that are not.
pub(crate) fn sizes(caps: &Caps, p: &GpuProgram) -> Result<()> {
    let bad = |what: String| wrong(&p.name, what);
    let (threads, most) = (p.group.iter().map(|&g| u64::from(g)).product::<u64>(), caps.workgroup_invocations);
    if p.group.contains(&0) || p.grid.contains(&0) {
        return Err(bad(format!("grid {:?} and threadgroup {:?} must be positive.", p.grid, p.group)));
    }
    if threads > most.into() || p.group.iter().zip(caps.workgroup_size).any(|(&g, most)| g > most) {
        return Err(bad(format!(
            "a threadgroup of {:?} is larger than this device's {most} threads, {:?} along x, y, z.",
            p.group, caps.workgroup_size
        )));
    }
    if p.groups().iter().zip(caps.workgroup_count).any(|(&g, most)| g > most) {
        return Err(bad(format!(
            "a grid of {:?} has {:?} threadgroups; this device takes {:?}. Use larger ones, or more dimensions.",
            p.grid,
            p.groups(),
            caps.workgroup_count
        )));
    }
    let (needed, most) = (bindings(p), MAX_BINDINGS.min(caps.storage_buffers as usize));
    if needed > most {
        return Err(bad(format!("{needed} buffers (inputs, outputs and, if asked for, shapes) are more than {most}.")));
    }
    Ok(())
}

/// Sees that a program is one for this device.
///
/// # Errors
/// `Value` for sizes beyond the device's, for a kernel that reaches beyond its own buffers and for a barrier in a grid
/// with incomplete workgroups; `Unsupported` for what the device lacks.
pub(crate) fn check(caps: &Caps, p: &GpuProgram) -> Result<()> {
    sizes(caps, p)?;
    let bad = |what: String| wrong(&p.name, what);
    let unsupported = |what: String| mlx_ir::Error::unsupported(format!("[vulkan_kernel] {}: {what}", p.name));
    let m = Module::read(&p.code).ok_or_else(|| bad("the compiled kernel is damaged.".into()))?;
    for &c in &m.capabilities {
        match needed(c) {
            Some(Some(flag)) if !has(caps, flag) => {
                return Err(unsupported(format!("this device lacks {flag}, which the kernel needs.")));
            }
            Some(_) => {}
            None => return Err(unsupported(format!("SPIR-V capability {c} is not for kernels of users."))),
        }
    }
    if m.local_size != Some(p.group) {
        return Err(bad("the source may not set the local size; threadgroup does.".into()));
    }
    let whole = p.grid.iter().zip(p.group).all(|(&n, g)| n.is_multiple_of(g));
    if m.barrier && !whole {
        return Err(bad(format!(
            "barriers need whole threadgroups, and a grid of {:?} is no multiple of {:?}. Round it up, and test in the \
             source which threads have work.",
            p.grid, p.group
        )));
    }
    let (mut seen, mut shared, mut push) = (HashSet::new(), 0u64, 0);
    for (id, pointer, class) in &m.variables {
        match class {
            // Input, Private
            1 | 6 => {}
            // Workgroup
            4 => {
                let size = m.pointees.get(pointer).and_then(|t| m.sizes.get(t)).copied().unwrap_or(u64::MAX);
                shared = shared.saturating_add(size);
            }
            // PushConstant
            9 => push += 1,
            // StorageBuffer
            12 => {
                let own = match m.places.get(id) {
                    Some((0, Some(b))) => (*b as usize) < bindings(p) && seen.insert(*b),
                    _ => false,
                };
                if !own {
                    return Err(bad("the source may not declare buffers; inputs and outputs are there.".into()));
                }
            }
            _ => return Err(bad("the source may declare no images, samplers and uniforms.".into())),
        }
    }
    if push > 1 {
        return Err(bad("the source may not declare push constants.".into()));
    }
    if shared > caps.shared_memory.into() {
        return Err(bad(format!(
            "{shared} bytes of shared variables are more than this device's {}.",
            caps.shared_memory
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx_ir::{Aval, DType};

    fn caps() -> Caps {
        Caps {
            workgroup_invocations: 128,
            workgroup_size: [128, 128, 64],
            workgroup_count: [65535; 3],
            storage_buffers: 4,
            shared_memory: 16 << 10,
            ..Caps::default()
        }
    }

    fn op(code: u32, rest: &[u32]) -> Vec<u32> {
        [&[((rest.len() as u32 + 1) << 16) | code], rest].concat()
    }

    /// A module of these instructions, for one output and workgroups of 8.
    fn program(ops: &[Vec<u32>]) -> GpuProgram {
        let mut code = vec![0x0723_0203, 0x1_0300, 0, 100, 0];
        code.extend(op(17, &[1]));
        code.extend(op(16, &[1, 17, 8, 1, 1]));
        code.extend(ops.concat());
        GpuProgram {
            name: "k".into(),
            code,
            described: Vec::new(),
            row_contiguous: true,
            outputs: vec![Aval::new([4].as_slice(), DType::F32)],
            filled: false,
            grid: [16, 1, 1],
            group: [8, 1, 1],
        }
    }

    #[track_caller]
    fn refused(p: &GpuProgram, why: &str) {
        let e = check(&caps(), p).unwrap_err();
        assert!(e.message.starts_with("[vulkan_kernel] k: ") && e.message.contains(why), "{}", e.message);
    }

    #[test]
    fn only_its_own_buffers_and_what_the_device_has() {
        let own = [op(71, &[5, 34, 0]), op(71, &[5, 33, 0]), op(59, &[4, 5, 12])];
        assert_eq!(check(&caps(), &program(&own)), Ok(()));
        let with = |o: Vec<u32>| program(&[own.to_vec(), vec![o]].concat());
        assert_eq!(check(&caps(), &with(op(59, &[4, 6, 7]))), Ok(()));
        refused(&with(op(17, &[9])), "lacks fp16");
        refused(&with(op(17, &[64])), "lacks subgroups: ballot");
        // PhysicalStorageBufferAddresses, Float64
        refused(&with(op(17, &[5347])), "capability 5347");
        refused(&with(op(17, &[10])), "capability 10");
        refused(&with(op(59, &[4, 6, 2])), "uniforms");
        refused(&with(op(59, &[4, 6, 12])), "may not declare buffers");
        for place in [[34, 1], [33, 1]] {
            let set = [op(71, &[5, 33, 0]), op(71, &[5, place[0], place[1]]), op(59, &[4, 5, 12])];
            refused(&program(&set), "may not declare buffers");
        }
        refused(&program(&[own.to_vec(), own.to_vec()].concat()), "may not declare buffers");
        refused(&program(&[op(59, &[4, 5, 9]), op(59, &[4, 6, 9])]), "push constants");
        refused(&with(op(16, &[1, 17, 4, 1, 1])), "local size");
    }

    #[test]
    fn sizes_are_the_devices() {
        // float[n], shared
        let shared =
            |n| [op(22, &[2, 32]), op(43, &[3, 4, n]), op(28, &[5, 2, 4]), op(32, &[6, 4, 5]), op(59, &[6, 7, 4])];
        assert_eq!(check(&caps(), &program(&shared(4096))), Ok(()));
        refused(&program(&shared(4097)), "16388 bytes of shared variables");
        let unknown = [op(22, &[2, 32]), op(28, &[5, 2, 4]), op(32, &[6, 4, 5]), op(59, &[6, 7, 4])];
        refused(&program(&unknown), "bytes of shared variables");
        let p = program(&[]);
        refused(&GpuProgram { group: [8, 17, 1], ..p.clone() }, "larger than this device's 128 threads");
        refused(&GpuProgram { grid: [8 * 65536, 1, 1], ..p.clone() }, "threadgroups");
        refused(&GpuProgram { grid: [0, 1, 1], ..p.clone() }, "must be positive");
        refused(&GpuProgram { described: vec![true, false, false], ..p.clone() }, "5 buffers");
        let barrier = GpuProgram { grid: [15, 1, 1], ..program(&[op(224, &[1, 1, 1])]) };
        refused(&barrier, "whole threadgroups");
        for cut in 0..p.code.len() {
            let mut code = p.code.clone();
            code.truncate(cut);
            // Cut between instructions it is another module, which lacks its size.
            assert!(check(&caps(), &GpuProgram { code, ..p.clone() }).is_err());
        }
        let long = GpuProgram { code: [&p.code[..], &[99 << 16 | 17]].concat(), ..p.clone() };
        refused(&long, "damaged");
        let short = GpuProgram { code: [&p.code[..], &[1 << 16 | 30]].concat(), ..p };
        refused(&short, "damaged");
    }
}
