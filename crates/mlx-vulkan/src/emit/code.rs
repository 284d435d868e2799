//! A shader under construction: types, constants and instructions by value numbers.

use rspirv::binary::Assemble;
use rspirv::dr::{Builder, InsertPoint, Instruction, Operand};
use rspirv::spirv::{self, Capability, Decoration, Op, StorageClass};
use std::collections::HashMap;

/// A value of the shader.
pub(super) type Id = spirv::Word;

/// How f16 are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Halves {
    /// In integers, on every device.
    Integers,
    /// By the device but for subnormal numbers, which it may take for 0.
    Normal,
    /// By the device.
    All,
}

impl Halves {
    /// What the device can be trusted with.
    pub fn of(caps: &crate::Caps) -> Halves {
        match caps.fp16 && caps.half_rounds {
            true if caps.half_subnormals => Halves::All,
            true => Halves::Normal,
            false => Halves::Integers,
        }
    }
}

/// The instruction `Sqrt` of the extended set `GLSL.std.450`.
const GLSL_SQRT: u32 = 31;

/// A compute shader whose single function is being written.
pub(super) struct Code {
    b: Builder,
    glsl: Id,
    pub bool: Id,
    /// All integers of up to 32 bits, signed ones in two's complement.
    pub u32: Id,
    pub f32: Id,
    u64: Option<Id>,
    u32x2: Option<Id>,
    /// f16 and two of them, once they are used.
    f16: Option<[Id; 2]>,
    halves: Halves,
    constants: HashMap<(Id, u64), Id>,
    buffers: Vec<Id>,
    word: Id,
    /// The type of four words and of a pointer to them, where a buffer has some.
    vectors: Option<[Id; 2]>,
    push: Id,
    push_word: Id,
    invocation: Id,
    function: Id,
}

impl Code {
    /// A shader over `buffers` storage buffers of words, of which the first `read_only` are only read.
    pub fn new(buffers: usize, read_only: usize) -> Code {
        Code::over(&vec![false; buffers], read_only)
    }

    /// As [`Code::new`], of buffers that are seen as vectors of four words where this is true.
    pub fn over(by_vectors: &[bool], read_only: usize) -> Code {
        let mut b = Builder::new();
        b.set_version(1, 3);
        b.capability(Capability::Shader);
        let glsl = b.ext_inst_import("GLSL.std.450");
        b.memory_model(spirv::AddressingModel::Logical, spirv::MemoryModel::GLSL450);
        let (void, bool, u32, f32) = (b.type_void(), b.type_bool(), b.type_int(32, 0), b.type_float(32, None));
        let v3 = b.type_vector(u32, 3);
        let number = Operand::LiteralBit32;

        let words = b.type_runtime_array(u32);
        b.decorate(words, Decoration::ArrayStride, [number(4)]);
        let block = b.type_struct([words]);
        b.decorate(block, Decoration::Block, []);
        b.member_decorate(block, 0, Decoration::Offset, [number(0)]);
        let pointer = b.type_pointer(None, StorageClass::StorageBuffer, block);
        let word = b.type_pointer(None, StorageClass::StorageBuffer, u32);
        let mut pointers = [pointer; 2];
        let vectors = by_vectors.contains(&true).then(|| {
            let v4 = b.type_vector(u32, 4);
            let list = b.type_runtime_array(v4);
            b.decorate(list, Decoration::ArrayStride, [number(16)]);
            let block = b.type_struct([list]);
            b.decorate(block, Decoration::Block, []);
            b.member_decorate(block, 0, Decoration::Offset, [number(0)]);
            pointers[1] = b.type_pointer(None, StorageClass::StorageBuffer, block);
            [v4, b.type_pointer(None, StorageClass::StorageBuffer, v4)]
        });
        let list = (0..by_vectors.len())
            .map(|i| {
                let v = b.variable(pointers[usize::from(by_vectors[i])], None, StorageClass::StorageBuffer, None);
                b.decorate(v, Decoration::DescriptorSet, [number(0)]);
                b.decorate(v, Decoration::Binding, [number(i as u32)]);
                if i < read_only {
                    b.decorate(v, Decoration::NonWritable, []);
                }
                v
            })
            .collect();

        let length = b.constant_bit32(u32, crate::record::PUSH_WORDS as u32);
        let array = b.type_array(u32, length);
        b.decorate(array, Decoration::ArrayStride, [number(4)]);
        let block = b.type_struct([array]);
        b.decorate(block, Decoration::Block, []);
        b.member_decorate(block, 0, Decoration::Offset, [number(0)]);
        let pointer = b.type_pointer(None, StorageClass::PushConstant, block);
        let push_word = b.type_pointer(None, StorageClass::PushConstant, u32);
        let push = b.variable(pointer, None, StorageClass::PushConstant, None);

        let pointer = b.type_pointer(None, StorageClass::Input, v3);
        let invocation = b.variable(pointer, None, StorageClass::Input, None);
        b.decorate(invocation, Decoration::BuiltIn, [Operand::BuiltIn(spirv::BuiltIn::GlobalInvocationId)]);
        // The size of a workgroup is specialization constant 0.
        let one = b.constant_bit32(u32, 1);
        let size = b.spec_constant_bit32(u32, 64);
        b.decorate(size, Decoration::SpecId, [number(0)]);
        let size = b.spec_constant_composite(v3, [size, one, one]);
        b.decorate(size, Decoration::BuiltIn, [Operand::BuiltIn(spirv::BuiltIn::WorkgroupSize)]);

        let kind = b.type_function(void, []);
        let function =
            b.begin_function(void, None, spirv::FunctionControl::NONE, kind).expect("no function is open yet");
        b.begin_block(None).expect("a function is open");
        Code {
            b,
            glsl,
            bool,
            u32,
            f32,
            u64: None,
            u32x2: None,
            f16: None,
            halves: Halves::Integers,
            constants: HashMap::new(),
            buffers: list,
            word,
            vectors,
            push,
            push_word,
            invocation,
            function,
        }
    }

