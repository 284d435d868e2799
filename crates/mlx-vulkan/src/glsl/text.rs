//! The text that the compiler is given for a user's kernel.

use super::{MOST_TEXT, wrong};
use mlx_ir::{Aval, DType, Error, Result, TemplateValue};
use std::fmt::Write;

/// A kernel as its author and one call of it describe it.
pub struct KernelText<'a> {
    /// For messages.
    pub name: &'a str,
    /// Names of the inputs in the source.
    pub input_names: &'a [String],
    /// What they are.
    pub inputs: &'a [Aval],
    /// Names of the outputs in the source.
    pub output_names: &'a [String],
    /// What they are.
    pub outputs: &'a [Aval],
    /// The body of `main`.
    pub source: &'a str,
    /// What stands before it: functions, macros, shared variables.
    pub header: &'a str,
    /// Names that stand for values, in header and source.
    pub template: &'a [(String, TemplateValue)],
    /// Whether outputs are changed by atomic functions.
    pub atomic_outputs: bool,
    /// Threads along x, y, z.
    pub grid: [u32; 3],
    /// Threads of a workgroup along x, y, z.
    pub group: [u32; 3],
}

/// Words that GLSL keeps for itself and that make good names of arrays. In the source such a name is a macro for the
/// name with an underscore; a name that is kept and not listed here is refused by the compiler.
const KEPT: &[&str] = &[
    "in",
    "out",
    "inout",
    "input",
    "output",
    "half",
    "filter",
    "sample",
    "active",
    "common",
    "partition",
    "buffer",
    "shared",
    "resource",
    "fixed",
    "patch",
    "centroid",
    "flat",
    "smooth",
    "precise",
    "uniform",
    "varying",
    "attribute",
    "subroutine",
    "this",
    "union",
    "enum",
    "typedef",
    "template",
    "class",
    "using",
    "namespace",
    "goto",
    "volatile",
    "public",
    "static",
    "extern",
    "external",
    "interface",
    "long",
    "short",
    "double",
    "float",
    "int",
    "uint",
    "bool",
    "unsigned",
    "superp",
    "hvec2",
    "hvec3",
    "hvec4",
    "sizeof",
    "cast",
    "asm",
    "noinline",
    "coherent",
    "restrict",
    "readonly",
    "writeonly",
    "invariant",
    "layout",
    "const",
    "struct",
    "void",
    "while",
    "break",
    "continue",
    "do",
    "else",
    "for",
    "if",
    "discard",
    "return",
    "switch",
    "case",
    "default",
    "true",
    "false",
    "mat2",
    "mat3",
    "mat4",
    "vec2",
    "vec3",
    "vec4",
];

/// The extensions that are switched on.
const EXTENSIONS: &[&str] = &[
    "GL_EXT_shader_explicit_arithmetic_types",
    "GL_EXT_shader_8bit_storage",
    "GL_EXT_shader_16bit_storage",
    "GL_EXT_shader_atomic_float",
    "GL_EXT_control_flow_attributes",
    "GL_KHR_shader_subgroup_basic",
    "GL_KHR_shader_subgroup_vote",
    "GL_KHR_shader_subgroup_arithmetic",
    "GL_KHR_shader_subgroup_ballot",
    "GL_KHR_shader_subgroup_shuffle",
    "GL_KHR_shader_subgroup_shuffle_relative",
    "GL_KHR_shader_subgroup_clustered",
];

/// Metal's names of a thread's place.
const PLACES: &[(&str, &str)] = &[
    ("thread_position_in_grid", "gl_GlobalInvocationID"),
    ("threads_per_grid", "mx_grid"),
    ("threadgroup_position_in_grid", "gl_WorkGroupID"),
    ("threadgroups_per_grid", "gl_NumWorkGroups"),
    ("thread_position_in_threadgroup", "gl_LocalInvocationID"),
    ("threads_per_threadgroup", "gl_WorkGroupSize"),
    ("thread_index_in_threadgroup", "gl_LocalInvocationIndex"),
    ("thread_index_in_simdgroup", "gl_SubgroupInvocationID"),
    ("threads_per_simdgroup", "gl_SubgroupSize"),
    ("simdgroup_index_in_threadgroup", "gl_SubgroupID"),
    ("simdgroups_per_threadgroup", "gl_NumSubgroups"),
];

