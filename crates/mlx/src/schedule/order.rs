//! Which calls an evaluation needs, in dependency order.

use crate::array::{Array, CLAIMED, Call, PENDING};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Held while calls are claimed, so that an evaluation claims all it needs at once.
static CLAIM: Mutex<()> = Mutex::new(());

/// Claims every pending call that `arrays` depend on and returns them, each after what it needs. Depth first, so that
/// intermediate results are used soon after they are made; with an explicit stack, so that depth is no limit.
pub(super) fn claim(arrays: &[Array]) -> Vec<Arc<Call>> {
    let _one_at_a_time = CLAIM.lock().unwrap_or_else(|e| e.into_inner());
    let mut order = Vec::new();
    let mut stack: Vec<(Arc<Call>, usize)> = Vec::new();
    for a in arrays {
        if try_claim(&a.call) {
            stack.push((a.call.clone(), 0));
        }
        while let Some((call, next)) = stack.last_mut() {
            let input = {
                let inputs = call.inputs.lock().unwrap_or_else(|e| e.into_inner());
                inputs.get(*next).map(|i| i.call.clone())
            };
            *next += 1;
            match input {
                Some(i) => {
                    if try_claim(&i) {
                        stack.push((i, 0));
                    }
                }
                None => {
                    if let Some((call, _)) = stack.pop() {
                        order.push(call);
                    }
                }
            }
        }
    }
    order
}

fn try_claim(call: &Call) -> bool {
    call.state.load(Ordering::Acquire) == PENDING
        && call.state.compare_exchange(PENDING, CLAIMED, Ordering::AcqRel, Ordering::Acquire).is_ok()
}
