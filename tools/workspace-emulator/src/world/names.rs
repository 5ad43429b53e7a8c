//! Names of the world's people.

pub(super) const GIVEN_NAMES: [&str; 40] = [
    "Alice", "Bob", "Carol", "David", "Elena", "Farid", "Grace", "Hiro", "Ingrid", "Jamal",
    "Keiko", "Liam", "Maria", "Noah", "Olga", "Pedro", "Quinn", "Rosa", "Samir", "Tara", "Uma",
    "Victor", "Wei", "Ximena", "Yusuf", "Zoë", "José", "Łukasz", "Søren", "Chloé", "Björn",
    "Aïcha", "Núria", "Jürgen", "Šárka", "Anaïs", "Ömer", "Ágnes", "Iñigo", "Åsa",
];

pub(super) const FAMILY_NAMES: [&str; 36] = [
    "Smith",
    "García",
    "Müller",
    "Rossi",
    "Tanaka",
    "Nguyen",
    "Kowalski",
    "O'Brien",
    "Johansson",
    "Silva",
    "Khan",
    "Ivanova",
    "Dubois",
    "Haddad",
    "Okafor",
    "Patel",
    "Kim",
    "Chen",
    "Novák",
    "Peña",
    "Fernández",
    "Jansen",
    "Larsen",
    "Moreau",
    "Şahin",
    "Costa",
    "Weber",
    "Yamamoto",
    "Adeyemi",
    "Björk",
    "Lindström",
    "Popescu",
    "Horváth",
    "Cohen",
    "Brown",
    "Martins",
];

/// People outside of the Workspace who write now and then.
pub(super) const OUTSIDERS: [(&str, &str); 8] = [
    ("Carol Vendor", "carol@ext.example"),
    ("François Lefèvre", "francois@fournisseur.example"),
    ("\"Doe, John\"", "john.doe@partner.example"),
    ("田中 太郎", "taro@kyoto.example"),
    ("Accounts Payable", "ap@customer-one.example"),
    ("Nadia Petrova", "nadia.petrova@partner.example"),
    ("", "noreply@portal.example"),
    ("Legal & Compliance", "legal@lawfirm.example"),
];
