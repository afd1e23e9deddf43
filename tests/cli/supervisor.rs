//! What a service manager such as systemd is told.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::{Server, folder, jobdeck};

fn next(socket: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = socket.recv(&mut message).unwrap();
    String::from_utf8(message[..length].to_vec()).unwrap()
}

/// A server that tells this socket every ten milliseconds that it lives.
fn watched(folder: &Path, socket: &Path) -> Server {
    let mut command = jobdeck(folder);
    command
        .args(["serve", "--create", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "20000");
    Server::spawn(command)
}

#[test]
fn a_service_manager_hears_when_the_server_serves_lives_and_stops() {
    let folder = folder();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let server = watched(folder.path(), &path);
    assert_eq!(next(&socket), "READY=1\n");
    server.get("/healthz");
    for _ in 0..3 {
        assert_eq!(next(&socket), "WATCHDOG=1\n");
    }
    // As a manager does, it reads on while the server stops.
    let reading = thread::spawn(move || {
        let mut message = next(&socket);
        while message == "WATCHDOG=1\n" {
            message = next(&socket);
        }
        message
    });
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(reading.join().unwrap(), "STOPPING=1\n");
}

/// Its queue is full after some messages, and whoever sends one more waits.
#[test]
fn a_service_manager_that_reads_nothing_stops_nothing() {
    let folder = folder();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let filling = UnixDatagram::unbound().unwrap();
    filling.set_nonblocking(true).unwrap();
    while filling.send_to(b"filled", &path).is_ok() {}
    let server = watched(folder.path(), &path);
    assert!(server.get("/healthz").contains("\"ok\""));
    assert_eq!(server.stop("-TERM").0, Some(0));
    drop(socket);
}

/// Nobody is told where nobody asked, and a manager that is gone stops nothing.
#[test]
fn a_server_serves_without_a_service_manager() {
    for socket in [None, Some("/nowhere/notify")] {
        let folder = folder();
        let mut command = jobdeck(folder.path());
        command.args(["serve", "--create", "--listen", "127.0.0.1:0"]);
        if let Some(socket) = socket {
            command.env("NOTIFY_SOCKET", socket);
        }
        let server = Server::spawn(command);
        assert!(server.get("/healthz").contains("\"ok\""));
        assert_eq!(server.stop("-TERM").0, Some(0), "{socket:?}");
    }
}
