//! The Directory's `query`: `email:liz*`, `name:'Jane Doe'`, `isSuspended=true`, bare words; all must hold.

use crate::error::ApiError;
use crate::world::{Trouble, World};

/// A parsed search.
#[derive(Debug)]
pub(super) struct Search(Vec<Clause>);

#[derive(Debug, PartialEq, Eq)]
struct Clause {
    field: Field,
    /// `=` wants all of the value, `:` a part or (with `*`) a beginning.
    exact: bool,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Any,
    Email,
    Name,
    GivenName,
    FamilyName,
    OrgUnitPath,
    IsAdmin,
    IsSuspended,
}

impl Search {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let clauses = split(text).iter().map(|part| clause(part)).collect::<Option<_>>();
        clauses
            .map(Self)
            .ok_or_else(|| ApiError::new(400, "invalid", format!("Invalid Input: query {text:?}")))
    }

    pub(super) fn matches(&self, world: &World, index: usize) -> bool {
        let user = &world.users[index];
        let suspended = world.trouble(index) == Some(Trouble::Suspended);
        self.0.iter().all(|clause| {
            let full = user.full_name();
            let names = [user.given_name.as_str(), &user.family_name, &full];
            let emails = std::iter::once(&user.email).chain(&user.aliases);
            match clause.field {
                Field::Any => {
                    let mut all = emails.map(String::as_str).chain(names);
                    all.any(|text| starts_with(text, clause.value.trim_end_matches('*')))
                }
                Field::Email => emails.into_iter().any(|text| clause.holds(text)),
                Field::Name => names.iter().any(|text| clause.holds(text)),
                Field::GivenName => clause.holds(&user.given_name),
                Field::FamilyName => clause.holds(&user.family_name),
                Field::OrgUnitPath => clause.holds(&user.org_unit),
                Field::IsAdmin => clause.value == user.is_admin.to_string(),
                Field::IsSuspended => clause.value == suspended.to_string(),
            }
        })
    }
}

impl Clause {
    fn holds(&self, text: &str) -> bool {
        match self.value.strip_suffix('*') {
            Some(beginning) => starts_with(text, beginning),
            None if self.exact => text.to_lowercase() == self.value,
            None => text.to_lowercase().contains(&self.value),
        }
    }
}

fn starts_with(text: &str, beginning: &str) -> bool {
    text.to_lowercase().starts_with(beginning)
}

/// Cuts at spaces outside of quotes; the quotes go.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if c.is_whitespace() => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn clause(text: &str) -> Option<Clause> {
    let Some(place) = text.find([':', '=']) else {
        return Some(Clause { field: Field::Any, exact: false, value: text.to_lowercase() });
    };
    let field = match &text[..place] {
        "email" => Field::Email,
        "name" => Field::Name,
        "givenName" => Field::GivenName,
        "familyName" => Field::FamilyName,
        "orgUnitPath" => Field::OrgUnitPath,
        "isAdmin" => Field::IsAdmin,
        "isSuspended" => Field::IsSuspended,
        _ => return None,
    };
    let value = text[place + 1..].to_lowercase();
    Some(Clause { field, exact: text[place..].starts_with('='), value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::WorldConfig;

    #[test]
    fn finds_people() {
        let world = World::new(WorldConfig::default());
        let count = |query: &str| {
            let search = Search::parse(query).unwrap();
            (0..world.users.len()).filter(|user| search.matches(&world, *user)).count()
        };
        assert_eq!(count("email:admin*"), 1);
        assert_eq!(count("isAdmin=true"), 1);
        assert_eq!(count("name:'Ada Admin'"), 1);
        assert_eq!(count("email=admin@alpha.example givenName:ada"), 1);
        assert_eq!(count("ada"), count("givenName=Ada"));
        assert_eq!(count("isSuspended=false"), 98);
        assert!(Search::parse("shoeSize=44").is_err());
    }
}
