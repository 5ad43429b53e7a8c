//! On whose behalf a call is made.

use crate::args::Arguments;
use crate::defaults::MY_CUSTOMER;
use crate::resolve::Target;

/// APIs whose `userId` names somebody else than the caller: the holder of a licence, a student.
const ABOUT_OTHERS: [&str; 3] = ["admin", "licensing", "classroom"];

/// The user to act as: `impersonate`, else the call's `userId` where that is the mailbox owner,
/// else the administrator. `me` is never a subject: the token endpoint knows no such user.
pub fn subject<'a>(target: &Target, arguments: &'a Arguments, admin_email: &'a str) -> &'a str {
    if let Some(user) = &arguments.options.impersonate {
        return user;
    }
    let owner = arguments.path.get("userId").filter(|user| *user != "me");
    match owner {
        Some(user) if !ABOUT_OTHERS.contains(&target.document.name.as_str()) => user,
        _ => admin_email,
    }
}

/// Directory knows customers by id; callers of the original also passed the admin's address.
pub fn map_customer(target: &Target, arguments: &mut Arguments, admin_email: &str) -> bool {
    if target.document.version != "directory_v1" {
        return false;
    }
    let is_admin = |name: &str, value: &str| name == "customer" && value == admin_email;
    let mut mapped = false;
    for (name, value) in &mut arguments.path {
        if is_admin(name, value) {
            MY_CUSTOMER.clone_into(value);
            mapped = true;
        }
    }
    for (name, value) in &mut arguments.query {
        if is_admin(name, value) {
            MY_CUSTOMER.clone_into(value);
            mapped = true;
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::args::prepare;
    use crate::discovery::Catalogue;
    use crate::resolve::resolve;

    fn acts_as(path: &str, args: Value) -> String {
        let target = resolve(Catalogue::embedded(), path).unwrap();
        let Value::Array(args) = args else { panic!() };
        let arguments = prepare(&target, args).unwrap();
        subject(&target, &arguments, "admin@x").to_owned()
    }

    #[test]
    fn mail_belongs_to_its_user_and_the_directory_to_the_admin() {
        assert_eq!(acts_as("gmail.users.messages.list", json!([{"userId": "liz@x"}])), "liz@x");
        assert_eq!(acts_as("gmail.users.messages.list", json!([{"userId": "me"}])), "admin@x");
        assert_eq!(acts_as("gmail.users.messages.list", json!([])), "admin@x");
        assert_eq!(acts_as("admin.users.get", json!([{"userKey": "liz@x"}])), "admin@x");
        assert_eq!(acts_as("classroom.userProfiles.get", json!([{"userId": "liz@x"}])), "admin@x");
        assert_eq!(acts_as("drive.files.list", json!([{}, {"impersonate": "liz@x"}])), "liz@x");
    }

    #[test]
    fn the_admins_address_as_customer_means_my_customer() {
        let target = resolve(Catalogue::embedded(), "admin.domains.list").unwrap();
        let mut arguments = prepare(&target, vec![json!({"customer": "admin@x"})]).unwrap();
        map_customer(&target, &mut arguments, "admin@x");
        assert_eq!(arguments.path["customer"], "my_customer");
        let target = resolve(Catalogue::embedded(), "admin.users.list").unwrap();
        let mut arguments = prepare(&target, vec![json!({"customer": "admin@x"})]).unwrap();
        map_customer(&target, &mut arguments, "admin@x");
        assert!(arguments.query.contains(&("customer".to_owned(), "my_customer".to_owned())));
    }
}
