/**
 * Runs one `hello-task` per name as a nested task and collects what they return.
 *
 * @param {Object} input - Whom to greet.
 * @param {string[]} [input.names=["Ada","Grace","Edsger"]] - The names; each becomes a task run of its own.
 * @returns {Object} `count` and `greetings`, in the order of the names.
 */
module.exports = async function fanOut(input) {
  const names = input?.names ?? ["Ada", "Grace", "Edsger"];
  if (!Array.isArray(names)) throw new TypeError("input.names must be a list of names");
  const runs = await Promise.all(
    names.map((name) => __callHostTool__("tasks", "execute", ["hello-task", { name }])),
  );
  return { count: runs.length, greetings: runs.map((run) => run.greeting) };
};
