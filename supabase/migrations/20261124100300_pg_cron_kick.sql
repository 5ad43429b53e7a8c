-- Where pg_cron, pg_net and the Vault are: once a minute the processor is told if a row waits longer
-- than it should. tasker does without; this only helps when every process was away and came back
-- to no request. Where they are not, nothing is scheduled.
--
-- It reads two secrets of the Vault: tasker_functions_url (https://<project>/functions/v1) and
-- tasker_service_key. After installing the extensions later, schedule it by hand:
--   select cron.schedule('tasker-kick', '* * * * *', 'select public.tasker_kick()');

create function tasker_kick() returns bigint language plpgsql set search_path from current as $$
declare
  url text;
  key text;
  waiting boolean := exists (
      select from stack_runs where status in ('pending', 'pending_resume') and runnable
        and not_before <= clock_timestamp())
    or exists (select from stack_runs where status = 'processing' and lease_until < clock_timestamp());
begin
  if not waiting then
    return null;
  end if;
  select decrypted_secret into url from vault.decrypted_secrets where name = 'tasker_functions_url';
  select decrypted_secret into key from vault.decrypted_secrets where name = 'tasker_service_key';
  if url is null or key is null then
    raise exception 'tasker_kick needs the Vault secrets tasker_functions_url and tasker_service_key'
      using hint = 'select vault.create_secret(''https://<project>/functions/v1'', ''tasker_functions_url'')';
  end if;
  return net.http_post(
    url := rtrim(url, '/') || '/simple-stack-processor',
    body := '{"trigger":"process-next"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'apikey', key,
      'authorization', 'Bearer ' || key));
end $$;
revoke execute on function tasker_kick() from public;

do $$
declare
  visitor text;
begin
  foreach visitor in array array(select rolname from pg_roles where rolname in ('anon', 'authenticated')) loop
    execute format('revoke execute on function tasker_kick() from %I', visitor);
  end loop;
  if to_regprocedure('cron.schedule(text, text, text)') is null or to_regproc('net.http_post') is null
    or to_regclass('vault.decrypted_secrets') is null
  then
    return;
  end if;
  perform cron.schedule('tasker-kick', '* * * * *', format('select %I.tasker_kick()', current_schema()));
end $$;
