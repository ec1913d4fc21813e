//! The command line: one file per command. It talks to servers over the public HTTP API only, like everybody else.
//!
//! Promise: answers go to standard output, everything else to standard error; secrets are never taken from arguments.

pub mod client;
pub mod demo;
mod import;
mod key;
mod openapi;
mod org;
pub mod output;
pub mod seed;
mod serve;
mod signals;
mod table;

use clap::{Args, Parser, Subcommand};

/// The enforcement and approval engine of hospitality groups.
#[derive(Debug, Parser)]
#[command(name = "action-center", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server.
    Serve(serve::Serve),
    /// Runs a server with a sample restaurant group and a simulated shift.
    Demo(demo::Demo),
    /// Organisations; needs the operator token in ACTION_CENTER_TOKEN.
    #[command(subcommand)]
    Org(org::Org),
    /// API keys; needs a key with the scope `admin` in ACTION_CENTER_TOKEN.
    #[command(subcommand)]
    Key(key::Key),
    /// Reports the rows of an export (CSV); needs a key with the scope `violations:write` in ACTION_CENTER_TOKEN.
    Import(Box<import::Import>),
    /// Makes sample requests for approval, with the people who decide them; needs a key with the scope `admin` in ACTION_CENTER_TOKEN.
    Seed(seed::Seed),
    /// Prints the OpenAPI document.
    Openapi,
}

/// Where the server is, and how its answers are printed.
#[derive(Args, Debug)]
struct Remote {
    /// Address of the server.
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// Print the server's answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why it could not be done, with causes, for a person.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => Box::pin(serve.run()).await,
            Command::Demo(demo) => Box::pin(demo.run()).await,
            Command::Org(org) => org.run().await,
            Command::Key(key) => key.run().await,
            Command::Import(import) => Box::pin(import.run()).await,
            Command::Seed(seed) => Box::pin(seed.run()).await,
            Command::Openapi => {
                openapi::run();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let arguments = line.split_whitespace();
        Cli::try_parse_from(arguments).map(|cli| cli.command).map_err(|usage| usage.to_string())
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn serve_takes_an_address_a_directory_and_a_file() {
        let Ok(Command::Serve(serve)) = parsed("action-center serve --listen 127.0.0.1:0 --data-dir d --config c.toml")
        else {
            panic!("not understood");
        };
        let flags = serve.flags();
        assert_eq!(flags, [("server.listen", "127.0.0.1:0".to_owned()), ("data.dir", "d".to_owned())]);
        assert_eq!(serve.config.as_deref(), Some(std::path::Path::new("c.toml")));
    }

    #[test]
    fn the_demo_needs_no_arguments() {
        let Ok(Command::Demo(demo)) = parsed("action-center demo") else { panic!("not understood") };
        assert_eq!((demo.listen.as_str(), demo.data_dir, demo.for_seconds), ("127.0.0.1:8080", None, None));
    }

    #[test]
    fn an_owner_comes_whole_or_not_at_all() {
        let start = "action-center org create harbour --name Harbour";
        assert!(parsed(start).is_ok());
        let whole = "--owner-email o@harbour.example --owner-name Olivia --owner-password-stdin";
        assert!(parsed(&format!("{start} {whole}")).is_ok());
        assert!(parsed(&format!("{start} --owner-email o@harbour.example")).is_err());
        assert!(parsed(&format!("{start} --owner-password-stdin")).is_err());
    }

    #[test]
    fn scopes_are_a_list_of_known_names() {
        let start = "action-center key create --name till --scopes";
        let Ok(Command::Key(key::Key::Create(create))) = parsed(&format!("{start} blocks:read,violations:write"))
        else {
            panic!("not understood");
        };
        assert_eq!(create.scopes, ["blocks:read", "violations:write"]);
        assert!(parsed(&format!("{start} blocks:break")).is_err_and(|usage| usage.contains("blocks:read")));
        assert!(parsed("action-center key create --name till").is_err());
    }

    #[test]
    fn there_is_no_flag_for_a_secret() {
        for flag in ["--token x", "--password x"] {
            assert!(parsed(&format!("action-center key list {flag}")).is_err(), "{flag}");
        }
    }
}
