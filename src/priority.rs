//! Which threads step back: on few cores, those that answer requests come first.

/// How far threads of actors, deliveries and the journal step back behind those of HTTP, as a nice value.
pub const BESIDE_REQUESTS: i32 = 5;
/// How far threads step back whose work can wait.
pub const CAN_WAIT: i32 = 10;

/// Lowers the priority of the calling thread; threads that it starts later inherit it. On Linux "this process" means just this
/// thread. A system that refuses costs only latency.
pub fn step_back(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::warn!(%error, "a thread keeps its priority");
    }
}
