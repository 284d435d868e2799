//! What the book says of the operations is what the program finds.

/// The back ends' answers do not depend on the level, so neither does the page.
#[test]
fn the_page_on_operations_shows_the_kernels_there_are() {
    let page = include_str!("../../../docs/book/src/ops.md");
    let tables = mlx_check::support::table(&mlx_check::cases::all()).expect("a back end");
    for line in tables.lines() {
        assert!(
            page.lines().any(|l| l == line),
            "docs/book/src/ops.md lacks the line\n{line}\nwhich `cargo run -p mlx-check -- support` prints"
        );
    }
    let rows = |text: &str| text.lines().filter(|l| l.contains("✓") || l.contains("–")).count();
    assert_eq!(rows(page.split_once("\n**Core").expect("the heading").1), rows(&tables), "rows that are no more");
}
