//! Transforms of Python functions: derivatives, batching, checkpoints, custom rules.

use crate::array::PyArray;
use crate::compile::Compiled;
use crate::convert::Arrays;
use crate::error::{Fail, R, carry, type_, value};
use crate::tree;
use mlx::ops::{self, CustomRule};
use mlx::rules::{Batched, BatchedOut, Grads};
use mlx::{Array, Result};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple, PyType};
use std::cell::RefCell;
use std::sync::Arc;

/// What a transformed function does when it is called.
pub enum Kind {
    /// The gradient, with the value if asked for.
    Grad { argnums: Vec<usize>, argnames: Vec<String>, value: bool },
    /// All slices at once.
    Vmap { in_axes: Py<PyAny>, out_axes: Py<PyAny> },
    /// The same, with inner values computed again for gradients.
    Checkpoint,
    /// Recorded once.
    Compiled(Compiled),
}

/// A transformed function.
#[pyclass(name = "_gc_func", module = "mlx.core", frozen, weakref, dict)]
pub struct Function {
    fun: Py<PyAny>,
    kind: Kind,
}

impl Function {
    /// A function with what is to be done with it.
    pub fn new(fun: &Bound<'_, PyAny>, kind: Kind) -> R<Self> {
        if !fun.is_callable() {
            return Err(type_(format!("a callable is needed, got {}", fun.get_type().name()?)));
        }
        Ok(Function { fun: fun.clone().unbind(), kind })
    }
}

#[pymethods]
impl Function {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> R<Bound<'py, PyAny>> {
        let fun = self.fun.bind(py);
        match &self.kind {
            Kind::Grad { argnums, argnames, value } => gradient(fun, argnums, argnames, *value, args, kwargs),
            Kind::Vmap { in_axes, out_axes } => batch(fun, in_axes.bind(py), out_axes.bind(py), args, kwargs),
            Kind::Checkpoint => checkpointed(fun, args, kwargs),
            Kind::Compiled(c) => c.call(fun, args, kwargs),
        }
    }
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: &Bound<'py, PyAny>,
        owner: Option<&Bound<'py, PyType>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = owner;
        if instance.is_none() {
            return Ok(slf.clone().into_any());
        }
        slf.py().import("types")?.getattr("MethodType")?.call1((slf, instance))
    }
    /// The function before the transform.
    #[getter]
    fn __wrapped__(&self, py: Python<'_>) -> Py<PyAny> {
        self.fun.clone_ref(py)
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.fun)?;
        match &self.kind {
            Kind::Vmap { in_axes, out_axes } => {
                visit.call(in_axes)?;
                visit.call(out_axes)
            }
            Kind::Compiled(c) => c.traverse(&visit),
            Kind::Grad { .. } | Kind::Checkpoint => Ok(()),
        }
    }
}

/// A Python error inside a closure of the library.
fn carried<T>(r: R<T>) -> Result<T> {
    r.map_err(carry)
}

// ---- gradients ----

fn argument_numbers(argnums: Option<&Bound<'_, PyAny>>, named: bool, op: &str) -> R<Vec<usize>> {
    let numbers: Vec<i64> = match argnums {
        None if named => vec![],
        None => vec![0],
        Some(n) if n.is_instance_of::<PyInt>() => vec![n.extract()?],
        Some(n) => n.extract()?,
    };
    let mut out = Vec::new();
    for n in numbers {
        let Ok(i) = usize::try_from(n) else {
            return Err(value(format!("[{op}] Can't compute the gradient of negative argument index {n}")));
        };
        if out.contains(&i) {
            return Err(value(format!("[{op}] Duplicate argument index {i} is not allowed.")));
        }
        out.push(i);
    }
    if out.is_empty() && !named {
        return Err(value(format!("[{op}] Gradient wrt no argument requested")));
    }
    Ok(out)
}

fn argument_names(argnames: Option<&Bound<'_, PyAny>>) -> R<Vec<String>> {
    match argnames {
        None => Ok(vec![]),
        Some(n) if n.is_instance_of::<PyString>() => Ok(vec![n.extract()?]),
        Some(n) => Ok(n.extract()?),
    }
}

