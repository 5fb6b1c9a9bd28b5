/** Messages as the agent that was woken by them reads them: with names, and with the beginning of a long text. */
import type { OpId, Principal } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { OpStore } from '#ports.ts';
import type { Letter } from './wake-prompt.ts';

export class Letters {
  readonly #store: Pick<OpStore, 'get'>;

  constructor(store: Pick<OpStore, 'get'>) {
    this.#store = store;
  }

  of(handed: readonly Handed[]): Letter[] {
    return handed.map(({ message, redelivered }) => this.#letter(message, redelivered));
  }

  /** After a restart of the node: whatever is still known of them. */
  ofIds(ids: readonly OpId[]): Letter[] {
    const rows = ids.map((id) => this.#store.get('message', id));
    return rows.filter(isKnownMessage).map((message) => this.#letter(message, true));
  }

  #letter({ id, sent }: KnownMessage, redelivered: boolean): Letter {
    return {
      id,
      from: this.#nameOf(sent.from),
      isFromPerson: sent.from.startsWith('user:'),
      kind: sent.kind,
      text: typeof sent.text === 'string' ? sent.text : sent.text.head,
      wholeBytes: typeof sent.text === 'string' ? null : sent.text.sizeBytes,
      source: sent.source,
      replyTo: sent.replyTo,
      options: sent.options ?? [],
      redelivered,
    };
  }

  #nameOf(from: Principal): string {
    const [kind = '', ...rest] = from.split(':');
    const name = rest.join(':');
    if (kind === 'agent') return this.#store.get('agent', parsedOpId(name))?.registered?.name ?? name;
    return kind === 'node' ? 'system' : name;
  }
}
