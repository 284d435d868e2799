//! `mx.compile`: a Python function is run once for each kind of arguments; afterwards its recorded graph is used.

use crate::array::PyArray;
use crate::error::{R, carry, value};
use crate::random_state::RandomState;
use crate::transforms::{Function, Kind};
use crate::tree;
use mlx::ops::random;
use mlx::{Array, Graph};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Recorded graphs that one function keeps; with more kinds of arguments it starts anew.
const MOST: usize = 1024;

struct Entry {
    graph: Graph,
    /// What the function returned; its arrays are replaced by those of a replay.
    result: Py<PyAny>,
}

/// A compiled function's captured state and recorded graphs.
pub struct Compiled {
    inputs: Option<Py<PyAny>>,
    outputs: Option<Py<PyAny>>,
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

static DISABLED: AtomicBool = AtomicBool::new(false);

fn disabled() -> bool {
    static BY_ENVIRONMENT: OnceLock<bool> = OnceLock::new();
    DISABLED.load(Ordering::Relaxed)
        || *BY_ENVIRONMENT.get_or_init(|| std::env::var_os("MLX_DISABLE_COMPILE").is_some())
}

/// A place of captured state that holds an array.
enum Slot<'py> {
    /// The state is an array itself, or in a tuple.
    Object(Bound<'py, PyArray>),
    Item(Bound<'py, PyList>, usize),
    Key(Bound<'py, PyDict>, Bound<'py, PyAny>),
    Random,
}

impl Slot<'_> {
    /// Puts an array there. In lists and dictionaries it becomes a new object: the old one may be held elsewhere and
    /// keeps its value.
    fn put(&self, a: Array) -> R<()> {
        match self {
            Slot::Object(o) => o.get().set(a),
            Slot::Item(l, i) => l.set_item(*i, tree::object(l.py(), a)?)?,
            Slot::Key(d, k) => d.set_item(k, tree::object(d.py(), a)?)?,
            Slot::Random => random::set_state(a),
        }
        Ok(())
    }
}

fn collect<'py>(x: &Bound<'py, PyAny>, own: Slot<'py>, out: &mut Vec<(Slot<'py>, Array)>) -> R<()> {
    if let Ok(a) = x.cast::<PyArray>() {
        out.push((own, a.get().get()));
        return Ok(());
    }
    slots_in(x, out)
}

fn slots_in<'py>(state: &Bound<'py, PyAny>, out: &mut Vec<(Slot<'py>, Array)>) -> R<()> {
    if let Ok(a) = state.cast::<PyArray>() {
        out.push((Slot::Object(a.clone()), a.get().get()));
    } else if state.cast::<RandomState>().is_ok() {
        out.push((Slot::Random, random::state()?));
    } else if let Ok(l) = state.cast::<PyList>() {
        for (i, x) in l.iter().enumerate() {
            collect(&x, Slot::Item(l.clone(), i), out)?;
        }
    } else if let Ok(d) = state.cast::<PyDict>() {
        for (k, x) in d.iter() {
            collect(&x, Slot::Key(d.clone(), k), out)?;
        }
    } else if let Ok(t) = state.cast::<PyTuple>() {
        t.iter().try_for_each(|x| slots_in(&x, out))?;
    }
    Ok(())
}

/// The places of captured state that hold arrays, in order, and the arrays.
fn slots<'py>(state: Option<&Bound<'py, PyAny>>) -> R<Vec<(Slot<'py>, Array)>> {
    let mut out = Vec::new();
    if let Some(s) = state {
        slots_in(s, &mut out)?;
    }
    Ok(out)
}

/// Writes the structure and the constants of a tree, and the shapes and dtypes of its arrays. With `strict` other leaves
/// than constants are refused.
fn describe(o: &Bound<'_, PyAny>, strict: bool, key: &mut String) -> R<()> {
    if let Ok(a) = o.cast::<PyArray>() {
        let a = a.get().get();
        let _ = write!(key, "{:?}{:?},", a.dtype(), a.shape());
        return Ok(());
    }
    if let Ok(l) = o.cast::<PyList>() {
        let _ = write!(key, "[{}:", l.len());
        return l.iter().try_for_each(|x| describe(&x, strict, key));
    }
    if let Ok(t) = o.cast::<PyTuple>() {
        let _ = write!(key, "({}:", t.len());
        return t.iter().try_for_each(|x| describe(&x, strict, key));
    }
    if let Ok(d) = o.cast::<PyDict>() {
        let _ = write!(key, "{{{}:", d.len());
        for (k, x) in d.iter() {
            let _ = write!(key, "{:?}=", k.repr()?.to_string());
            describe(&x, strict, key)?;
        }
        return Ok(());
    }
    let constant = o.is_none()
        || o.is_instance_of::<PyBool>()
        || o.is_instance_of::<PyInt>()
        || o.is_instance_of::<PyFloat>()
        || o.is_instance_of::<PyString>();
    if constant {
        let _ = write!(key, "{}{:?},", o.get_type().name()?, o.repr()?.to_string());
    } else if strict {
        return Err(value(format!(
            "[compile] Function arguments must be trees of arrays or constants (floats, ints, strings, or None), but received type {}.",
            o.get_type().name()?
        )));
    } else {
        key.push('?');
    }
    Ok(())
}

