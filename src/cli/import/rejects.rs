//! Rows that were not taken, with their lines and reasons: the first ones for the terminal, all of them in a file on wish.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use csv::{StringRecord, Writer, WriterBuilder};

/// How many are kept to be shown.
const SHOWN_MAX: usize = 100;

/// The rejected rows.
pub struct Rejects {
    file: Option<Writer<File>>,
    count: u64,
    shown: Vec<(u64, String)>,
}

impl Rejects {
    /// None yet; where there is a file, it begins with the header of the export after `line` and `reason`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(path: Option<&Path>, header: &StringRecord, delimiter: u8) -> anyhow::Result<Self> {
        let file = match path {
            None => None,
            Some(path) => {
                let unwritable = || format!("cannot write {}", path.display());
                let file = File::create(path).with_context(unwritable)?;
                let mut writer = WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(file);
                writer.write_record(["line", "reason"].into_iter().chain(header)).with_context(unwritable)?;
                Some(writer)
            }
        };
        Ok(Self { file, count: 0, shown: Vec::new() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, line: u64, reason: &str, record: Option<&StringRecord>) -> anyhow::Result<()> {
        self.count += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push((line, reason.to_owned()));
        }
        if let Some(writer) = &mut self.file {
            let number = line.to_string();
            let cells = record.into_iter().flat_map(StringRecord::iter);
            writer
                .write_record([number.as_str(), reason].into_iter().chain(cells))
                .context("cannot write the rejects")?;
        }
        Ok(())
    }

    /// How many there were, and the first of them in the order of their lines.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn close(mut self) -> anyhow::Result<(u64, Vec<(u64, String)>)> {
        if let Some(writer) = &mut self.file {
            writer.flush().context("cannot write the rejects")?;
        }
        self.shown.sort();
        Ok((self.count, self.shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_the_file_and_the_first_are_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rejects.csv");
        let header = StringRecord::from(vec!["id", "name"]);
        let mut rejects = Rejects::open(Some(&path), &header, b';').unwrap();
        for line in 0..150 {
            rejects.add(200 - line, "is; wrong", Some(&StringRecord::from(vec!["1", "Ana"]))).unwrap();
        }
        let (count, shown) = rejects.close().unwrap();
        assert_eq!((count, shown.len(), shown[0].0), (150, SHOWN_MAX, 101));
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.starts_with("line;reason;id;name\n200;\"is; wrong\";1;Ana\n"), "{written}");
        assert_eq!(written.lines().count(), 151);
    }
}
