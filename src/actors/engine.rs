//! The one handle through which everything above reaches the organisations.
