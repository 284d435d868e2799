//! The printable stand-ins for bytes in byte-level vocabularies: a printable Latin-1 byte stands for itself,
//! the 68 others are U+0100, U+0101, … in order.

const fn printable(b: u8) -> bool {
    matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

/// Byte of each of U+0100..U+0144.
const SHIFTED: [u8; 68] = {
    let mut table = [0; 68];
    let (mut b, mut next) = (0usize, 0);
    while b < 256 {
        if !printable(b as u8) {
            table[next] = b as u8;
            next += 1;
        }
        b += 1;
    }
    table
};

/// The byte a stand-in character means, or `None` for a character outside the alphabet.
pub(super) fn byte_of(c: char) -> Option<u8> {
    match c as u32 {
        code @ 0..=0xff if printable(code as u8) => Some(code as u8),
        code @ 0x100..=0x143 => Some(SHIFTED[code as usize - 0x100]),
        _ => None,
    }
}

/// Appends the bytes that a byte-level token text means; false (with `out` as before) when the text is not
/// UTF-8 or uses a character outside the alphabet.
pub(super) fn decode_into(text: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let Ok(text) = std::str::from_utf8(text) else { return false };
    for c in text.chars() {
        match byte_of(c) {
            Some(b) => out.push(b),
            None => {
                out.truncate(start);
                return false;
            }
        }
    }
    true
}

/// The stand-in character of a byte.
#[cfg(test)]
pub(super) fn char_of(b: u8) -> char {
    if printable(b) {
        return char::from(b);
    }
    let index = SHIFTED.iter().position(|&x| x == b).unwrap();
    char::from_u32(0x100 + index as u32).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabet_is_a_bijection() {
        for b in 0..=255u8 {
            assert_eq!(byte_of(char_of(b)), Some(b));
        }
        assert_eq!((char_of(b' '), char_of(b'\n'), char_of(0xad)), ('Ġ', 'Ċ', 'Ń'));
        assert_eq!((byte_of(' '), byte_of('字'), byte_of('\u{144}')), (None, None, None));
    }

    #[test]
    fn text_outside_the_alphabet_is_refused_whole() {
        let mut out = b"x".to_vec();
        assert!(!decode_into("aĠ字".as_bytes(), &mut out) && !decode_into(b"a\xff", &mut out));
        assert_eq!(out, b"x");
        assert!(decode_into("aĠ".as_bytes(), &mut out));
        assert_eq!(out, b"xa ");
    }
}