fn make_gradient(
    fun: &Bound<'_, PyAny>,
    argnums: Option<&Bound<'_, PyAny>>,
    argnames: Option<&Bound<'_, PyAny>>,
    value: bool,
) -> R<Function> {
    let argnames = argument_names(argnames)?;
    let op = if value { "value_and_grad" } else { "grad" };
    let argnums = argument_numbers(argnums, !argnames.is_empty(), op)?;
    Function::new(fun, Kind::Grad { argnums, argnames, value })
}

fn gradient<'py>(
    fun: &Bound<'py, PyAny>,
    argnums: &[usize],
    argnames: &[String],
    with_value: bool,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> R<Bound<'py, PyAny>> {
    let py = fun.py();
    let op = if with_value { "value_and_grad" } else { "grad" };
    let none = PyDict::new(py);
    let kwargs = kwargs.unwrap_or(&none);
    let mut trees: Vec<Bound<'py, PyAny>> = Vec::new();
    for &n in argnums {
        if n >= args.len() {
            return Err(value(format!(
                "[{op}] Can't compute the gradient of argument index {n} because the function is called with only {} positional arguments.",
                args.len()
            )));
        }
        trees.push(args.get_item(n)?);
    }
    for name in argnames {
        let Some(x) = kwargs.get_item(name)? else {
            return Err(value(format!(
                "[{op}] Can't compute the gradient of keyword argument '{name}' because the function is called with the following keyword arguments {}",
                kwargs.keys().repr()?
            )));
        };
        trees.push(x);
    }
    let leaves = trees.iter().map(tree::arrays).collect::<R<Vec<_>>>()?;
    let primals: Vec<Array> = leaves.iter().flatten().cloned().collect();
    if primals.is_empty() {
        return Err(value(format!("[{op}] Must specify at least one argument.")));
    }
    let returned: RefCell<Option<Bound<'py, PyAny>>> = RefCell::new(None);
    let run = |xs: &[Array]| -> R<Vec<Array>> {
        let mut xs = xs.iter().cloned();
        let mut positional: Vec<Bound<'py, PyAny>> = args.iter().collect();
        let named = kwargs.copy()?;
        for (&n, t) in argnums.iter().zip(&trees) {
            positional[n] = tree::with(t, &mut xs)?;
        }
        for (name, t) in argnames.iter().zip(&trees[argnums.len()..]) {
            named.set_item(name, tree::with(t, &mut xs)?)?;
        }
        let result = fun.call(PyTuple::new(py, positional)?, Some(&named))?;
        let loss = loss_of(&result, with_value)?;
        *returned.borrow_mut() = Some(result);
        Ok(vec![loss])
    };
    let (values, grads) = mlx::vjp_with(
        |xs| carried(run(xs)),
        &primals,
        |outs| {
            let o = &outs[0];
            if o.ndim() != 0 {
                return Err(mlx::Error::value(format!(
                    "[vjp] Output shape {:?} does not match cotangent shape (). The function must return a scalar.",
                    o.shape()
                )));
            }
            Ok(vec![ops::ones(&[], o.dtype())?])
        },
    )?;
    let mut grads = grads.into_iter();
    let shaped = trees.iter().map(|t| tree::with(t, &mut grads)).collect::<R<Vec<_>>>()?;
    let (positional, named) = shaped.split_at(argnums.len());
    let positional = match positional {
        [] => py.None().into_bound(py),
        [one] => one.clone(),
        several => PyTuple::new(py, several)?.into_any(),
    };
    let gradient = if argnames.is_empty() {
        positional
    } else {
        let d = PyDict::new(py);
        for (k, g) in argnames.iter().zip(named) {
            d.set_item(k, g)?;
        }
        PyTuple::new(py, [positional, d.into_any()])?.into_any()
    };
    if !with_value {
        return Ok(gradient);
    }
    let result = returned.into_inner().ok_or_else(|| value("[value_and_grad] the function was not run"))?;
    let loss = tree::object(py, values[0].clone())?;
    let out = match result.cast::<PyTuple>() {
        Ok(t) => {
            let mut items: Vec<Bound<'py, PyAny>> = t.iter().collect();
            items[0] = loss;
            PyTuple::new(py, items)?.into_any()
        }
        Err(_) => loss,
    };
    Ok(PyTuple::new(py, [out, gradient])?.into_any())
}

