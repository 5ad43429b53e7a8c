//! JSDoc of a task -> JSON Schema of its input.
//!
//! [`Doc::of`] picks the comment that describes the task, `block` splits it into tags, `types`
//! turns `{string|number}` into a schema, `schema` puts the parameters together.

mod block;
mod schema;
mod types;

use serde_json::Value;

/// What a task's comment says.
#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    /// The text before the first tag.
    pub description: Option<String>,
    /// JSON Schema of the input.
    pub input: Value,
    /// JSON Schema of what the task returns, if it says.
    pub returns: Option<Value>,
}

impl Doc {
    /// The documentation in a task's source. A source without any describes an object of anything.
    pub fn of(code: &str) -> Self {
        let blocks = block::blocks(code);
        let about = blocks.iter().find_map(|b| b.description.clone());
        let Some(task) = of_task(&blocks) else {
            return Self { description: about, input: schema::anything(), returns: None };
        };
        Self {
            description: task.description.clone().or(about),
            input: schema::input(&task.tags),
            returns: schema::returns(&task.tags),
        }
    }
}

/// The text of the first JSDoc block, on one line per paragraph.
pub fn description(code: &str) -> Option<String> {
    block::blocks(code).into_iter().next().and_then(|b| b.description)
}

/// The block right before the export if it has tags, else the first that describes parameters.
fn of_task(blocks: &[block::Block]) -> Option<&block::Block> {
    blocks
        .iter()
        .find(|b| b.before_export && !b.tags.is_empty())
        .or_else(|| blocks.iter().find(|b| b.tags.iter().any(|t| block::is_param(&t.name))))
        .or_else(|| blocks.first())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GMAIL: &str = r#"
        "use strict"; // not a /** block */
        const glob = "/** neither */";
        /**
         * Searches mail.
         * All of it.
         *
         * Slowly.
         *
         * @param {Object} input - What to search for.
         * @param {string} [input.q=""] - Search text;
         *   empty finds all.
         * @param {number} [input.max=10] - Most messages.
         * @param {Array<string>} input.users - Whose.
         * @returns {Promise<{count: number, ids?: string[]}>} What was found.
         */
        module.exports = async (input) => {};
    "#;

    #[test]
    fn a_task_becomes_a_schema() {
        let doc = Doc::of(GMAIL);
        assert_eq!(doc.description.as_deref(), Some("Searches mail. All of it.\n\nSlowly."));
        assert_eq!(
            doc.input,
            json!({
                "type": "object",
                "description": "What to search for.",
                "properties": {
                    "q": {"type": "string", "description": "Search text; empty finds all.", "default": ""},
                    "max": {"type": "number", "description": "Most messages.", "default": 10},
                    "users": {"type": "array", "items": {"type": "string"}, "description": "Whose."},
                },
                "required": ["users"],
            })
        );
        assert_eq!(
            doc.returns.unwrap(),
            json!({
                "type": "object",
                "properties": {
                    "count": {"type": "number"},
                    "ids": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["count"],
                "description": "What was found.",
            })
        );
    }

    #[test]
    fn the_block_of_the_task_wins_over_helpers() {
        let code = "/** About the file. */\n/** @param {string} s */\nfunction help(s) {}\n\
            /** Runs. @see x\n * @param {{a: number}} input */\nexport default async function (input) {}";
        let doc = Doc::of(code);
        assert_eq!(doc.input["properties"]["a"], json!({"type": "number"}));
        assert_eq!(description(code).as_deref(), Some("About the file."));
    }

    #[test]
    fn undocumented_or_broken_sources_are_no_error() {
        let nothing = json!({"type": "object", "properties": {}, "required": []});
        let broken = [
            "",
            "module.exports = () => 1",
            "/**",
            "/** */",
            "/**/ x",
            "/** @param */ f()",
            "const r = /['\"`]/; `${`",
            "/** @param {string x */",
            "/** @param {a[} [ */",
            "'",
        ];
        for code in broken {
            assert_eq!(Doc::of(code).input["type"], nothing["type"], "{code}");
        }
        assert_eq!(Doc::of("module.exports = 1").input, nothing);
        assert_eq!(description("// x"), None);
    }
}
