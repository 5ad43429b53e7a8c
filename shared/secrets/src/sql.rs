//! Statements of the keystore, and of what its calls left in journals.

/// A secret, from its namespace or from `global`.
pub const KEY_GET: &str = "\
select namespace, key_value, version from keystore \
where key_name = $2 and namespace in ($1, 'global') \
order by case when namespace = $1 then 0 else 1 end limit 1";

/// A secret's row, locked.
pub const KEY_LOCK: &str = "\
select key_value, version from keystore where namespace = $1 and key_name = $2 {lock}";

/// Makes or changes a secret, unless somebody else did meanwhile.
pub const KEY_PUT: &str = "\
insert into keystore (namespace, key_name, key_value, version) values ($1, $2, $3, $4) \
on conflict (namespace, key_name) do update set key_value = excluded.key_value, \
  version = excluded.version, updated_at = {now} where keystore.version = excluded.version - 1 \
returning id";

/// Removes a secret.
pub const KEY_DELETE: &str =
    "delete from keystore where namespace = $1 and key_name = $2 returning id";

/// Names of secrets.
pub const KEY_LIST: &str = "\
select namespace, key_name from keystore where {text $1} is null or namespace = $1 \
order by namespace, key_name";

/// Secrets in the order of their ids, in pages.
pub const KEY_PAGE: &str = "\
select id, namespace, key_name, key_value, version from keystore where id > $1 order by id limit 100";

/// Replaces a sealed secret by its form under another master key, unless it has changed meanwhile.
pub const KEY_REWRAP: &str =
    "update keystore set key_value = $3 where id = $1 and key_value = $2 returning id";

/// Calls of the keystore, in pages; an index holds them alone.
pub const CALL_PAGE: &str = "\
select id, parent_stack_run_id, seq, service_name, method_name, {text args}, {text result}, epoch, \
  status \
from stack_runs where service_name = 'wrappedkeystore' and kind = 'call' and id > $1 \
order by id limit 100";

/// Replaces a call's arguments and result by their sealed forms, unless the row has moved on.
pub const CALL_REWRAP: &str = "\
update stack_runs set args = {json $2}, result = {json $3} \
where id = $1 and epoch = $4 and status = $5 returning id";

/// Whether Supabase's Vault is there and ours to use.
pub const VAULT_EXISTS: &str = "\
select case when to_regclass('vault.secrets') is null then false \
  else has_schema_privilege('vault', 'usage') end";

/// Whoever sets a secret of this name waits for whoever does: a new one has no row to lock.
pub const VAULT_TURN: &str = "select pg_advisory_xact_lock(hashtextextended({text $1}, 0))::text";

/// A secret that the Vault keeps for a row of the keystore.
pub const VAULT_GET: &str = "\
select decrypted_secret from vault.decrypted_secrets where id = $1::uuid and name = $2";

/// The Vault's id of a name.
pub const VAULT_FIND: &str = "select id::text from vault.secrets where name = $1";

/// Gives the Vault a secret: value, name, description.
pub const VAULT_CREATE: &str = "select vault.create_secret($1, $2, $3)::text";

/// Gives it another value.
pub const VAULT_UPDATE: &str = "select vault.update_secret($1::uuid, $2)::text";

/// Takes a secret from the Vault.
pub const VAULT_DELETE: &str =
    "delete from vault.secrets where id = $1::uuid and name = $2 returning id::text";
