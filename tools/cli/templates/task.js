/**
 * Says what {{name}} does, in one line.
 *
 * @param {Object} input - What it is given.
 * @param {string} [input.greeting="Hello"] - A word.
 * @returns {Promise<{message: string}>} What it answers.
 */
module.exports = async function ({ greeting = "Hello" }) {
  // A host call suspends the run until its result is recorded. Whatever crashes, a recorded call is not made again.
  const { echo } = await __callHostTool__("gapi", "echo", [greeting]);
  // So does a timer: the run may wait for days without holding anything.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { message: `${echo} from {{name}}` };
};
