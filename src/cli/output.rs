//! The terminal. A reader who went away is no error: the command still does what it was asked.

use std::fmt::Display;
use std::io::Write;

/// Says a line of the answer, on standard output, at once.
pub fn say(line: impl Display) {
    let mut terminal = std::io::stdout().lock();
    drop(writeln!(terminal, "{line}").and_then(|()| terminal.flush()));
}

/// Says something beside the answer, on standard error.
pub fn note(line: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// `text` without characters that steer a terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_does_not_reach_it() {
        assert_eq!(plain("a\u{1b}[2Jb\nc é"), "a [2Jb c é");
    }
}
