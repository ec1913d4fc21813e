//! Dependencies point down only: `main → cli → app → http → actors → delivery → store → domain`, and `domain` is pure.

use std::path::Path;

use crate::source::{self, CodePath};

/// The layers, highest first. Each may name those behind it.
const LAYERS: [&str; 8] = ["main", "cli", "app", "http", "actors", "delivery", "store", "domain"];

/// Rooms beside the layers: they know none of the layers, and only the named ones know them.
const LEAVES: [(&str, &[&str]); 5] = [
    ("clock", &["main", "cli", "app", "http", "actors", "delivery", "store", "telemetry"]),
    ("config", &["main", "cli", "app", "telemetry"]),
    ("priority", &["app", "actors", "store"]),
    ("secrets", &["app"]),
    ("telemetry", &["main", "cli", "app"]),
];

/// What `domain` may not name, with the reason. A path is meant with everything in it.
const IMPURE: &[(&str, &str)] = &[
    ("actix", "no actors"),
    ("actix_rt", "no runtime"),
    ("actix_web", "no HTTP"),
    ("actix_web_lab", "no HTTP"),
    ("futures_util", "no async"),
    ("tokio", "no async"),
    ("crossbeam", "no threads"),
    ("sled", "no I/O"),
    ("lettre", "no I/O"),
    ("reqwest", "no I/O"),
    ("libc", "no I/O"),
    ("rustix", "no I/O"),
    ("std::fs", "no I/O"),
    ("std::net", "no I/O"),
    ("std::env", "no I/O"),
    ("std::process", "no I/O"),
    ("std::thread", "no threads"),
    ("std::time::SystemTime", "no clock: time is an argument"),
    ("std::time::Instant", "no clock: time is an argument"),
    ("std::time::*", "no clock: name what is used"),
    ("jiff::Timestamp::now", "no clock: time is an argument"),
    ("jiff::Zoned::now", "no clock: time is an argument"),
    ("getrandom", "no randomness: a seed is an argument"),
    ("rand", "no randomness: a seed is an argument"),
    ("uuid::Uuid::now_v7", "no randomness: ids come from an IdSource"),
    ("uuid::Uuid::new_v4", "no randomness: ids come from an IdSource"),
];

