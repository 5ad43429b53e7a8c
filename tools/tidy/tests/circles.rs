//! Modules of one folder that use each other: neither can be read, tested or moved without the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Finding, tree::Source};

/// A path of names from the root of a crate, e.g. `["chain", "rules"]`.
type Path = Vec<String>;

/// A crate's modules, each with its file.
type Modules<'a> = BTreeMap<Path, &'a Source>;

/// Pairs of sibling modules that use each other, themselves or by what lies below them; each pair
/// is found at the first of the two.
pub fn pairs(sources: &[Source]) -> Vec<Finding> {
    let mut crates = BTreeMap::<&str, Modules>::new();
    for source in sources {
        if let Some((name, file)) = source.path.split_once("/src/") {
            crates.entry(name).or_default().insert(module(file), source);
        }
    }
    crates.values().flat_map(pairs_of).collect()
}

fn pairs_of(modules: &Modules) -> Vec<Finding> {
    let mut uses = BTreeMap::<(Path, Path), (&Source, usize)>::new();
    for (module, source) in modules {
        for (place, path) in paths(&source.code, module) {
            let both = module.iter().zip(&path).take_while(|(a, b)| a == b).count();
            if module.len() > both && path.len() > both {
                let (from, to) = (module[..=both].to_vec(), path[..=both].to_vec());
                if modules.contains_key(&to) {
                    uses.entry((from, to)).or_insert((source, place));
                }
            }
        }
    }
    let circle = |(a, b): &(Path, Path)| a < b && uses.contains_key(&(b.clone(), a.clone()));
    let pairs: BTreeSet<_> = uses.keys().filter(|pair| circle(pair)).collect();
    let finding = |pair: &(Path, Path)| {
        let (source, place) = uses[pair];
        let back = uses[&(pair.1.clone(), pair.0.clone())];
        let (a, b) = (pair.0.join("::"), pair.1.join("::"));
        let what = format!("{a} uses {b}, and {}:{} goes back", back.0.path, back.0.line(back.1));
        Finding { path: source.path.clone(), line: source.line(place), what }
    };
    pairs.into_iter().map(finding).collect()
}

/// The module of a file below `src`.
fn module(file: &str) -> Path {
    let file = file.trim_end_matches(".rs");
    let mut path: Path = file.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
        path.pop();
    }
    path
}

/// Every path that begins with `crate` or `super` in the code of `module`, from the root, and where.
/// Test modules within a file are left out.
fn paths(code: &str, module: &[String]) -> Vec<(usize, Path)> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    for (start, base) in [("crate::", &[][..]), ("super::", module)] {
        for (place, _) in code.match_indices(start) {
            let before = code[..place].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' {
                continue;
            }
            let mut ends = Vec::new();
            follow(&code[place..], &mut base.to_vec(), &mut ends);
            found.extend(ends.into_iter().map(|path| (place, path)));
        }
    }
    found
}

/// Reads a path or a tree of paths, `a::{b, c::d}`, below `at`; answers what is left of the text.
fn follow<'a>(text: &'a str, at: &mut Path, ends: &mut Vec<Path>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = follow(rest, &mut at.clone(), ends).trim_start();
            let Some(next) = rest.strip_prefix(',') else { break };
            rest = next;
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    match name {
        "" => return rest,
        "super" => drop(at.pop()),
        "crate" | "self" => {}
        _ => at.push(name.to_owned()),
    }
    match rest.strip_prefix("::") {
        Some(rest) => follow(rest, at, ends),
        None => {
            ends.push(at.clone());
            let Some(renamed) = rest.trim_start().strip_prefix("as ") else { return rest };
            renamed.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
        }
    }
}

#[test]
fn trees_of_paths_are_followed() {
    let module = ["a".to_owned(), "b".to_owned()];
    let code = "use crate::{x::{y, z as q}, w}; super::c::f(); super::super::d";
    let paths: Vec<String> = paths(code, &module).iter().map(|(_, p)| p.join("::")).collect();
    assert_eq!(paths, ["x::y", "x::z", "w", "a::c::f", "d"]);
}
