//! Bytes that arrive in any pieces, as lines. Bounded in the length of a line, their number, and all of it together.

/// The longest line: one with a result and an undo payload of their largest size.
pub const LINE_BYTES_MAX: usize = 80 * 1024;
/// All bytes of an answer.
pub const BYTES_MAX: usize = 1024 * 1024;
/// All lines of an answer, the blank ones among them.
pub const LINES_MAX: usize = 10_000;

/// The lines so far.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// Up to where no end of a line was found.
    looked: usize,
    bytes: usize,
    lines: usize,
}

impl Lines {
    /// Takes the next piece.
    ///
    /// # Errors
    /// When the answer is longer than [`BYTES_MAX`].
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), String> {
        self.bytes += piece.len();
        if self.bytes > BYTES_MAX {
            return Err(format!("the answer is longer than {BYTES_MAX} bytes"));
        }
        self.buffer.drain(..self.at);
        self.looked -= self.at;
        self.at = 0;
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// The next whole line, without its end.
    ///
    /// # Errors
    /// When a line is longer than [`LINE_BYTES_MAX`], also one whose end is not here yet, or there are more than [`LINES_MAX`].
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, String> {
        let end = self.buffer[self.looked..].iter().position(|byte| *byte == b'\n').map(|found| self.looked + found);
        let until = end.unwrap_or(self.buffer.len());
        if until - self.at > LINE_BYTES_MAX {
            return Err(format!("a line is longer than {LINE_BYTES_MAX} bytes"));
        }
        let Some(end) = end else {
            self.looked = until;
            return Ok(None);
        };
        self.lines += 1;
        if self.lines > LINES_MAX {
            return Err(format!("there are more than {LINES_MAX} lines"));
        }
        let line = &self.buffer[self.at..end];
        (self.at, self.looked) = (end + 1, end + 1);
        Ok(Some(line))
    }

    /// What came after the last end of a line.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(pieces: &[&[u8]]) -> Result<Vec<String>, String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.feed(piece)?;
            while let Some(line) = lines.next_line()? {
                found.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        found.push(String::from_utf8_lossy(lines.rest()).into_owned());
        Ok(found)
    }

    proptest! {
        #[test]
        fn the_lines_do_not_depend_on_the_pieces(text in "[a\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let right: Vec<String> = text.split('\n').map(str::to_owned).collect();
            prop_assert_eq!(all(&pieces).unwrap(), right);
        }
    }

    #[test]
    fn every_measure_has_a_limit() {
        let long = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(all(&[long.as_bytes(), b"\nb"]).unwrap(), [long.as_str(), "b"]);
        assert!(all(&[long.as_bytes(), b"x"]).unwrap_err().contains("a line"), "before its end is here");
        assert!(all(&[long.as_bytes(), b"x\n"]).unwrap_err().contains("a line"));
        assert_eq!(all(&["\n".repeat(LINES_MAX).as_bytes()]).unwrap().len(), LINES_MAX + 1);
        assert!(all(&["\n".repeat(LINES_MAX + 1).as_bytes()]).unwrap_err().contains("lines"));
        let line = format!("{}\n", "x".repeat(1_023));
        let pieces = vec![line.as_bytes(); BYTES_MAX / 1_024];
        assert!(all(&pieces).is_ok());
        assert!(all(&[&pieces[..], &[b"x"]].concat()).unwrap_err().contains("the answer"));
    }
}
