//! temporary
fn main() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let a: Vec<String> = std::env::args().collect();
    let get = |n: &str| a.iter().position(|x| x == n).map(|i| a[i + 1].clone());
    let mut flags = vec![];
    if let Some(l) = get("--listen") { flags.push(("server.listen", l)); }
    if let Some(l) = get("--data-dir") { flags.push(("data.dir", l)); }
    let config = action_center::config::Config::load(None, &flags).unwrap();
    action_center::telemetry::start(&config.log);
    actix_web::rt::System::new().block_on(async {
        let app = action_center::app::App::start(config).await.unwrap_or_else(|e| { eprintln!("{e}"); std::process::exit(1) });
        println!("listening on {}", app.url());
        let mut t = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        t.recv().await;
        app.stop().await;
    });
}
