//! Chains for `auth.admin` and `storage`.

use serde_json::{Value, json};

/// Every method, with arguments and without.
pub fn all() -> Vec<Value> {
    [auth(), buckets(), files()].concat()
}

fn auth() -> Vec<Value> {
    let id = "11111111-2222-4333-8444-555555555555";
    let admin = |call: Value| json!(["auth", "admin", call]);
    let within = |part: &str, call: Value| json!(["auth", "admin", part, call]);
    vec![
        admin(json!(["listUsers"])),
        admin(json!(["listUsers", {"page": 1, "perPage": 10}])),
        admin(json!(["getUserById", id])),
        admin(json!(["createUser", {"email": "a@b.c", "user_metadata": {"x": [1]}}])),
        admin(json!(["updateUserById", id, {"phone": "1"}])),
        admin(json!(["deleteUser", id])),
        admin(json!(["deleteUser", id, true])),
        admin(
            json!(["inviteUserByEmail", "a@b.c", {"data": {"k": 1}, "redirectTo": "http://x/?a=b c"}]),
        ),
        admin(json!(["inviteUserByEmail", "a@b.c"])),
        admin(
            json!(["generateLink", {"type": "signup", "email": "a@b.c", "password": "p", "options": {"redirectTo": "http://x", "data": {"a": 1}}}]),
        ),
        admin(
            json!(["generateLink", {"type": "email_change_new", "email": "a@b.c", "newEmail": "d@e.f"}]),
        ),
        admin(json!(["signOut", "the.jwt.here"])),
        admin(json!(["signOut", "the.jwt.here", "others"])),
        within("mfa", json!(["listFactors", {"userId": id}])),
        within("mfa", json!(["deleteFactor", {"userId": id, "id": id}])),
        within("oauth", json!(["listClients", {"page": 2}])),
        within(
            "oauth",
            json!(["createClient", {"client_name": "n", "redirect_uris": ["http://x"]}]),
        ),
        within("oauth", json!(["getClient", id])),
        within("oauth", json!(["updateClient", id, {"client_name": "m"}])),
        within("oauth", json!(["deleteClient", id])),
        within("oauth", json!(["regenerateClientSecret", id])),
        within("customProviders", json!(["listProviders"])),
        within("customProviders", json!(["listProviders", {"type": "oidc"}])),
        within(
            "customProviders",
            json!(["createProvider", {"identifier": "custom:x", "name": "n"}]),
        ),
        within("customProviders", json!(["getProvider", "custom:x"])),
        within("customProviders", json!(["updateProvider", "custom:x", {"name": "m"}])),
        within("customProviders", json!(["deleteProvider", "custom:x"])),
    ]
}

fn buckets() -> Vec<Value> {
    vec![
        json!(["storage", ["listBuckets"]]),
        json!(["storage", ["listBuckets", {"limit": 5, "offset": 1, "search": "a b", "sortColumn": "name", "sortOrder": "desc"}]]),
        json!(["storage", ["getBucket", "b"]]),
        json!(["storage", ["createBucket", "b"]]),
        json!(["storage", ["createBucket", "b", {"public": true, "fileSizeLimit": "1MB", "allowedMimeTypes": ["image/*"]}]]),
        json!(["storage", ["updateBucket", "b", {"public": true, "fileSizeLimit": 100}]]),
        json!(["storage", ["emptyBucket", "b"]]),
        json!(["storage", ["deleteBucket", "b"]]),
    ]
}

fn files() -> Vec<Value> {
    let bucket = |call: Value| json!(["storage", ["from", "my bucket"], call]);
    vec![
        bucket(json!(["upload", "/dir//a file.txt/", "text"])),
        bucket(
            json!(["upload", "a.json", "{}", {"upsert": true, "cacheControl": "60", "contentType": "application/json", "metadata": {"a": "é"}}]),
        ),
        bucket(json!(["update", "a.txt", "new"])),
        bucket(json!(["list"])),
        bucket(
            json!(["list", "dir", {"limit": 2, "offset": 1, "sortBy": {"column": "created_at"}, "search": "x"}]),
        ),
        bucket(json!(["listV2", {"prefix": "p/", "limit": 3, "with_delimiter": true}])),
        bucket(json!(["move", "a", "b"])),
        bucket(json!(["move", "a", "b", {"destinationBucket": "other"}])),
        bucket(json!(["copy", "a", "b"])),
        bucket(json!(["remove", ["a", "b/c"]])),
        bucket(json!(["createSignedUrl", "a b.txt", 60])),
        bucket(
            json!(["createSignedUrl", "a.png", 60, {"download": "nice name.png", "transform": {"width": 10}}]),
        ),
        bucket(json!(["createSignedUrls", ["a", "b"], 60, {"download": true}])),
        bucket(json!(["createSignedUploadUrl", "a.txt", {"upsert": true}])),
        bucket(json!(["uploadToSignedUrl", "a.txt", "tok/en", "text"])),
        bucket(json!(["info", "a.txt"])),
        bucket(json!(["exists", "a.txt"])),
        bucket(json!(["getPublicUrl", "a file.txt"])),
        bucket(
            json!(["getPublicUrl", "a.png", {"download": "x y", "transform": {"width": 10, "resize": "cover"}}]),
        ),
        bucket(json!(["download", "a.txt"])),
        bucket(json!(["download", "a.png", {"transform": {"height": 4}}])),
    ]
}