    /// How f16 are converted from now on.
    pub fn convert_halves(mut self, how: Halves) -> Code {
        self.halves = how;
        self
    }
    pub fn halves(&self) -> Halves {
        self.halves
    }

    /// The finished module.
    pub fn finish(mut self) -> Vec<u32> {
        self.b.ret().expect("a block is open");
        self.b.end_function().expect("a function is open");
        self.b.entry_point(spirv::ExecutionModel::GLCompute, self.function, "main", [self.invocation]);
        self.b.execution_mode(self.function, spirv::ExecutionMode::LocalSize, [64, 1, 1]);
        if self.f16.is_some() {
            self.b.execution_mode(self.function, spirv::ExecutionMode::RoundingModeRTE, [16]);
            self.b.execution_mode(self.function, spirv::ExecutionMode::SignedZeroInfNanPreserve, [16]);
            if self.halves == Halves::All {
                self.b.execution_mode(self.function, spirv::ExecutionMode::DenormPreserve, [16]);
            }
        }
        self.b.module().assemble()
    }

    /// The type of 64-bit integers; using it asks for the capability.
    pub fn u64(&mut self) -> Id {
        if self.u64.is_none() {
            self.b.capability(Capability::Int64);
            self.u64 = Some(self.b.type_int(64, 0));
        }
        self.u64.expect("just set")
    }

    /// The types of f16 and of two of them; using them asks for the capabilities.
    fn f16(&mut self) -> [Id; 2] {
        if let Some(types) = self.f16 {
            return types;
        }
        self.b.extension("SPV_KHR_float_controls");
        self.b.capability(Capability::Float16);
        self.b.capability(Capability::RoundingModeRTE);
        self.b.capability(Capability::SignedZeroInfNanPreserve);
        if self.halves == Halves::All {
            self.b.capability(Capability::DenormPreserve);
        }
        let one = self.b.type_float(16, None);
        let types = [one, self.b.type_vector(one, 2)];
        self.f16 = Some(types);
        types
    }

    /// The value of the f16 in the low bits of a word, as the device converts it.
    pub fn half_value(&mut self, word: Id) -> Id {
        let [one, two] = self.f16();
        let pair = self.op(Op::Bitcast, two, &[word]);
        let h = self.b.composite_extract(one, None, pair, [0]).expect("a block is open");
        self.op(Op::FConvert, self.f32, &[h])
    }

