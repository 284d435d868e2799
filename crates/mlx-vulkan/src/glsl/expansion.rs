//! How much text macros make of a source: a few lines can ask for more than any machine holds, and the compiler has no
//! limit of its own.

use std::collections::HashMap;

/// Most words and signs after expansion.
const MOST: u64 = 200_000;
/// Most macros, which are followed recursively.
const MACROS: usize = 1000;

struct Macro<'a> {
    params: Vec<&'a str>,
    body: Vec<&'a str>,
}

/// What a macro makes: signs of its own, and how often an argument stands in it at most.
#[derive(Clone, Copy)]
struct Makes {
    own: u64,
    each: u64,
}

/// Words (identifiers, numbers) and signs.
fn words(mut text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    loop {
        text = text.trim_start();
        let Some(first) = text.chars().next() else { return out };
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let n = if part(first) { text.find(|c| !part(c)).unwrap_or(text.len()) } else { first.len_utf8() };
        out.push(&text[..n]);
        text = &text[n..];
    }
}

struct Macros<'a> {
    all: HashMap<&'a str, Vec<Macro<'a>>>,
    known: HashMap<&'a str, Option<Makes>>,
}

impl<'a> Macros<'a> {
    /// What is made of `name`: the most that any of its definitions makes.
    fn of(&mut self, name: &'a str) -> Option<Makes> {
        if !self.all.contains_key(name) {
            return None;
        }
        if let Some(k) = self.known.get(name) {
            // One that is being expanded is not expanded again.
            return *k;
        }
        self.known.insert(name, None);
        let defined = self.all.remove(name).unwrap_or_default();
        self.all.insert(name, Vec::new());
        let mut most = Makes { own: 1, each: 1 };
        for m in &defined {
            let made = self.count(&m.body, &m.params);
            most = Makes { own: most.own.max(made.own), each: most.each.max(made.each) };
        }
        self.known.insert(name, Some(most));
        Some(most)
    }

    fn count(&mut self, text: &[&'a str], params: &[&str]) -> Makes {
        let mut made = Makes { own: 0, each: 0 };
        // How often what stands here is repeated, for each open parenthesis.
        let mut times = vec![1u64];
        let mut called = 1;
        for &w in text {
            let now = times.last().copied().unwrap_or(1);
            match w {
                "(" => times.push(now.saturating_mul(called)),
                ")" if times.len() > 1 => _ = times.pop(),
                _ => {}
            }
            called = 1;
            if params.contains(&w) {
                made.each = made.each.saturating_add(now);
                continue;
            }
            let own = match self.of(w) {
                Some(m) => {
                    called = m.each;
                    m.own
                }
                None => 1,
            };
            made.own = made.own.saturating_add(now.saturating_mul(own));
        }
        made
    }
}

/// Sees that macros do not make too much of the text.
///
/// # Errors
/// Words for the user.
pub fn check(text: &str) -> Result<(), String> {
    // The compiler joins such lines first.
    let joined = text.replace("\\\r\n", "").replace("\\\n", "");
    let mut macros = Macros { all: HashMap::new(), known: HashMap::new() };
    let (mut plain, mut number) = (Vec::new(), 0);
    for line in joined.lines() {
        let w = words(line);
        let ["#", "define", name, rest @ ..] = &w[..] else {
            plain.extend(w);
            continue;
        };
        number += 1;
        // A parenthesis right after the name begins parameters.
        let after = line.find("define").and_then(|at| {
            let rest = &line[at + "define".len()..];
            rest.find(name).map(|n| &rest[n + name.len()..])
        });
        let (params, body) = match rest.iter().position(|&w| w == ")") {
            Some(end) if after.is_some_and(|a| a.starts_with('(')) => (rest[..end].to_vec(), &rest[end + 1..]),
            _ => (Vec::new(), rest),
        };
        macros.all.entry(name).or_default().push(Macro { params, body: body.to_vec() });
    }
    if number > MACROS {
        return Err(format!("{number} macros are more than {MACROS}."));
    }
    let total = macros.count(&plain, &[]).own;
    if total > MOST {
        return Err(format!("its macros make {total} words and signs of it; at most {MOST} are compiled."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn macros_are_counted_before_they_are_expanded() {
        let mut text = String::from("#define M0 a+a+a+a+a+a+a+a+a+a\n");
        for i in 1..40 {
            text += &format!("#define M{i} M{0} M{0}\n", i - 1);
        }
        assert_eq!(check(&text), Ok(()));
        assert!(check(&(text.clone() + "x = M3;")).is_ok());
        assert!(check(&(text + "x = M39;")).unwrap_err().contains("at most"));
        let twice = "#define D(x) x x\n";
        let nested = |n: usize| format!("{twice}{}y{}", "D(".repeat(n), ")".repeat(n));
        assert!(check(&nested(5)).is_ok());
        assert!(check(&nested(60)).unwrap_err().contains("at most"));
        // Through the body of another one, over a joined line, and by itself.
        let deep = (0..60).fold(twice.to_owned(), |t, i| t + &format!("#define E{i}(x) D(E{}(x))\n", i + 1));
        assert!(check(&(deep.clone() + "#define E60(x) \\\nx x\nE0(1)")).unwrap_err().contains("at most"));
        assert_eq!(check("#define A B\n#define B A\nA B"), Ok(()));
        let many: String = (0..1001).map(|i| format!("#define N{i} 1\n")).collect();
        assert!(check(&many).unwrap_err().contains("1001 macros"));
    }
}
