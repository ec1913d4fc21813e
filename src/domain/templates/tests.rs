//! Templates: when they match, what they say, what they make, and what saving them refuses.

mod during;
mod making;
mod matching;
mod model;
mod pace;
mod recurring;
mod rendering;
mod saving;
mod shadow;
mod steps;