    /// An f32 as the f16 that the device makes of it.
    fn half_of(&mut self, x: Id) -> Id {
        let [one, _] = self.f16();
        self.op(Op::FConvert, one, &[x])
    }

    /// The bits of the f16 that the device makes of an f32.
    pub fn half_word(&mut self, x: Id) -> Id {
        let [one, two] = self.f16();
        let h = self.half_of(x);
        let zero = *self.constants.entry((one, 0)).or_insert_with(|| self.b.constant_bit32(one, 0));
        let pair = self.op(Op::CompositeConstruct, two, &[h, zero]);
        self.op(Op::Bitcast, self.u32, &[pair])
    }

    /// An f32 rounded to f16 by the device. Drivers drop a conversion that is undone at once (NVIDIA's 580.159.04 does),
    /// so something is added between that is 0, which they cannot know: the highest bit of the second pushed word, a
    /// number of invocations.
    pub fn through_half(&mut self, x: Id) -> Id {
        let h = self.half_word(x);
        let row = self.pushed(1);
        let zero = self.word_op(Op::ShiftRightLogical, row, 31);
        let h = self.op(Op::BitwiseOr, self.u32, &[h, zero]);
        self.half_value(h)
    }

    /// A sum, difference or product of values of f16, given and returned as f32, as the device makes it in f16. What f32
    /// gives, rounded, is the same: it has more than twice the bits, and two to spare.
    pub fn in_half(&mut self, op: Op, x: Id, y: Id) -> Id {
        let [one, _] = self.f16();
        let (x, y) = (self.half_of(x), self.half_of(y));
        let h = self.op(op, one, &[x, y]);
        self.op(Op::FConvert, self.f32, &[h])
    }

    fn u32x2(&mut self) -> Id {
        let u = self.u32;
        *self.u32x2.get_or_insert_with(|| self.b.type_vector(u, 2))
    }

    // ---- instructions ----

    /// One instruction with a result.
    pub fn op(&mut self, op: Op, kind: Id, args: &[Id]) -> Id {
        let id = self.b.id();
        let args = args.iter().map(|&a| Operand::IdRef(a)).collect();
        self.b
            .insert_into_block(InsertPoint::End, Instruction::new(op, Some(kind), Some(id), args))
            .expect("a block is open");
        // Results must not depend on which products a driver fuses with sums.
        if matches!(op, Op::FAdd | Op::FSub | Op::FMul | Op::FDiv) {
            self.b.decorate(id, Decoration::NoContraction, []);
        }
        id
    }

    /// The square root of an f32.
    pub fn sqrt(&mut self, x: Id) -> Id {
        let (set, kind) = (self.glsl, self.f32);
        self.b.ext_inst(kind, None, set, GLSL_SQRT, [Operand::IdRef(x)]).expect("a block is open")
    }

    /// A 32-bit constant.
    pub fn u(&mut self, x: u32) -> Id {
        let kind = self.u32;
        *self.constants.entry((kind, x.into())).or_insert_with(|| self.b.constant_bit32(kind, x))
    }

    /// A 64-bit constant.
    pub fn long(&mut self, x: u64) -> Id {
        let kind = self.u64();
        *self.constants.entry((kind, x)).or_insert_with(|| self.b.constant_bit64(kind, x))
    }

    /// An f32 constant. Infinities and NaN are made of bits, which no compiler folds away.
    pub fn f(&mut self, x: f32) -> Id {
        if !x.is_finite() {
            let bits = self.u(x.to_bits());
            return self.as_f32(bits);
        }
        let kind = self.f32;
        *self.constants.entry((kind, x.to_bits().into())).or_insert_with(|| self.b.constant_bit32(kind, x.to_bits()))
    }

    /// A truth value.
    pub fn truth(&mut self, x: bool) -> Id {
        let kind = self.bool;
        let b = &mut self.b;
        *self
            .constants
            .entry((kind, x.into()))
            .or_insert_with(|| if x { b.constant_true(kind) } else { b.constant_false(kind) })
    }

