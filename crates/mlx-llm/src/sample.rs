//! Choosing the next token from logits. The order is mlx_lm's: repetition penalty on the logits; then top-p, min-p and
//! top-k on the probabilities at temperature one; then a draw at the temperature among what is left. Tokens as likely
//! as the last one that top-p keeps are kept too; of equals, top-k keeps the lowest ids.

use mlx_ir::{Error, Result};

/// How a token is chosen. The default is greedy.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleOptions {
    /// 0 takes the likeliest token; above, logits are divided by it before the draw.
    pub temperature: f32,
    /// Keeps the likeliest tokens that together have this probability; 0 and 1 keep all.
    pub top_p: f32,
    /// Keeps tokens at least this fraction as likely as the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Keeps so many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Divides positive and multiplies negative logits of tokens in the recent context; 1 changes nothing.
    pub repetition_penalty: f32,
    /// Tokens that count as recent.
    pub repetition_context: usize,
    /// Seed of the draws: the same seed gives the same choices from the same logits.
    pub seed: u64,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            min_p: 0.0,
            top_k: 0,
            repetition_penalty: 1.0,
            repetition_context: 20,
            seed: 0,
        }
    }
}

/// Draws tokens.
#[derive(Clone, Debug)]
pub struct Sampler {
    options: SampleOptions,
    /// Draws made so far: the counter of the generator.
    draws: u64,
}

/// A number in [0, 1) from seed and counter: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014) over a Weyl
/// sequence, its upper 53 bits.
fn unit(seed: u64, counter: u64) -> f64 {
    let mut z = seed.wrapping_add((counter.wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Larger first, then the lower id.
fn by_logit(logits: &[f32]) -> impl Fn(&u32, &u32) -> std::cmp::Ordering + '_ {
    |&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b))
}

/// The first largest logit. NaNs are passed over; an infinite one is an error.
fn argmax(logits: &[f32]) -> Result<usize> {
    let mut best: Option<usize> = None;
    for (i, &x) in logits.iter().enumerate() {
        if x == f32::INFINITY {
            return Err(Error::runtime(format!(
                "[sample] the logit of token {i} is infinite: the model's output is broken"
            )));
        }
        if x > best.map_or(f32::NEG_INFINITY, |b| logits[b]) {
            best = Some(i);
        }
    }
    best.ok_or_else(|| Error::runtime("[sample] no logit is a number above -inf: the model's output is broken"))
}

/// The ids of the `n` largest logits, in order.
fn largest(logits: &[f32], n: usize) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..logits.len() as u32).filter(|&i| logits[i as usize] > f32::NEG_INFINITY).collect();
    let n = n.min(ids.len());
    if n < ids.len() && n > 0 {
        ids.select_nth_unstable_by(n - 1, by_logit(logits));
    }
    ids.truncate(n);
    ids.sort_unstable_by(by_logit(logits));
    ids
}

/// ln Σ e^logit.
fn log_sum_exp(logits: &[f32], max: f32) -> f64 {
    let s: f64 = logits.iter().filter(|x| !x.is_nan()).map(|&x| f64::from((x - max).exp())).sum();
    f64::from(max) + s.ln()
}

/// Ids and natural log-probabilities of the `n` likeliest tokens, likeliest first.
///
/// # Errors
/// `Runtime` if no logit is a number.
pub fn top_logprobs(logits: &[f32], n: usize) -> Result<Vec<(u32, f32)>> {
    let total = log_sum_exp(logits, logits[argmax(logits)?]);
    Ok(largest(logits, n).into_iter().map(|i| (i, (f64::from(logits[i as usize]) - total) as f32)).collect())
}

impl Sampler {
    /// A sampler, its options checked.
    ///
    /// # Errors
    /// `Value` for an option out of range, by name.
    pub fn new(options: &SampleOptions) -> Result<Self> {
        let o = options;
        let check = |ok: bool, name: &str, value: f32, range: &str| {
            if ok { Ok(()) } else { Err(Error::value(format!("[sample] {name} must be {range}, got {value}"))) }
        };
        check(o.temperature.is_finite() && o.temperature >= 0.0, "temperature", o.temperature, "0 or above")?;
        check((0.0..=1.0).contains(&o.top_p), "top-p", o.top_p, "between 0 and 1")?;
        check((0.0..=1.0).contains(&o.min_p), "min-p", o.min_p, "between 0 and 1")?;
        let p = o.repetition_penalty;
        check(p.is_finite() && p > 0.0, "repetition penalty", p, "above 0")?;
        Ok(Self { options: options.clone(), draws: 0 })
    }

