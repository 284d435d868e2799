//! Kernels that users write in GLSL: on a Vulkan device, by a build that has the compiler.
#![cfg(feature = "glsl")]

use mlx::ops::{KernelCall, TemplateValue, VulkanKernel};
use mlx::{Array, DType, Device, Error, ErrorKind, Result, Stream, ops};
use std::slice;

/// Runs `f` on the GPU's stream, if there is a GPU.
fn on_gpu(f: impl FnOnce() -> Result<()>) {
    match Stream::default_of(Device::Gpu) {
        Ok(s) => mlx::on(s, f).unwrap(),
        Err(e) => {
            assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "no Vulkan device to test on: {e}");
            eprintln!("not tested on a GPU: {e}");
        }
    }
}

const I: &str = "uint i = thread_position_in_grid.x;\n";

fn iota(n: usize) -> Result<Array> {
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<_>>(), &[n])
}

fn message(r: Result<Vec<Array>>) -> (ErrorKind, String) {
    let Error { kind, message, .. } = r.expect_err("it is refused");
    (kind, message)
}

#[test]
fn elementwise_with_templates_and_a_grid_that_is_no_multiple() {
    on_gpu(|| {
        let k = VulkanKernel::new(
            "affine",
            &["x", "eps"],
            &["out"],
            &format!("{I}T y = T(N) * x[i] + T(eps); out[i] = B ? y : -y;"),
        );
        for n in [1, 63, 64, 65, 1000] {
            for flag in [true, false] {
                let mut call = KernelCall::like(&[n], DType::F32);
                call.threadgroup = [64, 1, 1];
                call.template = vec![
                    ("T".into(), TemplateValue::DType(DType::F32)),
                    ("N".into(), TemplateValue::Int(-3)),
                    ("B".into(), TemplateValue::Bool(flag)),
                ];
                let y = k.call(&[iota(n)?, Array::scalar(0.5f32)?], &call)?;
                let sign = if flag { 1.0 } else { -1.0 };
                let want: Vec<f32> = (0..n).map(|i| sign * (-3.0 * i as f32 + 0.5)).collect();
                assert_eq!(y[0].to_vec::<f32>()?, want);
            }
        }
        Ok(())
    });
}