    /// The bits of a word as f32.
    pub fn as_f32(&mut self, x: Id) -> Id {
        self.op(Op::Bitcast, self.f32, &[x])
    }
    /// The bits of an f32.
    pub fn bits(&mut self, x: Id) -> Id {
        self.op(Op::Bitcast, self.u32, &[x])
    }
    /// Two words, the low one first, as a 64-bit integer.
    pub fn join(&mut self, low: Id, high: Id) -> Id {
        let (pair, kind) = (self.u32x2(), self.u64());
        let v = self.op(Op::CompositeConstruct, pair, &[low, high]);
        self.op(Op::Bitcast, kind, &[v])
    }
    /// The words of a 64-bit integer, the low one first.
    pub fn split(&mut self, x: Id) -> [Id; 2] {
        let pair = self.u32x2();
        let v = self.op(Op::Bitcast, pair, &[x]);
        [0, 1].map(|i| self.b.composite_extract(self.u32, None, v, [i]).expect("a block is open"))
    }
    /// `c ? x : y` of the type `kind`.
    pub fn select(&mut self, kind: Id, c: Id, x: Id, y: Id) -> Id {
        self.op(Op::Select, kind, &[c, x, y])
    }
    /// `x op y` on words, `y` a constant.
    pub fn word_op(&mut self, op: Op, x: Id, y: u32) -> Id {
        let y = self.u(y);
        self.op(op, self.u32, &[x, y])
    }

    // ---- memory ----

    /// Word `index` of a buffer.
    pub fn load(&mut self, buffer: usize, index: Id) -> Id {
        let zero = self.u(0);
        let p = self.op(Op::AccessChain, self.word, &[self.buffers[buffer], zero, index]);
        self.op(Op::Load, self.u32, &[p])
    }
    /// Sets word `index` of a buffer.
    pub fn store(&mut self, buffer: usize, index: Id, x: Id) {
        let zero = self.u(0);
        let p = self.op(Op::AccessChain, self.word, &[self.buffers[buffer], zero, index]);
        self.b.store(p, x, None, []).expect("a block is open");
    }
    /// Words `4·index` to `4·index + 3` of a buffer of vectors.
    pub fn load_vector(&mut self, buffer: usize, index: Id) -> [Id; 4] {
        let [kind, pointer] = self.vectors.expect("the buffer is one of vectors");
        let zero = self.u(0);
        let p = self.op(Op::AccessChain, pointer, &[self.buffers[buffer], zero, index]);
        let v = self.op(Op::Load, kind, &[p]);
        [0, 1, 2, 3].map(|i| self.b.composite_extract(self.u32, None, v, [i]).expect("a block is open"))
    }
    /// Sets words `4·index` to `4·index + 3` of a buffer of vectors.
    pub fn store_vector(&mut self, buffer: usize, index: Id, words: [Id; 4]) {
        let [kind, pointer] = self.vectors.expect("the buffer is one of vectors");
        let zero = self.u(0);
        let v = self.op(Op::CompositeConstruct, kind, &words);
        let p = self.op(Op::AccessChain, pointer, &[self.buffers[buffer], zero, index]);
        self.b.store(p, v, None, []).expect("a block is open");
    }
    /// Changes word `index` of a buffer by an atomic operation whose order does not matter, such as a maximum.
    pub fn atomic(&mut self, op: Op, buffer: usize, index: Id, x: Id) {
        let (zero, device) = (self.u(0), self.u(spirv::Scope::Device as u32));
        let p = self.op(Op::AccessChain, self.word, &[self.buffers[buffer], zero, index]);
        self.op(op, self.u32, &[p, device, zero, x]);
    }
    /// Sets the bits of `mask` in word `index` of a buffer to those of `x`; other invocations may set others of the word.
    pub fn store_bits(&mut self, buffer: usize, index: Id, mask: Id, x: Id) {
        let others = self.op(Op::Not, self.u32, &[mask]);
        self.atomic(Op::AtomicAnd, buffer, index, others);
        self.atomic(Op::AtomicOr, buffer, index, x);
    }
    /// Word `i` of the push constants.
    pub fn pushed(&mut self, i: usize) -> Id {
        let (zero, i) = (self.u(0), self.u(i as u32));
        let p = self.op(Op::AccessChain, self.push_word, &[self.push, zero, i]);
        self.op(Op::Load, self.u32, &[p])
    }
    /// The number of this invocation in a grid whose rows (along y) hold `row` invocations.
    pub fn number(&mut self, row: Id) -> Id {
        let v3 = self.b.type_vector(self.u32, 3);
        let v = self.op(Op::Load, v3, &[self.invocation]);
        let [x, y] = [0, 1].map(|i| self.b.composite_extract(self.u32, None, v, [i]).expect("a block is open"));
        let y = self.op(Op::IMul, self.u32, &[y, row]);
        self.op(Op::IAdd, self.u32, &[x, y])
    }

