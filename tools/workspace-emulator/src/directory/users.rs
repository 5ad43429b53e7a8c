//! `directory.users`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::search::Search;
use super::{CUSTOMER_ID, check_admin, check_customer, with_etag};
use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::paging;
use crate::params::Params;
use crate::world::{Trouble, User, World};

/// `GET users`: a customer's or a domain's users, page by page.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer, ApiError> {
    let params = &caller.params;
    // What everybody may see of everybody in the domain.
    if params.get("viewType") != Some("domain_public") {
        check_admin(&app, &caller)?;
    }
    let mut users = scope(&app.world, params)?;
    if let Some(query) = params.get("query").filter(|query| !query.trim().is_empty()) {
        let search = Search::parse(query)?;
        users.retain(|user| search.matches(&app.world, *user));
    }
    if params.get("showDeleted") == Some("true") {
        users.clear();
    }
    sort(&app.world, &mut users, params)?;
    let size = params.page_size(100)?;
    let listing = listing(params);
    let start = match params.get("pageToken").filter(|token| !token.is_empty()) {
        Some(token) => usize::try_from(paging::place(&listing, token)?).unwrap_or(0),
        None => 0,
    };
    let page: Vec<Value> =
        users.iter().skip(start).take(size).map(|user| render(&app.world, *user)).collect();
    let mut answer = json!({ "kind": "admin#directory#users", "etag": "" });
    let end = start + page.len();
    if !page.is_empty() {
        answer["users"] = Value::from(page);
    }
    if end < users.len() {
        answer["nextPageToken"] = Value::from(paging::token(&listing, end as i64));
    }
    Ok(Answer::new(with_etag(answer)))
}

/// `GET users/{userKey}`: by primary address, alias or id.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
) -> Result<Answer, ApiError> {
    if caller.params.get("viewType") != Some("domain_public") {
        check_admin(&app, &caller)?;
    }
    let by_id = || app.world.users.iter().position(|user| user.id == key);
    let user = app.world.find(&key).or_else(by_id);
    let user = user.ok_or_else(|| ApiError::new(404, "notFound", "Resource Not Found: userKey"))?;
    Ok(Answer::new(render(&app.world, user)))
}

/// The users that `domain` or `customer` names.
fn scope(world: &World, params: &Params) -> Result<Vec<usize>, ApiError> {
    match (params.get("domain"), params.get("customer")) {
        // Both given: Google takes the domain.
        (Some(domain), _) => {
            let domain = domain.to_lowercase();
            if !world.domains.iter().any(|known| known.name == domain) {
                return Err(ApiError::new(404, "notFound", "Domain not found."));
            }
            Ok(world.users_of(&domain))
        }
        (None, Some(customer)) => {
            check_customer(customer)?;
            Ok((0..world.users.len()).collect())
        }
        (None, None) => Err(ApiError::new(400, "badRequest", "Bad Request")),
    }
}

fn sort(world: &World, users: &mut [usize], params: &Params) -> Result<(), ApiError> {
    let field: fn(&User) -> String = match params.get("orderBy") {
        None | Some("email" | "EMAIL") => |user| user.email.clone(),
        Some("givenName" | "GIVEN_NAME") => |user| user.given_name.to_lowercase(),
        Some("familyName" | "FAMILY_NAME") => |user| user.family_name.to_lowercase(),
        Some(other) => {
            let message = format!("Invalid value for orderBy: {other:?}");
            return Err(ApiError::parameter("orderBy", message));
        }
    };
    users.sort_by_cached_key(|user| (field(&world.users[*user]), world.users[*user].email.clone()));
    match params.get("sortOrder") {
        None | Some("ASCENDING" | "ascending") => {}
        Some("DESCENDING" | "descending") => users.reverse(),
        Some(other) => {
            let message = format!("Invalid value for sortOrder: {other:?}");
            return Err(ApiError::parameter("sortOrder", message));
        }
    }
    Ok(())
}

/// What a page token belongs to.
fn listing(params: &Params) -> String {
    ["domain", "customer", "query", "orderBy", "sortOrder", "showDeleted"]
        .map(|name| params.get(name).unwrap_or_default())
        .join("\u{0}")
}

fn render(world: &World, index: usize) -> Value {
    let (user, trouble) = (&world.users[index], world.trouble(index));
    let suspended = trouble == Some(Trouble::Suspended);
    let time = jiff::Timestamp::from_millisecond(user.created_ms).unwrap_or_default();
    let mut emails = vec![json!({ "address": user.email, "primary": true })];
    emails.extend(user.aliases.iter().map(|alias| json!({ "address": alias })));
    let mut value = json!({
        "kind": "admin#directory#user",
        "id": user.id,
        "etag": "",
        "primaryEmail": user.email,
        "name": {
            "givenName": user.given_name,
            "familyName": user.family_name,
            "fullName": user.full_name(),
        },
        "isAdmin": user.is_admin,
        "isDelegatedAdmin": false,
        "lastLoginTime": "2026-11-19T08:00:00.000Z",
        "creationTime": time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "agreedToTerms": true,
        "suspended": suspended,
        "archived": false,
        "changePasswordAtNextLogin": false,
        "ipWhitelisted": false,
        "emails": emails,
        "languages": [{ "languageCode": "en", "preference": "preferred" }],
        "customerId": CUSTOMER_ID,
        "orgUnitPath": user.org_unit,
        "isMailboxSetup": trouble != Some(Trouble::NoMailbox),
        "isEnrolledIn2Sv": false,
        "isEnforcedIn2Sv": false,
        "includeInGlobalAddressList": true,
    });
    if !user.aliases.is_empty() {
        value["aliases"] = json!(user.aliases);
    }
    if suspended {
        value["suspensionReason"] = json!("ADMIN");
    }
    with_etag(value)
}
