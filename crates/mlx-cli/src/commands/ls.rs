//! `mlx-arm ls`: the models in the store.

use mlx_hub::{KNOWN, Kind, Store};
use serde_json::json;

use crate::failure::{Failure, one_line};
use crate::output::{bytes, emit, emit_json, table};

/// List the downloaded models
#[derive(clap::Args)]
pub struct Args {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let store = Store::open()?;
    let entries = store.list()?;
    if args.json {
        let rows = entries.iter().map(|e| {
            json!({"name": e.name, "kind": e.kind.map(Kind::name), "bytes": e.bytes, "complete": e.complete,
                "path": e.path.to_string_lossy(), "source": e.source, "licence": e.licence})
        });
        return emit_json(&rows.collect());
    }
    if entries.is_empty() {
        let known: Vec<_> = KNOWN.iter().map(|k| format!("  mlx-arm pull {:<12} {}\n", k.alias, k.about)).collect();
        return emit(&format!("no models in {} yet; for a start:\n{}", store.root().display(), known.concat()));
    }
    let mut rows = vec![["NAME", "SIZE", "KIND", "LICENCE", "PATH"].map(String::from).to_vec()];
    rows.extend(entries.iter().map(|e| {
        let kind = e.kind.map_or("unfinished", Kind::name);
        vec![
            one_line(&e.name),
            bytes(e.bytes),
            kind.to_owned(),
            one_line(e.licence.as_deref().unwrap_or("-")),
            one_line(&e.path.to_string_lossy()),
        ]
    }));
    emit(&table(&rows))
}
