//! The extensions' JavaScript, from inside the binary. See `build.rs`.

use deno_core::{Extension, ExtensionFileSource, FastStaticString};

/// By specifier.
const SOURCES: &[(&str, FastStaticString)] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// Replaces the files of `extension` by what is in the binary: an isolate is made without reading
/// any.
pub fn embedded(mut extension: Extension) -> Extension {
    let kinds = [
        &mut extension.js_files,
        &mut extension.esm_files,
        &mut extension.lazy_loaded_esm_files,
        &mut extension.lazy_loaded_js_files,
    ];
    for files in kinds {
        *files = files.iter().map(source).collect::<Vec<_>>().into();
    }
    extension
}

fn source(file: &ExtensionFileSource) -> ExtensionFileSource {
    let found = SOURCES.iter().find(|(specifier, _)| *specifier == file.specifier);
    found.map_or_else(
        || file.clone(),
        |(specifier, code)| ExtensionFileSource::new(specifier, *code),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_on_the_machine_that_built_it() {
        let blobs = std::sync::Arc::new(deno_web::BlobStore::default());
        let extensions = [
            deno_webidl::deno_webidl::init(),
            deno_web::deno_web::init(blobs, None, false, Default::default()),
            super::super::ops::tasker_task::init(),
        ];
        for extension in extensions {
            let files = |e: &Extension| -> Vec<ExtensionFileSource> {
                [&e.js_files, &e.esm_files, &e.lazy_loaded_esm_files, &e.lazy_loaded_js_files]
                    .into_iter()
                    .flat_map(|f| f.to_vec())
                    .collect()
            };
            let before = files(&extension);
            assert!(before.iter().any(|f| !f.is_runtime_loadable()), "{}", extension.name);
            let after = files(&embedded(extension));
            assert_eq!(before.len(), after.len());
            for file in after {
                assert!(file.is_runtime_loadable(), "{} is read from a file", file.specifier);
            }
        }
    }
}