#[test]
fn no_arrow_points_up() {
    let files = source::files("src", ".rs");
    assert!(files.len() > 5, "the sources were not found");
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = source::shown(file);
            violations(name.trim_start_matches("src/"), &source::text(file))
                .into_iter()
                .map(move |violation| format!("{name}:{violation}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What is wrong with the file `name` (relative to `src/`), each as `line: sentence`.
fn violations(name: &str, text: &str) -> Vec<String> {
    if name == "lib.rs" {
        return reexports(text);
    }
    let module = module_of(name);
    let room = module[0].as_str();
    if rank(room).is_none() && leaf(room).is_none() {
        return vec![format!("1: `{room}` has no place among the layers; give it one in tests/it/layers.rs")];
    }
    source::paths(text)
        .iter()
        .filter_map(|path| {
            let fault = match from_root(&module, path) {
                Some(inner) => arrow(room, path, &inner),
                None if room == "domain" => impure(&path.segments),
                None => None,
            };
            fault.map(|fault| format!("{}: {fault}", path.line))
        })
        .collect()
}

/// The crate's root declares the rooms and re-exports nothing of them, which would hide where a name comes from.
fn reexports(text: &str) -> Vec<String> {
    let of_a_room = |path: &CodePath| {
        let first = path.segments[0].as_str();
        matches!(first, "crate" | "self") || rank(first).is_some() || leaf(first).is_some()
    };
    let imported = source::paths(text).into_iter().filter(|path| path.imported && of_a_room(path));
    imported.map(|path| format!("{}: lib.rs re-exports {}", path.line, path.segments.join("::"))).collect()
}

/// `store/sled_journal/writer.rs` is `store::sled_journal::writer`.
fn module_of(name: &str) -> Vec<String> {
    let mut module: Vec<String> = Path::new(name)
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if module.len() > 1 && module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

/// The path as seen from the crate's root, or `None` when it does not reach the root or leads to another crate.
fn from_root(module: &[String], path: &CodePath) -> Option<Vec<String>> {
    let mut names = path.segments.as_slice();
    let in_library = module[0] != "main";
    if names[0] == "crate" && in_library || names[0] == "action_center" {
        return Some(names[1..].to_vec());
    }
    let mut here: Vec<String> = module.iter().chain(&path.inside).cloned().collect();
    let mut climbed = false;
    while let Some(first) = names.first() {
        match first.as_str() {
            "self" => {}
            "super" => {
                here.pop();
                climbed = true;
            }
            _ => break,
        }
        names = &names[1..];
    }
    // Not below the file's own room any more: what follows is named from the root.
    (climbed && here.is_empty() && in_library).then(|| names.to_vec())
}

fn arrow(room: &str, path: &CodePath, inner: &[String]) -> Option<String> {
    let written = path.segments.join("::");
    let Some(target) = inner.first() else {
        return path.imported.then(|| format!("`{written}` names the whole crate; name a room"));
    };
    if target == room {
        return None;
    }
    let allowed = match (rank(room), rank(target), leaf(target)) {
        (_, _, Some(users)) => users.contains(&room),
        (Some(from), Some(to), None) => from < to,
        (None, Some(_), None) => false,
        (_, None, None) => return Some(format!("`{written}` leads to no room that has a place among the layers")),
    };
    (!allowed).then(|| format!("`{written}`: `{room}` may not know `{target}`"))
}

fn impure(segments: &[String]) -> Option<String> {
    let written = segments.join("::");
    let names: Vec<&str> = segments.iter().map(|name| if name == "core" { "std" } else { name.as_str() }).collect();
    IMPURE.iter().find_map(|(banned, reason)| {
        let banned: Vec<&str> = banned.split("::").collect();
        // After `use std::time;` the code says `time::Instant`, after `use jiff::Timestamp;` it says `Timestamp::now`.
        let shortened = banned.len() > 2 && names.starts_with(&banned[1..]);
        let found = names.starts_with(&banned) || shortened;
        found.then(|| format!("`{written}`: domain is pure: {reason}"))
    })
}

fn rank(room: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == room)
}

fn leaf(room: &str) -> Option<&'static [&'static str]> {
    LEAVES.iter().find(|(leaf, _)| *leaf == room).map(|(_, users)| *users)
}

mod checker {
    use super::violations;

    fn refused(name: &str, text: &str) {
        assert_eq!(violations(name, text).len(), 1, "{name}: {text}: {:?}", violations(name, text));
    }

    fn accepted(name: &str, text: &str) {
        assert_eq!(violations(name, text), Vec::<String>::new(), "{name}: {text}");
    }

    #[test]
    fn an_arrow_down_is_accepted() {
        accepted("http/api/blocks.rs", "use crate::{actors::Tenants, domain::{ids::OrgId, time}};");
        accepted(
            "store/sled_journal/writer.rs",
            "use super::super::record::Record; fn f() { crate::domain::ids::x() }",
        );
        accepted("cli/mod.rs", "use crate::{app, clock, config, telemetry};");
        accepted("main.rs", "use action_center::cli;");
        accepted("store/journal.rs", "use crate::clock; mod tests { use super::*; use super::super::record; }");
        accepted("telemetry.rs", "use crate::config::Telemetry;");
    }

    #[test]
    fn an_arrow_up_is_refused_however_it_is_written() {
        refused("domain/ids.rs", "use crate::store::Record;");
        refused("store/journal.rs", "use crate::{domain::{ids, event}, actors::{tenant::{Tenant}}};");
        refused("actors/tenant.rs", "fn f() -> crate::http::Problem { todo() }");
        refused("delivery/mod.rs", "use super::actors;");
        refused("delivery/channels/email.rs", "use super::super::super::http as web;");
        refused("domain/blocks/mod.rs", "mod tests { use super::super::super::store; }");
        refused("store/record.rs", "fn f() { super::super::actors::start() }");
        refused("app.rs", "use crate::cli::Args;");
        refused("http/mod.rs", "type A = Vec<crate::app::App>;");
        refused("http/mod.rs", "struct A(pub (crate::app::App, u8));");
        refused("store/mod.rs", "macro_rules! m { () => { $crate::http::x() } }");
        refused("store/mod.rs", "use action_center::http::x;");
    }

    #[test]
    fn the_root_is_not_a_way_around() {
        refused("store/mod.rs", "use crate::*;");
        refused("store/mod.rs", "use crate as all;");
        refused("store/mod.rs", "use super::{self as all};");
        refused("lib.rs", "pub mod http; pub use http::Problem;");
        refused("helpers.rs", "fn f() {}");
    }

    #[test]
    fn a_leaf_knows_no_layer_and_only_some_know_it() {
        refused("clock.rs", "use crate::domain::ids;");
        refused("config.rs", "use super::http;");
        refused("domain/ids.rs", "use crate::clock;");
        refused("http/mod.rs", "use crate::config::Http;");
        refused("store/mod.rs", "use crate::telemetry;");
    }

    #[test]
    fn an_impure_domain_is_refused() {
        refused("domain/a.rs", "use tokio::sync::oneshot;");
        refused("domain/a.rs", "use std::{fmt, fs};");
        refused("domain/a.rs", "use std::time::{Duration, Instant};");
        refused("domain/a.rs", "use std::time; fn f() { time::SystemTime::now(); }");
        refused("domain/a.rs", "fn f() { jiff::Timestamp::now(); }");
        refused("domain/a.rs", "use jiff::Timestamp; fn f() { Timestamp::now(); }");
        refused("domain/a.rs", "extern crate getrandom;");
        refused("domain/a/mod.rs", "fn f() { ::rand::random::<u8>(); }");
        refused("domain/a.rs", "use std::net::IpAddr;");
        accepted(
            "domain/a.rs",
            "use std::time::Duration; use jiff::Timestamp; /* tokio::spawn */ const A: &str = \"sled::open\";",
        );
        accepted("store/a.rs", "use std::fs::File; use sled::Tree;");
    }
}
