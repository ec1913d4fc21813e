//! The command line, nothing else: the allocator, the TLS provider, the exit code, and errors as one readable line.

use std::process::ExitCode;

use action_center::cli::{Cli, output};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // It fails only where a provider is installed already, and that one does as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            drop(usage.print()); // help to standard output, mistakes to standard error; nobody may be reading
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match actix_web::rt::System::new().block_on(cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(format_args!("action-center: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
