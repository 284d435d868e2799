//! Unicode classes as the pre-tokenizer patterns use them, as bits of one byte.

use unicode_general_category::{GeneralCategory as G, get_general_category};

/// `\p{L}`
pub(super) const L: u8 = 1;
/// `\p{N}`
pub(super) const N: u8 = 2;
/// `\p{P}`
pub(super) const P: u8 = 4;
/// `\p{S}`
pub(super) const S: u8 = 8;
/// `\p{M}`
pub(super) const M: u8 = 16;
/// `\s`: the White_Space property.
pub(super) const WS: u8 = 32;
/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`: may begin or fill the upper-case half of a word.
pub(super) const UPPER: u8 = 64;
/// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: may fill the lower-case half of a word.
pub(super) const LOWER: u8 = 128;

/// The classes of a character.
pub(super) fn classes(c: char) -> u8 {
    if c.is_ascii() { ASCII[c as usize] } else { slow(c) }
}

fn slow(c: char) -> u8 {
    let space = if c.is_whitespace() { WS } else { 0 };
    space
        | match get_general_category(c) {
            G::UppercaseLetter | G::TitlecaseLetter => L | UPPER,
            G::LowercaseLetter => L | LOWER,
            G::ModifierLetter | G::OtherLetter => L | UPPER | LOWER,
            G::NonspacingMark | G::SpacingMark | G::EnclosingMark => M | UPPER | LOWER,
            G::DecimalNumber | G::LetterNumber | G::OtherNumber => N,
            G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation => P,
            G::MathSymbol | G::CurrencySymbol | G::ModifierSymbol | G::OtherSymbol => S,
            _ => 0,
        }
}

const ASCII: [u8; 128] = {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        table[i] = match i as u8 {
            b'A'..=b'Z' => L | UPPER,
            b'a'..=b'z' => L | LOWER,
            b'0'..=b'9' => N,
            b'\t'..=b'\r' | b' ' => WS,
            b'$' | b'+' | b'<' | b'=' | b'>' | b'^' | b'`' | b'|' | b'~' => S,
            b'!'..=b'/' | b':'..=b'@' | b'['..=b'_' | b'{'..=b'}' => P,
            _ => 0,
        };
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_table_agrees_with_unicode() {
        for c in (0u8..128).map(char::from) {
            assert_eq!(classes(c), slow(c), "{c:?}");
        }
    }

    #[test]
    fn classes_of_other_scripts() {
        assert_eq!(classes('é'), L | LOWER);
        assert_eq!(classes('Ǆ'), L | UPPER);
        assert_eq!(classes('字'), L | UPPER | LOWER);
        assert_eq!(classes('\u{301}'), M | UPPER | LOWER);
        assert_eq!(classes('½'), N);
        assert_eq!(classes('\u{3000}'), WS);
        assert_eq!(classes('😀'), S);
        assert_eq!(classes('\u{200d}'), 0);
    }
}
