//! `POST /`: everything the keystore does.

use std::time::Instant;

use axum::{extract::State, response::Response};
use serde_json::{Value, json};
use tasker_http::{ApiError, JsonBody};
use tasker_store::{Rotate, SecretStore};

use crate::{
    answer::{Failure, answer, now},
    request::{Fields, Form, Method, form, parse},
};

/// Reads the request, does it, and answers in its form.
pub async fn call(
    State(state): State<crate::State>,
    body: Result<JsonBody<Fields>, ApiError>,
) -> Response {
    let began = Instant::now();
    let fields = match body {
        Ok(JsonBody(fields)) => fields,
        Err(error) => return answer(Form::Action, Err(error.into()), began),
    };
    let result = match parse(&fields) {
        Ok(method) => run(&*state.store, method).await,
        Err(refused) => Err(refused.into()),
    };
    answer(form(&fields), result, began)
}

async fn run(store: &dyn SecretStore, method: Method) -> Result<Value, Failure> {
    Ok(match method {
        Method::GetKey(name) => {
            let value = store.key_get(&name.namespace, &name.key).await?;
            tasker_fault::panic_at("getKey");
            value.into()
        }
        Method::HasKey(name) => store.key_has(&name.namespace, &name.key).await?.into(),
        Method::SetKey(name, secret) => {
            store.key_set(&name.namespace, &name.key, &secret.0).await?;
            tracing::info!(namespace = name.namespace, key = name.key, "key set");
            true.into()
        }
        Method::DeleteKey(name) => {
            let gone = store.key_delete(&name.namespace, &name.key).await?;
            tracing::info!(namespace = name.namespace, key = name.key, gone, "key deleted");
            gone.into()
        }
        Method::ListKeys(namespace) => {
            let keys = store.key_list(Some(&namespace)).await?;
            keys.into_iter().map(|k| k.name).collect()
        }
        Method::ListNamespaces => {
            let mut names: Vec<String> =
                store.key_list(None).await?.into_iter().map(|k| k.namespace).collect();
            names.dedup();
            names.into_iter().collect()
        }
        Method::RotateKeys { new_key } => {
            if new_key {
                store.key_renew().await?;
            }
            let done = store.key_rotate(Rotate::All).await?;
            tracing::info!(?done, new_key, "master key rotated");
            json!(done)
        }
        Method::GetServerTime => json!({ "timestamp": now(), "source": "keystore" }),
    })
}
