//! Functions in files, whose format is `mlx/src/functions.rs`, and graphs as DOT.

use crate::array::PyArray;
use crate::dtype::PyDtype;
use crate::error::{Fail, R, carry, runtime, type_, value};
use crate::tree;
use mlx::{Array, FunctionFile, Graph, Listing, RecordedCall, read_functions, write_functions};
use mlx_ir::op::{Op, ReduceKind};
use mlx_ir::{Aval, Func};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Mutex;

/// Names of values in order: A … Z, AA, AB …
fn letters(mut n: usize) -> String {
    let mut out = Vec::new();
    loop {
        out.push(b'A' + (n % 26) as u8);
        if n < 26 {
            break;
        }
        n = n / 26 - 1;
    }
    out.iter().rev().map(|&b| b as char).collect()
}

/// Positional arrays and arrays by name.
struct Call {
    positional: Vec<Array>,
    named: BTreeMap<String, Array>,
}

impl Call {
    /// From arrays and arrays by keyword, or one tuple or list of arrays and one dictionary.
    fn of(op: &str, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> R<Call> {
        let bad = || {
            value(format!(
                "[{op}] Inputs can either be a variable number of positional and keyword arrays or a single tuple and/or dictionary of arrays."
            ))
        };
        let array = |o: &Bound<'_, PyAny>| Ok::<_, Fail>(o.cast::<PyArray>().map_err(|_| bad())?.get().get());
        let mut call = Call { positional: Vec::new(), named: BTreeMap::new() };
        let by_name = |d: &Bound<'_, PyDict>, named: &mut BTreeMap<String, Array>| -> R<()> {
            for (k, x) in d.iter() {
                let k = k.cast::<PyString>().map_err(|_| bad())?.to_string();
                named.insert(k, array(&x)?);
            }
            Ok(())
        };
        let mut rest: Vec<Bound<'_, PyAny>> = args.iter().collect();
        let none = kwargs.is_none_or(|k| k.is_empty());
        let sequence = |o: &Bound<'_, PyAny>| o.cast::<PyTuple>().is_ok() || o.cast::<PyList>().is_ok();
        if none && (1..=2).contains(&rest.len()) && rest.iter().all(|o| o.cast::<PyArray>().is_err()) {
            if let Ok(d) = rest[rest.len() - 1].cast::<PyDict>() {
                by_name(d, &mut call.named)?;
                rest.pop();
            }
            if let [only] = &rest[..] {
                if !sequence(only) {
                    return Err(bad());
                }
                rest = only.try_iter()?.collect::<PyResult<_>>()?;
            } else if !rest.is_empty() {
                return Err(bad());
            }
        } else if let Some(k) = kwargs {
            by_name(k, &mut call.named)?;
        }
        call.positional = rest.iter().map(array).collect::<R<_>>()?;
        Ok(call)
    }

    fn arrays(&self) -> Vec<Array> {
        self.positional.iter().chain(self.named.values()).cloned().collect()
    }
    fn names(&self) -> Vec<String> {
        self.named.keys().cloned().collect()
    }

    /// The function recorded for these arguments.
    fn record(&self, fun: &Bound<'_, PyAny>, shapeless: bool) -> R<Graph> {
        let py = fun.py();
        let avals: Vec<Aval> = self.arrays().iter().map(|a| a.aval().clone()).collect();
        let run = |holes: &[Array]| -> R<Vec<Array>> {
            let (first, second) = holes.split_at(self.positional.len());
            let args = first.iter().map(|a| tree::object(py, a.clone())).collect::<R<Vec<_>>>()?;
            let kwargs = PyDict::new(py);
            for (k, a) in self.named.keys().zip(second) {
                kwargs.set_item(k, tree::object(py, a.clone())?)?;
            }
            let out = fun.call(PyTuple::new(py, args)?, Some(&kwargs))?;
            let bad = || value("[export_function] Outputs can be either a single array, a tuple, or a list of arrays.");
            if let Ok(a) = out.cast::<PyArray>() {
                return Ok(vec![a.get().get()]);
            }
            if out.cast::<PyTuple>().is_err() && out.cast::<PyList>().is_err() {
                return Err(bad());
            }
            out.try_iter()?.map(|x| Ok(x?.cast::<PyArray>().map_err(|_| bad())?.get().get())).collect()
        };
        let f = |holes: &[Array]| run(holes).map_err(carry);
        let graph = if shapeless { Graph::record_shapeless(&avals, f)? } else { Graph::record(&avals, f)? };
        Ok(graph.with_sources())
    }
}

