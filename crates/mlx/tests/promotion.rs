//! Dtypes of results, against the table taken from the official wheel.

use mlx::ops::{self, *};
use mlx::{Array, C64, DType, Result};

// Taken from the official wheel by tests/golden/mlx/take.py.
const TABLE: &str = include_str!("../../../tests/golden/mlx/promotion.tsv");

fn dtype(name: &str) -> DType {
    DType::from_name(name.trim_end_matches('_')).unwrap_or_else(|| panic!("unknown dtype {name}"))
}

fn of(column: &str, d: DType) -> Result<Option<Array>> {
    let one = ops::ones(&[2, 2], d)?;
    Ok(Some(match column {
        "py_bool" => add(&one, true)?,
        "py_int" => add(&one, 1)?,
        "py_float" => add(&one, 1.0)?,
        "py_complex" => add(&one, C64::new(0.0, 1.0))?,
        "div_self" => divide(&one, &one)?,
        "sum" => sum(&one, None, false)?,
        "prod" => prod(&one, None, false)?,
        "mean" => mean(&one, None, false)?,
        "sqrt" => sqrt(&one)?,
        "argmax" => argmax(&one, None, false)?,
        "cumsum" => cumsum(&one, Some(0), false, true)?,
        "cumprod" => cumprod(&one, Some(0), false, true)?,
        _ => return Ok(None),
    }))
}

#[test]
fn every_pair_of_dtypes_and_every_scalar() -> Result<()> {
    let mut lines = TABLE.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').skip(1).collect();
    let mut checked = 0;
    for line in lines {
        let mut cells = line.split('\t');
        let row = dtype(cells.next().unwrap());
        for (column, want) in columns.iter().zip(cells) {
            let want = dtype(want);
            let got = match of(column, row)? {
                Some(x) => x.dtype(),
                None => {
                    let other = dtype(column);
                    assert_eq!(row.promote(other), want, "{row} with {other}");
                    add(&ops::ones(&[2], row)?, &ops::ones(&[2], other)?)?.dtype()
                }
            };
            assert_eq!(got, want, "{row} and {column}");
            checked += 1;
        }
    }
    assert_eq!(checked, 14 * 26);
    Ok(())
}
