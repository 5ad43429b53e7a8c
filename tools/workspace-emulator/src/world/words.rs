//! What the world's mail is made of. `{…}` places are filled by `compose`.

pub(super) const PROJECTS: [&str; 10] = [
    "Apollo",
    "Borealis",
    "Cascade",
    "Driftwood",
    "Équinoxe",
    "Falcon",
    "Granite",
    "Harbour",
    "Ikigai",
    "Juniper",
];

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A kind of mail: what it is about and what comes attached.
pub(super) struct Topic {
    pub subjects: &'static [&'static str],
    pub sentences: &'static [&'static str],
    pub files: &'static [&'static str],
}

/// Between people.
pub(super) const WORK: [Topic; 7] = [
    Topic {
        subjects: &[
            "Invoice {n} for {month}",
            "Quarterly invoice",
            "Payment reminder: invoice {n}",
            "Rechnung {n} – fällig",
        ],
        sentences: &[
            "Please find the invoice attached.",
            "The total is €{n}.00, due within 30 days.",
            "Accounts & finance haven't approved the budget yet.",
            "Let me know if you'd like a purchase order number on it.",
        ],
        files: &["invoice-{n}.pdf", "Rechnung {n}.pdf", "statement.xlsx"],
    },
    Topic {
        subjects: &[
            "Meeting notes: {project}",
            "Weekly sync {project}",
            "Meeting moved to Thursday",
            "Réunion d'équipe – {project}",
        ],
        sentences: &[
            "Here are the notes from today's meeting.",
            "We'll meet at 10:30 in the <Blue Room>.",
            "Action items: {name} talks to the vendor, everyone else reviews the agenda.",
            "Sorry, I can't make it on Thursday.",
        ],
        files: &["agenda.docx", "notes-{project}.md", "invite.ics"],
    },
    Topic {
        subjects: &[
            "{project}: status report",
            "Project {project} & next steps",
            "[{project}] deployment finished ✅",
            "Urgent: {project} release blocked",
        ],
        sentences: &[
            "Project {project} is on schedule.",
            "The release candidate passed all {n} tests.",
            "Latency is < 50 ms at the 99th percentile & falling.",
            "We still need a decision on the database migration.",
            "{name} found a regression in the login flow.",
        ],
        files: &["report-{month}.pdf", "dashboard.png", "release_notes.txt", "logs.zip"],
    },
    Topic {
        subjects: &[
            "Contract draft for review",
            "NDA – please sign",
            "Contract {n}: R&D amendment",
        ],
        sentences: &[
            "The contract draft is attached for your review.",
            "Legal's comments are in the margin.",
            "Please sign & return it before the end of {month}.",
        ],
        files: &["contract_v{n}.docx", "NDA signed.pdf"],
    },
    Topic {
        subjects: &[
            "Lunch?",
            "Birthday cake in the kitchen 🎂",
            "Café tomorrow?",
            "Photos of the offsite",
        ],
        sentences: &[
            "Shall we have lunch together?",
            "There's cake in the kitchen – help yourselves!",
            "The new café on the corner is très bien.",
            "\"It couldn't have been nicer\", said {name}.",
        ],
        files: &["IMG_{n}.jpg", "Fotos größe L.zip"],
    },
    Topic {
        subjects: &[
            "Travel plans to 東京",
            "出張のお知らせ",
            "Flight confirmation {n}",
            "Hotel booking – Kraków",
        ],
        sentences: &[
            "Your travel booking is confirmed.",
            "来月の出張の予定をお送りします。",
            "The flight leaves at 07:45; don't forget your passport.",
            "Hotel & train are paid for.",
        ],
        files: &["itinerary.pdf", "boarding-pass-{n}.pkpass"],
    },
    Topic {
        subjects: &[
            "Customer feedback {n}",
            "Support ticket #{n}",
            "Question about the API",
            "Bug: 500 on /tasks",
        ],
        sentences: &[
            "A customer reports that the search returns nothing.",
            "I can reproduce it with the query \"from:me has:attachment\".",
            "It works if a < b && c > d, and fails otherwise.",
            "Could you look at ticket {n} before Friday?",
        ],
        files: &["screenshot.png", "trace.log", "data.csv"],
    },
];

/// From senders that write to everybody; the label is the inbox tab that it lands in.
pub(super) const BULK: [(&str, &str, &str, Topic); 5] = [
    (
        "Weekly Digest",
        "digest@news.example",
        "CATEGORY_PROMOTIONS",
        Topic {
            subjects: &[
                "This week's deals: {n}% off",
                "Don't miss the {month} sale",
                "Newsletter {n}",
            ],
            sentences: &[
                "Save {n}% on everything this weekend.",
                "You're receiving this newsletter because you signed up.",
                "Unsubscribe at any time.",
            ],
            files: &[],
        },
    ),
    (
        "Chirper",
        "notify@social.example",
        "CATEGORY_SOCIAL",
        Topic {
            subjects: &[
                "{name} started following you",
                "{n} new reactions",
                "You have a new message",
            ],
            sentences: &["See what {name} posted.", "You have {n} unseen notifications."],
            files: &[],
        },
    ),
    (
        "Build Bot",
        "no-reply@ci.example",
        "CATEGORY_UPDATES",
        Topic {
            subjects: &["Build #{n} failed: {project}", "Build #{n} passed", "Password changed"],
            sentences: &[
                "The pipeline for {project} finished after {n} seconds.",
                "error[E0308]: expected `Vec<u8>`, found `&str`",
                "If this wasn't you, contact the administrator.",
            ],
            files: &["build.log", "junit.xml"],
        },
    ),
    (
        "rust-users",
        "rust-users@lists.example",
        "CATEGORY_FORUMS",
        Topic {
            subjects: &["[rust-users] Lifetimes & closures", "[rust-users] async fn in traits"],
            sentences: &[
                "Has anybody tried this with `Pin<Box<dyn Future>>`?",
                "+1",
                "See RFC {n}.",
            ],
            files: &["patch-{n}.diff"],
        },
    ),
    (
        "Acme Billing",
        "billing@acme.example",
        "CATEGORY_UPDATES",
        Topic {
            subjects: &["Your receipt from Acme", "Invoice {n} is ready", "Subscription renewed"],
            sentences: &[
                "Thanks for your payment of ${n}.99.",
                "Your invoice is attached as a PDF.",
                "Your subscription renews on the 1st of {month}.",
            ],
            files: &["receipt-{n}.pdf"],
        },
    ),
];

/// What the spam folder is full of.
pub(super) const SPAM: Topic = Topic {
    subjects: &[
        "You have WON {n} EUR!!!",
        "Re: your inheritance",
        "Cheap watches",
        "Urgent account notice",
    ],
    sentences: &[
        "Dear friend, kindly send your bank details.",
        "Click <here> to claim your prize.",
        "This offer expires today & never comes back.",
    ],
    files: &["prize.zip"],
};

/// Labels that users made for themselves: id and name.
pub const USER_LABELS: [(&str, &str); 4] = [
    ("Label_1", "Receipts"),
    ("Label_2", "Projects/Apollo"),
    ("Label_3", "Kunden & Ämter"),
    ("Label_4", "Follow up"),
];