fn loss_of(result: &Bound<'_, PyAny>, with_value: bool) -> R<Array> {
    if let Ok(a) = result.cast::<PyArray>() {
        return Ok(a.get().get());
    }
    let name = result.get_type().name()?;
    if !with_value {
        return Err(value(format!(
            "[grad] The return value of the function whose gradient we want to compute should be a scalar array; but {name} was returned."
        )));
    }
    if let Ok(t) = result.cast::<PyTuple>()
        && let Ok(first) = t.get_item(0)
        && let Ok(a) = first.cast::<PyArray>()
    {
        return Ok(a.get().get());
    }
    Err(value(format!(
        "[value_and_grad] The function must return a scalar array, or a tuple whose first item is one; but {name} was returned."
    )))
}

/// A function that returns the value of `fun` and its gradient.
#[pyfunction]
#[pyo3(signature = (fun, argnums = None, argnames = None))]
fn value_and_grad(
    fun: &Bound<'_, PyAny>,
    argnums: Option<&Bound<'_, PyAny>>,
    argnames: Option<&Bound<'_, PyAny>>,
) -> R<Function> {
    make_gradient(fun, argnums, argnames, true)
}

/// A function that returns the gradient of `fun`, which returns a 0-d array.
#[pyfunction]
#[pyo3(signature = (fun, argnums = None, argnames = None))]
fn grad(
    fun: &Bound<'_, PyAny>,
    argnums: Option<&Bound<'_, PyAny>>,
    argnames: Option<&Bound<'_, PyAny>>,
) -> R<Function> {
    make_gradient(fun, argnums, argnames, false)
}

fn apply<'py>(fun: &Bound<'py, PyAny>, xs: &[Array]) -> R<Vec<Array>> {
    let args = xs.iter().map(|x| tree::object(fun.py(), x.clone())).collect::<R<Vec<_>>>()?;
    tree::results(&fun.call1(PyTuple::new(fun.py(), args)?)?)
}

type Lists<'py> = (Bound<'py, PyList>, Bound<'py, PyList>);

fn lists(py: Python<'_>, (a, b): (Vec<Array>, Vec<Array>)) -> R<Lists<'_>> {
    let list = |v: Vec<Array>| PyList::new(py, v.into_iter().map(PyArray::new));
    Ok((list(a)?, list(b)?))
}

fn sequence_of_arrays(o: &Bound<'_, PyAny>) -> R<Vec<Array>> {
    if o.cast::<PyArray>().is_ok() {
        return Err(type_("a list of arrays is needed, got an array"));
    }
    Ok(o.extract::<Arrays>()?.0)
}

/// Outputs of `fun` and the product of cotangents with its Jacobian.
#[pyfunction]
fn vjp<'py>(
    py: Python<'py>,
    fun: &Bound<'py, PyAny>,
    primals: &Bound<'py, PyAny>,
    cotangents: &Bound<'py, PyAny>,
) -> R<Lists<'py>> {
    let (p, c) = (sequence_of_arrays(primals)?, sequence_of_arrays(cotangents)?);
    lists(py, mlx::vjp(|xs| carried(apply(fun, xs)), &p, &c)?)
}

/// Outputs of `fun` and the product of its Jacobian with tangents.
#[pyfunction]
fn jvp<'py>(
    py: Python<'py>,
    fun: &Bound<'py, PyAny>,
    primals: &Bound<'py, PyAny>,
    tangents: &Bound<'py, PyAny>,
) -> R<Lists<'py>> {
    let (p, t) = (sequence_of_arrays(primals)?, sequence_of_arrays(tangents)?);
    lists(py, mlx::jvp(|xs| carried(apply(fun, xs)), &p, &t)?)
}

// ---- batching ----

