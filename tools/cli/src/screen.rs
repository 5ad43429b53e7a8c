//! Where the CLI's words go.

use std::io::{IsTerminal, Write};

/// Standard output, or standard error while standard output carries data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Words are the output.
    Stdout,
    /// Standard output is kept for data.
    Stderr,
}

impl Screen {
    /// Prints a line. An error is the stream's own (a closed pipe).
    pub fn line(self, text: impl std::fmt::Display) -> std::io::Result<()> {
        match self {
            Self::Stdout => writeln!(std::io::stdout().lock(), "{text}"),
            Self::Stderr => writeln!(std::io::stderr().lock(), "{text}"),
        }
    }

    /// Whether a person sees it as it comes.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => std::io::stdout().is_terminal(),
            Self::Stderr => std::io::stderr().is_terminal(),
        }
    }

    /// Columns to fill: the terminal's, or 120 where there is none.
    pub fn width(self) -> u16 {
        let term = match self {
            Self::Stdout => console::Term::stdout(),
            Self::Stderr => console::Term::stderr(),
        };
        term.size_checked().map_or(120, |(_, columns)| columns.max(40))
    }
}
