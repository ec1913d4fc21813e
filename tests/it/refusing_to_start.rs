//! A server that cannot start says why in one line, ends with 1, and leaves alone what is not its own.

use crate::support::TestApp;

/// Starts one that must refuse; gives what it said.
#[track_caller]
fn refused(app: &TestApp) -> String {
    let mut process = app.spawn();
    let ended = process.ended();
    assert_eq!(ended.code(), Some(1), "{ended}\n{}", app.log());
    assert!(process.address().is_err(), "it said that it listens");
    app.log()
}

#[test]
fn a_data_directory_in_use_is_refused() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let said = refused(&app);
    assert!(
        said.contains("in use by another process") && said.contains(&app.data_dir().display().to_string()),
        "{said}"
    );
    org.place("server-1", None); // the first one goes on
}

#[test]
fn a_directory_of_somebody_else_is_refused_and_left_alone() {
    let app = TestApp::prepared(&[]);
    std::fs::create_dir(app.data_dir()).expect("a directory");
    std::fs::write(app.data_dir().join("thesis.txt"), "do not touch").expect("a file");
    let said = refused(&app);
    assert!(said.contains("is not a data directory") && said.contains("thesis.txt"), "{said}");
    let left: Vec<_> = std::fs::read_dir(app.data_dir()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_directory_of_another_layout_is_refused() {
    let app = TestApp::prepared(&[]);
    std::fs::create_dir(app.data_dir()).expect("a directory");
    std::fs::write(app.data_dir().join("LOCK"), "action-center data directory, layout 99\n").expect("a file");
    let said = refused(&app);
    assert!(said.contains("layout 99"), "{said}");
}

#[test]
fn an_unknown_setting_in_the_environment_is_refused_by_name() {
    let app = TestApp::prepared(&[("SERVER__LISTEN_ON", "127.0.0.1:0")]);
    let said = refused(&app);
    assert!(said.contains("listen_on"), "{said}");
    assert!(!app.data_dir().exists(), "nothing is made before the settings are understood");
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_by_name() {
    let app = TestApp::prepared(&[("ACTORS__ORG_WAITING_MAX", "0")]);
    let said = refused(&app);
    assert!(said.contains("actors"), "{said}");
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let app = TestApp::prepared(&[("SERVER__LISTEN", &address)]);
    let said = refused(&app);
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}
