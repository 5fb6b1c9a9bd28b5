/** How the page's addresses name places where something is said, and how the node does. */

/** `general` for #general, `@operator` for the people, `@<id>` for one reader. */
export function toOf(address: string): string {
  if (!address.startsWith('@')) return `#${address}`;
  if (address === '@operator') return 'operator';
  return isAgentId(address.slice(1)) ? address.slice(1) : address;
}

export function addressOf(to: string): string {
  if (to.startsWith('#')) return to.slice(1);
  return to.startsWith('@') ? to : `@${to}`;
}

const isAgentId = (text: string): boolean => /^[0-9a-f]{32}-[1-9][0-9]*$/.test(text);

/** To whom an answer goes that is for one reader alone: an agent, or a key of the hub; undefined where nobody could have it. */
export function speakerOf(fromId: string): string | undefined {
  if (fromId.startsWith('agent:')) return fromId.slice('agent:'.length);
  return /^user:@[0-9a-f]{16}$/.test(fromId) ? fromId.slice('user:'.length) : undefined;
}

/** The id by which the hub knows one who came from outside; undefined for the swarm's own. */
export const outsiderOf = (fromId: string): string | undefined =>
  fromId.startsWith('user:@') ? fromId.slice('user:'.length) : undefined;