    // ---- control ----

    /// A variable of this type; it holds nothing yet.
    pub fn variable(&mut self, kind: Id) -> Id {
        let pointer = self.b.type_pointer(None, StorageClass::Function, kind);
        let id = self.b.id();
        let place = Operand::StorageClass(StorageClass::Function);
        let made = Instruction::new(Op::Variable, Some(pointer), Some(id), vec![place]);
        // Variables stand at the beginning of the function.
        let here = self.b.selected_block();
        self.b.select_block(Some(0)).expect("the first block is there");
        self.b.insert_into_block(InsertPoint::Begin, made).expect("a block is selected");
        self.b.select_block(here).expect("it was selected before");
        id
    }
    /// What a variable of this type holds.
    pub fn get(&mut self, kind: Id, variable: Id) -> Id {
        self.op(Op::Load, kind, &[variable])
    }
    /// Sets a variable.
    pub fn set(&mut self, variable: Id, x: Id) {
        self.b.store(variable, x, None, []).expect("a block is open");
    }

    /// Runs `body` with start, start + step, … below `end` (words without sign; the sum does not pass 2^32).
    pub fn repeat(&mut self, start: Id, end: Id, step: Id, body: impl FnOnce(&mut Code, Id)) {
        self.repeat_while(start, step, |c, i| c.op(Op::ULessThan, c.bool, &[i, end]), body);
    }

    /// Runs `body` with start, start + step, … as long as `more` holds, which is asked before each.
    pub fn repeat_while(
        &mut self,
        start: Id,
        step: Id,
        more: impl FnOnce(&mut Code, Id) -> Id,
        body: impl FnOnce(&mut Code, Id),
    ) {
        let kind = self.u32;
        let counter = self.variable(kind);
        self.set(counter, start);
        let [head, test, inside, next, after] = std::array::from_fn(|_| self.b.id());
        self.b.branch(head).expect("a block is open");
        self.b.begin_block(Some(head)).expect("the block was ended");
        self.b.loop_merge(after, next, spirv::LoopControl::NONE, []).expect("a block is open");
        self.b.branch(test).expect("a block is open");
        self.b.begin_block(Some(test)).expect("the block was ended");
        let i = self.get(kind, counter);
        let more = more(self, i);
        self.b.branch_conditional(more, inside, after, []).expect("a block is open");
        self.b.begin_block(Some(inside)).expect("the block was ended");
        body(self, i);
        self.b.branch(next).expect("a block is open");
        self.b.begin_block(Some(next)).expect("the block was ended");
        let i = self.op(Op::IAdd, kind, &[i, step]);
        self.set(counter, i);
        self.b.branch(head).expect("a block is open");
        self.b.begin_block(Some(after)).expect("the block was ended");
    }

    /// Runs `body` where `condition` holds.
    pub fn when(&mut self, condition: Id, body: impl FnOnce(&mut Code)) {
        let (inside, after) = (self.b.id(), self.b.id());
        self.b.selection_merge(after, spirv::SelectionControl::NONE).expect("a block is open");
        self.b.branch_conditional(condition, inside, after, []).expect("a block is open");
        self.b.begin_block(Some(inside)).expect("the block was ended");
        body(self);
        self.b.branch(after).expect("a block is open");
        self.b.begin_block(Some(after)).expect("the block was ended");
    }
}