#[test]
fn threads_beyond_the_grid_do_not_run() {
    on_gpu(|| {
        let k = VulkanKernel::new(
            "count",
            &[],
            &["hits", "out"],
            "atomicAdd(hits[0], 1u); uint i = thread_position_in_grid.x + threads_per_grid.x * thread_position_in_grid.y; \
             if (i < 100u) atomicAdd(out[i], 1u);",
        )
        .atomic_outputs(true);
        let mut call = KernelCall::like(&[1], DType::U32);
        call.output_shapes = vec![[1].as_slice().into(), [100].as_slice().into()];
        call.output_dtypes = vec![DType::U32; 2];
        (call.grid, call.threadgroup, call.init_value) = ([7, 5, 1], [4, 4, 8], Some(0.0));
        let y = k.call(&[], &call)?;
        assert_eq!(y[0].to_vec::<u32>()?, [35]);
        assert_eq!(y[1].to_vec::<u32>()?, (0..100).map(|i| u32::from(i < 35)).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn two_outputs_are_lazy_and_work_with_the_rest_of_the_graph() {
    on_gpu(|| {
        let k = VulkanKernel::new(
            "both",
            &["a", "b"],
            &["sum", "less"],
            &format!("{I}sum[i] = a[i] + b[i]; less[i] = a[i] < b[i] ? 1u : 0u;"),
        );
        let mut call = KernelCall::like(&[4], DType::F32);
        call.output_shapes = vec![[4].as_slice().into(), [2, 2].as_slice().into()];
        call.output_dtypes = vec![DType::F32, DType::U32];
        let a = ops::add(iota(4)?, 1.0)?;
        let y = k.call(&[a.clone(), ops::multiply(&a, &a)?], &call)?;
        assert!(!y[0].is_evaluated() && !a.is_evaluated());
        assert_eq!(y[1].shape(), [2, 2]);
        mlx::async_eval(&y)?;
        let total = ops::sum(&y[0], None, false)?;
        assert_eq!(total.item::<f32>()?, 40.0);
        assert_eq!(y[1].to_vec::<u32>()?, [0, 1, 1, 1]);
        Ok(())
    });
}

#[test]
fn shapes_strides_and_offsets_are_those_of_what_is_bound() {
    on_gpu(|| {
        let source = "uint i = thread_position_in_grid.x, rest = i; int at = 0;\n\
            for (int d = a_ndim - 1; d >= 0; --d) { at += int(rest % uint(a_shape[d])) * a_strides[d]; rest /= uint(a_shape[d]); }\n\
            out[i] = a[at]; strides[i % 2u] = a_strides[i % 2u];";
        let k = |dense| VulkanKernel::new("walk", &["a"], &["out", "strides"], source).ensure_row_contiguous(dense);
        let base = ops::reshape(&iota(24 * 32)?, &[24, 32])?;
        let turned = ops::transpose(&base, None)?;
        // One that begins where any device can bind it, one that does not, one with negative strides.
        let views = [
            (turned.clone(), [1, 32]),
            (ops::slice(&base, &[8, 0], &[24, 32], &[2, 4])?, [64, 4]),
            (ops::slice(&base, &[3, 1], &[24, 32], &[2, 3])?, [11, 1]),
            (ops::slice(&base, &[23, 31], &[-25, -33], &[-1, -1])?, [32, 1]),
        ];
        for (v, strides) in views {
            let mut call = KernelCall::like(v.shape(), DType::F32);
            call.output_shapes.push([2].as_slice().into());
            call.output_dtypes.push(DType::I32);
            call.threadgroup = [32, 1, 1];
            let want = ops::contiguous(&v)?.to_vec::<f32>()?;
            let y = k(false).call(slice::from_ref(&v), &call)?;
            assert_eq!((y[0].to_vec::<f32>()?, y[1].to_vec::<i32>()?), (want.clone(), strides.to_vec()));
            let y = k(true).call(slice::from_ref(&v), &call)?;
            assert_eq!((y[0].to_vec::<f32>()?, y[1].to_vec::<i32>()?), (want, vec![v.dim(1) as i32, 1]));
        }
        Ok(())
    });
}

#[test]
fn every_dtype_that_the_device_stores() {
    on_gpu(|| {
        let plain = |d| matches!(d, DType::F32 | DType::I32 | DType::U32);
        for d in DType::ALL {
            let source = match d {
                DType::BF16 => format!("{I}out[i] = float_to_bf16(bf16_to_float(a[i]) + 1.0);"),
                DType::Bool => format!("{I}out[i] = T(1) - a[i];"),
                _ => format!("{I}out[i] = a[i] + T(1);"),
            };
            let a = ops::astype(&iota(9)?, d)?;
            let mut call = KernelCall::like(&[9], d);
            if !matches!(d, DType::F64 | DType::C64) {
                call.template = vec![("T".into(), TemplateValue::DType(d))];
            }
            let made = VulkanKernel::new("one_more", &["a"], &["out"], &source).call(slice::from_ref(&a), &call);
            if matches!(d, DType::F64 | DType::C64) {
                let (kind, text) = message(made);
                assert!(kind == ErrorKind::Type && text.contains("'a' is") && text.contains(d.name()), "{text}");
                continue;
            }
            match made {
                Ok(y) if d == DType::Bool => {
                    assert_eq!(y[0].to_vec::<bool>()?, (0..9).map(|i| i == 0).collect::<Vec<_>>())
                }
                Ok(y) => {
                    let got = ops::astype(&y[0], DType::F32)?.to_vec::<f32>()?;
                    assert_eq!(got, (1..10).map(|i| i as f32).collect::<Vec<_>>(), "{d}");
                }
                // A device may lack all but these; it says so.
                Err(e) => assert!(!plain(d) && e.message.contains("lacks"), "{d}: {e}"),
            }
        }
        Ok(())
    });
}

#[test]
fn shared_memory_and_barriers() {
    on_gpu(|| {
        let k = VulkanKernel::new(
            "sum64",
            &["a"],
            &["out"],
            "uint l = thread_index_in_threadgroup; part[l] = half_of(a[gl_GlobalInvocationID.x]); barrier();\n\
             for (uint s = 32u; s > 0u; s /= 2u) { if (l < s) part[l] += part[l + s]; barrier(); }\n\
             if (l == 0u) out[gl_WorkGroupID.x] = part[0];",
        )
        .header("shared float part[N];\nfloat half_of(float out_of) { return 0.5 * out_of; }");
        let mut call = KernelCall::like(&[3], DType::F32);
        (call.grid, call.threadgroup) = ([192, 1, 1], [64, 1, 1]);
        call.template = vec![("N".into(), TemplateValue::Int(64))];
        let a = iota(192)?;
        let want: Vec<f32> = (0..3).map(|b| (0..64).map(|i| 0.5 * (64 * b + i) as f32).sum()).collect();
        assert_eq!(k.call(slice::from_ref(&a), &call)?[0].to_vec::<f32>()?, want);
        call.grid = [190, 1, 1];
        let (kind, text) = message(k.call(slice::from_ref(&a), &call));
        assert!(kind == ErrorKind::Value && text.contains("barriers need whole threadgroups"), "{text}");
        call.grid = [192, 1, 1];
        call.template = vec![("N".into(), TemplateValue::Int(1 << 24))];
        assert!(message(k.call(&[a], &call)).1.contains("bytes of shared variables"));
        Ok(())
    });
}

#[test]
fn errors_name_the_users_lines() {
    on_gpu(|| {
        let a = iota(4)?;
        let call = KernelCall::like(&[4], DType::F32);
        let compile = |header: &str, source: &str| {
            message(VulkanKernel::new("k", &["a"], &["out"], source).header(header).call(slice::from_ref(&a), &call))
        };
        let (kind, text) = compile("", "uint i = 0u;\n\nout[i] = nothing[i];");
        assert!(kind == ErrorKind::Value && text.contains("source:3: 'nothing' : undeclared identifier"), "{text}");
        assert!(text.starts_with("[vulkan_kernel] k: the kernel does not compile.\n"), "{text}");
        let (_, text) = compile("\nfloat f(float x) { return y; }", "out[0] = f(a[0]);");
        assert!(text.contains("header:2: 'y'"), "{text}");
        let (_, text) = compile("", "out[0] = a[0]");
        assert!(text.contains("source:"), "{text}");
        Ok(())
    });
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    on_gpu(|| {
        let a = iota(4)?;
        let like = KernelCall::like(&[4], DType::F32);
        let ok = "out[gl_GlobalInvocationID.x] = a[gl_GlobalInvocationID.x];";
        let k = VulkanKernel::new("k", &["a"], &["out"], ok);
        let with = |change: &dyn Fn(&mut KernelCall)| {
            let mut c = like.clone();
            change(&mut c);
            message(k.call(slice::from_ref(&a), &c)).1
        };
        assert!(with(&|c| c.grid = [0, 1, 1]).contains("must be positive"));
        assert!(
            with(&|c| (c.grid, c.threadgroup) = ([1 << 20; 3], [1 << 16, 1, 1])).contains("larger than this device's")
        );
        assert!(with(&|c| (c.grid, c.threadgroup) = ([u32::MAX, 1, 1], [1, 1, 1])).contains("threadgroups"));
        assert!(with(&|c| c.output_dtypes.clear()).contains("0 dtypes for 1 names"));
        assert!(with(&|c| c.template = vec![("a".into(), TemplateValue::Int(1))]).contains("names two things"));
        assert!(
            with(&|c| c.template = vec![("N".into(), TemplateValue::Int(1 << 40))]).contains("does not fit 32 bits")
        );
        assert!(message(k.call(&[], &like)).1.contains("0 inputs for 1 names"));
        let source = |header: &str, source: &str| {
            message(VulkanKernel::new("k", &["a"], &["out"], source).header(header).call(slice::from_ref(&a), &like)).1
        };
        assert!(source("", &" ".repeat(70_000)).contains("at most 65536"));
        assert!(source("layout(local_size_x = 7) in;", ok).contains("local_size"));
        assert!(
            source("layout(binding = 0) buffer Mine { uint mine[]; };", "mine[0] = 1u;")
                .contains("may not declare buffers")
        );
        assert!(
            source("layout(binding = 0) uniform Mine { uint mine; };", "out[0] = float(mine);")
                .contains("images, samplers and uniforms")
        );
        assert!(source("", "a[0] = 1.0;").contains("source:1:"));
        assert!(source("double d() { return 1.0lf; }", "out[0] = float(d());").contains("capability 10"));
        let bomb: String = (0..40).map(|i| format!("#define M{} M{i}+M{i}\n", i + 1)).collect();
        assert!(source(&format!("#define M0 1.0\n{bomb}"), "out[0] = M40;").contains("words and signs"));
        for name in ["2a", "a b", "gl_a", "a__b", ""] {
            let k = VulkanKernel::new("k", &[name], &["out"], "out[0] = 1.0;");
            assert!(message(k.call(slice::from_ref(&a), &like)).1.contains("cannot be a name"), "{name}");
        }
        let wide = VulkanKernel::new("k", &["a"], &["out"], "out[0] = float16_t(1.0);").atomic_outputs(true);
        let mut c = like.clone();
        c.output_dtypes = vec![DType::F16];
        assert!(message(wide.call(slice::from_ref(&a), &c)).1.contains("atomic functions work on"));
        // The processor runs none.
        let cpu = Stream::default_of(Device::Cpu)?;
        let (kind, text) = message(mlx::on(cpu, || k.call(slice::from_ref(&a), &like)));
        assert!(kind == ErrorKind::Value && text.contains("runs on the GPU only"), "{text}");
        Ok(())
    });
}

#[test]
fn texts_that_strain_the_compiler_end_in_an_answer() {
    on_gpu(|| {
        let a = iota(4)?;
        let call = KernelCall::like(&[4], DType::F32);
        let run = |source: &str| VulkanKernel::new("k", &["a"], &["out"], source).call(slice::from_ref(&a), &call);
        let long = format!("out[0] = a[0]{};", "+a[1]".repeat(12_000));
        assert_eq!(run(&long)?[0].size(), 4);
        // As long as macros may make it.
        let tens =
            format!("#define A {}\n#define B {}\n#define C {}\n", "+x".repeat(95), "A ".repeat(10), "B ".repeat(10));
        assert_eq!(run(&format!("{tens}float x = a[0]; out[0] = x {};", "C ".repeat(10)))?[0].size(), 4);
        for bad in [
            "(".repeat(60_000),
            format!("out[0] = {}a[0];", "-".repeat(60_000)),
            "{".repeat(60_000),
            "} void f() {".repeat(3000),
            "if (true) ".repeat(6000),
            "#if 1\n".repeat(9000),
            format!("out[0] = {}a[0]{};", "(".repeat(9000), ")".repeat(9000)),
            format!("out[0] = {}a[0]{};", "abs(".repeat(9000), ")".repeat(9000)),
            format!("out[0] = {}1.0;", "a[0] > 0.0 ? a[1] : ".repeat(3000)),
            format!("{}out[0] = 1.0;{}", "if (a[0] > 0.0) {".repeat(3000), "}".repeat(3000)),
            format!("for (;;) {}", "for (;;) ".repeat(6000)),
            format!("float f{}; out[0] = 1.0;", "[2]".repeat(9000)),
            format!("vec4 v; out[0] = v{}.x;", ".xxxx".repeat(12_000)),
            format!("{}float x;{}", "struct { ".repeat(6000), "} s;".repeat(6000)),
            format!("out[0] = a[int({}", "a[int(".repeat(9000)),
            "\u{fffd}\u{0}".to_owned(),
            "/*".to_owned(),
            "#define".to_owned(),
            "#version 100".to_owned(),
            "#include \"x\"".to_owned(),
            "out[0] = a[0]; }; }".to_owned(),
            "struct S { S s; };".to_owned(),
            "const int n = 1 / 0; float f[n];".to_owned(),
            "float f[2147483647]; out[0] = f[0];".to_owned(),
        ] {
            // An answer of either kind; what compiles is not run.
            if let Err(e) = run(&bad) {
                assert!(e.message.starts_with("[vulkan_kernel] k: "), "{e}");
            }
        }
        Ok(())
    });
}

#[test]
fn derivatives_and_batching_are_refused_and_can_be_given() {
    on_gpu(|| {
        let k = VulkanKernel::new("square", &["a"], &["out"], &format!("{I}out[i] = a[i] * a[i];"));
        let square = |x: &[Array]| k.call(x, &KernelCall::like(&[4], DType::F32));
        let total = |x: &[Array]| ops::sum(&square(x)?[0], None, false);
        let text = mlx::grad(total, &[0])(&[iota(4)?]).err().map(|e| e.message).unwrap_or_default();
        assert!(text.contains("[vulkan_kernel] square: Not implemented for vjp"), "{text}");
        let text = mlx::jvp(square, &[iota(4)?], &[iota(4)?]).err().map(|e| e.message).unwrap_or_default();
        assert!(text.contains("[vulkan_kernel] square: Not implemented for jvp"), "{text}");
        Ok(())
    });
}

#[test]
fn floats_are_added_by_atomics_where_the_device_can() {
    on_gpu(|| {
        let k =
            VulkanKernel::new("total", &["a"], &["out"], &format!("{I}atomicAdd(out[0], a[i]);")).atomic_outputs(true);
        let mut call = KernelCall::like(&[1], DType::F32);
        (call.grid, call.init_value) = ([100, 1, 1], Some(0.5));
        match k.call(&[iota(100)?], &call) {
            Ok(y) => assert_eq!(y[0].item::<f32>()?, 4950.5),
            Err(e) => assert!(!caps()?.float_atomics && e.message.contains("lacks float_atomics"), "{e}"),
        }
        Ok(())
    });
}

#[test]
fn an_index_beyond_an_array_meets_nothing_where_the_device_sees_to_it() {
    on_gpu(|| {
        if !caps()?.robust2 {
            eprintln!("not tested: this device does not keep accesses to the bytes that are bound");
            return Ok(());
        }
        let source = "out[0] = a[far]; out[1] = a[3]; out[far] = 9.0; out[2] = a[-int(far)];";
        let k = VulkanKernel::new("beyond", &["a", "far"], &["out"], source);
        for far in [4u32, 100, 1 << 20, 1 << 30] {
            let call = KernelCall { grid: [1, 1, 1], ..KernelCall::like(&[3], DType::F32) };
            let a = ops::add(iota(4)?, 1.0)?;
            let y = k.call(&[a.clone(), Array::scalar(far)?], &call)?;
            assert_eq!(y[0].to_vec::<f32>()?, [0.0, 4.0, 0.0], "{far}");
            assert_eq!(a.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
        }
        Ok(())
    });
}

/// What the device that is used can do.
fn caps() -> Result<mlx_vulkan::Caps> {
    let survey = mlx_vulkan::survey()?;
    Ok(mlx_vulkan::choose(&survey, &mlx_vulkan::Choice::from_env())?.caps.clone())
}
