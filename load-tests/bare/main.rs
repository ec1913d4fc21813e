//! The reference that checks are compared with: an actix-web handler that knows nothing and returns constant bytes.
//!
//! Same path, same server settings and same allocator as the real server; the body and the headers come from the command
//! line, so that both put the same bytes on the wire.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Answers every check with the same bytes")]
struct Args {
    /// Port 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=512))]
    workers: u16,
    #[arg(
        long,
        default_value = r#"{"blocked":true,"decision":"block","reason":"-","override_required":true,"limit":null,"expires_at":null,"version":1}"#
    )]
    body: String,
    /// A response header, "name: value"
    #[arg(long = "header", default_value = "content-type: application/json")]
    headers: Vec<String>,
}

#[actix_web::main]
#[allow(clippy::print_stdout, reason = "a command line: whoever starts it waits for this line")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let body = Bytes::from(args.body);
    let headers: Vec<_> = args.headers.iter().map(|header| parse_header(header)).collect::<Result<_, _>>()?;
    let server = HttpServer::new(move || {
        let (body, headers) = (body.clone(), headers.clone());
        App::new().route(
            "/api/action-center/blocks",
            web::get().to(move || {
                let mut response = HttpResponse::Ok();
                for header in &headers {
                    response.insert_header(header.clone());
                }
                std::future::ready(response.body(body.clone()))
            }),
        )
    })
    .workers(args.workers.into())
    .tcp_nodelay(true)
    .keep_alive(Duration::from_secs(75))
    .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)))?;
    let address = *server.addrs().first().context("no address was bound")?;
    println!("listening on http://{address}");
    std::io::stdout().flush()?;
    Ok(server.run().await?)
}

fn parse_header(header: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = header.split_once(':').with_context(|| format!("{header:?} is not name: value"))?;
    Ok((name.trim().parse()?, value.trim().parse()?))
}
