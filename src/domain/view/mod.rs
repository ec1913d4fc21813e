//! What is shown outside: the shapes of the contract, made from the state. The API and the pages share them.

pub mod answer;
pub mod feed;
pub mod list;
pub mod shadow;
pub mod shapes;
