// Made by scripts/bindings.py from python/api/array.pyi. Do not edit.

#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

#[pymethods]
impl PyArray {
    #[doc = "See mlx.core.abs."]
    #[pyo3(signature = (*, stream = None))]
    fn abs(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::abs(a)?)))
    }

    #[doc = "See mlx.core.all."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn all(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::all(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.any."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn any(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::any(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.argmax."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn argmax(&self, axis: Option<i64>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::argmax(convert::nonempty("argmax", a)?, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.argmin."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn argmin(&self, axis: Option<i64>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::argmin(convert::nonempty("argmin", a)?, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.astype."]
    #[pyo3(signature = (dtype, stream = None))]
    fn astype(&self, dtype: Dt, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let dtype = dtype.0;
        stream::on(stream, || Ok(Returned::from(ops::astype(a, dtype)?)))
    }

    #[doc = "See mlx.core.conj."]
    #[pyo3(signature = (*, stream = None))]
    fn conj(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::conjugate(a)?)))
    }

    #[doc = "See mlx.core.cos."]
    #[pyo3(signature = (*, stream = None))]
    fn cos(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::cos(a)?)))
    }

    #[doc = "See mlx.core.cummax."]
    #[pyo3(signature = (axis = None, *, reverse = false, inclusive = true, stream = None))]
    fn cummax(&self, axis: Option<i64>, reverse: bool, inclusive: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::cummax(a, axis, reverse, inclusive)?)))
    }

    #[doc = "See mlx.core.cummin."]
    #[pyo3(signature = (axis = None, *, reverse = false, inclusive = true, stream = None))]
    fn cummin(&self, axis: Option<i64>, reverse: bool, inclusive: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::cummin(a, axis, reverse, inclusive)?)))
    }

    #[doc = "See mlx.core.cumprod."]
    #[pyo3(signature = (axis = None, *, reverse = false, inclusive = true, stream = None))]
    fn cumprod(&self, axis: Option<i64>, reverse: bool, inclusive: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::cumprod(a, axis, reverse, inclusive)?)))
    }

    #[doc = "See mlx.core.cumsum."]
    #[pyo3(signature = (axis = None, *, reverse = false, inclusive = true, stream = None))]
    fn cumsum(&self, axis: Option<i64>, reverse: bool, inclusive: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::cumsum(a, axis, reverse, inclusive)?)))
    }

    #[doc = "See mlx.core.diag."]
    #[pyo3(signature = (k = 0, *, stream = None))]
    fn diag(&self, k: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::diag(a, k)?)))
    }

    #[doc = "See mlx.core.diagonal."]
    #[pyo3(signature = (offset = 0, axis1 = 0, axis2 = 1, stream = None))]
    fn diagonal(&self, offset: i64, axis1: i64, axis2: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::diagonal(a, offset, axis1, axis2)?)))
    }

    #[doc = "See mlx.core.exp."]
    #[pyo3(signature = (*, stream = None))]
    fn exp(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::exp(a)?)))
    }

    #[doc = "See mlx.core.flatten."]
    #[pyo3(signature = (start_axis = 0, end_axis = -1, *, stream = None))]
    fn flatten(&self, start_axis: i64, end_axis: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::flatten(a, start_axis, end_axis)?)))
    }

    #[doc = "See mlx.core.log."]
    #[pyo3(signature = (*, stream = None))]
    fn log(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::log(a)?)))
    }

    #[doc = "See mlx.core.log10."]
    #[pyo3(signature = (*, stream = None))]
    fn log10(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::log10(a)?)))
    }

    #[doc = "See mlx.core.log1p."]
    #[pyo3(signature = (*, stream = None))]
    fn log1p(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::log1p(a)?)))
    }

    #[doc = "See mlx.core.log2."]
    #[pyo3(signature = (*, stream = None))]
    fn log2(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::log2(a)?)))
    }

    #[doc = "See mlx.core.logcumsumexp."]
    #[pyo3(signature = (axis = None, *, reverse = false, inclusive = true, stream = None))]
    fn logcumsumexp(
        &self,
        axis: Option<i64>,
        reverse: bool,
        inclusive: bool,
        stream: Option<StreamArg>,
    ) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(convert::logcumsumexp(a, axis, reverse, inclusive)?)))
    }

    #[doc = "See mlx.core.logsumexp."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn logsumexp(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::logsumexp(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.max."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn max(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::max(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.mean."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn mean(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::mean(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.min."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn min(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::min(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.moveaxis."]
    #[pyo3(signature = (source, destination, *, stream = None))]
    fn moveaxis(&self, source: i64, destination: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::moveaxis(a, source, destination)?)))
    }

    #[doc = "See mlx.core.prod."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn prod(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::prod(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.reciprocal."]
    #[pyo3(signature = (*, stream = None))]
    fn reciprocal(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::reciprocal(a)?)))
    }

    #[doc = "See mlx.core.round."]
    #[pyo3(signature = (decimals = 0, *, stream = None))]
    fn round(&self, decimals: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::round(a, small("round", decimals)?)?)))
    }

    #[doc = "See mlx.core.rsqrt."]
    #[pyo3(signature = (*, stream = None))]
    fn rsqrt(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::rsqrt(a)?)))
    }

    #[doc = "See mlx.core.sin."]
    #[pyo3(signature = (*, stream = None))]
    fn sin(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::sin(a)?)))
    }

    #[doc = "See mlx.core.split."]
    #[pyo3(signature = (indices_or_sections, axis = 0, *, stream = None))]
    fn split(&self, indices_or_sections: IntOrSeq, axis: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let indices_or_sections = &indices_or_sections;
        stream::on(stream, || Ok(Returned::from(convert::split(a, indices_or_sections, axis)?)))
    }

    #[doc = "See mlx.core.sqrt."]
    #[pyo3(signature = (*, stream = None))]
    fn sqrt(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::sqrt(a)?)))
    }

    #[doc = "See mlx.core.square."]
    #[pyo3(signature = (*, stream = None))]
    fn square(&self, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::square(a)?)))
    }

    #[doc = "See mlx.core.squeeze."]
    #[pyo3(signature = (axis = None, *, stream = None))]
    fn squeeze(&self, axis: Option<Axes>, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::squeeze(a, axis)?)))
    }

    #[doc = "See mlx.core.std; correction is another name of ddof."]
    #[pyo3(signature = (axis = None, keepdims = false, ddof = 0, *, correction = None, stream = None))]
    fn std(
        &self,
        axis: Option<Axes>,
        keepdims: bool,
        ddof: i64,
        correction: Option<i64>,
        stream: Option<StreamArg>,
    ) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::std(a, axis, keepdims, correction.unwrap_or(ddof))?)))
    }

    #[doc = "See mlx.core.sum."]
    #[pyo3(signature = (axis = None, keepdims = false, *, stream = None))]
    fn sum(&self, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::sum(a, axis, keepdims)?)))
    }

    #[doc = "See mlx.core.swapaxes."]
    #[pyo3(signature = (axis1, axis2, *, stream = None))]
    fn swapaxes(&self, axis1: i64, axis2: i64, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        stream::on(stream, || Ok(Returned::from(ops::swapaxes(a, axis1, axis2)?)))
    }

    #[doc = "See mlx.core.var; correction is another name of ddof."]
    #[pyo3(signature = (axis = None, keepdims = false, ddof = 0, *, correction = None, stream = None))]
    fn var(
        &self,
        axis: Option<Axes>,
        keepdims: bool,
        ddof: i64,
        correction: Option<i64>,
        stream: Option<StreamArg>,
    ) -> R<Returned> {
        let a = &self.get();
        let axis = axis.as_ref().map(|x| x.0.as_slice());
        stream::on(stream, || Ok(Returned::from(ops::var(a, axis, keepdims, correction.unwrap_or(ddof))?)))
    }

    #[doc = "See mlx.core.view."]
    #[pyo3(signature = (dtype, *, stream = None))]
    fn view(&self, dtype: Dt, stream: Option<StreamArg>) -> R<Returned> {
        let a = &self.get();
        let dtype = dtype.0;
        stream::on(stream, || Ok(Returned::from(ops::view(a, dtype)?)))
    }

    fn __add__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "addition", false, ops::add)?))
    }
    fn __radd__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "addition", true, ops::add)?))
    }
    fn __iadd__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "addition", false, ops::add)?);
        Ok(())
    }

    fn __sub__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "subtraction", false, ops::subtract)?))
    }
    fn __rsub__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "subtraction", true, ops::subtract)?))
    }
    fn __isub__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "subtraction", false, ops::subtract)?);
        Ok(())
    }

    fn __mul__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "multiplication", false, ops::multiply)?))
    }
    fn __rmul__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "multiplication", true, ops::multiply)?))
    }
    fn __imul__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "multiplication", false, ops::multiply)?);
        Ok(())
    }

    fn __truediv__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "division", false, ops::divide)?))
    }
    fn __rtruediv__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "division", true, ops::divide)?))
    }
    fn __itruediv__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        divisible(self)?;
        self.set(operator(self, other, "division", false, ops::divide)?);
        Ok(())
    }

    fn __floordiv__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "floor division", false, ops::floor_divide)?))
    }
    fn __rfloordiv__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "floor division", true, ops::floor_divide)?))
    }
    fn __ifloordiv__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "floor division", false, ops::floor_divide)?);
        Ok(())
    }

    fn __mod__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "modulus", false, ops::remainder)?))
    }
    fn __rmod__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "modulus", true, ops::remainder)?))
    }
    fn __imod__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "modulus", false, ops::remainder)?);
        Ok(())
    }

    fn __and__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "bitwise and", false, bits(ops::bitwise_and))?))
    }
    fn __iand__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "bitwise and", false, bits(ops::bitwise_and))?);
        Ok(())
    }

    fn __or__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "bitwise or", false, bits(ops::bitwise_or))?))
    }
    fn __ior__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "bitwise or", false, bits(ops::bitwise_or))?);
        Ok(())
    }

    fn __xor__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "bitwise xor", false, bits(ops::bitwise_xor))?))
    }
    fn __ixor__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "bitwise xor", false, bits(ops::bitwise_xor))?);
        Ok(())
    }

    fn __lshift__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "left shift", false, bits(ops::left_shift))?))
    }
    fn __ilshift__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "left shift", false, bits(ops::left_shift))?);
        Ok(())
    }

    fn __rshift__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "right shift", false, bits(ops::right_shift))?))
    }
    fn __irshift__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(operator(self, other, "right shift", false, bits(ops::right_shift))?);
        Ok(())
    }
}
