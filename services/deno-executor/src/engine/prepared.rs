//! From published source to something the engine runs: syntax check, TypeScript, module kind.

use std::path::Path;

use oxc::{
    allocator::Allocator,
    codegen::{Codegen, CodegenOptions},
    diagnostics::OxcDiagnostic,
    parser::{Parser, ParserReturn},
    semantic::SemanticBuilder,
    span::SourceType,
    transformer::{TransformOptions, Transformer},
};
use oxc_sourcemap::SourceMap;
use tasker_core::TaskError;

use super::Broken;

/// How the task exports its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `module.exports = ...`
    CommonJs,
    /// `export default ...`
    Module,
}

/// Code that parsed, as JavaScript.
pub struct Prepared {
    /// Name of the task.
    pub name: String,
    /// The script's name inside the engine.
    pub url: String,
    /// What the engine is given.
    pub javascript: String,
    /// How it exports.
    pub source: Source,
    /// From the engine's lines to the author's, for TypeScript.
    map: Option<SourceMap<'static>>,
}

impl Prepared {
    /// Parses the code: as JavaScript, else as TypeScript. The error has line and column.
    pub fn new(name: &str, code: &str) -> Result<Self, Broken> {
        let file: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        let url = format!("file:///{file}.js");
        let name = name.to_owned();
        let allocator = Allocator::default();
        let script = parse(&allocator, code, SourceType::unambiguous());
        if clean(&script) {
            alone(code, &script)?;
            let source = kind(&script);
            return Ok(Self { name, url, javascript: code.to_owned(), source, map: None });
        }
        let typed = parse(&allocator, code, SourceType::ts());
        if !clean(&typed) {
            // The reading that got further says what the author meant.
            return Err(Box::new(syntax_error(code, script, typed)));
        }
        alone(code, &typed)?;
        let source = kind(&typed);
        let (javascript, map) = strip_types(&allocator, typed, &name);
        Ok(Self { name, url, javascript, source, map })
    }

    /// A place in the engine's script as a place in the published source, both from 1.
    pub fn original(&self, line: u32, column: u32) -> (u32, u32) {
        let Some(map) = &self.map else { return (line, column) };
        let table = map.generate_lookup_table();
        map.lookup_token(&table, line.saturating_sub(1), column.saturating_sub(1))
            .map_or((line, column), |t| (t.get_src_line() + 1, t.get_src_col() + 1))
    }
}

/// Mistakes that the parser alone lets pass: a name declared twice, a `break` outside a loop.
pub fn early_errors(code: &str) -> Result<(), Broken> {
    let allocator = Allocator::default();
    let mut parsed = parse(&allocator, code, SourceType::unambiguous());
    if !clean(&parsed) {
        parsed = parse(&allocator, code, SourceType::ts());
    }
    let found = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    let Some(error) = found.diagnostics.into_iter().next() else { return Ok(()) };
    // Of two declarations the second is the mistake.
    let at = error.labels.iter().map(|l| l.offset() as usize).max().unwrap_or_default();
    let message = error.message.to_string();
    Err(Box::new(at_offset(TaskError::new("SyntaxError", message), code, at)))
}

fn clean(parsed: &ParserReturn<'_>) -> bool {
    !parsed.panicked && parsed.diagnostics.is_empty()
}

fn parse<'a>(allocator: &'a Allocator, code: &'a str, kind: SourceType) -> ParserReturn<'a> {
    Parser::new(allocator, code, kind).parse()
}

fn kind(parsed: &ParserReturn<'_>) -> Source {
    if parsed.module_record.has_module_syntax { Source::Module } else { Source::CommonJs }
}

/// A task is one file: a static import is refused before anything runs.
fn alone(code: &str, parsed: &ParserReturn<'_>) -> Result<(), Broken> {
    let mut asked = parsed.module_record.requested_modules.iter().filter_map(|(name, places)| {
        places.iter().find(|p| !p.is_type).map(|p| (p.statement_span.start, name.to_string()))
    });
    let Some((at, name)) = asked.next() else { return Ok(()) };
    let message = format!("cannot import '{name}': a task is one file; put what it needs into it");
    Err(Box::new(at_offset(TaskError::new("SyntaxError", message), code, at as usize)))
}

fn strip_types(
    allocator: &Allocator,
    parsed: ParserReturn<'_>,
    name: &str,
) -> (String, Option<SourceMap<'static>>) {
    let mut program = parsed.program;
    let scoping = SemanticBuilder::new().build(&program).semantic.into_scoping();
    let options = TransformOptions::default();
    let path = Path::new(name);
    Transformer::new(allocator, path, &options).build_with_scoping(scoping, &mut program);
    let options =
        CodegenOptions { source_map_path: Some(path.to_path_buf()), ..CodegenOptions::default() };
    let printed = Codegen::new().with_options(options).build(&program);
    (printed.code, printed.map.map(SourceMap::into_owned))
}

fn syntax_error(code: &str, script: ParserReturn<'_>, typed: ParserReturn<'_>) -> TaskError {
    let first = |r: ParserReturn<'_>| {
        let error = r.diagnostics.into_iter().next()?;
        Some((offset(&error), error))
    };
    let best = first(script).into_iter().chain(first(typed)).max_by_key(|(at, _)| *at);
    let Some((at, error)) = best else {
        return TaskError::new("SyntaxError", "the code could not be parsed");
    };
    at_offset(TaskError::new("SyntaxError", error.message.to_string()), code, at)
}

/// Adds line and column of a byte offset.
fn at_offset(mut error: TaskError, code: &str, at: usize) -> TaskError {
    let before = &code[..code.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    error.line = u32::try_from(line).ok();
    error.column = u32::try_from(column).ok();
    error
}

fn offset(error: &OxcDiagnostic) -> usize {
    error.labels.first().map_or(0, |l| l.offset() as usize)
}
