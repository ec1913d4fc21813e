//! The demo's data directory: the one that was asked for, or a private one that goes when the demo goes.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::clock::now_ms;

/// A data directory; a temporary one is removed when this is dropped.
pub struct Workspace {
    path: PathBuf,
    temporary: bool,
}

impl Workspace {
    /// The given directory, else a new one that only we may read.
    ///
    /// # Errors
    /// It could not be made.
    pub fn open(given: Option<&Path>) -> io::Result<Self> {
        if let Some(path) = given {
            return Ok(Self { path: path.to_owned(), temporary: false });
        }
        let name = format!("action-center-demo-{}-{}", std::process::id(), now_ms());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?; // fails when it is there: nobody can have prepared it
        Ok(Self { path, temporary: true })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if self.temporary {
            drop(std::fs::remove_dir_all(&self.path)); // what cannot be removed is left to the system's own cleaning
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_with_the_demo_and_a_given_one_stays() {
        let temporary = Workspace::open(None).unwrap();
        let path = temporary.path().to_owned();
        assert!(path.is_dir());
        drop(temporary);
        assert!(!path.exists());
        let given = tempfile::tempdir().unwrap();
        drop(Workspace::open(Some(given.path())).unwrap());
        assert!(given.path().is_dir());
    }
}
