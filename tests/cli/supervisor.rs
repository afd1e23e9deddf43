//! The notifications of a service manager such as systemd.

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

/// A server that notifies this socket every ten milliseconds that it is alive.
fn watched(folder: &Path, socket: &Path) -> Server {
    let mut command = jobdeck(folder);
    command
        .args(["serve", "--create", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "20000");
    Server::spawn(command)
}

#[test]
fn a_service_manager_is_notified_of_ready_alive_and_stopping() {
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
    // A manager goes on reading while the server stops.
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

/// The queue of the socket is full after some messages, and the sender of the next one has to wait.
#[test]
fn a_service_manager_that_does_not_read_blocks_nothing() {
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

/// Without a manager nothing is sent, and a manager that has ended stops nothing.
#[test]
fn a_server_runs_without_a_service_manager() {
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
