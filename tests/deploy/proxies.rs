//! nginx.conf and the Caddyfile, as nginx and Caddy run them.

use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Running, Server, UPSTREAM, program, replaced, said};

/// The name under which the proxies serve.
const HOST: &str = "jobs.example";
/// The path that the files have for jobdeck.
const PATH: &str = "/tools/jobs";
/// The options of a mock whose exports break off.
const BREAKS_OFF: [&str; 5] = [
    "--mock",
    "--allow-host",
    HOST,
    "--fault",
    "route=export,truncate=100",
];

/// A proxy with TLS in front of jobdeck, which listens at a socket of its folder.
struct Proxy {
    folder: TempDir,
    _process: Running,
}

/// What curl has got.
#[derive(Debug)]
struct Answer {
    status: String,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Proxy {
    /// A folder with a certificate of the host.
    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let output = program("openssl")
            .current_dir(folder.path())
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-keyout", "key.pem", "-out", "cert.pem", "-subj"])
            .args([
                &format!("/CN={HOST}"),
                "-addext",
                &format!("subjectAltName=DNS:{HOST}"),
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        folder
    }

    /// Starts the program of a proxy, and waits until it accepts connections.
    #[track_caller]
    fn start(folder: TempDir, command: &mut Command) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let start = Instant::now();
        for socket in ["https", "http"].map(|name| folder.path().join(name)) {
            while UnixStream::connect(&socket).is_err() {
                let ended = child.try_wait().unwrap();
                if ended.is_some() || start.elapsed() > Duration::from_mins(1) {
                    let log = std::fs::read_to_string(folder.path().join("log"));
                    panic!("{command:?}: {}", log.unwrap());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Self {
            folder,
            _process: Running(child),
        }
    }

    /// Has curl send a request; returns how it ended, with the status on standard output.
    fn request(&self, path: &str, options: &[&str]) -> Output {
        let url = format!("https://{HOST}{path}");
        program("curl")
            .current_dir(self.folder.path())
            .args([
                "-sS",
                "--http1.1",
                "--unix-socket",
                "https",
                "--cacert",
                "cert.pem",
            ])
            .args(["-D", "head", "-o", "body", "-w", "%{http_code}"])
            .args(options)
            .arg(url)
            .output()
            .unwrap()
    }

    /// Has curl send a request, and reads the answer.
    #[track_caller]
    fn curl(&self, path: &str, options: &[&str]) -> Answer {
        let here = self.folder.path();
        let output = self.request(path, options);
        assert!(output.status.success(), "{path}: {}", said(&output));
        Answer {
            status: String::from_utf8(output.stdout).unwrap(),
            head: std::fs::read_to_string(here.join("head"))
                .unwrap()
                .to_lowercase(),
            body: std::fs::read(here.join("body")).unwrap(),
        }
    }

    /// Requests an export of a server that breaks off its exports.
    #[track_caller]
    fn shows_that_an_export_breaks_off(&self) {
        let put = [
            "-X",
            "PUT",
            "-H",
            "content-type: application/json",
            "-d",
            "{}",
        ];
        assert_eq!(self.curl("/jobdeck/jobs/j?domain_id=d", &put).status, "201");
        let export = self.request("/jobdeck/export?format=ndjson&domain_id=d", &[]);
        assert_eq!(export.stdout, b"200");
        assert!(
            !export.status.success(),
            "it seems whole: {}",
            said(&export)
        );
    }

    /// Sends what a page and a client send below a path, the largest bodies, too, and compares the answers with those of the
    /// server.
    #[track_caller]
    fn passes_everything_on(&self, server: &Server, base: &str) {
        let here = self.folder.path();
        let at = |path: &str| format!("{base}{path}");
        // The page, and its scripts, relative to it.
        let page = self.curl(&at("/"), &[]);
        assert_eq!(page.status, "200");
        let page = String::from_utf8(page.body).unwrap();
        assert_eq!(page, server.get("/"));
        let (_, script) = page.split_once(" src=\".").unwrap();
        let (script, _) = script.split_once('"').unwrap();
        let script = self.curl(&at(script), &["--compressed"]);
        assert_eq!(script.status, "200");
        assert!(
            script.head.contains("content-encoding: gzip"),
            "{}",
            script.head
        );

        // A body that is nearly as large as one may be, in jobs that are, too.
        let text = "x".repeat((8 << 20) - 200);
        let jobs: String = (0..7)
            .map(|index| json!({"job_id": format!("job-{index}"), "domain_id": "d", "filter": {"text": text}}).to_string() + "\n")
            .collect();
        std::fs::write(here.join("jobs.ndjson"), jobs).unwrap();
        let body = [
            "-H",
            "content-type: application/x-ndjson",
            "--data-binary",
            "@jobs.ndjson",
        ];
        let added = self.curl(&at("/jobdeck/jobs?domain_id=d"), &body);
        assert_eq!((&*added.status, &added.json()["added"]), ("200", &json!(7)));

        // An export, which is streamed.
        let export = "/jobdeck/export?format=ndjson&domain_id=d";
        let answer = self.curl(&at(export), &[]);
        assert!(
            answer.head.contains("transfer-encoding: chunked"),
            "{}",
            answer.head
        );
        assert!(answer.body.len() > 50 << 20, "{}", answer.body.len());
        assert!(answer.body == server.get(export).as_bytes());

        // A query and a write, as the page and another page send them.
        let origin = format!("origin: https://{HOST}");
        let body = "content-type: application/json";
        let query = r#"{"domain_id": "d", "query": {"only": ["job_id"]}}"#;
        let answer = self.curl(
            &at("/inventory/v1/jobs/search"),
            &["-H", &origin, "-H", body, "-d", query],
        );
        assert_eq!(answer.json()["total_count"], 7);
        for (origin, status) in [
            (&*origin, "201"),
            ("origin: https://elsewhere.example", "403"),
        ] {
            let put = ["-X", "PUT", "-H", origin, "-H", body, "-d", "{}"];
            assert_eq!(
                self.curl(&at("/jobdeck/jobs/new?domain_id=d"), &put).status,
                status
            );
        }

        // The version of the data, which the client has already at the second time.
        let domains = self.curl(&at("/jobdeck/domains"), &["--etag-save", "etag"]);
        assert_eq!(domains.json()["results"][0]["jobs"], 8);
        let unchanged = self.curl(&at("/jobdeck/domains"), &["--etag-compare", "etag"]);
        assert_eq!(unchanged.status, "304");
    }

    /// Follows what leads from one page to another, below a path; `is_encoded`: a job id with a slash arrives.
    #[track_caller]
    fn leads_back(&self, base: &str, is_encoded: bool) {
        let landed = |path: &str| {
            let options = ["-L", "-w", "%{http_code} %{url_effective}"];
            said(&self.request(&format!("{base}{path}"), &options))
        };
        for (path, expected) in [
            ("", "/"),
            ("/docs/", "/docs"),
            ("/docs/operate/", "/docs/operate"),
        ] {
            assert_eq!(landed(path), format!("200 https://{HOST}{base}{expected}"));
        }
        let document = self.curl(&format!("{base}/openapi.json"), &[]);
        assert_eq!(document.json()["servers"][0]["url"], "./");
        let job = format!("{base}/jobdeck/jobs/a%2Fb?domain_id=d");
        let body = "content-type: application/json";
        let put = self.curl(&job, &["-X", "PUT", "-H", body, "-d", "{}"]);
        assert_eq!(put.status, if is_encoded { "201" } else { "404" });
        assert_eq!(
            self.curl("/check", &[]).status,
            "404",
            "the host has others"
        );
    }

    #[track_caller]
    fn redirects_to_https(&self) {
        let output = program("curl")
            .current_dir(self.folder.path())
            .args([
                "-sS",
                "--unix-socket",
                "http",
                "-w",
                "%{redirect_url}",
                "-o",
                "body",
            ])
            .arg(format!("http://{HOST}/?domain=d"))
            .output()
            .unwrap();
        assert_eq!(said(&output), format!("https://{HOST}/?domain=d"));
    }
}

/// Starts nginx with the file of a host, at sockets instead of ports.
#[track_caller]
fn nginx(server: &Server) -> Proxy {
    let folder = Proxy::folder();
    let here = folder.path().to_str().unwrap();
    let file = |name: &str| format!("{here}/{name}");
    let site = replaced(
        "nginx.conf",
        &[
            ("listen 443 ssl;", &format!("listen unix:{here}/https ssl;")),
            ("    listen [::]:443 ssl;\n", ""),
            ("listen 80;", &format!("listen unix:{here}/http;")),
            ("    listen [::]:80;\n", ""),
            (
                "/etc/letsencrypt/live/jobs.example/fullchain.pem",
                &file("cert.pem"),
            ),
            (
                "/etc/letsencrypt/live/jobs.example/privkey.pem",
                &file("key.pem"),
            ),
            (UPSTREAM, &server.address),
        ],
    );
    start_nginx(folder, &site)
}

/// Starts nginx with the file of a path, within a host that has nothing else; `keeps`: it leaves the path as it is.
#[track_caller]
fn nginx_with_path(server: &Server, keeps: bool) -> Proxy {
    let folder = Proxy::folder();
    let here = folder.path().to_str().unwrap();
    let slash = if keeps { "" } else { "/" };
    let passed = format!("{}{slash};", server.address);
    let lines = replaced("nginx-path.conf", &[(&format!("{UPSTREAM}/;"), &passed)]);
    let site = format!(
        "server {{ listen unix:{here}/https ssl; server_name {HOST}; ssl_certificate {here}/cert.pem;\n\
         ssl_certificate_key {here}/key.pem; root {here}/none;\n{lines}}}\nserver {{ listen unix:{here}/http; }}\n"
    );
    start_nginx(folder, &site)
}

#[track_caller]
fn start_nginx(folder: TempDir, site: &str) -> Proxy {
    let here = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("site.conf"), site).unwrap();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};"))
        .join(" ");
    // One process, since workers would outlive a master that is killed.
    let main = format!(
        "daemon off; master_process off; pid {here}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {paths} include {here}/site.conf; }}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), main).unwrap();
    let mut command = program("nginx");
    // Debian has it where only root looks.
    let path = std::env::var("PATH").unwrap() + ":/usr/sbin";
    command
        .env("PATH", path)
        .args(["-p", here, "-e", "stderr", "-c", "nginx.conf"]);
    Proxy::start(folder, &mut command)
}

#[test]
#[ignore = "wants nginx; tests/run installs it"]
fn nginx_passes_everything_on_with_tls() {
    let server = Server::start(&["--writable", "--allow-host", HOST]);
    let proxy = nginx(&server);
    proxy.passes_everything_on(&server, "");
    proxy.redirects_to_https();
    let unnamed = Server::start(&[]);
    assert_eq!(nginx(&unnamed).curl("/", &[]).status, "421");
    nginx(&Server::start(&BREAKS_OFF)).shows_that_an_export_breaks_off();
}

/// The options of a server that a proxy has below a path.
fn options(keeps: bool) -> Vec<&'static str> {
    let mut options = vec!["--writable", "--allow-host", HOST];
    if keeps {
        options.extend(["--base-path", PATH]);
    }
    options
}

#[test]
#[ignore = "wants nginx; tests/run installs it"]
fn nginx_passes_everything_on_below_a_path() {
    for keeps in [false, true] {
        let server = Server::start(&options(keeps));
        let proxy = nginx_with_path(&server, keeps);
        proxy.passes_everything_on(&server, PATH);
        proxy.leads_back(PATH, keeps);
    }
}

/// Starts Caddy with the file of a host.
#[track_caller]
fn caddy(server: &Server) -> Proxy {
    start_caddy(|site| {
        replaced(
            "Caddyfile",
            &[("jobs.example {\n", site), (UPSTREAM, &server.address)],
        )
    })
}

/// Starts Caddy with the file of a path, within a host that has nothing else; `keeps`: it leaves the path as it is.
#[track_caller]
fn caddy_with_path(server: &Server, keeps: bool) -> Proxy {
    let directive = if keeps { "handle /" } else { "handle_path /" };
    start_caddy(|site| {
        let texts = [("handle_path /", directive), (UPSTREAM, &server.address)];
        let lines = replaced("Caddyfile-path", &texts);
        format!("{site}{lines}\thandle {{\n\t\trespond 404\n\t}}\n}}\n")
    })
}

/// Starts Caddy at sockets instead of ports; `file` continues the block of the host.
#[track_caller]
fn start_caddy(file: impl FnOnce(&str) -> String) -> Proxy {
    let folder = Proxy::folder();
    let here = folder.path().to_str().unwrap();
    // Caddy redirects from port 80 by itself, which has no socket here.
    let head = format!(
        "{{\n\tadmin off\n\tauto_https off\n\tservers {{\n\t\tprotocols h1 h2\n\t}}\n}}\nhttp:// {{\n\tbind unix/{here}/http\n}}\n"
    );
    let site = format!(
        "https://{HOST} {{\n\tbind unix/{here}/https\n\ttls {here}/cert.pem {here}/key.pem\n"
    );
    std::fs::write(folder.path().join("Caddyfile"), head + &file(&site)).unwrap();
    let mut command = program("caddy");
    command
        .env("HOME", here)
        .env("XDG_DATA_HOME", here)
        .env("XDG_CONFIG_HOME", here);
    command.args([
        "run",
        "--config",
        &format!("{here}/Caddyfile"),
        "--adapter",
        "caddyfile",
    ]);
    Proxy::start(folder, &mut command)
}

#[test]
#[ignore = "wants Caddy; tests/run installs it"]
fn caddy_passes_everything_on_with_tls() {
    let server = Server::start(&["--writable", "--allow-host", HOST]);
    caddy(&server).passes_everything_on(&server, "");
    caddy(&Server::start(&BREAKS_OFF)).shows_that_an_export_breaks_off();
}

#[test]
#[ignore = "wants Caddy; tests/run installs it"]
fn caddy_passes_everything_on_below_a_path() {
    for keeps in [false, true] {
        let server = Server::start(&options(keeps));
        let proxy = caddy_with_path(&server, keeps);
        proxy.passes_everything_on(&server, PATH);
        proxy.leads_back(PATH, true);
    }
}
