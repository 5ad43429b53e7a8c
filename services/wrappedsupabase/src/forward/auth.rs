//! `auth.admin`, by the project's Auth.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Forward, Sent, Shape, Wire, shape::Kind, step};
use crate::{
    chain::{
        Args, ChainError, Link, js,
        names::{Admin, Mfa, Oauth, Providers},
    },
    fault::Fault,
};

/// A request in the making.
struct Draft {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    token: Option<String>,
    kind: Kind,
}

impl Draft {
    fn new(method: Method, path: impl Into<String>, kind: Kind) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: None, token: None, kind }
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

/// Reads the links after `auth`.
pub fn auth(links: &[Link], project: &Forward) -> Result<Sent, Fault> {
    let (admin, rest) = match links {
        [admin, rest @ ..] if admin.name == "admin" => (admin, rest),
        [other, ..] => return Err(other.unknown(&["admin"]).into()),
        [] => return Err(incomplete("auth", &["admin"])),
    };
    let Some((link, rest)) = rest.split_first() else {
        return Err(incomplete(&admin.name, Admin::NAMES));
    };
    let method = Admin::parse(&link.name).ok_or_else(|| link.unknown(Admin::NAMES))?;
    let draft = match (method, rest) {
        (Admin::Mfa, [link]) => mfa(link)?,
        (Admin::Oauth, [link]) => oauth(link)?,
        (Admin::CustomProviders, [link]) => providers(link)?,
        (Admin::Mfa, []) => return Err(incomplete("mfa", Mfa::NAMES)),
        (Admin::Oauth, []) => return Err(incomplete("oauth", Oauth::NAMES)),
        (Admin::CustomProviders, []) => {
            return Err(incomplete("customProviders", Providers::NAMES));
        }
        (method, []) => admin_call(method, link.args())?,
        (_, [extra, ..]) => {
            return Err(extra.misplaced(&format!("nothing follows {}", link.name)).into());
        }
    };
    sent(draft, project)
}

fn incomplete(after: &str, known: &[&str]) -> Fault {
    ChainError::Format(format!("after {after} must come one of {}", known.join(", "))).into()
}

fn sent(draft: Draft, project: &Forward) -> Result<Sent, Fault> {
    let Draft { method, path, query, body, token, kind } = draft;
    let mut url = project.url(&format!("/auth/v1{path}"))?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(&query);
    }
    let mut headers = vec![("x-supabase-api-version".to_owned(), "2024-01-01".to_owned())];
    if method != Method::GET {
        headers.push(("content-type".into(), "application/json;charset=UTF-8".into()));
    }
    let body = body.map(|b| b.to_string().into_bytes());
    let wire = Wire { method, url, headers, body, token, retry: false };
    Ok(Sent::Request(Box::new(wire), Box::new(Shape::Auth(kind))))
}

/// A user's id; Auth takes nothing else.
fn uuid(args: Args<'_>, text: &str) -> Result<String, ChainError> {
    let groups: Vec<&str> = text.split('-').collect();
    let sizes: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    let hex = groups.iter().all(|g| g.chars().all(|c| c.is_ascii_hexdigit()));
    if hex && sizes == [8, 4, 4, 4, 12] {
        return Ok(text.to_owned());
    }
    Err(args.wrong("Expected parameter to be UUID but is not"))
}

fn id(args: Args<'_>) -> Result<String, ChainError> {
    uuid(args, &args.text(0, "the user's id")?)
}

fn admin_call(method: Admin, args: Args<'_>) -> Result<Draft, Fault> {
    Ok(match method {
        Admin::ListUsers => paged(args, "/admin/users", Kind::Page("users"))?,
        Admin::GetUserById => {
            Draft::new(Method::GET, format!("/admin/users/{}", id(args)?), Kind::User)
        }
        Admin::CreateUser => {
            let user = args.object(0, "the user's attributes")?;
            Draft::new(Method::POST, "/admin/users", Kind::User).body(user.into())
        }
        Admin::UpdateUserById => {
            let user = args.object(1, "the attributes to change")?;
            let path = format!("/admin/users/{}", id(args)?);
            Draft::new(Method::PUT, path, Kind::User).body(user.into())
        }
        Admin::DeleteUser => {
            let soft = *args.value(1) == Value::Bool(true);
            Draft::new(Method::DELETE, format!("/admin/users/{}", id(args)?), Kind::User)
                .body(json!({ "should_soft_delete": soft }))
        }
        Admin::InviteUserByEmail => {
            let options = args.options(1, &["data", "redirectTo"])?;
            let mut body = json!({ "email": args.text(0, "the address")? });
            if let Some(data) = options.get("data") {
                body["data"] = data.clone();
            }
            redirect(Draft::new(Method::POST, "/invite", Kind::User).body(body), &options)?
        }
        Admin::GenerateLink => generate_link(args)?,
        Admin::SignOut => {
            let scope = args.value(1);
            let scope = scope.as_str().unwrap_or("global");
            if !["global", "local", "others"].contains(&scope) {
                return Err(args.wrong("scope must be global, local or others").into());
            }
            let mut draft = Draft::new(Method::POST, "/logout", Kind::Nothing);
            draft.token = Some(args.text(0, "the user's token")?);
            draft.query("scope", scope)
        }
        Admin::Mfa | Admin::Oauth | Admin::CustomProviders => {
            return Err(args.wrong("a method must follow").into());
        }
    })
}

