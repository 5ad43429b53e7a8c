/**
 * Searches the mail of every user of every domain of a Google Workspace.
 *
 * One host call at a time: the domains, then the users of each domain, then each user's matching
 * messages. A mailbox that cannot be read is reported beside its user and does not end the run.
 *
 * @param {Object} input - What to search for, and how far.
 * @param {string} [input.gmailSearchQuery=""] - Search as typed into Gmail's search box; empty finds all mail.
 * @param {number} [input.maxResultsPerUser=10] - Most messages to read per user, at least 1.
 * @param {number} [input.maxUsersPerDomain=500] - Most users to search per domain, at least 1.
 * @returns {Object} `summary`, `domainResults` (by domain and user), `sampleMessages` (the first 10), `executionInfo`.
 */
module.exports = async function comprehensiveGmailSearch(input) {
  const { gmailSearchQuery, maxResultsPerUser, maxUsersPerDomain } = settings(input);
  const run = { calls: 0, messages: 0, usersDone: 0, users: 0, domains: 0 };

  const domains = await listDomains(run);
  run.domains = domains.length;

  // All users first: progress can then say how many are left.
  const found = [];
  for (const domain of domains) {
    const { items, error } = await listUsers(run, domain, maxUsersPerDomain);
    found.push({ domain, users: items, error });
    run.users += items.length;
    report(run, { domain, domainIndex: found.length });
  }

  const domainResults = [];
  for (const { domain, users, error } of found) {
    const place = { domain, domainIndex: domainResults.length + 1 };
    const results = [];
    for (const user of users) {
      results.push(await searchMailbox(run, place, user, gmailSearchQuery, maxResultsPerUser));
      run.usersDone += 1;
      report(run, { ...place, user: user.primaryEmail, userIndex: run.usersDone });
    }
    domainResults.push({
      domain,
      users: results,
      totalMessages: results.reduce((sum, user) => sum + user.messageCount, 0),
      userCount: results.length,
      ...(error && { error }),
    });
  }
  return summarise(run, gmailSearchQuery, domainResults);
};

/** Largest page that both Google APIs give. */
const PAGE = 500;
/** Messages between two lines of progress within one mailbox. */
const REPORT_EVERY = 50;
/** Failed reads in a row after which a mailbox counts as out of reach. */
const GIVE_UP_AFTER = 3;

function settings(input) {
  const { gmailSearchQuery, maxResultsPerUser, maxUsersPerDomain } = input || {};
  const atLeastOne = (value, usual) => Math.max(1, Math.floor(Number(value ?? usual)) || usual);
  return {
    gmailSearchQuery: String(gmailSearchQuery ?? ""),
    maxResultsPerUser: atLeastOne(maxResultsPerUser, 10),
    maxUsersPerDomain: atLeastOne(maxUsersPerDomain, 500),
  };
}

/** One Google call, counted whether or not it succeeds. */
function google(run, path, params) {
  run.calls += 1;
  return __callHostTool__("gapi", path, [params]);
}

/** Without the domains there is nothing to search: an error here fails the run with Google's words. */
async function listDomains(run) {
  const answer = await google(run, ["admin", "domains", "list"], { customer: "my_customer" });
  if (!Array.isArray(answer?.domains)) {
    throw new Error("admin.domains.list answered no list of domains");
  }
  return answer.domains.map((domain) => domain.domainName);
}

function listUsers(run, domain, most) {
  return listAll(run, ["admin", "users", "list"], "users", most, {
    customer: "my_customer",
    domain,
    orderBy: "email",
  });
}

/** Follows the pages of a list until `most` items or the end. Keeps what came before an error. */
async function listAll(run, path, key, most, params) {
  const items = [];
  let pageToken;
  try {
    do {
      const maxResults = Math.min(PAGE, most - items.length);
      const page = { ...params, maxResults, ...(pageToken && { pageToken }) };
      const answer = await google(run, path, page);
      items.push(...(answer?.[key] ?? []));
      pageToken = answer?.nextPageToken;
    } while (pageToken && items.length < most);
  } catch (error) {
    return { items: items.slice(0, most), error: describe(error) };
  }
  return { items: items.slice(0, most) };
}

async function searchMailbox(run, place, user, query, most) {
  const userId = user.primaryEmail;
  const path = ["gmail", "users", "messages", "list"];
  const listed = await listAll(run, path, "messages", most, { userId, q: query });
  let error = listed.error;
  let failures = 0;
  const messages = [];
  for (const { id } of listed.items) {
    try {
      messages.push(await readMessage(run, userId, id));
      failures = 0;
    } catch (cause) {
      // One message may have been deleted since it was listed; several in a row mean the mailbox.
      error ??= describe(cause);
      failures += 1;
      if (failures === GIVE_UP_AFTER) break;
      continue;
    }
    run.messages += 1;
    if (messages.length % REPORT_EVERY === 0) {
      report(run, { ...place, user: userId, userIndex: run.usersDone + 1 });
    }
  }
  return {
    email: userId,
    name: user.name?.fullName || userId,
    messageCount: messages.length,
    messages,
    ...(error && { error }),
  };
}

async function readMessage(run, userId, id) {
  const message = await google(run, ["gmail", "users", "messages", "get"], {
    userId,
    id,
    format: "metadata",
    metadataHeaders: ["Subject", "From", "Date"],
  });
  const headers = message?.payload?.headers ?? [];
  const header = (name) => headers.find((each) => each.name?.toLowerCase() === name)?.value;
  return {
    id,
    snippet: message?.snippet || "No snippet available",
    subject: header("subject") || "No subject",
    from: header("from") || "Unknown sender",
    date: header("date") || "Unknown date",
  };
}

/** What a person needs to see of an error: the words, and Google's status and reason if known. */
function describe(error) {
  return {
    message: error?.message ?? String(error),
    status: error?.status ?? error?.details?.status ?? null,
    reason: error?.details?.reason ?? error?.reason ?? error?.name ?? null,
  };
}

/** One line that `tasker watch` draws as a progress bar. */
function report(run, place) {
  const { domains, users, usersDone, messages, calls } = run;
  const progress = { ...place, domains, users, usersDone, messages, calls };
  console.log(`@progress ${JSON.stringify(progress)}`);
}

function summarise(run, searchQuery, domainResults) {
  const sum = (key) => domainResults.reduce((total, domain) => total + domain[key], 0);
  const users = domainResults.flatMap(({ domain, users }) => users.map((user) => ({ domain, user })));
  return {
    summary: {
      totalDomains: domainResults.length,
      totalUsers: sum("userCount"),
      totalMessagesFound: sum("totalMessages"),
      searchQuery,
      failedUsers: users.filter(({ user }) => user.error).length,
      failedDomains: domainResults.filter((domain) => domain.error).length,
    },
    domainResults,
    sampleMessages: samples(users, 10),
    executionInfo: {
      completedAt: new Date().toISOString(),
      totalApiCalls: run.calls,
      description: "Task completed using automatic suspend/resume on each external module call",
    },
  };
}

/** The first `most` messages over all users. */
function samples(users, most) {
  const chosen = [];
  for (const { domain, user } of users) {
    for (const { subject, snippet, from, date } of user.messages) {
      if (chosen.length === most) return chosen;
      chosen.push({ userEmail: user.email, userName: user.name, domain, subject, snippet, from, date });
    }
  }
  return chosen;
}
