//! Code that was prepared, given to the engine.

use std::{future::Future, pin::Pin, task::Poll};

use deno_core::{
    JsRuntime, ModuleSpecifier,
    error::{CoreError, CoreErrorKind},
    scope, v8,
};
use tasker_core::Json;

use super::{
    Broken, Function, errors,
    prepared::{Prepared, Source},
};

/// Has the engine compile the code, and run none of it.
pub async fn only(runtime: &mut JsRuntime, prepared: &Prepared) -> Result<(), Broken> {
    if prepared.source == Source::Module {
        let url = ModuleSpecifier::parse(&prepared.url).map_err(|e| errors::engine(&e))?;
        let loaded = runtime.load_main_es_module_from_code(&url, prepared.javascript.clone());
        return loaded.await.map(|_| ()).map_err(|e| errors::core(&e, prepared));
    }
    scope!(scope, runtime);
    v8::tc_scope!(let tc, scope);
    match wrapper(tc, prepared) {
        Some(_) => Ok(()),
        None => Err(errors::caught(tc, prepared)),
    }
}

/// A CommonJS task as a function of what Node would give it.
fn wrapper<'s>(
    tc: &mut v8::PinScope<'s, '_>,
    prepared: &Prepared,
) -> Option<v8::Local<'s, v8::Function>> {
    let url = v8::String::new(tc, &prepared.url)?;
    let origin =
        v8::ScriptOrigin::new(tc, url.into(), 0, 0, false, 0, None, false, false, false, None);
    let text = v8::String::new(tc, &prepared.javascript)?;
    let mut source = v8::script_compiler::Source::new(text, Some(&origin));
    let mut parameters = Vec::new();
    for name in ["module", "exports", "require"] {
        parameters.push(v8::String::new(tc, name)?);
    }
    v8::script_compiler::compile_function(
        tc,
        &mut source,
        &parameters,
        &[],
        v8::script_compiler::CompileOptions::NoCompileOptions,
        v8::script_compiler::NoCacheReason::NoReason,
    )
}

/// Evaluates a CommonJS task and answers its exports.
pub fn commonjs(
    runtime: &mut JsRuntime,
    evaluate: &Function,
    prepared: &Prepared,
) -> Result<v8::Global<v8::Value>, Broken> {
    scope!(scope, runtime);
    v8::tc_scope!(let tc, scope);
    let exports = wrapper(tc, prepared).and_then(|wrapper| {
        let this = v8::undefined(tc).into();
        v8::Local::new(tc, evaluate).call(tc, this, &[wrapper.into()])
    });
    match exports {
        Some(value) => Ok(v8::Global::new(tc, value)),
        None => Err(errors::caught(tc, prepared)),
    }
}

type Evaluation = Pin<Box<dyn Future<Output = Result<(), CoreError>>>>;

/// An ES module under evaluation: it may wait at a top-level await.
pub struct Pending {
    id: deno_core::ModuleId,
    evaluation: Evaluation,
    input: Json,
}

/// Loads an ES module and begins to evaluate it.
pub async fn evaluate(
    runtime: &mut JsRuntime,
    prepared: &Prepared,
    input: &Json,
) -> Result<Pending, Broken> {
    let url = ModuleSpecifier::parse(&prepared.url).map_err(|e| errors::engine(&e))?;
    let id = runtime
        .load_main_es_module_from_code(&url, prepared.javascript.clone())
        .await
        .map_err(|e| errors::core(&e, prepared))?;
    let evaluation = Box::pin(runtime.mod_evaluate(id));
    Ok(Pending { id, evaluation, input: input.clone() })
}

/// True for the error that says a module still waits at a top-level await.
pub fn is_pending(e: &CoreError) -> bool {
    matches!(e.as_kind(), CoreErrorKind::PendingPromiseResolution)
        || e.to_string().contains("Top-level await promise never resolved")
}

type Loaded = (v8::Global<v8::Value>, Json);

impl Pending {
    /// The exports once the module is evaluated; itself while it waits.
    pub fn poll(
        mut self,
        runtime: &mut JsRuntime,
        prepared: &Prepared,
    ) -> Result<Result<Loaded, Self>, Broken> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match self.evaluation.as_mut().poll(&mut context) {
            Poll::Pending => return Ok(Err(self)),
            Poll::Ready(done) => done.map_err(|e| errors::core(&e, prepared))?,
        }
        let exports = runtime.get_module_namespace(self.id).map_err(|e| errors::engine(&e))?;
        scope!(scope, runtime);
        let exports: v8::Local<v8::Value> = v8::Local::new(scope, exports).into();
        Ok(Ok((v8::Global::new(scope, exports), self.input)))
    }
}
