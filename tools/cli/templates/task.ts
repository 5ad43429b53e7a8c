/** What {{name}} is given. */
interface Input {
  /** A word. */
  greeting?: string;
}

declare function __callHostTool__(service: string, path: string, args: unknown[]): Promise<any>;

/**
 * Says what {{name}} does, in one line.
 *
 * @param {Object} input - What it is given.
 * @param {string} [input.greeting="Hello"] - A word.
 */
export default async function ({ greeting = "Hello" }: Input): Promise<{ message: string }> {
  // A host call suspends the run until its result is recorded. Whatever crashes, a recorded call is not made again.
  const { echo } = await __callHostTool__("gapi", "echo", [greeting]);
  // So does a timer: the run may wait for days without holding anything.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { message: `${echo} from {{name}}` };
}
