//! The dispatcher over every method of every embedded document.

use serde_json::{Map, Value, json};

use crate::args::{Arguments, prepare};
use crate::config::Roots;
use crate::discovery::Catalogue;
use crate::document::Parameter;
use crate::request::{GoogleRequest, Payload, build};
use crate::resolve::{Target, resolve};

fn targets() -> Vec<Target> {
    let catalogue = Catalogue::embedded();
    let mut targets = Vec::new();
    for document in catalogue.all() {
        for path in document.methods.keys() {
            let name = format!("{}:{}.{path}", document.name, document.version);
            targets.push(resolve(catalogue, &name).unwrap());
        }
    }
    targets
}

/// A value that satisfies the parameter.
fn dummy(name: &str, parameter: &Parameter) -> Value {
    match (parameter.kind.as_str(), &parameter.pattern) {
        ("integer", _) => json!(7),
        ("boolean", _) => json!(true),
        (_, Some(pattern)) if pattern.starts_with('^') => {
            let value = pattern.trim_start_matches('^').trim_end_matches('$');
            json!(value.replace("[^/]+", "x").replace(".*", "x"))
        }
        _ if name == "alt" => json!("json"),
        _ if parameter.repeated => json!(["v1", "v2"]),
        _ => json!("v"),
    }
}

fn required(target: &Target) -> Map<String, Value> {
    let parameters = target.method.parameters.iter().filter(|(_, p)| p.required);
    parameters.map(|(name, parameter)| (name.clone(), dummy(name, parameter))).collect()
}

fn built(target: &Target, args: Vec<Value>) -> Result<(Arguments, GoogleRequest), String> {
    let arguments = prepare(target, args)?;
    let request = build(target, &arguments, &Roots::default())?;
    Ok((arguments, request))
}

#[test]
fn every_method_builds_the_url_of_its_template() {
    let targets = targets();
    assert_eq!(targets.len(), 728);
    for target in targets {
        let params = required(&target);
        let (_, request) = built(&target, vec![Value::Object(params.clone())])
            .unwrap_or_else(|error| panic!("{}: {error}", target.method.id));
        let mut path = target.method.path.clone();
        for (name, value) in params {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            path = path.replace(&format!("{{{name}}}"), &text);
            path = path.replace(&format!("{{+{name}}}"), &text);
        }
        let expected =
            format!("{}{}{path}", target.document.root_url, target.document.service_path);
        let url = request.url.as_str().split('?').next().unwrap();
        assert_eq!(url, expected, "{}", target.method.id);
        assert_eq!(request.method.as_str(), target.method.http_method);
    }
}

#[test]
fn every_parameter_of_every_method_is_accepted_and_sent() {
    for target in targets() {
        let all: Map<String, Value> =
            target.method.parameters.iter().map(|(n, p)| (n.clone(), dummy(n, p))).collect();
        let (_, request) = built(&target, vec![Value::Object(all)])
            .unwrap_or_else(|error| panic!("{}: {error}", target.method.id));
        let sent: Vec<String> =
            request.url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        for (name, parameter) in
            target.method.parameters.iter().filter(|(_, p)| p.location == "query")
        {
            let times = sent.iter().filter(|n| *n == name).count();
            assert_eq!(
                times,
                if parameter.repeated { 2 } else { 1 },
                "{} {name}",
                target.method.id
            );
        }
    }
}

#[test]
fn every_missing_path_parameter_is_named() {
    for target in targets() {
        for (name, _) in target.method.parameters.iter().filter(|(_, p)| p.location == "path") {
            let mut params = required(&target);
            params.remove(name);
            match built(&target, vec![Value::Object(params)]) {
                Err(error) => assert!(error.contains(&format!("\"{name}\"")), "{error}"),
                Ok((arguments, _)) => {
                    let filled = &arguments.path[name];
                    assert!(filled == "me" || filled == "my_customer", "{}", target.method.id);
                }
            }
        }
    }
}

#[test]
fn no_path_parameter_can_leave_its_place() {
    for target in targets() {
        for (name, parameter) in
            target.method.parameters.iter().filter(|(_, p)| p.location == "path")
        {
            for evil in ["..", "../../x", "a/../../b", ".", "%2e%2e", "a?b=c#d", "x\r\ny"] {
                let mut params = required(&target);
                params.insert(name.clone(), evil.into());
                let Ok((_, request)) = built(&target, vec![Value::Object(params)]) else {
                    continue;
                };
                assert_ne!(parameter.kind, "integer");
                let slashes = |path: &str| path.matches('/').count();
                let template = format!("/{}{}", target.document.service_path, target.method.path);
                assert!(slashes(request.url.path()) >= slashes(&template), "{}", request.url);
                assert!(!request.url.query().unwrap_or_default().contains("b=c"));
                assert!(request.url.fragment().is_none());
            }
        }
    }
}