/// Axes for the arrays of a tree, from a tree of ints and None that may end above the leaves.
fn axes_for(o: &Bound<'_, PyAny>, axes: &Bound<'_, PyAny>, out: &mut Vec<Option<i64>>) -> R<()> {
    let mismatch = || value("[tree_map] Additional input tree is not a valid prefix of the first tree.");
    if axes.is_none() || axes.is_instance_of::<PyInt>() {
        let axis = if axes.is_none() { None } else { Some(axes.extract()?) };
        return tree::visit(o, &mut |x| {
            if x.cast::<PyArray>().is_err() {
                return Err(value("[tree_flatten] The argument should contain only arrays"));
            }
            out.push(axis);
            Ok(())
        });
    }
    if o.cast::<PyArray>().is_ok() {
        return Err(value("[vmap] axis must be int or None."));
    }
    if let (Ok(d), Ok(a)) = (o.cast::<PyDict>(), axes.cast::<PyDict>()) {
        for (k, x) in d.iter() {
            axes_for(&x, &a.get_item(k)?.ok_or_else(mismatch)?, out)?;
        }
        return Ok(());
    }
    let sequence = |x: &Bound<'_, PyAny>| x.cast::<PyList>().is_ok() || x.cast::<PyTuple>().is_ok();
    if !sequence(o) || !sequence(axes) || o.len()? != axes.len()? {
        return Err(mismatch());
    }
    for (x, a) in o.try_iter()?.zip(axes.try_iter()?) {
        axes_for(&x?, &a?, out)?;
    }
    Ok(())
}

fn batch<'py>(
    fun: &Bound<'py, PyAny>,
    in_axes: &Bound<'py, PyAny>,
    out_axes: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> R<Bound<'py, PyAny>> {
    let py = fun.py();
    let all: Bound<'py, PyAny> = args.clone().into_any();
    let xs = tree::arrays(&all)?;
    let mut axes = Vec::new();
    if in_axes.is_none() || in_axes.is_instance_of::<PyInt>() || args.len() != 1 {
        axes_for(&all, in_axes, &mut axes)?;
    } else {
        // Of a single argument the axes may be given without the tuple around them.
        let inner = match in_axes.cast::<PyTuple>() {
            Ok(t) if t.len() == 1 => t.get_item(0)?,
            _ => in_axes.clone(),
        };
        axes_for(&args.get_item(0)?, &inner, &mut axes)?;
    }
    let returned: RefCell<Option<Bound<'py, PyAny>>> = RefCell::new(None);
    let run = |xs: &[Array]| -> R<Vec<Array>> {
        let inner = tree::with(&all, &mut xs.iter().cloned())?;
        let result = fun.call(inner.cast::<PyTuple>().map_err(PyErr::from)?, kwargs)?;
        let arrays = tree::arrays(&result)?;
        *returned.borrow_mut() = Some(result);
        Ok(arrays)
    };
    let outs = mlx::vmap_of(
        |xs| carried(run(xs)),
        &xs,
        &axes,
        |_| {
            let result = returned.borrow();
            let mut axes = Vec::new();
            if let Some(r) = result.as_ref() {
                carried(axes_for(r, out_axes, &mut axes))?;
            }
            Ok(axes)
        },
    )?;
    match returned.into_inner() {
        Some(r) => tree::with(&r, &mut outs.into_iter()),
        None => Ok(py.None().into_bound(py)),
    }
}

fn is_axis_tree(o: &Bound<'_, PyAny>) -> bool {
    o.is_instance_of::<PyInt>()
        || o.cast::<PyTuple>().is_ok()
        || o.cast::<PyList>().is_ok()
        || o.cast::<PyDict>().is_ok()
}

/// A function that applies `fun` to all slices of its arguments at once.
#[pyfunction]
#[pyo3(signature = (fun, in_axes = None, out_axes = None))]
fn vmap(
    py: Python<'_>,
    fun: &Bound<'_, PyAny>,
    in_axes: Option<Bound<'_, PyAny>>,
    out_axes: Option<Bound<'_, PyAny>>,
) -> R<Function> {
    let axes = |a: Option<Bound<'_, PyAny>>| -> R<Py<PyAny>> {
        match a {
            None => Ok(0i64.into_pyobject(py).map_err(PyErr::from)?.into_any().unbind()),
            Some(a) if is_axis_tree(&a) => Ok(a.unbind()),
            Some(a) => {
                Err(type_(format!("axes must be an int or a tree of ints and None, got {}", a.get_type().name()?)))
            }
        }
    };
    Function::new(fun, Kind::Vmap { in_axes: axes(in_axes)?, out_axes: axes(out_axes)? })
}

