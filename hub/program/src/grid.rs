//! Lays out text in columns for a terminal. Pure.

use std::fmt;

/// Rows under headings, each row with lines of its own below it.
#[derive(Debug)]
pub(crate) struct Grid<const N: usize> {
    headings: [&'static str; N],
    rows: Vec<([String; N], Vec<String>)>,
}

impl<const N: usize> Grid<N> {
    /// An empty grid.
    pub(crate) fn new(headings: [&'static str; N]) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push((cells, Vec::new()));
    }

    /// Adds a row with lines below it, which are indented.
    pub(crate) fn row_with(&mut self, cells: [String; N], below: Vec<String>) {
        self.rows.push((cells, below));
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.headings.map(|heading| heading.chars().count());
        for (cells, _) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

/// Columns are two spaces apart; nothing stands behind the last one.
impl<const N: usize> fmt::Display for Grid<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let laid = |cells: &[String; N]| -> String {
            let padded: Vec<String> = cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{}{}", plain(cell), " ".repeat(width - cell.chars().count().min(width))))
                .collect();
            padded.join("  ").trim_end().to_owned()
        };
        write!(f, "{}", laid(&self.headings.map(str::to_owned)))?;
        for (cells, below) in &self.rows {
            write!(f, "\n{}", laid(cells))?;
            for line in below {
                write!(f, "\n    {}", plain(line))?;
            }
        }
        Ok(())
    }
}

/// What an agency wrote must not steer the reader's terminal: control characters become spaces.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut grid = Grid::new(["WHEN", "WHO"]);
        grid.row(["1".into(), "a".into()]);
        grid.row_with(["yesterday".into(), "é".into()], vec!["why".into()]);
        assert_eq!(grid.to_string(), "WHEN       WHO\n1          a\nyesterday  é\n    why");
    }

    #[test]
    fn an_escape_sequence_never_reaches_the_terminal() {
        let mut grid = Grid::new(["A"]);
        grid.row_with(["\u{1b}[2J".into()], vec!["\u{9b}1m".into()]);
        assert!(!grid.to_string().chars().any(|c| c.is_control() && c != '\n'));
    }
}