/// How many arguments of a recorded call have no names.
fn positional(f: &RecordedCall) -> usize {
    f.graph.inputs().len().saturating_sub(f.names.len())
}

/// Whether a recorded call is one with such arguments.
fn takes(f: &RecordedCall, call: &Call, shapeless: bool) -> bool {
    // As in the official package, arrays by keyword may follow for positional ones where no keywords were recorded.
    let fits = f.names.is_empty() || positional(f) == call.positional.len() && f.names == call.names();
    let given = call.positional.len() + call.named.len();
    fits && f.graph.inputs().len() == given
        && f.graph.inputs().iter().zip(call.arrays()).all(|(e, a)| {
            e.dtype == a.dtype() && if shapeless { e.ndim() == a.ndim() } else { e.shape[..] == *a.shape() }
        })
}

/// Records calls of a function and keeps them in a file.
#[pyclass(module = "mlx.core", frozen, weakref)]
struct FunctionExporter {
    fun: Py<PyAny>,
    path: PathBuf,
    shapeless: bool,
    metadata: String,
    functions: Mutex<Vec<RecordedCall>>,
    closed: std::sync::atomic::AtomicBool,
}

impl FunctionExporter {
    fn new(file: &str, fun: &Bound<'_, PyAny>, shapeless: bool, metadata: Option<&str>) -> R<FunctionExporter> {
        if !fun.is_callable() {
            return Err(type_("[exporter] a callable is needed"));
        }
        let out = FunctionExporter {
            fun: fun.clone().unbind(),
            path: file.into(),
            shapeless,
            metadata: metadata.unwrap_or_default().to_owned(),
            functions: Mutex::default(),
            closed: false.into(),
        };
        out.write(&[])?;
        Ok(out)
    }
    fn write(&self, functions: &[RecordedCall]) -> R<()> {
        let bytes = write_functions(functions, self.shapeless, &self.metadata)?;
        std::fs::write(&self.path, bytes)
            .map_err(|_| runtime(format!("[export_function] Failed to open {}", self.path.display())))
    }
    fn add(&self, py: Python<'_>, call: &Call) -> R<()> {
        use std::sync::atomic::Ordering;
        if self.closed.load(Ordering::Relaxed) {
            return Err(runtime("[export_function] Attempting to write after exporting is closed."));
        }
        let taken = |all: &[RecordedCall]| all.iter().any(|f| takes(f, call, self.shapeless));
        let twice = || {
            runtime("[export_function] Attempting to export a function twice with the same signature is not allowed.")
        };
        if taken(&self.functions.lock().unwrap_or_else(|e| e.into_inner())) {
            return Err(twice());
        }
        // Python code runs here: nothing is locked.
        let graph = call.record(self.fun.bind(py), self.shapeless)?;
        let mut all = self.functions.lock().unwrap_or_else(|e| e.into_inner());
        if taken(&all) {
            return Err(twice());
        }
        all.push(RecordedCall { names: call.names(), graph });
        let written = self.write(&all);
        if written.is_err() {
            all.pop();
        }
        written
    }
}

