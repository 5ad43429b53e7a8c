/**
 * Greets by name and says whether a Google key is set: the smallest task with a host call.
 *
 * @param {Object} input - Whom to greet.
 * @param {string} [input.name="world"] - The name.
 * @returns {Object} `greeting`, `name`, `hasGoogleKey`, `greetedAt`.
 */
module.exports = async function helloTask(input) {
  const name = input?.name || "world";
  const hasGoogleKey = await __callHostTool__("keystore", "hasKey", ["default", "GAPI_KEY"]);
  console.log(`greeting ${name}`);
  return { greeting: `Hello, ${name}!`, name, hasGoogleKey, greetedAt: new Date().toISOString() };
};
