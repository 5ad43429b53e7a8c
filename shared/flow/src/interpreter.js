// Runs the flow above. Each transition follows from the outcome of a call or a timer, and those are
// in the run's journal: wherever a run is interrupted, it comes to the same state again.

const MOST_AT_ONCE = 1000;
let atOnce = 0;

/** What is true while one state is active; it ends with the state, innermost first. */
class Life {
  constructor(above, exit) {
    this.over = false;
    this.exit = exit;
    this.inside = new Set();
    this.timers = [];
    this.stop = null;
    this.above = above;
    above?.inside.add(this);
  }

  end() {
    if (this.over) return;
    for (const life of [...this.inside].reverse()) life.end();
    this.over = true;
    this.above?.inside.delete(this);
    this.timers.forEach(clearTimeout);
    this.stop?.abort();
    this.exit();
  }
}

function look(path, scope) {
  const names = path.slice(2).split(/\.|\[(\d+)\]\.?/).filter((name) => name);
  return names.reduce((value, name) => (value === null || value === undefined ? undefined : value[name]), scope);
}

const truth = (value) => value !== undefined && value !== null && value !== false && value !== 0 && value !== "";
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const operators = {
  $eq: (a, b) => same(a, b),
  $ne: (a, b) => !same(a, b),
  $lt: (a, b) => a < b,
  $lte: (a, b) => a <= b,
  $gt: (a, b) => a > b,
  $gte: (a, b) => a >= b,
  $in: (a, list) => (typeof list === "string" ? list.includes(a) : (list ?? []).some((b) => same(a, b))),
  $and: (...all) => all.every(truth),
  $or: (...all) => all.some(truth),
  $not: (a) => !truth(a),
  $add: (...all) => all.reduce((a, b) => a + b),
  $sub: (a, b) => a - b,
  $mul: (...all) => all.reduce((a, b) => a * b),
  $div: (a, b) => a / b,
  $mod: (a, b) => a % b,
  $concat: (...all) => all.map((a) => (typeof a === "string" ? a : a === undefined ? "" : JSON.stringify(a))).join(""),
  $length: (a) => (Array.isArray(a) || typeof a === "string" ? a.length : Object.keys(a ?? {}).length),
  $default: (...all) => all.find((a) => a !== undefined && a !== null) ?? null,
  $if: (a, yes, no) => (truth(a) ? yes : no),
  $get: (a, key) => a?.[key],
  $append: (list, item) => [...(list ?? []), item],
  $merge: (...all) => Object.assign({}, ...all),
  $json: (a) => JSON.parse(a),
};

function evaluate(value, scope) {
  if (typeof value === "string") {
    if (value.startsWith("$$")) return value.slice(1);
    return value.startsWith("$") ? look(value, scope) : value;
  }
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope));
  if (value === null || typeof value !== "object") return value;
  const names = Object.keys(value);
  if (names.length === 1 && names[0].startsWith("$")) {
    const given = evaluate(value[names[0]], scope);
    const list = Array.isArray(value[names[0]]) ? given : [given];
    return operators[names[0]](...list);
  }
  return Object.fromEntries(names.map((name) => [name, evaluate(value[name], scope)]));
}

async function answerOf(response) {
  const headers = Object.fromEntries(response.headers);
  const text = await response.text();
  let body = text;
  if (/\bjson\b/.test(headers["content-type"] ?? "")) body = JSON.parse(text);
  return { status: response.status, ok: response.ok, url: response.url, headers, body };
}

function describe(error) {
  const { name, message, status, code, details } = error ?? {};
  return { name: name ?? "Error", message: message ?? String(error), status, code, details };
}

class Run {
  constructor(flow, input) {
    this.flow = flow;
    this.input = input;
    this.context = {};
    this.context = evaluate(flow.context, this.scope(null));
  }

  scope(event) {
    return { input: this.input, context: this.context, event };
  }

  act(actions, event) {
    for (const { assign, log } of actions) {
      if (assign !== undefined) this.context = { ...this.context, ...evaluate(assign, this.scope(event)) };
      if (log !== undefined) {
        const line = evaluate(log, this.scope(event));
        console.log(typeof line === "string" ? line : JSON.stringify(line));
      }
    }
  }

  pick(transitions, event) {
    return transitions.find((t) => t.guard === null || truth(evaluate(t.guard, this.scope(event))));
  }

