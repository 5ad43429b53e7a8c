//! One call to a Google API, from checked words to the answer.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::args::{self, Arguments};
use crate::error::CallError;
use crate::google::Reply;
use crate::request::{self, AnswerKind, GoogleRequest};
use crate::resolve::Target;
use crate::send::Grant;
use crate::token_error::TokenError;
use crate::user_tokens::UserTokens;
use crate::{Shared, paging, scopes, subject};

/// Calls a method. Everything that can be refused without asking anybody is refused first.
///
/// # Errors
/// [`CallError`] with the status to answer.
pub async fn call(shared: &Shared, target: &Target, args: Vec<Value>) -> Result<Bytes, CallError> {
    let mut arguments = args::prepare(target, args).map_err(CallError::Arguments)?;
    let build = |arguments: &Arguments| {
        request::build(target, arguments, &shared.config.roots).map_err(CallError::Arguments)
    };
    let mut request = build(&arguments)?;

    let session = shared.sessions.get().await?;
    if subject::map_customer(target, &mut arguments, &session.admin_email) {
        request = build(&arguments)?;
    }
    let subject = subject::subject(target, &arguments, &session.admin_email).to_owned();
    let scope = scopes::choose(&target.method, &shared.config.scopes).map(str::to_owned);
    let client_id = session.client_id.clone().unwrap_or_else(|| session.client_email.clone());
    let tokens = UserTokens { pool: Arc::clone(&session.tokens), subject };
    let grant = Grant { tokens, client_id, scope };

    let answer = run(shared, target, arguments, request, &grant).await;
    if answer.as_ref().is_err_and(doubts_credentials) {
        // Somebody may be about to replace the key: do not make them wait for the cache.
        shared.sessions.doubt().await;
    }
    answer
}

async fn run(
    shared: &Shared,
    target: &Target,
    arguments: Arguments,
    request: GoogleRequest,
    grant: &Grant,
) -> Result<Bytes, CallError> {
    if arguments.options.all_pages {
        let all = paging::all(&shared.google, target, arguments, grant, &shared.config).await?;
        return Ok(all.to_string().into());
    }
    let reply = shared.google.send(&request, grant).await?;
    match request.answer {
        AnswerKind::Media => Ok(media(&reply)),
        AnswerKind::Json => json_of(reply),
    }
}

fn doubts_credentials(error: &CallError) -> bool {
    match error {
        CallError::Token { source, .. } => !matches!(source, TokenError::Transient(_)),
        CallError::Google { error, .. } => error.status == http::StatusCode::UNAUTHORIZED,
        _ => false,
    }
}

/// Google's JSON as it came. An empty answer (204) becomes `{}`: callers look for fields.
fn json_of(reply: Reply) -> Result<Bytes, CallError> {
    if reply.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<&RawValue>(&reply.body) {
        Ok(_) => Ok(reply.body),
        Err(_) => {
            let kind = reply.content_type.unwrap_or_else(|| "unnamed content".to_owned());
            Err(CallError::Answer(format!("it is {kind} instead of JSON")))
        }
    }
}

fn media(reply: &Reply) -> Bytes {
    let content_type = reply.content_type.as_deref().unwrap_or("application/octet-stream");
    json!({"contentType": content_type, "data": STANDARD.encode(&reply.body)}).to_string().into()
}
