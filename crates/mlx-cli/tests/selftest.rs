//! The self-test of the GPU. Without a GPU the tests say so and check nothing.

mod common;

use common::Home;
use serde_json::Value;

/// A home where all but two small families of kernels are taken away, so that the test is short.
fn home() -> Option<Home> {
    let all = [
        "map",
        "copy",
        "create",
        "reduce",
        "scan",
        "sort",
        "gather",
        "scatter",
        "matmul",
        "conv",
        "fft",
        "affine",
        "blocks",
        "rows",
        "attention",
        "layer",
    ];
    let off = all.map(|f| format!("family={f}")).join(",");
    let home = Home::new().with("MLX_VULKAN_DISABLE", &off);
    let v: Value = serde_json::from_str(home.run(&["gpus"]).succeeds()).unwrap();
    if v["chosen"].is_null() {
        assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "{v}");
        eprintln!("skipped: {}", v["reason"]);
        return None;
    }
    Some(home)
}

fn outcome(verdicts: &Value, family: &str) -> String {
    let all = verdicts.as_array().unwrap();
    let of = all.iter().find(|v| v["family"] == family).unwrap();
    of["outcome"].as_str().unwrap().to_owned()
}

/// The notes of the only device that was tested.
fn notes(home: &Home) -> std::path::PathBuf {
    let all = std::fs::read_dir(home.dir.path().join("vulkan")).unwrap();
    let is_notes = |p: &std::path::PathBuf| p.extension().is_some_and(|e| e == "txt");
    let mut all: Vec<_> = all.map(|e| e.unwrap().path()).filter(is_notes).collect();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn verdicts_are_found_once_and_a_crash_is_remembered() {
    let Some(home) = home() else { return };
    let verdicts = || -> Value { serde_json::from_str(home.run(&["gpus", "--verdicts"]).succeeds()).unwrap() };
    let first = verdicts();
    assert_eq!(first.as_array().unwrap().len(), 18);
    let of = |v: &Value| ["boxes", "rope", "matmul"].map(|f| outcome(v, f));
    assert_eq!(of(&first), ["passed", "passed", "off"]);
    // Another start finds what is known.
    let path = notes(&home);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(verdicts(), first);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // A process that ended while it tested a family left this; the others are found out.
    let (stamp, _) = text.split_once('\n').unwrap();
    std::fs::write(&path, format!("{stamp}\nboxes\tpassed\nrope\tbegun\n")).unwrap();
    assert_eq!(of(&verdicts()), ["passed", "crashed", "off"]);
    let doctor = home.run(&["doctor"]);
    assert!(doctor.succeeds().contains("rope is not used: the driver crashed or hung"), "{doctor:?}");
    // Verdicts on another build are none.
    std::fs::write(&path, format!("another\nrope\tcrashed\n{}", text.split_once('\n').unwrap().1)).unwrap();
    assert_eq!(verdicts(), first);
    let not = Home::new().with("MLX_VULKAN_SELFTEST", "0").run(&["gpus", "--verdicts"]);
    assert_eq!(not.succeeds(), "[]\n");
}
