//! Templates: when they match, what they say, what they make, and what saving them refuses.

mod making;
mod matching;
mod rendering;
mod saving;
