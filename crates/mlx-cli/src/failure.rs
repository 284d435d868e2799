//! How a command ends badly.

use mlx_ir::Error;

/// An exit code with the line that explains it.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    /// The user's input is wrong.
    pub fn input(message: impl Into<String>) -> Failure {
        Failure { code: 2, message: message.into() }
    }

    /// The surroundings failed: network, disk, terminal.
    pub fn surroundings(message: impl Into<String>) -> Failure {
        Failure { code: 1, message: message.into() }
    }
}

impl From<Error> for Failure {
    /// Names, files and values come from the user: without better knowledge the input is wrong.
    fn from(e: Error) -> Failure {
        Failure::input(e.message)
    }
}

/// Text from anywhere on one line that a terminal shows as it is: control characters are escaped.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn nothing_in_a_message_moves_the_cursor() {
        assert_eq!(one_line("a\nb\tc \u{1b}[2J ü"), "a b c \\u{1b}[2J ü");
    }
}