/// bfloat16 is stored as its bits.
const BF16: &str = "\
uint mx_bf16(float x) {
  uint u = floatBitsToUint(x);
  return (u & 0x7fffffffu) > 0x7f800000u ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
}
#define bf16_to_float(x) uintBitsToFloat(uint(x) << 16)
#define float_to_bf16(x) uint16_t(mx_bf16(x))
";

/// The GLSL type that holds an element.
fn element(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::F32 => "float",
        DType::I32 => "int",
        DType::U32 => "uint",
        DType::F16 => "float16_t",
        DType::BF16 | DType::U16 => "uint16_t",
        DType::I16 => "int16_t",
        DType::Bool | DType::U8 => "uint8_t",
        DType::I8 => "int8_t",
        DType::I64 => "int64_t",
        DType::U64 => "uint64_t",
        DType::F64 | DType::C64 => return None,
    })
}

/// Whether `word` stands in `text` as a whole identifier.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + word.len()..].chars().next().is_some_and(part)
    })
}

impl KernelText<'_> {
    fn check_names(&self) -> Result<()> {
        let plain = |n: &str| {
            let mut c = n.chars();
            c.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && c.all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !n.contains("__")
                && !n.to_ascii_lowercase().starts_with("gl_")
                && !n.starts_with("mx_")
        };
        let templates = self.template.iter().map(|(n, _)| n);
        let all: Vec<&String> = self.input_names.iter().chain(self.output_names).chain(templates).collect();
        for (i, n) in all.iter().enumerate() {
            if !plain(n) || PLACES.iter().any(|p| p.0 == n.as_str()) {
                return Err(wrong(
                    self.name,
                    format_args!(
                        "'{n}' cannot be a name: letters, digits and single underscores, not beginning with a digit, gl_ or mx_."
                    ),
                ));
            }
            if all[..i].contains(n) {
                return Err(wrong(self.name, format_args!("'{n}' names two things.")));
            }
        }
        Ok(())
    }

    fn element(&self, what: &str, dtype: DType) -> Result<&'static str> {
        element(dtype).ok_or_else(|| {
            Error::type_(format!(
                "[vulkan_kernel] {}: {what} is {dtype}, which kernels of users do not take.",
                self.name
            ))
        })
    }

    /// The text, and which inputs' shapes and strides it reads.
    ///
    /// # Errors
    /// `Value` for names, sizes and template values that do not fit, `Type` for dtypes that GLSL does not have.
    pub fn build(&self) -> Result<(String, Vec<bool>)> {
        let bad = |what: String| wrong(self.name, what);
        self.check_names()?;
        if self.header.len() + self.source.len() > MOST_TEXT {
            return Err(bad(format!(
                "header and source have {} bytes; at most {MOST_TEXT} are compiled.",
                self.header.len() + self.source.len()
            )));
        }
        if self.header.contains('\0') || self.source.contains('\0') {
            return Err(bad("header and source may not hold a zero byte.".into()));
        }
        let mut t = String::from("#version 460\n#extension GL_GOOGLE_cpp_style_line_directive : require\n");
        // Writing to a string cannot fail.
        let mut put = |line: std::fmt::Arguments<'_>| {
            let _ = t.write_fmt(line);
        };
        for e in EXTENSIONS {
            put(format_args!("#extension {e} : enable\n"));
        }
        for (n, v) in self.template {
            match *v {
                TemplateValue::Bool(b) => put(format_args!("#define {n} {b}\n")),
                TemplateValue::Int(i) if i32::try_from(i).is_ok() => put(format_args!("#define {n} ({i})\n")),
                TemplateValue::Int(i) if u32::try_from(i).is_ok() => put(format_args!("#define {n} ({i}u)\n")),
                TemplateValue::Int(i) => {
                    return Err(bad(format!("template value {n} = {i} does not fit 32 bits.")));
                }
                TemplateValue::DType(d) => {
                    let glsl = self.element(&format!("template value {n}"), d)?;
                    put(format_args!("#define {n} {glsl}\n"));
                }
            }
        }
        if self.header.contains("bf16") || self.source.contains("bf16") {
            put(format_args!("{BF16}"));
        }
        put(format_args!("#line 1 \"header\"\n{}\n#line 1 \"generated\"\n", self.header));
        let [x, y, z] = self.group;
        put(format_args!("layout(local_size_x = {x}, local_size_y = {y}, local_size_z = {z}) in;\n"));
        put(format_args!("layout(push_constant) uniform MxGrid {{ uvec3 mx_grid; }};\n"));

        let mut renamed = String::new();
        let mut own = |n: &str| {
            if !KEPT.contains(&n) {
                return n.to_owned();
            }
            let _ = writeln!(renamed, "#define {n} {n}_");
            format!("{n}_")
        };
        let mut binding = 0;
        let (mut described, mut members) = (Vec::new(), String::new());
        for (n, a) in self.input_names.iter().zip(self.inputs) {
            let (glsl, own) = (self.element(&format!("input '{n}'"), a.dtype)?, own(n));
            // As in MLX, an array without dimensions is its element.
            let many = if a.ndim() == 0 { "" } else { "[]" };
            put(format_args!(
                "layout(std430, set = 0, binding = {binding}) restrict readonly buffer MxIn{binding} {{ {glsl} {own}{many}; }};\n"
            ));
            binding += 1;
            let [shape, strides, ndim] = ["shape", "strides", "ndim"].map(|s| format!("{n}_{s}"));
            let read = mentions(self.source, &shape) || mentions(self.source, &strides);
            if read {
                let many = a.ndim().max(1);
                let _ = write!(members, " int {shape}[{many}]; int {strides}[{many}];");
            }
            if mentions(self.source, &ndim) {
                put(format_args!("const int {ndim} = {};\n", a.ndim()));
            }
            described.push(read);
        }
        let how = if self.atomic_outputs { "coherent" } else { "restrict" };
        for (n, a) in self.output_names.iter().zip(self.outputs) {
            if self.atomic_outputs && !matches!(a.dtype, DType::F32 | DType::I32 | DType::U32) {
                return Err(Error::type_(format!(
                    "[vulkan_kernel] {}: output '{n}' is {}; atomic functions work on float32, int32 and uint32.",
                    self.name, a.dtype
                )));
            }
            let (glsl, own) = (self.element(&format!("output '{n}'"), a.dtype)?, own(n));
            put(format_args!(
                "layout(std430, set = 0, binding = {binding}) {how} buffer MxOut{binding} {{ {glsl} {own}[]; }};\n"
            ));
            binding += 1;
        }
        if !members.is_empty() {
            put(format_args!(
                "layout(std430, set = 0, binding = {binding}) restrict readonly buffer MxShapes {{{members} }};\n"
            ));
        }
        for (metal, glsl) in PLACES {
            put(format_args!("#define {metal} {glsl}\n"));
        }
        put(format_args!(
            "{renamed}void mx_body() {{\n#line 1 \"source\"\n{}\n}}\n#line 1 \"generated\"\n",
            self.source
        ));
        let whole = self.grid.iter().zip(self.group).all(|(&n, g)| n.is_multiple_of(g));
        let within = if whole { "" } else { "if (all(lessThan(gl_GlobalInvocationID, mx_grid))) " };
        put(format_args!("void main() {{ {within}mx_body(); }}\n"));
        // The compiler's bindings take UTF-8 messages for granted, and the compiler cuts them at bytes.
        Ok((t.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(), described))
    }
}