#[pymethods]
impl FunctionExporter {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(&self, py: Python<'_>, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
        self.add(py, &Call::of("export_function", args, kwargs)?)
    }
    /// Ends the recording.
    fn close(&self) {
        self.closed.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }
    #[pyo3(signature = (exc_type = None, exc_value = None, traceback = None))]
    fn __exit__(
        &self,
        exc_type: Option<Bound<'_, PyAny>>,
        exc_value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) {
        let _ = (exc_type, exc_value, traceback);
        self.close();
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.fun)
    }
}

/// A function from a file.
#[pyclass(name = "nb_func", module = "mlx.core", frozen)]
struct Imported {
    functions: Vec<RecordedCall>,
    shapeless: bool,
}

#[pymethods]
impl Imported {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> R<Bound<'py, PyTuple>> {
        let op = "import_function::call";
        let call = Call::of(op, args, kwargs)?;
        let Some(f) = self.functions.iter().find(|f| takes(f, &call, self.shapeless)) else {
            let mut text = format!(
                "[{op}] No imported function found which matches the given positional and keyword arguments. Possible functions include:\n"
            );
            for (i, f) in self.functions.iter().enumerate() {
                let n = positional(f);
                let _ =
                    writeln!(text, " {}. Function with {n} positional and {} keyword inputs:", i + 1, f.names.len());
                for (at, a) in f.graph.inputs().iter().enumerate() {
                    let name =
                        f.names.get(at.wrapping_sub(n)).map_or_else(|| (at + 1).to_string(), |k| format!("{k:?}"));
                    let _ = writeln!(text, "   {name}: {:?} {}", a.shape, a.dtype);
                }
            }
            let _ = write!(
                text,
                "Called with {} positional and {} keyword inputs.",
                call.positional.len(),
                call.named.len()
            );
            return Err(value(text));
        };
        let inputs = call.arrays();
        let outs = if self.shapeless { f.graph.replay_shapeless(&inputs)? } else { f.graph.replay(&inputs)? };
        Ok(PyTuple::new(py, outs.into_iter().map(|a| tree::object(py, a)).collect::<R<Vec<_>>>()?)?)
    }
}

/// What an operation is called where graphs are shown.
fn shown(op: &Op) -> String {
    match op {
        Op::Map(m) => match m.tape.as_single() {
            Some(Func::Convert) => "AsType".into(),
            Some(f) => format!("{f:?}"),
            None => "Compiled".into(),
        },
        Op::Reduce(r) => match r.kind {
            ReduceKind::Sum => "Sum".into(),
            ReduceKind::Prod => "Prod".into(),
            other => format!("{other:?}"),
        },
        other => other.name().into(),
    }
}

