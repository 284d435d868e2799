//! Tiles of products: what a workgroup computes, and how its invocations or subgroups share it.

use crate::{Caps, Number};
use mlx_ir::DType;

/// Sizes of a tile of the product, of its step along k, and of an invocation's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub rows: u32,
    pub columns: u32,
    pub step: u32,
    pub down: u32,
    pub across: u32,
    /// Steps that lie in shared memory.
    pub stages: u32,
    /// Whether the terms of a step are laid out one after another.
    pub unrolled: bool,
}

impl Tile {
    pub(super) const fn of(rows: u32, columns: u32, step: u32, down: u32, across: u32) -> Tile {
        Tile { rows, columns, step, down, across, stages: 1, unrolled: false }
    }
    const fn twice(self) -> Tile {
        Tile { stages: 2, ..self }
    }
    const fn unrolled(self) -> Tile {
        Tile { unrolled: true, ..self }
    }
    /// The constants of the shader.
    pub fn spec(self) -> [u32; 7] {
        [self.rows, self.columns, self.step, self.down, self.across, self.stages, self.unrolled.into()]
    }
    /// Invocations of a workgroup.
    pub const fn group(self) -> u32 {
        (self.rows / self.down) * (self.columns / self.across)
    }
    /// Bytes of shared memory.
    const fn shared(self) -> u32 {
        self.stages * self.step * (self.rows + self.columns + 8) * 4
    }
    /// Whether chunks of so many elements are loaded by all invocations alike.
    pub const fn whole(self, chunk: usize) -> bool {
        let each = chunk as u32 * self.group();
        (self.rows * self.step).is_multiple_of(each) && (self.columns * self.step).is_multiple_of(each)
    }
    pub fn fits(self, caps: &Caps) -> bool {
        self.group() <= caps.workgroup_invocations && self.shared() <= caps.shared_memory
    }
}

/// A tile of cooperative matrices: each subgroup has a part of `down` rows by `across` columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Coop {
    pub tile: Tile,
    /// Rows, columns and terms of a matrix product.
    pub matrix: [u32; 3],
    /// Lanes of a subgroup.
    pub lanes: u32,
}

/// Subgroups of every tile divide its loads.
pub(super) const COOP_TILES: [Tile; 4] = [
    Tile::of(64, 64, 32, 32, 32),
    Tile::of(128, 128, 32, 64, 32),
    Tile::of(128, 128, 64, 64, 32),
    Tile::of(128, 256, 32, 64, 64),
];

impl Coop {
    /// How the device computes the tile; none if it cannot.
    pub fn new(tile: Tile, d: DType, caps: &Caps) -> Option<Coop> {
        let factor = match d {
            DType::F16 if caps.fp16 => Number::F16,
            DType::BF16 if caps.bf16 => Number::Bf16,
            _ => return None,
        };
        let s = caps.subgroups;
        let divides = |x: u32, of: u32| x.is_multiple_of(8) && of.is_multiple_of(x);
        let best = caps
            .matrices
            .iter()
            .filter(|m| m.factor == factor && m.sum == Number::F32)
            .filter(|m| divides(m.m, tile.down) && divides(m.n, tile.across) && divides(m.k, tile.step))
            .max_by_key(|m| (m.m * m.n * m.k, m.m))?;
        let coop = Coop { tile, matrix: [best.m, best.n, best.k], lanes: s.size };
        let chunks = |n: u32| (n * tile.step / 8).is_multiple_of(coop.group());
        let able = (s.size_control || s.range.0 == s.range.1)
            && chunks(tile.rows)
            && chunks(tile.columns)
            && coop.group() <= caps.workgroup_of(coop.lanes)
            && coop.shared() <= caps.shared_memory;
        able.then_some(coop)
    }
    pub fn group(self) -> u32 {
        self.tile.group() * self.lanes
    }
    /// At most, over the layouts of the operands.
    fn shared(self) -> u32 {
        let t = self.tile;
        let side = |n: u32| 16 * (n * (t.step / 8 + 1)).max(t.step * (n / 8 + 1));
        side(t.rows) + side(t.columns) + 4 * t.group() * self.matrix[0] * self.matrix[1]
    }
}

pub(super) const LOW: Tile = Tile::of(32, 64, 32, 4, 4);
pub(super) const MIDDLE: Tile = Tile::of(64, 64, 16, 8, 4);
pub(super) const HIGH: Tile = Tile::of(128, 128, 16, 8, 8);
pub(super) const TILES: [Tile; 3] = [LOW, MIDDLE, HIGH];
/// What else large products are measured with where no cooperative matrices compute them.
pub(super) const UNROLLED: [Tile; 4] =
    [MIDDLE.unrolled(), Tile::of(64, 128, 16, 8, 8).unrolled(), HIGH.unrolled(), HIGH.twice().unrolled()];

/// Of a tile in parts of invocations these are in blocks of eight across by four down (`matmul_tile.comp`).
const fn in_blocks(tiles: &[Tile]) -> bool {
    let mut i = 0;
    while i < tiles.len() {
        let t = tiles[i];
        if !(t.columns / t.across).is_multiple_of(8) || !(t.rows / t.down).is_multiple_of(4) {
            return false;
        }
        i += 1;
    }
    true
}
const _: () = assert!(in_blocks(&TILES) && in_blocks(&UNROLLED));
