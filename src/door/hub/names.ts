/** Whose a name is: nobody comes in under that of an agent of the swarm, or of a key that is known here. Guests have no names to keep. */
import type { Hub } from './hub.ts';

/** Keys of one name that are looked at: more than one only where two nodes let them in at once. */
const NAMESAKES_MAX = 16;

/** `own`: the id of who wants it; one that is known may come under the name it came with. */
export function isTaken(name: string, own: string, hub: Hub): boolean {
  const { store } = hub.door.node;
  const wanted = name.toLowerCase();
  const row = store.get('identity', own.slice(1));
  if (row?.key?.value.name.toLowerCase() === wanted || row?.nick?.value.toLowerCase() === wanted) return false;
  if (hub.door.roster.agents().some((agent) => agent.registered.name.toLowerCase() === wanted)) return true;
  const holders = store.list('identity', { where: { name: wanted }, limit: NAMESAKES_MAX });
  return holders.some(({ id, banned, allowed }) => {
    const isOut = banned?.value.banned === true || allowed?.value.allowed === false;
    return `@${id}` !== own && !isOut;
  });
}
