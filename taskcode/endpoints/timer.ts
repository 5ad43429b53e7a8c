/**
 * Waits durably: the run sleeps in the database, not in memory, and survives restarts.
 *
 * @param {Object} input - How long to wait.
 * @param {number} [input.seconds=1] - Seconds to wait each time.
 * @param {number} [input.times=3] - How often to wait.
 * @returns {Object} `ticks`: when each wait ended, as ISO text.
 */
interface Input {
  seconds?: number;
  times?: number;
}

const wait = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export default async function timer(input: Input): Promise<{ ticks: string[] }> {
  const { seconds = 1, times = 3 } = input ?? {};
  const ticks: string[] = [];
  while (ticks.length < times) {
    await wait(seconds);
    ticks.push(new Date().toISOString());
    console.log(`tick ${ticks.length} of ${times}`);
  }
  return { ticks };
}
