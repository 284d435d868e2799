//! Matchers for the pre-tokenizer patterns, written by hand: each looks at a character a bounded number of
//! times, so no input makes them slow. A pattern is quoted above its matcher in regex notation.

use super::classes::{L, LOWER, M, N, P, S, UPPER, WS, classes};

/// Result of trying a matcher at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A match ends here (past the position).
    To(usize),
    /// No match starts before here (past the position).
    NotBefore(usize),
}

/// What may follow a run of punctuation inside its piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tail {
    /// `[^\s…]+[\r\n]*`
    Newlines,
    /// `[^\s…]+[\r\n/]*`
    NewlinesSlash,
    /// `[^\s…\r\n]+`
    Nothing,
}

/// One splitting step: matches become pieces, and so does what lies between them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// `\p{N}{1,max}`
    Digits(usize),
    /// `[0-9][0-9][0-9]`
    DigitTriples,
    /// `[\p{P}…]+` with further characters
    Punctuation(&'static str),
    /// `[\r\n]`
    Newline,
    /// `\s+$`
    TrailingSpace,
    /// `\s?\p{…}+`
    SpacedClass(u8),
    /// `\s?[…]+`
    SpacedRanges(&'static [(char, char)]),
    /// `[…]+`
    Ranges(&'static [(char, char)]),
    /// ` ?[^(\s|.,!?…。，、।۔،)]+`
    Clauses,
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    Gpt2,
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    Words {
        /// The contractions are an alternative of their own.
        contractions: bool,
        /// Most digits in a piece.
        digits: usize,
        /// `\p{M}` counts with the letters.
        marks: bool,
        /// What a run of punctuation may end in.
        tail: Tail,
    },
    /// As `Words`, but words are `[^\r\n\p{L}\p{N}]?UPPER*LOWER+` or `…?UPPER+LOWER*` with
    /// `UPPER = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, `LOWER = [\p{Ll}\p{Lm}\p{Lo}\p{M}]`.
    Cased {
        /// A contraction may end a word.
        contractions: bool,
        /// Most digits in a piece.
        digits: usize,
    },
    /// ``[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+``
    DeepSeek,
}

/// The character at a byte offset and the offset after it.
fn at(s: &str, i: usize) -> Option<(char, usize)> {
    let c = s.get(i..)?.chars().next()?;
    Some((c, i + c.len_utf8()))
}

/// Classes of the character at `i`; 0 at the end.
fn class_at(s: &str, i: usize) -> u8 {
    at(s, i).map_or(0, |(c, _)| classes(c))
}

/// End of the longest run from `i` of at most `max` characters that satisfy `keep`.
fn run(s: &str, mut i: usize, max: usize, keep: impl Fn(char) -> bool) -> usize {
    for _ in 0..max {
        match at(s, i) {
            Some((c, next)) if keep(c) => i = next,
            _ => break,
        }
    }
    i
}

fn run_of(s: &str, i: usize, class: u8) -> usize {
    run(s, i, usize::MAX, |c| classes(c) & class != 0)
}

/// A run of visible characters with none of `excluded`; nothing for the end of the text.
fn run_without(s: &str, i: usize, excluded: u8, newlines: bool) -> usize {
    run(s, i, usize::MAX, |c| classes(c) & excluded == 0 && (newlines || !matches!(c, '\r' | '\n')))
}

/// `'s|'t|'re|'ve|'m|'ll|'d` at `i`: its end.
fn contraction(s: &str, i: usize, any_case: bool) -> Option<usize> {
    let rest = s.as_bytes().get(i..)?;
    if rest.first() != Some(&b'\'') {
        return None;
    }
    let letter = |k: usize| rest.get(k).map_or(0, |b| if any_case { b.to_ascii_lowercase() } else { *b });
    match (letter(1), letter(2)) {
        (b's' | b't' | b'm' | b'd', _) => Some(i + 2),
        (b'r' | b'v', b'e') | (b'l', b'l') => Some(i + 3),
        _ => None,
    }
}

/// `\s+(?!\S)|\s+` at a white space: all of the run when it ends the text, else all but its last character,
/// which the next piece may want; a lone one is its own piece.
fn spaces(s: &str, i: usize) -> Option<usize> {
    let (mut end, mut last) = (i, i);
    while let Some((c, next)) = at(s, end) {
        if classes(c) & WS == 0 {
            break;
        }
        (last, end) = (end, next);
    }
    match end {
        _ if end == i => None,
        _ if end == s.len() || last == i => Some(end),
        _ => Some(last),
    }
}

/// `\s*[\r\n]+`: up to the last line break of the white space at `i`.
fn line_breaks(s: &str, i: usize) -> Option<usize> {
    let (mut p, mut end) = (i, None);
    while let Some((c, next)) = at(s, p) {
        match c {
            '\r' | '\n' => end = Some(next),
            _ if classes(c) & WS == 0 => break,
            _ => {}
        }
        p = next;
    }
    end
}

/// ` ?[^\s…]+` with its tail.
fn punctuation(s: &str, i: usize, excluded: u8, tail: Tail) -> Option<usize> {
    let start = i + usize::from(s.as_bytes().get(i) == Some(&b' '));
    let end = run_without(s, start, excluded | WS, !matches!(tail, Tail::Nothing));
    if end == start {
        return None;
    }
    Some(match tail {
        Tail::Newlines => run(s, end, usize::MAX, |c| matches!(c, '\r' | '\n')),
        Tail::NewlinesSlash => run(s, end, usize::MAX, |c| matches!(c, '\r' | '\n' | '/')),
        Tail::Nothing => end,
    })
}

/// `[^\r\n…]?LETTERS+` where the optional prefix is never one of `not_prefix`.
fn word(s: &str, i: usize, letters: u8, not_prefix: u8) -> Option<usize> {
    let (c, next) = at(s, i)?;
    let class = classes(c);
    if class & letters != 0 {
        return Some(run_of(s, next, letters));
    }
    let prefix = class & not_prefix == 0 && !matches!(c, '\r' | '\n');
    (prefix && class_at(s, next) & letters != 0).then(|| run_of(s, next, letters))
}

/// `UPPER*LOWER+` from `i`: the greedy upper run gives back characters of both classes when no other follows.
fn lower_word(s: &str, i: usize) -> Option<usize> {
    let (mut p, mut both) = (i, None);
    while let Some((c, next)) = at(s, p) {
        let class = classes(c);
        if class & UPPER == 0 {
            break;
        }
        if class & LOWER != 0 {
            both = Some(next);
        }
        p = next;
    }
    let end = run_of(s, p, LOWER);
    if end > p { Some(end) } else { both }
}

/// `UPPER+LOWER*` from `i`.
fn upper_word(s: &str, i: usize) -> Option<usize> {
    let p = run_of(s, i, UPPER);
    (p > i).then(|| run_of(s, p, LOWER))
}

fn cased_word(s: &str, i: usize) -> Option<usize> {
    let (c, next) = at(s, i)?;
    let prefixed = classes(c) & (L | N) == 0 && !matches!(c, '\r' | '\n');
    let after = prefixed.then_some(next);
    after
        .and_then(|p| lower_word(s, p))
        .or_else(|| lower_word(s, i))
        .or_else(|| after.and_then(|p| upper_word(s, p)))
        .or_else(|| upper_word(s, i))
}

fn in_ranges(ranges: &[(char, char)], c: char) -> bool {
    let i = ranges.partition_point(|&(_, hi)| hi < c);
    ranges.get(i).is_some_and(|&(lo, _)| lo <= c)
}

/// `\s?SET+`, where white space may itself be in the set.
fn spaced(s: &str, i: usize, keep: impl Fn(char) -> bool) -> Option<usize> {
    let (c, next) = at(s, i)?;
    let start = if keep(c) {
        i
    } else if classes(c) & WS != 0 {
        next
    } else {
        return None;
    };
    let end = run(s, start, usize::MAX, keep);
    (end > start).then_some(end)
}

fn clause_char(c: char) -> bool {
    const STOPS: &str = "(|.,!?…。，、।۔،)";
    classes(c) & WS == 0 && !STOPS.contains(c)
}

fn deepseek(s: &str, i: usize) -> Option<usize> {
    let b = s.as_bytes();
    if b[i].is_ascii_punctuation() && b.get(i + 1).is_some_and(u8::is_ascii_alphabetic) {
        return Some(run(s, i + 1, usize::MAX, |c| c.is_ascii_alphabetic()));
    }
    word(s, i, L | M, L | P | S)
        .or_else(|| {
            let start = i + usize::from(b[i] == b' ');
            let end = run_of(s, start, P | S);
            (end > start).then(|| run(s, end, usize::MAX, |c| matches!(c, '\r' | '\n')))
        })
        .or_else(|| line_breaks(s, i))
        .or_else(|| spaces(s, i))
}

fn gpt2(s: &str, i: usize) -> Option<usize> {
    if let Some(end) = contraction(s, i, false) {
        return Some(end);
    }
    let start = i + usize::from(s.as_bytes().get(i) == Some(&b' '));
    let class = class_at(s, start);
    let end = match class {
        _ if start == s.len() => start,
        _ if class & L != 0 => run_of(s, start, L),
        _ if class & N != 0 => run_of(s, start, N),
        _ => run_without(s, start, WS | L | N, true),
    };
    if end > start { Some(end) } else { spaces(s, i) }
}

impl Step {
    /// Tries to match at the byte offset `i < s.len()`, a character boundary.
    fn find(&self, s: &str, i: usize) -> Found {
        let Some((c, next)) = at(s, i) else { return Found::NotBefore(s.len()) };
        let matched = match *self {
            Step::Digits(max) => Some(run(s, i, max, |c| classes(c) & N != 0)).filter(|&end| end > i),
            Step::DigitTriples => {
                let digits = s.as_bytes()[i..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
                (digits == 3).then_some(i + 3)
            }
            Step::Punctuation(more) => {
                let end = run(s, i, usize::MAX, |c| classes(c) & P != 0 || more.contains(c));
                (end > i).then_some(end)
            }
            Step::Newline => matches!(c, '\r' | '\n').then_some(next),
            Step::TrailingSpace => {
                let end = run_of(s, i, WS);
                if end > i && end < s.len() {
                    // None of the run's later positions can match either.
                    return Found::NotBefore(end);
                }
                (end > i).then_some(end)
            }
            Step::SpacedClass(class) => spaced(s, i, |c| classes(c) & class != 0),
            Step::SpacedRanges(ranges) => spaced(s, i, |c| in_ranges(ranges, c)),
            Step::Ranges(ranges) => Some(run(s, i, usize::MAX, |c| in_ranges(ranges, c))).filter(|&end| end > i),
            Step::Clauses => {
                let start = if c == ' ' { next } else { i };
                Some(run(s, start, usize::MAX, clause_char)).filter(|&end| end > start)
            }
            Step::Gpt2 => gpt2(s, i),
            Step::Words { contractions, digits, marks, tail } => {
                let letters = if marks { L | M } else { L };
                (if contractions { contraction(s, i, true) } else { None })
                    .or_else(|| word(s, i, letters, L | N))
                    .or_else(|| Some(run(s, i, digits, |c| classes(c) & N != 0)).filter(|&end| end > i))
                    .or_else(|| punctuation(s, i, letters | N, tail))
                    .or_else(|| line_breaks(s, i))
                    .or_else(|| spaces(s, i))
            }
            Step::Cased { contractions, digits } => cased_word(s, i)
                .map(|end| if contractions { contraction(s, end, true).unwrap_or(end) } else { end })
                .or_else(|| Some(run(s, i, digits, |c| classes(c) & N != 0)).filter(|&end| end > i))
                .or_else(|| punctuation(s, i, L | N, Tail::NewlinesSlash))
                .or_else(|| line_breaks(s, i))
                .or_else(|| spaces(s, i)),
            Step::DeepSeek => deepseek(s, i),
        };
        matched.map_or(Found::NotBefore(next), Found::To)
    }
}

/// Applies the steps one after the other and hands every piece to `emit`, in order.
pub(super) fn split<E>(steps: &[Step], s: &str, emit: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    if s.is_empty() {
        return Ok(());
    }
    let Some((step, rest)) = steps.split_first() else { return emit(s) };
    let (mut gap, mut i) = (0, 0);
    while i < s.len() {
        match step.find(s, i) {
            Found::NotBefore(next) => i = next,
            Found::To(end) => {
                split(rest, &s[gap..i], emit)?;
                split(rest, &s[i..end], emit)?;
                (gap, i) = (end, end);
            }
        }
    }
    split(rest, &s[gap..], emit)
}
