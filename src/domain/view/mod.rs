//! What is shown outside: the shapes of the contract, made from the state. The API and the pages share them.

pub mod alerts;
pub mod answer;
pub mod approvals;
pub mod capabilities;
pub mod channels;
pub mod dead_letters;
pub mod feed;
pub mod list;
pub mod notifications;
pub mod policy;
pub mod queue;
mod runs;
pub mod shadow;
pub mod shapes;
pub mod tasks;
pub mod till;
pub mod types;
pub mod webhooks;