impl Compiled {
    /// Visits what is captured.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.inputs.iter().chain(&self.outputs).try_for_each(|s| visit.call(s))?;
        if let Ok(e) = self.entries.try_lock() {
            e.values().try_for_each(|e| visit.call(&e.result))?;
        }
        Ok(())
    }

    /// Calls the function, or its recorded graph.
    pub fn call<'py>(
        &self,
        fun: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> R<Bound<'py, PyAny>> {
        if disabled() {
            return Ok(fun.call(args, kwargs)?);
        }
        let py = fun.py();
        let none = PyDict::new(py);
        let kwargs = kwargs.unwrap_or(&none);
        let all = PyTuple::new(py, [args.as_any(), kwargs.as_any()])?.into_any();
        let state_in = self.inputs.as_ref().map(|s| s.bind(py));
        let state_out = self.outputs.as_ref().map(|s| s.bind(py));
        let mut key = format!("{:?}", mlx::current_stream());
        describe(&all, true, &mut key)?;
        if let Some(s) = state_in {
            describe(s, false, &mut key)?;
        }
        let mut inputs = tree_arrays(&all)?;
        let own = inputs.len();
        inputs.extend(slots(state_in)?.into_iter().map(|s| s.1));
        let known = self.entries.lock().unwrap_or_else(|e| e.into_inner()).get(&key).cloned();
        let entry = match known {
            Some(e) => e,
            None => {
                let e = Arc::new(record(fun, &all, &inputs, own, state_in, state_out)?);
                let mut entries = self.entries.lock().unwrap_or_else(|e| e.into_inner());
                let dropped = if entries.len() >= MOST { std::mem::take(&mut *entries) } else { HashMap::new() };
                entries.insert(key, e.clone());
                drop(entries);
                drop(dropped);
                e
            }
        };
        let mut outs = entry.graph.replay(&inputs)?.into_iter();
        let result = tree::with(entry.result.bind(py), &mut outs)?;
        let places = slots(state_out)?;
        if places.len() != outs.len() {
            return Err(value("[compile] The captured outputs have changed their structure."));
        }
        places.iter().zip(outs).try_for_each(|(s, a)| s.0.put(a))?;
        Ok(result)
    }
}

fn tree_arrays(o: &Bound<'_, PyAny>) -> R<Vec<Array>> {
    let mut out = Vec::new();
    tree::arrays_in(o, &mut out)?;
    Ok(out)
}

fn record<'py>(
    fun: &Bound<'py, PyAny>,
    all: &Bound<'py, PyAny>,
    inputs: &[Array],
    own: usize,
    state_in: Option<&Bound<'py, PyAny>>,
    state_out: Option<&Bound<'py, PyAny>>,
) -> R<Entry> {
    let avals: Vec<_> = inputs.iter().map(|a| a.aval().clone()).collect();
    let returned: RefCell<Option<Bound<'py, PyAny>>> = RefCell::new(None);
    let (given, kept) = (slots(state_in)?, slots(state_out)?);
    let run = |holes: &[Array]| -> R<Vec<Array>> {
        let traced = tree::with(all, &mut holes[..own].iter().cloned())?;
        given.iter().zip(&holes[own..]).try_for_each(|(s, h)| s.0.put(h.clone()))?;
        let (args, kwargs): (Bound<'py, PyTuple>, Bound<'py, PyDict>) = traced.extract()?;
        let result = fun.call(args, Some(&kwargs))?;
        let mut outs = tree_arrays(&result)?;
        outs.extend(slots(state_out)?.into_iter().map(|s| s.1));
        *returned.borrow_mut() = Some(result);
        Ok(outs)
    };
    let recorded = Graph::record(&avals, |holes| run(holes).map_err(carry));
    // Whatever happened, no stand-in stays where it was put.
    given.iter().try_for_each(|(s, a)| s.put(a.clone()))?;
    if recorded.is_err() {
        kept.iter().try_for_each(|(s, a)| s.put(a.clone()))?;
    }
    let graph = recorded?;
    let result = returned.into_inner().ok_or_else(|| value("[compile] the function was not run"))?;
    Ok(Entry { graph, result: result.unbind() })
}

/// A function that is recorded when it is first called with arguments of some structure, shapes and dtypes, and
/// replayed from then on. With `shapeless` other shapes are recorded anew as well.
#[pyfunction]
#[pyo3(signature = (fun, inputs = None, outputs = None, shapeless = false))]
fn compile(
    fun: &Bound<'_, PyAny>,
    inputs: Option<Bound<'_, PyAny>>,
    outputs: Option<Bound<'_, PyAny>>,
    shapeless: bool,
) -> R<Function> {
    // A shapeless function may be recorded for each shape: what it computes is the same, and more functions work.
    let _ = shapeless;
    let compiled =
        Compiled { inputs: inputs.map(Bound::unbind), outputs: outputs.map(Bound::unbind), entries: Mutex::default() };
    Function::new(fun, Kind::Compiled(compiled))
}

/// Compiled functions are run as they are from now on.
#[pyfunction]
fn disable_compile() {
    DISABLED.store(true, Ordering::Relaxed);
}

/// Ends what `disable_compile` began.
#[pyfunction]
fn enable_compile() {
    DISABLED.store(false, Ordering::Relaxed);
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(compile, m)?)?;
    m.add_function(wrap_pyfunction!(disable_compile, m)?)?;
    m.add_function(wrap_pyfunction!(enable_compile, m)?)
}
