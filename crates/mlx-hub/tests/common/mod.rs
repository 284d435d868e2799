//! A small HTTP server on 127.0.0.1 that answers as a test tells it and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mlx_hub::HubConfig;
use sha2::{Digest, Sha256};

/// What came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// First byte asked for.
    pub fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What goes out. `Content-Length` is that of the body unless a header says otherwise.
#[derive(Clone, Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Close the connection after this many bytes of the body.
    pub cut: Option<usize>,
    /// Pause before the body.
    pub delay: Duration,
    /// No `Content-Length`: the body ends with the connection.
    pub unsized_body: bool,
}

impl Response {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Response {
        Response { status, body: body.into(), ..Response::default() }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Response {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The file, or the rest of it if the request has a range.
    pub fn file(request: &Request, contents: &[u8]) -> Response {
        match request.range() {
            Some(from) if from < contents.len() => Response::new(206, &contents[from..])
                .with("Content-Range", format!("bytes {from}-{}/{}", contents.len() - 1, contents.len())),
            Some(_) => Response::new(416, ""),
            None => Response::new(200, contents),
        }
    }

    pub fn cut_after(mut self, bytes: usize) -> Response {
        self.cut = Some(bytes);
        self
    }
}

pub struct Server {
    pub url: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&log));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Server { url, log }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// Requests whose path holds `part`.
    pub fn asked(&self, part: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|r| r.path.contains(part)).collect()
    }

    /// Settings that fail fast.
    pub fn config(&self) -> HubConfig {
        HubConfig {
            endpoint: self.url.clone(),
            retries: 0,
            retry_delay: Duration::from_millis(1),
            read_timeout: Duration::from_secs(20),
            python: vec!["/nonexistent/python".into()],
            ..HubConfig::default()
        }
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Response, log: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((n, v)) => headers.push((n.to_owned(), v.trim().to_owned())),
            None => break,
        }
    }
    let request = Request { path, headers };
    log.lock().unwrap().push(request.clone());
    let r = answer(&request);
    let mut head = format!("HTTP/1.1 {} Test\r\nConnection: close\r\n", r.status);
    if !r.unsized_body && !r.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-length")) {
        head += &format!("Content-Length: {}\r\n", r.body.len());
    }
    for (n, v) in &r.headers {
        head += &format!("{n}: {v}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes()).ok()?;
    stream.flush().ok()?;
    std::thread::sleep(r.delay);
    stream.write_all(&r.body[..r.cut.unwrap_or(r.body.len()).min(r.body.len())]).ok()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// `len` bytes that do not repeat soon.
pub fn contents(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| ((i * i + i / 7) as u8).wrapping_add(seed)).collect()
}

/// The hub's listing of large files.
pub fn listing(files: &[(&str, &[u8])]) -> Vec<u8> {
    let siblings: Vec<_> = files
        .iter()
        .map(|(name, body)| {
            serde_json::json!({"rfilename": name, "size": body.len(),
                "lfs": {"sha256": sha256(body), "size": body.len(), "pointerSize": 130}})
        })
        .collect();
    let all = serde_json::json!({"sha": "c0ffee", "tags": ["license:mit"], "siblings": siblings});
    all.to_string().into_bytes()
}
