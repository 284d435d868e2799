//! Encodes or decodes rows of a quantized format from stdin to stdout, for `tests/oracle/quant_formats.py`.
//!
//! `quant_rows encode FORMAT` reads little-endian f32, `quant_rows decode FORMAT` reads blocks.
#![forbid(unsafe_code)]

use mlx_ir::{Error, QuantFormat, Result};
use std::io::{Read, Write};

fn convert(mode: &str, format: &str, input: &[u8]) -> Result<Vec<u8>> {
    let f = QuantFormat::from_name(format).ok_or_else(|| Error::value(format!("unknown format '{format}'")))?;
    match mode {
        "encode" => {
            let x: Vec<f32> = input.chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
            let size = f.row_bytes(x.len()).ok_or_else(|| Error::value("not a whole number of blocks"))?;
            let mut out = vec![0; size];
            f.encode_row(&x, &mut out)?;
            Ok(out)
        }
        "decode" => {
            let mut x = vec![0.0; input.len() / f.block_bytes() * f.block_elements()];
            f.decode_row(input, &mut x)?;
            Ok(x.iter().flat_map(|v| v.to_le_bytes()).collect())
        }
        other => Err(Error::value(format!("unknown mode '{other}'"))),
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, mode, format] = args.as_slice() else {
        return Err(Error::value("usage: quant_rows encode|decode FORMAT"));
    };
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    std::io::stdout().write_all(&convert(mode, format, &input)?)?;
    Ok(())
}