// ---- custom rules ----

/// Python's rules of a function, with the trees of one call of it.
struct Rule {
    vjp: Option<Py<PyAny>>,
    jvp: Option<Py<PyAny>>,
    vmap: Option<Py<PyAny>>,
    args: Py<PyTuple>,
    result: Py<PyAny>,
}

impl Rule {
    /// The arguments with other arrays in them; a single one without the tuple.
    fn arguments<'py>(&self, py: Python<'py>, arrays: &mut dyn Iterator<Item = Array>) -> R<Bound<'py, PyAny>> {
        let all = tree::with(self.args.bind(py).as_any(), arrays)?;
        single(&all)
    }
    fn results<'py>(&self, py: Python<'py>, arrays: &[Array]) -> R<Bound<'py, PyAny>> {
        tree::with(self.result.bind(py), &mut arrays.iter().cloned())
    }
}

fn single<'py>(args: &Bound<'py, PyAny>) -> R<Bound<'py, PyAny>> {
    match args.cast::<PyTuple>() {
        Ok(t) if t.len() == 1 => Ok(t.get_item(0)?),
        _ => Ok(args.clone()),
    }
}

/// The arrays of a tree; None at a leaf is none.
fn optional(o: &Bound<'_, PyAny>) -> R<Vec<Option<Array>>> {
    let mut out = Vec::new();
    tree::visit(o, &mut |x| {
        if let Ok(a) = x.cast::<PyArray>() {
            out.push(Some(a.get().get()));
        } else if x.is_none() {
            out.push(None);
        }
        Ok(())
    })?;
    Ok(out)
}

impl CustomRule for Rule {
    fn vjp(&self, arguments: &[Array], cotangents: &[Array], results: &[Array]) -> Option<Result<Grads>> {
        let f = self.vjp.as_ref()?;
        Some(carried(Python::attach(|py| {
            let primals = self.arguments(py, &mut arguments.iter().cloned())?;
            let g = f.bind(py).call1((primals, self.results(py, cotangents)?, self.results(py, results)?))?;
            optional(&g)
        })))
    }
    fn jvp(&self, arguments: &[Array], tangents: &[Option<Array>]) -> Option<Result<Vec<Array>>> {
        let f = self.jvp.as_ref()?;
        Some(carried(Python::attach(|py| {
            let primals = self.arguments(py, &mut arguments.iter().cloned())?;
            let zero = |a: &Array| ops::zeros(a.shape(), a.dtype());
            let full = tangents
                .iter()
                .zip(arguments)
                .map(|(t, a)| t.clone().map_or_else(|| zero(a), Ok))
                .collect::<Result<Vec<_>>>()?;
            let tangents = self.arguments(py, &mut full.into_iter())?;
            tree::arrays(&f.bind(py).call1((primals, tangents))?)
        })))
    }
    fn vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        let f = self.vmap.as_ref()?;
        Some(carried(Python::attach(|py| {
            let inputs = self.arguments(py, &mut b.inputs.iter().cloned())?;
            let mut axes = b.axes.iter();
            let axes = tree::map(self.args.bind(py).as_any(), &mut |x| {
                let axis = if x.cast::<PyArray>().is_ok() { axes.next().copied().flatten() } else { None };
                Ok(axis.into_pyobject(py).map_err(PyErr::from)?)
            })?;
            let result = f.bind(py).call1((inputs, single(&axes)?))?;
            let (outs, at): (Bound<'_, PyAny>, Bound<'_, PyAny>) = result.extract()?;
            let mut axes = Vec::new();
            axes_for(&outs, &at, &mut axes)?;
            let arrays = tree::arrays(&outs)?;
            let axes = arrays
                .iter()
                .zip(axes)
                .map(|(a, x)| Ok(x.map(|x| mlx_ir::desc::normalize_axis("vmap", x, a.ndim())).transpose()?))
                .collect::<R<Vec<_>>>()?;
            Ok((arrays, axes))
        })))
    }
}

