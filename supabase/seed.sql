-- For `supabase db reset`: one task to try.
insert into task_functions (name, description, code) values
  ('hello-task', 'Says hello.', 'module.exports = async ({ name = "world" }) => `Hello, ${name}!`;')
on conflict (name) do nothing;
