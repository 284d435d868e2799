//! Token after token on a GPU: a step is built and recorded once, then run again with another token and position.

use crate::cache::{Cache, Offset};
use crate::models::{Model, Positions};
use mlx::replay::{self, Replay};
use mlx::{Array, Error, Result, ops};

/// Recordings that came to nothing after which no more are tried.
const TRIES: u32 = 3;

/// The recorded step of one conversation.
#[derive(Default)]
pub(crate) struct Decoder {
    step: Option<Recorded>,
    /// Token, position, and positions held with it: i32 (3), in the GPU's memory.
    state: Option<Array>,
    failed: u32,
}

struct Recorded {
    replay: Replay,
    /// Where the caches lay.
    places: Vec<Option<(usize, usize)>>,
}

fn places(cache: &Cache) -> Vec<Option<(usize, usize)>> {
    cache.arrays().iter().map(replay::place).collect()
}

impl Decoder {
    /// The logits (1, vocabulary) after `token`, which the cache then holds; none if this step cannot be recorded.
    /// They change with the next step.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn step(&mut self, model: &dyn Model, token: u32, cache: &mut Cache) -> Result<Option<Array>> {
        let (len, room) = (cache.len(), cache.room());
        // A recording pays from the second step on.
        let worth = if self.step.is_some() { len < room } else { len + 1 < room };
        if token as usize >= model.dims().vocab || !worth || self.failed >= TRIES {
            return Ok(None);
        }
        let places = places(cache);
        if places.iter().any(Option::is_none) {
            return Ok(None);
        }
        let whole = |n: usize| i32::try_from(n).map_err(|_| Error::value("[generate] too many positions"));
        let now = [whole(token as usize)?, whole(len)?, whole(len + 1)?];
        let state = match &self.state {
            Some(s) => {
                replay::write(s, &now)?;
                s
            }
            None => {
                let s = ops::contiguous(&Array::from_slice(&now, &[3])?)?;
                s.eval()?;
                self.state.insert(s)
            }
        };
        if let Some(r) = self.step.as_mut().filter(|r| r.places == places) {
            r.replay.run()?;
            cache.advance(1);
            return Ok(r.replay.outputs().first().cloned());
        }
        self.step = None;
        let part = |i: i64| ops::slice_axis(state, 0, i, i + 1);
        let offset = Offset { at: ops::reshape(&part(1)?, &[])?, held: Some(ops::reshape(&part(2)?, &[])?) };
        let logits = model.forward(&part(0)?, &offset, cache, Positions::Last)?;
        let replay = Replay::capture(std::slice::from_ref(&logits))?;
        // Each run adds to the same caches, so they must lie where they lay.
        let places_now = self::places(cache);
        match replay.filter(|_| places_now == places) {
            Some(replay) => self.step = Some(Recorded { replay, places }),
            None => self.failed += 1,
        }
        Ok(Some(logits))
    }
}