    /// The next token. `history` are the tokens so far, oldest first. The logits are changed by the penalty.
    ///
    /// # Errors
    /// `Runtime` if no logit is a number.
    pub fn sample(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32> {
        self.penalize(logits, history);
        let best = argmax(logits)?;
        if self.options.temperature == 0.0 {
            return Ok(best as u32);
        }
        let max = logits[best];
        let u = unit(self.options.seed, self.draws);
        self.draws += 1;
        match self.candidates(logits, max) {
            Some(ids) => Ok(self.draw(ids.iter().map(|&i| (i, logits[i as usize])), max, u)),
            None => Ok(self.draw(logits.iter().enumerate().map(|(i, &x)| (i as u32, x)), max, u)),
        }
    }

    fn penalize(&self, logits: &mut [f32], history: &[u32]) {
        let p = self.options.repetition_penalty;
        if p == 1.0 {
            return;
        }
        let recent = &history[history.len().saturating_sub(self.options.repetition_context)..];
        for (i, &t) in recent.iter().enumerate() {
            if recent[..i].contains(&t) {
                continue;
            }
            if let Some(x) = logits.get_mut(t as usize) {
                *x = if *x < 0.0 { *x * p } else { *x / p };
            }
        }
    }

    /// The tokens that may be drawn; none = all.
    fn candidates(&self, logits: &[f32], max: f32) -> Option<Vec<u32>> {
        let o = &self.options;
        let by_p = o.top_p > 0.0 && o.top_p < 1.0;
        if !by_p && o.min_p == 0.0 && o.top_k == 0 {
            return None;
        }
        let mut ids = if by_p {
            nucleus(logits, max, o.top_p)
        } else if o.top_k > 0 {
            largest(logits, o.top_k)
        } else {
            (0..logits.len() as u32).filter(|&i| !logits[i as usize].is_nan()).collect()
        };
        if o.min_p > 0.0 {
            let least = max + o.min_p.ln();
            ids.retain(|&i| logits[i as usize] >= least);
        }
        if o.top_k > 0 {
            ids.truncate(o.top_k);
        }
        Some(ids)
    }

    /// The candidate at which the running sum of probabilities passes `u`.
    fn draw(&self, candidates: impl Iterator<Item = (u32, f32)> + Clone, max: f32, u: f64) -> u32 {
        let t = self.options.temperature;
        let weight = |x: f32| if x.is_nan() { 0.0 } else { f64::from(((x - max) / t).exp()) };
        let total: f64 = candidates.clone().map(|(_, x)| weight(x)).sum();
        let mut left = u * total;
        let mut last = 0;
        for (i, x) in candidates {
            let w = weight(x);
            if w > 0.0 {
                last = i;
                if left < w {
                    return i;
                }
                left -= w;
            }
        }
        // Rounding may leave a crumb.
        last
    }
}

/// The likeliest tokens, in order, whose probabilities sum to at least `p`, and all that tie with the last of them.
fn nucleus(logits: &[f32], max: f32, p: f32) -> Vec<u32> {
    let total = log_sum_exp(logits, max);
    let mut n = 256;
    loop {
        let mut ids = largest(logits, n);
        let mut sum = 0.0;
        for k in 0..ids.len() {
            sum += (f64::from(logits[ids[k] as usize]) - total).exp();
            if sum >= f64::from(p) {
                let least = logits[ids[k] as usize];
                let ties = ids[k + 1..].iter().take_while(|&&i| logits[i as usize] == least).count();
                if k + 1 + ties < ids.len() || ids.len() < n {
                    ids.truncate(k + 1 + ties);
                    return ids;
                }
                // More may tie with the last one looked at.
                break;
            }
        }
        if ids.len() < n {
            return ids;
        }
        n *= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(options: SampleOptions, logits: &[f32], n: usize) -> Vec<usize> {
        let mut s = Sampler::new(&options).unwrap();
        let mut c = vec![0; logits.len()];
        for _ in 0..n {
            c[s.sample(&mut logits.to_vec(), &[]).unwrap() as usize] += 1;
        }
        c
    }

    #[test]
    fn greedy_takes_the_first_largest() {
        let mut s = Sampler::new(&SampleOptions::default()).unwrap();
        assert_eq!(s.sample(&mut [1.0, 3.0, f32::NAN, 3.0], &[]).unwrap(), 1);
        assert!(s.sample(&mut [f32::NAN, f32::NEG_INFINITY], &[]).is_err());
    }

    #[test]
    fn frequencies_follow_the_temperature() {
        let logits = [0.0, 1.0, 2.0, -1.0];
        for t in [0.5f32, 1.0, 2.0] {
            let c = counts(SampleOptions { temperature: t, ..Default::default() }, &logits, 20_000);
            let z: f32 = logits.iter().map(|x| (x / t).exp()).sum();
            for (n, x) in c.iter().zip(logits) {
                let (p, q) = ((x / t).exp() / z, *n as f32 / 20_000.0);
                assert!((p - q).abs() < 0.015, "temperature {t}: {p} {q}");
            }
        }
    }

    #[test]
    fn filters_keep_what_they_say() {
        let logits: Vec<f32> = [0.5f32, 0.25, 0.15, 0.1].iter().map(|p| p.ln()).collect();
        let kept = |o: SampleOptions| {
            counts(SampleOptions { temperature: 1.0, ..o }, &logits, 4000).iter().map(|&n| n > 0).collect::<Vec<_>>()
        };
        assert_eq!(kept(SampleOptions { top_k: 2, ..Default::default() }), [true, true, false, false]);
        assert_eq!(kept(SampleOptions { top_p: 0.7, ..Default::default() }), [true, true, false, false]);
        assert_eq!(kept(SampleOptions { top_p: 0.8, ..Default::default() }), [true, true, true, false]);
        assert_eq!(kept(SampleOptions { min_p: 0.25, ..Default::default() }), [true, true, true, false]);
        assert_eq!(kept(SampleOptions { min_p: 0.25, top_k: 1, ..Default::default() }), [true, false, false, false]);
        assert_eq!(kept(SampleOptions::default()), [true; 4]);
    }

    #[test]
    fn a_flat_distribution_larger_than_the_first_guess() {
        let logits: Vec<f32> = (0..5000).map(|i| i as f32 * -1e-6).collect();
        assert_eq!(nucleus(&logits, 0.0, 0.4999).len(), 2497);
        // All tie.
        assert_eq!(nucleus(&[0.0; 5000], 0.0, 0.4999).len(), 5000);
    }

    #[test]
    fn penalty_works_on_recent_tokens_once() {
        let o = SampleOptions { repetition_penalty: 2.0, repetition_context: 3, ..Default::default() };
        let mut logits = [4.0, -1.0, 3.0, 2.5];
        let mut s = Sampler::new(&o).unwrap();
        assert_eq!(s.sample(&mut logits, &[2, 0, 0, 1]).unwrap(), 2);
        assert_eq!(logits, [2.0, -2.0, 3.0, 2.5]);
    }

    #[test]
    fn same_seed_same_choices() {
        let logits: Vec<f32> = (0..100).map(|i| (i as f32 * 0.7).sin()).collect();
        let run = |seed| {
            let mut s = Sampler::new(&SampleOptions { temperature: 1.0, seed, ..Default::default() }).unwrap();
            (0..50).map(|_| s.sample(&mut logits.clone(), &[]).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn bad_options_are_named() {
        for (o, name) in [
            (SampleOptions { temperature: -1.0, ..Default::default() }, "temperature"),
            (SampleOptions { temperature: f32::NAN, ..Default::default() }, "temperature"),
            (SampleOptions { top_p: 1.5, ..Default::default() }, "top-p"),
            (SampleOptions { min_p: -0.1, ..Default::default() }, "min-p"),
            (SampleOptions { repetition_penalty: 0.0, ..Default::default() }, "repetition penalty"),
        ] {
            assert!(Sampler::new(&o).unwrap_err().message.contains(name));
        }
    }

    #[test]
    fn logprobs_are_normalised_and_sorted() {
        let l = top_logprobs(&[0.0, 2.0, 1.0, f32::NEG_INFINITY], 10).unwrap();
        assert_eq!(l.iter().map(|x| x.0).collect::<Vec<_>>(), [1, 2, 0]);
        assert!((l.iter().map(|x| x.1.exp()).sum::<f32>() - 1.0).abs() < 1e-6);
    }

    /// The ids the filters keep, by full sorts over probabilities in ascending order, as mlx_lm has them.
    fn kept_by_sorting(logits: &[f32], o: &SampleOptions) -> Vec<u32> {
        let total: f64 = logits.iter().map(|&x| f64::from(x).exp()).sum();
        let probs: Vec<f64> = logits.iter().map(|&x| f64::from(x).exp() / total).collect();
        let mut keep: Vec<bool> = logits.iter().map(|x| *x > f32::NEG_INFINITY).collect();
        if o.top_p > 0.0 && o.top_p < 1.0 {
            let mut order: Vec<usize> = (0..logits.len()).collect();
            order.sort_by(|&a, &b| logits[a].total_cmp(&logits[b]));
            let above = |i: usize| order[i + 1..].iter().map(|&j| probs[j]).sum::<f64>();
            let dropped = (0..order.len()).filter(|&i| above(i) >= f64::from(o.top_p) - 1e-12).count();
            keep.iter_mut().zip(logits).for_each(|(k, &x)| *k &= x >= logits[order[dropped]]);
        }
        if o.min_p > 0.0 {
            let best = probs.iter().copied().fold(0.0, f64::max);
            keep.iter_mut().zip(&probs).for_each(|(k, &q)| *k &= q >= best * f64::from(o.min_p) * (1.0 - 1e-6));
        }
        let mut ids: Vec<u32> = (0..logits.len() as u32).filter(|&i| keep[i as usize]).collect();
        ids.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        if o.top_k > 0 {
            ids.truncate(o.top_k);
        }
        ids.sort_unstable();
        ids
    }

    #[test]
    fn filters_agree_with_full_sorts() {
        let mut draws = (0..).map(|i| unit(5, i));
        let mut next = || draws.next().unwrap();
        for case in 0..3000 {
            let n = 2 + (next() * 600.0) as usize;
            // A coarse grid, so that ties are common.
            let mut logits: Vec<f32> = (0..n).map(|_| (next() * 16.0).floor() as f32 / 2.0 - 4.0).collect();
            if case % 3 == 0 {
                logits[n / 2] = 8.0;
                logits[0] = f32::NEG_INFINITY;
            }
            let options = SampleOptions {
                temperature: 1.0,
                top_p: [0.0, 1.0, 0.1, 0.5, 0.9, 0.95, 0.99][case % 7],
                min_p: [0.0, 0.05, 0.3, 1.0][case % 4],
                top_k: [0, 1, 5, 40, 1000][case % 5],
                ..SampleOptions::default()
            };
            let mut sampler = Sampler::new(&options).unwrap();
            let max = logits[argmax(&logits).unwrap()];
            let wanted = kept_by_sorting(&logits, &options);
            if let Some(mut ids) = sampler.candidates(&logits, max) {
                ids.sort_unstable();
                assert_eq!(ids, wanted, "case {case}: {options:?} {logits:?}");
            }
            let id = sampler.sample(&mut logits, &[]).unwrap();
            assert!(wanted.contains(&id));
        }
    }

    #[test]
    fn draws_are_pinned() {
        // The published sequence of SplitMix64 from 1234567.
        let first: Vec<u64> = (0..3).map(|i| (unit(1_234_567, i) * (1u64 << 53) as f64) as u64).collect();
        let published = [6457827717110365317u64, 3203168211198807973, 9817491932198370423];
        assert_eq!(first, published.map(|x| x >> 11));
        assert!(Sampler::new(&SampleOptions::default()).unwrap().sample(&mut [0.0, f32::INFINITY], &[]).is_err());
    }
}
