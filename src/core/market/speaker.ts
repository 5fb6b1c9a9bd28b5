/** How those who speak are called: by an id that another can answer to, or by a name for people. */
import type { Principal } from '../brand.ts';
import type { Views } from '../view/views.ts';

/** As the hub calls it: `@<id>`, people `@operator`, nodes `@server`. */
export function speakerId(by: Principal): string {
  if (by.startsWith('user:@')) return by.slice('user:'.length);
  if (by.startsWith('agent:')) return `@${by.slice('agent:'.length)}`;
  return by.startsWith('user:') ? '@operator' : '@server';
}

/** Whether two speak for one side: whoever is no key and no agent speaks for people, who are one to everybody else. */
export const isSameSpeaker = (a: Principal, b: Principal): boolean => speakerId(a) === speakerId(b);

export function speakerName(views: Views, by: Principal): string {
  const name = by.slice(by.indexOf(':') + 1);
  if (by.startsWith('agent:')) return views.get('agent', name)?.registered?.name ?? name;
  if (!name.startsWith('@')) return by.startsWith('user:') ? name : 'server';
  const row = views.get('identity', name.slice(1));
  return row?.nick?.value ?? row?.key?.value.name ?? name.slice(1);
}
