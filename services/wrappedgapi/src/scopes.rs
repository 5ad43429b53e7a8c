//! Which one OAuth scope to ask for. Never two: one scope that is not delegated fails the token.

use crate::document::Method;

/// The scope for a call, or `None` when the method needs no token.
///
/// A configured scope that the method accepts wins. Otherwise a read asks for the method's
/// broadest `.readonly` scope (the shortest: `drive.readonly`, not `drive.meet.readonly`), and
/// everything else for the first scope listed. `gmail.metadata` comes last because it refuses `q`
/// and message bodies.
pub fn choose<'a>(method: &'a Method, allowed: &[String]) -> Option<&'a str> {
    let allowed: Vec<&str> = method
        .scopes
        .iter()
        .map(String::as_str)
        .filter(|s| allowed.iter().any(|a| a == s))
        .collect();
    if !allowed.is_empty() {
        return pick(method, &allowed);
    }
    if method.id.starts_with(UNSCOPED) {
        return Some(UNSCOPED_SCOPE);
    }
    let all: Vec<&str> = method.scopes.iter().map(String::as_str).collect();
    pick(method, &all)
}

// These five methods list no scopes in their document, yet Google's reference names this one.
const UNSCOPED: &str = "cloudidentity.customers.userinvitations.";
const UNSCOPED_SCOPE: &str = "https://www.googleapis.com/auth/cloud-identity.userinvitations";

fn pick<'a>(method: &Method, scopes: &[&'a str]) -> Option<&'a str> {
    let readonly = || scopes.iter().filter(|s| s.ends_with(".readonly")).min_by_key(|s| s.len());
    let usable = || scopes.iter().find(|s| !is_narrow(s));
    let preferred = if method.is_idempotent() { readonly().or_else(usable) } else { usable() };
    preferred.or_else(|| scopes.first()).copied()
}

/// Scopes that are granted to add-ons only, or to a view that lacks most of the answer.
fn is_narrow(scope: &str) -> bool {
    scope.contains("gmail.addons.") || scope.ends_with("gmail.metadata")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Catalogue;
    use crate::resolve::resolve;

    fn scope(path: &str, allowed: &[&str]) -> Option<String> {
        let allowed: Vec<String> =
            allowed.iter().map(|s| format!("https://www.googleapis.com/auth/{s}")).collect();
        let target = resolve(Catalogue::embedded(), path).unwrap();
        choose(&target.method, &allowed)
            .map(|s| s.trim_start_matches("https://www.googleapis.com/auth/").to_owned())
    }

    #[test]
    fn a_read_takes_the_broadest_readonly_scope() {
        assert_eq!(scope("gmail.users.messages.list", &[]).unwrap(), "gmail.readonly");
        assert_eq!(scope("admin.domains.list", &[]).unwrap(), "admin.directory.domain.readonly");
        assert_eq!(scope("admin.users.list", &[]).unwrap(), "admin.directory.user.readonly");
        assert_eq!(scope("drive.files.export", &[]).unwrap(), "drive.readonly");
        assert_eq!(scope("calendar.events.list", &[]).unwrap(), "calendar.readonly");
    }

    #[test]
    fn a_write_takes_the_first_usable_scope() {
        assert_eq!(scope("gmail.users.messages.send", &[]).unwrap(), "https://mail.google.com/");
        assert_eq!(scope("admin.users.delete", &[]).unwrap(), "admin.directory.user");
    }

    #[test]
    fn a_configured_scope_wins_and_metadata_yields() {
        assert_eq!(scope("gmail.users.messages.list", &["gmail.modify"]).unwrap(), "gmail.modify");
        let both = ["gmail.metadata", "gmail.modify"];
        assert_eq!(scope("gmail.users.messages.list", &both).unwrap(), "gmail.modify");
        assert_eq!(
            scope("gmail.users.messages.list", &["gmail.metadata"]).unwrap(),
            "gmail.metadata"
        );
        assert_eq!(scope("gmail.users.messages.list", &["drive"]).unwrap(), "gmail.readonly");
    }

    #[test]
    fn every_method_has_at_most_one_scope_and_it_is_its_own() {
        for document in Catalogue::embedded().all() {
            for method in document.methods.values() {
                match choose(method, &[]) {
                    Some(UNSCOPED_SCOPE) => assert!(method.scopes.is_empty()),
                    Some(scope) => assert!(method.scopes.iter().any(|s| s == scope)),
                    None => assert_eq!(method.id, "oauth2.tokeninfo"),
                }
            }
        }
    }
}