#[test]
fn unknown_keys_go_to_the_body_or_are_refused_with_the_allowed_ones() {
    for target in targets() {
        let mut params = required(&target);
        params.insert("noSuchKey".to_owned(), json!([null, 1]));
        let outcome = built(&target, vec![Value::Object(params)]);
        if target.method.request.is_some() {
            let (_, request) = outcome.unwrap();
            let Payload::Bytes(_, body) = request.payload else { panic!("{}", target.method.id) };
            assert_eq!(body, r#"{"noSuchKey":[null,1]}"#, "{}", target.method.id);
        } else {
            let error = outcome.unwrap_err();
            assert!(error.starts_with("unknown parameter \"noSuchKey\"; allowed: "), "{error}");
            assert!(error.contains("fields"), "{error}");
        }
    }
}

fn one(path: &str, args: Value) -> Result<(Arguments, GoogleRequest), String> {
    let Value::Array(args) = args else { panic!() };
    built(&resolve(Catalogue::embedded(), path).unwrap(), args)
}

#[test]
fn bodies_are_taken_by_name_or_from_what_is_left() {
    let body = |args: Value| one("drive.files.create", args).map(|(arguments, _)| arguments.body);
    let expected = Ok(Some(json!({"name": "a", "parents": null})));
    assert_eq!(body(json!([{"requestBody": {"name": "a", "parents": null}}])), expected);
    assert_eq!(
        body(json!([{"resource": {"name": "a", "parents": null}, "fields": "id"}])),
        expected
    );
    assert_eq!(body(json!([{"name": "a", "parents": null, "fields": "id"}])), expected);
    assert_eq!(body(json!([{}])), Ok(None));
    assert!(body(json!([{"resource": {}, "name": "a"}])).unwrap_err().contains("\"name\""));
    assert!(body(json!([{"resource": {}, "requestBody": {}}])).unwrap_err().contains("once"));
    // Plain fields that happen to be called so.
    assert_eq!(body(json!([{"body": "text"}])), Ok(Some(json!({"body": "text"}))));
}

#[test]
fn arguments_of_the_wrong_shape_are_refused() {
    let error = |args: Value| one("gmail.users.messages.list", args).unwrap_err();
    assert!(error(json!(["x"])).contains("first argument"));
    assert!(error(json!([{}, []])).contains("second argument"));
    assert!(error(json!([{}, {}, {}])).contains("two arguments"));
    assert!(
        error(json!([{"maxResults": "many"}])).contains("\"maxResults\" must be of type integer")
    );
    assert!(error(json!([{"q": {"a": 1}}])).contains("\"q\" must be of type string"));
    assert!(error(json!([{"access_token": "x"}])).contains("set by wrappedgapi"));
    assert!(error(json!([{"alt": "media"}])).contains("\"alt\" must be \"json\""));
    assert!(error(json!([{}, {"media": {"body": "x"}}])).contains("takes no media"));
    let send = one("gmail.users.messages.send", json!([{}, {"allPages": true}])).unwrap_err();
    assert!(send.contains("has no pages"));
    let get = one("gmail.users.messages.get", json!([{}])).unwrap_err();
    assert_eq!(get, "Message ID is required (parameter \"id\")");
}

#[test]
fn nulls_drop_and_prose_limits_clamp() {
    let url = |path: &str, args: Value| one(path, args).unwrap().1.url.to_string();
    assert_eq!(
        url(
            "gmail.users.messages.list",
            json!([{"q": null, "maxResults": 9999, "labelIds": ["A", null, "B"]}])
        ),
        "https://gmail.googleapis.com/gmail/v1/users/me/messages?maxResults=500&labelIds=A&labelIds=B"
    );
    let users = url("admin.users.list", json!([{"maxResults": 0}]));
    assert!(users.contains("maxResults=1&"), "{users}");
    assert!(url("admin.groups.list", json!([{"maxResults": 900}])).contains("maxResults=200"));
    assert!(url("drive.files.list", json!([{"pageSize": 5000}])).contains("pageSize=1000"));
}

#[test]
fn media_goes_to_the_upload_path() {
    let send = |args: Value| one("gmail.users.messages.send", args);
    let media = json!({"media": {"mimeType": "message/rfc822", "body": "Subject: x\r\n\r\nhi"}});
    let (_, request) = send(json!([{"userId": "a@b"}, media])).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://gmail.googleapis.com/upload/gmail/v1/users/a%40b/messages/send?uploadType=media"
    );
    let (_, request) = send(json!([{"threadId": "t"}, media])).unwrap();
    assert!(request.url.as_str().ends_with("uploadType=multipart"));
    let (_, request) = send(json!([{"threadId": "t", "media": media["media"]}])).unwrap();
    assert!(request.url.as_str().ends_with("uploadType=multipart"));
    let wrong = json!({"media": {"mimeType": "image/png", "data": "AAAA"}});
    assert!(send(json!([{}, wrong])).unwrap_err().contains("takes only message/*"));
}
