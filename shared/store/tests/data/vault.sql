-- A stand-in for Supabase's Vault: the same table, view and functions, as far as callers see them.
-- The real one encrypts; this one only writes hexadecimal, so that a value is not there in clear.
create schema vault;
create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea,
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
create unique index on vault.secrets (name) where name is not null;
create view vault.decrypted_secrets as
  select id, name, description, secret, convert_from(decode(secret, 'hex'), 'utf8') as decrypted_secret,
    key_id, nonce, created_at, updated_at
  from vault.secrets;
create function vault.create_secret(new_secret text, new_name text default null,
  new_description text default '', new_key_id uuid default null) returns uuid language sql as $$
  insert into vault.secrets (secret, name, description)
  values (encode(convert_to(new_secret, 'utf8'), 'hex'), new_name, new_description) returning id
$$;
create function vault.update_secret(secret_id uuid, new_secret text default null, new_name text default null,
  new_description text default null, new_key_id uuid default null) returns void language sql as $$
  update vault.secrets set
    secret = case when new_secret is null then secret else encode(convert_to(new_secret, 'utf8'), 'hex') end,
    name = coalesce(new_name, name), description = coalesce(new_description, description),
    updated_at = now()
  where id = secret_id
$$;
