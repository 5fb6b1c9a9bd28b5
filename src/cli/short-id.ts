/** Ids are long (`<32 hex digits>-<number>`); people see a beginning that says as much, and a node takes it wherever it takes an id. */

const OP_ID = /^([0-9a-f]{32})-([1-9]\d*)$/;
/** What a node understands as a short id has this many digits of the author's. */
const DIGITS_MIN = 8;

const shortened = (id: string, digits: number): string =>
  id.replace(OP_ID, (_id, node: string, seq: string) => `${node.slice(0, digits)}-${seq}`);

/** The shortest form of each id that means no other one of the list: `3fa9c1d2-12`. What is no op's id stays whole. */
export function shortIds(ids: readonly string[]): (id: string) => string {
  const all = [...new Set(ids)];
  for (let digits = DIGITS_MIN; digits < 32; digits++) {
    if (new Set(all.map((id) => shortened(id, digits))).size === all.length) return (id) => shortened(id, digits);
  }
  return (id) => id;
}

/** One id, as short as a node takes it. */
export const shortId = (id: string): string => shortened(id, DIGITS_MIN);

/** A node's id as logs show it. */
export const shortNode = (id: string): string => id.slice(0, DIGITS_MIN);

/** Does what a person typed mean this id? A beginning of at least {@link DIGITS_MIN} digits of the author's, and the whole number. */
export function meansId(typed: string, id: string): boolean {
  if (typed === id) return true;
  const [digits, number] = typed.split('-');
  const whole = OP_ID.exec(id);
  if (whole === null || digits === undefined || digits.length < DIGITS_MIN) return false;
  return number === whole[2] && id.startsWith(digits);
}
