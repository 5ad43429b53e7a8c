// Runs chains through the real supabase-js: {url, key, chains} on standard input, results on standard output.
import { createClient } from "@supabase/supabase-js";

let text = "";
for await (const piece of process.stdin) text += piece;
const { url, key, chains } = JSON.parse(text);
const quiet = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };
const client = createClient(url, key, { auth: quiet, realtime: { transport: class {} } });
console.error = () => {};

const results = [];
for (const links of chains) {
  let at = client;
  try {
    for (const link of links) {
      at = typeof link === "string" ? at[link] : at[link[0]](...link.slice(1));
    }
    results.push(JSON.parse(JSON.stringify((await at) ?? null)));
  } catch (error) {
    results.push({ thrown: String(error) });
  }
}
console.log(JSON.stringify(results));
process.exit(0);
