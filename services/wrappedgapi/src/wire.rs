//! The request body: the call-chain form and the `{method, args}` form, in all their spellings.

use serde::Deserialize;
use serde_json::Value;

/// What a request asks for.
#[derive(Debug, PartialEq)]
pub enum Wanted {
    /// One of the service's own methods.
    Utility(Utility, Vec<Value>),
    /// A Google API method by dotted path.
    Google {
        /// Dotted path as given.
        path: String,
        /// Positional arguments: parameters, then options.
        args: Vec<Value>,
    },
}

/// Methods that call no Google API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utility {
    /// Answers its first argument.
    Echo,
    /// Reads and checks the credentials.
    CheckCredentials,
    /// Lists cached tokens by scope and expiry; never the tokens.
    GetTokenInfo,
    /// Forgets cached tokens.
    ClearTokenCache,
    /// Answers test data for a step number.
    TestStepData,
}

/// Methods named in the answer to an unsupported request, as in the original service. Every
/// method of the embedded discovery documents is supported beside them.
pub const SUPPORTED_METHODS: [&str; 8] = [
    "echo",
    "checkCredentials",
    "getTokenInfo",
    "clearTokenCache",
    "admin.domains.list",
    "admin.users.list",
    "gmail.users.messages.list",
    "gmail.users.messages.get",
];

/// A request body that is no request.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum WireError {
    /// Not JSON at all.
    #[error("Request body must be JSON: {0}")]
    NotJson(String),
    /// JSON of another shape.
    #[error("{0}")]
    Shape(String),
    /// Neither `chain` nor `method`.
    #[error("{}", UNSUPPORTED)]
    Nothing,
}

/// Text that opens every answer to a request naming no known method.
pub const UNSUPPORTED: &str = "Unsupported Google API request. Send \
    {\"chain\":[{\"property\":\"gmail\"},{\"property\":\"users\"},{\"property\":\"messages\"},\
    {\"property\":\"list\",\"args\":[{}]}]} or {\"method\":\"gmail.users.messages.list\",\
    \"args\":[{}]}.";

/// Reads a request body.
///
/// # Errors
/// [`WireError`] when the body is not JSON or has the wrong shape.
pub fn parse(body: &[u8]) -> Result<Wanted, WireError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| WireError::NotJson(error.to_string()))?;
    let body: Body = serde_json::from_value(value).map_err(shape)?;
    let (path, args) = match (body.chain, body.method) {
        (Some(chain), _) => from_chain(chain)?,
        (None, Some(method)) => (method.dotted(), body.args),
        (None, None) => return Err(WireError::Nothing),
    };
    let args = positional(args)?;
    Ok(match utility(&path) {
        Some(utility) => Wanted::Utility(utility, args),
        None => Wanted::Google { path, args },
    })
}

#[derive(Deserialize)]
struct Body {
    chain: Option<Vec<Element>>,
    method: Option<Words>,
    #[serde(default)]
    args: Value,
}

#[derive(Deserialize)]
struct Element {
    property: Words,
    args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "\"method\" and \"property\" must be a string or a list of strings")]
enum Words {
    Dotted(String),
    List(Vec<String>),
}

impl Words {
    fn dotted(self) -> String {
        match self {
            Self::Dotted(text) => text,
            Self::List(words) => words.join("."),
        }
    }
}

fn from_chain(chain: Vec<Element>) -> Result<(String, Value), WireError> {
    if chain.is_empty() {
        return Err(WireError::Nothing);
    }
    let mut words = Vec::with_capacity(chain.len());
    let mut args = Value::Null;
    for element in chain {
        words.push(element.property.dotted());
        args = element.args.unwrap_or(args);
    }
    Ok((words.join("."), args))
}

fn positional(args: Value) -> Result<Vec<Value>, WireError> {
    match args {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => Ok(list),
        object @ Value::Object(_) => Ok(vec![object]),
        _ => Err(WireError::Shape("\"args\" must be a list, such as [{\"userId\":\"me\"}]".into())),
    }
}

fn utility(path: &str) -> Option<Utility> {
    Some(match path {
        "echo" => Utility::Echo,
        "checkCredentials" => Utility::CheckCredentials,
        "getTokenInfo" => Utility::GetTokenInfo,
        "clearTokenCache" => Utility::ClearTokenCache,
        "test.getStepData" => Utility::TestStepData,
        _ => return None,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn shape(error: serde_json::Error) -> WireError {
    WireError::Shape(format!("Request body has the wrong shape: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn google(body: Value) -> (String, Vec<Value>) {
        match parse(body.to_string().as_bytes()).unwrap() {
            Wanted::Google { path, args } => (path, args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_spelling_names_the_same_method() {
        let expected = ("admin.domains.list".to_owned(), vec![json!({"customer": "C"})]);
        let args = json!([{"customer": "C"}]);
        for body in [
            json!({"chain": [{"property": "admin"}, {"property": "domains"}, {"property": "list", "args": args}]}),
            json!({"chain": [{"type": "get", "property": "admin", "args": []}, {"type": "get", "property": "domains"},
                {"type": "call", "property": "list", "args": args}]}),
            json!({"chain": [{"property": "admin.domains.list", "args": args}]}),
            json!({"chain": [{"property": ["admin", "domains", "list"], "args": args}]}),
            json!({"method": "admin.domains.list", "args": args}),
            json!({"method": ["admin", "domains", "list"], "args": args}),
            json!({"method": "admin.domains.list", "args": {"customer": "C"}}),
        ] {
            assert_eq!(google(body.clone()), expected, "{body}");
        }
        assert_eq!(google(json!({"method": "a.b"})).1, Vec::<Value>::new());
    }

    #[test]
    fn args_come_from_the_last_element_that_has_them() {
        let body = json!({"chain": [{"property": "a", "args": [1]}, {"property": "b", "args": [2]}, {"property": "c"}]});
        assert_eq!(google(body), ("a.b.c".to_owned(), vec![json!(2)]));
    }

    #[test]
    fn utilities_are_told_from_google_methods() {
        let wanted = |body: Value| parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            wanted(json!({"method": "echo", "args": [1]})),
            Wanted::Utility(Utility::Echo, vec![json!(1)])
        );
        let step =
            json!({"chain": [{"property": "test"}, {"property": "getStepData", "args": [{}]}]});
        assert_eq!(wanted(step), Wanted::Utility(Utility::TestStepData, vec![json!({})]));
    }

    #[test]
    fn bad_bodies_say_what_is_wrong() {
        let text = |body: &str| parse(body.as_bytes()).unwrap_err().to_string();
        assert!(text("").starts_with("Request body must be JSON"));
        assert!(text("{}").contains("Unsupported Google API request"));
        assert!(text(r#"{"chain":[]}"#).contains("Unsupported Google API request"));
        assert!(text("[]").contains("wrong shape"));
        assert!(text(r#"{"method":7}"#).contains("must be a string or a list of strings"));
        assert!(text(r#"{"chain":[{"args":[]}]}"#).contains("property"));
        assert!(text(r#"{"method":"a.b","args":"x"}"#).contains("\"args\" must be a list"));
    }
}
