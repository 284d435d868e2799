//! Files' pages in place, uploads, and what happens when memory ends.

use crate::VulkanBackend;
use crate::testing::{host_array, run, without};
use mlx_cpu::host;
use mlx_ir::op::Contiguous;
use mlx_ir::{Backend, Buffer, DType, Desc, ErrorKind, Memory, Op, Operand, Pages};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// What looks like a mapped file: whole pages, of which the system may be told that they are not needed.
struct File {
    bytes: Vec<u8>,
    /// Where the first whole page begins.
    skip: usize,
    let_go: Mutex<Vec<Range<usize>>>,
}

struct Part(Arc<File>, Range<usize>);

impl Pages for Part {
    fn map(&self) -> Range<usize> {
        let first = self.0.bytes.as_ptr().addr() + self.0.skip;
        first..first + (self.0.bytes.len() - self.0.skip) / 4096 * 4096
    }
    fn not_needed(&self, part: Range<usize>) {
        self.0.let_go.lock().unwrap().push(self.1.start + part.start..self.1.start + part.end);
    }
}

impl Memory for Part {
    fn ptr(&self) -> *mut u8 {
        self.0.bytes[self.0.skip + self.1.start..].as_ptr().cast_mut()
    }
    fn len(&self) -> usize {
        self.1.len()
    }
    fn writable(&self) -> bool {
        false
    }
    fn pages(&self) -> Option<Arc<dyn Pages>> {
        Some(Arc::new(Part(self.0.clone(), self.1.clone())))
    }
}

fn byte(i: usize) -> u8 {
    (i * 7 % 251) as u8
}

/// A file of so many bytes.
fn file(len: usize) -> Arc<File> {
    let mut bytes = vec![0; len.next_multiple_of(4096) + 4096];
    let skip = bytes.as_ptr().align_offset(4096);
    for (i, b) in bytes[skip..skip + len].iter_mut().enumerate() {
        *b = byte(i);
    }
    Arc::new(File { bytes, skip, let_go: Mutex::default() })
}

fn operand(f: &Arc<File>, part: Range<usize>) -> Operand {
    let desc = Desc::contiguous(&[part.len()], DType::U8);
    Operand { desc, buffer: Buffer::new(Part(f.clone(), part)), offset: 0 }
}

/// What the device reads of an operand.
fn read(b: &VulkanBackend, o: &Operand) -> Vec<u8> {
    let made = run(b, &Op::Contiguous(Contiguous {}), std::slice::from_ref(o), std::slice::from_ref(&o.desc));
    host::to_vec(&made.expect("copies have a kernel")[0])
}

fn expected(part: Range<usize>) -> Vec<u8> {
    part.map(byte).collect()
}

#[test]
fn a_files_pages_are_read_in_place() {
    let Some(b) = without("") else { return };
    if !b.adapter().unified || !b.caps().host_import || !b.caps().coherent {
        return eprintln!("not tested: this device does not read pages of the host");
    }
    let f = file(300_000);
    // Not at the start of a page, nor at its end.
    let parts = [5_000..105_000, 105_000..300_000];
    let weights = parts.clone().map(|p| operand(&f, p));
    for (w, p) in weights.iter().zip(&parts) {
        assert_eq!(read(&b, w), expected(p.clone()));
    }
    let imported = b.imported();
    // Lavapipe does; what others refuse was copied.
    if imported == 0 && !b.adapter().name.contains("llvmpipe") {
        return eprintln!("not tested: this driver takes no pages of files");
    }
    // Another look imports nothing again.
    assert!((295_000..320_000).contains(&imported), "{imported}");
    assert_eq!(read(&b, &weights[1]), expected(parts[1].clone()));
    assert_eq!((b.imported(), b.memory().active), (imported, 0));
    // A part of a buffer, at an offset.
    let inside = Operand { desc: Desc::contiguous(&[20_000], DType::U8), offset: 40_001, ..weights[1].clone() };
    assert_eq!(read(&b, &inside), expected(145_001..165_001));
    assert!(f.let_go.lock().unwrap().is_empty(), "pages in use are kept");
    drop((weights, inside));
    assert_eq!(b.imported(), 0);
    assert_eq!(Arc::strong_count(&f), 1);
}

#[test]
fn pages_live_as_long_as_work_that_reads_them() {
    let Some(b) = without("") else { return };
    let f = file(100_000);
    let w = operand(&f, 0..100_000);
    let out = Operand { buffer: b.alloc(100_000).unwrap(), ..w.clone() };
    let done = b.launch(&Op::Contiguous(Contiguous {}), std::slice::from_ref(&w), std::slice::from_ref(&out));
    assert_eq!(done.unwrap(), mlx_ir::Launch::Done);
    drop(w);
    if b.imported() > 0 {
        assert!(Arc::strong_count(&f) > 1, "the recorded work holds them");
    }
    out.buffer.to_host().unwrap();
    assert_eq!(host::to_vec::<u8>(&out), expected(0..100_000));
    b.synchronize().unwrap();
    assert_eq!((b.imported(), Arc::strong_count(&f)), (0, 1));
}

