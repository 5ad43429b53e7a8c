//! A Markdown document as what its reader does: types commands, saves files, sees lines.
//!
//! | fence | |
//! |---|---|
//! | `sh` | commands, typed in the second terminal; all of them succeed |
//! | `sh fails` | one command, which does not |
//! | `sh first` | commands in the first terminal, where the last goes on running; Ctrl-C ended what ran there |
//! | `text`, `text first` | lines that this terminal then shows, in this order, others between them |
//! | `js FILE`, `ts FILE`, `json FILE` | a file to save, below the checkout |
//! | `scopes` | something to copy into a web page |

use anyhow::{Context as _, bail, ensure};

/// Where something is typed or seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Where tasker runs.
    First,
    /// Where everything else is typed.
    Second,
}

/// What is in a fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Commands.
    Type { terminal: Terminal, fails: bool },
    /// Lines to see.
    See { terminal: Terminal },
    /// A file.
    Save { path: String },
    /// A list of scopes.
    Scopes,
}

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub what: What,
    /// What it says.
    pub text: String,
    /// Line of the document where its fence is, from 1.
    pub line: usize,
}

/// The fenced blocks of a document. A fence of a kind that nobody checks is an error.
pub fn read(document: &str) -> anyhow::Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut lines = document.lines().zip(1..);
    while let Some((fence, line)) = lines.next() {
        let Some(info) = fence.trim_start().strip_prefix("```") else { continue };
        let what = kind(info).with_context(|| format!("line {line}: {fence}"))?;
        let mut text = String::new();
        loop {
            let (inside, _) =
                lines.next().with_context(|| format!("line {line}: the fence has no end"))?;
            if inside == "```" {
                break;
            }
            text += inside;
            text.push('\n');
        }
        ensure!(!text.trim().is_empty(), "line {line}: nothing is in the fence");
        blocks.push(Block { what, text, line });
    }
    Ok(blocks)
}

fn kind(info: &str) -> anyhow::Result<What> {
    let words: Vec<&str> = info.split_whitespace().collect();
    let (first, second) = (Terminal::First, Terminal::Second);
    Ok(match words[..] {
        ["sh"] => What::Type { terminal: second, fails: false },
        ["sh", "fails"] => What::Type { terminal: second, fails: true },
        ["sh", "first"] => What::Type { terminal: first, fails: false },
        ["text"] => What::See { terminal: second },
        ["text", "first"] => What::See { terminal: first },
        ["js" | "ts" | "json", path] => What::Save { path: path.to_owned() },
        ["scopes"] => What::Scopes,
        _ => bail!("nothing checks such a block"),
    })
}

/// First cells of the table below a heading, without their backquotes.
pub fn first_cells(document: &str, heading: &str) -> Vec<String> {
    let below = document.lines().skip_while(|line| *line != heading).skip(1);
    let rows = below.take_while(|line| !line.starts_with("## ")).filter(|l| l.starts_with("| `"));
    rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect()
}