  call({ task, call, fetch: request }, event, life) {
    const of = (value) => evaluate(value, this.scope(event));
    if (task !== undefined) return __callHostTool__("tasks", "execute", [task.name, of(task.input)]);
    if (call !== undefined) return __callHostTool__(call.service, call.method, of(call.args), of(call.options) ?? undefined);
    life.stop = new AbortController();
    return fetch(of(request.url), { ...of(request.init), signal: life.stop.signal }).then(answerOf);
  }

  /** Is in a state until it is left: { done, output } or { transition, event }. `rest` leads inside. */
  async visit(node, event, rest, above) {
    if (++atOnce > MOST_AT_ONCE) throw new Error(`the flow went through ${MOST_AT_ONCE} states without waiting for anything, the last of them '${node.path}'`);
    const life = new Life(above, () => {
      this.act(node.exit, event);
      if (node.path !== "") console.debug(`flow: leave ${node.path}`);
    });
    if (node.path !== "") console.debug(`flow: enter ${node.path}`);
    try {
      this.act(node.entry, event);
      if (node.type === "final") return { done: true, output: node.output === null ? null : evaluate(node.output, this.scope(event)) };
      return await this.stay(node, event, rest, life);
    } finally {
      life.end();
    }
  }

  stay(node, event, rest, life) {
    return new Promise((resolve, reject) => {
      // The first transition whose guard holds is taken; one without a target changes the context only.
      const offer = (transitions, event) => {
        if (life.over || life.left) return true;
        const transition = this.pick(transitions, event);
        if (transition === undefined) return false;
        if (transition.target === null) {
          this.act(transition.actions, event);
          offer(node.always, event);
          return true;
        }
        life.left = true;
        resolve({ transition, event });
        return true;
      };
      const fail = (error) => {
        if (!life.over) reject(error);
      };
      if (offer(node.always, event) && life.left) return;
      const guarded = (work) => (...args) => {
        try {
          atOnce = 0;
          work(...args);
        } catch (error) {
          fail(error);
        }
      };
      for (const { delay, transitions } of node.after) {
        const ms = evaluate(delay, this.scope(event));
        const due = guarded(() => offer(transitions, { type: `after ${ms}` }));
        life.timers.push(setTimeout(due, ms));
      }
      for (const invoke of node.invoke) this.invoke(invoke, event, life, offer, guarded, fail);
      if (node.states.length > 0) this.inside(node, event, rest, life, { offer, guarded, fail, resolve }).catch(fail);
    });
  }

  invoke({ id, src, onDone, onError }, event, life, offer, guarded, fail) {
    const failed = guarded((error) => {
      if (life.over) return;
      if (!offer(onError, { type: `error.invoke.${id}`, error: describe(error) })) fail(error);
    });
    let call;
    try {
      call = this.call(src, event, life);
    } catch (error) {
      failed(error);
      return;
    }
    call.then(guarded((output) => void offer(onDone, { type: `done.invoke.${id}`, output })), failed);
  }

  async inside(node, event, rest, life, { offer, resolve }) {
    const done = (output) => {
      if (life.over || life.left) return;
      if (node.path === "" || node.isRegion) resolve({ done: true, output });
      else offer(node.onDone, { type: `done.state.${node.path}`, output });
    };
    if (node.type === "parallel") {
      const outputs = {};
      const region = async (child) => {
        const out = await this.visit(child, event, rest[0] === child.key ? rest.slice(1) : [], life);
        if (out.done) outputs[child.key] = out.output;
        else if (!life.left) {
          life.left = true;
          resolve(out);
        }
      };
      await Promise.all(node.states.map(region));
      if (Object.keys(outputs).length === node.states.length) done(outputs);
      return;
    }
    let [key, ...deeper] = rest.length > 0 ? rest : [node.initial];
    for (;;) {
      const child = node.states.find((state) => state.key === key);
      const out = await this.visit(child, event, deeper, life);
      if (life.over || life.left) return;
      if (out.done) return void done(out.output);
      const { target, actions } = out.transition;
      const here = node.path === "" ? "" : `${node.path}.`;
      if (!target.startsWith(here)) {
        // It leads out of this state too.
        life.left = true;
        resolve(out);
        return;
      }
      this.act(actions, out.event);
      event = out.event;
      [key, ...deeper] = target.slice(here.length).split(".");
    }
  }
}

module.exports = async function (input) {
  const run = new Run(FLOW, input);
  const { output } = await run.visit(FLOW.root, { type: "init" }, [], null);
  if (FLOW.root.output !== null) return evaluate(FLOW.root.output, run.scope({ type: "done", output }));
  return output ?? run.context;
};