#[test]
fn what_cannot_be_imported_is_copied_and_its_pages_are_let_go() {
    for list in ["host_import", "coherent", "unified", "unified,rebar", "unified,rebar,push_descriptor"] {
        let Some(b) = without(list) else { return };
        // Three pieces and a bit, not a multiple of anything.
        let len = (25 << 20) + 13;
        let f = file(len);
        let w = operand(&f, 3..len);
        assert_eq!(read(&b, &w), expected(3..len), "{list}");
        assert_eq!(b.imported(), 0);
        assert!(b.memory().active >= len - 3, "{list}: {:?}", b.memory());
        let let_go = f.let_go.lock().unwrap();
        assert_eq!(let_go.iter().map(Range::len).sum::<usize>(), len - 3, "{list}: {let_go:?}");
        drop(w);
        assert_eq!(b.memory().active, 0, "{list}");
    }
}

#[test]
fn memory_that_ended_comes_back() {
    const M: usize = 1 << 20;
    for list in ["memory=67108864", "memory=67108864,unified", "memory=67108864,unified,rebar"] {
        let Some(b) = without(list) else { return };
        // What is kept is given back before anything is refused.
        let two = [b.alloc(20 * M).unwrap(), b.alloc(20 * M).unwrap()];
        drop(two);
        assert!(b.memory().cache >= 40 * M);
        let large = b.alloc(50 * M).unwrap();
        assert_eq!(b.memory().cache, 0);
        let e = b.alloc(20 * M).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Memory, "{e}");
        drop(large);
        // Work in flight holds memory: it is waited for.
        let words = vec![7u32; 5 * M];
        let x = host_array(&[5 * M], &words);
        let y = Operand { buffer: b.alloc(20 * M).unwrap(), ..x.clone() };
        let done = b.launch(&Op::Contiguous(Contiguous {}), std::slice::from_ref(&x), std::slice::from_ref(&y));
        assert_eq!(done.unwrap(), mlx_ir::Launch::Done);
        drop((x, y));
        let again = b.alloc(50 * M).unwrap();
        // An operand that finds no room is an error; the next one that does is computed.
        let x = host_array(&[5 * M], &words);
        let y = Operand { buffer: b.alloc(4096).unwrap(), desc: Desc::contiguous(&[1024], DType::U32), offset: 0 };
        let op = Op::Contiguous(Contiguous {});
        let e = b.launch(&op, std::slice::from_ref(&x), &[Operand { buffer: y.buffer.clone(), ..x.clone() }]);
        assert_eq!(e.unwrap_err().kind, ErrorKind::Memory);
        drop(again);
        let few = host_array(&[1024], &words[..1024]);
        assert_eq!(
            run(&b, &op, std::slice::from_ref(&few), std::slice::from_ref(&few.desc))
                .map(|o| host::to_vec::<u32>(&o[0])),
            Some(vec![7; 1024])
        );
        b.synchronize().unwrap();
    }
}

#[test]
fn a_memory_limit_is_kept() {
    let Some(b) = without("") else { return };
    b.set_memory_limit(10 << 20);
    let held = b.alloc(6 << 20).unwrap();
    let e = b.alloc(6 << 20).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Memory);
    drop(held);
    // What is kept counts, and is given back for it.
    assert!(b.alloc(9 << 20).is_ok());
    assert!(b.set_memory_limit(usize::MAX) == 10 << 20 && b.alloc(20 << 20).is_ok());
}

#[test]
fn a_lost_device_is_an_error_that_names_the_last_kernel() {
    let last =
        [("batches=3", "map astype uint8"), ("batches=3,timeline", "map astype uint8"), ("batches=3,unified", "copy")];
    for (list, last) in last {
        let Some(b) = without(list) else { return };
        let f = file(70_000);
        let w = operand(&f, 0..70_000);
        let op = Op::Contiguous(Contiguous {});
        let mut outs = Vec::new();
        let mut failed = None;
        for _ in 0..10 {
            let out = Operand { buffer: b.alloc(70_000).unwrap(), ..w.clone() };
            let done = b.launch(&op, std::slice::from_ref(&w), std::slice::from_ref(&out));
            match done.and_then(|_| out.buffer.to_host()) {
                Ok(()) => assert_eq!(host::to_vec::<u8>(&out), expected(0..70_000), "{list}"),
                Err(e) => failed = Some(e),
            }
            outs.push(out);
        }
        let e = failed.expect("it was lost");
        assert_eq!(e.kind, ErrorKind::Device);
        assert!(
            e.message.contains("lost")
                && (e.message.contains(&format!("last kernel is {last}"))
                    || list != "batches=3,unified" && !b.adapter().unified),
            "{list}: {e}"
        );
        // It stays so, for everything that needs the device, and nothing hangs.
        assert_eq!(b.synchronize().unwrap_err(), e);
        assert_eq!(outs[0].buffer.wait(), Ok(()), "what was done before is done");
        assert!(b.launch(&op, std::slice::from_ref(&w), std::slice::from_ref(&outs[0])).is_err());
        drop((outs, w, b));
        assert_eq!(Arc::strong_count(&f), 1);
    }
}
