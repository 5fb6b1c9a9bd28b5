/** So often an answer is given in all, where it does not arrive. */
const REPLIES_MAX = 3;
const REPLY_AGAIN_MS = 1_000;

/**
 * Gives the answer to what the tool asked. Tried again where it does not arrive, as long as somebody waits for it; the text says why it never did,
 * undefined that there is nothing more to do.
 */
export async function given(reply: () => Promise<void>, isWaitedFor: () => boolean): Promise<string | undefined> {
  let why = '';
  for (let times = 0; times < REPLIES_MAX && isWaitedFor(); times += 1) {
    if (times > 0) await new Promise((resolve) => setTimeout(resolve, REPLY_AGAIN_MS));
    try {
      await reply();
      return undefined;
    } catch (error) {
      why = String(error);
    }
  }
  return isWaitedFor() ? why : undefined;
}