/// Tells a Python function about a graph, item by item.
fn tell(callback: &Bound<'_, PyAny>, names: &[String], l: &Listing) -> R<()> {
    let py = callback.py();
    // Inputs come first, then outputs, then the rest.
    let mut labels: HashMap<usize, String> = HashMap::new();
    let mut next = 0;
    let order = (0..l.inputs).chain(l.outputs.iter().copied()).chain(l.inputs..l.inputs + l.constants.len());
    for i in order.chain(l.steps.iter().flat_map(|s| s.outputs.iter().copied())) {
        labels.entry(i).or_insert_with(|| {
            next += 1;
            letters(next - 1)
        });
    }
    let described = |at: &[usize]| -> R<Bound<'_, PyList>> {
        let items = at.iter().map(|i| {
            let a = &l.values[*i];
            let shape = PyTuple::new(py, &a.shape)?.into_any();
            let dtype = Bound::new(py, PyDtype(a.dtype))?.into_any();
            Ok(PyTuple::new(py, [PyString::new(py, &labels[i]).into_any(), shape, dtype])?)
        });
        Ok(PyList::new(py, items.collect::<R<Vec<_>>>()?)?)
    };
    let say = |kind: &str, items: &[(&str, Bound<'_, PyAny>)]| -> R<()> {
        let d = PyDict::new(py);
        for (k, v) in items {
            d.set_item(k, v)?;
        }
        d.set_item("type", kind)?;
        callback.call1((d,))?;
        Ok(())
    };
    let inputs: Vec<usize> = (0..l.inputs).collect();
    say("inputs", &[("inputs", described(&inputs)?.into_any())])?;
    let first = l.inputs - names.len();
    let keywords = names.iter().enumerate().map(|(i, n)| (n.clone(), labels[&(first + i)].clone()));
    say("keyword_inputs", &[("keywords", PyList::new(py, keywords)?.into_any())])?;
    say("outputs", &[("outputs", described(&l.outputs)?.into_any())])?;
    let constants = l.constants.iter().enumerate().map(|(i, a)| {
        let label = PyString::new(py, &labels[&(l.inputs + i)]).into_any();
        Ok(PyTuple::new(py, [label, tree::object(py, a.clone())?])?)
    });
    say("constants", &[("constants", PyList::new(py, constants.collect::<R<Vec<_>>>()?)?.into_any())])?;
    for s in &l.steps {
        let arguments = match &s.op {
            Op::Map(_) => PyList::empty(py),
            Op::Broadcast(b) => PyList::new(py, [PyTuple::new(py, &b.shape)?])?,
            Op::Reshape(r) => PyList::new(py, [PyTuple::new(py, &r.shape)?])?,
            Op::Transpose(t) => PyList::new(py, [PyTuple::new(py, &t.axes)?])?,
            // As text: the parameters of the row.
            other => PyList::new(py, [format!("{other:?}")])?,
        };
        say(
            "primitive",
            &[
                ("inputs", described(&s.inputs)?.into_any()),
                ("outputs", described(&s.outputs)?.into_any()),
                ("name", PyString::new(py, &shown(&s.op)).into_any()),
                ("arguments", arguments.into_any()),
            ],
        )?;
    }
    Ok(())
}

/// Records a function for example arguments, into a file or for a callback.
#[pyfunction]
#[pyo3(signature = (file_or_callback, fun, /, *args, shapeless = false, metadata = None, **kwargs))]
fn export_function(
    file_or_callback: &Bound<'_, PyAny>,
    fun: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    shapeless: bool,
    metadata: Option<&str>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> R<()> {
    if !fun.is_callable() {
        return Err(type_("[export_function] a callable is needed"));
    }
    if let Ok(file) = file_or_callback.cast::<PyString>() {
        let call = Call::of("export_function", args, kwargs)?;
        let e = FunctionExporter::new(&file.to_string(), fun, shapeless, metadata)?;
        return e.add(fun.py(), &call);
    }
    if !file_or_callback.is_callable() {
        return Err(type_("[export_function] a file name or a callable is needed"));
    }
    if metadata.is_some() {
        return Err(value(
            "[export_function] The metadata argument is only supported when exporting to a file, not when using a callback.",
        ));
    }
    let call = Call::of("export_function", args, kwargs)?;
    tell(file_or_callback, &call.names(), &call.record(fun, shapeless)?.listing()?)
}

/// Makes an object that records a function, once for each kind of arguments, into one file.
#[pyfunction]
#[pyo3(signature = (file, fun, *, shapeless = false, metadata = None))]
fn exporter(file: &str, fun: &Bound<'_, PyAny>, shapeless: bool, metadata: Option<&str>) -> R<FunctionExporter> {
    FunctionExporter::new(file, fun, shapeless, metadata)
}

/// The function that a file holds. It takes arrays and arrays by keyword, or a tuple and a dictionary of them, and returns
/// a tuple of arrays.
#[pyfunction]
#[pyo3(signature = (file, return_metadata = false))]
fn import_function<'py>(py: Python<'py>, file: &str, return_metadata: bool) -> R<Bound<'py, PyAny>> {
    let bytes = std::fs::read(file).map_err(|e| runtime(format!("[import_function] Failed to open {file}: {e}")))?;
    let FunctionFile { calls: functions, shapeless, metadata } =
        read_functions(&bytes).map_err(|e| runtime(format!("{} ({file})", e.message)))?;
    let f = Bound::new(py, Imported { functions, shapeless })?.into_any();
    if return_metadata {
        return Ok(PyTuple::new(py, [f, PyString::new(py, &metadata).into_any()])?.into_any());
    }
    Ok(f)
}

