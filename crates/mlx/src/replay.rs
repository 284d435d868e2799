//! Work of a device that runs again over the same memory, whose contents may be others: what a step of a loop costs
//! then is the device's own time alone.

use crate::array::Array;
#[cfg(feature = "vulkan")]
use crate::runtime;
use crate::schedule;
use mlx_ir::{Element, Error, Result};

/// A graph that was computed once on a device and can be computed again without being built, with what its sources'
/// memory holds then.
///
/// Arrays do not change, say the rules of this library; a replay is the exception. Each run changes its outputs, and
/// all arrays that share their memory, and [`write()`] the sources. So a replay is for those who own all arrays
/// concerned.
pub struct Replay {
    #[cfg(feature = "vulkan")]
    recording: mlx_vulkan::Recording,
    outputs: Vec<Array>,
}

impl Replay {
    /// Computes `outputs` on the GPU, without waiting for them, and keeps the work if it can run again: if nothing of it
    /// was computed elsewhere or waited for. What comes from the processor's memory stays as it is now.
    ///
    /// # Errors
    /// What evaluation meets; `Device` if there is no GPU.
    pub fn capture(outputs: &[Array]) -> Result<Option<Replay>> {
        #[cfg(feature = "vulkan")]
        {
            let recording = runtime::vulkan()?.capture(|| schedule::compute(outputs))?;
            Ok(recording.map(|recording| Replay { recording, outputs: outputs.to_vec() }))
        }
        #[cfg(not(feature = "vulkan"))]
        {
            schedule::compute(outputs)?;
            Ok(None)
        }
    }

    /// Computes the outputs again. Returns when the work is handed to the device.
    ///
    /// # Errors
    /// `Device` if the device was lost.
    pub fn run(&mut self) -> Result<()> {
        #[cfg(feature = "vulkan")]
        {
            let data = self.outputs.iter().map(|a| Ok(&a.data()?.buffer)).collect::<Result<Vec<_>>>()?;
            self.recording.run(&data)?;
        }
        Ok(())
    }

    /// The arrays that a run computes.
    pub fn outputs(&self) -> &[Array] {
        &self.outputs
    }
}

/// Changes what an array in a GPU's memory holds, after all work that was launched before.
///
/// # Errors
/// `Value` for another dtype or number of elements, an array that is elsewhere or has gaps, or more than 4096 bytes.
pub fn write<T: Element>(to: &Array, values: &[T]) -> Result<()> {
    let d = to.data()?;
    let whole = d.offset == 0 && mlx_ir::desc::is_row_major(to.shape(), &d.strides);
    if to.dtype() != T::DTYPE || to.size() != values.len() || !whole {
        return Err(Error::value(format!(
            "[replay] {} values of {} cannot be written to {:?} of {}",
            values.len(),
            T::DTYPE,
            to.shape(),
            to.dtype()
        )));
    }
    let mut bytes = Vec::with_capacity(to.nbytes());
    values.iter().for_each(|&v| v.put_le(&mut bytes));
    #[cfg(feature = "vulkan")]
    return runtime::vulkan()?.overwrite(&d.buffer, &bytes);
    #[cfg(not(feature = "vulkan"))]
    Err(Error::device("[replay] this build has no Vulkan back end"))
}

/// Tells the memories of computed arrays apart: equal for those that lie at the same place.
pub fn place(a: &Array) -> Option<(usize, usize)> {
    let d = a.call.data.get()?.get(a.out as usize)?;
    Some((d.buffer.id(), d.offset))
}