fn redirect(draft: Draft, options: &crate::chain::Options<'_>) -> Result<Draft, ChainError> {
    Ok(match options.text("redirectTo")? {
        Some(to) => draft.query("redirect_to", to),
        None => draft,
    })
}

fn generate_link(args: Args<'_>) -> Result<Draft, Fault> {
    let mut given = args.object(0, "type, email, options, ...")?;
    let options = match given.remove("options") {
        Some(Value::Object(options)) => options,
        _ => Map::new(),
    };
    let to = options.get("redirectTo").and_then(Value::as_str).map(str::to_owned);
    given.extend(options);
    if let Some(email) = given.remove("newEmail") {
        given.insert("new_email".into(), email);
    }
    let draft =
        Draft::new(Method::POST, "/admin/generate_link", Kind::Link).body(Value::Object(given));
    Ok(match to {
        Some(to) => draft.query("redirect_to", to),
        None => draft,
    })
}

/// A list in pages: `{page, perPage}`.
fn paged(args: Args<'_>, path: &str, kind: Kind) -> Result<Draft, ChainError> {
    let options = args.options(0, &["page", "perPage"])?;
    let text = |name| options.get(name).map_or(String::new(), js::text);
    Ok(Draft::new(Method::GET, path, kind)
        .query("page", text("page"))
        .query("per_page", text("perPage")))
}

fn mfa(link: &Link) -> Result<Draft, Fault> {
    let args = link.args();
    let method = Mfa::parse(&link.name).ok_or_else(|| link.unknown(Mfa::NAMES))?;
    let given = args.object(0, "userId, and id of a factor")?;
    let of = |name: &str| {
        let text = given.get(name).and_then(Value::as_str).unwrap_or_default();
        uuid(args, text)
    };
    let path = format!("/admin/users/{}/factors", of("userId")?);
    Ok(match method {
        Mfa::ListFactors => Draft::new(Method::GET, path, Kind::Within("factors")),
        Mfa::DeleteFactor => {
            Draft::new(Method::DELETE, format!("{path}/{}", of("id")?), Kind::Wrapped)
        }
    })
}

fn oauth(link: &Link) -> Result<Draft, Fault> {
    let args = link.args();
    let method = Oauth::parse(&link.name).ok_or_else(|| link.unknown(Oauth::NAMES))?;
    let path = "/admin/oauth/clients";
    let one = || Ok::<_, Fault>(format!("{path}/{}", step(&args.text(0, "the client's id")?)?));
    Ok(match method {
        Oauth::ListClients => paged(args, path, Kind::Page("clients"))?,
        Oauth::CreateClient => {
            let client = args.object(0, "the client's attributes")?;
            Draft::new(Method::POST, path, Kind::Data).body(client.into())
        }
        Oauth::GetClient => Draft::new(Method::GET, one()?, Kind::Data),
        Oauth::UpdateClient => {
            let client = args.object(1, "the attributes to change")?;
            Draft::new(Method::PUT, one()?, Kind::Data).body(client.into())
        }
        Oauth::DeleteClient => Draft::new(Method::DELETE, one()?, Kind::Nothing),
        Oauth::RegenerateClientSecret => {
            Draft::new(Method::POST, format!("{}/regenerate_secret", one()?), Kind::Data)
        }
    })
}

fn providers(link: &Link) -> Result<Draft, Fault> {
    let args = link.args();
    let method = Providers::parse(&link.name).ok_or_else(|| link.unknown(Providers::NAMES))?;
    let path = "/admin/custom-providers";
    let one = || Ok::<_, Fault>(format!("{path}/{}", step(&args.text(0, "the identifier")?)?));
    Ok(match method {
        Providers::ListProviders => {
            let options = args.options(0, &["type"])?;
            let draft = Draft::new(Method::GET, path, Kind::Providers);
            match options.text("type")? {
                Some(kind) => draft.query("type", kind),
                None => draft,
            }
        }
        Providers::CreateProvider => {
            let provider = args.object(0, "the provider's attributes")?;
            Draft::new(Method::POST, path, Kind::Data).body(provider.into())
        }
        Providers::GetProvider => Draft::new(Method::GET, one()?, Kind::Data),
        Providers::UpdateProvider => {
            let provider = args.object(1, "the attributes to change")?;
            Draft::new(Method::PUT, one()?, Kind::Data).body(provider.into())
        }
        Providers::DeleteProvider => Draft::new(Method::DELETE, one()?, Kind::Nothing),
    })
}
