//! Texts of an attacker.

use std::collections::BTreeSet;

/// What each hostile text is made of.
const SEEDS: [&str; 50] = [
    "'",
    "\"",
    "''",
    "\"\"",
    "\\",
    "\\'",
    "`",
    ";",
    "--",
    "/*",
    "*/",
    "#",
    "\u{0}",
    "$$",
    "$1",
    "?1",
    "' or '1'='1",
    "\" or \"1\"=\"1",
    "1 or 1=1",
    "'; drop table users; --",
    "\"; drop table users; --",
    "name\"; delete from users; --",
    "x'||(select 1)||'",
    "(select key_value from keystore)",
    "1) union select 1,2,3 --",
    "*/ select 1 /*",
    "'); select pg_sleep(10); --",
    "pg_sleep(10)",
    "current_user",
    "name::text; --",
    "id desc; --",
    "users\" as x, \"keystore",
    "public.keystore",
    "pg_catalog.pg_authid",
    "\u{2019} or 1=1",
    "E'\\x27'",
    "U&'\\0027'",
    "{a,b}'; --",
    "[1,2]'; --",
    "null; --",
    "${7*7}",
    "%27 or 1=1",
    "%s%n",
    "\r\n; drop table x",
    "name\u{a0}or",
    "case when 1=1 then 1 end",
    "1;vacuum",
    "copy users to '/tmp/x'",
    "lo_import('/etc/passwd')",
    "x\"y\"z",
];

/// 300 hostile texts.
pub fn hostile() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for seed in SEEDS {
        all.push(seed.to_owned());
        all.push(format!("name{seed}"));
        all.push(format!("{seed}name"));
        all.push(format!("name.eq.{seed}"));
        all.push(format!("a,{seed})"));
        all.push(format!("\"{seed}\""));
    }
    all.truncate(300);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 300);
    all
}
