-- Stand-ins for pg_cron and pg_net, as far as the kick uses them: they write down what they are told.
create schema cron;
create table cron.told (name text, schedule text, command text);
create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
  insert into cron.told values (job_name, schedule, command); select 1::bigint
$$;
create schema net;
create table net.told (url text, body jsonb, headers jsonb);
create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{}', timeout_milliseconds integer default 5000) returns bigint language sql as $$
  insert into net.told values (url, body, headers); select 7::bigint
$$;
