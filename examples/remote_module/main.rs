//! A remote module to start, read and change: a till that gives money back. `docs/modules.md` is the contract that it keeps.
//!
//! ```sh
//! ACTION_CENTER_TOKEN=ack_… cargo run --example remote_module -- --url http://127.0.0.1:8080
//! ```
//!
//! It registers its one capability, `till.refund`, and serves it on loopback, so the server must run with
//! `delivery.egress.allow = ["127.0.0.0/8"]`. Everything that keeps the contract is in `till.rs`; to make another module of it,
//! change the descriptor and what `refund` does there.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod till;

use std::net::TcpListener;
use std::path::PathBuf;

use actix_web::{App, HttpServer, web};
use anyhow::{Context, bail};
use clap::Parser;
use serde_json::Value;

use crate::till::{Till, descriptor, routes};

#[derive(Parser)]
#[command(about = "A remote module for the Action Center that refunds checks at an imagined till")]
struct Cli {
    /// Where the Action Center is
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// An API key with the scope capabilities:serve
    #[arg(long, env = "ACTION_CENTER_TOKEN", hide_env_values = true)]
    token: String,
    /// Where to listen; the Action Center calls this address
    #[arg(long, default_value = "127.0.0.1:9098")]
    listen: String,
    /// The file in which every refund is kept
    #[arg(long, default_value = "refunds.jsonl")]
    ledger: PathBuf,
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    // Listening comes first: whoever calls between the registration and the service waits for a moment.
    let listener = TcpListener::bind(&cli.listen).with_context(|| format!("cannot listen on {}", cli.listen))?;
    let endpoint = format!("http://{}/run", listener.local_addr()?);
    let secret = register(&cli, &endpoint).await?;
    let till = web::Data::new(Till::open(&cli.ledger, &secret)?);
    println!("serving till.refund at {endpoint}");
    HttpServer::new(move || App::new().configure(routes(till.clone()))).workers(1).listen(listener)?.run().await?;
    Ok(())
}

/// Registers the capability and gives the secret that signs its calls. Registering it again replaces it and gives a new secret, so
/// there is nothing to keep between two starts.
async fn register(cli: &Cli, endpoint: &str) -> anyhow::Result<String> {
    drop(rustls::crypto::ring::default_provider().install_default()); // it fails when there is one already
    let url = format!("{}/api/capabilities", cli.url.trim_end_matches('/'));
    let request = reqwest::Client::new().post(&url).bearer_auth(&cli.token).json(&descriptor(endpoint));
    let answer = request.send().await.with_context(|| format!("cannot reach {url}"))?;
    let (status, body) = (answer.status(), answer.text().await?);
    if status != reqwest::StatusCode::CREATED {
        bail!("the registration was refused: {status} {body}");
    }
    let made: Value = serde_json::from_str(&body)?;
    Ok(made["secret"].as_str().context("the answer has no secret")?.to_owned())
}
