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

/// The arrays of captured state, in order.
fn captured(state: Option<&Bound<'_, PyAny>>) -> R<Vec<Array>> {
    let mut out = Vec::new();
    if let Some(s) = state {
        tree::visit(s, &mut |x| {
            if let Ok(a) = x.cast::<PyArray>() {
                out.push(a.get().get());
            } else if x.cast::<RandomState>().is_ok() {
                out.push(random::state()?);
            }
            Ok(())
        })?;
    }
    Ok(out)
}

/// Puts arrays in the place of those of captured state.
fn fill(state: &Bound<'_, PyAny>, arrays: &mut dyn Iterator<Item = Array>) -> R<()> {
    let missing = || value("[compile] The captured state has changed its structure.");
    if let Ok(a) = state.cast::<PyArray>() {
        a.get().set(arrays.next().ok_or_else(missing)?);
        return Ok(());
    }
    if state.cast::<RandomState>().is_ok() {
        random::set_state(arrays.next().ok_or_else(missing)?);
        return Ok(());
    }
    // Items that are arrays become new objects: the old ones may be held elsewhere and keep their values.
    if let Ok(l) = state.cast::<PyList>() {
        for i in 0..l.len() {
            let x = l.get_item(i)?;
            if x.cast::<PyArray>().is_ok() {
                l.set_item(i, tree::object(x.py(), arrays.next().ok_or_else(missing)?)?)?;
            } else {
                fill(&x, arrays)?;
            }
        }
        return Ok(());
    }
    if let Ok(d) = state.cast::<PyDict>() {
        for k in d.keys() {
            let Some(x) = d.get_item(&k)? else { continue };
            if x.cast::<PyArray>().is_ok() {
                d.set_item(&k, tree::object(x.py(), arrays.next().ok_or_else(missing)?)?)?;
            } else {
                fill(&x, arrays)?;
            }
        }
        return Ok(());
    }
    if let Ok(t) = state.cast::<PyTuple>() {
        return t.iter().try_for_each(|x| fill(&x, arrays));
    }
    Ok(())
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
        inputs.extend(captured(state_in)?);
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
        if let Some(s) = state_out {
            fill(s, &mut outs)?;
        }
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
    let before = captured(state_out)?;
    let run = |holes: &[Array]| -> R<Vec<Array>> {
        let traced = tree::with(all, &mut holes[..own].iter().cloned())?;
        if let Some(s) = state_in {
            fill(s, &mut holes[own..].iter().cloned())?;
        }
        let (args, kwargs): (Bound<'py, PyTuple>, Bound<'py, PyDict>) = traced.extract()?;
        let result = fun.call(args, Some(&kwargs))?;
        let mut outs = tree_arrays(&result)?;
        outs.extend(captured(state_out)?);
        *returned.borrow_mut() = Some(result);
        Ok(outs)
    };
    let recorded = Graph::record(&avals, |holes| run(holes).map_err(carry));
    // Whatever happened, no stand-in stays in the captured state.
    if let Some(s) = state_in {
        fill(s, &mut inputs[own..].iter().cloned())?;
    }
    if let (Some(s), true) = (state_out, recorded.is_err()) {
        // What the function added to the state is beyond what was there before; only known places are put back.
        let now = captured(Some(s))?;
        if now.len() == before.len() {
            fill(s, &mut before.into_iter())?;
        }
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