/// Draws what the given arrays are waiting for as a graph in the language DOT. Arrays given by keyword are shown by name.
#[pyfunction]
#[pyo3(signature = (file, *args, **kwargs))]
fn export_to_dot(file: &Bound<'_, PyAny>, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
    let outputs = tree::arrays(args.as_any())?;
    let mut names: HashMap<(usize, u32), String> = HashMap::new();
    if let Some(k) = kwargs {
        for (k, x) in k.iter() {
            let x = x.cast::<PyArray>().map_err(|_| value("[export_to_dot] Keyword arguments must be arrays."))?;
            names.insert(x.get().get().id(), k.to_string());
        }
    }
    let wanted: HashSet<(usize, u32)> = outputs.iter().map(Array::id).collect();
    let mut text = String::from("digraph {\n");
    let (mut named, mut drawn, mut used) = (HashSet::new(), HashSet::new(), names.len());
    // Depth first with a stack of one's own: (array, whether its inputs are done).
    let mut todo: Vec<(Array, bool)> = outputs.iter().rev().map(|a| (a.clone(), false)).collect();
    let mut order: Vec<Array> = Vec::new();
    while let Some((a, done)) = todo.pop() {
        let call = a.id().0;
        if done {
            order.push(a);
        } else if drawn.insert(call) {
            let inputs = a.inputs();
            todo.push((a, true));
            todo.extend(inputs.into_iter().rev().map(|i| (i, false)));
        }
    }
    let mut is_input: HashSet<(usize, u32)> = HashSet::new();
    order.iter().for_each(|a| is_input.extend(a.inputs().iter().map(Array::id)));
    let mut label = |a: &Array, text: &mut String, leaf: bool| -> String {
        let own = names.get(&a.id()).cloned();
        let name = own.unwrap_or_else(|| {
            used += 1;
            letters(used - 1)
        });
        names.insert(a.id(), name.clone());
        if named.insert(a.id()) {
            let rank = if leaf {
                "rank=source; "
            } else if wanted.contains(&a.id()) && !is_input.contains(&a.id()) {
                "rank=sink; "
            } else {
                ""
            };
            let _ = writeln!(text, "{{ {rank}\"{name}\"; }}");
        }
        name
    };
    for a in &order {
        let inputs = a.inputs();
        if inputs.is_empty() && (matches!(a.op(), Op::Leaf | Op::Hole) || a.is_evaluated()) {
            label(a, &mut text, true);
            continue;
        }
        let call = a.id().0;
        let _ = writeln!(text, "{{ {call} [label =\"{}\", shape=rectangle]; }}", shown(a.op()));
        for i in &inputs {
            let name = label(i, &mut text, false);
            let _ = writeln!(text, "\"{name}\" -> {call}");
        }
        for out in a.siblings() {
            let name = label(&out, &mut text, false);
            let _ = writeln!(text, "{call} -> \"{name}\"");
        }
    }
    text.push('}');
    if let Ok(path) = file.cast::<PyString>() {
        let path = path.to_string();
        return std::fs::write(&path, text).map_err(|e| runtime(format!("[export_to_dot] Failed to open {path}: {e}")));
    }
    if !file.hasattr("write")? {
        return Err(value("[export_to_dot] Accepts file-like objects or strings to be used as filenames."));
    }
    file.call_method1("write", (text,))?;
    Ok(())
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<FunctionExporter>()?;
    m.add_function(wrap_pyfunction!(export_function, m)?)?;
    m.add_function(wrap_pyfunction!(exporter, m)?)?;
    m.add_function(wrap_pyfunction!(import_function, m)?)?;
    m.add_function(wrap_pyfunction!(export_to_dot, m)?)
}