fn record(rule: Arc<dyn CustomRule>, args: &Bound<'_, PyTuple>, results: &[Array]) -> R<Vec<Array>> {
    let mut arguments = Vec::new();
    tree::arrays_in(args.as_any(), &mut arguments)?;
    Ok(ops::custom(rule, &arguments, results)?)
}

/// A function with derivatives and batching of its own.
#[pyclass(name = "custom_function", module = "mlx.core", frozen, weakref, dict)]
struct CustomFunction {
    fun: Py<PyAny>,
    rules: std::sync::Mutex<[Option<Py<PyAny>>; 3]>,
}

impl CustomFunction {
    fn give<'py>(slf: &Bound<'py, Self>, which: usize, f: Bound<'py, PyAny>) -> Bound<'py, Self> {
        let old = slf.get().rules.lock().unwrap_or_else(|e| e.into_inner())[which].replace(f.unbind());
        drop(old);
        slf.clone()
    }
}

#[pymethods]
impl CustomFunction {
    #[new]
    fn new(f: &Bound<'_, PyAny>) -> R<Self> {
        if !f.is_callable() {
            return Err(type_("custom_function takes a callable"));
        }
        Ok(CustomFunction { fun: f.clone().unbind(), rules: Default::default() })
    }
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> R<Bound<'py, PyAny>> {
        let rules: [Option<Py<PyAny>>; 3] = {
            let r = self.rules.lock().unwrap_or_else(|e| e.into_inner());
            std::array::from_fn(|i| r[i].as_ref().map(|f| f.clone_ref(py)))
        };
        let fun = self.fun.bind(py);
        let result = fun.call(args, kwargs)?;
        let [vjp, jvp, vmap] = rules;
        if vjp.is_none() && jvp.is_none() && vmap.is_none() {
            return Ok(result);
        }
        let results = tree::arrays(&result)?;
        let rule = Rule { vjp, jvp, vmap, args: args.clone().unbind(), result: result.clone().unbind() };
        tree::with(&result, &mut record(Arc::new(rule), args, &results)?.into_iter())
    }
    /// Sets the function that pulls cotangents back: `f(primals, cotangents, outputs)`.
    fn vjp<'py>(slf: &Bound<'py, Self>, f: Bound<'py, PyAny>) -> Bound<'py, Self> {
        Self::give(slf, 0, f)
    }
    /// Sets the function that pushes tangents forward: `f(primals, tangents)`.
    fn jvp<'py>(slf: &Bound<'py, Self>, f: Bound<'py, PyAny>) -> Bound<'py, Self> {
        Self::give(slf, 1, f)
    }
    /// Sets the function for batches: `f(inputs, axes)` returns outputs and their axes.
    fn vmap<'py>(slf: &Bound<'py, Self>, f: Bound<'py, PyAny>) -> Bound<'py, Self> {
        Self::give(slf, 2, f)
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.fun)?;
        // Whoever holds the lock now is another thread; then the rules are in use and need not be visited.
        if let Ok(r) = self.rules.try_lock() {
            r.iter().flatten().try_for_each(|f| visit.call(f))?;
        }
        Ok(())
    }
}

/// The rule of a checkpoint: the function, to be run again.
struct Again {
    fun: Py<PyAny>,
    args: Py<PyTuple>,
    kwargs: Option<Py<PyDict>>,
}

