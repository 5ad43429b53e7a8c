//! Every method and property that a chain may name. Anything else is refused.

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "supabase-js's own words")]
        pub enum $name { $($variant,)* }

        impl $name {
            /// The names, as chains write them.
            pub const NAMES: &'static [&'static str] = &[$($text,)*];

            /// The one of this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

names! {
    /// Where a chain begins.
    Root {
        From = "from",
        Schema = "schema",
        Rpc = "rpc",
        Auth = "auth",
        Storage = "storage",
    }
}

names! {
    /// The query builder.
    Rest {
        Select = "select",
        Insert = "insert",
        Upsert = "upsert",
        Update = "update",
        Delete = "delete",
        Eq = "eq",
        Neq = "neq",
        Gt = "gt",
        Gte = "gte",
        Lt = "lt",
        Lte = "lte",
        Like = "like",
        LikeAllOf = "likeAllOf",
        LikeAnyOf = "likeAnyOf",
        Ilike = "ilike",
        IlikeAllOf = "ilikeAllOf",
        IlikeAnyOf = "ilikeAnyOf",
        RegexMatch = "regexMatch",
        RegexIMatch = "regexIMatch",
        Is = "is",
        IsDistinct = "isDistinct",
        In = "in",
        NotIn = "notIn",
        Contains = "contains",
        ContainedBy = "containedBy",
        RangeGt = "rangeGt",
        RangeGte = "rangeGte",
        RangeLt = "rangeLt",
        RangeLte = "rangeLte",
        RangeAdjacent = "rangeAdjacent",
        Overlaps = "overlaps",
        TextSearch = "textSearch",
        Match = "match",
        Not = "not",
        Or = "or",
        Filter = "filter",
        Order = "order",
        Limit = "limit",
        Range = "range",
        Single = "single",
        MaybeSingle = "maybeSingle",
        Csv = "csv",
        Geojson = "geojson",
        Explain = "explain",
        Rollback = "rollback",
        MaxAffected = "maxAffected",
        StripNulls = "stripNulls",
        SetHeader = "setHeader",
        AbortSignal = "abortSignal",
        Retry = "retry",
        Returns = "returns",
        OverrideTypes = "overrideTypes",
        ThrowOnError = "throwOnError",
    }
}

names! {
    /// `auth.admin`.
    Admin {
        ListUsers = "listUsers",
        GetUserById = "getUserById",
        CreateUser = "createUser",
        UpdateUserById = "updateUserById",
        DeleteUser = "deleteUser",
        InviteUserByEmail = "inviteUserByEmail",
        GenerateLink = "generateLink",
        SignOut = "signOut",
        Mfa = "mfa",
        Oauth = "oauth",
        CustomProviders = "customProviders",
    }
}

names! {
    /// `auth.admin.mfa`.
    Mfa {
        ListFactors = "listFactors",
        DeleteFactor = "deleteFactor",
    }
}

names! {
    /// `auth.admin.oauth`.
    Oauth {
        ListClients = "listClients",
        CreateClient = "createClient",
        GetClient = "getClient",
        UpdateClient = "updateClient",
        DeleteClient = "deleteClient",
        RegenerateClientSecret = "regenerateClientSecret",
    }
}

names! {
    /// `auth.admin.customProviders`.
    Providers {
        ListProviders = "listProviders",
        CreateProvider = "createProvider",
        GetProvider = "getProvider",
        UpdateProvider = "updateProvider",
        DeleteProvider = "deleteProvider",
    }
}

names! {
    /// `storage`.
    Buckets {
        From = "from",
        ListBuckets = "listBuckets",
        GetBucket = "getBucket",
        CreateBucket = "createBucket",
        UpdateBucket = "updateBucket",
        EmptyBucket = "emptyBucket",
        DeleteBucket = "deleteBucket",
    }
}

names! {
    /// `storage.from('<bucket>')`.
    Files {
        Upload = "upload",
        Update = "update",
        Download = "download",
        List = "list",
        ListV2 = "listV2",
        Move = "move",
        Copy = "copy",
        Remove = "remove",
        CreateSignedUrl = "createSignedUrl",
        CreateSignedUrls = "createSignedUrls",
        CreateSignedUploadUrl = "createSignedUploadUrl",
        UploadToSignedUrl = "uploadToSignedUrl",
        Info = "info",
        Exists = "exists",
        GetPublicUrl = "getPublicUrl",
    }
}
