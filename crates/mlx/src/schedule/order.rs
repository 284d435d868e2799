//! Which calls an evaluation needs, in dependency order.

use crate::array::{Array, Call, DONE, PENDING};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Calls taken on by one evaluation, each after what it needs.
pub(super) struct Claim {
    /// Later evaluations have higher numbers.
    pub number: u64,
    pub calls: Vec<Arc<Call>>,
}

/// The last number given out; held while calls are claimed, so that an evaluation claims all it needs at once.
static LAST: Mutex<u64> = Mutex::new(DONE);

/// Claims every pending call that `arrays` depend on. `then` runs before anybody else can claim: what it hands to the
/// streams' workers stands in their queues in the order of the claims. Depth first, so that intermediate results are
/// used soon after they are made; with an explicit stack, so that depth is no limit.
pub(super) fn claim<T>(arrays: &[Array], then: impl FnOnce(Claim) -> T) -> T {
    let mut last = LAST.lock().unwrap_or_else(|e| e.into_inner());
    *last += 1;
    let number = *last;
    let mut calls = Vec::new();
    let mut stack: Vec<(Arc<Call>, usize)> = Vec::new();
    for a in arrays {
        if try_claim(&a.call, number) {
            stack.push((a.call.clone(), 0));
        }
        while let Some((call, next)) = stack.last_mut() {
            let input = {
                let inputs = call.inputs.lock().unwrap_or_else(|e| e.into_inner());
                // Most inputs are computed already, or claimed.
                inputs.get(*next).map(|i| try_claim(&i.call, number).then(|| i.call.clone()))
            };
            *next += 1;
            match input {
                Some(claimed) => stack.extend(claimed.map(|c| (c, 0))),
                None => {
                    if let Some((call, _)) = stack.pop() {
                        calls.push(call);
                    }
                }
            }
        }
    }
    then(Claim { number, calls })
}

fn try_claim(call: &Call, number: u64) -> bool {
    call.state.load(Ordering::Acquire) == PENDING
        && call.state.compare_exchange(PENDING, number, Ordering::AcqRel, Ordering::Acquire).is_ok()
}
