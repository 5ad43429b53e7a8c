use super::*;

fn call(text: &str) -> HostCall {
    HostCall::parse(text).unwrap()
}

#[test]
fn both_spellings_of_a_path_are_one_call() {
    let dotted = call(r#"{"service":"gapi","path":"admin.domains.list","args":[{"a": 1}]}"#);
    let array = call(r#"{"service":"gapi","path":["admin","domains","list"],"args":[{"a": 1}]}"#);
    assert_eq!(dotted, array);
    assert_eq!(dotted.service, "wrappedgapi");
    assert_eq!(dotted.args.get(), r#"[{"a": 1}]"#);
    assert_eq!(
        serde_json::to_string(&dotted.chain()).unwrap(),
        r#"[{"property":"admin"},{"property":"domains"},{"property":"list","args":[{"a": 1}]}]"#
    );
}

#[test]
fn links_keep_their_own_arguments() {
    let c = call(
        r#"{"service":"database","path":[{"property":"from","args":["t"]},{"property":"select"}]}"#,
    );
    assert_eq!((c.service.as_str(), c.method.as_str()), ("wrappedsupabase", "from.select"));
    assert_eq!(
        serde_json::to_string(&c.chain()).unwrap(),
        r#"[{"property":"from","args":["t"]},{"property":"select"}]"#
    );
}

#[test]
fn an_argument_that_is_a_list_is_no_chain() {
    for args in ["[[]]", r#"[[["a",[1]],["b"]]]"#, r#"[[{"property":"a","args":[1]}]]"#] {
        let asked = format!(r#"{{"service":"sums","path":"add","args":{args}}}"#);
        let chain = serde_json::to_string(&call(&asked).chain()).unwrap();
        assert_eq!(chain, format!(r#"[{{"property":"add","args":{args}}}]"#));
    }
}

#[test]
fn missing_arguments_are_none_and_bad_paths_are_refused() {
    assert_eq!(call(r#"{"service":"keystore","path":"listKeys"}"#).args.get(), "[]");
    assert!(HostCall::parse(r#"{"service":"x","path":7}"#).is_err());
    assert!(HostCall::parse(r#"{"service":"x","path":[]}"#).is_err());
    assert!(HostCall::parse(r#"{"service":"x\u0000","path":"a"}"#).is_err());
    let long = "x".repeat(101);
    assert!(HostCall::parse(&format!(r#"{{"service":"{long}","path":"a"}}"#)).is_err());
}

#[test]
fn only_reads_are_safe() {
    let is_safe = |service: &str, path: &str| {
        let key = r#""options":{"idempotencyKey":"k"}"#;
        call(&format!(r#"{{"service":"{service}","path":"{path}",{key}}}"#)).is_safe()
    };
    for (service, path) in [
        ("gapi", "gmail.users.messages.get"),
        ("gapi", "echo"),
        ("fetch", "GET"),
        ("keystore", "getKey"),
        ("database", "from.select.eq"),
    ] {
        assert!(is_safe(service, path), "{service}.{path}");
    }
    for (service, path) in [
        ("gapi", "gmail.users.messages.send"),
        ("fetch", "PUT"),
        ("keystore", "setKey"),
        ("database", "from.upsert"),
        ("database", "rpc"),
        ("database", "auth.admin.listUsers"),
        ("tasks", "execute"),
        ("other", "get"),
    ] {
        assert!(!is_safe(service, path), "{service}.{path}");
    }
}

#[test]
fn writes_are_not_idempotent() {
    let get = call(r#"{"service":"gapi","path":"gmail.users.messages.get","args":[{}]}"#);
    let send = call(r#"{"service":"gapi","path":"gmail.users.messages.send","args":[{}]}"#);
    assert!(get.is_idempotent() && !send.is_idempotent());
    assert!(!call(r#"{"service":"other","path":"get"}"#).is_idempotent());
    let insert = call(r#"{"service":"database","path":"from.insert"}"#);
    let invite = call(r#"{"service":"database","path":"auth.admin.inviteUserByEmail"}"#);
    assert!(insert.is_idempotent(), "remembered under its key");
    assert!(!invite.is_idempotent());
    let fetch = |method, options| {
        let url = r#"[{"url":"http://h/"}]"#;
        call(&format!(r#"{{"service":"fetch","path":"{method}","args":{url}{options}}}"#))
    };
    assert!(fetch("GET", "").is_idempotent() && fetch("PUT", "").is_idempotent());
    assert!(!fetch("POST", "").is_idempotent() && !fetch("PATCH", "").is_idempotent());
    let keyed = r#","options":{"idempotencyKey":"k"}"#;
    assert!(fetch("POST", keyed).is_idempotent());
}
