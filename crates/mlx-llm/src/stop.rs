//! Stop texts in a stream: text that may be the beginning of one is held back, none of one is ever handed out.

use mlx_ir::{Error, Result};

/// Watches a stream of text for stop texts.
#[derive(Clone, Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    held: String,
    stopped: bool,
}

impl StopMatcher {
    /// Watches for these texts.
    ///
    /// # Errors
    /// `Value` for an empty one, which would stop everything.
    pub fn new(stops: &[String]) -> Result<Self> {
        if stops.iter().any(String::is_empty) {
            return Err(Error::value("[stop] a stop text must not be empty"));
        }
        Ok(Self { stops: stops.to_vec(), held: String::new(), stopped: false })
    }

    /// Takes text in and appends to `out` what is certain not to belong to a stop text. Returns true once one is
    /// complete; nothing from there on is handed out.
    pub fn push(&mut self, text: &str, out: &mut String) -> bool {
        if self.stopped {
            return true;
        }
        self.held.push_str(text);
        // The one that ends first, so that the cut doesn't depend on how the text was cut into pieces.
        let ends = |s: &String| self.held.find(s.as_str()).map(|at| (at + s.len(), at));
        if let Some((_, at)) = self.stops.iter().filter_map(ends).min() {
            out.push_str(&self.held[..at]);
            self.held.clear();
            self.stopped = true;
            return true;
        }
        // The longest end of the held text that begins a stop text stays.
        let mut keep = 0;
        for s in &self.stops {
            let most = (s.len() - 1).min(self.held.len());
            for n in (keep + 1..=most).rev() {
                if s.is_char_boundary(n) && self.held.ends_with(&s[..n]) {
                    keep = n;
                    break;
                }
            }
        }
        let certain = self.held.len() - keep;
        out.push_str(&self.held[..certain]);
        self.held.drain(..certain);
        false
    }

    /// Hands out what was held back, when the stream ends without a stop text.
    pub fn finish(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.held));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut m = StopMatcher::new(&stops.iter().map(|s| s.to_string()).collect::<Vec<_>>()).unwrap();
        let mut out = String::new();
        for p in pieces {
            if m.push(p, &mut out) {
                return (out, true);
            }
        }
        m.finish(&mut out);
        (out, false)
    }

    #[test]
    fn stops_across_pieces() {
        assert_eq!(run(&["</s>"], &["ab<", "/", "s", ">cd"]), ("ab".into(), true));
        assert_eq!(run(&["</s>"], &["ab<", "/x"]), ("ab</x".into(), false));
        assert_eq!(run(&["</s>"], &["ab<", "/"]), ("ab</".into(), false));
        assert_eq!(run(&["aab"], &["a", "a", "a", "b"]), ("a".into(), true));
        assert_eq!(run(&["xyz", "y"], &["axy"]), ("ax".into(), true));
        assert_eq!(run(&["é!"], &["caf", "é", "!"]), ("caf".into(), true));
        assert_eq!(run(&["éa"], &["xé", "b"]), ("xéb".into(), false));
        assert_eq!(run(&[], &["a", "b"]), ("ab".into(), false));
    }

    #[test]
    fn any_split_gives_the_same() {
        let text = "one STOP two STO STOP";
        for i in 0..=text.len() {
            for j in i..=text.len() {
                assert_eq!(run(&["STOP"], &[&text[..i], &text[i..j], &text[j..]]), ("one ".into(), true));
            }
        }
    }

    #[test]
    fn an_empty_stop_text_is_refused() {
        assert!(StopMatcher::new(&[String::new()]).is_err());
    }

    #[test]
    fn pieces_do_not_matter() {
        let mut state = 4u64;
        let mut pick = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        let alphabet = ['a', 'b', 'é', '字'];
        for _ in 0..5000 {
            let mut text = |most: usize| -> String { (0..1 + pick(most)).map(|_| alphabet[pick(4)]).collect() };
            let (stops, whole) = ([text(4), text(3), text(5)], text(20));
            let (mut pieces, mut rest) = (Vec::new(), whole.as_str());
            while !rest.is_empty() {
                let n = rest.char_indices().nth(1 + pick(3)).map_or(rest.len(), |(i, _)| i);
                let (piece, after) = rest.split_at(n);
                pieces.push(piece);
                rest = after;
            }
            let first = stops.iter().filter_map(|s| whole.find(s.as_str()).map(|at| (at + s.len(), at))).min();
            let wanted = (first.map_or(whole.as_str(), |(_, at)| &whole[..at]).to_owned(), first.is_some());
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            assert_eq!(run(&stops, &pieces), wanted, "{whole} {stops:?} {pieces:?}");
        }
    }
}