impl CustomRule for Again {
    fn vjp(&self, arguments: &[Array], cotangents: &[Array], _: &[Array]) -> Option<Result<Grads>> {
        let run = Python::attach(|py| -> R<Grads> {
            // Not before the cotangents are there: otherwise all inner values would be computed early and kept.
            let late = ops::depends(arguments, cotangents)?;
            let call = |xs: &[Array]| -> R<Vec<Array>> {
                let mut xs = xs.iter().cloned();
                let args = tree::with(self.args.bind(py).as_any(), &mut xs)?;
                let kwargs = match &self.kwargs {
                    Some(k) => Some(tree::with(k.bind(py).as_any(), &mut xs)?),
                    None => None,
                };
                let kwargs = kwargs.as_ref().map(|k| k.cast::<PyDict>()).transpose().map_err(PyErr::from)?;
                tree::arrays(&self.fun.bind(py).call(args.cast::<PyTuple>().map_err(PyErr::from)?, kwargs)?)
            };
            let (_, g) = mlx::vjp(|xs| carried(call(xs)), &late, cotangents)?;
            Ok(g.into_iter().map(Some).collect())
        });
        Some(carried(run))
    }
    fn jvp(&self, _: &[Array], _: &[Option<Array>]) -> Option<Result<Vec<Array>>> {
        None
    }
    fn vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

fn checkpointed<'py>(
    fun: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> R<Bound<'py, PyAny>> {
    let result = fun.call(args, kwargs)?;
    let results = tree::arrays(&result)?;
    let mut arguments = Vec::new();
    tree::arrays_in(args.as_any(), &mut arguments)?;
    if let Some(k) = kwargs {
        tree::arrays_in(k.as_any(), &mut arguments)?;
    }
    if arguments.is_empty() {
        return Ok(result);
    }
    let rule =
        Again { fun: fun.clone().unbind(), args: args.clone().unbind(), kwargs: kwargs.map(|k| k.clone().unbind()) };
    let outs = ops::custom(Arc::new(rule), &arguments, &results).map_err(Fail::from)?;
    tree::with(&result, &mut outs.into_iter())
}

/// A function whose inner values are computed again for its gradient instead of being kept.
#[pyfunction]
fn checkpoint(fun: &Bound<'_, PyAny>) -> R<Function> {
    Function::new(fun, Kind::Checkpoint)
}

/// The inputs, computed only after the dependencies.
#[pyfunction]
fn depends<'py>(inputs: &Bound<'py, PyAny>, dependencies: &Bound<'py, PyAny>) -> R<Bound<'py, PyAny>> {
    let py = inputs.py();
    let (i, d) = (tree::results(inputs)?, tree::results(dependencies)?);
    let mut out = ops::depends(&i, &d)?;
    if inputs.cast::<PyArray>().is_ok() {
        return tree::object(py, out.remove(0));
    }
    Ok(PyList::new(py, out.into_iter().map(PyArray::new))?.into_any())
}

fn collect(args: &Bound<'_, PyTuple>) -> R<Vec<Array>> {
    let mut out = Vec::new();
    tree::arrays_in(args.as_any(), &mut out)?;
    Ok(out)
}

/// Computes arrays, and those in lists, tuples and dictionaries; returns when they are there.
#[pyfunction]
#[pyo3(signature = (*args))]
fn eval(py: Python<'_>, args: &Bound<'_, PyTuple>) -> R<()> {
    let arrays = collect(args)?;
    Ok(py.detach(|| mlx::eval(&arrays))?)
}

/// Starts computing arrays and returns at once.
#[pyfunction]
#[pyo3(signature = (*args))]
fn async_eval(py: Python<'_>, args: &Bound<'_, PyTuple>) -> R<()> {
    let arrays = collect(args)?;
    Ok(py.detach(|| mlx::async_eval(&arrays))?)
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Function>()?;
    m.add_class::<CustomFunction>()?;
    m.add_function(wrap_pyfunction!(value_and_grad, m)?)?;
    m.add_function(wrap_pyfunction!(grad, m)?)?;
    m.add_function(wrap_pyfunction!(vjp, m)?)?;
    m.add_function(wrap_pyfunction!(jvp, m)?)?;
    m.add_function(wrap_pyfunction!(vmap, m)?)?;
    m.add_function(wrap_pyfunction!(checkpoint, m)?)?;
    m.add_function(wrap_pyfunction!(depends, m)?)?;
    m.add_function(wrap_pyfunction!(eval, m)?)?;
    m.add_function(wrap_pyfunction!(async_eval, m)?)
}
