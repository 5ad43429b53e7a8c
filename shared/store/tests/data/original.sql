-- The tables of the original tasker, with rows of every kind it leaves behind.
create table task_functions (
  id serial primary key,
  name varchar(255) unique not null,
  code text not null,
  description text,
  created_at timestamp default current_timestamp,
  updated_at timestamp default current_timestamp
);
create table task_runs (
  id serial primary key,
  task_function_id integer references task_functions (id),
  task_name varchar(255) not null,
  input jsonb,
  result jsonb,
  error jsonb,
  status varchar(50) default 'queued',
  logs text[],
  vm_logs text[],
  waiting_on_stack_run_id integer,
  suspended_at timestamp,
  created_at timestamp default current_timestamp,
  updated_at timestamp default current_timestamp,
  ended_at timestamp
);
create index on task_runs (suspended_at);
create table stack_runs (
  id serial primary key,
  parent_task_run_id integer references task_runs (id),
  parent_stack_run_id integer references stack_runs (id),
  service_name varchar(100),
  method_name varchar(100),
  args jsonb,
  result jsonb,
  error jsonb,
  status varchar(50) default 'pending',
  vm_state jsonb,
  resume_payload jsonb,
  waiting_on_stack_run_id integer references stack_runs (id),
  created_at timestamp default current_timestamp,
  updated_at timestamp default current_timestamp,
  ended_at timestamp
);
create index on stack_runs (parent_stack_run_id);
create table keystore (
  id serial primary key,
  key_name varchar(255) unique,
  key_value text not null,
  description text,
  created_at timestamp default current_timestamp,
  updated_at timestamp default current_timestamp
);
create table task_locks (
  id serial primary key,
  task_run_id integer unique references task_runs (id) on delete cascade,
  locked_at timestamptz default now(),
  locked_by text,
  created_at timestamptz default now()
);

insert into task_functions (id, name, code, description, created_at) values
  (3, 'comprehensive-gmail-search', 'module.exports = async (input) => input;', 'Searches.', '2025-09-01 10:00:00'),
  (4, 'simple-test-task', 'module.exports = async () => 1;', null, '2025-09-02 10:00:00');

insert into task_runs (id, task_function_id, task_name, input, result, error, status, logs, created_at, updated_at, ended_at) values
  (11, 3, 'comprehensive-gmail-search', '{"q": "x"}', '{"status": "completed", "result": {"found": 2}}', null,
    'completed', array['a line'], '2025-09-03 10:00:00', '2025-09-03 10:05:00', '2025-09-03 10:05:00'),
  (12, 3, 'comprehensive-gmail-search', '{}', null, null, 'pending', null, '2025-09-04 10:00:00', '2025-09-04 10:01:00', null),
  (13, 4, 'simple-test-task', null, null, '{"message": "boom"}', 'failed', null, '2025-09-05 10:00:00', null, null),
  (14, null, 'gone-task', '[1]', null, null, 'queued', null, '2025-09-06 10:00:00', null, null),
  (15, 4, 'simple-test-task', '{}', null, null, 'completed', null, '2025-09-07 10:00:00', null, null);

insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, service_name, method_name, args, result, error, status, created_at, updated_at, ended_at) values
  (101, 11, null, 'deno-executor', 'execute', '{"taskCode": "module.exports = 1", "taskName": "comprehensive-gmail-search"}', null, null,
    'completed', '2025-09-03 10:00:00', '2025-09-03 10:05:00', '2025-09-03 10:05:00'),
  (102, 11, 101, 'wrappedgapi', 'admin.domains.list', '[{"customer": "my_customer"}]', '{"domains": [{"domainName": "a.com"}]}', null,
    'completed', '2025-09-03 10:01:00', '2025-09-03 10:01:30', '2025-09-03 10:01:30'),
  (103, 11, 101, 'wrappedgapi', 'gmail.users.messages.list', '[{}]', null, '{"message": "Google API returned 403"}',
    'failed', '2025-09-03 10:02:00', '2025-09-03 10:02:30', '2025-09-03 10:02:30'),
  (104, 12, null, 'deno-executor', 'execute', '{}', null, null, 'suspended_waiting_child', '2025-09-04 10:00:00', null, null),
  (105, 12, 104, 'wrappedgapi', 'admin.domains.list', '[{}]', null, null, 'processing', '2025-09-04 10:00:30', '2025-09-04 10:00:31', null),
  (106, 12, 104, 'wrappedkeystore', 'getKey', '["global", "GAPI_KEY"]', '"canary-in-a-journal"', null, 'completed', '2025-09-04 10:00:40', null, null),
  (107, 14, null, 'deno-executor', 'execute', '{"taskCode": "module.exports = async () => 7"}', null, null, 'pending', '2025-09-06 10:00:00', null, null);
update stack_runs set waiting_on_stack_run_id = 105 where id = 104;
insert into task_locks (task_run_id, locked_by) values (12, 'processor');

insert into keystore (key_name, key_value, description) values
  ('GAPI_KEY', '{"type":"service_account","private_key":"canary-of-the-original"}', 'Google'),
  ('GAPI_ADMIN_EMAIL', '', null);
